// How long a task may run: its own max_completion_time, and the limit of the slot for short tasks
// that it holds (§4.4); the shorter of both. Holds for tasks of all kinds of executors, and goes on
// through restarts of the agent.
#pragma once

#include <optional>

#include "agent/state.h"

namespace souk::agent {

// Nothing: as long as it takes.
std::optional<Duration> time_limit(const Task& task);

// Begins to count, unless that was done before: it has been with its executor for `spent`.
void watch_time(Context& c, const Task& task, Duration spent);
// Its time is up.
void end_overlong(Context& c, Task& task);

Ending over_time(const Task& task);

}  // namespace souk::agent
