// Dominant shares (DRF) as exact fractions, and the sums they are made of. Plain values; no errors.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <set>
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

// Thousandths by slot of the Measure; what lies beyond the end is zero. 128 bits, because what
// agents report may add up beyond int64.
using Amounts = std::vector<__int128>;

inline __int128 amount(const Amounts& amounts, std::size_t slot) {
  return slot < amounts.size() ? amounts[slot] : 0;
}
void add(Amounts& sum, const Amounts& part);
void subtract(Amounts& sum, const Amounts& part);
bool is_zero(const Amounts& amounts);
// Equal but for zeros at the end.
bool equal(const Amounts& a, const Amounts& b);

// Names beyond this many do not count in shares or quotas. They come from agents and live as long
// as the allocator.
inline constexpr std::size_t kMaxCountedNames = 64;

// What the cluster has of each scalar, and which fraction of it somebody holds. Ranges and sets do
// not count.
class Measure {
 public:
  static constexpr std::size_t kNoSlot = kMaxCountedNames;

  Measure();
  // Shares are of this resource alone.
  void count_only(std::string name);
  // Shares are of all but these.
  void exclude(std::set<std::string> names);

  // Agents come and go: all of them count, active or not.
  void add_total(const Resources& resources);
  void subtract_total(const Resources& resources);

  // Of all scalars; of those that count for quotas: neither revocable, nor shared, nor reserved.
  // What was in `amounts` before is forgotten.
  // The first says whether both are the same.
  bool amounts_of(const Resources& resources, Amounts& amounts);
  void unreserved_amounts_of(const Resources& resources, Amounts& amounts);
  Amounts amounts_of(const Quantities& quantities);

  // The largest of the fractions, the first of equals; what the cluster has nothing of does not
  // count.
  Fraction dominant(const Amounts& used) const;
  // Of the names of a Share: `dominant`, `used`, `total`.
  Share share(const Amounts& used) const;

  const Amounts& totals() const { return totals_; }
  const std::string& name(std::size_t slot) const { return names_[slot]; }
  std::size_t slots() const { return names_.size(); }
  // A slot is never given up. kNoSlot: the table is full.
  std::size_t slot_of(std::string_view name);
  std::size_t slot_of(const Resource& item);           // of its name
  std::size_t find_slot(std::string_view name) const;  // kNoSlot: never seen
  // In shares.
  bool counts(std::size_t slot) const { return counts_[slot]; }
  // Without the zeros.
  Quantities quantities(const Amounts& amounts) const;

 private:
  std::size_t dominant_slot(const Amounts& used) const;
  Fraction fraction(const Amounts& used, std::size_t slot) const;

  std::string only_;  // empty: all names
  std::set<std::string> excluded_;
  std::vector<std::string> names_;  // by slot
  // Of the usual names, by their numbers; kNoSlot: has none of its own.
  std::array<std::size_t, ResourceName::kUsual + 1> usual_;
  std::vector<bool> counts_;  // in shares; by slot
  Amounts totals_;
  Amounts scratch_;
};

// What counts for quotas.
bool counts_for_quota(const Resource& item);

}  // namespace souk::allocator
