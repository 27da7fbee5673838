// §3.5 in the simulator, with fixed seeds: frameworks that refuse everything keep nobody from
// offers. tests/paper/starvation_test.cc has the bound on the allocation module alone.
#include <gtest/gtest.h>

#include "bench/paper/experiments.h"

namespace souk::paper {
namespace {

const Report& report() {
  static const Report made = starvation({.jobs = 2, .quick = true});
  return made;
}

TEST(Decliners, KeepNobodyFromSeeingEachAgent) {
  EXPECT_EQ(report().at("pairs"), report().at("pairs expected"));
  EXPECT_GT(report().at("offers most"), 0);
  EXPECT_LE(report().at("offers most"), report().at("offers bound"));
}

TEST(Decliners, KeepNobodyFromItsShare) {
  EXPECT_EQ(report().at("none decline share missing"), 0);
  EXPECT_EQ(report().at("most decline share missing"), 0);
  EXPECT_GT(report().at("most decline in use"), 0.99);
}

}  // namespace
}  // namespace souk::paper
