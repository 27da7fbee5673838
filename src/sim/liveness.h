// What must come about once nothing fails any more.
#pragma once

#include <optional>
#include <string>

#include "sim/world.h"

namespace souk::sim {

// The first thing that is still missing, in words; nothing: all is as it should be.
std::optional<std::string> not_yet(World& world);

}  // namespace souk::sim
