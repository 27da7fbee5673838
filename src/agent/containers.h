// Containers from launch to sandbox removal, and the batches of tasks that are handed to them.
#pragma once

#include "agent/state.h"

namespace souk::agent {

Container& add_container(Context& c, Framework& framework, ContainerKind kind,
                         const std::string& role, const ExecutorSpec& executor);

// Launches it, if its first tasks are stored and no earlier container is in the way.
void start(Context& c, Container& container);
// Hands over what waits, as far as it can be handed over.
void deliver(Context& c, Container& container);
// Its souk-executor is connected: says everything that may have been lost.
void say_again(Context& c, Container& container);

// To be called when a task of it has ended: a command or default container without tasks ends too.
void settle(Context& c, Container& container);

// Why this task ends: what the agent intended with it, else with its container, else the fallback.
Ending ending_of(const Container& container, const Task& task, const Ending& fallback);
// Gives every task of the container a terminal state.
void end_tasks(Context& c, Container& container, const Ending& fallback);
// Nothing runs in it any more. Its souk-executor is let go, unless it is known to be gone.
void end_container(Context& c, Container& container, int32_t status, const Ending& fallback,
                   bool supervisor_gone);
void close_stream(Context& c, Container& container);

// Ends everything in it: kindly, then by SIGTERM and, after the grace, SIGKILL.
void shut_down(Context& c, Container& container, Duration grace, std::optional<Ending> ending);
// The last step did not help in time.
void escalate(Context& c, Container& container);
Duration shutdown_grace(const Context& c, const Container& container);

// The batch not handed over that holds the task; null: none.
Batch* waiting_batch(Container& container, const TaskId& task);
// Ends all tasks of a batch that was not handed over.
void drop_batch(Context& c, Container& container, const Batch& batch);

void schedule_removal(Context& c, const Sandbox& sandbox, WallTime ended);
// The oldest sandboxes, as far as they are due or too many.
void remove_sandboxes(Context& c);

Ending executor_terminated();

}  // namespace souk::agent
