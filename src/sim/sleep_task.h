// Tasks that sleep: what all workloads run, here and on real clusters. The length stands in the
// command itself.
#pragma once

#include <optional>

#include "base/blob.h"
#include "base/time.h"
#include "model/task.h"
#include "workloads/workload.h"

namespace souk::sim {

class SleepTasks final : public workloads::TaskMaker {
 public:
  TaskSpec make(TaskSpec task, Duration length) const override;
};

// The same task, for the framework's one custom executor on an agent. (The length is in its name
// then.)
TaskSpec on_executor(TaskSpec task);
ExecutorSpec default_executor(ExecutorId id);

// Nothing: it is another task than those above.
std::optional<Duration> length_of(const TaskSpec& task);

}  // namespace souk::sim
