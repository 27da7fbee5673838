#include "base/deadlines.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

#include "base/hash_map.h"

namespace souk {
namespace {

MonoTime at(int64_t n) { return MonoTime(Duration(n)); }

TEST(Deadlines, EarliestFirstThenSmallestKey) {
  Deadlines<int> deadlines;
  deadlines.set(3, at(10));
  deadlines.set(1, at(10));
  deadlines.set(2, at(5));
  EXPECT_EQ(deadlines.next(), at(5));
  EXPECT_EQ(deadlines.pop_due(at(10)), 2);
  EXPECT_EQ(deadlines.pop_due(at(10)), 1);
  EXPECT_EQ(deadlines.pop_due(at(10)), 3);
  EXPECT_EQ(deadlines.pop_due(at(10)), std::nullopt);
  EXPECT_EQ(deadlines.next(), std::nullopt);
}

TEST(Deadlines, DueAtTheVeryInstantAndNotBefore) {
  Deadlines<int> deadlines;
  deadlines.set(1, at(10));
  EXPECT_EQ(deadlines.pop_due(at(9)), std::nullopt);
  EXPECT_EQ(deadlines.pop_due(at(10)), 1);
}

TEST(Deadlines, SettingAgainMoves) {
  Deadlines<int> deadlines;
  deadlines.set(1, at(10));
  deadlines.set(1, at(20));
  EXPECT_EQ(deadlines.size(), 1u);
  EXPECT_EQ(deadlines.of(1), at(20));
  EXPECT_EQ(deadlines.pop_due(at(15)), std::nullopt);
  deadlines.set(1, at(5));
  EXPECT_EQ(deadlines.pop_due(at(15)), 1);
  EXPECT_EQ(deadlines.size(), 0u);
}

TEST(Deadlines, CancelledIsGone) {
  Deadlines<int> deadlines;
  deadlines.set(1, at(10));
  deadlines.cancel(1);
  deadlines.cancel(2);
  EXPECT_EQ(deadlines.of(1), std::nullopt);
  EXPECT_EQ(deadlines.pop_due(at(100)), std::nullopt);
}

TEST(Deadlines, MovedAgainAndAgain) {
  Deadlines<int, HashMap<int, MonoTime>> deadlines;
  for (int round = 0; round < 100; ++round) {
    for (int key = 0; key < 20; ++key) deadlines.set(key, at(1000 * round + key));
    for (int key = 0; key < 20; key += 2) deadlines.cancel(key);
    EXPECT_EQ(deadlines.size(), 10u);
    EXPECT_EQ(deadlines.next(), at(1000 * round + 1));
  }
  for (int key = 1; key < 20; key += 2) EXPECT_EQ(deadlines.pop_due(at(1'000'000)), key);
  EXPECT_EQ(deadlines.next(), std::nullopt);
  EXPECT_EQ(deadlines.pop_due(at(1'000'000)), std::nullopt);
}

TEST(Deadlines, BackToATimeOfBeforeIsOneDeadline) {
  Deadlines<int> deadlines;
  deadlines.set(1, at(5));
  deadlines.set(1, at(10));
  deadlines.set(1, at(5));
  EXPECT_EQ(deadlines.pop_due(at(20)), 1);
  EXPECT_EQ(deadlines.pop_due(at(20)), std::nullopt);
}

RC_GTEST_PROP(Deadlines, BehavesLikeAPlainMap, ()) {
  Deadlines<int> deadlines;
  std::map<int, MonoTime> model;
  const auto earliest = [&] {
    return std::min_element(model.begin(), model.end(), [](const auto& a, const auto& b) {
      return std::pair(a.second, a.first) < std::pair(b.second, b.first);
    });
  };
  const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, int>>>(
      rc::gen::tuple(rc::gen::inRange(0, 3), rc::gen::inRange(0, 6), rc::gen::inRange(0, 10)));
  for (const auto& [what, key, time] : steps) {
    if (what == 0) {
      deadlines.set(key, at(time));
      model[key] = at(time);
    } else if (what == 1) {
      deadlines.cancel(key);
      model.erase(key);
    } else {
      std::optional<int> due;
      if (const auto first = earliest(); first != model.end() && first->second <= at(time)) {
        due = first->first;
        model.erase(first);
      }
      RC_ASSERT(deadlines.pop_due(at(time)) == due);
    }
    RC_ASSERT(deadlines.size() == model.size());
    const auto first = earliest();
    RC_ASSERT(deadlines.next() ==
              (first == model.end() ? std::nullopt : std::optional(first->second)));
    RC_ASSERT(deadlines.of(key) ==
              (model.contains(key) ? std::optional(model.at(key)) : std::nullopt));
  }
}

}  // namespace
}  // namespace souk
