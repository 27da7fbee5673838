// What happens in a cluster, as its operators are told (SUBSCRIBE of the operator API). With a view
// of the moment before, what they say makes up the view of the moment after: tasks with their
// states, agents with their infos, frameworks without what they hold.
#pragma once

#include <string>
#include <variant>

#include "model/ids.h"
#include "model/task.h"
#include "protocol/master_view.h"

namespace souk::protocol {

namespace operator_event {

// Also of a task that was unreachable or known by the same id before: it is the one that counts.
struct TaskAdded {
  Piece<TaskView> task;
  std::string user;  // of its framework
};
struct TaskUpdated {
  FrameworkId framework;
  TaskStatus status;
  TaskState state = TaskState::kStaging;  // the latest, which may be ahead of the status
};
// Also of one that is there and has changed.
struct AgentAdded {
  Piece<AgentSummary> agent;
};
// Its tasks have been told of before.
struct AgentRemoved {
  AgentId agent;
};
// Without tasks, executors, offers and resources.
struct FrameworkAdded {
  Piece<FrameworkView> framework;
};
struct FrameworkUpdated {
  Piece<FrameworkView> framework;
};
// And with it all its tasks.
struct FrameworkRemoved {
  Piece<FrameworkInfo> framework;
};
struct Heartbeat {};

}  // namespace operator_event

using OperatorEvent = std::variant<operator_event::TaskAdded, operator_event::TaskUpdated,
                                   operator_event::AgentAdded, operator_event::AgentRemoved,
                                   operator_event::FrameworkAdded, operator_event::FrameworkUpdated,
                                   operator_event::FrameworkRemoved, operator_event::Heartbeat>;

}  // namespace souk::protocol
