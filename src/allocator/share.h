// Dominant shares (DRF) as exact fractions, and the sums they are made of. Plain values; no errors.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/allocator.h"
#include "model/resources.h"

namespace souk::allocator {

// used / total, both in thousandths; total > 0.
struct Fraction {
  int64_t used = 0;
  int64_t total = 1;
};

// Whether a/weight_a is less than b/weight_b, and so on: exact, in up to 192 bits. REQUIRES numbers
// that are not negative, weights above zero.
std::strong_ordering compare(const Fraction& a, const Fraction& b);
std::strong_ordering compare(const Fraction& a, int64_t weight_a, const Fraction& b,
                             int64_t weight_b);

// Thousandths by slot of the Measure. 128 bits, because what agents report may add up beyond int64.
using Amounts = std::vector<__int128>;

// Names beyond this many do not count in shares. They come from agents and live as long as the
// allocator.
inline constexpr std::size_t kMaxCountedNames = 64;

// What the cluster has of each scalar, and which fraction of it somebody holds. Ranges and sets do
// not count.
class Measure {
 public:
  Measure();

  // Agents come and go: all of them count, active or not.
  void add_total(const Resources& resources) { add(totals_, resources); }
  void subtract_total(const Resources& resources) { subtract(totals_, resources); }

  void add(Amounts& sum, const Resources& resources) { change(sum, resources, 1); }
  void subtract(Amounts& sum, const Resources& resources) { change(sum, resources, -1); }

  // The largest of the fractions, the first of equals; what the cluster has nothing of does not
  // count.
  Fraction dominant(const Amounts& used) const;
  Share share(const Amounts& used) const;

  const Amounts& totals() const { return totals_; }

 private:
  static constexpr std::size_t kNoSlot = kMaxCountedNames;

  void change(Amounts& sum, const Resources& resources, int sign);
  std::size_t slot_of(std::string_view name);
  std::size_t dominant_slot(const Amounts& used) const;
  Fraction fraction(const Amounts& used, std::size_t slot) const;

  std::vector<std::string> names_;  // by slot
  Amounts totals_;
};

}  // namespace souk::allocator
