// Ending tasks, executors and frameworks because somebody asked.
#pragma once

#include "agent/state.h"

namespace souk::agent {

// Asks for the end of a task. Said anew each time, so that no stuck kill swallows a later one; the
// shortest grace so far holds. `ending`: what to report instead of TASK_KILLED.
void kill_task(Context& c, Task& task, std::optional<Duration> grace, std::optional<Ending> ending);
// The kill takes longer than its grace and the margin. A custom executor that does not end a task
// which this agent must end (not only its framework asked) is ended with all that it runs.
void kill_overdue(Context& c, Framework& framework, Task& task);
void shut_down_framework(Context& c, Framework& framework, const Ending& ending);

Ending framework_removed();
// Of a task that is killed in favour of another framework (§3.3).
Ending revocation(const FrameworkInfo& framework);

void on_message(Context& c, protocol::to_agent::KillTask&& m);
void on_message(Context& c, protocol::to_agent::ShutdownExecutor&& m);
void on_message(Context& c, protocol::to_agent::ShutdownFramework&& m);

}  // namespace souk::agent
