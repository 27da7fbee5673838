// What an agent must not forget when it restarts: a plain value, and the small operations that
// change it. Storage keeps the operations (or their sum), in order; the machine is constructed from
// the value. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"
#include "base/uuid.h"
#include "model/framework.h"
#include "model/ids.h"
#include "model/task.h"
#include "protocol/agent_view.h"
#include "protocol/link.h"

namespace souk::agent {

using protocol::ContainerKind;

// Names the folder of one container:
// <work_dir>/slaves/<agent>/frameworks/<framework>/executors/<executor>/runs/<container>.
struct Sandbox {
  AgentId agent;
  FrameworkId framework;
  ExecutorId executor;
  ContainerId container;
  bool operator==(const Sandbox&) const = default;
};

struct Checkpoint {
  struct Framework {
    FrameworkInfo info;
    bool removing = false;  // the master has shut it down: its tasks end unacknowledged
  };
  struct Container {
    ContainerKind kind = ContainerKind::kCommand;
    Sandbox sandbox;
    std::string role;
    ExecutorSpec executor;
    int64_t pid = 0;  // of its souk-executor; 0: it never dialled in, so nothing was launched
  };
  struct Ended {
    Sandbox sandbox;
    WallTime at;
  };
  struct Task {
    protocol::TaskRecord record;
    ContainerId container;
    uint64_t batch = 0;  // tasks of one RunTasks have one number
    bool group = false;
    WallTime added;
    Duration slot_limit{0};           // of the slot for short tasks that it runs in; 0: in none
    std::optional<Duration> revoked;  // the grace of its revocation; nothing: not revoked
    std::vector<TaskStatus> pending;  // unacknowledged, oldest first
  };
  using TaskKey = std::pair<FrameworkId, TaskId>;

  std::string cluster_id;  // empty: never met a master
  uint64_t epoch = 0;      // the highest seen
  AgentId agent_id;        // empty: never registered
  std::map<FrameworkId, Framework> frameworks;
  std::map<ContainerId, Container> containers;
  std::map<TaskKey, Task> tasks;
  std::map<ContainerId, Ended> ended;  // containers whose sandboxes are still there
};

namespace checkpoint {

struct ClusterMet {
  std::string cluster_id;
};
struct EpochSeen {
  uint64_t epoch = 0;
};
struct Admitted {
  AgentId agent;
};
// Added, or changed.
struct FrameworkKnown {
  FrameworkInfo info;
};
struct FrameworkRemoving {
  FrameworkId framework;
};
struct FrameworkForgotten {
  FrameworkId framework;
};
struct ContainerAdded {
  ContainerKind kind = ContainerKind::kCommand;
  Sandbox sandbox;
  std::string role;
  ExecutorSpec executor;
};
// Its souk-executor dialled in.
struct ContainerStarted {
  ContainerId container;
  int64_t pid = 0;
};
// Nothing runs in it any more and nothing will; the sandbox stays for a while.
struct ContainerEnded {
  ContainerId container;
  WallTime at;
};
struct SandboxRemoved {
  ContainerId container;
};
struct TasksAdded {
  ContainerId container;
  uint64_t batch = 0;
  bool group = false;
  WallTime at;
  std::vector<protocol::TaskRecord> tasks;
  Duration slot_limit{0};  // of the slots for short tasks that they run in; 0: in none
};
// It is killed in favour of another framework; once more with a shorter grace.
struct TaskRevoked {
  FrameworkId framework;
  TaskId task;
  Duration grace{0};
};
// A status with a uuid: it must reach the framework.
struct UpdatePending {
  FrameworkId framework;
  TaskStatus status;
};
struct UpdateAcknowledged {
  FrameworkId framework;
  TaskId task;
  Uuid uuid;
};
// Its terminal state is acknowledged, or nobody is left to acknowledge it.
struct TaskForgotten {
  FrameworkId framework;
  TaskId task;
};

}  // namespace checkpoint

using CheckpointOperation = std::variant<
    checkpoint::ClusterMet, checkpoint::EpochSeen, checkpoint::Admitted, checkpoint::FrameworkKnown,
    checkpoint::FrameworkRemoving, checkpoint::FrameworkForgotten, checkpoint::ContainerAdded,
    checkpoint::ContainerStarted, checkpoint::ContainerEnded, checkpoint::SandboxRemoved,
    checkpoint::TasksAdded, checkpoint::TaskRevoked, checkpoint::UpdatePending,
    checkpoint::UpdateAcknowledged, checkpoint::TaskForgotten>;

// Folds one operation into the value. Total: an operation that does not fit changes nothing. (Call
// it qualified: the arguments also name std::apply.)
void apply(Checkpoint& value, const CheckpointOperation& operation);

}  // namespace souk::agent
