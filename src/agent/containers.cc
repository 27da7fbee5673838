#include "agent/containers.h"

#include <algorithm>
#include <utility>

#include "agent/link.h"
#include "agent/log.h"
#include "agent/status_updates.h"
#include "agent/storage.h"
#include "agent/time_limit.h"

namespace souk::agent {

using Stage = Container::Stage;
namespace supervisor = protocol::supervisor;

namespace {

const ContainerId& id_of(const Container& container) { return container.sandbox.container; }

void launch_processes(Context& c, Container& container, std::vector<TaskSpec> tasks, bool group) {
  container.launched = true;
  c.emit(effect::LaunchProcesses{.kind = container.kind,
                                 .sandbox = container.sandbox,
                                 .framework = framework_of(c.state, container).info,
                                 .role = container.role,
                                 .executor = container.executor,
                                 .tasks = std::move(tasks),
                                 .group = group});
}

// The executor API names no container: as long as an earlier process of a custom executor may live,
// it could subscribe in the place of the new one.
bool predecessor_lingers(State& state, const Container& container) {
  if (container.kind != ContainerKind::kCustom) return false;
  const Framework& framework = framework_of(state, container);
  return std::ranges::any_of(framework.containers, [&](const ContainerId& id) {
    const Container& other = state.containers.at(id);
    return id != id_of(container) && other.kind == container.kind &&
           other.sandbox.executor == container.sandbox.executor && other.stage == Stage::kEnded;
  });
}

std::vector<TaskSpec> specs_of(Framework& framework, const Batch& batch) {
  std::vector<TaskSpec> specs;
  for (const TaskId& id : batch.tasks) {
    if (const Task* task = find_task(framework, id)) specs.push_back(task->record.spec);
  }
  return specs;
}

// The time of these tasks begins: they are handed over.
void watch_times(Context& c, Framework& framework, const Batch& batch) {
  for (const TaskId& id : batch.tasks) {
    if (const Task* task = find_task(framework, id)) watch_time(c, *task, Duration::zero());
  }
}

// Over the executor API. A batch that is handed over is not kept: what the executor did not get it
// will not name when it subscribes again.
void deliver_to_executor(Context& c, Container& container) {
  namespace ev = protocol::executor_event;
  Framework& framework = framework_of(c.state, container);
  while (!container.batches.empty() && container.batches.front().durable) {
    const Batch batch = std::move(container.batches.front());
    container.batches.pop_front();
    std::vector<TaskSpec> specs = specs_of(framework, batch);
    watch_times(c, framework, batch);
    if (batch.group) {
      c.emit(effect::SendToExecutor{*container.stream, ev::LaunchGroup{std::move(specs)}});
      continue;
    }
    for (TaskSpec& spec : specs) {
      c.emit(effect::SendToExecutor{*container.stream, ev::Launch{std::move(spec)}});
    }
  }
}

void deliver_to_supervisor(Context& c, Container& container) {
  Framework& framework = framework_of(c.state, container);
  for (Batch& batch : container.batches) {
    if (batch.delivered || !batch.durable) continue;
    batch.delivered = true;
    watch_times(c, framework, batch);
    launch_processes(c, container, specs_of(framework, batch), batch.group);
  }
}

void set_shutdown_timer(Context& c, Container& container, Container::Escalation step,
                        Duration patience) {
  container.escalation = step;
  c.state.timers.set(timer_of(TimerKind::kShutdown, container), c.now.mono + patience);
}

void say_shutdown(Context& c, Container& container) {
  const Duration grace = *container.shutdown;
  if (container.stream) {
    c.emit(effect::SendToExecutor{*container.stream, protocol::executor_event::Shutdown{}});
    set_shutdown_timer(c, container, Container::Escalation::kExecutorTold, grace);
    return;
  }
  if (container.connected) {
    c.emit(effect::SendToSupervisor{id_of(container), supervisor::Shutdown{grace.count()}});
  } else if (!c.state.recovering) {
    c.emit(effect::KillContainer{id_of(container)});
  }
  set_shutdown_timer(c, container, Container::Escalation::kSupervisorTold,
                     grace + c.options.kill_margin);
}

}  // namespace

Container& add_container(Context& c, Framework& framework, ContainerKind kind,
                         const std::string& role, const ExecutorSpec& executor) {
  const ContainerId id(Uuid::random(c.state.uuid_rng).to_string());
  Container& container = c.state.containers[id];
  container.sandbox = {.agent = c.state.agent_id,
                       .framework = framework.info.id,
                       .executor = executor.id,
                       .container = id};
  container.kind = kind;
  container.role = role;
  container.executor = executor;
  framework.containers.insert(id);
  if (kind != ContainerKind::kCommand) framework.executors[executor.id] = id;
  persist(c, checkpoint::ContainerAdded{kind, container.sandbox, role, executor});
  return container;
}

void perform(Context& c, held::StartBatch&& h) {
  Container* container = find_container(c.state, h.container);
  if (container == nullptr || container->stage >= Stage::kEnding) return;
  for (Batch& batch : container->batches) {
    if (batch.number == h.batch) batch.durable = true;
  }
  start(c, *container);
  deliver(c, *container);
}

void start(Context& c, Container& container) {
  if (container.stage != Stage::kPersisting || container.batches.empty()) return;
  if (!container.batches.front().durable || predecessor_lingers(c.state, container)) return;
  container.stage = Stage::kStarting;
  c.state.timers.set(timer_of(TimerKind::kRegistration, container),
                     c.now.mono + c.options.executor_registration_timeout);
  c.emit(effect::LaunchContainer{.kind = container.kind,
                                 .sandbox = container.sandbox,
                                 .framework = framework_of(c.state, container).info,
                                 .role = container.role,
                                 .executor = container.executor});
}

void perform(Context& c, held::Deliver&& h) {
  Container* container = find_container(c.state, h.container);
  if (container != nullptr && container->connected && container->stage < Stage::kEnded) {
    say_again(c, *container);
  }
}

void deliver(Context& c, Container& container) {
  if (container.stage != Stage::kRunning) return;
  if (container.kind != ContainerKind::kCustom) {
    if (container.connected) deliver_to_supervisor(c, container);
  } else if (container.stream) {
    deliver_to_executor(c, container);
  }
}

void say_again(Context& c, Container& container) {
  for (Batch& batch : container.batches) batch.delivered = false;
  if (container.kind == ContainerKind::kCustom) {
    if (!container.process_started && container.stage == Stage::kRunning) {
      launch_processes(c, container, {}, false);
    }
  } else {
    deliver(c, container);
    Framework& framework = framework_of(c.state, container);
    for (const TaskId& id : container.live) {
      const Task* task = find_task(framework, id);
      if (task == nullptr || !task->kill) continue;
      c.emit(effect::SendToSupervisor{id_of(container),
                                      supervisor::Kill{id.value, task->kill->count()}});
    }
  }
  if (container.stage == Stage::kEnding) say_shutdown(c, container);
}

void settle(Context& c, Container& container) {
  if (!container.live.empty() || container.stage >= Stage::kEnded) return;
  if (container.kind != ContainerKind::kCustom) {
    end_container(c, container, 0, executor_terminated(), false);
  } else if (!container.subscribed_once && container.stage != Stage::kEnding) {
    // It was started for tasks that are no more, and never got any.
    shut_down(c, container, shutdown_grace(c, container), std::nullopt);
  }
}

Ending executor_terminated() {
  return {.state = TaskState::kFailed,
          .reason = Reason::kExecutorTerminated,
          .message = "Executor terminated"};
}

Ending ending_of(const Container& container, const Task& task, const Ending& fallback) {
  if (task.ending) return *task.ending;
  return container.ending.value_or(fallback);
}

void end_tasks(Context& c, Container& container, const Ending& fallback) {
  Framework& framework = framework_of(c.state, container);
  container.batches.clear();
  const std::set<TaskId> live = container.live;
  for (const TaskId& id : live) {
    Task* task = find_task(framework, id);
    if (task == nullptr) continue;
    update(c, framework, *task, make_status(c, *task, ending_of(container, *task, fallback)));
  }
}

void end_container(Context& c, Container& container, int32_t status, const Ending& fallback,
                   bool supervisor_gone) {
  State& state = c.state;
  const ContainerId id = id_of(container);
  if (container.stage < Stage::kEnded) {
    end_tasks(c, container, fallback);
    supervisor_gone = supervisor_gone || container.stage == Stage::kPersisting;
    container.stage = Stage::kEnded;
    state.awaited.erase(id);
    Framework& framework = framework_of(state, container);
    const auto index = framework.executors.find(container.sandbox.executor);
    if (index != framework.executors.end() && index->second == id) framework.executors.erase(index);
    for (const TimerKind kind : {TimerKind::kRegistration, TimerKind::kResubscribe,
                                 TimerKind::kHeartbeat, TimerKind::kShutdown}) {
      state.timers.cancel(timer_of(kind, container));
    }
    close_stream(c, container);
    ++state.counters.executors_terminated;
    persist(c, checkpoint::ContainerEnded{id, c.now.wall});
    schedule_removal(c, container.sandbox, c.now.wall);
    if (container.kind != ContainerKind::kCommand) {
      after_stored(
          c, held::TellExecutorTerminated{c.state.link.register_sent ? c.state.link.id : LinkId(),
                                          framework.info.id, container.sandbox.executor, status});
    }
    if (!supervisor_gone) after_stored(c, held::EndSupervisor{id});
  }
  if (supervisor_gone && container.stage != Stage::kGone) {
    state.timers.cancel(timer_of(TimerKind::kShutdown, container));
    container.stage = Stage::kGone;
    state.gone.push_back(id);
  }
}

void perform(Context& c, held::TellExecutorTerminated&& h) {
  // A master that was not told of it may have started another one of that name since, and would
  // take that for dead.
  if (h.link == LinkId() || h.link != c.state.link.id) return;
  protocol::to_master::ExecutorTerminated message{h.framework, h.executor, h.status};
  if (c.state.link.stage == Link::Stage::kRegistering) {
    c.state.link.terminated.push_back(std::move(message));
  } else {
    send(c, std::move(message));
  }
}

void perform(Context& c, held::EndSupervisor&& h) {
  Container* container = find_container(c.state, h.container);
  if (container == nullptr || container->stage != Stage::kEnded) return;
  if (container->connected) {
    c.emit(effect::SendToSupervisor{h.container, supervisor::Shutdown{0}});
  } else {
    c.emit(effect::KillContainer{h.container});
  }
  set_shutdown_timer(c, *container, Container::Escalation::kSupervisorTold, c.options.kill_margin);
}

void close_stream(Context& c, Container& container) {
  if (!container.stream) return;
  c.emit(effect::CloseStream{*container.stream});
  c.state.streams.erase(*container.stream);
  container.stream.reset();
}

Duration shutdown_grace(const Context& c, const Container& container) {
  const Duration grace =
      container.executor.shutdown_grace.value_or(c.options.executor_shutdown_grace_period);
  return std::clamp<Duration>(grace, Duration::zero(), 24h);
}

void shut_down(Context& c, Container& container, Duration grace, std::optional<Ending> ending) {
  if (container.stage >= Stage::kEnded) return;
  if (ending && !container.ending) container.ending = std::move(ending);
  std::vector<Batch> waiting;
  for (const Batch& batch : container.batches) {
    if (!batch.delivered) waiting.push_back(batch);
  }
  // In recovery nobody knows yet what was handed over.
  if (!c.state.recovering) {
    for (const Batch& batch : waiting) drop_batch(c, container, batch);
  }
  if (container.stage == Stage::kPersisting) {
    end_container(c, container, 0, executor_terminated(), true);
    return;
  }
  if (container.kind != ContainerKind::kCustom && container.live.empty()) {
    settle(c, container);
    return;
  }
  if (container.shutdown && *container.shutdown <= grace) return;
  container.shutdown = grace;
  container.stage = Stage::kEnding;
  say_shutdown(c, container);
}

void escalate(Context& c, Container& container) {
  using Escalation = Container::Escalation;
  if (container.escalation == Escalation::kExecutorTold && container.connected &&
      container.stage == Stage::kEnding) {
    c.emit(effect::SendToSupervisor{id_of(container), supervisor::Shutdown{0}});
    set_shutdown_timer(c, container, Escalation::kSupervisorTold, c.options.kill_margin);
    return;
  }
  warn(c, "container {} did not end in time: SIGKILL", id_of(container));
  c.emit(effect::KillContainer{id_of(container)});
  set_shutdown_timer(c, container, Escalation::kKilled, c.options.kill_margin);
}

Batch* waiting_batch(Container& container, const TaskId& task) {
  for (Batch& batch : container.batches) {
    if (!batch.delivered && std::ranges::find(batch.tasks, task) != batch.tasks.end()) {
      return &batch;
    }
  }
  return nullptr;
}

void drop_batch(Context& c, Container& container, const Batch& batch) {
  Framework& framework = framework_of(c.state, container);
  const std::vector<TaskId> tasks = batch.tasks;
  const Ending fallback{.state = TaskState::kKilled,
                        .reason = Reason::kTaskKilledDuringLaunch,
                        .message = "Killed before it was launched"};
  for (const TaskId& id : tasks) {
    Task* task = find_task(framework, id);
    if (task == nullptr) continue;
    update(c, framework, *task, make_status(c, *task, ending_of(container, *task, fallback)));
  }
}

void schedule_removal(Context& c, const Sandbox& sandbox, WallTime ended) {
  const Duration age = std::max(c.now.wall - ended, Duration::zero());
  const Duration left = std::max(c.options.gc_delay - age, Duration::zero());
  c.state.sandboxes.push_back({.sandbox = sandbox, .at = ended, .due = c.now.mono + left});
  remove_sandboxes(c);
}

void remove_sandboxes(Context& c) {
  auto& sandboxes = c.state.sandboxes;
  while (!sandboxes.empty() &&
         (sandboxes.front().due <= c.now.mono || sandboxes.size() > c.options.max_sandboxes)) {
    const Sandbox sandbox = std::move(sandboxes.front().sandbox);
    sandboxes.pop_front();
    persist(c, checkpoint::SandboxRemoved{sandbox.container});
    c.emit(effect::RemoveSandbox{sandbox});
    ++c.state.counters.sandboxes_removed;
  }
  if (!sandboxes.empty()) {
    c.state.timers.set(timer_of(TimerKind::kSandbox), sandboxes.front().due);
  }
}

}  // namespace souk::agent
