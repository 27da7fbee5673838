// What becomes of souk-executors and what they report.
#include <algorithm>
#include <utility>

#include "agent/containers.h"
#include "agent/exit_status.h"
#include "agent/handlers.h"
#include "agent/kills.h"
#include "agent/status_updates.h"
#include "agent/storage.h"
#include "base/text.h"

namespace souk::agent {

namespace supervisor = protocol::supervisor;
using Stage = Container::Stage;

namespace {

// The task that a report names, if it is this container's and not terminal.
Task* live_task(Context& c, Container& container, const std::string& name) {
  const TaskId id(name);
  if (!container.live.contains(id)) return nullptr;
  return find_task(framework_of(c.state, container), id);
}

Ending launch_failed(const std::string& why) {
  return {.state = TaskState::kFailed,
          .reason = Reason::kContainerLaunchFailed,
          .message = fmt::format("The container could not be launched: {}", why)};
}

// Its batch needs not be handed over again.
void mark_started(Container& container, const TaskId& id) {
  erase_if(container.batches, [&](const Batch& batch) {
    return std::ranges::find(batch.tasks, id) != batch.tasks.end();
  });
}

// May be a repetition: after a restart of the agent every report that was not taken comes again.
void on_report(Context& c, Container& container, supervisor::Started&& s) {
  container.process_started = true;
  if (container.kind == ContainerKind::kCustom) return;
  Task* task = live_task(c, container, s.name);
  if (task == nullptr) return;
  mark_started(container, task->record.spec.id);
  Framework& framework = framework_of(c.state, container);
  for (const TaskState state : {TaskState::kStarting, TaskState::kRunning}) {
    const TaskState before =
        state == TaskState::kStarting ? TaskState::kStaging : TaskState::kStarting;
    if (task->record.state != before) continue;
    update(c, framework, *task,
           make_status(c, *task, state, StatusSource::kExecutor, std::nullopt, ""));
  }
}

void on_report(Context& c, Container& container, supervisor::LaunchFailed&& f) {
  ++c.state.counters.container_launch_errors;
  const Ending ending = launch_failed(quote(f.why, 1000));
  if (container.kind == ContainerKind::kCustom) {
    end_container(c, container, -1, ending, false);
    return;
  }
  Task* task = live_task(c, container, f.name);
  if (task == nullptr) return;
  update(c, framework_of(c.state, container), *task,
         make_status(c, *task, ending_of(container, *task, ending)));
  settle(c, container);
}

void on_report(Context& c, Container& container, supervisor::Killing&& k) {
  if (container.kind == ContainerKind::kCustom) return;
  Task* task = live_task(c, container, k.name);
  if (task == nullptr || task->killing) return;
  task->killing = true;
  mark_started(container, task->record.spec.id);
  Framework& framework = framework_of(c.state, container);
  if (!framework.info.has(Capability::kTaskKillingState)) return;
  if (task->record.state == TaskState::kKilling) return;
  const Ending ending = ending_of(container, *task, {});
  update(c, framework, *task,
         make_status(c, *task, TaskState::kKilling, StatusSource::kExecutor, ending.reason,
                     ending.message));
}

void on_report(Context& c, Container& container, supervisor::Exited&& x) {
  if (container.kind == ContainerKind::kCustom) {
    end_container(c, container, x.status, executor_terminated(), false);
    return;
  }
  Task* task = live_task(c, container, x.name);
  if (task == nullptr) return;
  Ending ending{.state = exited_well(x.status) ? TaskState::kFinished : TaskState::kFailed};
  // What ended by itself before the kill reached it counts as it ended.
  if (x.kill_asked || task->killing) ending = ending_of(container, *task, {});
  if (ending.message.empty()) ending.message = describe_exit(x.status);
  const bool revoked = ending.reason == Reason::kContainerPreempted;
  TaskStatus status =
      make_status(c, *task, ending.state, revoked ? StatusSource::kAgent : StatusSource::kExecutor,
                  ending.reason, std::move(ending.message));
  status.labels.push_back({"souk.exit_code", std::to_string(exit_code(x.status))});
  update(c, framework_of(c.state, container), *task, std::move(status));
  settle(c, container);
}

// Ends what the agent lost together with this souk-executor.
Ending gone_ending(const Context& c, const Container& container, const FrameworkInfo& framework) {
  if (container.pid != 0 || !c.state.recovering) return executor_terminated();
  return {.state = dropped_state(framework),
          .reason = Reason::kAgentRestarted,
          .message = "The agent restarted before the task was delivered"};
}

}  // namespace

void on(Context& c, event::SupervisorConnected&& e) {
  Container* container = find_container(c.state, e.container);
  if (container == nullptr) {
    warn(c, "container {} is unknown or ended long ago: SIGKILL", quote(e.container.value));
    c.emit(effect::KillContainer{std::move(e.container)});
    return;
  }
  c.state.awaited.erase(e.container);
  container->connected = true;
  if (container->stage >= Stage::kEnded) {
    c.emit(effect::SendToSupervisor{e.container, supervisor::Shutdown{0}});
    return;
  }
  if (container->stage == Stage::kStarting) {
    container->stage = Stage::kRunning;
    if (container->kind != ContainerKind::kCustom) {
      c.state.timers.cancel(timer_of(TimerKind::kRegistration, *container));
    }
  }
  if (container->pid != e.pid) {
    container->pid = e.pid;
    persist(c, checkpoint::ContainerStarted{e.container, e.pid});
  }
  after_stored(c, held::Deliver{e.container});
}

void on(Context& c, event::SupervisorSaid&& e) {
  Container* container = find_container(c.state, e.container);
  const uint64_t number = e.report.number;
  if (container == nullptr || number <= container->taken) {
    c.emit(effect::SendToSupervisor{std::move(e.container), supervisor::Taken{number}});
    return;
  }
  if (number <= container->reported) return;  // taken as soon as it is stored
  container->reported = number;
  if (container->stage < Stage::kEnded) {
    std::visit([&](auto& what) { on_report(c, *container, std::move(what)); }, e.report.what);
  }
  after_stored(c, held::TakeReport{std::move(e.container), number});
}

void perform(Context& c, held::TakeReport&& h) {
  if (Container* container = find_container(c.state, h.container)) {
    container->taken = std::max(container->taken, h.number);
  }
  c.emit(effect::SendToSupervisor{std::move(h.container), supervisor::Taken{h.number}});
}

void on(Context& c, event::SupervisorGone&& e) {
  Container* container = find_container(c.state, e.container);
  if (container == nullptr || container->stage == Stage::kPersisting) return;
  container->connected = false;
  const Ending ending = gone_ending(c, *container, framework_of(c.state, *container).info);
  end_container(c, *container, e.status.value_or(-1), ending, true);
}

void on(Context& c, event::LaunchFailed&& e) {
  Container* container = find_container(c.state, e.container);
  if (container == nullptr || container->stage == Stage::kPersisting) return;
  ++c.state.counters.container_launch_errors;
  warn(c, "container {} could not be launched: {}", e.container, quote(e.why, 400));
  end_container(c, *container, -1, launch_failed(quote(e.why, 1000)), true);
}

}  // namespace souk::agent
