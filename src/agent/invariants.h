#pragma once

#include <optional>
#include <string>

#include "agent/options.h"
#include "agent/state.h"

namespace souk::agent {

// What does not hold between two steps although it always must. Costs as much as the state is
// large: for tests.
std::optional<std::string> broken_invariant(const Options& options, const State& state);

}  // namespace souk::agent
