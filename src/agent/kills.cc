#include "agent/kills.h"

#include <algorithm>
#include <utility>

#include "agent/containers.h"
#include "agent/log.h"
#include "agent/status_updates.h"
#include "agent/storage.h"
#include "base/text.h"

namespace souk::agent {

using Stage = Container::Stage;
namespace supervisor = protocol::supervisor;

namespace {

Duration sane(Duration grace) { return std::clamp<Duration>(grace, Duration::zero(), 24h); }

Duration effective_grace(const Context& c, const Task& task, std::optional<Duration> grace) {
  return sane(grace.value_or(task.record.spec.kill_grace.value_or(c.options.kill_grace)));
}

void watch_kill(Context& c, const Task& task, Duration grace) {
  const TimerKey timer = timer_of(TimerKind::kKill, task);
  const MonoTime until = c.now.mono + grace + c.options.kill_margin;
  c.state.timers.set(timer, std::min(until, c.state.timers.of(timer).value_or(until)));
}

// Whether it obeys is its own business, unless this agent insists.
void kill_by_executor(Context& c, Container& container, Task& task, std::optional<Duration> grace,
                      bool insist) {
  const Duration effective = effective_grace(c, task, grace);
  task.kill = std::min(task.kill.value_or(effective), effective);
  if (insist) watch_kill(c, task, effective);
  if (!container.stream) return;  // said when it subscribes again
  task.killing = true;
  if (!grace) grace = task.record.spec.kill_grace;
  c.emit(effect::SendToExecutor{
      *container.stream,
      protocol::executor_event::Kill{.task = task.record.spec.id, .grace = grace}});
}

void kill_by_supervisor(Context& c, Container& container, Task& task,
                        std::optional<Duration> grace) {
  const Duration effective = effective_grace(c, task, grace);
  task.kill = std::min(task.kill.value_or(effective), effective);
  if (container.connected) {
    c.emit(
        effect::SendToSupervisor{container.sandbox.container,
                                 supervisor::Kill{task.record.spec.id.value, effective.count()}});
  }
  watch_kill(c, task, effective);
}

void end_executor_of(Context& c, Container& container, Task& task) {
  const TaskId& id = task.record.spec.id;
  warn(c, "executor {} did not end task {} in time: it is ended", container.sandbox.executor, id);
  if (!task.ending) task.ending = Ending{};
  Ending others = executor_terminated();
  others.message = fmt::format("The executor was ended: it did not end task {} in time", id);
  const Duration grace =
      std::min(shutdown_grace(c, container), c.options.executor_shutdown_grace_period);
  shut_down(c, container, grace, std::move(others));
}

void revoke(Context& c, Task& task, std::optional<Duration> grace) {
  if (is_terminal(task.record.state)) return;
  const Duration effective = effective_grace(c, task, grace);
  const FrameworkId& framework = task.record.framework_id;
  const TaskId& id = task.record.spec.id;
  if (!task.revoked || effective < *task.revoked) {
    task.revoked = effective;
    persist(c, checkpoint::TaskRevoked{framework, id, effective});
  }
  // Stored first: its end, if the agent is not there to see it, must not look like one of its own.
  after_stored(c, held::KillRevoked{framework, id});
}

}  // namespace

Ending framework_removed() {
  return {.state = TaskState::kKilled,
          .reason = Reason::kFrameworkRemoved,
          .message = "The framework was removed"};
}

Ending revocation(const FrameworkInfo& framework) {
  return {.state = framework.has(Capability::kPartitionAware) ? TaskState::kGone : TaskState::kLost,
          .reason = Reason::kContainerPreempted,
          .message = "Revoked in favour of another framework"};
}

void kill_task(Context& c, Task& task, std::optional<Duration> grace,
               std::optional<Ending> ending) {
  if (is_terminal(task.record.state)) return;  // that state is on its way
  Container* container = find_container(c.state, task.container);
  if (container == nullptr) return;
  const Batch* batch = waiting_batch(*container, task.record.spec.id);
  if (batch != nullptr && !c.state.recovering) {
    if (!task.ending) task.ending = std::move(ending);
    const Batch alone{.tasks = {task.record.spec.id}};
    drop_batch(c, *container, batch->group ? *batch : alone);
    settle(c, *container);
    return;
  }
  if (container->kind == ContainerKind::kCustom) {
    // What the framework asked for before, the executor reports in its own words.
    const bool insist = ending.has_value();
    if (!task.ending && !task.kill) task.ending = std::move(ending);
    kill_by_executor(c, *container, task, grace, insist);
    return;
  }
  if (!task.ending) task.ending = ending.value_or(Ending{});
  kill_by_supervisor(c, *container, task, grace);
}

void kill_overdue(Context& c, Framework& framework, Task& task) {
  Container* container = find_container(c.state, task.container);
  if (container == nullptr || container->stage >= Stage::kEnded) return;
  if (container->kind == ContainerKind::kCustom) {
    end_executor_of(c, *container, task);
    return;
  }
  const bool all_killed = std::ranges::all_of(container->live, [&](const TaskId& id) {
    const Task* other = find_task(framework, id);
    return other == nullptr || other->kill.has_value();
  });
  warn(c, "task {} did not end in time: SIGKILL", task.record.spec.id);
  if (all_killed || !container->connected) {
    c.emit(effect::KillContainer{container->sandbox.container});
  } else {
    c.emit(effect::SendToSupervisor{container->sandbox.container,
                                    supervisor::Kill{task.record.spec.id.value, 0}});
  }
  c.state.timers.set(timer_of(TimerKind::kKill, task), c.now.mono + c.options.kill_margin);
}

void shut_down_framework(Context& c, Framework& framework, const Ending& ending) {
  if (!framework.removing) {
    framework.removing = true;
    persist(c, checkpoint::FrameworkRemoving{framework.info.id});
  }
  for (auto& [id, task] : framework.tasks) {
    task.pending.clear();
    c.state.timers.cancel(timer_of(TimerKind::kResend, task));
    if (is_terminal(task.record.state)) forget(c, task);
  }
  const std::set<ContainerId> containers = framework.containers;
  for (const ContainerId& id : containers) {
    Container* container = find_container(c.state, id);
    if (container != nullptr) shut_down(c, *container, shutdown_grace(c, *container), ending);
  }
  c.state.touched.insert(framework.info.id);
}

void on_message(Context& c, protocol::to_agent::KillTask&& m) {
  Framework* framework = find_framework(c.state, m.framework_id);
  Task* task = framework ? find_task(*framework, m.task_id) : nullptr;
  if (task != nullptr && m.reason == Reason::kContainerPreempted) {
    revoke(c, *task, m.grace);
    return;
  }
  if (task != nullptr) {
    kill_task(c, *task, m.grace, std::nullopt);
    return;
  }
  info(c, "asked to kill task {}, which this agent does not run", quote(m.task_id.value));
  const bool aware = framework != nullptr && framework->info.has(Capability::kPartitionAware);
  say_once(c, m.framework_id,
           {.task_id = m.task_id,
            .state = aware ? TaskState::kGone : TaskState::kLost,
            .source = StatusSource::kAgent,
            .reason = Reason::kTaskUnknown,
            .message = "Kill of a task that this agent does not run",
            .agent_id = c.state.agent_id,
            .timestamp = c.now.wall});
}

void perform(Context& c, held::KillRevoked&& h) {
  Framework* framework = find_framework(c.state, h.framework);
  Task* task = framework ? find_task(*framework, h.task) : nullptr;
  if (task == nullptr || !task->revoked) return;
  kill_task(c, *task, task->revoked, revocation(framework->info));
}

void on_message(Context& c, protocol::to_agent::ShutdownExecutor&& m) {
  Framework* framework = find_framework(c.state, m.framework_id);
  if (framework == nullptr) return;
  Container* container = nullptr;
  if (const auto at = framework->executors.find(m.executor_id); at != framework->executors.end()) {
    container = find_container(c.state, at->second);
  } else if (const Task* task = find_task(*framework, TaskId(m.executor_id.value));
             task != nullptr && task->record.command_task) {
    container = find_container(c.state, task->container);
  }
  if (container == nullptr) {
    info(c, "asked to shut down executor {}, which this agent does not run",
         quote(m.executor_id.value));
    return;
  }
  shut_down(c, *container, shutdown_grace(c, *container), std::nullopt);
}

void on_message(Context& c, protocol::to_agent::ShutdownFramework&& m) {
  Framework* framework = find_framework(c.state, m.framework_id);
  if (framework == nullptr) return;
  info(c, "framework {} is shut down", m.framework_id);
  shut_down_framework(c, *framework, framework_removed());
}

}  // namespace souk::agent
