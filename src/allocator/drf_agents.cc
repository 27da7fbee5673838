// Agents, what is held on them, and who handed them back.
#include <algorithm>

#include "allocator/drf.h"
#include "base/check.h"
#include "model/offer.h"

namespace souk::allocator {
namespace {

// What two amounts of one kind have in common.
Resource common(const Resource& a, const Resource& b) {
  Resource both = a;
  if (const auto* scalar = std::get_if<Scalar>(&a.value)) {
    both.value = std::min(*scalar, *std::get_if<Scalar>(&b.value));
  } else if (const auto* ranges = std::get_if<Ranges>(&a.value)) {
    both.value = *ranges - (*ranges - *std::get_if<Ranges>(&b.value));
  } else {
    const NameSet& names = *std::get_if<NameSet>(&a.value);
    both.value = names - (names - *std::get_if<NameSet>(&b.value));
  }
  return both;
}

Resources common(const Resources& a, const Resources& b) {
  std::vector<Resource> items;
  for (const Resource& item : a.items()) {
    for (const Resource& other : b.items()) {
      if (item.same_kind(other)) items.push_back(common(item, other));
    }
  }
  return Resources(std::move(items));
}

}  // namespace

Drf::Agent& Drf::agent_at(AgentKey key) {
  const auto at = agents_.find(key);
  SOUK_CHECK(at != agents_.end(), "the master tells of agents before it uses them");
  return *at->second;
}

void Drf::add_agent(const AgentFacts& facts) {
  auto [at, added] = agents_.try_emplace(facts.key, std::make_unique<Agent>());
  SOUK_CHECK(added, "agents are added once");
  at->second->key = facts.key;
  set_total(*at->second, facts.total);
}

void Drf::update_agent(const AgentFacts& facts) {
  Agent& agent = agent_at(facts.key);
  if (agent.total == facts.total) return;
  set_total(agent, facts.total);
}

void Drf::remove_agent(AgentKey key) {
  Agent& agent = agent_at(key);
  for (Holding& holding : agent.holdings) {
    Client& client = *holding.client;
    restand(client, [&] { discharge(client, holding.held); });
    --client.holdings;
    close_if_gone(client);
  }
  agent.active = false;
  settle_free_list(agent);
  measure_.subtract_total(agent.total);
  totals_changed_ = true;
  filters_.forget(key);
  agents_.erase(key);
}

void Drf::set_agent_active(AgentKey key, bool active) {
  Agent& agent = agent_at(key);
  if (agent.active == active) return;
  agent.active = active;
  settle_free_list(agent);
  if (active) try_all(agent);
}

void Drf::set_total(Agent& agent, const Resources& total) {
  measure_.subtract_total(agent.total);
  measure_.add_total(total);
  totals_changed_ = true;
  agent.total = total;
  agent.has_gpus = total.scalar(kGpus) > Scalar{};
  settle(agent);
  try_all(agent);
}

// Works out what is free from the holdings, one by one: two that claim the same port exceed the
// agent.
void Drf::settle(Agent& agent) {
  agent.free = agent.total;
  agent.exceeded = false;
  for (const Holding& holding : agent.holdings) {
    agent.exceeded = !agent.free.contains(holding.held);
    if (agent.exceeded) break;
    agent.free -= holding.held;
  }
  if (agent.exceeded) agent.free = Resources();
  settle_free_list(agent);
}

void Drf::settle_free_list(Agent& agent) {
  const bool is_free = agent.active && !agent.free.empty();
  if (is_free == (agent.free_index != kNotFree)) return;
  if (is_free) {
    agent.free_index = free_agents_.size();
    free_agents_.push_back(&agent);
    return;
  }
  free_agents_[agent.free_index] = free_agents_.back();
  free_agents_[agent.free_index]->free_index = agent.free_index;
  free_agents_.pop_back();
  agent.free_index = kNotFree;
}

void Drf::list(Agent& agent) {
  if (agent.listed) return;
  agent.listed = true;
  touched_.push_back(agent.key);
}

void Drf::try_all(Agent& agent) {
  agent.for_all = true;
  agent.waiting.clear();
  agent.quiet_era = 0;
  list(agent);
}

void Drf::try_some(Agent& agent, const std::vector<ClientId>& clients) {
  if (agent.for_all) return;
  for (const ClientId client : clients) {
    const auto at = std::ranges::lower_bound(agent.waiting, client);
    if (at == agent.waiting.end() || *at != client) agent.waiting.insert(at, client);
  }
  list(agent);
}

void Drf::try_after_return(Agent& agent) {
  if (agent.quiet_era != era_ || !agent.quiet.contains(agent.free)) return try_all(agent);
  try_some(agent, agent.excepted);
}

Drf::Holding& Drf::holding_of(Agent& agent, Client& client) {
  for (Holding& holding : agent.holdings) {
    if (holding.client == &client) return holding;
  }
  ++client.holdings;
  return agent.holdings.emplace_back(Holding{&client, {}, {}});
}

void Drf::allocated(FrameworkKey framework, const std::string& role, AgentKey key,
                    const Resources& resources) {
  if (resources.empty()) return;
  Agent& agent = agent_at(key);
  Client& client = open_client(framework_at(framework), role);
  restand(client, [&] { charge(client, resources); });
  if (agent.free.contains(resources)) {
    agent.free -= resources;
    holding_of(agent, client).held += resources;
    settle_free_list(agent);
    return;
  }
  agent.holdings.push_back({&client, resources, {}});
  ++client.holdings;
  settle(agent);
}

void Drf::recovered(FrameworkKey framework, const std::string& role, AgentKey key,
                    const Resources& resources, std::optional<Refusal> refused, Now now) {
  const auto at = agents_.find(key);
  if (at == agents_.end() || resources.empty()) return;  // forgotten with the agent
  Agent& agent = *at->second;
  Client* client = find_client(framework_at(framework), role);
  SOUK_CHECK(client != nullptr, "only what is held can be given back");

  const bool unused = give_back(agent, *client, resources, !refused);
  restand(*client, [&] { discharge(*client, resources); });
  if (agent.exceeded) {
    settle(agent);
  } else {
    agent.free += resources;
    settle_free_list(agent);
  }
  try_after_return(agent);

  if (refused && unused) {
    pass(agent, *client);
  } else {
    forget_passes(agent);
  }
  if (refused && refused->length > Duration::zero() && client->framework->active) {
    refuse(agent, *client, resources, now.mono + std::min(refused->length, kMaxRefuse));
  }
  close_if_gone(*client);
}

// Whether the client now holds no more than before its last grant: it used nothing of it.
bool Drf::give_back(Agent& agent, Client& client, const Resources& resources, bool task_ended) {
  Resources rest = resources;
  bool unused = true;
  for (const bool whole : {true, false}) {
    for (Holding& holding : agent.holdings) {
      if (holding.client != &client || rest.empty()) continue;
      if (whole && !holding.held.contains(rest)) continue;
      const Resources part = whole ? rest : common(holding.held, rest);
      holding.held -= part;
      rest -= part;
      if (task_ended && holding.before.contains(part)) holding.before -= part;
      unused = holding.before.contains(holding.held);
    }
  }
  SOUK_CHECK(rest.empty(), "only what is held can be given back");
  client.holdings -=
      std::erase_if(agent.holdings, [](const Holding& holding) { return holding.held.empty(); });
  return unused;
}

void Drf::refuse(Agent& agent, Client& client, const Resources& resources, MonoTime until) {
  // An idle agent goes round: one copy for all who refuse the same.
  if (agent.last_refused == nullptr || *agent.last_refused != resources) {
    agent.last_refused = std::make_shared<const Resources>(resources);
  }
  filters_.add(client.id, agent.key, agent.last_refused, until);
  std::size_t filters = 0;
  for (const auto& other : client.framework->clients) filters += other->filters->size();
  if (filters <= kMaxFiltersPerFramework) return;
  for (const auto& other : client.framework->clients) filters_.collapse(other->id);
}

void Drf::pass(Agent& agent, const Client& client) {
  const auto at = std::ranges::lower_bound(agent.passes, client.id, {}, &Pass::client);
  const Pass pass{client.id, ++last_pass_};
  if (at != agent.passes.end() && at->client == client.id) {
    *at = pass;
  } else {
    agent.passes.insert(at, pass);
  }
}

bool Drf::has_passed(const Agent& agent, const Client& client) {
  return std::ranges::binary_search(agent.passes, client.id, {}, &Pass::client);
}

// The agent is used. Who passed since the last allocate() has not been skipped for it yet, and
// stays behind.
void Drf::forget_passes(Agent& agent) {
  std::erase_if(agent.passes,
                [this](const Pass& pass) { return pass.number <= last_pass_before_; });
}

}  // namespace souk::allocator
