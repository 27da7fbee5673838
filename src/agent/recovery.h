// After a restart: souk-executors dial in and say what became of their tasks, and only then does
// the agent register, so that what it tells the master is whole.
#pragma once

#include "agent/state.h"

namespace souk::agent {

// The time to dial in is over: what did not come is given up.
void end_recovery(Context& c);

Ending reregistration_timeout();

}  // namespace souk::agent
