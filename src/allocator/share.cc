#include "allocator/share.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

namespace souk::allocator {
namespace {

using Wide = unsigned __int128;

// x * y as (high, low), the low part having 64 bits.
std::pair<Wide, uint64_t> multiply(Wide x, uint64_t y) {
  const Wide low = static_cast<Wide>(static_cast<uint64_t>(x)) * y;
  const Wide high = static_cast<Wide>(static_cast<uint64_t>(x >> 64)) * y;
  return {high + (low >> 64), static_cast<uint64_t>(low)};
}

Wide product(int64_t x, int64_t y) {
  return static_cast<Wide>(static_cast<uint64_t>(x)) * static_cast<uint64_t>(y);
}

int64_t clamp(__int128 amount) {
  constexpr __int128 kMost = std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(std::clamp<__int128>(amount, 0, kMost));
}

}  // namespace

std::strong_ordering compare(const Fraction& a, const Fraction& b) {
  return product(a.used, b.total) <=> product(b.used, a.total);
}

std::strong_ordering compare(const Fraction& a, int64_t weight_a, const Fraction& b,
                             int64_t weight_b) {
  if (weight_a == weight_b) return compare(a, b);
  return multiply(product(a.used, b.total), static_cast<uint64_t>(weight_b)) <=>
         multiply(product(b.used, a.total), static_cast<uint64_t>(weight_a));
}

// The names that everybody has must not find the table full.
Measure::Measure()
    : names_{std::string(kCpus), std::string(kMem), std::string(kDisk), std::string(kGpus)} {}

void Measure::change(Amounts& sum, const Resources& resources, int sign) {
  for (const Resource& item : resources.items()) {
    const auto* scalar = std::get_if<Scalar>(&item.value);
    if (scalar == nullptr) continue;
    const std::size_t slot = slot_of(item.name);
    if (slot == kNoSlot) continue;
    if (slot >= sum.size()) sum.resize(slot + 1);
    sum[slot] += static_cast<__int128>(scalar->thousandths) * sign;
  }
}

// A slot is never given up: what was counted on the way in is counted on the way out.
std::size_t Measure::slot_of(std::string_view name) {
  for (std::size_t slot = 0; slot < names_.size(); ++slot) {
    if (names_[slot] == name) return slot;
  }
  if (names_.size() == kMaxCountedNames) return kNoSlot;
  names_.emplace_back(name);
  return names_.size() - 1;
}

Fraction Measure::fraction(const Amounts& used, std::size_t slot) const {
  return {.used = clamp(used[slot]), .total = clamp(totals_[slot])};
}

std::size_t Measure::dominant_slot(const Amounts& used) const {
  std::size_t best = kNoSlot;
  Fraction most;
  for (std::size_t slot = 0; slot < std::min(used.size(), totals_.size()); ++slot) {
    if (used[slot] <= 0 || totals_[slot] <= 0) continue;
    const Fraction held = fraction(used, slot);
    if (compare(held, most) <= 0) continue;
    most = held;
    best = slot;
  }
  return best;
}

Fraction Measure::dominant(const Amounts& used) const {
  const std::size_t slot = dominant_slot(used);
  return slot == kNoSlot ? Fraction{} : fraction(used, slot);
}

Share Measure::share(const Amounts& used) const {
  const std::size_t slot = dominant_slot(used);
  if (slot == kNoSlot) return {};
  const Fraction held = fraction(used, slot);
  Share share;
  share.dominant = names_[slot];
  share.used = held.used;
  share.total = held.total;
  return share;
}

}  // namespace souk::allocator
