// What a master orders. To be carried out in their order; those of one connection must not overtake
// each other.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "model/ids.h"
#include "protocol/explain_view.h"
#include "protocol/link.h"
#include "protocol/operator_events.h"
#include "protocol/registry.h"
#include "protocol/scheduler_api.h"

namespace souk::master {

// Answers a pending request and ends it.
struct Respond {
  ConnectionId connection;
  protocol::HttpAnswer answer;
  std::string content_type;  // empty: text/plain if there is a body
};
// Answers a pending request with a document, which is rendered elsewhere.
struct RespondDocument {
  ConnectionId connection;
  std::shared_ptr<const protocol::Document> document;
};
// Answers a SUBSCRIBE with 200 and a stream of events.
struct OpenStream {
  ConnectionId connection;
  std::string stream_id;
};
struct SendToFramework {
  ConnectionId connection;
  protocol::SchedulerEvent event;
};
// Answers an operator's SUBSCRIBE with 200 and a stream. Whoever carries it out begins the stream
// with a view of the machine, this one or a later one, and goes on with what SendToOperators says
// after that view.
struct OpenOperatorStream {
  ConnectionId connection;
};
// On all their streams.
struct SendToOperators {
  protocol::OperatorEvent event;
};
// After what was sent before it.
struct CloseStream {
  ConnectionId connection;
};
struct SendToAgent {
  ConnectionId link;
  protocol::MasterFrame frame;
};
struct CloseLink {
  ConnectionId link;
};
struct Persist {
  protocol::Ticket ticket = 0;
  protocol::RegistryOperation operation;
};
// Replaces the deadline armed before, which holds until then, also when it has come; nothing:
// disarm.
struct ArmTimer {
  std::optional<MonoTime> at;
};
struct Log {
  enum class Level : uint8_t { kInfo, kWarning, kError } level = Level::kInfo;
  std::string text;
};

using Effect =
    std::variant<Respond, RespondDocument, OpenStream, SendToFramework, OpenOperatorStream,
                 SendToOperators, CloseStream, SendToAgent, CloseLink, Persist, ArmTimer, Log>;
using Effects = std::vector<Effect>;

}  // namespace souk::master
