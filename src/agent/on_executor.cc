// Custom executors over the executor API (mesos-v1 "Executor API").
#include <algorithm>
#include <expected>
#include <utility>

#include "agent/containers.h"
#include "agent/handlers.h"
#include "agent/link.h"
#include "agent/status_updates.h"
#include "agent/storage.h"
#include "base/text.h"

namespace souk::agent {

namespace call = protocol::executor_call;
namespace ev = protocol::executor_event;
using protocol::HttpAnswer;
using Stage = Container::Stage;

namespace {

std::expected<Container*, HttpAnswer> find_executor(Context& c, const FrameworkId& framework_id,
                                                    const ExecutorId& executor_id) {
  const auto missing = [&](const char* text) {
    if (c.state.recovering) {
      return std::unexpected(HttpAnswer{503, "Agent has not finished recovery"});
    }
    return std::unexpected(HttpAnswer{400, text});
  };
  Framework* framework = find_framework(c.state, framework_id);
  if (framework == nullptr) return missing("Framework cannot be found");
  const auto at = framework->executors.find(executor_id);
  if (at == framework->executors.end()) return missing("Executor cannot be found");
  Container* container = find_container(c.state, at->second);
  // What subscribes before the process was ordered is a leftover of an earlier container of this
  // executor.
  if (container == nullptr || container->kind != ContainerKind::kCustom || !container->launched) {
    return missing("Executor cannot be found");
  }
  return container;
}

void acknowledge_executor(Context& c, Container& container, const TaskId& task, const Uuid& uuid) {
  if (!container.stream) return;
  c.emit(effect::SendToExecutor{*container.stream, ev::Acknowledged{.task = task, .uuid = uuid}});
}

// Why the status can't be taken; empty if it can.
std::string fault(const Container& container, const call::Update& u) {
  if (u.status.task_id.empty()) return "Expecting 'status.task_id' to be present";
  if (!u.has_uuid || !u.status.uuid) {
    return "Expecting 'status.uuid' to be present and of 16 bytes";
  }
  if (!u.has_source) return "Expecting 'status.source' to be SOURCE_EXECUTOR";
  if (u.status.state == TaskState::kStaging) return "TASK_STAGING is not a state to report";
  if (!u.status.executor_id.empty() && u.status.executor_id != container.sandbox.executor) {
    return fmt::format("ExecutorID in Call: {} does not match the one in its status: {}",
                       quote(container.sandbox.executor.value), quote(u.status.executor_id.value));
  }
  return "";
}

// The end of a task that this agent kills is reported by the agent's reason and not the executor's,
// with two exceptions: TASK_FINISHED stays, since the work is done; and what ended before the
// executor was told ended by itself. TASK_KILLED never does.
void lay_ending_over(const Task& task, TaskStatus& status) {
  if (!task.ending || !is_terminal(status.state)) return;
  if (status.state == TaskState::kFinished) return;
  if (!task.killing && status.state != TaskState::kKilled) return;
  status.state = task.ending->state;
  status.reason = task.ending->reason;
  status.message = task.ending->message;
  status.source = StatusSource::kAgent;
}

// Takes a sound update. False: it has to be refused, for there are too many unacknowledged ones.
bool take_update(Context& c, Container& container, TaskStatus status) {
  Framework& framework = framework_of(c.state, container);
  const TaskId id = status.task_id;
  const Uuid uuid = *status.uuid;
  Task* task = find_task(framework, id);
  if (task != nullptr && is_duplicate(*task, uuid)) {
    if (is_durable(*task, uuid)) acknowledge_executor(c, container, id, uuid);
    return true;
  }
  const bool theirs = task != nullptr && task->container == container.sandbox.container;
  if (!theirs || is_terminal(task->record.state)) {
    // Nobody will ever acknowledge it, so the executor must be told not to wait.
    info(c, "dropped {} for task {}: {}", to_string(status.state), quote(id.value),
         theirs ? "it has ended" : "its executor does not run it");
    ++c.state.counters.invalid_status_updates;
    acknowledge_executor(c, container, id, uuid);
    return true;
  }
  if (task->pending.size() >= c.options.max_pending_updates && !is_terminal(status.state)) {
    return false;
  }
  ++c.state.counters.valid_status_updates;
  status.source = StatusSource::kExecutor;
  status.agent_id = c.state.agent_id;
  status.executor_id = container.sandbox.executor;
  status.container_id = container.sandbox.container;
  if (status.timestamp == WallTime{}) status.timestamp = c.now.wall;
  lay_ending_over(*task, status);
  update(c, framework, *task, std::move(status));
  after_stored(c, held::AcknowledgeExecutor{container.sandbox.container, id, uuid});
  settle(c, container);
  return true;
}

HttpAnswer answer(Context& c, Container& container, call::Update&& u) {
  if (const std::string why = fault(container, u); !why.empty()) {
    ++c.state.counters.invalid_status_updates;
    return {400, why};
  }
  if (take_update(c, container, std::move(u.status))) return {202, ""};
  ++c.state.counters.invalid_status_updates;
  return {503, "Too many updates of this task are unacknowledged; try again later"};
}

HttpAnswer answer(Context& c, Container& container, call::Message&& m) {
  if (!registered(c.state)) {
    ++c.state.counters.invalid_framework_messages;
    return {202, ""};  // best effort
  }
  ++c.state.counters.valid_framework_messages;
  send(c, protocol::to_master::FrameworkMessage{container.sandbox.framework,
                                                container.sandbox.executor, std::move(m.data)});
  return {202, ""};
}

// Tasks that were handed over and that the executor does not name were lost on the way, or while
// the agent was down.
void end_lost_tasks(Context& c, Container& container, const std::vector<TaskSpec>& named) {
  std::set<TaskId> known;
  for (const TaskSpec& task : named) known.insert(task.id);
  Framework& framework = framework_of(c.state, container);
  const Ending lost{.state = dropped_state(framework.info),
                    .reason = Reason::kAgentRestarted,
                    .message = "The task was not delivered to its executor"};
  const std::set<TaskId> live = container.live;
  for (const TaskId& id : live) {
    Task* task = find_task(framework, id);
    if (task == nullptr || task->record.state != TaskState::kStaging || known.contains(id) ||
        waiting_batch(container, id) != nullptr) {
      continue;
    }
    update(c, framework, *task, make_status(c, *task, lost));
  }
}

void say_kills_again(Context& c, Container& container) {
  Framework& framework = framework_of(c.state, container);
  for (const TaskId& id : container.live) {
    Task* task = find_task(framework, id);
    if (task == nullptr || !task->kill) continue;
    task->killing = true;
    c.emit(effect::SendToExecutor{*container.stream, ev::Kill{.task = id, .grace = task->kill}});
  }
}

void begin_stream(Context& c, Container& container, ConnectionId connection) {
  close_stream(c, container);  // the second subscriber wins
  container.stream = connection;
  c.state.streams[connection] = container.sandbox.container;
  c.state.timers.cancel(timer_of(TimerKind::kRegistration, container));
  c.state.timers.cancel(timer_of(TimerKind::kResubscribe, container));
  c.state.timers.set(timer_of(TimerKind::kHeartbeat, container),
                     c.now.mono + c.options.executor_heartbeat);
  c.emit(effect::OpenStream{connection});
  c.emit(effect::SendToExecutor{connection,
                                ev::Subscribed{.executor = container.executor,
                                               .framework = framework_of(c.state, container).info,
                                               .agent = agent_info(c),
                                               .container = container.sandbox.container}});
}

}  // namespace

void on(Context& c, event::ExecutorSubscribed&& e) {
  const auto found = find_executor(c, e.framework, e.executor);
  if (!found) {
    c.emit(effect::Respond{e.connection, found.error()});
    return;
  }
  Container& container = **found;
  begin_stream(c, container, e.connection);
  for (TaskStatus& status : e.call.unacknowledged_updates) {
    const call::Update u{.status = std::move(status), .has_uuid = true, .has_source = true};
    if (fault(container, u).empty()) take_update(c, container, u.status);
  }
  end_lost_tasks(c, container, e.call.unacknowledged_tasks);
  container.subscribed_once = true;
  if (container.stage == Stage::kEnding) {
    c.emit(effect::SendToExecutor{e.connection, ev::Shutdown{}});
    return;
  }
  say_kills_again(c, container);
  deliver(c, container);
}

void on(Context& c, event::ExecutorCalled&& e) {
  protocol::ExecutorCall& said = e.call;
  if (std::holds_alternative<call::Heartbeat>(said.body)) {
    c.emit(effect::Respond{e.request, {202, ""}});
    return;
  }
  if (auto* subscribe = std::get_if<call::Subscribe>(&said.body)) {
    on(c, event::ExecutorSubscribed{e.request, std::move(said.framework), std::move(said.executor),
                                    std::move(*subscribe)});
    return;
  }
  const auto found = find_executor(c, said.framework, said.executor);
  if (!found) {
    c.emit(effect::Respond{e.request, found.error()});
    return;
  }
  Container& container = **found;
  if (!container.stream) {
    c.emit(effect::Respond{e.request, {403, "Executor is not subscribed"}});
    return;
  }
  HttpAnswer reply = std::holds_alternative<call::Update>(said.body)
                         ? answer(c, container, std::move(std::get<call::Update>(said.body)))
                         : answer(c, container, std::move(std::get<call::Message>(said.body)));
  c.emit(effect::Respond{e.request, std::move(reply)});
}

void on(Context& c, event::ExecutorDisconnected&& e) {
  const auto at = c.state.streams.find(e.connection);
  if (at == c.state.streams.end()) return;
  Container* container = find_container(c.state, at->second);
  c.state.streams.erase(at);
  if (container == nullptr) return;
  // Its process may live and subscribe again: its tasks go on.
  container->stream.reset();
  c.state.timers.cancel(timer_of(TimerKind::kHeartbeat, *container));
}

void perform(Context& c, held::AcknowledgeExecutor&& h) {
  if (Container* container = find_container(c.state, h.container)) {
    acknowledge_executor(c, *container, h.task, h.uuid);
  }
}

}  // namespace souk::agent
