// One task in the master's books. There may be a hundred thousand of them: what is rarely there is
// held apart, and what can be looked up is not held.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/task.h"
#include "protocol/master_view.h"

namespace souk::master {

struct Task {
  std::shared_ptr<const TaskSpec> spec;
  FrameworkKey framework;
  AgentKey agent;
  ExecutorId executor_id;
  std::string role;
  bool command_task = false;
  bool short_slot = false;  // its resources are of the agent's slots for short tasks
  TaskState state =
      TaskState::kStaging;  // the latest known; terminal: it holds no resources any more
  // A KILL that may not have reached the agent: repeated when that registers again.
  bool kill_asked = false;
  bool revoked = false;  // its time is up, and it is to be killed for that
  bool counted = false;  // its end is
  std::optional<Duration> kill_grace;
  // Revocation (§3.3): the number of the inverse offer that names it, 0 if none does.
  uint64_t inverse_offer = 0;
  std::vector<protocol::StatusView> statuses;
  // What views show of it; made when one is, and again when `is_shown` was reset by a change.
  mutable protocol::Piece<protocol::TaskView> shown;
  mutable bool is_shown = false;
  // The update that the framework has not acknowledged: sent again when it resubscribes.
  std::unique_ptr<const TaskStatus> pending;
};

}  // namespace souk::master
