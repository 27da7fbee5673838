// What must hold between calls; for tests.
#include <fmt/format.h>

#include <algorithm>

#include "allocator/engine.h"

namespace souk::allocator {

std::optional<std::string> Engine::broken_invariant() const {
  for (const auto& [key, agent] : agents_) {
    if (auto broken = broken_agent(*agent)) return broken;
  }
  if (auto broken = broken_lists()) return broken;
  if (auto broken = broken_sums()) return broken;
  if (auto broken = broken_quota()) return broken;
  if (auto broken = broken_order(tree_.root().node)) return broken;
  if (auto broken = broken_filters()) return broken;
  return is_at_rest() ? forgotten_grant() : std::nullopt;
}

// Whether the next allocate() has nobody to try.
bool Engine::is_at_rest() const {
  if (!touched_.empty() || !contenders_.empty() || rescinds_due_) return false;
  if (!quota_set_) return put_off_.empty();
  const bool somebody_is_back = std::ranges::any_of(put_off_, [this](ClientId id) {
    const auto at = clients_.find(id);
    return at != clients_.end() && at->second->ranked && !is_spent(*at->second->role);
  });
  return !somebody_is_back && to_try_with_more().empty();
}

std::optional<std::string> Engine::broken_agent(const Agent& agent) {
  const uint32_t key = agent.key().value;
  Resources rest = agent.total;
  bool exceeded = false;
  for (const Holding& holding : agent.holdings) {
    if (holding.held.empty()) return fmt::format("agent {}: an empty holding", key);
    if (!holding.held.contains(holding.offered)) {
      return fmt::format("agent {}: {} are offered, only {} held", key, holding.offered.to_string(),
                         holding.held.to_string());
    }
    exceeded = exceeded || !rest.contains(holding.held);
    if (!exceeded) rest -= holding.held;
  }
  if (exceeded) rest = Resources();
  if (exceeded != agent.exceeded || rest != agent.free) {
    return fmt::format("agent {}: {} are said to be free, {} are", key, agent.free.to_string(),
                       rest.to_string());
  }
  if (!std::ranges::is_sorted(agent.passes, {}, &Pass::client)) {
    return fmt::format("agent {}: passes out of order", key);
  }
  return std::nullopt;
}

std::optional<std::string> Engine::broken_lists() const {
  std::size_t free = 0;
  for (const auto& [key, agent] : agents_) {
    const bool is_free = agent->active && !agent->free.empty() &&
                         (own_minimums_ > 0 || reaches(agent->free, options_.min_allocatable));
    free += is_free ? 1 : 0;
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
    if (agent_places_[agent->place] != agent.get()) {
      return fmt::format("agent {}: not in its place", key.value);
    }
  }
  if (free != free_agents_.size()) return "the free list has too many";
  for (const auto& [id, client] : clients_) {
    if (client->contender != (std::ranges::count(contenders_, id) == 1)) {
      return fmt::format("client {}: wrong list of contenders", id.value);
    }
    if (places_[client->filter_key.place] != client) {
      return fmt::format("client {}: not in its place", id.value);
    }
  }
  return std::nullopt;
}

std::optional<std::string> Engine::broken_sums() const {
  Measure measure = measure_;  // has the names
  Amounts totals;
  Amounts part;
  HashMap<ClientId, Amounts> used;
  HashMap<ClientId, Amounts> offered;
  HashMap<ClientId, std::size_t> holdings;
  HashMap<const Node*, Amounts> below;
  for (const auto& [key, agent] : agents_) {
    measure.amounts_of(agent->total, part);
    add(totals, part);
    for (const Holding& holding : agent->holdings) {
      measure.amounts_of(holding.held, part);
      add(used[holding.client->id], part);
      for (const Node* node = &holding.client->role->own; node->parent != nullptr;
           node = node->parent) {
        add(below[node], part);
      }
      measure.amounts_of(holding.offered, part);
      add(offered[holding.client->id], part);
      ++holdings[holding.client->id];
    }
  }
  if (!equal(totals, measure_.totals())) return "the cluster's total is wrong";
  for (const auto& [id, client] : clients_) {
    if (!equal(used[id], client->standing.used) || holdings[id] != client->holdings) {
      return fmt::format("client {}: what it holds is miscounted", id.value);
    }
    if (!equal(offered[id], client->offered)) {
      return fmt::format("client {}: its offers are miscounted", id.value);
    }
    if (!client->subscribed && client->holdings == 0) {
      return fmt::format("client {} is kept for nothing", id.value);
    }
    const bool expected = client->framework->active && client->subscribed && !client->suppressed;
    if (client->ranked != expected) return fmt::format("client {}: wrongly ranked", id.value);
  }
  for (const auto& [name, role] : tree_.roles()) {
    if (!equal(below[&role->node], role->node.standing.used) ||
        !equal(below[&role->own], role->own.standing.used)) {
      return fmt::format("role {}: what it holds is miscounted", name);
    }
  }
  return std::nullopt;
}

std::optional<std::string> Engine::broken_quota() const {
  Measure measure = measure_;
  HashMap<const Role*, Amounts> consumed;
  const auto consume = [&consumed](const Role* role, const Amounts& amounts) {
    for (; role != nullptr; role = role->parent) add(consumed[role], amounts);
  };
  Amounts available;
  Amounts part;
  for (const auto& [key, agent] : agents_) {
    if (agent->facts.max_task_duration) continue;
    for (const Resource& item : agent->total.items()) {
      if (item.reservations->empty() || item.revocable) continue;
      const Role* role = tree_.find(std::string(item.reserved_role()));
      Resource bare = item;
      bare.reservations = {};
      measure.amounts_of(Resources({std::move(bare)}), part);
      if (role != nullptr) consume(role, part);
    }
    for (const Holding& holding : agent->holdings) {
      measure.unreserved_amounts_of(holding.held, part);
      consume(holding.client->role, part);
    }
    measure.unreserved_amounts_of(agent->free, part);
    if (agent->active) add(available, part);
  }
  Amounts needed;
  for (const auto& [name, role] : tree_.roles()) {
    if (!equal(consumed[role.get()], role->quota.consumed)) {
      return fmt::format("role {}: what it has for its quota is miscounted", name);
    }
    Amounts below;
    for (const Role* child : role->children) add(below, child->quota.needed);
    for (std::size_t slot = 0; slot < measure.slots() && quota_set_; ++slot) {
      const __int128 lack =
          amount(role->quota.guarantee, slot) - amount(role->quota.consumed, slot);
      const __int128 expected = std::max({amount(below, slot), lack, __int128{0}});
      if (amount(role->quota.needed, slot) != expected) {
        return fmt::format("role {}: what it needs of {} is miscounted", name, measure.name(slot));
      }
    }
    if (role->parent == &tree_.root()) add(needed, role->quota.needed);
  }
  if (!quota_set_) return std::nullopt;
  if (!equal(needed, tree_.root().quota.needed)) return "the headroom is miscounted";
  if (!equal(available, available_)) return "what is free for the headroom is miscounted";
  return std::nullopt;
}

std::optional<std::string> Engine::broken_order(const Node& node) const {
  std::size_t ranked = node.row.size();
  for (std::size_t at = 0; at < node.row.size(); ++at) {
    const Client& client = *node.row[at];
    if (at > 0 && !comes_before(*node.row[at - 1], client)) return "clients out of order";
    if (&client.role->own != &node || !client.ranked) return "a client ranked where it is not";
  }
  for (std::size_t at = 0; at < node.order.size(); ++at) {
    const Node& child = *node.order[at];
    if (at > 0 && !comes_before(*node.order[at - 1], child)) return "roles out of order";
    if (child.parent != &node || child.ranked == 0) return "a role ranked where it is not";
    if (auto broken = broken_order(child)) return broken;
    ranked += child.ranked;
  }
  if (ranked != node.ranked) return "ranked clients are miscounted";
  const Client* only = ranked != 1 ? nullptr
                       : node.leaf ? node.row.front()
                                   : node.order.front()->only;
  if (only != node.only) return "the only ranked client is another one";
  if (node.parent != nullptr) return std::nullopt;
  const auto all =
      std::ranges::count_if(clients_, [](const auto& at) { return at.second->ranked; });
  return static_cast<std::size_t>(all) == ranked
             ? std::nullopt
             : std::optional<std::string>("a ranked one is lost");
}

std::optional<std::string> Engine::broken_filters() const {
  HashMap<uint32_t, std::size_t> by_place;
  std::size_t live = 0;
  for (const auto& [key, agent] : agents_) {
    agent->filters.visit_all([&](FilterKey filter) {
      if (eras_[filter.place] != filter.era) return;
      ++by_place[filter.place];
      ++live;
    });
  }
  for (const auto& [id, client] : clients_) {
    if (by_place[client->filter_key.place] != client->filters) {
      return fmt::format("client {}: {} filters are counted, {} found", id.value, client->filters,
                         by_place[client->filter_key.place]);
    }
    live += client->refuses_all_until ? 1 : 0;
  }
  if (live != live_filters_) return "filters are miscounted";
  if (filter_ends_.size() < live) return "a filter never ends";
  return std::nullopt;
}

std::optional<std::string> Engine::forgotten_grant() const {
  for (const Agent* agent : agent_places_) {
    for (const auto& [id, client] : clients_) {
      if (agent == nullptr || !agent->active || !client->ranked) continue;
      Trial trial = trial_on(*agent);
      if (obstacle(*client, trial) != Obstacle::kNone) continue;
      return fmt::format("framework {} could get {} of agent {} in role {}", client->key.value,
                         trial.offer->to_string(), agent->key().value, client->role->name);
    }
  }
  return std::nullopt;
}

}  // namespace souk::allocator
