// §4.6 in the simulator, with fixed seeds.
#include <gtest/gtest.h>

#include "bench/paper/experiments.h"

namespace souk::paper {
namespace {

const Report& report() {
  static const Report made = large_tasks({.jobs = 2, .quick = true});
  return made;
}

// Whoever needs much of a node starves among small tasks, and does not with a minimum offer size.
TEST(LargeTasks, RunOnlyWithAMinimumOfferSize) {
  EXPECT_EQ(report().at("without a minimum served"), 0);
  EXPECT_EQ(report().at("with a minimum unserved"), 0);
  EXPECT_GT(report().at("with a minimum served"), 0);
  // It has its price.
  EXPECT_LT(report().at("with a minimum in use"), report().at("without a minimum in use"));
}

// What is lost by packing is at most the largest task over the size of a node.
TEST(LargeTasks, PackingWastesLessThanTheLargestTask) {
  int cases = 0;
  double most = 0;
  for (const auto& [name, worst] : report().figures()) {
    if (!name.ends_with(" worst")) continue;
    ++cases;
    most = std::max(most, worst);
    const std::string of = name.substr(0, name.size() - std::string_view(" worst").size());
    EXPECT_LT(worst, report().at(of + " bound")) << of;
  }
  EXPECT_EQ(cases, 12);
  EXPECT_GT(most, 0) << "something is lost";
}

}  // namespace
}  // namespace souk::paper
