#include "agent/status_updates.h"

#include <algorithm>
#include <utility>

#include "agent/link.h"
#include "agent/log.h"
#include "agent/storage.h"

namespace souk::agent {
namespace {

void count(protocol::AgentCounters& counters, TaskState state) {
  switch (state) {
    case TaskState::kFinished:
      ++counters.tasks_finished;
      return;
    case TaskState::kFailed:
      ++counters.tasks_failed;
      return;
    case TaskState::kKilled:
      ++counters.tasks_killed;
      return;
    case TaskState::kLost:
    case TaskState::kDropped:
      ++counters.tasks_lost;
      return;
    case TaskState::kGone:
      ++counters.tasks_gone;
      return;
    default:
      return;
  }
}

// The task holds nothing any more; its record stays until the terminal state is acknowledged.
void leave_container(Context& c, Task& task) {
  c.state.timers.cancel(timer_of(TimerKind::kCompletion, task));
  c.state.timers.cancel(timer_of(TimerKind::kKill, task));
  Container* container = find_container(c.state, task.container);
  if (container == nullptr) return;
  container->live.erase(task.record.spec.id);
  for (Batch& batch : container->batches) std::erase(batch.tasks, task.record.spec.id);
  erase_if(container->batches, [](const Batch& batch) { return batch.tasks.empty(); });
}

void send_first(Context& c, Task& task) {
  if (task.pending.empty() || !registered(c.state)) return;
  if (!task.pending.front().durable || task.pending.front().acknowledged) return;
  send(c, protocol::to_master::StatusUpdate{.framework_id = task.record.framework_id,
                                            .status = task.pending.front().status,
                                            .latest_state = task.record.state});
  c.state.timers.set(timer_of(TimerKind::kResend, task), c.now.mono + task.resend_delay);
}

}  // namespace

TaskStatus make_status(const Context& c, const Task& task, TaskState state, StatusSource source,
                       std::optional<Reason> reason, std::string message) {
  return {.task_id = task.record.spec.id,
          .state = state,
          .source = source,
          .reason = reason,
          .message = std::move(message),
          .agent_id = c.state.agent_id,
          .executor_id = task.record.executor_id,
          .timestamp = c.now.wall,
          .container_id = task.container};
}

TaskStatus make_status(const Context& c, const Task& task, const Ending& ending) {
  return make_status(c, task, ending.state, StatusSource::kAgent, ending.reason, ending.message);
}

bool update(Context& c, Framework& framework, Task& task, TaskStatus status) {
  if (is_terminal(task.record.state)) {
    info(c, "task {} is {} already: its {} is dropped", task.record.spec.id,
         to_string(task.record.state), to_string(status.state));
    return false;
  }
  const bool terminal = is_terminal(status.state);
  task.record.state = status.state;
  if (terminal) {
    count(c.state.counters, status.state);
    leave_container(c, task);
  }
  if (framework.removing) {
    // Nobody is left to acknowledge it.
    status.uuid.reset();
    task.last = status;
    if (terminal) forget(c, task);
    after_stored(c, held::SayOnce{framework.info.id, std::move(status)});
    return true;
  }
  if (!status.uuid) status.uuid = Uuid::random(c.state.uuid_rng);
  task.last = status;
  task.pending.push_back({.status = status});
  if (task.pending.size() == 1) task.resend_delay = c.options.resend_first;
  const Uuid uuid = *status.uuid;
  persist(c, checkpoint::UpdatePending{framework.info.id, std::move(status)});
  if (c.options.switches.on(Switch::kAgentSendsUnstored)) {
    perform(c, held::OfferUpdate{framework.info.id, task.record.spec.id, uuid});
    return true;
  }
  after_stored(c, held::OfferUpdate{framework.info.id, task.record.spec.id, uuid});
  return true;
}

void perform(Context& c, held::SayOnce&& h) { say_once(c, h.framework, std::move(h.status)); }

void perform(Context& c, held::OfferUpdate&& h) {
  Framework* framework = find_framework(c.state, h.framework);
  Task* task = framework ? find_task(*framework, h.task) : nullptr;
  if (task == nullptr) return;
  const auto at = std::ranges::find_if(
      task->pending, [&](const PendingUpdate& p) { return p.status.uuid == h.uuid; });
  if (at == task->pending.end()) return;
  at->durable = true;
  if (at == task->pending.begin()) send_first(c, *task);
}

void say_once(Context& c, const FrameworkId& framework, TaskStatus status) {
  const TaskState state = status.state;
  send(c, protocol::to_master::StatusUpdate{
              .framework_id = framework, .status = std::move(status), .latest_state = state});
}

TaskState dropped_state(const FrameworkInfo& framework) {
  return framework.has(Capability::kPartitionAware) ? TaskState::kDropped : TaskState::kLost;
}

void forget(Context& c, const Task& task) {
  persist(c, checkpoint::TaskForgotten{task.record.framework_id, task.record.spec.id});
  c.state.forgotten.emplace_back(task.record.framework_id, task.record.spec.id);
}

void acknowledge(Context& c, const protocol::to_agent::Acknowledge& ack) {
  Framework* framework = find_framework(c.state, ack.framework_id);
  Task* task = framework ? find_task(*framework, ack.task_id) : nullptr;
  if (task == nullptr || task->pending.empty()) return;
  PendingUpdate& first = task->pending.front();
  // Of an update that was sent twice, the second acknowledgement comes too late.
  if (!first.durable || first.acknowledged || first.status.uuid != ack.uuid) return;
  c.state.timers.cancel(timer_of(TimerKind::kResend, *task));
  if (is_terminal(first.status.state)) {
    task->pending.pop_front();
    forget(c, *task);
    return;
  }
  first.acknowledged = true;
  persist(c, checkpoint::UpdateAcknowledged{ack.framework_id, ack.task_id, ack.uuid});
  // Only then the next one: after a restart this one would be sent again, and come after it.
  after_stored(c, held::NextUpdate{ack.framework_id, ack.task_id, ack.uuid});
}

void perform(Context& c, held::NextUpdate&& h) {
  Framework* framework = find_framework(c.state, h.framework);
  Task* task = framework ? find_task(*framework, h.task) : nullptr;
  if (task == nullptr || task->pending.empty()) return;
  if (task->pending.front().status.uuid != h.acknowledged) return;
  task->pending.pop_front();
  if (c.options.switches.on(Switch::kAgentTakesAcksForAll)) task->pending.clear();
  task->acknowledged.push_back(h.acknowledged);
  if (task->acknowledged.size() > kRememberedUpdates) {
    task->acknowledged.erase(task->acknowledged.begin());
  }
  task->resend_delay = c.options.resend_first;
  send_first(c, *task);
}

void resend(Context& c, Task& task) {
  task.resend_delay = std::min(2 * task.resend_delay, c.options.resend_most);
  send_first(c, task);
}

void send_all(Context& c) {
  for (auto& [framework_id, framework] : c.state.frameworks) {
    for (auto& [task_id, task] : framework.tasks) {
      task.resend_delay = c.options.resend_first;
      send_first(c, task);
    }
  }
}

bool is_duplicate(const Task& task, const Uuid& uuid) {
  return std::ranges::find(task.acknowledged, uuid) != task.acknowledged.end() ||
         std::ranges::any_of(task.pending,
                             [&](const PendingUpdate& p) { return p.status.uuid == uuid; });
}

bool is_durable(const Task& task, const Uuid& uuid) {
  return std::ranges::none_of(
      task.pending, [&](const PendingUpdate& p) { return p.status.uuid == uuid && !p.durable; });
}

}  // namespace souk::agent
