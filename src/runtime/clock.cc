#include "runtime/clock.h"

#include <sys/random.h>

#include <chrono>

namespace souk::runtime {

MonoTime mono_now() { return MonoTime(std::chrono::steady_clock::now().time_since_epoch()); }

WallTime wall_now() { return WallTime(std::chrono::system_clock::now().time_since_epoch()); }

Now now() { return {.mono = mono_now(), .wall = wall_now()}; }

uint64_t random_seed() {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) == sizeof seed) return seed;
  // A kernel without entropy to give: two clocks are still better than a constant.
  const Now at = now();
  return static_cast<uint64_t>(at.wall.time_since_epoch().count()) * 0x9e3779b97f4a7c15u ^
         static_cast<uint64_t>(at.mono.time_since_epoch().count());
}

}  // namespace souk::runtime
