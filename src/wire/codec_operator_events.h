// The stream of events that a SUBSCRIBE of the operator API opens: each event as one record. Pure
// functions, safe from any thread.
#pragma once

#include <string>

#include "base/time.h"
#include "protocol/master_view.h"
#include "protocol/operator_events.h"
#include "wire/content_type.h"

namespace souk::wire {

// The first event: SUBSCRIBED, with all that is there.
std::string render_subscribed(const protocol::MasterView& view, Duration heartbeat_interval,
                              ContentType type);

void append_operator_event(std::string& out, const protocol::OperatorEvent& event,
                           ContentType type);

}  // namespace souk::wire
