// The link: the one connection that an agent dials to its master, and what they say over it. Frames
// are ordered; a new link replaces an older one, and what was said on the older one and not heard
// is lost. Every frame of a master carries its leader epoch (MasterFrame); an agent refuses a lower
// one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/blob.h"
#include "base/piece.h"
#include "base/uuid.h"
#include "model/agent.h"
#include "model/framework.h"
#include "model/ids.h"
#include "model/task.h"

namespace souk::protocol {

inline constexpr uint32_t kLinkProtocolMin = 1;
inline constexpr uint32_t kLinkProtocolMax = 1;

// One task as master and agent both remember it.
struct TaskRecord {
  FrameworkId framework_id;
  ExecutorId executor_id;  // of command tasks too: equal to the task's id then
  std::string role;        // to which its resources are allocated
  TaskSpec spec;
  TaskState state = TaskState::kStaging;  // the latest, whether or not the framework heard of it
  bool command_task = false;              // run by Souk's own executor: none on the wire
  bool short_slot = false;                // its resources are of the agent's short slots (§4.4)
};

// One executor that runs, or is about to. Command tasks have none of their own here.
struct ExecutorRecord {
  FrameworkId framework_id;
  std::string role;
  ExecutorSpec spec;
};

namespace to_master {

// First on every link.
struct Hello {
  uint32_t protocol_min = kLinkProtocolMin;
  uint32_t protocol_max = kLinkProtocolMax;
  std::string version;
  std::string cluster_id;  // empty: never met a master
};
// After Welcome. With an id: the agent registers again and tells all it runs, by which a new master
// learns its state (§3.6).
struct Register {
  AgentInfo agent;
  std::vector<FrameworkInfo> frameworks;
  std::vector<ExecutorRecord> executors;
  std::vector<TaskRecord>
      tasks;  // not terminal, or terminal with an update that nobody acknowledged
};
struct StatusUpdate {
  FrameworkId framework_id;
  TaskStatus status;         // with a uuid; sent again until acknowledged
  TaskState latest_state{};  // of the task: this update may lag behind
};
struct ExecutorTerminated {
  FrameworkId framework_id;
  ExecutorId executor_id;
  int32_t status = 0;  // as waitpid gives it
};
struct FrameworkMessage {
  FrameworkId framework_id;
  ExecutorId executor_id;
  Blob data;
};
struct Pong {};
// The agent leaves for good; its tasks are gone.
struct Unregister {};
struct FileAnswer {
  uint64_t request = 0;
  int http_status = 200;
  std::string body;
  std::string content_type;
};

}  // namespace to_master

using AgentMessage = std::variant<to_master::Hello, to_master::Register, to_master::StatusUpdate,
                                  to_master::ExecutorTerminated, to_master::FrameworkMessage,
                                  to_master::Pong, to_master::Unregister, to_master::FileAnswer>;

namespace to_agent {

struct Welcome {
  uint32_t protocol = kLinkProtocolMax;
  std::string cluster_id;
};
// The master will not have this agent; the text says why and what to do. The link closes.
struct Refused {
  std::string reason;
};
struct Registered {
  AgentId agent_id;
  // How long the master waits between pings and how many may go unanswered: after that much
  // silence the agent may take the link for dead.
  Duration ping_interval{0};
  int32_t max_missed_pings = 0;
};
// Run tasks on one executor: a group starts whole or not at all.
struct RunTasks {
  Piece<FrameworkInfo> framework;
  std::string role;
  bool command_task = false;
  bool group = false;
  ExecutorSpec executor;  // for a command task only its id (the task's)
  std::vector<Piece<TaskSpec>> tasks;
  bool short_slots = false;  // on these: no task may run longer than the agent's limit (§4.4)
  // The master has its executor in its books already. If that has ended, and the news of it is on
  // its way, the tasks are dropped: a new one would not be in the books.
  bool executor_runs = false;
};
struct KillTask {
  FrameworkId framework_id;
  TaskId task_id;
  std::optional<Duration> grace;
  // Set: the task is revoked (kContainerPreempted), and its end is reported so: TASK_GONE to
  // partition-aware frameworks, TASK_LOST to others.
  std::optional<Reason> reason;
};
struct ShutdownExecutor {
  FrameworkId framework_id;
  ExecutorId executor_id;
};
struct ShutdownFramework {
  FrameworkId framework_id;
};
struct UpdateFramework {
  Piece<FrameworkInfo> framework;
};
struct Acknowledge {
  Piece<FrameworkId> framework_id;
  TaskId task_id;
  Uuid uuid;
};
struct FrameworkMessage {
  FrameworkId framework_id;
  ExecutorId executor_id;
  Blob data;
};
struct Ping {};
// Kill everything and stop: the master has given this agent up for good.
struct Shutdown {
  std::string reason;
};
// Files of sandboxes, for the console and `souk run`.
struct FileRequest {
  uint64_t request = 0;
  // kRead answers as /files/read does, with text; kRaw with the bytes as they are.
  enum class Kind : uint8_t { kBrowse = 0, kRead = 1, kRaw = 2 };
  Kind kind = Kind::kRead;
  std::string path;
  int64_t offset = -1;  // -1: only tell the length
  int64_t length = -1;  // -1: as much as one answer holds
};

}  // namespace to_agent

using MasterMessage =
    std::variant<to_agent::Welcome, to_agent::Refused, to_agent::Registered, to_agent::RunTasks,
                 to_agent::KillTask, to_agent::ShutdownExecutor, to_agent::ShutdownFramework,
                 to_agent::UpdateFramework, to_agent::Acknowledge, to_agent::FrameworkMessage,
                 to_agent::Ping, to_agent::Shutdown, to_agent::FileRequest>;

struct MasterFrame {
  uint64_t epoch = 0;
  MasterMessage message;
};

}  // namespace souk::protocol
