// The status updates of tasks: made or taken here, stored, then sent in order, one in flight for
// each task, again and again until the framework has acknowledged it. One terminal state a task;
// nothing follows it.
#pragma once

#include <string>

#include "agent/state.h"

namespace souk::agent {

// How many acknowledged updates of a task are remembered, to know them when an executor says them
// again.
inline constexpr std::size_t kRememberedUpdates = 32;

// A status of this task, complete but for its uuid.
TaskStatus make_status(const Context& c, const Task& task, TaskState state, StatusSource source,
                       std::optional<Reason> reason, std::string message);
TaskStatus make_status(const Context& c, const Task& task, const Ending& ending);

// The task's next state. Ignored (false) if it has a terminal one. A uuid is drawn unless it has
// one.
bool update(Context& c, Framework& framework, Task& task, TaskStatus status);

// A status of a task that this agent never took on: said once, and lost with the link.
void say_once(Context& c, const FrameworkId& framework, TaskStatus status);

// TASK_DROPPED, or what frameworks that know nothing of partitions call it.
TaskState dropped_state(const FrameworkInfo& framework);

// The task has ended and nobody waits for a word of it: it is erased at the end of the step.
void forget(Context& c, const Task& task);

void acknowledge(Context& c, const protocol::to_agent::Acknowledge& ack);
// An update was not acknowledged in time.
void resend(Context& c, Task& task);
// A link is there: the first update of every task.
void send_all(Context& c);

// The executor has said this before.
bool is_duplicate(const Task& task, const Uuid& uuid);
bool is_durable(const Task& task, const Uuid& uuid);

}  // namespace souk::agent
