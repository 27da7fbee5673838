// Random clusters: the allocator against a naive second implementation, that works everything out
// anew for each decision, and against the promises of drf.h.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "allocator/engine.h"
#include "base/digest.h"
#include "model/role.h"

namespace souk::allocator {
namespace {

Now at(Duration since) { return {MonoTime(since), WallTime(since)}; }
Resources bag(std::string_view text) { return Resources::parse(text).value(); }

using Who = std::pair<uint32_t, std::string>;  // framework and role

const std::map<std::string, int64_t> kWeights{{"eng", 2000}, {"web", 500}};

// --- the naive implementation
struct Piece {
  Who who;
  uint32_t agent;
  Resources resources;
};

struct NaiveClient {
  bool subscribed = true;
  bool suppressed = false;
  int64_t last_grant = 0;
};

struct NaiveFramework {
  FrameworkFacts facts;
  bool active = true;
};

struct NaiveAgent {
  Resources total;
  bool active = true;
  bool was_exceeded = false;
  std::map<Who, Resources> before;              // held when the last grant came
  std::vector<std::pair<Who, int64_t>> passes;  // oldest first, with the interval
};

struct NaiveFilter {
  Who who;
  uint32_t agent;
  Resources refused;
  MonoTime until;
};

struct Naive {
  std::map<uint32_t, NaiveAgent> agents;
  std::map<uint32_t, NaiveFramework> frameworks;
  std::map<Who, NaiveClient> clients;
  std::map<std::string, int64_t> role_grants;
  std::vector<Piece> pieces;
  std::vector<NaiveFilter> filters;
  int64_t grants = 0;
  int64_t interval = 0;
  Duration now = 0s;
  std::vector<Quantities> minimum;

  std::optional<Resources> free(uint32_t agent) const {
    Resources rest = agents.at(agent).total;
    for (const Piece& piece : pieces) {
      if (piece.agent != agent) continue;
      if (!rest.contains(piece.resources)) return std::nullopt;
      rest -= piece.resources;
    }
    return rest;
  }

  Resources held(const Who& who, uint32_t agent) const {
    Resources sum;
    for (const Piece& piece : pieces) {
      if (piece.who == who && piece.agent == agent) sum += piece.resources;
    }
    return sum;
  }

  // As a fraction with small numbers: of the first of the largest.
  template <class Mine>
  std::pair<int64_t, int64_t> share(Mine mine) const {
    std::pair<int64_t, int64_t> most{0, 1};
    for (const char* name : {"cpus", "mem", "disk", "gpus"}) {
      int64_t total = 0;
      int64_t used = 0;
      for (const auto& [key, agent] : agents) total += agent.total.scalar(name).thousandths;
      for (const Piece& piece : pieces) {
        if (mine(piece.who)) used += piece.resources.scalar(name).thousandths;
      }
      if (total > 0 && used * most.second > most.first * total) most = {used, total};
    }
    return most;
  }

  static int64_t weight(const std::string& role) {
    const auto at = kWeights.find(role);
    return at == kWeights.end() ? 1000 : at->second;
  }

  bool comes_before(const Who& a, const Who& b) const {
    const auto tie = [this](const Who& who) {
      return std::tuple(clients.at(who).last_grant, who.first);
    };
    if (a.second == b.second) {
      const auto x = share([&](const Who& who) { return who == a; });
      const auto y = share([&](const Who& who) { return who == b; });
      const int64_t left = x.first * y.second;
      const int64_t right = y.first * x.second;
      return left != right ? left < right : tie(a) < tie(b);
    }
    const auto x = share([&](const Who& who) { return who.second == a.second; });
    const auto y = share([&](const Who& who) { return who.second == b.second; });
    const auto left = static_cast<__int128>(x.first) * y.second * weight(b.second);
    const auto right = static_cast<__int128>(y.first) * x.second * weight(a.second);
    if (left != right) return left < right;
    return std::tuple(grants_of(a.second), a.second) < std::tuple(grants_of(b.second), b.second);
  }

  int64_t grants_of(const std::string& role) const {
    const auto at = role_grants.find(role);
    return at == role_grants.end() ? 0 : at->second;
  }

  bool is_usable(const Resource& item, const Who& who) const {
    const auto& capabilities = frameworks.at(who.first).facts.capabilities;
    if (item.revocable && !capabilities.has(Capability::kRevocableResources)) return false;
    if (item.shared && !capabilities.has(Capability::kSharedResources)) return false;
    const std::string role(item.reserved_role());
    return role == "*" || role == who.second || is_ancestor(role, who.second);
  }

  std::optional<Resources> offer(const Who& who, uint32_t agent) const {
    const NaiveClient& client = clients.at(who);
    const NaiveFramework& framework = frameworks.at(who.first);
    if (!framework.active || !client.subscribed || client.suppressed) return std::nullopt;
    if (agents.at(agent).total.scalar(kGpus).thousandths > 0 &&
        !framework.facts.capabilities.has(Capability::kGpuResources)) {
      return std::nullopt;
    }
    std::vector<Resource> items = free(agent).value_or(Resources()).items();
    std::erase_if(items, [&](const Resource& item) { return !is_usable(item, who); });
    const Resources mine(std::move(items));
    if (mine.empty()) return std::nullopt;
    const bool above = std::ranges::any_of(minimum, [&](const Quantities& least) {
      return mine.scalar(least[0].first) >= least[0].second;
    });
    if (!above) return std::nullopt;
    for (const NaiveFilter& filter : filters) {
      if (filter.who == who && filter.agent == agent && filter.until > MonoTime(now) &&
          filter.refused.contains(mine)) {
        return std::nullopt;
      }
    }
    return mine;
  }

  // Who should be next on this agent, and get what.
  std::optional<std::pair<Who, Resources>> next(uint32_t agent) const {
    if (!agents.at(agent).active) return std::nullopt;
    const auto& passes = agents.at(agent).passes;
    std::optional<Who> best;
    for (const auto& [who, client] : clients) {
      const bool passed =
          std::ranges::any_of(passes, [&](const auto& pass) { return pass.first == who; });
      if (passed || !offer(who, agent)) continue;
      if (!best || comes_before(who, *best)) best = who;
    }
    for (const auto& [who, interval] : passes) {
      if (!best && clients.contains(who) && offer(who, agent)) best = who;
    }
    if (!best) return std::nullopt;
    return std::pair(*best, *offer(*best, agent));
  }

  void grant(const Who& who, uint32_t agent, const Resources& resources) {
    NaiveAgent& place = agents.at(agent);
    place.before[who] = held(who, agent);
    pieces.push_back({who, agent, resources});
    ++grants;
    clients.at(who).last_grant = grants;
    role_grants[who.second] = grants;
  }

  void recovered(const Who& who, uint32_t agent, const Resources& part,
                 std::optional<Duration> refuse) {
    NaiveAgent& place = agents.at(agent);
    Resources& before = place.before[who];
    if (!refuse && before.contains(part)) before -= part;
    if (refuse && before.contains(held(who, agent))) {
      std::erase_if(place.passes, [&](const auto& pass) { return pass.first == who; });
      place.passes.emplace_back(who, interval);
    } else {
      std::erase_if(place.passes, [&](const auto& pass) { return pass.second < interval; });
    }
    if (refuse && *refuse > 0s && frameworks.at(who.first).active) {
      filters.push_back({who, agent, part, MonoTime(now) + *refuse});
    }
  }

  // Roles and clients without anything are forgotten, and so is when they last got something.
  void tidy() {
    std::erase_if(clients, [this](const auto& entry) {
      const bool holds =
          std::ranges::any_of(pieces, [&](const Piece& piece) { return piece.who == entry.first; });
      const bool gone = !entry.second.subscribed && !holds;
      if (gone) {
        std::erase_if(filters, [&](const NaiveFilter& f) { return f.who == entry.first; });
        for (auto& [key, agent] : agents) {
          std::erase_if(agent.passes, [&](const auto& p) { return p.first == entry.first; });
          agent.before.erase(entry.first);
        }
      }
      return gone;
    });
    std::erase_if(role_grants, [this](const auto& entry) {
      return std::ranges::none_of(
          clients, [&](const auto& client) { return client.first.second == entry.first; });
    });
  }
};

// --- both driven by the same random deeds
class Pair {
 public:
  explicit Pair(uint64_t seed) : drf_(Engine::Policy::kDrf, options(), Rng(seed)) {
    naive_.minimum = options().min_allocatable;
  }

  // Calm: only offers are answered, tasks end and time goes by.
  void step(uint64_t word, bool calm = false) {
    word_ = word;
    using Deed = void (Pair::*)();
    static constexpr Deed kDeeds[] = {
        &Pair::add_agent,
        &Pair::add_agent,
        &Pair::update_agent,
        &Pair::remove_agent,
        &Pair::activate_agent,
        &Pair::add_framework,
        &Pair::add_framework,
        &Pair::update_framework,
        &Pair::remove_framework,
        &Pair::activate_framework,
        &Pair::suppress_or_revive,
        &Pair::learn,
        &Pair::decline,
        &Pair::decline,
        &Pair::decline,
        &Pair::decline,
        &Pair::use,
        &Pair::use,
        &Pair::use,
        &Pair::end,
        &Pair::end,
        &Pair::end,
        &Pair::wait,
        &Pair::wait,
    };
    constexpr std::size_t kCalm = 12;  // from here on
    const std::size_t first = calm ? kCalm : 0;
    (this->*kDeeds[first + pick(std::size(kDeeds) - first)])();
  }

  void allocate() {
    naive_.tidy();
    Decisions decisions;
    drf_.allocate(at(naive_.now), decisions);
    const std::vector<Grant>& grants = decisions.grants;
    ++naive_.interval;
    for (const Grant& grant : grants) {
      const uint32_t agent = grant.agent.value;
      const auto expected = naive_.next(agent);
      RC_ASSERT(expected.has_value());
      RC_ASSERT(expected->first == Who(grant.framework.value, grant.role));
      RC_ASSERT(expected->second == grant.resources);
      naive_.grant(expected->first, agent, expected->second);
      RC_ASSERT(naive_.free(agent).has_value());  // nothing is given twice
      digest_.add(grant.framework.value)
          .add(grant.role)
          .add(agent)
          .add(grant.resources.to_string());
    }
    for (const auto& [key, agent] : naive_.agents) RC_ASSERT(!naive_.next(key).has_value());
    granted_ += grants.size();
  }

  void check() {
    const auto broken = drf_.broken_invariant();
    if (broken) RC_FAIL(*broken);
    std::optional<MonoTime> earliest;
    for (const NaiveFilter& filter : naive_.filters) {
      if (filter.until <= MonoTime(naive_.now)) continue;
      if (!earliest || filter.until < *earliest) earliest = filter.until;
    }
    // A filter that another one covers has no deadline of its own.
    const auto next = drf_.next_deadline();
    if (!earliest) RC_ASSERT(!next || *next <= MonoTime(naive_.now));
    if (earliest && next && *next > MonoTime(naive_.now)) RC_ASSERT(*next >= *earliest);
    if (earliest) RC_ASSERT(next.has_value());
  }

  uint64_t digest() const { return digest_.value(); }
  std::size_t granted() const { return granted_; }

 private:
  static Options options() {
    Options options;
    for (const auto& [role, weight] : kWeights) options.role_weights[role] = Scalar{weight};
    options.min_allocatable = parse_alternatives("cpus:0.5|mem:1").value();
    return options;
  }

  uint64_t pick(uint64_t bound) {
    const uint64_t choice = word_ % bound;
    word_ /= bound;
    return choice;
  }
  template <class Container>
  auto pick_from(Container& container) {
    auto at = container.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(pick(container.size())));
    return at;
  }

  Resources some_total() {
    static const char* const kTotals[] = {
        "cpus:4;mem:8",        "cpus:2;mem:16;ports:[1-10]",
        "cpus:4;mem:4;gpus:1", "cpus:3;mem:4;cpus(eng):2;mem(web):2",
        "cpus:0.4;mem:0.5",    "",
    };
    Resources total = bag(kTotals[pick(6)]);
    if (pick(4) == 0) {
      Resource item;
      item.name = "cpus";
      item.value = Scalar{2000};
      item.revocable = true;
      total += Resources({item});
    }
    return total;
  }

  FrameworkFacts some_framework(uint32_t key) {
    static const std::vector<std::string> kRoles[] = {{"*"},        {"eng"},        {"web"},
                                                      {"*", "eng"}, {"eng", "web"}, {"ops"}};
    FrameworkFacts facts;
    facts.key = FrameworkKey(key);
    facts.roles = kRoles[pick(6)];
    if (pick(3) == 0) facts.capabilities.add(Capability::kGpuResources);
    if (pick(3) == 0) facts.capabilities.add(Capability::kRevocableResources);
    return facts;
  }

  void wait() { naive_.now += Duration(std::chrono::seconds(pick(4))); }

  void add_agent() {
    if (naive_.agents.size() >= 4) return;
    AgentFacts facts;
    facts.key = AgentKey(++last_agent_);
    facts.total = some_total();
    naive_.agents[last_agent_].total = facts.total;
    drf_.add_agent(facts);
  }

  void update_agent() {
    if (naive_.agents.empty()) return;
    const auto agent = pick_from(naive_.agents);
    AgentFacts facts;
    facts.key = AgentKey(agent->first);
    facts.total = some_total();
    agent->second.total = facts.total;
    agent->second.was_exceeded |= !naive_.free(agent->first).has_value();
    drf_.update_agent(facts);
  }

  void remove_agent() {
    if (naive_.agents.empty() || pick(2) == 0) return;
    const uint32_t key = pick_from(naive_.agents)->first;
    std::erase_if(naive_.pieces, [key](const Piece& piece) { return piece.agent == key; });
    std::erase_if(naive_.filters, [key](const NaiveFilter& filter) { return filter.agent == key; });
    naive_.agents.erase(key);
    naive_.tidy();
    drf_.remove_agent(AgentKey(key));
  }

  void activate_agent() {
    if (naive_.agents.empty()) return;
    const auto agent = pick_from(naive_.agents);
    agent->second.active = pick(4) != 0;
    drf_.set_agent_active(AgentKey(agent->first), agent->second.active);
  }

  void subscribe(const FrameworkFacts& facts, const std::vector<std::string>& suppressed) {
    const uint32_t key = facts.key.value;
    naive_.frameworks[key].facts = facts;
    for (auto& [who, client] : naive_.clients) {
      if (who.first == key) client.subscribed = false;
    }
    for (const std::string& role : facts.roles) {
      NaiveClient& client = naive_.clients[{key, role}];
      client.subscribed = true;
      client.suppressed = std::ranges::count(suppressed, role) > 0;
    }
    naive_.tidy();
  }

  std::vector<std::string> some_roles() {
    if (pick(2) == 0) return {};
    return {pick(2) == 0 ? "eng" : "*"};
  }

  void add_framework() {
    if (naive_.frameworks.size() >= 4) return;
    const FrameworkFacts facts = some_framework(++last_framework_);
    const auto suppressed = some_roles();
    subscribe(facts, suppressed);
    drf_.add_framework(facts, suppressed);
  }

  void update_framework() {
    if (naive_.frameworks.empty()) return;
    const FrameworkFacts facts = some_framework(pick_from(naive_.frameworks)->first);
    const auto suppressed = some_roles();
    subscribe(facts, suppressed);
    drf_.update_framework(facts, suppressed);
  }

  void remove_framework() {
    if (naive_.frameworks.empty() || pick(2) == 0) return;
    const uint32_t key = pick_from(naive_.frameworks)->first;
    while (true) {
      const auto piece = std::ranges::find_if(
          naive_.pieces, [key](const Piece& candidate) { return candidate.who.first == key; });
      if (piece == naive_.pieces.end()) break;
      give_back(piece, piece->resources, std::nullopt);
    }
    for (auto& [who, client] : naive_.clients) client.subscribed &= who.first != key;
    naive_.tidy();
    naive_.frameworks.erase(key);
    drf_.remove_framework(FrameworkKey(key));
  }

  void activate_framework() {
    if (naive_.frameworks.empty()) return;
    const auto framework = pick_from(naive_.frameworks);
    const uint32_t key = framework->first;
    const bool active = pick(3) != 0;
    if (framework->second.active && !active) {
      std::erase_if(naive_.filters,
                    [key](const NaiveFilter& filter) { return filter.who.first == key; });
    }
    framework->second.active = active;
    drf_.set_framework_active(FrameworkKey(key), active);
  }

  void suppress_or_revive() {
    if (naive_.frameworks.empty()) return;
    const uint32_t key = pick_from(naive_.frameworks)->first;
    const bool revive = pick(3) != 0;
    const auto roles = some_roles();
    for (auto& [who, client] : naive_.clients) {
      if (who.first != key || !(roles.empty() || std::ranges::count(roles, who.second))) continue;
      client.suppressed = !revive;
      if (!revive) continue;
      std::erase_if(naive_.filters, [&](const NaiveFilter& filter) { return filter.who == who; });
    }
    revive ? drf_.revive(FrameworkKey(key), roles) : drf_.suppress(FrameworkKey(key), roles);
  }

  void learn() {
    if (naive_.agents.empty() || naive_.frameworks.empty()) return;
    const uint32_t agent = pick_from(naive_.agents)->first;
    const uint32_t framework = pick_from(naive_.frameworks)->first;
    const std::string role = pick(2) == 0 ? "*" : "eng";
    const Resources resources = bag(pick(2) == 0 ? "cpus:1;mem:1" : "cpus:0.5;ports:[3-4]");
    auto [client, added] = naive_.clients.try_emplace({framework, role});
    if (added) client->second.subscribed = false;
    naive_.pieces.push_back({{framework, role}, agent, resources});
    naive_.agents.at(agent).was_exceeded |= !naive_.free(agent).has_value();
    drf_.allocated(FrameworkKey(framework), role, AgentKey(agent), resources);
  }

  void give_back(std::vector<Piece>::iterator piece, const Resources& part,
                 std::optional<Duration> refuse) {
    const Who who = piece->who;
    const uint32_t agent = piece->agent;
    const Resources returned = part;
    piece->resources -= returned;
    if (piece->resources.empty()) naive_.pieces.erase(piece);
    // What counts as unused on an agent that was exceeded is not laid down.
    if (naive_.agents.at(agent).was_exceeded) refuse.reset();
    naive_.recovered(who, agent, returned, refuse);
    naive_.tidy();
    drf_.recovered(FrameworkKey(who.first), who.second, AgentKey(agent), returned, refuse,
                   at(naive_.now));
  }

  void decline() {
    if (naive_.pieces.empty()) return;
    const auto piece = pick_from(naive_.pieces);
    give_back(piece, piece->resources, Duration(std::chrono::seconds(pick(4))));
  }

  void use() {
    if (naive_.pieces.empty()) return;
    const auto piece = pick_from(naive_.pieces);
    std::vector<Resource> items = piece->resources.items();
    for (Resource& item : items) {
      if (auto* scalar = std::get_if<Scalar>(&item.value)) scalar->thousandths /= 2;
    }
    const Resources rest(std::move(items));
    if (rest.empty() || rest == piece->resources) return;
    give_back(piece, rest, Duration(std::chrono::seconds(pick(3))));
  }

  void end() {
    if (naive_.pieces.empty()) return;
    const auto piece = pick_from(naive_.pieces);
    give_back(piece, piece->resources, std::nullopt);
  }

  Engine drf_;
  Naive naive_;
  Digest digest_;
  uint64_t word_ = 0;
  uint32_t last_agent_ = 0;
  uint32_t last_framework_ = 0;
  std::size_t granted_ = 0;
};

uint64_t run(uint64_t seed, const std::vector<uint64_t>& words) {
  Pair pair(seed);
  for (const uint64_t word : words) {
    pair.step(word / 4);
    pair.check();
    if (word % 4 == 0) continue;  // several facts before the next decision
    pair.allocate();
    pair.check();
  }
  return pair.digest();
}

auto many_words() {
  return rc::gen::scale(5.0, rc::gen::container<std::vector<uint64_t>>(rc::gen::map(
                                 rc::gen::arbitrary<uint32_t>(),
                                 [](uint32_t seed) { return Rng(seed).next() >> 1; })));
}

RC_GTEST_PROP(DrfProperty, DecidesAsTheNaiveImplementation, (uint64_t seed)) {
  run(seed, *many_words());
}

// The same facts and the same seed: the same grants in the same order.
RC_GTEST_PROP(DrfProperty, IsDeterministic, (uint64_t seed)) {
  const auto words = *many_words();
  RC_ASSERT(run(seed, words) == run(seed, words));
}

// Long runs, which random words seldom give; and proof that a good part of the words leads to
// decisions.
TEST(DrfProperty, LongRunsToo) {
  std::size_t granted = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Pair pair(seed);
    Rng rng(seed + 1000);
    for (int i = 0; i < 1000; ++i) {
      pair.step(rng.next(), i % 100 > 30);
      if (rng.below(4) != 0) pair.allocate();
      pair.check();
    }
    granted += pair.granted();
  }
  EXPECT_GT(granted, 4000u);
}

// The bound of drf.h: whatever the shares, whoever revives, between two offers of an agent to the
// same client, with no use in between, all others get it.
RC_GTEST_PROP(DrfProperty, WhoHandsBackWaitsForAllOthers, (uint64_t seed)) {
  Rng rng(seed);
  Engine drf(Engine::Policy::kDrf, {.role_weights = {{"eng", Scalar{50'000}}}}, Rng(seed));
  AgentFacts contested;
  contested.key = AgentKey(1);
  contested.total = bag("cpus:8;mem:8");
  drf.add_agent(contested);
  AgentFacts elsewhere;
  elsewhere.key = AgentKey(2);
  elsewhere.total = bag("cpus:100;mem:100");
  drf.add_agent(elsewhere);
  drf.set_agent_active(elsewhere.key, false);
  const auto clients = static_cast<uint32_t>(2 + rng.below(7));
  std::map<uint32_t, std::string> roles;
  for (uint32_t key = 1; key <= clients; ++key) {
    FrameworkFacts facts;
    facts.key = FrameworkKey(key);
    roles[key] = rng.below(2) == 0 ? "*" : "eng";
    facts.roles = {roles[key]};
    drf.add_framework(facts, {});
  }
  std::map<uint32_t, std::set<uint32_t>> seen_since;  // by client: who got it after its last offer
  for (int turn = 0; turn < 100; ++turn) {
    Decisions decisions;
    drf.allocate(at(0s), decisions);
    const std::vector<Grant>& grants = decisions.grants;
    RC_ASSERT(grants.size() == 1u);
    const uint32_t key = grants[0].framework.value;
    const auto last = seen_since.find(key);
    if (last != seen_since.end()) RC_ASSERT(last->second.size() == clients - 1);
    for (auto& [other, seen] : seen_since) seen.insert(key);
    seen_since[key].clear();
    // Shares change, the agent is not used, and somebody is impatient.
    const auto lucky = static_cast<uint32_t>(1 + rng.below(clients));
    drf.allocated(FrameworkKey(lucky), roles[lucky], elsewhere.key, bag("cpus:1"));
    drf.recovered(grants[0].framework, grants[0].role, grants[0].agent, grants[0].resources,
                  Refusal(0s), at(0s));
    drf.revive(FrameworkKey(static_cast<uint32_t>(1 + rng.below(clients))), {});
  }
}

}  // namespace
}  // namespace souk::allocator
