// What every allocation module has to keep to, as a test that any module can be put through: random
// facts in, as a master would tell them, and a judge over the decisions that come out. It keeps
// books of its own, and checks that
//   - only what is free is granted, on agents and to frameworks that are active, in roles that they
//     subscribed to and did not suppress; nothing that is reserved for others, that they lack the
//     capability for, that is below the minimum, or that is refused at the time
//   - allocate() makes all that can be made: called again at once, or before next_deadline() and
//     without a new fact, it decides nothing more
//   - rescinds name open offers, revocations running tasks
//   - explain() and share() agree with the books
//   - the same seed gives the same decisions.
// Whether the module is fair is for the module's own tests to say. Pure; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "allocator/allocator.h"
#include "base/result.h"
#include "base/rng.h"

namespace souk::allocator {

using MakeAllocator = std::function<Result<std::unique_ptr<Allocator>>(Options options, Rng rng)>;

struct ContractCase {
  uint64_t seed = 1;
  int steps = 300;
  // As an operator would set them; a minimum offer size, a region and parameters that the module
  // needs, for instance.
  Options options;
  bool quota = true;  // set quotas, and hold the module to their limits
};

// What it did first that no module may, with the seed and the step; nothing: it kept to all of it.
std::optional<std::string> broken_contract(const MakeAllocator& make, const ContractCase& test);

}  // namespace souk::allocator
