// §3.3 in the simulator, with fixed seeds: a framework below its guarantee.
#include <gtest/gtest.h>

#include <cmath>

#include "bench/paper/experiments.h"

namespace souk::paper {
namespace {

const Report& report() {
  static const Report made = revocation({.jobs = 2, .quick = true});
  return made;
}

// Without revocation it gets each slot that becomes free: after T (H_n - H_(n-k)).
TEST(Revocation, WithoutItAGuaranteeWaitsForTasksToEnd) {
  for (const char* t : {"T=100", "T=3000"}) {
    const std::string name = std::string(t) + " without";
    const double expected = report().at(std::string(t) + " expected");
    EXPECT_EQ(report().at(name + " never"), 0);
    EXPECT_EQ(report().at(name + " killed"), 0);
    EXPECT_LE(std::abs(report().at(name) - expected), 3 * report().at(name + " error")) << name;
  }
}

// With it long tasks are killed for it after the delay and the grace period.
TEST(Revocation, EndsTheWaitWhereTasksAreLong) {
  EXPECT_EQ(report().at("T=100000 with never"), 0);
  EXPECT_GT(report().at("T=100000 with killed"), 0);
  EXPECT_GE(report().at("T=100000 with"), 60) << "not before both have passed";
  EXPECT_LE(report().at("T=100000 with most"), 65) << "nor much later";
  EXPECT_LE(report().at("T=3000 with most"), 65) << "though slots become free meanwhile";
  EXPECT_EQ(report().at("T=100 with killed"), 0) << "tasks end sooner than anybody is killed";
}

}  // namespace
}  // namespace souk::paper
