// What happens to an agent: facts in the past tense, which the runtime or the simulator reports.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/strong.h"
#include "model/ids.h"
#include "protocol/executor_api.h"
#include "protocol/link.h"
#include "protocol/supervisor.h"

namespace souk::agent {

// One attempt to reach a master and the link that came of it; numbered by the machine, never
// reused.
using LinkId = Strong<struct LinkIdTag, uint64_t>;
// Orders what storage has been asked to keep.
using Ticket = uint64_t;

namespace event {

// First of all and once: the machine recovers what it was constructed with, then dials.
struct Started {};

// The dial of OpenLink succeeded.
struct LinkOpened {
  LinkId link;
};
// The dial failed, or the link broke. Not said of a link that CloseLink closed (harmless if it is).
struct LinkClosed {
  LinkId link;
  std::string why;
};
struct MasterSaid {
  LinkId link;
  protocol::MasterFrame frame;
};

// A souk-executor dialled in and said Hello: new, or again after either side lost the connection.
struct SupervisorConnected {
  ContainerId container;
  int64_t pid = 0;
};
struct SupervisorSaid {
  ContainerId container;
  protocol::supervisor::Report report;
};
// The souk-executor process and all that it ran are dead. Comes once for each LaunchContainer that
// did not fail, and answers every KillContainer, also when nothing was there to kill.
struct SupervisorGone {
  ContainerId container;
  std::optional<int32_t> status;  // as waitpid gives it, if the agent is its parent
};
// The souk-executor of a LaunchContainer could not be started at all; no SupervisorGone follows.
struct LaunchFailed {
  ContainerId container;
  std::string why;
};

// A custom executor asks for its stream of events.
struct ExecutorSubscribed {
  ConnectionId connection;
  FrameworkId framework;
  ExecutorId executor;
  protocol::executor_call::Subscribe call;
};
// Any other call; answered by exactly one Respond.
struct ExecutorCalled {
  ConnectionId request;
  protocol::ExecutorCall call;
};
// A stream broke. Not said of one that CloseStream closed (harmless if it is).
struct ExecutorDisconnected {
  ConnectionId connection;
};

// Everything up to and including this ticket is durable: storage keeps the order of tickets. If not
// ok, the operation with this ticket could not be stored.
struct Persisted {
  Ticket ticket = 0;
  bool ok = true;
  std::string why;
};
struct FileServed {
  LinkId link;
  protocol::to_master::FileAnswer answer;
};
// The deadline of the latest ArmTimer has come. Early or superfluous ones do no harm.
struct TimerFired {};
// The operator ends the agent. Tasks run on and are found again at the next start, unless it leaves
// for good.
struct StopRequested {
  bool leave = false;
};

}  // namespace event

using Event = std::variant<event::Started, event::LinkOpened, event::LinkClosed, event::MasterSaid,
                           event::SupervisorConnected, event::SupervisorSaid, event::SupervisorGone,
                           event::LaunchFailed, event::ExecutorSubscribed, event::ExecutorCalled,
                           event::ExecutorDisconnected, event::Persisted, event::FileServed,
                           event::TimerFired, event::StopRequested>;

}  // namespace souk::agent
