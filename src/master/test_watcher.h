// What an operator that listens makes of a view and the events after it.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <ranges>
#include <set>
#include <string>
#include <utility>

#include "protocol/operator_events.h"

namespace souk::master {

class Watcher {
 public:
  explicit Watcher(const protocol::MasterView& view) {
    for (const auto& agent : view.agents) agents_[agent->info.id] = agent->info;
    for (const auto& [id, hostname] : view.recovered_agents) recovered_.insert(id);
    for (const auto& framework : view.frameworks) {
      frameworks_[framework.info.id] = framework;
      for (const auto* tasks : {&framework.unreachable_tasks, &framework.tasks}) {
        for (const auto& task : *tasks) add(*task);
      }
    }
  }

  void hear(const protocol::OperatorEvent& event) {
    std::visit([this](const auto& one) { on(one); }, event);
  }

  // Nothing: it knows what is there. What has ended it may know longer than the master.
  std::optional<std::string> differs_from(const protocol::MasterView& view) const {
    for (const auto& agent : view.agents) {
      const auto at = agents_.find(agent->info.id);
      if (at == agents_.end() || at->second != agent->info) return "agent " + agent->info.id.value;
    }
    if (agents_.size() != view.agents.size()) return "an agent that is no more";
    if (!std::ranges::equal(recovered_, view.recovered_agents | std::views::keys)) {
      return "the agents that are awaited";
    }
    if (frameworks_.size() != view.frameworks.size()) return "a framework that is no more";
    std::set<Key> there;
    for (const auto& framework : view.frameworks) {
      const auto at = frameworks_.find(framework.info.id);
      if (at == frameworks_.end() || !same(at->second, framework)) {
        return "framework " + framework.info.id.value;
      }
      for (const auto& task : framework.tasks) there.insert(key_of(*task));
      for (const auto& task : framework.tasks) {
        if (auto why = wrong(*task)) return why;
      }
      for (const auto& task : framework.unreachable_tasks) {
        // Else another one has taken its id since.
        if (!there.insert(key_of(*task)).second) continue;
        if (auto why = wrong(*task)) return why;
      }
    }
    for (const auto& [key, state] : tasks_) {
      const bool over = is_terminal(state) || state == TaskState::kUnreachable;
      if (!over && !there.contains(key)) return "task " + key.second.value + " is no more";
    }
    return std::nullopt;
  }

 private:
  using Key = std::pair<FrameworkId, TaskId>;

  static Key key_of(const protocol::TaskView& task) { return {task.framework_id, task.spec->id}; }
  static bool same(const protocol::FrameworkView& a, const protocol::FrameworkView& b) {
    return a.info == b.info && a.active == b.active && a.connected == b.connected &&
           a.recovered == b.recovered && a.registered_at == b.registered_at &&
           a.reregistered_at == b.reregistered_at && a.offer_constraints == b.offer_constraints;
  }
  std::optional<std::string> wrong(const protocol::TaskView& task) const {
    const auto at = tasks_.find(key_of(task));
    if (at == tasks_.end()) return "it has not heard of task " + task.spec->id.value;
    if (at->second == task.state) return std::nullopt;
    return "task " + task.spec->id.value + " is " + std::string(to_string(task.state)) + ", not " +
           std::string(to_string(at->second));
  }

  void add(const protocol::TaskView& task) { tasks_[key_of(task)] = task.state; }
  void on(const protocol::operator_event::TaskAdded& event) { add(*event.task); }
  void on(const protocol::operator_event::TaskUpdated& event) {
    tasks_.at({event.framework, event.status.task_id}) = event.state;
  }
  void on(const protocol::operator_event::AgentAdded& event) {
    agents_[event.agent->info.id] = event.agent->info;
    recovered_.erase(event.agent->info.id);
  }
  void on(const protocol::operator_event::AgentRemoved& event) {
    agents_.erase(event.agent);
    recovered_.erase(event.agent);
  }
  void on(const protocol::operator_event::FrameworkAdded& event) {
    frameworks_[event.framework->info.id] = *event.framework;
  }
  void on(const protocol::operator_event::FrameworkUpdated& event) {
    frameworks_.at(event.framework->info.id) = *event.framework;
  }
  void on(const protocol::operator_event::FrameworkRemoved& event) {
    frameworks_.erase(event.framework->id);
    std::erase_if(tasks_,
                  [&](const auto& entry) { return entry.first.first == event.framework->id; });
  }
  void on(const protocol::operator_event::Heartbeat&) {}

  std::map<AgentId, AgentInfo> agents_;
  std::set<AgentId> recovered_;
  std::map<FrameworkId, protocol::FrameworkView> frameworks_;
  std::map<Key, TaskState> tasks_;  // the latest known
};

}  // namespace souk::master
