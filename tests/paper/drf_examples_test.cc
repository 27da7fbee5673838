// The worked examples of "Dominant Resource Fairness" (NSDI'11): DRF by the allocator of the
// product, with whole tasks; asset fairness and equal incomes (CEEI), which it is compared with
// there, by plain computations.
#include <gtest/gtest.h>

#include "tests/support/fairness.h"
#include "tests/support/offers.h"

namespace souk::support {
namespace {

const Vector kNineCpus{9000, 18'000};  // and 18 GB
const User kA{.task = {1000, 4000}};
const User kB{.task = {3000, 1000}};

// So many of each as make whole tasks fine enough to stand for divisible ones.
Vector many(const Vector& total) { return times(total, 1000); }

TEST(DrfExamples, NineCpusAndEighteenGigabytes) {
  const auto ideal = divisible_drf(kNineCpus, {kA, kB});
  EXPECT_NEAR(ideal[0], 3, 1e-9);
  EXPECT_NEAR(ideal[1], 2, 1e-9);
  EXPECT_EQ(fill_one_node(kNineCpus, {kA, kB}), (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(share(kA, 3, kNineCpus), (Ratio{2, 3}));
  EXPECT_EQ(share(kB, 2, kNineCpus), (Ratio{2, 3}));
}

// Table 1: B A A B A. The first pick is a tie.
TEST(DrfExamples, TheOrderOfPicks) {
  Offers offers({.nodes = {kNineCpus}, .users = {kB, kA}});
  offers.open_all();
  offers.fill();
  std::string order;
  for (const auto& taken : offers.taken()) order += taken.user == 0 ? 'B' : 'A';
  EXPECT_EQ(order, "BAABA");
  EXPECT_EQ(offers.free(0), (Vector{0, 4000}));
  std::string expected;
  for (const std::size_t user : progressive_filling(kNineCpus, {kB, kA}).order) {
    expected += user == 0 ? 'B' : 'A';
  }
  EXPECT_EQ(expected, "BAABA");
}

TEST(DrfExamples, AssetFairnessAndEqualIncomesOnTheSame) {
  const auto asset = asset_fairness(kNineCpus, {kA, kB});
  EXPECT_NEAR(asset[0], 2.52, 1e-9);
  EXPECT_NEAR(asset[1], 2.16, 1e-9);
  const auto incomes = equal_incomes(kNineCpus, {kA, kB});
  EXPECT_NEAR(incomes[0], 45.0 / 11, 1e-6);
  EXPECT_NEAR(incomes[1], 18.0 / 11, 1e-6);
}

// §5.1: under asset fairness the second gets 12 tasks, half of the cluster would do for 15. Under
// DRF it gets these 15.
TEST(DrfExamples, AssetFairnessBreaksTheSharingIncentive) {
  const Vector total{30'000, 30'000};
  const std::vector<User> users{{.task = {1000, 3000}}, {.task = {1000, 1000}}};
  const auto asset = asset_fairness(total, users);
  EXPECT_NEAR(asset[0], 6, 1e-9);
  EXPECT_NEAR(asset[1], 12, 1e-9);
  EXPECT_EQ(fill_one_node(total, users), (std::vector<int64_t>{5, 15}));
}

// §5.2: a user of equal incomes gets more by claiming to need what it does not need. Under DRF it
// gets the same.
TEST(DrfExamples, ALiePaysUnderEqualIncomes) {
  const Vector total{100'000, 100'000};
  const User liar{.task = {16'000, 1000}};
  const User lie{.task = {16'000, 8000}};
  const User other{.task = {1000, 2000}};
  EXPECT_NEAR(equal_incomes(total, {liar, other})[0], 3.2, 0.05);
  EXPECT_NEAR(equal_incomes(total, {lie, other})[0], 4.2, 0.05);
  EXPECT_NEAR(divisible_drf(total, {liar, other})[0], divisible_drf(total, {lie, other})[0], 1e-9);
  const auto honest = fill_one_node(many(total), {liar, other});
  const auto lying = fill_one_node(many(total), {lie, other});
  EXPECT_EQ(honest[0], 4167);
  EXPECT_EQ(lying[0], 4167);
}

// §5.2: under equal incomes the second user loses when the third one leaves; under DRF nobody does.
TEST(DrfExamples, EqualIncomesLackPopulationMonotonicity) {
  const Vector total{100'000, 100'000};
  const std::vector<User> all{
      {.task = {4000, 1000}}, {.task = {1000, 16'000}}, {.task = {16'000, 1000}}};
  const std::vector<User> two{all[0], all[1]};
  const auto before = equal_incomes(total, all);
  const auto after = equal_incomes(total, two);
  EXPECT_NEAR(before[0], 11.3, 0.05);
  EXPECT_NEAR(before[1], 5.4, 0.05);
  EXPECT_NEAR(before[2], 3.1, 0.05);
  EXPECT_NEAR(after[0], 23.8, 0.05);
  EXPECT_NEAR(after[1], 4.8, 0.05);
  const auto drf_before = fill_one_node(many(total), all);
  const auto drf_after = fill_one_node(many(total), two);
  EXPECT_GE(drf_after[0], drf_before[0]);
  EXPECT_GE(drf_after[1], drf_before[1]);
}

}  // namespace
}  // namespace souk::support
