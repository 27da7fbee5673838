// For property tests: a random cluster, with a tree of roles and quota, driven through an
// allocator's interface, and plain books of it that are worked out anew for every question. The
// books know nothing of how the allocator works; they repeat what the comments of allocator.h and
// engine.h promise.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "allocator/allocator.h"
#include "base/rng.h"
#include "model/role.h"

namespace souk::allocator::naive {

// Sanitizers make these tests ten times slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr uint64_t kFewerBy = 10;
#else
inline constexpr uint64_t kFewerBy = 1;
#endif

using Who = std::pair<uint32_t, std::string>;  // framework and role: a client
using Sums = std::map<std::string, int64_t>;   // thousandths by name

inline Now at(Duration since) { return {MonoTime(since), WallTime(since)}; }
inline Resources bag(std::string_view text) { return Resources::parse(text).value(); }

// Quota is about these.
inline bool counts(const Resource& item) {
  return std::holds_alternative<Scalar>(item.value) && item.reservations->empty() &&
         !item.revocable;
}
inline int64_t amount(const Sums& sums, const std::string& name) {
  const auto at = sums.find(name);
  return at == sums.end() ? 0 : at->second;
}
inline void add_to(Sums& sums, const Sums& more) {
  for (const auto& [name, sum] : more) sums[name] += sum;
}
inline Sums counted(const Resources& resources) {
  Sums sums;
  for (const Resource& item : resources.items()) {
    if (counts(item)) sums[item.name] += std::get<Scalar>(item.value).thousandths;
  }
  return sums;
}
inline std::optional<int64_t> find(const Quantities& quantities, const std::string& name) {
  for (const auto& [other, scalar] : quantities) {
    if (other == name) return scalar.thousandths;
  }
  return std::nullopt;
}
inline bool is_in(const std::string& role, const std::string& tree) {
  return role == tree || is_ancestor(tree, role);
}
// The role and all above it.
inline std::vector<std::string> path_of(std::string role) {
  std::vector<std::string> path{role};
  while (role.find('/') != std::string::npos) {
    role.resize(role.rfind('/'));
    path.push_back(role);
  }
  return path;
}

struct Piece {
  Who who;
  uint32_t agent;
  Resources resources;
  bool offered = false;  // no: in use
  bool is_new = false;   // granted by this very allocate()
};
struct Client {
  bool subscribed = true;
  bool suppressed = false;
  int64_t last_grant = 0;
};
struct Framework {
  FrameworkFacts facts;
  bool active = true;
};
struct Agent {
  Resources total;
  bool active = true;
  bool was_exceeded = false;
  std::map<Who, Resources> before;              // held when the last grant came
  std::vector<std::pair<Who, int64_t>> passes;  // handed back unused: oldest first, with the round
};
struct Filter {
  Who who;
  uint32_t agent;
  Resources refused;
  MonoTime until;
};

struct Books {
  std::map<uint32_t, Agent> agents;
  std::map<uint32_t, Framework> frameworks;
  std::map<Who, Client> clients;
  std::map<std::string, int64_t> role_grants;  // the last one in or below it
  std::map<std::string, int64_t> own_grants;   // the last one to its own frameworks
  std::map<std::string, Quota> quotas;
  std::map<std::string, int64_t> weights;
  std::vector<Quantities> minimum;
  std::vector<Piece> pieces;
  std::vector<Filter> filters;
  int64_t grants = 0;
  int64_t round = 0;
  Duration now = 0s;

  // --- what is where
  // Nothing: more is held than there is.
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

  // --- quota
  // Of a role and all below it: its reservations, in use or not, and what it holds unreserved.
  Sums consumption(const std::string& role) const {
    Sums sums;
    for (const auto& [key, agent] : agents) {
      for (const Resource& item : agent.total.items()) {
        const auto* scalar = std::get_if<Scalar>(&item.value);
        const bool mine =
            !item.reservations->empty() && is_in(std::string(item.reserved_role()), role);
        if (mine && scalar != nullptr) sums[item.name] += scalar->thousandths;
      }
    }
    for (const Piece& piece : pieces) {
      if (is_in(piece.who.second, role)) add_to(sums, counted(piece.resources));
    }
    return sums;
  }
  // What is lacking to meet all guarantees in and below a role (empty: of all). A guarantee covers
  // those below it.
  Sums needed(const std::string& role) const {
    Sums lacking = needed_below(role);
    const auto quota = quotas.find(role);
    if (quota == quotas.end()) return lacking;
    const Sums consumed = consumption(role);
    for (const auto& [name, scalar] : quota->second.guarantees) {
      const int64_t lack = scalar.thousandths - amount(consumed, name);
      if (lack > amount(lacking, name)) lacking[name] = lack;
    }
    return lacking;
  }
  Sums needed_below(const std::string& role) const {
    std::set<std::string> children;
    for (const auto& [name, quota] : quotas) {
      for (const std::string& place : path_of(name)) {
        const std::size_t slash = place.rfind('/');
        const std::string parent = slash == std::string::npos ? "" : place.substr(0, slash);
        if (parent == role) children.insert(place);
      }
    }
    Sums below;
    for (const std::string& child : children) add_to(below, needed(child));
    return below;
  }
  // What somebody in this role can get on behalf of unmet guarantees: of its own role's and those
  // above, what those below them do not need.
  int64_t guaranteed_room(const std::string& role, const std::string& name) const {
    int64_t room = 0;
    for (const std::string& place : path_of(role)) {
      room += amount(needed(place), name) - amount(needed_below(place), name);
    }
    return room;
  }
  Sums available() const {
    Sums sums;
    for (const auto& [key, agent] : agents) {
      if (agent.active) add_to(sums, counted(free(key).value_or(Resources())));
    }
    return sums;
  }
  std::optional<int64_t> limit_room(const std::string& role, const std::string& name) const {
    std::optional<int64_t> least;
    for (const std::string& place : path_of(role)) {
      const auto quota = quotas.find(place);
      if (quota == quotas.end()) continue;
      const auto limit = find(quota->second.limits, name);
      if (!limit) continue;
      const int64_t room = *limit - amount(consumption(place), name);
      if (!least || room < *least) least = room;
    }
    return least;
  }
  // Nothing: no bound.
  std::optional<int64_t> room(const std::string& role, const std::string& name) const {
    const auto limit = limit_room(role, name);
    const int64_t lack = amount(needed(""), name);
    if (lack == 0) return limit;
    const int64_t surplus = std::max<int64_t>(amount(available(), name) - lack, 0);
    const int64_t most = guaranteed_room(role, name) + surplus;
    return limit ? std::min(*limit, most) : most;
  }
  Resources cut_by_quota(const std::string& role, const Resources& resources) const {
    if (quotas.empty()) return resources;
    // No more cpus, or mem: then the rest is of no use. Who lacks something guaranteed gets that
    // all the same, unless a limit stands against it.
    bool lacks = false;
    for (const auto& [name, lack] : needed("")) lacks = lacks || guaranteed_room(role, name) > 0;
    bool spent = false;
    for (const char* name : {"cpus", "mem"}) {
      const auto most = lacks ? limit_room(role, name) : room(role, name);
      spent = spent || (most && *most <= 0);
    }
    std::vector<Resource> items = resources.items();
    std::erase_if(items, [&](Resource& item) {
      if (!counts(item)) return item.reservations->empty() && !item.revocable && spent;
      auto& scalar = std::get<Scalar>(item.value);
      const auto most = room(role, item.name);
      if (most) scalar.thousandths = std::clamp<int64_t>(*most, 0, scalar.thousandths);
      return spent || scalar.thousandths == 0;
    });
    return Resources(std::move(items));
  }

  // --- who may get what
  bool is_usable(const Resource& item, const Who& who) const {
    const auto& capabilities = frameworks.at(who.first).facts.capabilities;
    if (item.revocable && !capabilities.has(Capability::kRevocableResources)) return false;
    const std::string role(item.reserved_role());
    return role == "*" || is_in(who.second, role);
  }
  bool wants_offers(const Who& who) const {
    const auto client = clients.find(who);
    const auto framework = frameworks.find(who.first);
    return client != clients.end() && framework != frameworks.end() && framework->second.active &&
           client->second.subscribed && !client->second.suppressed;
  }
  // Agents with GPUs are for those that can use them.
  bool may_use(const Who& who, uint32_t agent) const {
    return agents.at(agent).total.scalar(kGpus).thousandths == 0 ||
           frameworks.at(who.first).facts.capabilities.has(Capability::kGpuResources);
  }
  // But for filters.
  Resources offerable(const Who& who, uint32_t agent) const {
    if (!wants_offers(who) || !agents.at(agent).active || !may_use(who, agent)) return {};
    std::vector<Resource> items = free(agent).value_or(Resources()).items();
    std::erase_if(items, [&](const Resource& item) { return !is_usable(item, who); });
    Resources mine = cut_by_quota(who.second, Resources(std::move(items)));
    const bool above = minimum.empty() || std::ranges::any_of(minimum, [&](const auto& least) {
                         return mine.scalar(least[0].first) >= least[0].second;
                       });
    return above ? mine : Resources();
  }
  bool refuses(const Who& who, uint32_t agent, const Resources& offer) const {
    return std::ranges::any_of(filters, [&](const Filter& filter) {
      return filter.who == who && filter.agent == agent && filter.until > MonoTime(now) &&
             filter.refused.contains(offer);
    });
  }

  // --- what happens
  void grant(const Who& who, uint32_t agent, const Resources& resources) {
    agents.at(agent).before[who] = held(who, agent);
    pieces.push_back({who, agent, resources, true, true});
    ++grants;
    clients.at(who).last_grant = grants;
    own_grants[who.second] = grants;
    for (const std::string& place : path_of(who.second)) role_grants[place] = grants;
  }
  // After the piece has been taken out.
  void recovered(const Who& who, uint32_t agent, const Resources& part,
                 std::optional<Duration> refuse) {
    Agent& place = agents.at(agent);
    Resources& before = place.before[who];
    if (!refuse && before.contains(part)) before -= part;
    if (refuse && before.contains(held(who, agent))) {
      std::erase_if(place.passes, [&](const auto& pass) { return pass.first == who; });
      place.passes.emplace_back(who, round);
    } else {
      std::erase_if(place.passes, [&](const auto& pass) { return pass.second < round; });
    }
    if (refuse && *refuse > 0s && frameworks.at(who.first).active) {
      filters.push_back({who, agent, part, MonoTime(now) + *refuse});
    }
  }
  // Clients without anything are forgotten, and so is when roles last got something that have none.
  void tidy() {
    std::erase_if(clients, [this](const auto& entry) {
      const Who& who = entry.first;
      const bool holds =
          std::ranges::any_of(pieces, [&](const Piece& piece) { return piece.who == who; });
      const bool gone = !entry.second.subscribed && !holds;
      if (gone) {
        std::erase_if(filters, [&](const Filter& filter) { return filter.who == who; });
        for (auto& [key, agent] : agents) {
          std::erase_if(agent.passes, [&](const auto& pass) { return pass.first == who; });
          agent.before.erase(who);
        }
      }
      return gone;
    });
    std::erase_if(own_grants, [this](const auto& entry) {
      return std::ranges::none_of(
          clients, [&](const auto& client) { return client.first.second == entry.first; });
    });
    std::erase_if(role_grants, [this](const auto& entry) {
      return std::ranges::none_of(
          clients, [&](const auto& client) { return is_in(client.first.second, entry.first); });
    });
  }
};

struct Scale {
  std::size_t agents = 4;
  std::size_t frameworks = 5;
  uint64_t refusal_seconds = 4;  // below so many
  bool obstinate = false;        // agents stay, and frameworks refuse nearly all that they get
};

// Does random deeds, each determined by a word; the books follow.
class Cluster {
 public:
  Cluster(std::unique_ptr<Allocator> allocator, const Options& options, bool with_quota,
          Scale scale = {})
      : allocator_(std::move(allocator)), with_quota_(with_quota), scale_(scale) {
    books_.minimum = options.min_allocatable;
    for (const auto& [role, weight] : options.role_weights) {
      books_.weights[role] = weight.thousandths;
    }
  }

  const Books& books() const { return books_; }
  std::size_t granted() const { return granted_; }

  // Calm: only offers are answered, tasks end and time goes by.
  void step(uint64_t word, bool calm = false) {
    rng_ = Rng(word);
    using Deed = void (Cluster::*)();
    static constexpr Deed kDeeds[] = {
        &Cluster::add_agent,
        &Cluster::add_agent,
        &Cluster::update_agent,
        &Cluster::remove_agent,
        &Cluster::activate_agent,
        &Cluster::add_framework,
        &Cluster::add_framework,
        &Cluster::update_framework,
        &Cluster::remove_framework,
        &Cluster::activate_framework,
        &Cluster::suppress_or_revive,
        &Cluster::learn,
        &Cluster::set_weight,
        &Cluster::set_quota,
        &Cluster::set_quota,
        &Cluster::decline,
        &Cluster::decline,
        &Cluster::decline,
        &Cluster::decline,
        &Cluster::use_part,
        &Cluster::use_part,
        &Cluster::use_all,
        &Cluster::use_all,
        &Cluster::end,
        &Cluster::end,
        &Cluster::end,
        &Cluster::wait,
        &Cluster::wait,
    };
    constexpr std::size_t kCalm = 15;  // from here on
    static constexpr Deed kRare[] = {&Cluster::add_agent,
                                     &Cluster::use_part,
                                     &Cluster::suppress_or_revive,
                                     &Cluster::suppress_or_revive,
                                     &Cluster::end,
                                     &Cluster::end,
                                     &Cluster::end,
                                     &Cluster::wait};
    if (scale_.obstinate) {
      const uint64_t choice = pick(40);
      if (choice < std::size(kRare)) return (this->*kRare[choice])();
      return choice % 4 == 0 ? add_framework() : decline();
    }
    const std::size_t first = calm ? kCalm : 0;
    (this->*kDeeds[first + pick(std::size(kDeeds) - first)])();
  }

  // What is wrong; empty: nothing. `on_grant(books, grant)` is asked before each grant is booked,
  // `at_end(books)` after the last one; both return what is wrong.
  template <class OnGrant, class AtEnd>
  std::string allocate(OnGrant on_grant, AtEnd at_end) {
    books_.tidy();
    for (Piece& piece : books_.pieces) piece.is_new = false;
    Decisions decisions;
    allocator_->allocate(at(books_.now), decisions);
    ++books_.round;
    for (const Grant& grant : decisions.grants) {
      std::string wrong = on_grant(books_, grant);
      if (!wrong.empty()) return wrong + ": " + to_text(grant);
      books_.grant({grant.framework.value, grant.role}, grant.agent.value, grant.resources);
    }
    granted_ += decisions.grants.size();
    std::string wrong = at_end(books_);
    for (const Rescind& rescind : decisions.rescinds) {
      if (wrong.empty()) wrong = take_back(rescind);
    }
    return wrong;
  }

  static std::string to_text(const Grant& grant) {
    return fmt::format("{} to {} in {} on {}", grant.resources.to_string(), grant.framework.value,
                       grant.role, grant.agent.value);
  }

 private:
  using PieceAt = std::vector<Piece>::iterator;

  uint64_t pick(uint64_t bound) { return rng_.below(bound); }
  template <class Container>
  auto pick_from(Container& container) {
    auto at = container.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(pick(container.size())));
    return at;
  }
  PieceAt pick_piece(bool offered) {
    const auto fits = [offered](const Piece& piece) { return piece.offered == offered; };
    const auto count = std::ranges::count_if(books_.pieces, fits);
    if (count == 0) return books_.pieces.end();
    auto left = static_cast<int64_t>(pick(static_cast<uint64_t>(count)));
    return std::ranges::find_if(books_.pieces,
                                [&](const Piece& piece) { return fits(piece) && left-- == 0; });
  }
  std::string some_role() {
    static const char* const kRoles[] = {"*", "a", "a/b", "a/b/c", "a/d", "e", "e/f", "e/f/g"};
    return kRoles[pick(8)];
  }
  Resources some_total() {
    static const char* const kTotals[] = {"cpus:4;mem:8",
                                          "cpus:2;mem:16;ports:[1-10]",
                                          "cpus:4;mem:4;disk:10",
                                          "cpus:3;mem:4;cpus(a):2;mem(a/b):2",
                                          "cpus(e/f):2;mem(e):2;mem:4;cpus:1",
                                          "cpus:4;mem:4;gpus:1",
                                          "cpus:0.4;mem:0.5",
                                          "mem:6",
                                          ""};
    Resources total = bag(kTotals[scale_.obstinate ? pick(2) : pick(9)]);
    if (pick(4) > 0) return total;
    Resource item;
    item.name = "cpus";
    item.value = Scalar{2000};
    item.revocable = true;
    return total + Resources({item});
  }
  Quantities some_quantities() {
    static const char* const kTexts[] = {"cpus:2;mem:2", "cpus:4", "mem:6;cpus:1", "disk:4;cpus:2",
                                         "cpus:9;mem:20"};
    return quantities_of(bag(kTexts[pick(5)]));
  }
  FrameworkFacts some_framework(uint32_t key) {
    FrameworkFacts facts;
    facts.key = FrameworkKey(key);
    std::set<std::string> roles{some_role()};
    if (pick(2) == 0) roles.insert(some_role());
    facts.roles.assign(roles.begin(), roles.end());
    if (pick(3) == 0) facts.capabilities.add(Capability::kRevocableResources);
    if (pick(2) == 0) facts.capabilities.add(Capability::kGpuResources);
    return facts;
  }
  std::vector<std::string> some_roles() {
    if (pick(2) == 0) return {};
    return {some_role()};
  }

  void wait() { books_.now += Duration(std::chrono::seconds(pick(4))); }

  void add_agent() {
    if (books_.agents.size() >= scale_.agents) return;
    AgentFacts facts;
    facts.key = AgentKey(++last_agent_);
    facts.total = some_total();
    books_.agents[last_agent_].total = facts.total;
    allocator_->add_agent(facts);
  }
  void update_agent() {
    if (books_.agents.empty()) return;
    const auto agent = pick_from(books_.agents);
    AgentFacts facts;
    facts.key = AgentKey(agent->first);
    facts.total = some_total();
    agent->second.total = facts.total;
    agent->second.was_exceeded |= !books_.free(agent->first).has_value();
    allocator_->update_agent(facts);
  }
  void remove_agent() {
    if (books_.agents.empty() || pick(2) == 0) return;
    const uint32_t key = pick_from(books_.agents)->first;
    std::erase_if(books_.pieces, [key](const Piece& piece) { return piece.agent == key; });
    std::erase_if(books_.filters, [key](const Filter& filter) { return filter.agent == key; });
    books_.agents.erase(key);
    books_.tidy();
    allocator_->remove_agent(AgentKey(key));
  }
  void activate_agent() {
    if (books_.agents.empty()) return;
    const auto agent = pick_from(books_.agents);
    agent->second.active = pick(4) != 0;
    allocator_->set_agent_active(AgentKey(agent->first), agent->second.active);
  }

  void subscribe(const FrameworkFacts& facts, const std::vector<std::string>& suppressed) {
    const uint32_t key = facts.key.value;
    books_.frameworks[key].facts = facts;
    for (auto& [who, client] : books_.clients) {
      if (who.first == key) client.subscribed = false;
    }
    for (const std::string& role : facts.roles) {
      Client& client = books_.clients[{key, role}];
      client.subscribed = true;
      client.suppressed = std::ranges::count(suppressed, role) > 0;
    }
    books_.tidy();
  }
  void add_framework() {
    if (books_.frameworks.size() >= scale_.frameworks) return;
    const FrameworkFacts facts = some_framework(++last_framework_);
    const auto suppressed = some_roles();
    subscribe(facts, suppressed);
    allocator_->add_framework(facts, suppressed);
  }
  void update_framework() {
    if (books_.frameworks.empty()) return;
    const FrameworkFacts facts = some_framework(pick_from(books_.frameworks)->first);
    const auto suppressed = some_roles();
    subscribe(facts, suppressed);
    allocator_->update_framework(facts, suppressed);
  }
  void remove_framework() {
    if (books_.frameworks.empty() || pick(2) == 0) return;
    const uint32_t key = pick_from(books_.frameworks)->first;
    while (true) {
      const auto piece = std::ranges::find_if(
          books_.pieces, [key](const Piece& candidate) { return candidate.who.first == key; });
      if (piece == books_.pieces.end()) break;
      give_back(piece, piece->resources, std::nullopt);
    }
    for (auto& [who, client] : books_.clients) client.subscribed &= who.first != key;
    books_.tidy();
    books_.frameworks.erase(key);
    allocator_->remove_framework(FrameworkKey(key));
  }
  void activate_framework() {
    if (books_.frameworks.empty()) return;
    const auto framework = pick_from(books_.frameworks);
    const uint32_t key = framework->first;
    const bool active = pick(3) != 0;
    if (framework->second.active && !active) {
      std::erase_if(books_.filters,
                    [key](const Filter& filter) { return filter.who.first == key; });
    }
    framework->second.active = active;
    allocator_->set_framework_active(FrameworkKey(key), active);
  }
  void suppress_or_revive() {
    if (books_.frameworks.empty()) return;
    const uint32_t key = pick_from(books_.frameworks)->first;
    const bool revive = pick(3) != 0;
    const auto roles = some_roles();
    for (auto& [who, client] : books_.clients) {
      if (who.first != key || !(roles.empty() || std::ranges::count(roles, who.second))) continue;
      client.suppressed = !revive;
      if (!revive) continue;
      const Who& revived = who;
      std::erase_if(books_.filters, [&](const Filter& filter) { return filter.who == revived; });
    }
    revive ? allocator_->revive(FrameworkKey(key), roles)
           : allocator_->suppress(FrameworkKey(key), roles);
  }

  void set_weight() {
    const std::string role = some_role();
    const auto weight = static_cast<int64_t>(500 * (1 + pick(6)));
    books_.weights[role] = weight;
    allocator_->set_weight(role, Scalar{weight});
  }
  void set_quota() {
    if (!with_quota_) return;
    const std::string role = some_role();
    Quota quota;
    if (role != "*" && pick(3) > 0) quota.guarantees = some_quantities();
    if (role != "*" && pick(3) == 0) quota.limits = some_quantities();
    books_.quotas.erase(role);
    if (!quota.empty()) books_.quotas[role] = quota;
    allocator_->set_quota(role, quota);
  }

  void learn() {
    if (books_.agents.empty() || books_.frameworks.empty()) return;
    const uint32_t agent = pick_from(books_.agents)->first;
    const uint32_t framework = pick_from(books_.frameworks)->first;
    const std::string role = some_role();
    const Resources resources = bag(pick(2) == 0 ? "cpus:1;mem:1" : "cpus:0.5;ports:[3-4]");
    auto [client, added] = books_.clients.try_emplace({framework, role});
    if (added) client->second.subscribed = false;
    books_.pieces.push_back({{framework, role}, agent, resources});
    books_.agents.at(agent).was_exceeded |= !books_.free(agent).has_value();
    allocator_->allocated(FrameworkKey(framework), role, AgentKey(agent), resources);
  }
  void give_back(PieceAt piece, const Resources& part, std::optional<Duration> refuse) {
    const Who who = piece->who;
    const uint32_t agent = piece->agent;
    // `part` may be the piece's own. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
    const Resources returned = part;
    const bool was_offered = piece->offered;
    piece->resources -= returned;
    if (piece->resources.empty()) books_.pieces.erase(piece);
    // What counts as unused on an agent that was exceeded is not laid down.
    if (books_.agents.at(agent).was_exceeded) refuse.reset();
    books_.recovered(who, agent, returned, refuse);
    books_.tidy();
    std::optional<Refusal> refusal;
    if (refuse) {
      refusal = Refusal(*refuse);
    } else if (was_offered) {  // used, and over at once
      allocator_->accepted(FrameworkKey(who.first), who.second, AgentKey(agent), returned);
    }
    allocator_->recovered(FrameworkKey(who.first), who.second, AgentKey(agent), returned, refusal,
                          at(books_.now));
  }
  void decline() {
    const auto piece = pick_piece(true);
    if (piece == books_.pieces.end()) return;
    give_back(piece, piece->resources,
              Duration(std::chrono::seconds(pick(scale_.refusal_seconds))));
  }
  void use_all() {
    const auto piece = pick_piece(true);
    if (piece == books_.pieces.end()) return;
    piece->offered = false;
    allocator_->accepted(FrameworkKey(piece->who.first), piece->who.second, AgentKey(piece->agent),
                         piece->resources);
  }
  void use_part() {
    const auto piece = pick_piece(true);
    if (piece == books_.pieces.end() || books_.agents.at(piece->agent).was_exceeded) return;
    std::vector<Resource> items = piece->resources.items();
    for (Resource& item : items) {
      if (auto* scalar = std::get_if<Scalar>(&item.value)) scalar->thousandths /= 2;
    }
    const Resources rest(std::move(items));
    if (rest.empty() || rest == piece->resources) return;
    piece->offered = false;
    allocator_->accepted(FrameworkKey(piece->who.first), piece->who.second, AgentKey(piece->agent),
                         piece->resources - rest);
    give_back(piece, rest, Duration(std::chrono::seconds(pick(3))));
  }
  void end() {
    const auto piece = pick_piece(false);
    if (piece != books_.pieces.end()) give_back(piece, piece->resources, std::nullopt);
  }

  std::string take_back(const Rescind& rescind) {
    const Who who(rescind.framework.value, rescind.role);
    bool found = false;
    while (true) {
      const auto piece = std::ranges::find_if(books_.pieces, [&](const Piece& candidate) {
        return candidate.who == who && candidate.agent == rescind.agent.value &&
               candidate.offered && !candidate.is_new;
      });
      if (piece == books_.pieces.end()) break;
      found = true;
      give_back(piece, piece->resources, Duration(0s));
    }
    return found ? "" : "rescinds what is not offered";
  }

  std::unique_ptr<Allocator> allocator_;
  Books books_;
  Rng rng_{0};
  bool with_quota_;
  Scale scale_;
  uint32_t last_agent_ = 0;
  uint32_t last_framework_ = 0;
  std::size_t granted_ = 0;
};

}  // namespace souk::allocator::naive
