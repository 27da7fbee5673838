// What a role has a right to, and what it may not exceed. Plain values; what comes from outside is
// made by the functions below, which refuse with a text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/resources.h"

namespace souk {

// Amounts by name, for the role and all roles below it. Only scalars that are not revocable count;
// what is reserved for the role counts whether it is in use or not.
struct Quota {
  Quantities guarantees;  // absent: none
  Quantities limits;      // absent: no limit; zero: nothing at all
  bool operator==(const Quota&) const = default;
  bool empty() const { return guarantees.empty() && limits.empty(); }
};

// Bounds on what operators configure.
inline constexpr std::size_t kMaxConfiguredRoles = 100'000;  // with a weight; with a quota
inline constexpr std::size_t kMaxQuotaNames = 64;            // guaranteed to one role; limited
inline constexpr std::size_t kMaxQuotaNameBytes = 255;
// The most of any one name, in thousandths: a quota spans the cluster, so it may be far above what
// one agent may have. The guarantees of all roles together have the same bound as the totals of a
// million agents, and so stay inside int64.
inline constexpr int64_t kMaxQuotaAmount = 1'000'000'000'000'000;
inline constexpr int64_t kMaxGuaranteedTotal = 1'000'000'000'000'000'000;

// To the nearest thousandth; fails on what is not finite, negative, or above kMaxQuotaAmount.
Result<Scalar> quota_amount(double amount);

// "cpus:10;mem:1000". Zeros are kept: a limit of nothing is one. Empty text: no amounts.
Result<Quantities> parse_quota_amounts(std::string_view text);

// "1000.5"; of amounts that are not negative.
std::string amount_text(Scalar amount);
// "cpus:10;mem:1000.5"
std::string to_string(const Quantities& amounts);

// Zero if there is none of this name. REQUIRES that they are sorted.
Scalar amount_of(const Quantities& amounts, std::string_view name);
// Null if there is none of this name. REQUIRES that they are sorted.
const Scalar* find_amount(const Quantities& amounts, std::string_view name);

// Names sorted, none twice, each one a scalar's; guarantees not above limits. What is wrong comes
// without the role's name.
Result<void> validate_quota(const Quota& quota);

}  // namespace souk
