// Draws out of the injected generator, the same on every machine.
#pragma once

#include <cstdint>

#include "base/rng.h"
#include "base/time.h"

namespace souk::sim {

// Uniform in [low, high]; low if they are equal. REQUIRES low <= high.
inline Duration draw_between(Rng& rng, Duration low, Duration high) {
  return low + Duration(rng.below(static_cast<uint64_t>((high - low).count()) + 1));
}
inline int64_t draw_between(Rng& rng, int64_t low, int64_t high) {
  return low + static_cast<int64_t>(rng.below(static_cast<uint64_t>(high - low) + 1));
}

// True `chance` times in a million.
inline bool draw_chance(Rng& rng, uint64_t chance) { return rng.below(1'000'000) < chance; }

}  // namespace souk::sim
