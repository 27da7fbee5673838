#include "base/rng.h"

#include <bit>

#include "base/check.h"
#include "base/digest.h"

namespace souk {
namespace {

uint64_t splitmix64(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

Rng::Rng(uint64_t seed) : seed_(seed) {
  uint64_t s = seed;
  for (uint64_t& word : state_) word = splitmix64(s);
}

uint64_t Rng::next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

uint64_t Rng::below(uint64_t bound) {
  SOUK_CHECK(bound > 0, "an empty range has no number to draw");
  // Numbers below the threshold would favour small results: draw again.
  const uint64_t threshold = -bound % bound;
  while (true) {
    const uint64_t n = next();
    if (n >= threshold) return n % bound;
  }
}

Rng Rng::fork(std::string_view name) const { return Rng(Digest().add(seed_).add(name).value()); }

}  // namespace souk
