// What happens to a master: facts, in the past tense.
#pragma once

#include <string>
#include <variant>

#include "model/ids.h"
#include "protocol/link.h"
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
                           FileRequested, Persisted, TimerFired, BatchEnded>;

}  // namespace souk::master
