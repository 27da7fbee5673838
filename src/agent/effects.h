// What an agent orders: the runtime or the simulator performs these, in their order.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "agent/checkpoint.h"
#include "agent/events.h"
#include "base/time.h"
#include "model/framework.h"
#include "model/ids.h"
#include "model/task.h"
#include "protocol/executor_api.h"
#include "protocol/link.h"
#include "protocol/scheduler_api.h"
#include "protocol/supervisor.h"

namespace souk::agent {

// Exit statuses of Stop.
inline constexpr int kExitDone = 0;
inline constexpr int kExitStorage = 74;       // checkpoints can't be written
inline constexpr int kExitWrongCluster = 78;  // the work directory belongs to another cluster
inline constexpr int kExitShutByMaster = 75;  // the master gave this agent up

namespace effect {

// Find the master and dial it, now. Answered by LinkOpened or LinkClosed.
struct OpenLink {
  LinkId link;
};
struct CloseLink {
  LinkId link;
};
struct SendToMaster {
  LinkId link;
  protocol::AgentMessage message;
};

// Make the sandbox and start a souk-executor for it. Answered by SupervisorConnected (then
// SupervisorGone at its end) or LaunchFailed.
struct LaunchContainer {
  ContainerKind kind = ContainerKind::kCommand;
  Sandbox sandbox;
  FrameworkInfo framework;
  std::string role;
  ExecutorSpec executor;  // of a command task only its id (the task's)
};
// Translate into supervisor::Process and send as supervisor::Launch. Process names are the task's
// ids; for kCustom there are no tasks, one process, and its name is the executor's id. May come
// again after a reconnect: a souk-executor ignores a Launch of names that it has had.
struct LaunchProcesses {
  ContainerKind kind = ContainerKind::kCommand;
  Sandbox sandbox;
  FrameworkInfo framework;
  std::string role;
  ExecutorSpec executor;
  std::vector<TaskSpec> tasks;
  bool group = false;
};
// Kill, Shutdown or Taken. Lost without harm if the souk-executor is not connected.
struct SendToSupervisor {
  ContainerId container;
  protocol::supervisor::ToSupervisor message;
};
// SIGKILL for everything in it, the souk-executor included. After a restart of the agent make sure
// that a stored pid still is that process. Always answered by SupervisorGone; may be asked again.
struct KillContainer {
  ContainerId container;
};

// Answer a SUBSCRIBE with 200 and an endless body.
struct OpenStream {
  ConnectionId connection;
};
struct SendToExecutor {
  ConnectionId connection;
  protocol::ExecutorEvent event;
};
struct CloseStream {
  ConnectionId connection;
};
// Answer a call, or refuse a SUBSCRIBE.
struct Respond {
  ConnectionId request;
  protocol::HttpAnswer answer;
};

// Tickets rise by one. Answered by Persisted, one for each or one for several.
struct Persist {
  Ticket ticket = 0;
  CheckpointOperation operation;
};
struct RemoveSandbox {
  Sandbox sandbox;
};
// Answered by FileServed with the same link and request number. Paths come from outside: only
// sandboxes may be read.
struct ServeFile {
  LinkId link;
  protocol::to_agent::FileRequest request;
};
// Wake the machine by TimerFired at this time; replaces the earlier one.
struct ArmTimer {
  MonoTime at;
};
struct Log {
  enum class Severity : uint8_t { kDebug, kInfo, kWarning, kError };
  Severity severity = Severity::kInfo;
  std::string text;
};
// The last effect: exit the process. Events after it are ignored.
struct Stop {
  int exit_status = kExitDone;
  std::string text;  // for a person; may be empty
};

}  // namespace effect

using Effect =
    std::variant<effect::OpenLink, effect::CloseLink, effect::SendToMaster, effect::LaunchContainer,
                 effect::LaunchProcesses, effect::SendToSupervisor, effect::KillContainer,
                 effect::OpenStream, effect::SendToExecutor, effect::CloseStream, effect::Respond,
                 effect::Persist, effect::RemoveSandbox, effect::ServeFile, effect::ArmTimer,
                 effect::Log, effect::Stop>;
using Effects = std::vector<Effect>;

}  // namespace souk::agent
