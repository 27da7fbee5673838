#include "base/shared_value.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace souk {
namespace {

using Value = SharedValue<std::vector<std::string>>;

TEST(SharedValue, HoldsTheDefaultAtFirst) {
  const Value value;
  EXPECT_TRUE(value.get().empty());
  EXPECT_TRUE(value.is_shared_with(Value()));
}

TEST(SharedValue, CopiesShareUntilOneIsChanged) {
  Value a({"x"});
  const Value b = a;
  EXPECT_TRUE(a.is_shared_with(b));
  EXPECT_EQ(&a.get(), &b.get());

  a.own().emplace_back("y");
  EXPECT_FALSE(a.is_shared_with(b));
  EXPECT_EQ(a.get(), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(b.get(), (std::vector<std::string>{"x"}));
}

TEST(SharedValue, WhatIsNotSharedIsChangedInPlace) {
  Value a({"x"});
  const auto* place = &a.get();
  a.own().emplace_back("y");
  EXPECT_EQ(&a.get(), place);
  {
    const Value b = a;  // NOLINT(performance-unnecessary-copy-initialization): that is the test
    EXPECT_TRUE(b.is_shared_with(a));
  }
  a.own().emplace_back("z");  // the other copy is gone
  EXPECT_EQ(&a.get(), place);
  EXPECT_EQ(a.get().size(), 3U);
}

TEST(SharedValue, ChangingADefaultLeavesOtherDefaultsAlone) {
  Value a;
  a.own().emplace_back("x");
  EXPECT_EQ(a.get().size(), 1U);
  EXPECT_TRUE(Value().get().empty());
}

TEST(SharedValue, MovedFromHoldsTheDefault) {
  Value a({"x"});
  Value b = std::move(a);
  EXPECT_TRUE(a.get().empty());  // NOLINT(bugprone-use-after-move,*Move)
  EXPECT_EQ(b.get().size(), 1U);
  a = b;
  EXPECT_TRUE(a.is_shared_with(b));
}

TEST(SharedValue, AssignedToItselfStaysWhatItIs) {
  Value a({"x"});
  const Value& same = a;
  a = same;
  EXPECT_EQ(a.get(), (std::vector<std::string>{"x"}));
  a.own() = {"y"};
  EXPECT_EQ(a.get(), (std::vector<std::string>{"y"}));
}

}  // namespace
}  // namespace souk
