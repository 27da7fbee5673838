// §4.3 in the simulator, with fixed seeds.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "bench/paper/experiments.h"

namespace souk::paper {
namespace {

const Report& report() {
  static const Report made = preferences({.jobs = 2, .quick = true});
  return made;
}

// If every framework can have the slots it prefers, it has them within one T, from any start.
TEST(Preferences, ThatAllCanHaveAreMetWithinOneT) {
  const double reoffers = 0.0001;  // of T = 1000 s: a tenth of a second
  for (const char* start :
       {"slots at random, tasks at random phases", "nobody on a preferred slot, random phases",
        "nobody on a preferred slot, all tasks just begun"}) {
    EXPECT_EQ(report().at(fmt::format("converged {} missed", start)), 0) << start;
    EXPECT_LE(report().at(fmt::format("converged {} most", start)), 1 + reoffers) << start;
    EXPECT_GT(report().at(fmt::format("converged {} mean", start)), 0.5) << start;
  }
}

// Else a lottery gives p s_i / sum s_j of them to framework i.
TEST(Preferences, ThatAllWantAreSharedByLottery) {
  for (const int s : {1, 2, 3, 6}) {
    const std::string name = fmt::format("lottery s={}", s);
    const double off = std::abs(report().at(name) - report().at(name + " expected"));
    EXPECT_LE(off, 3 * report().at(name + " error")) << name;
  }
}

// Fair sharing gives them to those who have nothing else.
TEST(Preferences, ThatAllWantAreNotInProportionUnderDrf) {
  EXPECT_GT(report().at("drf s=1"), report().at("drf s=3"));
}

}  // namespace
}  // namespace souk::paper
