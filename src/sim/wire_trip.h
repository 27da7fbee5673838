// Messages as they come out of their form on the wire: what a codec loses, or adds, is lost or
// added in the simulation too.
#pragma once

#include "sim/messages.h"

namespace souk::sim {

// Leaves alone what has no such form here. Aborts on what cannot be read again: a bug in a codec.
void pass_through_wire(Message& message);

}  // namespace souk::sim
