// What an executor of the v1 executor API and its agent say to each other, as plain structs.
#pragma once

#include <string_view>
#include <variant>
#include <vector>

#include "model/agent.h"
#include "model/framework.h"
#include "model/ids.h"
#include "model/task.h"

namespace souk::protocol {

namespace executor_call {

struct Subscribe {
  std::vector<TaskSpec> unacknowledged_tasks;
  std::vector<TaskStatus> unacknowledged_updates;
};
struct Update {
  TaskStatus status;
  bool has_uuid = false;    // 16 bytes were there
  bool has_source = false;  // and SOURCE_EXECUTOR was said
};
struct Message {
  Blob data;
};
struct Heartbeat {};

}  // namespace executor_call

struct ExecutorCall {
  FrameworkId framework;
  ExecutorId executor;
  std::variant<executor_call::Subscribe, executor_call::Update, executor_call::Message,
               executor_call::Heartbeat>
      body;
};

namespace executor_event {

struct Subscribed {
  ExecutorSpec executor;
  FrameworkInfo framework;
  AgentInfo agent;
  ContainerId container;
};
struct Launch {
  TaskSpec task;
};
struct LaunchGroup {
  std::vector<TaskSpec> tasks;
};
struct Kill {
  TaskId task;
  std::optional<Duration> grace;
};
struct Acknowledged {
  TaskId task;
  Uuid uuid;
};
struct Message {
  Blob data;
};
struct Shutdown {};
struct Error {
  std::string message;
};
struct Heartbeat {};

}  // namespace executor_event

using ExecutorEvent =
    std::variant<executor_event::Subscribed, executor_event::Launch, executor_event::LaunchGroup,
                 executor_event::Kill, executor_event::Acknowledged, executor_event::Message,
                 executor_event::Shutdown, executor_event::Error, executor_event::Heartbeat>;

}  // namespace souk::protocol
