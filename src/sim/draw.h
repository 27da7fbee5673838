// Draws from distributions, out of the injected generator.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/rng.h"
#include "base/time.h"

namespace souk::sim {

inline constexpr double kTwoPi = 6.283185307179586;

// In (0, 1].
inline double draw_unit(Rng& rng) {
  return (static_cast<double>(rng.next() >> 11) + 1) / 9007199254740992.0;  // 2^53
}

// Uniform in [low, high]; low if they are equal. REQUIRES low <= high.
inline Duration draw_between(Rng& rng, Duration low, Duration high) {
  return low + Duration(rng.below(static_cast<uint64_t>((high - low).count()) + 1));
}
inline int64_t draw_between(Rng& rng, int64_t low, int64_t high) {
  return low + static_cast<int64_t>(rng.below(static_cast<uint64_t>(high - low) + 1));
}

inline Duration draw_exponential(Rng& rng, Duration mean) {
  return Duration(
      static_cast<int64_t>(-std::log(draw_unit(rng)) * static_cast<double>(mean.count())));
}

// Not below zero.
inline Duration draw_normal(Rng& rng, Duration mean, Duration deviation) {
  const double radius = std::sqrt(-2 * std::log(draw_unit(rng)));
  const double z = radius * std::cos(kTwoPi * draw_unit(rng));
  const double drawn =
      static_cast<double>(mean.count()) + z * static_cast<double>(deviation.count());
  return Duration(static_cast<int64_t>(std::max(drawn, 0.0)));
}

// True `chance` times in a million.
inline bool draw_chance(Rng& rng, uint64_t chance) { return rng.below(1'000'000) < chance; }

}  // namespace souk::sim
