// What a role has a right to, and what it may not exceed. Plain values.
#pragma once

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

}  // namespace souk
