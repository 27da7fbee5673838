// What happens to a master: facts, in the past tense.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>

#include "model/ids.h"
#include "model/obstacle.h"
#include "protocol/link.h"
#include "protocol/operator_api.h"
#include "protocol/registry.h"
#include "protocol/scheduler_api.h"

namespace souk::master {

// This master leads, and has read its registry. Before it every call is answered 503. Comes once.
struct Recovered {
  protocol::Registry registry;
};

// A call that parsed. `connection` is answered with exactly one Respond, or, for a SUBSCRIBE that
// is let in, with OpenStream.
struct SchedulerCalled {
  ConnectionId connection;
  protocol::SchedulerCall call;
  // The Mesos-Stream-Id header; for a SUBSCRIBE the new stream's id, drawn by the runtime.
  std::string stream_id;
  bool has_stream_id = false;
  std::string principal;  // of the connection; empty: not authenticated
};
// The client of a stream or of a pending request went away.
struct ConnectionClosed {
  ConnectionId connection;
};

struct AgentSaid {
  ConnectionId link;
  protocol::AgentMessage message;
};
struct LinkClosed {
  ConnectionId link;
};

// Somebody wants to see files of an agent's sandboxes.
struct FileRequested {
  ConnectionId connection;
  AgentId agent;
  protocol::to_agent::FileRequest request;  // its number is set by the master
};

// Somebody wants to know why a framework is or is not offered what there is. Answered by Respond or
// RespondDocument.
struct ExplainRequested {
  ConnectionId connection;
  std::string framework;           // its id, or its name if only one has it
  std::string agent;               // the same, with its hostname; empty: all
  std::size_t limit = 0;           // of the agents that are listed
  std::optional<Obstacle> reason;  // list only these
};
// The same of what a framework has and has a right to.
struct ShareRequested {
  ConnectionId connection;
  std::string framework;  // as above
};

// A call that changes something, and parsed. Answered with exactly one Respond, once what it
// changes is stored.
struct OperatorCalled {
  ConnectionId connection;
  protocol::OperatorCall call;
  std::string principal;  // of the connection; empty: not authenticated
};

// An operator wants to hear of what happens. Answered by OpenOperatorStream, or by Respond.
struct OperatorSubscribed {
  ConnectionId connection;
};

// What Persist asked for is stored, or could not be.
struct Persisted {
  protocol::Ticket ticket = 0;
  bool ok = true;
  std::string why;
};

// The deadline of the latest ArmTimer has come. The runtime has drained all input that lay before
// it.
struct TimerFired {};

// All input that was there has been stepped: decide on offers (decision 10).
struct BatchEnded {};

using Event = std::variant<Recovered, SchedulerCalled, ConnectionClosed, AgentSaid, LinkClosed,
                           FileRequested, ExplainRequested, ShareRequested, OperatorCalled,
                           OperatorSubscribed, Persisted, TimerFired, BatchEnded>;

}  // namespace souk::master
