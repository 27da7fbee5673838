// §4.1, §4.2, Table 2: a newcomer's ramp-up, completion and utilization in the simulator, with
// fixed seeds and few slots; `./dev bench paper-sim` has all cells.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bench/paper/experiments.h"

namespace souk::paper {
namespace {

const Report& table() {
  static const Report report = newcomer({.jobs = 2, .quick = true});
  return report;
}

constexpr double kStandardErrors = 3;

// Within three standard errors of the models' exact means, besides the time to re-offer.
TEST(Table2, IsWhatTheModelsSay) {
  for (const auto& [name, value] : table().figures()) {
    if (!name.ends_with(" off")) continue;
    EXPECT_LE(value, kStandardErrors) << name;
  }
  // k=8: four kinds of ramp-up, twelve of completion and of utilization.
  EXPECT_EQ(table().figures().size(), 28u * 4 + 1);
}

// An elastic job works while it waits for slots.
TEST(Table2, ElasticJobsAreDoneBeforeRigidOnes) {
  for (const char* distribution : {"constant", "exponential"}) {
    for (const char* beta : {"0.5", "1", "4"}) {
      const auto completion = [&](const char* kind) {
        return table().at(fmt::format("k=8 {} {} beta={} completion", kind, distribution, beta));
      };
      EXPECT_LT(completion("elastic"), completion("rigid")) << distribution << " " << beta;
    }
  }
}

// Rigid jobs leave slots idle that they have won, which weighs more the shorter they are.
TEST(Table2, RigidJobsWasteMoreTheShorterTheyAre) {
  for (const char* distribution : {"constant", "exponential"}) {
    const auto utilization = [&](const char* beta) {
      return table().at(fmt::format("k=8 rigid {} beta={} utilization", distribution, beta));
    };
    EXPECT_LT(utilization("0.5"), utilization("1")) << distribution;
    EXPECT_LT(utilization("1"), utilization("4")) << distribution;
    EXPECT_LT(utilization("4"), 1) << distribution;
  }
}

TEST(Table2, IsAFunctionOfItsSeed) {
  const Report once = newcomer({.runs = 2, .jobs = 2, .quick = true});
  const Report again = newcomer({.runs = 2, .jobs = 1, .quick = true});
  EXPECT_EQ(once.markdown(), again.markdown());
  const Report other = newcomer({.seed = 2, .runs = 2, .jobs = 1, .quick = true});
  EXPECT_NE(once.figures(), other.figures());
}

}  // namespace
}  // namespace souk::paper
