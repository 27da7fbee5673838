// What must come about once nothing fails any more: one leader, everybody with it, all work that
// has an end done, and nothing that only one side knows of.
#pragma once

#include <optional>
#include <string>

#include "sim/world.h"

namespace souk::sim {

// The first thing that is still missing, in words; nothing: all is as it should be. What costs more
// is only looked at when the rest is there.
std::optional<std::string> not_yet(const World& world);

}  // namespace souk::sim
