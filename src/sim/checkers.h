// All checkers of a run.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/checker.h"

namespace souk::sim {

struct CheckerOptions {
  // broken_invariant() walks over all there is: large worlds ask less often.
  uint64_t invariants_every = 1;
};

// To be added to the world as observers, in this order and all of them: some are fed by others.
std::vector<std::unique_ptr<Checker>> all_checkers(World& world,
                                                   const CheckerOptions& options = {});

}  // namespace souk::sim
