// Tasks, executors and what is said of their state. Enum numbers are those of the v1 protocol.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/blob.h"
#include "base/boxed.h"
#include "base/piece.h"
#include "base/time.h"
#include "base/uuid.h"
#include "model/ids.h"
#include "model/labels.h"
#include "model/resources.h"

namespace souk {

enum class TaskState : uint8_t {
  kStarting = 0,
  kRunning = 1,
  kFinished = 2,
  kFailed = 3,
  kKilled = 4,
  kLost = 5,
  kStaging = 6,
  kError = 7,
  kKilling = 8,
  kDropped = 9,
  kUnreachable = 10,
  kGone = 11,
  kGoneByOperator = 12,
  kUnknown = 13,
};

// FINISHED, FAILED, KILLED, ERROR, LOST, DROPPED, GONE, GONE_BY_OPERATOR: the task holds no
// resources any more. UNREACHABLE and UNKNOWN are not terminal: nobody knows.
bool is_terminal(TaskState state);
std::string_view to_string(TaskState state);  // "TASK_RUNNING"

enum class StatusSource : uint8_t { kMaster = 0, kAgent = 1, kExecutor = 2 };
std::string_view to_string(StatusSource source);

enum class Reason : uint8_t {
  kCommandExecutorFailed = 0,
  kExecutorTerminated = 1,
  kExecutorUnregistered = 2,
  kFrameworkRemoved = 3,
  kGcError = 4,
  kInvalidFrameworkId = 5,
  kInvalidOffers = 6,
  kMasterDisconnected = 7,
  kContainerLimitationMemory = 8,
  kReconciliation = 9,
  kAgentDisconnected = 10,
  kAgentRemoved = 11,
  kAgentRestarted = 12,
  kAgentUnknown = 13,
  kTaskInvalid = 14,
  kTaskUnauthorized = 15,
  kTaskUnknown = 16,
  kContainerPreempted = 17,
  kResourcesUnknown = 18,
  kContainerLimitation = 19,
  kContainerLimitationDisk = 20,
  kContainerLaunchFailed = 21,
  kContainerUpdateFailed = 22,
  kExecutorRegistrationTimeout = 23,
  kExecutorReregistrationTimeout = 24,
  kTaskGroupInvalid = 25,
  kTaskGroupUnauthorized = 26,
  kIoSwitchboardExited = 27,
  kTaskCheckStatusUpdated = 28,
  kTaskHealthCheckStatusUpdated = 29,
  kTaskKilledDuringLaunch = 30,
  kAgentRemovedByOperator = 31,
  kAgentReregistered = 32,
  kMaxCompletionTimeReached = 33,
  kAgentDraining = 34,
};
std::string_view to_string(Reason reason);  // "REASON_TASK_INVALID"

// What was said of a task at one moment.
struct TaskStatus {
  TaskId task_id;
  TaskState state = TaskState::kStaging;
  StatusSource source = StatusSource::kMaster;
  std::optional<Reason> reason;
  std::string message;  // empty: none
  AgentId agent_id;
  ExecutorId executor_id;  // empty: none
  WallTime timestamp;
  std::optional<Uuid> uuid;  // present: must be acknowledged
  std::optional<bool> healthy;
  std::optional<WallTime> unreachable_time;
  Labels labels;
  ContainerId container_id;  // empty: none
  // What the executor said, as a serialised mesos.v1.TaskStatus, for the fields that are not listed
  // above (data, check_status, network_infos, limitation): the codec lays the fields above over it.
  // Empty: nothing more.
  Blob raw;

  bool operator==(const TaskStatus&) const = default;
};

// What a task asks for that the manager may not build yet (decision 9): named in the refusal.
enum class Feature : uint8_t {
  kUris,
  kContainer,
  kHealthCheck,
  kCheck,
  kLimits,
  kSecrets,
  kVolumes,
  kDisk,
  kGpus,
  kRevocable,
  kShared,
  kReservation,
};
inline constexpr std::size_t kFeatures = 12;
std::string_view to_string(Feature feature);

class Features {
 public:
  Features() = default;
  Features(std::initializer_list<Feature> features) {
    for (const Feature feature : features) add(feature);
  }
  void add(Feature feature) { bits_ |= bit(feature); }
  bool has(Feature feature) const { return (bits_ & bit(feature)) != 0; }
  bool empty() const { return bits_ == 0; }
  bool operator==(const Features&) const = default;

 private:
  static uint16_t bit(Feature feature) {
    return static_cast<uint16_t>(1U << static_cast<unsigned>(feature));
  }
  uint16_t bits_ = 0;
};

// A program with its executor API, or Souk's own default executor for task groups.
struct ExecutorSpec {
  enum class Type : uint8_t { kUnknown = 0, kDefault = 1, kCustom = 2 };

  ExecutorId id;
  FrameworkId framework_id;  // empty: not given
  Type type = Type::kUnknown;
  bool has_command = false;
  std::string name;
  Resources resources;
  std::optional<Duration> shutdown_grace;
  Features features;
  Blob raw;  // the serialised mesos.v1.ExecutorInfo, unknown fields kept

  bool operator==(const ExecutorSpec&) const = default;
};

// A task as a scheduler describes it. The fields are what master and agent decide by; they and
// `raw` are all of it.
struct TaskSpec {
  TaskId id;
  std::string name;
  Piece<AgentId> agent_id;
  Resources resources;
  Boxed<std::string> allocation_role;  // as said in its resources; nothing if they do not say
  Boxed<std::string> resource_error;   // its resources are malformed: why
  Boxed<ExecutorSpec> executor;
  bool mixed_allocation_roles = false;  // its resources named more than one
  bool has_command = false;
  Features features;
  std::optional<Duration> kill_grace;
  std::optional<Duration> max_completion_time;
  // The serialised mesos.v1.TaskInfo, unknown fields kept; ids and name may be left out.
  Blob raw;

  bool operator==(const TaskSpec&) const = default;
};

}  // namespace souk
