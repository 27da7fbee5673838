#include "base/check.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace souk {
namespace {

TEST(Check, PassesWhatHolds) {
  int evaluated = 0;
  SOUK_CHECK(++evaluated == 1, "counts once");
  EXPECT_EQ(evaluated, 1);
}

TEST(Check, AbortsWithPlaceConditionAndReason) {
  EXPECT_DEATH(SOUK_CHECK(1 + 1 == 3, "arithmetic is broken"),
               "check_test.cc:[0-9]+: check failed: 1 \\+ 1 == 3: arithmetic is broken");
}

TEST(Check, CallsTheHookBeforeItAborts) {
  EXPECT_DEATH(
      {
        set_check_hook([](std::string_view what) {
          std::fprintf(stderr, "hook saw: %s\n", std::string(what).c_str());
        });
        SOUK_CHECK(false, "why");
      },
      "check failed: false: why\nhook saw: .*check failed: false: why");
}

TEST(Check, AHookThatFailsACheckDoesNotRecurse) {
  EXPECT_DEATH(
      {
        set_check_hook([](std::string_view) { SOUK_CHECK(false, "in the hook"); });
        SOUK_CHECK(false, "first");
      },
      "check failed: false: first\n.*check failed: false: in the hook\n");
}

// One statement, also without braces.
TEST(Check, FitsBetweenIfAndElse) {
  bool reached = false;
  if (reached)
    SOUK_CHECK(false, "not here");
  else
    reached = true;
  EXPECT_TRUE(reached);
}

}  // namespace
}  // namespace souk
