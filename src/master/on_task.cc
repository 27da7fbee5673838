// Tasks: what agents report, what schedulers acknowledge, kill and ask about.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "master/master.h"

namespace souk::master {

namespace call = protocol::call;
namespace event = protocol::event;

TaskState Machine::lost_or(const Framework& framework, TaskState partition_aware) const {
  return framework.partition_aware() ? partition_aware : TaskState::kLost;
}

TaskStatus Machine::master_status(const TaskId& task, const AgentId& agent, TaskState state,
                                  std::optional<Reason> reason, std::string message) const {
  TaskStatus status;
  status.task_id = task;
  status.state = state;
  status.source = StatusSource::kMaster;
  status.reason = reason;
  status.message = std::move(message);
  status.agent_id = agent;
  status.timestamp = now_.wall;
  return status;
}

void Machine::send_status(Framework& framework, Piece<TaskStatus> status) {
  send(framework, event::Update{std::move(status)});
}

void Machine::count_terminal(Framework& framework, const TaskStatus& status) {
  const auto index = static_cast<std::size_t>(status.state);
  ++framework.counters.terminal[index];
  ++counters_.terminal[index];
  if (!status.reason) return;
  std::string name = fmt::format("{}/{}/{}", to_string(status.state), to_string(status.source),
                                 to_string(*status.reason));
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  ++counters_.terminal_by_reason[name];
}

// Most tasks of a framework ask for the same: then they share it.
protocol::TaskView Machine::view_of(Framework& framework, const Agent& agent, Piece<TaskSpec> spec,
                                    const std::string& role, const ExecutorId& executor) {
  const auto shared = [](auto& latest, const auto& value) {
    if (*latest != value) latest = value;
    return latest;
  };
  TaskSpec& shares = spec.own();
  if (shares.resources == framework.task_resources) {
    shares.resources = framework.task_resources;
  } else {
    framework.task_resources = shares.resources;
  }
  if (shares.agent_id == agent.shared_id) shares.agent_id = agent.shared_id;
  return {.spec = std::move(spec),
          .framework_id = framework.shared_id,
          .executor_id = shared(framework.task_executor, executor),
          .agent_id = agent.shared_id,
          .role = shared(framework.task_role, role),
          .state = TaskState::kStaging,
          .statuses = {},
          .unreachable_since = std::nullopt};
}

Task& Machine::add_task(Framework& framework, Agent& agent, Task task) {
  task.framework = framework.key;
  task.agent = agent.key;
  if (!task.ended()) {
    Pool& pool = agent.pool(task.short_slot);
    pool.used += task.resources();
    allocator_->task_started({.framework = framework.key,
                              .id = task.id(),
                              .role = task.role(),
                              .agent = pool.key,
                              .resources = task.resources(),
                              .since = now_.mono});
  }
  Task& added = framework.tasks.add(std::move(task));
  agent.tasks.insert({framework.key, added.id().value});
  tell_added(framework, added);
  return added;
}

void Machine::set_task_state(Framework& framework, Task& task, TaskState state) {
  if (task.ended()) return;  // the first terminal state holds
  task.shown.own().state = state;
  if (!is_terminal(state)) return;
  end_revocation(framework, task);
  Pool& pool = agent(task.agent).pool(task.short_slot);
  pool.used -= task.resources();
  allocator_->task_ended(framework.key, task.id());
  allocator_->recovered(framework.key, task.role(), pool.key, task.resources(), std::nullopt, now_);
}

void Machine::remove_task(Framework& framework, Task& task) {
  SOUK_CHECK(task.ended(), "a task that runs is not forgotten");
  Piece<protocol::TaskView> shown = task.shown;
  const std::string_view id = shown->spec->id.value;
  agent(task.agent).tasks.erase({framework.key, id});
  framework.tasks.erase(id);
  remember_completed(framework, std::move(shown));
}

void Machine::remember_completed(Framework& framework, Piece<protocol::TaskView> view) {
  framework.completed_tasks.push_back(std::move(view));
  if (framework.completed_tasks.size() > options_.max_completed_tasks_per_framework) {
    framework.completed_tasks.pop_front();
  }
}

void Machine::note_status(Task& task, const TaskStatus& status) {
  std::vector<protocol::StatusView>& statuses = task.shown.own().statuses;
  if (statuses.empty()) statuses.reserve(kUsualStatuses);
  protocol::StatusView view{
      .state = status.state, .healthy = status.healthy, .timestamp = status.timestamp};
  if (!status.labels.empty()) view.labels = status.labels;
  if (!statuses.empty() && statuses.back().container_id.view() == status.container_id.value) {
    view.container_id = statuses.back().container_id;
  } else if (!status.container_id.empty()) {
    view.container_id = Blob(status.container_id.value);
  }
  statuses.push_back(std::move(view));
  if (statuses.size() > kMaxStatusesPerTask) statuses.erase(statuses.begin());
}

void Machine::heard_from(Agent& agent, protocol::to_master::StatusUpdate&& message) {
  const Piece<TaskStatus> said(std::move(message.status));
  const TaskStatus& status = *said;
  Framework* framework = find_framework(message.framework_id);
  if (framework == nullptr) {
    ++counters_.invalid_status_updates;
    // Nobody is left to acknowledge it, and the agent would try for ever.
    if (status.uuid) {
      say(agent,
          protocol::to_agent::Acknowledge{message.framework_id, status.task_id, *status.uuid});
    }
    return;
  }
  ++counters_.valid_status_updates;
  Task* known = framework->tasks.find(status.task_id);
  if (known != nullptr && known->agent == agent.key) {
    Task& task = *known;
    const bool again = status.uuid && task.pending->uuid == status.uuid;
    if (!again) {
      if (is_terminal(status.state) && !std::exchange(task.counted, true)) {
        count_terminal(*framework, status);
      }
      note_status(task, status);
    }
    if (status.uuid) task.pending = said;
    const TaskState before = task.state();
    // Whatever is said of the latest state: nothing comes after a terminal one.
    set_task_state(*framework, task,
                   is_terminal(status.state) ? status.state : message.latest_state);
    if (!again || task.state() != before) tell_updated(*framework, status, task.state());
    if (!status.uuid && task.ended()) remove_task(*framework, task);
  }
  // Of a task that is not known any more too: the acknowledgement may have been lost on its way to
  // the agent.
  send_status(*framework, said);
}

void Machine::call(Framework& framework, call::Acknowledge&& call) {
  Agent* agent = find_agent(call.agent);
  if (agent == nullptr || !agent->link) {
    // The agent will send the update again, and then it can be acknowledged.
    ++counters_.invalid_status_update_acknowledgements;
    return;
  }
  ++counters_.valid_status_update_acknowledgements;
  Task* task = framework.tasks.find(call.task);
  say(*agent,
      protocol::to_agent::Acknowledge{framework.shared_id, std::move(call.task), call.uuid});
  if (task == nullptr || task->agent != agent->key) return;
  if (task->pending->uuid != call.uuid) return;
  const bool over = is_terminal(task->pending->state);
  task->pending = {};
  if (over) remove_task(framework, *task);
}

void Machine::call(Framework& framework, call::Kill&& call) {
  Task* task = framework.tasks.find(call.task);
  if (task == nullptr || task->ended()) {
    answer_reconcile(framework, call.task, call.agent);
    return;
  }
  task->kill_asked = true;
  task->kill_grace = call.grace ? Boxed<Duration>(*call.grace) : std::nullopt;
  // To an agent that is away: when it registers again.
  say_kill(agent(task->agent), framework, *task);
}

void Machine::say_kill(Agent& agent, const Framework& framework, const Task& task) {
  protocol::to_agent::KillTask kill{framework.info.id, task.id(), std::nullopt, std::nullopt};
  if (task.kill_grace) kill.grace = *task.kill_grace;
  if (task.revoked) {
    kill.grace =
        std::min(task.spec().kill_grace.value_or(kMaxRevokedKillGrace), kMaxRevokedKillGrace);
    kill.reason = Reason::kContainerPreempted;
  }
  say(agent, std::move(kill));
}

void Machine::call(Framework& framework, call::Shutdown&& call) {
  Agent* agent = find_agent(call.agent);
  if (agent == nullptr) return;
  say(*agent, protocol::to_agent::ShutdownExecutor{framework.info.id, call.executor});
}

void Machine::call(Framework& framework, call::Message&& call) {
  Agent* agent = find_agent(call.agent);
  if (agent == nullptr || !agent->link) {
    ++counters_.framework_to_executor_invalid;
    return;
  }
  ++counters_.framework_to_executor_valid;
  say(*agent,
      protocol::to_agent::FrameworkMessage{framework.info.id, call.executor, std::move(call.data)});
}

void Machine::call(Framework& framework, call::Reconcile&& call) {
  if (!call.tasks.empty()) {
    for (const call::Reconcile::Task& task : call.tasks) {
      answer_reconcile(framework, task.id, task.agent);
    }
    return;
  }
  // Implicit: every task that is known. An answer changes nothing, so the walk is safe.
  for (const Task* task : framework.tasks.in_order()) {
    answer_reconcile(framework, task->id(), {});
  }
  for (const auto& [id, task] : framework.unreachable_tasks) {
    answer_reconcile(framework, id, task->agent_id);
  }
}

// No operation outlives its ACCEPT yet, so none is known.
void Machine::call(Framework& framework, call::ReconcileOperations&& call) {
  for (const auto& operation : call.operations) {
    send(framework,
         event::UpdateOperationStatus{operation.id, "Reconciliation: Operation is unknown",
                                      operation.agent, /*unknown=*/true});
  }
}

void Machine::answer_reconcile(Framework& framework, const TaskId& id, const AgentId& agent) {
  const auto answer = [&](TaskState state, std::string message) {
    return master_status(id, agent, state, Reason::kReconciliation, std::move(message));
  };
  if (const Task* task = framework.tasks.find(id)) {
    TaskStatus status = answer(task->state(), "Reconciliation: Latest task state");
    status.agent_id = agent_id_of(*task);
    status.executor_id = task->shown->executor_id;
    if (!task->shown->statuses.empty()) {
      const protocol::StatusView& last = task->shown->statuses.back();
      status.healthy = last.healthy;
      status.container_id = ContainerId(std::string(last.container_id.view()));
    }
    return send_status(framework, std::move(status));
  }
  const auto unreachable = [&](const AgentId& where, WallTime since) {
    TaskStatus status =
        answer(lost_or(framework, TaskState::kUnreachable), "Reconciliation: Task is unreachable");
    status.agent_id = where;
    status.unreachable_time = since;
    send_status(framework, std::move(status));
  };
  if (const auto at = framework.unreachable_tasks.find(id);
      at != framework.unreachable_tasks.end()) {
    return unreachable(at->second->agent_id, at->second->unreachable_since.value_or(now_.wall));
  }
  if (agent.empty()) {
    // Some agent that is yet to come back may know it.
    if (!awaited_.empty()) return;
    return send_status(framework, answer(lost_or(framework, TaskState::kUnknown),
                                         "Reconciliation: Task is unknown"));
  }
  if (find_agent(agent) != nullptr) {
    return send_status(framework, answer(lost_or(framework, TaskState::kGone),
                                         "Reconciliation: Task is unknown to the agent"));
  }
  if (registry_.admitted.contains(agent)) return;  // it will tell
  if (const auto at = registry_.unreachable.find(agent); at != registry_.unreachable.end()) {
    return unreachable(agent, at->second);
  }
  if (registry_.gone.contains(agent)) {
    return send_status(framework, answer(lost_or(framework, TaskState::kGoneByOperator),
                                         "Reconciliation: Task is gone"));
  }
  send_status(framework,
              answer(lost_or(framework, TaskState::kUnknown), "Reconciliation: Task is unknown"));
}

}  // namespace souk::master
