// §6.1: four frameworks share a cluster, in the simulator with the real master; a part of each mix.
// docs/paper/macro.md has the whole.
#include <gtest/gtest.h>

#include "bench/paper/experiments.h"
#include "bench/paper/macro_runs.h"

namespace souk::paper {
namespace {

// The same part of the workload for all tests; runs take seconds.
const Report& quick() {
  static const Report report = macro({.seed = 1, .quick = true});
  return report;
}

TEST(Macro, AllJobsEndUnderEachModule) { EXPECT_EQ(quick().at("all done"), 1); }

TEST(Macro, FrameworksThatCanUseMoreThanTheirPartGainBySharing) {
  EXPECT_GT(quick().at("large Hadoop mix speedup"), 1.3);
  EXPECT_GT(quick().at("Spark speedup"), 1.05);
  EXPECT_GT(quick().at("Facebook Hadoop mix speedup"), 1.05);
}

TEST(Macro, MoreOfTheClusterIsUsed) {
  EXPECT_GT(quick().at("utilization shared"), 1.1 * quick().at("utilization static"));
}

// They can't use more than they had, and have to wait for others' tasks to end.
TEST(Macro, RigidJobsGainNothingAndLoseLittle) {
  EXPECT_LE(quick().at("Torque / MPI speedup"), 1.001);
  EXPECT_GT(quick().at("Torque / MPI speedup"), 0.9);
}

TEST(Macro, ARunIsAFunctionOfItsSeed) {
  MacroOptions options{.seed = 7};
  options.facebook_part = 20;
  options.large_jobs = 1;
  options.spark_jobs = 1;
  options.torque_jobs = 1;
  const MacroRun first = run_shared(options);
  const MacroRun again = run_shared(options);
  EXPECT_TRUE(first.done);
  EXPECT_EQ(first.times, again.times);
  EXPECT_EQ(first.held, again.held);
  options.seed = 8;
  EXPECT_NE(run_shared(options).times, first.times);
}

// Nobody holds more than there is, and partitions confine.
TEST(Macro, PartsConfine) {
  MacroOptions options{.seed = 3};
  options.facebook_part = 20;
  options.large_jobs = 1;
  options.spark_jobs = 1;
  options.torque_jobs = 2;
  const MacroRun run = run_static(options);
  EXPECT_TRUE(run.done);
  for (const auto& held : run.held) {
    for (const uint32_t slots : held) ASSERT_LE(slots, kMacroSlots / kMacroMixes);
  }
}

}  // namespace
}  // namespace souk::paper
