// What has to be true once faults have ended for long enough: one leader, everybody with it, all
// work that has an end done, and nothing that only one side knows of.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "sim/world.h"

namespace souk::sim {

// What is still missing, the first thing; nothing: all is well. `finite`: the schedulers whose
// workloads have to get done; those that have ended count as done. Cheap until the last thing.
std::optional<std::string> not_yet(const World& world, const std::set<ProcessId>& finite);

}  // namespace souk::sim
