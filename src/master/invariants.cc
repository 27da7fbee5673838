// What must hold between two steps. Walks everything: for tests and the simulator.
#include "master/master.h"

namespace souk::master {
namespace {

template <class... Args>
std::optional<std::string> broken(fmt::format_string<Args...> format, Args&&... args) {
  return fmt::format(format, std::forward<Args>(args)...);
}

}  // namespace

std::optional<std::string> Machine::broken_invariant() const {
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
