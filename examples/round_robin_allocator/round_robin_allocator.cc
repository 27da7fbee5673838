#include "round_robin_allocator.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "filters.h"

namespace round_robin {
namespace {

using namespace souk;             // NOLINT(google-build-using-namespace)
using namespace souk::allocator;  // NOLINT(google-build-using-namespace)

struct Framework {
  FrameworkFacts facts;
  bool active = true;
  std::set<std::string> suppressed;
  std::map<std::string, uint64_t> turns;  // by role: when it was offered something last
};

struct Agent {
  AgentFacts facts;
  bool active = true;
  std::map<Client, Resources> offered;
  std::vector<std::pair<Client, Resources>> used;  // two tasks may claim the same port
  std::map<Client, uint64_t> turns;                // when it was offered something of this agent
};

// The intersection of two bags.
Resources common(const Resources& a, const Resources& b) {
  std::vector<Resource> items;
  for (Resource item : a.items()) {
    const auto other = std::find_if(b.items().begin(), b.items().end(),
                                    [&](const Resource& each) { return each.same_kind(item); });
    if (other == b.items().end()) continue;
    if (auto* scalar = std::get_if<Scalar>(&item.value)) {
      *scalar = std::min(*scalar, std::get<Scalar>(other->value));
    } else if (auto* ranges = std::get_if<Ranges>(&item.value)) {
      *ranges -= *ranges - std::get<Ranges>(other->value);
    } else if (auto* names = std::get_if<NameSet>(&item.value)) {
      *names -= *names - std::get<NameSet>(other->value);
    }
    items.push_back(std::move(item));
  }
  return Resources(std::move(items));
}

Resources without(const Resources& resources, bool Resource::* flag) {
  std::vector<Resource> items = resources.items();
  std::erase_if(items, [flag](const Resource& item) { return item.*flag; });
  return Resources(std::move(items));
}

// Weights and quotas are not for it, and it evaluates no offer constraints.
class RoundRobin final : public Allocator {
 public:
  RoundRobin(Options options, Rng rng, bool shuffle)
      : options_(std::move(options)), rng_(rng), shuffle_(shuffle) {}

  void add_agent(const AgentFacts& agent) override {
    agents_[agent.key].facts = agent;
    changed_.insert(agent.key);
  }
  void update_agent(const AgentFacts& agent) override {
    agents_.at(agent.key).facts = agent;
    changed_.insert(agent.key);
  }
  void remove_agent(AgentKey agent) override {
    agents_.erase(agent);
    filters_.forget(agent);
  }
  void set_agent_active(AgentKey agent, bool active) override {
    agents_.at(agent).active = active;
    changed_.insert(agent);
  }

  void add_framework(const FrameworkFacts& framework,
                     const std::vector<std::string>& suppressed_roles) override {
    frameworks_[framework.key];
    update_framework(framework, suppressed_roles);
  }
  void update_framework(const FrameworkFacts& framework,
                        const std::vector<std::string>& suppressed_roles) override;
  void remove_framework(FrameworkKey key) override;
  void set_framework_active(FrameworkKey framework, bool active) override;
  void suppress(FrameworkKey framework, const std::vector<std::string>& roles) override;
  void revive(FrameworkKey framework, const std::vector<std::string>& roles) override;

  void set_weight(const std::string& /*role*/, Scalar /*weight*/) override {}
  void set_quota(const std::string& /*role*/, const Quota& /*quota*/) override {}

  void allocated(FrameworkKey framework, const std::string& role, AgentKey agent,
                 const Resources& resources) override {
    agents_.at(agent).used.emplace_back(Client(framework, role), resources);
    changed_.insert(agent);
  }
  void accepted(FrameworkKey framework, const std::string& role, AgentKey agent,
                const Resources& resources) override {
    const Client client(framework, role);
    take_from_offer(agents_.at(agent), client, resources);
    agents_.at(agent).used.emplace_back(client, resources);
  }
  void recovered(FrameworkKey framework, const std::string& role, AgentKey agent,
                 const Resources& resources, std::optional<Refusal> refusal, Now now) override;

  void allocate(Now now, Decisions& decisions) override;
  std::optional<MonoTime> next_deadline() const override { return filters_.next(); }

  Share share(FrameworkKey framework) const override;
  void explain(FrameworkKey framework, std::optional<AgentKey> agent,
               std::vector<Explanation>& explanations) const override;

 private:
  static void take_from_offer(Agent& agent, const Client& client, const Resources& resources);
  static Resources free_on(const Agent& agent);
  Explanation judge(const Framework& framework, const std::string& role, const Agent& agent,
                    const Resources& free) const;
  Obstacle place_obstacle(const Framework& framework, const std::string& role,
                          const Agent& agent) const;
  bool is_above_minimum(const Resources& offer, const Framework& framework,
                        const std::string& role) const;
  void serve(Agent& agent, Decisions& decisions);
  void forget(const Client& client);
  void touch_all() {
    for (const auto& [key, agent] : agents_) changed_.insert(key);
  }

  Options options_;
  Rng rng_;
  bool shuffle_;
  std::map<AgentKey, Agent> agents_;
  std::map<FrameworkKey, Framework> frameworks_;
  Filters filters_;
  std::set<AgentKey> changed_;  // something may be granted there
  uint64_t turn_ = 0;
};

// --- frameworks

void RoundRobin::update_framework(const FrameworkFacts& facts,
                                  const std::vector<std::string>& suppressed_roles) {
  Framework& framework = frameworks_.at(facts.key);
  std::map<std::string, uint64_t> turns;
  for (const std::string& role : facts.roles) turns[role] = framework.turns[role];
  for (const auto& [role, turn] : framework.turns) {
    if (!turns.contains(role)) forget(Client(facts.key, role));
  }
  framework.facts = facts;
  framework.turns = std::move(turns);
  framework.suppressed = {suppressed_roles.begin(), suppressed_roles.end()};
  touch_all();
}

void RoundRobin::remove_framework(FrameworkKey key) {
  for (const auto& [role, turn] : frameworks_.at(key).turns) forget(Client(key, role));
  frameworks_.erase(key);
}

void RoundRobin::set_framework_active(FrameworkKey key, bool active) {
  frameworks_.at(key).active = active;
  touch_all();
}

void RoundRobin::suppress(FrameworkKey key, const std::vector<std::string>& roles) {
  Framework& framework = frameworks_.at(key);
  const auto& named = roles.empty() ? framework.facts.roles : roles;
  framework.suppressed.insert(named.begin(), named.end());
}

void RoundRobin::revive(FrameworkKey key, const std::vector<std::string>& roles) {
  Framework& framework = frameworks_.at(key);
  for (const std::string& role : roles.empty() ? framework.facts.roles : roles) {
    framework.suppressed.erase(role);
    filters_.forget(Client(key, role));  // but not whose turn it is, or reviving would pay
  }
  touch_all();
}

// --- resources

void RoundRobin::take_from_offer(Agent& agent, const Client& client, const Resources& resources) {
  const auto offered = agent.offered.find(client);
  offered->second -= resources;
  if (offered->second.empty()) agent.offered.erase(offered);
}

// Nothing, if more is held than there is: the agent shrank, or tasks were learned of.
Resources RoundRobin::free_on(const Agent& agent) {
  Resources free = agent.facts.total;
  for (const auto& [client, resources] : agent.offered) {
    if (!free.contains(resources)) return {};
    free -= resources;
  }
  for (const auto& [client, resources] : agent.used) {
    if (!free.contains(resources)) return {};
    free -= resources;
  }
  return free;
}

void RoundRobin::recovered(FrameworkKey framework, const std::string& role, AgentKey key,
                           const Resources& resources, std::optional<Refusal> refusal, Now now) {
  const auto agent = agents_.find(key);
  if (agent == agents_.end()) return;
  const Client client(framework, role);
  changed_.insert(key);
  if (refusal) {
    take_from_offer(agent->second, client, resources);
    // A role that it has left needs no filter.
    if (refusal->length > 0s && frameworks_.at(framework).turns.contains(role)) {
      filters_.add(client, key, {resources, now.mono + refusal->length, refusal->offer});
    }
    return;
  }
  Resources rest = resources;
  for (auto& [user, used] : agent->second.used) {
    if (user != client || rest.empty()) continue;
    const Resources part = common(used, rest);
    used -= part;
    rest -= part;
  }
  std::erase_if(agent->second.used, [](const auto& entry) { return entry.second.empty(); });
}

void RoundRobin::forget(const Client& client) {
  filters_.forget(client);
  for (auto& [key, agent] : agents_) agent.turns.erase(client);
}

// --- decisions

bool RoundRobin::is_above_minimum(const Resources& offer, const Framework& framework,
                                  const std::string& role) const {
  const auto own = framework.facts.min_allocatable.find(role);
  const auto& alternatives =
      own == framework.facts.min_allocatable.end() ? options_.min_allocatable : own->second;
  const auto reaches = [&](const Quantities& least) {
    return std::all_of(least.begin(), least.end(), [&](const auto& quantity) {
      return offer.scalar(quantity.first) >= quantity.second;
    });
  };
  return alternatives.empty() || std::any_of(alternatives.begin(), alternatives.end(), reaches);
}

// What stands in the way whatever is free.
Obstacle RoundRobin::place_obstacle(const Framework& framework, const std::string& role,
                                    const Agent& agent) const {
  const Capabilities& can = framework.facts.capabilities;
  const std::string& region = agent.facts.domain.region;
  if (!framework.active) return Obstacle::kInactiveFramework;
  if (framework.suppressed.contains(role)) return Obstacle::kSuppressed;
  if (!agent.active) return Obstacle::kInactiveAgent;
  if (agent.facts.max_task_duration && !framework.facts.takes_short_slots) {
    return Obstacle::kShortSlots;
  }
  if (options_.filter_gpu_resources && agent.facts.total.scalar(kGpus).thousandths > 0 &&
      !can.has(Capability::kGpuResources)) {
    return Obstacle::kGpus;
  }
  if (!region.empty() && !options_.domain.region.empty() && region != options_.domain.region &&
      !can.has(Capability::kRegionAware)) {
    return Obstacle::kRegion;
  }
  return Obstacle::kNone;
}

// Both allocate() and explain() go by this, so that what one says is what the other does.
Explanation RoundRobin::judge(const Framework& framework, const std::string& role,
                              const Agent& agent, const Resources& free) const {
  const Capabilities& can = framework.facts.capabilities;
  Explanation row{.framework = framework.facts.key, .role = role, .agent = agent.facts.key};
  row.free = free;
  const auto stopped_by = [&row](Obstacle obstacle) {
    row.obstacle = obstacle;
    return row;
  };
  const Resources usable = free.usable_by(role);
  const Resources lasting =
      can.has(Capability::kRevocableResources) ? usable : without(usable, &Resource::revocable);
  const Resources own =
      can.has(Capability::kSharedResources) ? lasting : without(lasting, &Resource::shared);
  const bool is_asked = std::any_of(agent.offered.begin(), agent.offered.end(), [&](auto& entry) {
    return entry.first.first == row.framework;
  });
  if (own.empty() && is_asked) return stopped_by(Obstacle::kOffered);
  const Obstacle obstacle = place_obstacle(framework, role, agent);
  if (obstacle != Obstacle::kNone) return stopped_by(obstacle);
  if (free.empty()) return stopped_by(Obstacle::kTaken);
  if (usable.empty()) return stopped_by(Obstacle::kReserved);
  if (lasting.empty()) return stopped_by(Obstacle::kRevocable);
  if (own.empty()) return stopped_by(Obstacle::kShared);
  row.offerable = own;
  if (!is_above_minimum(own, framework, role)) return stopped_by(Obstacle::kBelowMinimum);
  if (const Filter* filter = filters_.against({row.framework, role}, row.agent, own)) {
    row.until = filter->until;
    row.offer = filter->offer;
    return stopped_by(Obstacle::kRefused);
  }
  return row;
}

// The turn of each agent goes round on its own, or a framework that wants just this one could be
// passed over again and again: between two offers of an agent to one client, every other one that
// could have it did. Who was never asked goes first, of these who has waited longest for any agent.
void RoundRobin::serve(Agent& agent, Decisions& decisions) {
  for (;;) {
    const Resources free = free_on(agent);
    std::optional<std::tuple<uint64_t, uint64_t, Client>> first;
    Resources offer;
    for (const auto& [key, framework] : frameworks_) {
      for (const auto& [role, turn] : framework.turns) {
        const auto asked = agent.turns.find({key, role});
        const std::tuple place(asked == agent.turns.end() ? 0 : asked->second, turn,
                               Client(key, role));
        if (first && *first < place) continue;
        Explanation verdict = judge(framework, role, agent, free);
        if (verdict.obstacle != Obstacle::kNone) continue;
        first = place;
        offer = std::move(verdict.offerable);
      }
    }
    if (!first) return;
    const Client& client = std::get<Client>(*first);
    agent.offered[client] += offer;
    agent.turns[client] = frameworks_.at(client.first).turns[client.second] = ++turn_;
    decisions.grants.push_back({client.first, client.second, agent.facts.key, std::move(offer)});
  }
}

void RoundRobin::allocate(Now now, Decisions& decisions) {
  for (const auto& agent : filters_.end_due(now.mono)) {
    if (agent) changed_.insert(*agent);
    if (!agent) touch_all();
  }
  std::vector<AgentKey> order(changed_.begin(), changed_.end());
  changed_.clear();
  for (std::size_t i = order.size(); shuffle_ && i > 1; --i) {
    std::swap(order[i - 1], order[rng_.below(i)]);
  }
  for (const AgentKey key : order) {
    const auto agent = agents_.find(key);
    if (agent != agents_.end()) serve(agent->second, decisions);
  }
}

// --- for people

Share RoundRobin::share(FrameworkKey key) const {
  Share share;
  Resources held;
  Resources offered;
  Resources total;
  for (const auto& [agent_key, agent] : agents_) {
    total += agent.facts.total;
    for (const auto& [client, resources] : agent.offered) {
      if (client.first == key) offered += resources;
    }
    for (const auto& [client, resources] : agent.used) {
      if (client.first == key) held += resources;
    }
  }
  held += offered;
  share.held = quantities_of(held);
  share.offered = quantities_of(offered);
  // a/b > c/d, without fractions: totals stay below 2^60.
  for (const auto& [name, amount] : share.held) {
    const int64_t of = total.scalar(name).thousandths;
    const auto mine = static_cast<__int128>(amount.thousandths) * share.total;
    if (share.dominant.empty() || mine > static_cast<__int128>(share.used) * of) {
      share.dominant = name;
      share.used = amount.thousandths;
      share.total = of;
    }
  }
  const auto parts = static_cast<int64_t>(frameworks_.size());
  share.fair_millionths = parts == 0 ? 0 : 1'000'000 / parts;
  return share;
}

void RoundRobin::explain(FrameworkKey key, std::optional<AgentKey> agent,
                         std::vector<Explanation>& explanations) const {
  const Framework& framework = frameworks_.at(key);
  for (const auto& [agent_key, each] : agents_) {
    if (agent && *agent != agent_key) continue;
    const Resources free = free_on(each);
    for (const auto& [role, turn] : framework.turns) {
      explanations.push_back(judge(framework, role, each, free));
    }
  }
}

}  // namespace

Result<std::unique_ptr<Allocator>> make_round_robin(Options options, Rng rng) {
  bool shuffle = false;
  for (const auto& [name, value] : options.parameters) {
    if (name != "shuffle") return fail("it has no option '{}'; there is: shuffle", name);
    if (value != "yes" && value != "no") return fail("shuffle is yes or no, not '{}'", value);
    shuffle = value == "yes";
  }
  return std::make_unique<RoundRobin>(std::move(options), rng, shuffle);
}

}  // namespace round_robin

SOUK_ALLOCATOR_MODULE("offers what is free to one framework after the other",
                      round_robin::make_round_robin)
