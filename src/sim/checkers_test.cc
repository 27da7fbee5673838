#include "sim/checkers.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "sim/check_test_support.h"

namespace souk::sim {
namespace {

class GoodRuns : public testing::TestWithParam<uint64_t> {};

TEST_P(GoodRuns, AllCheckersAreSilent) { EXPECT_EQ(judge(draw_plan(GetParam())).value_or(""), ""); }

INSTANTIATE_TEST_SUITE_P(Checkers, GoodRuns, testing::Range<uint64_t>(1, 41));

}  // namespace
}  // namespace souk::sim
