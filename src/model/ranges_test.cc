#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <ostream>
#include <set>

#include "model/resources.h"

namespace souk {

static std::ostream& operator<<(std::ostream& out, const Range& r) {
  return out << r.begin << '-' << r.end;
}

namespace {

constexpr uint64_t kLast = UINT64_MAX;

// The model: each number on its own. The numbers are few, so that ranges meet, touch and split
// often.
constexpr int kUniverse = 48;
using Numbers = std::set<uint64_t>;

Ranges ranges_of(const Numbers& numbers) {
  std::vector<Range> singles;
  for (const uint64_t n : numbers) singles.push_back({n, n});
  return Ranges(std::move(singles));
}

Numbers numbers_of(const Ranges& ranges) {
  Numbers numbers;
  for (const Range& r : ranges.ranges()) {
    for (uint64_t n = r.begin; n <= r.end; ++n) numbers.insert(n);
  }
  return numbers;
}

bool is_normal(const Ranges& ranges) {
  const auto& list = ranges.ranges();
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].begin > list[i].end) return false;
    if (i > 0 && (list[i].begin <= list[i - 1].end || list[i].begin - 1 == list[i - 1].end)) {
      return false;
    }
  }
  return true;
}

Numbers draw_numbers() {
  const auto drawn =
      *rc::gen::container<std::vector<uint64_t>>(rc::gen::inRange<uint64_t>(0, kUniverse));
  return {drawn.begin(), drawn.end()};
}

std::vector<Range> draw_list() {
  return *rc::gen::container<std::vector<Range>>(rc::gen::map(
      rc::gen::pair(rc::gen::inRange<uint64_t>(0, kUniverse),
                    rc::gen::inRange<uint64_t>(0, kUniverse)),
      [](const auto& ends) {
        return Range{std::min(ends.first, ends.second), std::max(ends.first, ends.second)};
      }));
}

RC_GTEST_PROP(Ranges, OneNormalForm, ()) {
  const std::vector<Range> list = draw_list();
  const Ranges ranges(list);
  RC_ASSERT(is_normal(ranges));
  Numbers numbers;
  for (const Range& r : list) {
    for (uint64_t n = r.begin; n <= r.end; ++n) numbers.insert(n);
  }
  RC_ASSERT(numbers_of(ranges) == numbers);
  RC_ASSERT((ranges == ranges_of(numbers)));
}

RC_GTEST_PROP(Ranges, AddsLikeSetsOfNumbers, ()) {
  const Numbers a = draw_numbers();
  const Numbers b = draw_numbers();
  Numbers sum = a;
  sum.insert(b.begin(), b.end());
  const Ranges added = ranges_of(a) + ranges_of(b);
  RC_ASSERT(is_normal(added));
  RC_ASSERT(numbers_of(added) == sum);
}

RC_GTEST_PROP(Ranges, SubtractsLikeSetsOfNumbers, ()) {
  const Numbers a = draw_numbers();
  const Numbers b = draw_numbers();
  Numbers rest;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::inserter(rest, rest.end()));
  const Ranges left = ranges_of(a) - ranges_of(b);
  RC_ASSERT(is_normal(left));
  RC_ASSERT(numbers_of(left) == rest);
}

// Long lists take another way than short ones: both must give the same.
RC_GTEST_PROP(Ranges, InOneGoOrOneByOne, ()) {
  const Ranges a = ranges_of(draw_numbers());
  const Ranges b(draw_list());
  Ranges sum = a;
  Ranges rest = a;
  for (const Range& r : b.ranges()) {
    sum += Ranges({r});
    rest -= Ranges({r});
  }
  RC_ASSERT((sum == a + b));
  RC_ASSERT((rest == a - b));
}

RC_GTEST_PROP(Ranges, ContainsLikeSetsOfNumbers, ()) {
  const Numbers a = draw_numbers();
  const Numbers b = draw_numbers();
  RC_ASSERT(ranges_of(a).contains(ranges_of(b)) ==
            std::includes(a.begin(), a.end(), b.begin(), b.end()));
  RC_ASSERT((ranges_of(a) + ranges_of(b)).contains(ranges_of(b)));
}

TEST(Ranges, JoinsAdjacentOnes) {
  EXPECT_EQ(Ranges({{3, 4}, {1, 2}}).ranges(), (std::vector<Range>{{1, 4}}));
  EXPECT_EQ((Ranges({{1, 2}, {6, 7}}) + Ranges({{3, 5}})).ranges(), (std::vector<Range>{{1, 7}}));
}

TEST(Ranges, WorksAtBothEndsOfTheNumbers) {
  const Ranges all({{0, kLast}});
  EXPECT_EQ(all + all, all);
  EXPECT_TRUE((all - all).empty());
  EXPECT_EQ((all - Ranges({{0, 0}, {kLast, kLast}})).ranges(),
            (std::vector<Range>{{1, kLast - 1}}));
  EXPECT_EQ(Ranges({{1, kLast - 1}}) + Ranges({{0, 0}}) + Ranges({{kLast, kLast}}), all);
  EXPECT_EQ(Ranges({{kLast, kLast}, {0, kLast - 1}}), all);
  EXPECT_TRUE(all.contains(Ranges({{kLast, kLast}})));
  EXPECT_FALSE(Ranges({{0, kLast - 1}}).contains(Ranges({{kLast, kLast}})));
  EXPECT_EQ((Ranges({{0, 0}}) + Ranges({{kLast, kLast}})).ranges().size(), 2u);
}

TEST(Ranges, ToItself) {
  Ranges a({{1, 2}, {4, 5}});
  const Ranges before = a;
  const Ranges& same = a;
  a += same;
  EXPECT_EQ(a, before);
  a -= same;
  EXPECT_TRUE(a.empty());
}

TEST(Ranges, LongListsInOnePass) {
  std::vector<Range> even;
  std::vector<Range> odd;
  for (uint64_t n = 0; n < 100'000; n += 2) {
    even.push_back({n, n});
    odd.push_back({n + 1, n + 1});
  }
  const Ranges all = Ranges(even) + Ranges(odd);
  EXPECT_EQ(all.ranges(), (std::vector<Range>{{0, 99'999}}));
  EXPECT_EQ(all - Ranges(odd), Ranges(even));
}

TEST(Ranges, CheckedRefuses) {
  EXPECT_EQ(Ranges::checked({{1, 2}, {5, 4}}).error().message, "range 5-4 ends before it begins");
  EXPECT_FALSE(Ranges::checked(std::vector<Range>(kMaxRanges + 1)));
  EXPECT_TRUE(Ranges::checked(std::vector<Range>(kMaxRanges)));
  EXPECT_EQ(Ranges::checked({}).value(), Ranges());
}

TEST(Ranges, BackwardsIsABug) { EXPECT_DEATH(Ranges({{2, 1}}), "must not end before it begins"); }

using Names = std::set<std::string>;

Names draw_names() {
  const auto drawn = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("a", "b", "bb", "c", "d", "e"));
  return {drawn.begin(), drawn.end()};
}

NameSet set_of(const Names& names) { return NameSet({names.begin(), names.end()}); }
Names names_of(const NameSet& set) { return {set.names().begin(), set.names().end()}; }

RC_GTEST_PROP(NameSet, BehavesLikeASet, ()) {
  const Names a = draw_names();
  const Names b = draw_names();
  Names sum = a;
  sum.insert(b.begin(), b.end());
  Names rest = a;
  for (const std::string& name : b) rest.erase(name);
  RC_ASSERT(names_of(set_of(a) + set_of(b)) == sum);
  RC_ASSERT(names_of(set_of(a) - set_of(b)) == rest);
  NameSet x = set_of(a);
  x += set_of(b);
  RC_ASSERT((x == set_of(sum)));
  x = set_of(a);
  x -= set_of(b);
  RC_ASSERT((x == set_of(rest)));
  RC_ASSERT(set_of(a).contains(set_of(b)) == std::includes(a.begin(), a.end(), b.begin(), b.end()));
}

RC_GTEST_PROP(NameSet, OneNormalForm, ()) {
  const auto list = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("a", "b", "c", ""));
  const NameSet set(list);
  RC_ASSERT(std::is_sorted(set.names().begin(), set.names().end(), std::less_equal<>()));
  RC_ASSERT(names_of(set) == Names(list.begin(), list.end()));
}

TEST(NameSet, ToItself) {
  NameSet a({"x", "y"});
  const NameSet& same = a;
  a += same;
  EXPECT_EQ(a, NameSet({"y", "x"}));
  a -= same;
  EXPECT_TRUE(a.empty());
}

TEST(NameSet, CheckedRefuses) {
  EXPECT_FALSE(NameSet::checked({"a", ""}));
  EXPECT_FALSE(NameSet::checked({"a\nb"}));
  EXPECT_FALSE(NameSet::checked(std::vector<std::string>(kMaxNames + 1, "a")));
  EXPECT_EQ(NameSet::checked({"b", "a", "b"}).value(), NameSet({"a", "b"}));
}

}  // namespace
}  // namespace souk
