#include "agent/recovery.h"

#include <algorithm>
#include <utility>

#include "agent/containers.h"
#include "agent/handlers.h"
#include "agent/kills.h"
#include "agent/status_updates.h"
#include "agent/storage.h"
#include "agent/time_limit.h"

namespace souk::agent {

using Stage = Container::Stage;

namespace {

void restore_container(State& state, Checkpoint::Container&& stored) {
  const auto framework = state.frameworks.find(stored.sandbox.framework);
  if (framework == state.frameworks.end()) return;  // of a spoilt store: killed when it dials in
  const ContainerId id = stored.sandbox.container;
  Container& container = state.containers[id];
  container.sandbox = std::move(stored.sandbox);
  container.kind = stored.kind;
  container.role = std::move(stored.role);
  container.executor = std::move(stored.executor);
  container.stage = Stage::kRunning;
  container.pid = stored.pid;
  container.launched = stored.pid != 0;
  framework->second.containers.insert(id);
  if (container.kind != ContainerKind::kCommand) {
    framework->second.executors[container.sandbox.executor] = id;
  }
  state.awaited.insert(id);
}

// Batches whose tasks are all in TASK_STAGING may not have been handed over. A souk-executor does
// not mind being told twice; a custom executor is asked, when it subscribes, which tasks it knows.
void restore_batch(Container& container, const Checkpoint::Task& stored) {
  if (container.kind == ContainerKind::kCustom) return;
  auto at = std::ranges::find_if(container.batches,
                                 [&](const Batch& b) { return b.number == stored.batch; });
  if (at == container.batches.end()) {
    container.batches.push_back({.number = stored.batch, .group = stored.group, .durable = true});
    at = std::prev(container.batches.end());
  }
  at->tasks.push_back(stored.record.spec.id);
}

void restore_task(State& state, const Checkpoint::TaskKey& key, Checkpoint::Task&& stored) {
  const auto framework = state.frameworks.find(key.first);
  if (framework == state.frameworks.end()) return;
  Task& task = framework->second.tasks[key.second];
  ++state.task_count;
  state.last_batch = std::max(state.last_batch, stored.batch);
  task.container = stored.container;
  task.added = stored.added;
  task.slot_limit = stored.slot_limit;
  task.revoked = stored.revoked;
  for (TaskStatus& status : stored.pending) {
    if (!status.uuid) continue;
    task.last = status;
    task.pending.push_back({.status = std::move(status), .durable = true});
  }
  Container* container = find_container(state, task.container);
  if (!is_terminal(stored.record.state) && container != nullptr) {
    container->live.insert(key.second);
    restore_batch(*container, stored);
  }
  task.record = std::move(stored.record);
}

void forget_started_batches(State& state, Container& container) {
  Framework& framework = framework_of(state, container);
  erase_if(container.batches, [&](const Batch& batch) {
    return std::ranges::any_of(batch.tasks, [&](const TaskId& id) {
      const Task* task = find_task(framework, id);
      return task == nullptr || task->record.state != TaskState::kStaging;
    });
  });
}

// What an interrupted step left half done.
void mend(Context& c, Framework& framework) {
  for (auto& [id, task] : framework.tasks) {
    if (is_terminal(task.record.state)) {
      if (task.pending.empty()) forget(c, task);
    } else if (find_container(c.state, task.container) == nullptr) {
      update(c, framework, task, make_status(c, task, executor_terminated()));
    }
  }
  c.state.touched.insert(framework.info.id);
}

// When it was handed over is not stored; when it came is, shortly before.
void resume_time(Context& c, Task& task) {
  const auto limit = time_limit(task);
  if (!limit) return;
  const Duration spent = std::max(c.now.wall - task.added, Duration::zero());
  // The last run may have begun to kill it, and a report of its end be on the way.
  if (spent >= *limit && !task.ending) task.ending = over_time(task);
  watch_time(c, task, spent);
}

void resume_limits(Context& c, Container& container) {
  Framework& framework = framework_of(c.state, container);
  const std::set<TaskId> live = container.live;
  for (const TaskId& id : live) {
    Task* task = find_task(framework, id);
    if (task == nullptr) continue;
    if (task->revoked) {
      kill_task(c, *task, task->revoked, revocation(framework.info));
      task->killing = container.kind == ContainerKind::kCustom;  // the last run may have told it
    }
    resume_time(c, *task);
  }
}

}  // namespace

Ending reregistration_timeout() {
  return {.state = TaskState::kFailed,
          .reason = Reason::kExecutorReregistrationTimeout,
          .message = "The executor did not come back in time after the agent restarted"};
}

void restore(State& state, Checkpoint checkpoint) {
  state.cluster_id = std::move(checkpoint.cluster_id);
  state.epoch = checkpoint.epoch;
  state.agent_id = std::move(checkpoint.agent_id);
  for (auto& [id, stored] : checkpoint.frameworks) {
    Framework& framework = state.frameworks[id];
    framework.info = std::move(stored.info);
    framework.removing = stored.removing;
  }
  for (auto& [id, stored] : checkpoint.containers) restore_container(state, std::move(stored));
  for (auto& [key, stored] : checkpoint.tasks) restore_task(state, key, std::move(stored));
  for (auto& [id, container] : state.containers) {
    std::ranges::sort(container.batches, {}, &Batch::number);
    forget_started_batches(state, container);
  }
  for (auto& [id, ended] : checkpoint.ended) {
    state.sandboxes.push_back({.sandbox = std::move(ended.sandbox), .at = ended.at});
  }
  std::ranges::sort(state.sandboxes, {}, &EndedSandbox::at);
}

void on(Context& c, event::Started&&) {
  State& state = c.state;
  if (state.started) return;
  state.started = true;
  state.started_mono = c.now.mono;
  state.started_at = c.now.wall;

  for (const EndedSandbox& s : std::exchange(state.sandboxes, {})) {
    schedule_removal(c, s.sandbox, s.at);
  }

  for (auto& [id, framework] : state.frameworks) mend(c, framework);
  for (auto& [id, container] : state.containers) {
    resume_limits(c, container);
    if (container.kind != ContainerKind::kCustom) {
      settle(c, container);
    } else if (!container.stream) {
      c.state.timers.set(timer_of(TimerKind::kResubscribe, container),
                         c.now.mono + c.options.recovery_timeout);
    }
  }
  for (auto& [id, framework] : state.frameworks) {
    if (framework.removing) shut_down_framework(c, framework, framework_removed());
  }
  if (state.awaited.empty()) return;  // the end of the step notices
  info(c, "waiting for {} containers that outlived the last run", state.awaited.size());
  state.timers.set(timer_of(TimerKind::kRecovery),
                   c.now.mono + c.options.executor_reregistration_timeout);
}

void end_recovery(Context& c) {
  const std::set<ContainerId> missing = c.state.awaited;
  for (const ContainerId& id : missing) {
    Container* container = find_container(c.state, id);
    if (container == nullptr) continue;
    warn(c, "container {} did not come back in time", id);
    Ending ending = reregistration_timeout();
    if (container->pid == 0) {
      ending = {.state = dropped_state(framework_of(c.state, *container).info),
                .reason = Reason::kAgentRestarted,
                .message = "The agent restarted before the task was delivered"};
    }
    end_container(c, *container, -1, ending, false);
  }
  c.state.awaited.clear();
}

}  // namespace souk::agent
