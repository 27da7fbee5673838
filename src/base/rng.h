// The injected source of randomness: SplitMix64 seeding xoshiro256**. Same seed, same numbers, on
// every machine. Fork one by name for each use, so that a new use does not change what the others
// draw.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace souk {

class Rng {
 public:
  explicit Rng(uint64_t seed);

  uint64_t next();

  // Uniform in [0, bound); REQUIRES bound > 0. Without modulo bias.
  uint64_t below(uint64_t bound);

  // An independent generator that depends on this one's seed and the name only, not on what was
  // drawn.
  Rng fork(std::string_view name) const;

 private:
  uint64_t seed_;
  std::array<uint64_t, 4> state_;
};

}  // namespace souk
