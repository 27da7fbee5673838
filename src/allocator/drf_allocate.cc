// Who gets what: the decisions.
#include <algorithm>

#include "allocator/drf.h"

namespace souk::allocator {
namespace {

bool is_for_all(const Resource& item) {
  return item.reservations.empty() && !item.revocable && !item.shared;
}

Resources without_shared(const Resources& resources) {
  std::vector<Resource> items = resources.items();
  std::erase_if(items, [](const Resource& item) { return item.shared; });
  return Resources(std::move(items));
}

// Not below at least one of the alternatives; none at all: anything goes.
bool reaches(const Resources& offer, const std::vector<Quantities>& alternatives) {
  if (alternatives.empty()) return true;
  return std::ranges::any_of(alternatives, [&offer](const Quantities& minimum) {
    return std::ranges::all_of(minimum, [&offer](const auto& amount) {
      return offer.scalar(amount.first) >= amount.second;
    });
  });
}

}  // namespace

void Drf::allocate(Now now, Decisions& decisions) {
  std::vector<Grant>& grants = decisions.grants;
  ++interval_;
  last_pass_before_ = last_pass_;
  end_filters(now);
  if (totals_changed_) work_out_all();

  std::vector<Agent*> for_all;
  std::vector<Agent*> for_waiting;
  for (const AgentKey key : std::exchange(touched_, {})) {
    const auto at = agents_.find(key);
    if (at == agents_.end()) continue;
    Agent& agent = *at->second;
    // Rare enough to be simple: where both contenders and others are to be tried, all are.
    if (!contenders_.empty()) try_all(agent);
    agent.listed = false;
    const bool all = std::exchange(agent.for_all, false);
    // Who is waiting for an agent that has nothing free is tried when something comes back.
    if (agent.free_index != kNotFree) (all ? for_all : for_waiting).push_back(&agent);
  }
  shuffle(for_all);
  for (Agent* agent : for_all) {
    agent->served = interval_;
    serve(*agent, ranking_, grants);
  }
  if (!contenders_.empty()) serve_contenders(grants);
  shuffle(for_waiting);
  for (Agent* agent : for_waiting) serve_waiting(*agent, grants);
}

void Drf::end_filters(Now now) {
  while (const auto ended = filters_.end_due(now.mono)) {
    if (ended->agent) {
      try_some(agent_at(*ended->agent), {ended->client});
    } else {
      contend(client_at(ended->client));
    }
  }
}

void Drf::work_out_all() {
  for (const auto& row : ranking_.rows()) {
    row->role().standing.share = measure_.dominant(row->role().standing.used);
    for (Client* client : row->clients()) {
      client->standing.share = measure_.dominant(client->standing.used);
    }
  }
  ranking_.sort();
  totals_changed_ = false;
}

// The clients that became able to get something, on all other agents.
void Drf::serve_contenders(std::vector<Grant>& grants) {
  Ranking contenders;
  for (const ClientId id : contenders_) {
    const auto at = clients_.find(id);
    if (at == clients_.end()) continue;
    at->second->contender = false;
    if (at->second->ranked) contenders.insert(*at->second);
  }
  contenders_.clear();
  if (contenders.empty()) return;

  std::vector<Agent*> agents;
  for (Agent* agent : free_agents_) {
    if (agent->served != interval_) agents.push_back(agent);
  }
  shuffle(agents);
  narrowed_ = &contenders;
  for (Agent* agent : agents) serve(*agent, contenders, grants);
  narrowed_ = nullptr;
}

// The clients whose filters ended, or that hand back what nobody else could have.
void Drf::serve_waiting(Agent& agent, std::vector<Grant>& grants) {
  agent.quiet = agent.free;
  agent.quiet_era = era_;
  agent.excepted = std::exchange(agent.waiting, {});
  Ranking ranking;
  for (const ClientId id : agent.excepted) {
    const auto at = clients_.find(id);
    if (at != clients_.end() && at->second->ranked) ranking.insert(*at->second);
  }
  narrowed_ = &ranking;
  serve(agent, ranking, grants);
  narrowed_ = nullptr;
}

void Drf::serve(Agent& agent, const Ranking& ranking, std::vector<Grant>& grants) {
  while (!agent.free.empty()) {
    Slice slice;
    Client* client = first_in(ranking, agent, slice);
    if (client == nullptr) client = first_of_passed(ranking, agent, slice);
    if (client == nullptr) return;
    grant(agent, *client, *offer_for(*client, agent, slice), grants);
  }
}

// The first who may get something of the agent and has not handed it back.
Client* Drf::first_in(const Ranking& ranking, const Agent& agent, Slice& slice) const {
  for (const auto& row : ranking.rows()) {
    for (Client* client : row->clients()) {
      if (!agent.passes.empty() && has_passed(agent, *client)) continue;
      if (offer_for(*client, agent, slice) != nullptr) return client;
    }
  }
  return nullptr;
}

// Of those who handed it back, the one that did so first.
Client* Drf::first_of_passed(const Ranking& ranking, const Agent& agent, Slice& slice) const {
  if (agent.passes.empty()) return nullptr;
  Client* first = nullptr;
  uint64_t number = UINT64_MAX;
  for (const auto& row : ranking.rows()) {
    for (Client* client : row->clients()) {
      const auto pass = std::ranges::lower_bound(agent.passes, client->id, {}, &Pass::client);
      if (pass == agent.passes.end() || pass->client != client->id) continue;
      if (pass->number > number || offer_for(*client, agent, slice) == nullptr) continue;
      first = client;
      number = pass->number;
    }
  }
  return first;
}

// What the client may be offered of the agent now; null: nothing.
const Resources* Drf::offer_for(const Client& client, const Agent& agent, Slice& slice) const {
  const Capabilities& capabilities = client.framework->capabilities;
  const bool fits = slice.role == client.role && slice.capabilities == capabilities;
  if (slice.offer == nullptr || !fits) cut(client, agent, slice);
  if (slice.offer->empty()) return nullptr;
  const bool large_enough =
      client.minimum != nullptr ? reaches(*slice.offer, *client.minimum) : slice.above_minimum;
  if (!large_enough || client.filters->stops(agent.key, *slice.offer)) return nullptr;
  return slice.offer;
}

void Drf::cut(const Client& client, const Agent& agent, Slice& slice) const {
  const Capabilities& capabilities = client.framework->capabilities;
  slice.role = client.role;
  slice.capabilities = capabilities;
  slice.own = Resources();
  slice.offer = &slice.own;
  const bool gpus_forbidden = options_.filter_gpu_resources && agent.has_gpus &&
                              !capabilities.has(Capability::kGpuResources);
  if (gpus_forbidden) return;
  if (std::ranges::all_of(agent.free.items(), is_for_all)) {
    slice.offer = &agent.free;
  } else {
    slice.own = agent.free.usable_by(client.role->name);
    if (!capabilities.has(Capability::kRevocableResources)) {
      slice.own = slice.own.non_revocable();
    }
    if (!capabilities.has(Capability::kSharedResources)) slice.own = without_shared(slice.own);
  }
  slice.above_minimum = reaches(*slice.offer, options_.min_allocatable);
}

void Drf::grant(Agent& agent, Client& client, const Resources& offer, std::vector<Grant>& grants) {
  Grant& given = grants.emplace_back();
  given.framework = client.key;
  given.role = client.role->name;
  given.agent = agent.key;
  if (&offer == &agent.free) {
    given.resources = std::exchange(agent.free, Resources());
  } else {
    given.resources = offer;
    agent.free -= offer;
  }
  settle_free_list(agent);
  Holding& holding = holding_of(agent, client);
  holding.before = holding.held;
  holding.held += given.resources;
  restand(client, [&] {
    charge(client, given.resources);
    ++last_grant_;
    client.standing.last_grant = last_grant_;
    client.role->standing.last_grant = last_grant_;
  });
}

void Drf::shuffle(std::vector<Agent*>& agents) {
  for (std::size_t left = agents.size(); left > 1; --left) {
    std::swap(agents[left - 1], agents[rng_.below(left)]);
  }
}

}  // namespace souk::allocator
