#include "agent/invariants.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/time_limit.h"

namespace souk::agent {
namespace {

using Broken = std::optional<std::string>;
using Stage = Container::Stage;

template <class... Args>
Broken broken(fmt::format_string<Args...> format, Args&&... args) {
  return fmt::format(format, std::forward<Args>(args)...);
}

// In order; only the last may be terminal; what was sent again and again is durable.
Broken check_pending(const Options& options, const State& state, const Task& task) {
  const TaskId& id = task.record.spec.id;
  if (task.pending.size() > options.max_pending_updates + 3) {
    return broken("task {} has {} pending updates", id, task.pending.size());
  }
  std::set<Uuid> uuids;
  bool durable = true;
  for (std::size_t i = 0; i < task.pending.size(); ++i) {
    const PendingUpdate& p = task.pending[i];
    if (!p.status.uuid) return broken("task {}: a pending update without a uuid", id);
    if (!uuids.insert(*p.status.uuid).second) return broken("task {}: one uuid twice", id);
    if (p.durable && !durable) return broken("task {}: durable out of order", id);
    durable = p.durable;
    const bool last = i + 1 == task.pending.size();
    if (!last && is_terminal(p.status.state)) return broken("task {}: updates after the end", id);
    if (last && p.status.state != task.record.state) {
      return broken("task {} is {}, its last update {}", id, to_string(task.record.state),
                    to_string(p.status.state));
    }
  }
  if (task.pending.empty() && state.timers.of(timer_of(TimerKind::kResend, task))) {
    return broken("task {}: nothing to send again", id);
  }
  return std::nullopt;
}

Broken check_task(const State& state, const Framework& framework, const TaskId& id,
                  const Task& task) {
  if (task.record.spec.id != id || task.record.framework_id != framework.info.id) {
    return broken("task {} stands under a wrong id", id);
  }
  const auto at = state.containers.find(task.container);
  const bool live = at != state.containers.end() && at->second.live.contains(id);
  if (is_terminal(task.record.state)) {
    if (live) return broken("task {} has ended and is live in its container", id);
    if (task.pending.empty()) return broken("task {} has ended, acknowledged, and is kept", id);
  } else if (!live && state.started) {
    return broken("task {} lives in no container", id);
  }
  const bool runs = task.record.state != TaskState::kStaging && live && state.started;
  if (runs && time_limit(task) && !task.kill &&
      !state.timers.of(timer_of(TimerKind::kCompletion, task))) {
    return broken("task {} has a limit: nobody watches", id);
  }
  if (task.slot_limit > Duration::zero() && !task.record.short_slot) {
    return broken("task {} has the limit of a slot that it does not hold", id);
  }
  if (framework.removing && !task.pending.empty()) {
    return broken("task {} waits for an acknowledgement of a removed framework", id);
  }
  return std::nullopt;
}

Broken check_framework(const Options& options, const State& state, const FrameworkId& id,
                       const Framework& framework) {
  if (framework.info.id != id) return broken("framework {} stands under a wrong id", id);
  if (framework.tasks.empty() && framework.containers.empty() && state.started) {
    return broken("framework {} has nothing and is kept", id);
  }
  for (const auto& [task_id, task] : framework.tasks) {
    if (auto b = check_task(state, framework, task_id, task)) return b;
    if (auto b = check_pending(options, state, task)) return b;
  }
  for (const auto& [executor, container_id] : framework.executors) {
    const auto at = state.containers.find(container_id);
    if (at == state.containers.end()) return broken("executor {} has no container", executor);
    if (at->second.sandbox.executor != executor || at->second.sandbox.framework != id ||
        at->second.kind == ContainerKind::kCommand || at->second.stage >= Stage::kEnded) {
      return broken("executor {} has a wrong container", executor);
    }
  }
  return std::nullopt;
}

Broken check_batches(const Framework& framework, const Container& container) {
  std::set<TaskId> seen;
  for (const Batch& batch : container.batches) {
    if (batch.tasks.empty()) return broken("an empty batch in {}", container.sandbox.container);
    for (const TaskId& id : batch.tasks) {
      if (!seen.insert(id).second) return broken("task {} waits twice", id);
      const auto task = framework.tasks.find(id);
      if (!container.live.contains(id) || task == framework.tasks.end()) {
        return broken("task {} waits and is not live", id);
      }
      if (task->second.record.state != TaskState::kStaging) {
        return broken("task {} waits in {}", id, to_string(task->second.record.state));
      }
    }
  }
  return std::nullopt;
}

Broken check_container(const State& state, const ContainerId& id, const Container& container) {
  const auto framework = state.frameworks.find(container.sandbox.framework);
  if (framework == state.frameworks.end() || !framework->second.containers.contains(id)) {
    return broken("container {} belongs to no framework", id);
  }
  if (container.stage == Stage::kGone) return broken("container {} is gone and kept", id);
  if (container.stage == Stage::kEnded && !container.live.empty()) {
    return broken("container {} has ended and has live tasks", id);
  }
  for (const TaskId& task : container.live) {
    const auto at = framework->second.tasks.find(task);
    if (at == framework->second.tasks.end() || at->second.container != id ||
        is_terminal(at->second.record.state)) {
      return broken("container {} takes {} for its task", id, task);
    }
  }
  if (container.kind == ContainerKind::kCommand && container.live.size() > 1) {
    return broken("container {} of a command has {} tasks", id, container.live.size());
  }
  if (container.stream) {
    const auto at = state.streams.find(*container.stream);
    if (at == state.streams.end() || at->second != id) return broken("a stream of nobody's");
    if (container.kind != ContainerKind::kCustom) return broken("{} has a stream", id);
  }
  if (container.stage == Stage::kEnding &&
      !state.timers.of(timer_of(TimerKind::kShutdown, container))) {
    return broken("container {} may end or not: nobody watches", id);
  }
  if (container.taken > container.reported) return broken("{}: taken before reported", id);
  return check_batches(framework->second, container);
}

Broken check_storage(const State& state) {
  if (state.durable > state.last_ticket) return broken("durable before it was ordered");
  Ticket last = state.durable;
  for (const auto& [ticket, held] : state.held) {
    if (ticket <= state.durable) return broken("ticket {} is durable and held", ticket);
    if (ticket < last || ticket > state.last_ticket) return broken("tickets out of order");
    last = ticket;
  }
  return std::nullopt;
}

Broken check_link(const State& state) {
  if (state.link.stage == Link::Stage::kRegistered) {
    if (state.agent_id.empty()) return broken("registered without an id");
    if (state.recovering) return broken("registered before the recovery was complete");
  }
  if (state.started && !state.recovering && !state.stopping &&
      state.link.stage == Link::Stage::kDown && !state.timers.of(timer_of(TimerKind::kDial))) {
    return broken("the master is never dialled again");
  }
  return std::nullopt;
}

Broken check_bounds(const Options& options, const State& state) {
  std::size_t tasks = 0;
  for (const auto& [id, framework] : state.frameworks) tasks += framework.tasks.size();
  if (tasks != state.task_count) return broken("{} tasks counted as {}", tasks, state.task_count);
  if (tasks > options.max_tasks) return broken("{} tasks", tasks);
  if (state.containers.size() > options.max_containers) {
    return broken("{} containers", state.containers.size());
  }
  if (state.sandboxes.size() > options.max_sandboxes && state.started) {
    return broken("{} sandboxes", state.sandboxes.size());
  }
  if (state.completed.size() > options.max_completed_tasks) return broken("a long memory");
  if (!state.forgotten.empty() || !state.gone.empty() || !state.touched.empty()) {
    return broken("the step left something to sweep");
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> broken_invariant(const Options& options, const State& state) {
  if (state.stopped) return std::nullopt;
  if (auto b = check_storage(state)) return b;
  if (auto b = check_link(state)) return b;
  if (auto b = check_bounds(options, state)) return b;
  for (const auto& [id, framework] : state.frameworks) {
    if (auto b = check_framework(options, state, id, framework)) return b;
  }
  for (const auto& [id, container] : state.containers) {
    if (auto b = check_container(state, id, container)) return b;
  }
  for (const auto& [connection, container] : state.streams) {
    const auto at = state.containers.find(container);
    if (at == state.containers.end() || at->second.stream != connection) {
      return broken("connection {} is nobody's", connection.value);
    }
  }
  const auto next = state.timers.next();
  if (next && (!state.armed || *state.armed > *next)) return broken("a deadline without a timer");
  return std::nullopt;
}

}  // namespace souk::agent
