// Who gets what: the decisions.
#include <algorithm>

#include "allocator/engine.h"

namespace souk::allocator {

void Engine::allocate(Now now, Decisions& decisions) {
  ++interval_;
  now_ = std::max(now_, now.mono);
  last_pass_before_ = last_pass_;
  end_filters(now);
  if (std::exchange(totals_changed_, false)) tree_.work_out_all();
  if (std::exchange(rescinds_due_, false)) rescind_all(decisions);
  if (std::exchange(quota_changed_, false)) {
    for (Agent* agent : free_agents_) try_all(*agent);
  }
  contend_again();

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
    serve(*agent, nullptr, decisions.grants);
  }
  if (!contenders_.empty()) serve_contenders(decisions.grants);
  shuffle(for_waiting);
  for (Agent* agent : for_waiting) serve_waiting(*agent, decisions.grants);
  if (quota_set_) serve_those_held_short(decisions.grants);
  if (revokes()) revoke(now, decisions);
}

void Engine::end_filters(Now now) {
  for (const FilterEnds::End& end : filter_ends_.take_due(now.mono)) {
    Client* client = places_[end.key.place];
    const bool live = client != nullptr && eras_[end.key.place] == end.key.era;
    if (end.agent == FilterEnds::kEverywhere) {
      if (!live || !client->refuses_all_until || *client->refuses_all_until > now.mono) continue;
      client->refuses_all_until.reset();
      --live_filters_;
      contend(*client);
      continue;
    }
    const auto agent = agents_.find(end.agent);
    if (agent == agents_.end()) continue;
    const std::size_t ended = agent->second->filters.end(end.key, now.mono);
    if (!live || ended == 0) continue;
    client->filters -= ended;
    live_filters_ -= ended;
    try_some(*agent->second, {client->id});
  }
  tidy_filters();
}

// Weights or quota are others now: what nobody has answered yet is shared out anew.
void Engine::rescind_all(Decisions& decisions) {
  for (const Agent* agent : agent_places_) {
    if (agent == nullptr) continue;
    for (const Holding& holding : agent->holdings) {
      if (holding.offered.empty()) continue;
      decisions.rescinds.push_back({holding.client->key, holding.client->role->name, agent->key()});
    }
  }
}

// The clients that became able to get something, on all other agents: in a random order, until it
// is clear that none of them can get more anywhere.
void Engine::serve_contenders(std::vector<Grant>& grants) {
  constexpr std::size_t kFew = 16;  // beyond it, going through the whole order is cheaper
  std::vector<Client*> contenders;
  for (const ClientId id : std::exchange(contenders_, {})) {
    const auto at = clients_.find(id);
    if (at == clients_.end()) continue;
    at->second->contender = false;
    if (!at->second->ranked) continue;
    if (!at->second->wanting_since) at->second->wanting_since = now_;
    contenders.push_back(at->second);
  }
  const bool few = contenders.size() <= kFew;

  std::size_t seen_grants = SIZE_MAX;
  for (std::size_t left = free_agents_.size(); left > 0; --left) {
    if (quota_set_ && exempt_agents_ == 0 && seen_grants != grants.size()) {
      seen_grants = grants.size();
      put_off_spent(contenders);
    }
    if (contenders.empty()) return;
    // What is served and has nothing left gives its place to one that was seen already.
    const std::size_t chosen = rng_.below(left);
    Agent& agent = *free_agents_[chosen];
    std::swap(free_agents_[chosen], free_agents_[left - 1]);
    free_agents_[chosen]->free_index = chosen;
    agent.free_index = left - 1;
    if (agent.served != interval_) serve(agent, few ? &contenders : nullptr, grants);
  }
}

// What nobody took, and guarantees that are met now, leave more beyond the headroom than there was.
void Engine::serve_those_held_short(std::vector<Grant>& grants) {
  while (true) {
    const std::vector<Agent*> agents = to_try_with_more();
    for (Agent* agent : agents) {
      if (agent->free_index != kNotFree) serve(*agent, nullptr, grants);
    }
    contend_again();
    if (agents.empty() && contenders_.empty()) return;
    serve_contenders(grants);
  }
}

// Whose role can get nothing unreserved for now contends again when it can.
void Engine::put_off_spent(std::vector<Client*>& contenders) {
  const Role* known = nullptr;
  bool spent = false;
  std::erase_if(contenders, [&](Client* client) {
    if (client->role != known) spent = is_spent(*client->role);
    known = client->role;
    if (spent && !std::exchange(client->put_off, true)) put_off_.push_back(client->id);
    return spent;
  });
}

void Engine::contend_again() {
  std::erase_if(put_off_, [this](ClientId id) {
    const auto at = clients_.find(id);
    if (at == clients_.end()) return true;
    Client& client = *at->second;
    if (client.ranked && quota_set_ && is_spent(*client.role)) return false;
    client.put_off = false;
    contend(client);
    return true;
  });
}

// The clients whose filters ended, or that hand back what nobody else could have.
void Engine::serve_waiting(Agent& agent, std::vector<Grant>& grants) {
  agent.quiet = agent.free;
  // What the headroom takes from others now may be theirs when the agent comes back.
  agent.quiet_spell = is_zero(tree_.root().quota.needed) ? spell_ : 0;
  agent.excepted = std::exchange(agent.waiting, {});
  std::vector<Client*> waiting;
  for (const ClientId id : agent.excepted) {
    const auto at = clients_.find(id);
    if (at != clients_.end() && at->second->ranked) waiting.push_back(at->second);
  }
  serve(agent, &waiting, grants);
}

void Engine::serve(Agent& agent, const std::vector<Client*>* among, std::vector<Grant>& grants) {
  while (true) {
    // What was granted here may have met a guarantee, and left more to those who were held short.
    if (agent.short_index != kNotFree && has_more(agent, surplus())) among = nullptr;
    if (among == nullptr) {
      forget_short(agent);
      agent.quiet_spell = 0;
    }
    if (agent.free_index == kNotFree) return;
    Trial trial = trial_on(agent);
    Client* client = pick(trial, among);
    if (client == nullptr) {
      if (trial.held_short) note_short(agent, among == nullptr);
      return;
    }
    if (trial.client != client) may_have(*client, trial);
    grant(agent, *client, *trial.offer, grants);
  }
}

// Who comes first: `among` these, or (null) among all.
Client* Engine::pick(Trial& trial, const std::vector<Client*>* among) {
  for (const bool only_lacking : {true, false}) {
    if (only_lacking && (!quota_set_ || tree_.root().lacking == 0)) continue;
    Client* client = nullptr;
    if (policy_ == Policy::kLottery) {
      std::vector<Client*> eligible;
      if (among == nullptr) {
        gather(tree_.root().node, false, only_lacking, trial, eligible);
      } else {
        for (Client* other : *among) {
          if (only_lacking && !lacks_here(*other->role, trial.agent)) continue;
          if (!find_pass(trial.agent, *other) && may_have(*other, trial)) {
            eligible.push_back(other);
          }
        }
      }
      client = draw(eligible);
    } else {
      client = among == nullptr ? first_in(tree_.root().node, false, only_lacking, trial)
                                : first_among(*among, only_lacking, trial);
    }
    if (client != nullptr) return client;
  }
  return trial.agent.passes.empty() ? nullptr : first_of_passed(among, trial);
}

// The first, in the order below this node, who may get something of the agent and has not handed it
// back. `lacks`: a role above lacks some of what is here.
Client* Engine::first_in(const Node& node, bool lacks, bool only_lacking, Trial& trial) {
  if (only_lacking && !lacks) {
    if (node.role->lacking == 0) return nullptr;
    lacks = !node.leaf && node.role->lacks() && lacks_here(*node.role, trial.agent);
    if (node.leaf) return nullptr;
  }
  for (Client* client : node.row) {
    if (trial.refused.stopped(client->filter_key)) continue;
    if (may_have(*client, trial)) {
      if (trial.agent.passes.empty() || find_pass(trial.agent, *client) == nullptr) return client;
    } else if (trial.agent.plain && trial.offer != nullptr && trial.offer->empty() &&
               trial.found == trial.obstacle) {
      return nullptr;  // quota leaves nothing to anybody of this role
    }
  }
  for (const Node* child : node.order) {
    // Where each framework has a role of its own, most need no look below.
    if (child->only != nullptr && trial.refused.stopped(child->only->filter_key)) continue;
    if (Client* client = first_in(*child, lacks, only_lacking, trial)) return client;
  }
  return nullptr;
}

Client* Engine::first_among(const std::vector<Client*>& clients, bool only_lacking, Trial& trial) {
  Client* first = nullptr;
  for (Client* client : clients) {
    if (only_lacking && !lacks_here(*client->role, trial.agent)) continue;
    if (first != nullptr && !precedes(*client, *first)) continue;
    if (find_pass(trial.agent, *client) == nullptr && may_have(*client, trial)) first = client;
  }
  return first;
}

// Of those who handed it back, the one that did so first.
Client* Engine::first_of_passed(const std::vector<Client*>* among, Trial& trial) {
  Client* first = nullptr;
  uint64_t number = UINT64_MAX;
  for (const Pass& pass : trial.agent.passes) {
    if (pass.number > number) continue;
    const auto at = clients_.find(pass.client);
    if (at == clients_.end() || !at->second->ranked) continue;
    Client* client = at->second;
    if (among != nullptr && std::ranges::find(*among, client) == among->end()) continue;
    if (!may_have(*client, trial)) continue;
    first = client;
    number = pass.number;
  }
  return first;
}

// All who may get something of the agent and have not handed it back.
void Engine::gather(const Node& node, bool lacks, bool only_lacking, Trial& trial,
                    std::vector<Client*>& eligible) {
  if (only_lacking && !lacks) {
    if (node.leaf || node.role->lacking == 0) return;
    lacks = node.role->lacks() && lacks_here(*node.role, trial.agent);
  }
  for (Client* client : node.row) {
    if (trial.refused.stopped(client->filter_key)) continue;
    if (may_have(*client, trial) && find_pass(trial.agent, *client) == nullptr) {
      eligible.push_back(client);
    }
  }
  for (const Node* child : node.order) gather(*child, lacks, only_lacking, trial, eligible);
}

// By lot (§4.3): down the tree, each child with somebody eligible in proportion to its weight, then
// any framework of the role.
Client* Engine::draw(const std::vector<Client*>& eligible) {
  if (eligible.empty()) return nullptr;
  ++last_mark_;
  for (const Client* client : eligible) {
    for (Node* node = &client->role->own; node != nullptr; node = node->parent) {
      node->mark = last_mark_;
    }
  }
  const Node* node = &tree_.root().node;
  while (!node->leaf) {
    uint64_t weights = 0;
    for (const Node* child : node->order) {
      if (child->mark == last_mark_) weights += static_cast<uint64_t>(child->weight);
    }
    uint64_t lot = rng_.below(weights);
    for (const Node* child : node->order) {
      if (child->mark != last_mark_) continue;
      node = child;
      if (lot < static_cast<uint64_t>(child->weight)) break;
      lot -= static_cast<uint64_t>(child->weight);
    }
  }
  std::vector<Client*> drawn;
  std::ranges::copy_if(eligible, std::back_inserter(drawn),
                       [node](const Client* client) { return client->role == node->role; });
  return drawn[rng_.below(drawn.size())];
}

void Engine::grant(Agent& agent, Client& client, const Resources& offer,
                   std::vector<Grant>& grants) {
  Grant& given = grants.emplace_back();
  given.framework = client.key;
  given.role = client.role->name;
  given.agent = agent.key();
  if (&offer == &agent.free) {
    given.resources = std::exchange(agent.free, Resources());
  } else {
    given.resources = offer;
    agent.free -= offer;
  }
  settle_free(agent);
  Holding& holding = holding_of(agent, client);
  holding.before = holding.held;
  holding.held += given.resources;
  holding.offered += given.resources;
  charge(agent, client, given.resources, ++last_grant_);
  add(client.offered, scratch_);
}

void Engine::shuffle(std::vector<Agent*>& agents) {
  for (std::size_t left = agents.size(); left > 1; --left) {
    std::swap(agents[left - 1], agents[rng_.below(left)]);
  }
}

}  // namespace souk::allocator
