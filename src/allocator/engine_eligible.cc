// What stands in a client's way on an agent: the one place that knows, for decisions and for
// explanations alike.
#include <fmt/format.h>

#include <algorithm>

#include "allocator/engine.h"

namespace souk::allocator {
namespace {

Resources without_shared(const Resources& resources) {
  std::vector<Resource> items = resources.items();
  std::erase_if(items, [](const Resource& item) { return item.shared; });
  return Resources(std::move(items));
}

std::string to_text(const std::vector<Quantities>& alternatives) {
  std::string text;
  for (const Quantities& minimum : alternatives) {
    if (!text.empty()) text += " or ";
    std::string part;
    for (const auto& [name, scalar] : minimum) {
      part += fmt::format("{}{}:{}", part.empty() ? "" : ";", name, scalar.to_double());
    }
    text += part;
  }
  return text;
}

std::string roles_of(const Resources& reserved) {
  std::vector<std::string_view> roles;
  for (const Resource& item : reserved.items()) {
    if (!item.reservations->empty()) roles.push_back(item.reserved_role());
  }
  std::ranges::sort(roles);
  roles.erase(std::ranges::unique(roles).begin(), roles.end());
  return fmt::format("{}", fmt::join(roles, ", "));
}

}  // namespace

bool reaches(const Resources& offer, const std::vector<Quantities>& alternatives) {
  if (alternatives.empty()) return true;
  return std::ranges::any_of(alternatives, [&offer](const Quantities& minimum) {
    return std::ranges::all_of(minimum, [&offer](const auto& amount) {
      return offer.scalar(amount.first) >= amount.second;
    });
  });
}

Engine::Trial Engine::trial_on(const Agent& agent) const {
  Trial trial{.agent = agent, .stopping_all = agent.filters.stopping(agent.free)};
  trial.refused = agent.filters.surely(trial.stopping_all);
  return trial;
}

// Notes where quota takes something away, so that the client is tried again when that ends.
bool Engine::may_have(Client& client, Trial& trial) {
  trial.client = &client;
  trial.found = obstacle(client, trial);
  if (trial.cut_by != Obstacle::kNone && trial.offer != nullptr) {
    note_short(*client.role);
    trial.held_short = trial.held_short || trial.cut_by_headroom;
  }
  return trial.found == Obstacle::kNone;
}

// REQUIRES a ranked client and an active agent.
Obstacle Engine::obstacle(const Client& client, Trial& trial) const {
  const Agent& agent = trial.agent;
  if (const unsigned missing = agent.demands & ~client.framework->accepts; missing != 0) {
    if ((missing & kShortSlots) != 0) return Obstacle::kShortSlots;
    return (missing & kGpuResources) != 0 ? Obstacle::kGpus : Obstacle::kRegion;
  }
  if (client.constraints != nullptr && !fits(client, agent)) return Obstacle::kConstraint;
  const Role* role = role_for_cut(client, agent);
  const bool known = trial.offer != nullptr && trial.role == role &&
                     (agent.plain || trial.capabilities == client.framework->capabilities);
  if (!known) cut(client, role, trial);
  if (trial.obstacle != Obstacle::kNone) return trial.obstacle;
  if (!large_enough(client, trial)) {
    return trial.cut_by != Obstacle::kNone ? trial.cut_by : Obstacle::kBelowMinimum;
  }
  return stopped(client, trial) ? Obstacle::kRefused : Obstacle::kNone;
}

// The client's role, if what it may be offered of the agent is not the same for all roles; else
// null.
const Role* Engine::role_for_cut(const Client& client, const Agent& agent) const {
  if (!agent.plain) return client.role;
  const bool counts = quota_set_ && !agent.exempt;
  return counts && !is_unbound(*client.role, agent) ? client.role : nullptr;
}

bool Engine::fits(const Client& client, const Agent& agent) const {
  using Known = KnownConstraints::Known;
  KnownConstraints& constraints = *client.constraints;
  if (constraints.by_place.size() <= agent.place) constraints.by_place.resize(agent_places_.size());
  Known& known = constraints.by_place[agent.place];
  if (known == Known::kNotAsked) {
    known = constraints.compiled->allows(agent.facts) ? Known::kFits : Known::kDoesNot;
  }
  return known == Known::kFits;
}

bool Engine::large_enough(const Client& client, const Trial& trial) const {
  return client.minimum != nullptr ? reaches(*trial.offer, *client.minimum) : trial.above_minimum;
}

// What a client of this role and with these capabilities may be offered of the agent.
void Engine::cut(const Client& client, const Role* role, Trial& trial) const {
  const Agent& agent = trial.agent;
  const Capabilities& capabilities = client.framework->capabilities;
  trial.role = role;
  trial.capabilities = capabilities;
  trial.obstacle = Obstacle::kNone;
  trial.cut_by = Obstacle::kNone;
  trial.cut_by_headroom = false;
  trial.limited_by = nullptr;
  trial.asked = 0;
  trial.mark = 0;
  const auto narrow = [&trial](Resources&& rest, Obstacle obstacle) {
    trial.own = std::move(rest);
    trial.offer = &trial.own;
    if (trial.obstacle == Obstacle::kNone && trial.own.empty()) trial.obstacle = obstacle;
  };
  trial.offer = &agent.free;
  if (agent.free.empty()) trial.obstacle = Obstacle::kTaken;
  if (!agent.plain) {
    narrow(agent.free.usable_by(client.role->name), Obstacle::kReserved);
    if (!capabilities.has(Capability::kRevocableResources)) {
      narrow(trial.own.non_revocable(), Obstacle::kRevocable);
    }
    if (!capabilities.has(Capability::kSharedResources)) {
      narrow(without_shared(trial.own), Obstacle::kShared);
    }
  }
  const bool counts = quota_set_ && !agent.facts.max_task_duration;
  if (counts && trial.obstacle == Obstacle::kNone) {
    cut_by_quota(role != nullptr ? *role : tree_.root(), trial);
  }
  trial.above_minimum = reaches(*trial.offer, options_.min_allocatable);
}

// After a few questions about the same offer it is cheaper to mark all whom filters stop.
bool Engine::stopped(const Client& client, Trial& trial) const {
  constexpr std::size_t kFew = 4;
  if (client.refuses_all_until) return true;
  const AgentFilters& filters = trial.agent.filters;
  if (client.filters == 0 || filters.empty()) return false;
  const bool all = trial.offer == &trial.agent.free;
  if (trial.asked++ == 0 && !all) trial.stopping = filters.stopping(*trial.offer);
  const AgentFilters::Groups& stopping = all ? trial.stopping_all : trial.stopping;
  if (stopping.empty()) return false;
  if (trial.asked <= kFew || filters.is_cheap(stopping)) {
    return filters.stops(client.filter_key, stopping, eras_, last_era_);
  }
  if (trial.mark == 0) {
    trial.mark = ++last_mark_;
    filters.visit(stopping, [this, &trial](FilterKey key) {
      if (eras_[key.place] == key.era) marks_[key.place] = trial.mark;
    });
  }
  return marks_[client.filter_key.place] == trial.mark;
}

void Engine::explain(FrameworkKey framework, std::optional<AgentKey> agent,
                     std::vector<Explanation>& explanations) const {
  const auto at = frameworks_.find(framework);
  if (at == frameworks_.end()) return;
  std::vector<const Client*> clients;
  for (const auto& client : at->second->clients) {
    if (client->subscribed) clients.push_back(client.get());
  }
  std::ranges::sort(clients, {}, [](const Client* client) { return client->role->name; });
  std::vector<const Agent*> agents;
  for (const Agent* other : agent_places_) {
    if (other != nullptr && (!agent || other->key() == *agent)) agents.push_back(other);
  }
  std::ranges::sort(agents, {}, [](const Agent* other) { return other->key(); });
  explanations.reserve(explanations.size() + (agents.size() * clients.size()));
  for (const Agent* other : agents) {
    for (const Client* client : clients) explanations.push_back(explain(*client, *other));
  }
}

Explanation Engine::explain(const Client& client, const Agent& agent) const {
  Explanation said;
  said.framework = client.key;
  said.role = client.role->name;
  said.agent = agent.key();
  said.free = agent.free;
  Trial trial = trial_on(agent);
  if (!client.framework->active) {
    said.obstacle = Obstacle::kInactiveFramework;
  } else if (client.suppressed) {
    said.obstacle = Obstacle::kSuppressed;
  } else if (!agent.active) {
    said.obstacle = Obstacle::kInactiveAgent;
  } else {
    said.obstacle = obstacle(client, trial);
    if (trial.offer != nullptr) said.offerable = *trial.offer;
  }
  if (said.obstacle == Obstacle::kTaken) {
    const bool offered = std::ranges::any_of(agent.holdings, [&client](const Holding& holding) {
      return holding.client == &client && !holding.offered.empty();
    });
    if (offered) said.obstacle = Obstacle::kOffered;
  }
  if (said.obstacle == Obstacle::kRefused) {
    said.until = client.refuses_all_until;
    const auto groups = agent.filters.stopping(*trial.offer);
    if (const Filter* filter = agent.filters.find(client.filter_key, groups)) {
      if (!said.until || *said.until < filter->until) said.until = filter->until;
      said.offer = filter->offer;
    }
  }
  said.detail = detail_of(client, trial, said.obstacle);
  return said;
}

std::string Engine::detail_of(const Client& client, const Trial& trial, Obstacle obstacle) const {
  switch (obstacle) {
    case Obstacle::kConstraint:
      return client.constraints->compiled->why_not(trial.agent.facts);
    case Obstacle::kReserved:
      return roles_of(trial.agent.free);
    case Obstacle::kLimit:
      return trial.limited_by != nullptr ? trial.limited_by->name : "";
    case Obstacle::kBelowMinimum:
      return to_text(client.minimum != nullptr ? *client.minimum : options_.min_allocatable);
    default:
      return {};
  }
}

}  // namespace souk::allocator
