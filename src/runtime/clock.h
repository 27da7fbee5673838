// The clocks and the entropy of the machine we run on: what pure code gets passed in as Now and as
// a seed. Thread-safe.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace souk::runtime {

MonoTime mono_now();
WallTime wall_now();
Now now();

// 64 bits from the kernel's generator: the seed of a process, logged by whoever wants to replay it.
uint64_t random_seed();

}  // namespace souk::runtime
