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

// Of a serialised TaskInfo; nothing: it is another command.
std::optional<Duration> length_of(const Blob& raw);

}  // namespace souk::sim
