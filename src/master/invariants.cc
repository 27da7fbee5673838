// What must hold between two steps. Walks everything: for tests and the simulator.
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
    if (at == links_.end() || at->second.agent != agent.info.id) {
      return broken("the link of agent {} is not its", agent.info.id);
    }
    if (!deadlines_.of({Timer::Kind::kPing, key.value})) {
      return broken("agent {} is not pinged", agent.info.id);
    }
  }
  if (awaited_.size() != awaited_numbers_.size()) return "the awaited agents are miscounted";
  return std::nullopt;
}

std::optional<std::string> Machine::broken_invariant() const {
  if (auto why = broken_connection()) return why;
  std::map<AgentKey, std::pair<Resources, Resources>> agent_sums;  // used, offered
  std::size_t tasks = 0;
  for (const auto& [key, framework] : frameworks_) {
    for (const auto& [id, task] : framework.tasks) {
      const auto agent = agents_.find(task.agent);
      if (agent == agents_.end()) return broken("task {} is on no agent", id);
      if (!agent->second.tasks.contains({key, id})) {
        return broken("agent {} does not know its task {}", agent->second.info.id, id);
      }
      ++tasks;
      if (task.pending && is_terminal(task.pending->state) && !is_terminal(task.state)) {
        return broken("task {} runs on after its end", id);
      }
      if (is_terminal(task.state)) continue;
      agent_sums[task.agent].first += task.spec->resources;
    }
    if (!framework.connection && !framework.offers.empty()) {
      return broken("framework {} is away and has offers", framework.info.id);
    }
  }
  for (const auto& [key, agent] : agents_) {
    if (agent.tasks.size() > tasks) return broken("agent {} has tasks of nobody", agent.info.id);
    tasks -= agent.tasks.size();
    for (const auto& [id, executor] : agent.executors) {
      agent_sums[key].first += executor.spec->resources;
    }
    if (!agent.link && !agent.offers.empty()) {
      return broken("agent {} is away and offered", agent.info.id);
    }
  }
  if (tasks != 0) return broken("{} tasks are not with their agents", tasks);
  if (offer_ids_.size() != offers_.size()) return "an offer's number is left over";
  for (const auto& [id, offer] : offers_) {
    if (!frameworks_.at(offer.framework).offers.contains(id) ||
        !agents_.at(offer.agent).offers.contains(id) || !offer_ids_.contains(offer.number)) {
      return broken("offer {} is not in every index", id);
    }
    agent_sums[offer.agent].second += offer.resources;
  }
  for (const auto& [key, agent] : agents_) {
    const auto& [used, offered] = agent_sums[key];
    if (agent.used != used) {
      return broken("agent {}: used {} but the books say {}", agent.info.id, used.to_string(),
                    agent.used.to_string());
    }
    if (agent.offered != offered) return broken("agent {}: offered is wrong", agent.info.id);
    // An agent that came back with less may be over-committed, and then nothing of it is offered.
    if (!offered.empty() && !agent.info.resources.contains(used + offered)) {
      return broken("agent {}: used and offered exceed what it has", agent.info.id);
    }
  }
  return std::nullopt;
}

}  // namespace souk::master
