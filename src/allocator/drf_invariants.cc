// What must hold between calls; for tests.
#include <fmt/format.h>

#include <algorithm>

#include "allocator/drf.h"

namespace souk::allocator {
namespace {

// Sums of which one is shorter are equal if the rest is nothing.
bool equal(Amounts a, Amounts b) {
  const std::size_t size = std::max(a.size(), b.size());
  a.resize(size);
  b.resize(size);
  return a == b;
}

}  // namespace

std::optional<std::string> Drf::broken_invariant() const {
  for (const auto& [key, agent] : agents_) {
    if (auto broken = broken_agent(*agent)) return broken;
  }
  if (auto broken = broken_lists()) return broken;
  if (auto broken = broken_sums()) return broken;
  if (auto broken = broken_ranking()) return broken;
  if (auto broken = filters_.broken_invariant()) return broken;
  if (touched_.empty() && contenders_.empty()) return forgotten_grant();
  return std::nullopt;
}

std::optional<std::string> Drf::broken_agent(const Agent& agent) {
  Resources rest = agent.total;
  bool exceeded = false;
  for (const Holding& holding : agent.holdings) {
    if (holding.held.empty()) return fmt::format("agent {}: an empty holding", agent.key.value);
    exceeded = exceeded || !rest.contains(holding.held);
    if (!exceeded) rest -= holding.held;
  }
  if (exceeded) rest = Resources();
  if (exceeded != agent.exceeded || rest != agent.free) {
    return fmt::format("agent {}: {} are said to be free, {} are", agent.key.value,
                       agent.free.to_string(), rest.to_string());
  }
  if (!std::ranges::is_sorted(agent.passes, {}, &Pass::client)) {
    return fmt::format("agent {}: passes out of order", agent.key.value);
  }
  return std::nullopt;
}

std::optional<std::string> Drf::broken_lists() const {
  std::size_t free = 0;
  for (const auto& [key, agent] : agents_) {
    const bool is_free = agent->active && !agent->free.empty();
    free += is_free;
    const bool is_listed =
        agent->free_index < free_agents_.size() && free_agents_[agent->free_index] == agent.get();
    if (is_free != is_listed) return fmt::format("agent {}: wrong free list", key.value);
    if (agent->listed != (std::ranges::count(touched_, key) == 1) ||
        (agent->for_all && !agent->listed)) {
      return fmt::format("agent {}: wrong list of those touched", key.value);
    }
    if (!std::ranges::is_sorted(agent->waiting) || !std::ranges::is_sorted(agent->excepted)) {
      return fmt::format("agent {}: clients out of order", key.value);
    }
  }
  if (free != free_agents_.size()) return "the free list has too many";
  for (const auto& [id, client] : clients_) {
    if (client->contender != (std::ranges::count(contenders_, id) == 1)) {
      return fmt::format("client {}: wrong list of contenders", id.value);
    }
  }
  return std::nullopt;
}

std::optional<std::string> Drf::broken_sums() const {
  Measure measure = measure_;  // has the names
  Amounts totals;
  HashMap<ClientId, Amounts> used;
  HashMap<ClientId, std::size_t> holdings;
  std::map<std::string, Amounts> used_by_role;
  for (const auto& [key, agent] : agents_) {
    measure.add(totals, agent->total);
    for (const Holding& holding : agent->holdings) {
      measure.add(used[holding.client->id], holding.held);
      measure.add(used_by_role[holding.client->role->name], holding.held);
      ++holdings[holding.client->id];
    }
  }
  if (!equal(totals, measure_.totals())) return "the cluster's total is wrong";
  std::map<std::string, std::size_t> clients;
  for (const auto& [id, client] : clients_) {
    ++clients[client->role->name];
    if (!equal(used[id], client->standing.used) || holdings[id] != client->holdings) {
      return fmt::format("client {}: what it holds is miscounted", id.value);
    }
    if (!client->subscribed && client->holdings == 0) {
      return fmt::format("client {} is kept for nothing", id.value);
    }
  }
  for (const auto& [name, role] : roles_) {
    if (!equal(used_by_role[name], role->standing.used) || clients[name] != role->clients) {
      return fmt::format("role {}: what it holds is miscounted", name);
    }
  }
  return std::nullopt;
}

std::optional<std::string> Drf::broken_ranking() const {
  std::size_t ranked = 0;
  const Role* last_role = nullptr;
  for (const auto& row : ranking_.rows()) {
    if (row->clients().empty()) return "a role is ranked without clients";
    if (last_role != nullptr && !comes_before(*last_role, row->role())) return "roles out of order";
    last_role = &row->role();
    const Client* last = nullptr;
    for (const Client* client : row->clients()) {
      if (last != nullptr && !comes_before(*last, *client)) return "clients out of order";
      if (client->role != last_role || !client->ranked) return "a client ranked where it is not";
      last = client;
      ++ranked;
    }
  }
  for (const auto& [id, client] : clients_) {
    const bool expected = client->framework->active && client->subscribed && !client->suppressed;
    if (client->ranked != expected) return fmt::format("client {}: wrongly ranked", id.value);
    ranked -= client->ranked;
  }
  return ranked == 0 ? std::nullopt : std::optional<std::string>("the ranking has a stranger");
}

std::optional<std::string> Drf::forgotten_grant() const {
  for (const Agent* agent : free_agents_) {
    for (const auto& [id, client] : clients_) {
      Slice slice;
      if (!client->ranked || offer_for(*client, *agent, slice) == nullptr) continue;
      return fmt::format("framework {} could get {} of agent {} in role {}", client->key.value,
                         slice.offer->to_string(), agent->key.value, client->role->name);
    }
  }
  return std::nullopt;
}

}  // namespace souk::allocator
