// What must hold between two steps. Walks everything: for tests and the simulator.
#include <algorithm>

#include "master/master.h"

namespace souk::master {
namespace {

template <class... Args>
std::optional<std::string> broken(fmt::format_string<Args...> format, Args&&... args) {
  return fmt::format(format, std::forward<Args>(args)...);
}

}  // namespace

std::optional<std::string> Machine::broken_connection() const {
  std::size_t streams = 0;
  for (const auto& [key, framework] : frameworks_) {
    const bool waits = deadlines_.of({Timer::Kind::kHeartbeat, key.value}).has_value();
    if (waits != framework.active()) {
      return broken("framework {}: heartbeats do not follow its stream", framework.info.id);
    }
    if (!framework.connection) continue;
    ++streams;
    const auto at = streams_.find(*framework.connection);
    if (at == streams_.end() || at->second != key) {
      return broken("the stream of framework {} is not its", framework.info.id);
    }
  }
  if (streams != streams_.size()) return "a stream of nobody";
  for (const auto& [key, agent] : agents_) {
    if (!agent.link) continue;
    const auto at = links_.find(*agent.link);
    if (at == links_.end() || at->second.agent != key) {
      return broken("the link of agent {} is not its", agent.info.id);
    }
    if (!deadlines_.of({Timer::Kind::kPing, key.value})) {
      return broken("agent {} is not pinged", agent.info.id);
    }
  }
  const bool beats = deadlines_.of({Timer::Kind::kOperatorHeartbeat, 0}).has_value();
  if (beats != is_watched()) return "heartbeats do not follow the streams of operators";
  if (awaited_.size() != awaited_numbers_.size()) return "the awaited agents are miscounted";
  for (const auto& [number, agent] : awaited_) {
    if (deadlines_.of({Timer::Kind::kReregister, number}).has_value() == agent.removing) {
      return broken("agent {} is awaited for ever", agent.id);
    }
  }
  const auto storing = std::ranges::count_if(pending_, [](const auto& entry) {
    const auto& waits = entry.second.second;
    return waits && std::holds_alternative<PendingOperatorCall>(*waits);
  });
  if (storing != (operator_calls_.empty() ? 0 : 1)) return "a call of an operator is stuck";
  return std::nullopt;
}

std::optional<std::string> Machine::broken_revocation() const {
  std::size_t named = 0;
  for (const auto& [key, framework] : frameworks_) {
    named += framework.inverse_offers.size();
    for (const Task& task : framework.tasks.each()) {
      if (task.inverse_offer == 0) continue;
      const auto at = inverse_offers_.find(task.inverse_offer);
      if (task.ended() || at == inverse_offers_.end() || !at->second.tasks.contains(task.id())) {
        return broken("task {} is not in its inverse offer", task.id());
      }
    }
  }
  if (named != inverse_offers_.size()) return "an inverse offer of nobody";
  for (const auto& [number, offer] : inverse_offers_) {
    const Framework& framework = frameworks_.at(offer.framework);
    const auto at = framework.inverse_offers.find(offer.id);
    if (at == framework.inverse_offers.end() || at->second != number || offer.tasks.empty()) {
      return broken("inverse offer {} is not its framework's, or empty", offer.id);
    }
    if (!deadlines_.of({Timer::Kind::kRevocation, number})) {
      return broken("inverse offer {} has no deadline", offer.id);
    }
    for (const TaskId& id : offer.tasks) {
      const Task* task = framework.tasks.find(id);
      if (task == nullptr || task->inverse_offer != number || task->agent != offer.agent) {
        return broken("inverse offer {} names a task that is not its", offer.id);
      }
    }
  }
  return std::nullopt;
}

// What the pools of agents say is the sum of what their tasks, executors and offers have.
std::optional<std::string> Machine::broken_pools() const {
  std::map<AgentKey, std::pair<Resources, Resources>> sums;  // by pool: used, offered
  const auto pool_of = [this](AgentKey agent, bool short_slots) {
    const Agent& owner = agents_.at(agent);
    return short_slots ? owner.short_slots.key : owner.key;
  };
  for (const auto& [key, framework] : frameworks_) {
    for (const Task& task : framework.tasks.each()) {
      if (task.ended()) continue;
      sums[pool_of(task.agent, task.short_slot)].first += task.resources();
    }
  }
  for (const auto& [number, offer] : offers_) {
    sums[pool_of(offer.agent, offer.short_slots)].second += offer.resources;
  }
  std::size_t short_pools = 0;
  for (const auto& [key, agent] : agents_) {
    for (const auto& [id, executor] : agent.executors) {
      sums[key].first += executor.spec->resources;
    }
    const auto wrong = [&](const Pool& pool, const Resources& total) -> std::string {
      const auto& [used, offered] = sums[pool.key];
      if (pool.used != used) {
        return fmt::format("used {} but the books say {}", used.to_string(), pool.used.to_string());
      }
      if (pool.offered != offered) return "offered is wrong";
      // An agent that came back with less may be over-committed: nothing of it is offered then.
      if (!offered.empty() && !total.contains(used + offered)) {
        return "used and offered exceed what it has";
      }
      return {};
    };
    if (agent.ordinary.key != key) return broken("agent {} has two keys", agent.info.id);
    if (const auto why = wrong(agent.ordinary, agent.info.resources); !why.empty()) {
      return broken("agent {}: {}", agent.info.id, why);
    }
    if (!agent.has_short_slots()) continue;
    ++short_pools;
    const auto owner = short_keys_.find(agent.short_slots.key);
    if (owner == short_keys_.end() || owner->second != key) {
      return broken("the short slots of agent {} are not its", agent.info.id);
    }
    if (const auto why = wrong(agent.short_slots, agent.info.short_slots); !why.empty()) {
      return broken("agent {}, short slots: {}", agent.info.id, why);
    }
  }
  if (short_pools != short_keys_.size()) return "short slots of nobody";
  return std::nullopt;
}

std::optional<std::string> Machine::broken_invariant() const {
  if (auto why = broken_connection()) return why;
  if (auto why = broken_revocation()) return why;
  std::size_t tasks = 0;
  for (const auto& [key, framework] : frameworks_) {
    for (const Task& task : framework.tasks.each()) {
      const std::string& id = task.id().value;
      const auto agent = agents_.find(task.agent);
      if (agent == agents_.end()) return broken("task {} is on no agent", id);
      if (!agent->second.tasks.contains({key, id})) {
        return broken("agent {} does not know its task {}", agent->second.info.id, id);
      }
      ++tasks;
      if (task.pending->uuid && is_terminal(task.pending->state) && !task.ended()) {
        return broken("task {} runs on after its end", id);
      }
    }
    if (!framework.connection && !framework.offers.empty()) {
      return broken("framework {} is away and has offers", framework.info.id);
    }
  }
  for (const auto& [key, agent] : agents_) {
    if (agent.tasks.size() > tasks) return broken("agent {} has tasks of nobody", agent.info.id);
    tasks -= agent.tasks.size();
    if (!agent.link && !agent.offers.empty()) {
      return broken("agent {} is away and offered", agent.info.id);
    }
  }
  if (tasks != 0) return broken("{} tasks are not with their agents", tasks);
  std::size_t executors = 0;
  for (const auto& [key, agent] : agents_) executors += agent.executors.size();
  for (const auto& [key, framework] : frameworks_) {
    for (const auto& [agent, count] : framework.executors) executors -= count;
  }
  if (executors != 0) return "executors are miscounted";
  for (const auto& [number, offer] : offers_) {
    if (!frameworks_.at(offer.framework).offers.contains(number) ||
        !agents_.at(offer.agent).offers.contains(number) || offer.number != number) {
      return broken("offer {} is not in every index", number);
    }
  }
  return broken_pools();
}

}  // namespace souk::master
