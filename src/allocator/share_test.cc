#include "allocator/share.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

namespace souk::allocator {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

Resources scalar(std::string_view name, int64_t thousandths) {
  Resource item;
  item.name = name;
  item.value = Scalar{thousandths};
  return Resources({item});
}

void add(Measure& measure, Amounts& sum, const Resources& resources) {
  Amounts part;
  measure.amounts_of(resources, part);
  allocator::add(sum, part);
}

void subtract(Measure& measure, Amounts& sum, const Resources& resources) {
  Amounts part;
  measure.amounts_of(resources, part);
  allocator::subtract(sum, part);
}

TEST(Share, FractionsCompareExactly) {
  EXPECT_TRUE(compare({1, 3}, {2, 6}) == 0);
  EXPECT_TRUE(compare({1, 3}, {1, 2}) < 0);
  EXPECT_TRUE(compare({0, 7}, {0, 1}) == 0);
  // One part in 2^63 decides; in floating point both are 1.
  EXPECT_TRUE(compare({kMost - 1, kMost}, {kMost - 2, kMost - 1}) > 0);
  EXPECT_TRUE(compare({kMost, kMost}, {1, 1}) == 0);
}

TEST(Share, WeightsCompareExactlyBeyond128Bits) {
  EXPECT_TRUE(compare({3, 4}, 3000, {1, 4}, 1000) == 0);
  EXPECT_TRUE(compare({3, 4}, 3001, {1, 4}, 1000) < 0);
  EXPECT_TRUE(compare({kMost, kMost}, kMost, {kMost, kMost}, kMost - 1) < 0);
  EXPECT_TRUE(compare({kMost - 1, kMost}, kMost, {kMost, kMost}, kMost) < 0);
  EXPECT_TRUE(compare({kMost, 1}, 1, {kMost, 1}, kMost) > 0);
}

TEST(Share, TheDominantShareIsTheLargest) {
  Measure measure;
  measure.add_total(Resources::parse("cpus:9;mem:18;ports:[1-10]").value());
  Amounts used;
  EXPECT_TRUE(measure.share(used).dominant.empty());
  add(measure, used, Resources::parse("cpus:1;mem:4;ports:[1-10]").value());
  EXPECT_EQ(measure.share(used).dominant, "mem");
  EXPECT_EQ(measure.share(used).used, 4000);
  EXPECT_EQ(measure.share(used).total, 18000);
  add(measure, used, Resources::parse("cpus:1").value());
  EXPECT_EQ(measure.share(used).dominant, "cpus") << "of equal ones the first";
  subtract(measure, used, Resources::parse("cpus:2;mem:4").value());
  EXPECT_TRUE(measure.share(used).dominant.empty());
}

TEST(Share, WhatTheClusterHasNotDoesNotCount) {
  Measure measure;
  measure.add_total(Resources::parse("cpus:4").value());
  Amounts used;
  add(measure, used, Resources::parse("mem:100").value());
  EXPECT_TRUE(measure.share(used).dominant.empty());
}

TEST(Share, SumsBeyond64BitsAreCutForComparisonOnly) {
  Measure measure;
  const Resources much = scalar("cpus", kMost);
  for (int i = 0; i < 3; ++i) measure.add_total(much);
  Amounts used;
  add(measure, used, much);
  add(measure, used, much);
  EXPECT_EQ(measure.share(used).total, kMost);
  EXPECT_EQ(measure.share(used).used, kMost);
  for (int i = 0; i < 3; ++i) measure.subtract_total(much);
  subtract(measure, used, much);
  subtract(measure, used, much);
  measure.add_total(scalar("cpus", 10));
  add(measure, used, scalar("cpus", 1));
  EXPECT_EQ(measure.share(used).total, 10);
  EXPECT_EQ(measure.share(used).used, 1);
}

TEST(Share, AResourceCountsUnderItsName) {
  Measure measure;
  std::set<std::size_t> slots;
  for (const std::string_view name : {"gpus", "cpus", "licences", "mem", "ports", "disk"}) {
    const std::size_t slot = measure.slot_of(Resource{.name = name, .value = Scalar{1}});
    EXPECT_EQ(slot, measure.slot_of(name)) << name;
    EXPECT_EQ(measure.name(slot), name);
    EXPECT_TRUE(slots.insert(slot).second) << name;
  }
}

TEST(Share, NamesBeyondTheBoundDoNotCountAndDoNoHarm) {
  Measure measure;
  Amounts used;
  for (std::size_t i = 0; i < 2 * kMaxCountedNames; ++i) {
    measure.add_total(scalar("name" + std::to_string(i), 1000));
  }
  EXPECT_EQ(measure.totals().size(), kMaxCountedNames);
  add(measure, used, scalar("name" + std::to_string(2 * kMaxCountedNames - 1), 1000));
  EXPECT_TRUE(measure.share(used).dominant.empty());
  measure.add_total(scalar("cpus", 2000));
  add(measure, used, scalar("cpus", 1000));
  EXPECT_EQ(measure.share(used).dominant, "cpus") << "the common names always count";
}

}  // namespace
}  // namespace souk::allocator
