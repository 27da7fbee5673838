// The link to the master: dialled again until there is one, with growing pauses; taken for dead
// after a silence.
#pragma once

#include "agent/state.h"

namespace souk::agent {

void dial(Context& c);
// Closes the link and dials again later.
void drop_link(Context& c);
// The same, for a reason that only an operator can mend: without haste.
void drop_link_refused(Context& c);
// Something came from the master, so the link lives.
void heard(Context& c);

bool registered(const State& state);
// Lost unless registered; the caller knows whether that matters.
void send(Context& c, protocol::AgentMessage message);

void on_message(Context& c, protocol::to_agent::Welcome&& m);
void on_message(Context& c, protocol::to_agent::Refused&& m);
void on_message(Context& c, protocol::to_agent::Registered&& m);

// Tells whether a frame of this epoch may be obeyed; if not, the link is dropped.
bool accept_epoch(Context& c, uint64_t epoch);
// Tells whether the master belongs to our cluster; if not, the link is dropped or the agent stops.
bool accept_cluster(Context& c, const std::string& cluster_id);

AgentInfo agent_info(const Context& c);

}  // namespace souk::agent
