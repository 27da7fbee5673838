#include "allocator/filters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/rng.h"

namespace souk::allocator {
namespace {

constexpr MonoTime at(Duration since) { return MonoTime(since); }

Resources bag(std::string_view text) { return Resources::parse(text).value(); }

const Filter* find(const AgentFilters& filters, FilterKey key, std::string_view offer) {
  return filters.find(key, filters.stopping(bag(offer)));
}

constexpr FilterKey kFirst{0, 1};
constexpr FilterKey kSecond{1, 2};

TEST(Filters, StopSubsetsOfTheSameClient) {
  AgentFilters filters;
  EXPECT_TRUE(filters.empty());
  EXPECT_TRUE(filters.add(kFirst, bag("cpus:2;mem:10"), {at(5s), 7}));
  ASSERT_NE(find(filters, kFirst, "cpus:2;mem:10"), nullptr);
  EXPECT_EQ(find(filters, kFirst, "cpus:1")->offer, 7u);
  EXPECT_EQ(find(filters, kFirst, "cpus:3"), nullptr);
  EXPECT_EQ(find(filters, kFirst, "cpus:1;disk:1"), nullptr);
  EXPECT_EQ(find(filters, kSecond, "cpus:1"), nullptr);
}

TEST(Filters, OfSeveralTheLatestCounts) {
  AgentFilters filters;
  EXPECT_TRUE(filters.add(kFirst, bag("cpus:2"), {at(5s), 1}));
  EXPECT_TRUE(filters.add(kFirst, bag("cpus:4"), {at(9s), 2}));
  EXPECT_EQ(find(filters, kFirst, "cpus:1")->until, at(9s));
  EXPECT_FALSE(filters.add(kFirst, bag("cpus:2"), {at(7s), 3})) << "in the place of the first";
  EXPECT_FALSE(filters.add(kFirst, bag("cpus:2"), {at(6s), 4})) << "and it never ends earlier";
  EXPECT_TRUE(filters.has(kFirst, at(7s)));
  EXPECT_FALSE(filters.has(kFirst, at(6s)));
}

TEST(Filters, EndExactlyAtTheirTime) {
  AgentFilters filters;
  filters.add(kFirst, bag("cpus:2"), {at(5s), 0});
  filters.add(kFirst, bag("cpus:4"), {at(9s), 0});
  EXPECT_EQ(filters.end(kFirst, at(5s - 1ns)), 0u);
  EXPECT_EQ(filters.end(kFirst, at(5s)), 1u);
  EXPECT_NE(find(filters, kFirst, "cpus:2"), nullptr) << "the other one still stands";
  EXPECT_EQ(filters.end(kFirst, at(9s)), 1u);
  EXPECT_TRUE(filters.empty());
}

TEST(Filters, TheEndOfAnOlderEraLeavesTheNewerAlone) {
  AgentFilters filters;
  constexpr FilterKey kLater{0, 3};
  filters.add(kFirst, bag("cpus:2"), {at(5s), 0});
  EXPECT_TRUE(filters.add(kLater, bag("cpus:2"), {at(9s), 0})) << "in the place of a dead one";
  EXPECT_EQ(find(filters, kFirst, "cpus:1"), nullptr);
  EXPECT_EQ(filters.end(kFirst, at(20s)), 0u);
  EXPECT_NE(find(filters, kLater, "cpus:1"), nullptr);
  EXPECT_EQ(filters.end({0, 4}, at(1s)), 0u) << "the dead are swept up, and not counted";
  EXPECT_TRUE(filters.empty());
}

TEST(Filters, AllThatStopAnOfferAreVisited) {
  AgentFilters filters;
  filters.add(kFirst, bag("cpus:2"), {at(5s), 0});
  filters.add(kSecond, bag("cpus:4"), {at(5s), 0});
  std::set<uint32_t> stopped;
  const auto note = [&stopped](FilterKey key) { stopped.insert(key.place); };
  filters.visit(filters.stopping(bag("cpus:3")), note);
  EXPECT_EQ(stopped, (std::set<uint32_t>{1}));
  filters.visit(filters.stopping(bag("cpus:1")), note);
  EXPECT_EQ(stopped, (std::set<uint32_t>{0, 1}));
}

// Against a plain map, as few and then nearly all clients have filters, and then few again.
TEST(Filters, ManyAreFoundAsFewAre) {
  constexpr uint32_t kPlaces = 300;
  AgentFilters filters;
  std::map<uint32_t, MonoTime> expected;
  Rng rng(3);
  for (int step = 0; step < 6000; ++step) {
    const auto place = static_cast<uint32_t>(rng.below(kPlaces));
    const FilterKey key{place, place + 1};
    const bool fill = step < 3000;
    if (rng.below(10) < (fill ? 9 : 1)) {
      const MonoTime until = at(std::chrono::seconds(1 + rng.below(9)));
      EXPECT_EQ(filters.add(key, bag("cpus:2"), {until, 0}), !expected.contains(place));
      expected[place] = std::max(expected[place], until);
    } else {
      EXPECT_EQ(filters.end(key, at(10s)), expected.erase(place));
    }
    const auto other = static_cast<uint32_t>(rng.below(kPlaces));
    const Filter* found = find(filters, {other, other + 1}, "cpus:1");
    ASSERT_EQ(found != nullptr, expected.contains(other));
    if (found != nullptr) {
      EXPECT_EQ(found->until, expected[other]);
    }
  }
  std::size_t visited = 0;
  filters.visit_all([&visited](FilterKey) { ++visited; });
  EXPECT_EQ(visited, expected.size());
}

// Whom a group of many stops, and how it is known of most of them without a look at their keys, as
// clients come, go and forget their filters.
TEST(Filters, WhomTheyStopIsKnownFromBits) {
  constexpr uint32_t kPlaces = 300;
  AgentFilters filters;
  std::vector<uint32_t> eras(kPlaces);
  uint32_t latest = 0;
  for (uint32_t& era : eras) era = ++latest;
  std::set<uint32_t> stopped;
  Rng rng(5);
  std::size_t most_surely = 0;
  for (int step = 0; step < 20'000; ++step) {
    const auto place = static_cast<uint32_t>(rng.below(kPlaces));
    const bool fill = step % 5000 < 3000;
    if (rng.below(20) == 0) {
      eras[place] = ++latest;  // forgets all of its filters
      stopped.erase(place);
    } else if (rng.below(10) < (fill ? 9 : 1)) {
      filters.add({place, eras[place]}, bag("cpus:2"), {at(5s), 0});
      stopped.insert(place);
    } else {
      filters.end({place, eras[place]}, at(5s));
      stopped.erase(place);
    }
    const auto groups = filters.stopping(bag("cpus:1"));
    const auto other = static_cast<uint32_t>(rng.below(kPlaces));
    ASSERT_EQ(filters.stops({other, eras[other]}, groups, eras, latest), stopped.contains(other))
        << "step " << step;
    ASSERT_FALSE(filters.surely(filters.stopping(bag("cpus:3"))).stopped({other, eras[other]}));
    if (step % 100 != 0) continue;
    std::size_t surely = 0;
    for (uint32_t each = 0; each < kPlaces; ++each) {
      if (!filters.surely(groups).stopped({each, eras[each]})) continue;
      ++surely;
      ASSERT_TRUE(stopped.contains(each)) << "step " << step;
    }
    most_surely = std::max(most_surely, surely);
  }
  EXPECT_GT(most_surely, 200u);
}

TEST(FilterEnds, ComeInTheirOrder) {
  FilterEnds ends;
  EXPECT_EQ(ends.next(), std::nullopt);
  ends.add(at(5s), kSecond, AgentKey(1));
  ends.add(at(3s), kFirst, AgentKey(2));
  EXPECT_EQ(ends.next(), at(3s));
  EXPECT_TRUE(ends.take_due(at(2s)).empty());
  const auto due = ends.take_due(at(5s));
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0].key, kFirst);
  EXPECT_EQ(due[1].agent, AgentKey(1));
  EXPECT_EQ(ends.size(), 0u);
}

TEST(FilterEnds, TheDeadAreForgotten) {
  FilterEnds ends;
  const auto is_live = [](const FilterEnds::End& end, MonoTime) { return end.key == kSecond; };
  for (int i = 0; i < 10'000; ++i) ends.add(at(1s), kFirst, AgentKey(1));
  ends.add(at(9s), kSecond, AgentKey(1));
  for (int i = 0; i < 10'000; ++i) ends.add(at(10s), kFirst, AgentKey(1));
  ends.tidy(1, is_live);
  EXPECT_EQ(ends.next(), at(9s)) << "the next deadline is of a filter that stands";
  EXPECT_EQ(ends.size(), 1u);
}

}  // namespace
}  // namespace souk::allocator
