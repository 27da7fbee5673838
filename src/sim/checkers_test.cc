#include "sim/checkers.h"

#include <gtest/gtest.h>

#include "sim/swarm.h"

namespace souk::sim {
namespace {

// Worlds with failovers, crashes, lost power, partitions and operators; all checkers look on.
class GoodRuns : public testing::TestWithParam<uint64_t> {};

TEST_P(GoodRuns, AllCheckersAreSilent) {
  EXPECT_EQ(run(draw_plan(GetParam()), {}).failure.value_or(""), "");
}

INSTANTIATE_TEST_SUITE_P(Checkers, GoodRuns, testing::Range<uint64_t>(1, 41));

}  // namespace
}  // namespace souk::sim
