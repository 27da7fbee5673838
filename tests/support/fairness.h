// How tasks would be shared, worked out the plain way: what the allocator is compared with in tests
// of the DRF paper. Every user has one kind of task. Slow and simple on purpose; no product.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace souk::support {

// By resource, in thousandths.
using Vector = std::vector<int64_t>;

struct User {
  Vector task;  // what one of its tasks needs; something, and nothing below zero
  int64_t weight = 1;
  int64_t wanted = INT64_MAX;  // tasks
};

// Numerator and denominator, both above or at zero and so small that products of two fractions fit.
struct Ratio {
  __int128 above = 0;
  __int128 below = 1;
};
inline bool operator<(const Ratio& a, const Ratio& b) {
  return a.above * b.below < b.above * a.below;
}
inline bool operator<=(const Ratio& a, const Ratio& b) { return !(b < a); }
inline bool operator==(const Ratio& a, const Ratio& b) { return !(a < b) && !(b < a); }

// The largest of vector[r] / total[r]: the dominant share of who holds that.
Ratio dominant(const Vector& vector, const Vector& total);
// That of so many tasks, by weight.
Ratio share(const User& user, int64_t tasks, const Vector& total);

Vector times(const Vector& vector, int64_t factor);
bool fits(const Vector& task, const Vector& free);

struct Filling {
  std::vector<std::size_t> order;  // who got a task, one after the other
  std::vector<int64_t> tasks;      // by user
  Vector free;
};

// DRF with whole tasks on one node: one task at a time goes to the user with the lowest share by
// weight whose task fits; of equals, the one whose last task is longest ago, then the first. Ends
// as soon as less than `minimum` of something is free (empty: no minimum), or nobody's task fits.
Filling progressive_filling(const Vector& total, const std::vector<User>& users,
                            const Vector& minimum = {});

// --- divisible tasks: how many each user gets. In floating point.

// All shares grow together until a resource is used up; those that need it stop there.
std::vector<double> divisible_drf(const Vector& total, const std::vector<User>& users);
// The same sum of shares of all resources for everybody, until one resource is used up.
std::vector<double> asset_fairness(const Vector& total, const std::vector<User>& users);
// Competitive equilibrium from equal incomes, which is the largest product of task counts. For two
// resources: the prices at which all is bought, found along the line of those that add up.
std::vector<double> equal_incomes(const Vector& total, const std::vector<User>& users);

}  // namespace souk::support
