// What an agent shows of itself: a plain copy of its state, taken between two steps, from which
// /state and /metrics/snapshot are rendered off the machine's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/agent.h"
#include "model/framework.h"
#include "model/ids.h"
#include "model/resources.h"
#include "model/task.h"
#include "protocol/link.h"

namespace souk::protocol {

// What runs in a container. The numbers are stored in checkpoints.
enum class ContainerKind : uint8_t {
  kCommand = 0,  // one task without an executor
  kDefault = 1,  // the task groups of Souk's default executor
  kCustom = 2,   // an executor of the framework's own, over the executor API
};

// Totals since the agent started, with the meaning of Mesos's metric of the same name (slave/...).
struct AgentCounters {
  uint64_t tasks_finished = 0;
  uint64_t tasks_failed = 0;
  uint64_t tasks_killed = 0;
  uint64_t tasks_lost = 0;
  uint64_t tasks_gone = 0;
  uint64_t valid_status_updates = 0;
  uint64_t invalid_status_updates = 0;
  uint64_t valid_framework_messages = 0;
  uint64_t invalid_framework_messages = 0;
  uint64_t executors_terminated = 0;
  uint64_t container_launch_errors = 0;
  uint64_t sandboxes_removed = 0;  // gc/path_removals_succeeded
};

struct AgentView {
  struct Task {
    TaskRecord record;
    ContainerId container;
    std::optional<TaskStatus> last_status;  // nothing yet: TASK_STAGING
    bool queued = false;                    // not yet handed to its executor
  };
  struct Executor {
    enum class Stage : uint8_t { kRegistering, kRunning, kTerminating };
    ExecutorId id;  // of a command task: the task's id
    ContainerKind kind = ContainerKind::kCommand;
    Stage stage = Stage::kRegistering;
    std::string role;
    ExecutorSpec spec;
    ContainerId container;
    int64_t pid = 0;  // of its souk-executor; 0: not there yet
  };
  struct Framework {
    FrameworkInfo info;
    std::vector<Executor> executors;
    std::vector<Task> tasks;  // terminal ones too, as long as they are unacknowledged
  };

  AgentInfo agent;
  std::string cluster_id;
  uint64_t epoch = 0;
  bool recovering = false;
  bool registered = false;
  WallTime started;
  std::optional<WallTime> registered_at;
  Duration recovery_time{0};
  Resources used;
  std::vector<Framework> frameworks;  // by id
  std::vector<Task> completed;        // the latest, oldest first
  uint64_t sandboxes_kept = 0;        // of ended containers: gc/path_removals_pending

  // Tasks as they are now, by state.
  uint64_t tasks_staging = 0;
  uint64_t tasks_starting = 0;
  uint64_t tasks_running = 0;
  uint64_t tasks_killing = 0;
  uint64_t executors_registering = 0;
  uint64_t executors_running = 0;
  uint64_t executors_terminating = 0;
  AgentCounters counters;
};

}  // namespace souk::protocol
