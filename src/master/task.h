// One task in the master's books. There may be a hundred thousand of them: what is rarely there is
// held apart, and what can be looked up is not held.
#pragma once

#include <cstdint>
#include <string>

#include "base/boxed.h"
#include "base/piece.h"
#include "base/time.h"
#include "model/task.h"
#include "protocol/master_view.h"

namespace souk::master {

struct Task {
  // What views show of it is all that is known of it; it is shared with them until it changes.
  // Its state is the latest known; terminal: it holds no resources any more.
  Piece<protocol::TaskView> shown;
  FrameworkKey framework;
  AgentKey agent;
  bool short_slot = false;  // its resources are of the agent's slots for short tasks
  // A KILL that may not have reached the agent: repeated when that registers again.
  bool kill_asked = false;
  bool revoked = false;  // its time is up, and it is to be killed for that
  bool counted = false;  // its end is
  Boxed<Duration> kill_grace;
  // Revocation (§3.3): the number of the inverse offer that names it, 0 if none does.
  uint64_t inverse_offer = 0;
  // The update that the framework has not acknowledged: sent again when it resubscribes. Without a
  // uuid: there is none.
  Piece<TaskStatus> pending;

  const TaskSpec& spec() const { return *shown->spec; }
  const TaskId& id() const { return spec().id; }
  const Resources& resources() const { return spec().resources; }
  const std::string& role() const { return *shown->role; }
  TaskState state() const { return shown->state; }
  bool ended() const { return is_terminal(state()); }
};

}  // namespace souk::master
