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

void add(Amounts& sum, const Amounts& part) {
  if (sum.size() < part.size()) sum.resize(part.size());
  for (std::size_t slot = 0; slot < part.size(); ++slot) sum[slot] += part[slot];
}

void subtract(Amounts& sum, const Amounts& part) {
  if (sum.size() < part.size()) sum.resize(part.size());
  for (std::size_t slot = 0; slot < part.size(); ++slot) sum[slot] -= part[slot];
}

bool is_zero(const Amounts& amounts) {
  return std::ranges::all_of(amounts, [](__int128 amount) { return amount == 0; });
}

bool equal(const Amounts& a, const Amounts& b) {
  for (std::size_t slot = 0; slot < std::max(a.size(), b.size()); ++slot) {
    if (amount(a, slot) != amount(b, slot)) return false;
  }
  return true;
}

bool counts_for_quota(const Resource& item) {
  return !item.revocable && !item.shared && item.reservations->empty();
}

// The names that everybody has must not find the table full.
Measure::Measure() {
  usual_.fill(kNoSlot);
  for (const std::string_view name : {kCpus, kMem, kDisk, kGpus}) {
    usual_[ResourceName(name).usual()] = slot_of(name);
  }
}

void Measure::count_only(std::string name) {
  only_ = std::move(name);
  slot_of(only_);
  for (std::size_t slot = 0; slot < names_.size(); ++slot) counts_[slot] = names_[slot] == only_;
}

void Measure::exclude(std::set<std::string> names) {
  excluded_ = std::move(names);
  for (std::size_t slot = 0; slot < names_.size(); ++slot) {
    counts_[slot] = counts_[slot] && !excluded_.contains(names_[slot]);
  }
}

// What was counted on the way in is counted on the way out.
std::size_t Measure::slot_of(std::string_view name) {
  if (const std::size_t slot = find_slot(name); slot != kNoSlot) return slot;
  if (names_.size() == kMaxCountedNames) return kNoSlot;
  names_.emplace_back(name);
  counts_.push_back((only_.empty() || only_ == name) && !excluded_.contains(names_.back()));
  return names_.size() - 1;
}

std::size_t Measure::slot_of(const Resource& item) {
  const std::size_t usual = usual_[item.name.usual()];
  return usual != kNoSlot ? usual : slot_of(item.name.view());
}

std::size_t Measure::find_slot(std::string_view name) const {
  for (std::size_t slot = 0; slot < names_.size(); ++slot) {
    if (names_[slot] == name) return slot;
  }
  return kNoSlot;
}

void Measure::add_total(const Resources& resources) {
  amounts_of(resources, scratch_);
  add(totals_, scratch_);
}

void Measure::subtract_total(const Resources& resources) {
  amounts_of(resources, scratch_);
  subtract(totals_, scratch_);
}

bool Measure::amounts_of(const Resources& resources, Amounts& amounts) {
  amounts.assign(names_.size(), 0);
  bool all_count = true;
  for (const Resource& item : resources.items()) {
    const auto* scalar = std::get_if<Scalar>(&item.value);
    if (scalar == nullptr) continue;
    all_count = all_count && counts_for_quota(item);
    const std::size_t slot = slot_of(item);
    if (slot == kNoSlot) continue;
    if (slot >= amounts.size()) amounts.resize(slot + 1);
    amounts[slot] += scalar->thousandths;
  }
  return all_count;
}

void Measure::unreserved_amounts_of(const Resources& resources, Amounts& amounts) {
  amounts.assign(names_.size(), 0);
  for (const Resource& item : resources.items()) {
    const auto* scalar = std::get_if<Scalar>(&item.value);
    if (scalar == nullptr || !counts_for_quota(item)) continue;
    const std::size_t slot = slot_of(item);
    if (slot == kNoSlot) continue;
    if (slot >= amounts.size()) amounts.resize(slot + 1);
    amounts[slot] += scalar->thousandths;
  }
}

Amounts Measure::amounts_of(const Quantities& quantities) {
  Amounts amounts;
  for (const auto& [name, scalar] : quantities) {
    const std::size_t slot = slot_of(name);
    if (slot == kNoSlot) continue;
    if (slot >= amounts.size()) amounts.resize(slot + 1);
    amounts[slot] += scalar.thousandths;
  }
  return amounts;
}

Quantities Measure::quantities(const Amounts& amounts) const {
  Quantities quantities;
  for (std::size_t slot = 0; slot < amounts.size(); ++slot) {
    if (amounts[slot] > 0) quantities.emplace_back(names_[slot], Scalar{clamp(amounts[slot])});
  }
  std::ranges::sort(quantities);
  return quantities;
}

Fraction Measure::fraction(const Amounts& used, std::size_t slot) const {
  return {.used = clamp(used[slot]), .total = clamp(totals_[slot])};
}

std::size_t Measure::dominant_slot(const Amounts& used) const {
  std::size_t best = kNoSlot;
  Fraction most;
  for (std::size_t slot = 0; slot < std::min(used.size(), totals_.size()); ++slot) {
    if (used[slot] <= 0 || totals_[slot] <= 0 || !counts(slot)) continue;
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
  Share share;
  share.held = quantities(used);
  const std::size_t slot = dominant_slot(used);
  if (slot == kNoSlot) return share;
  const Fraction held = fraction(used, slot);
  share.dominant = names_[slot];
  share.used = held.used;
  share.total = held.total;
  return share;
}

}  // namespace souk::allocator
