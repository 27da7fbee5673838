// What DRF promises of divisible resources and does not keep with whole tasks, and what it does not
// promise at all: one example of each, with its numbers, as the allocator shares it out. What holds
// instead is in drf_properties_test.cc. Amounts are thousandths; no task takes more than 1% of a
// pool.
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/fairness.h"
#include "tests/support/offers.h"

namespace souk::support {
namespace {

using Tasks = std::vector<int64_t>;

// Each takes one task of the first 101 that the pool has room for, whatever its weight: who is
// entitled to a half of it gets 1%. The bound of the sharing incentive, by weight w_i/W of one
// largest task of each other user, is reached.
TEST(DrfCounterexamples, SharingIncentiveByWeightWithinOneTask) {
  std::vector<User> users(101, {.task = {100}});
  users[0].weight = 100;
  const Tasks tasks = fill_one_node({10'000}, users);
  EXPECT_EQ(tasks[0], 1);
  users.resize(6);  // with five others it gets 100/105 of the pool
  EXPECT_EQ(fill_one_node({10'000}, users)[0], 95);
}

// Memory is the bottleneck. Two large users and a small one: 50 tasks of 1%, then nothing is left.
// The small one says that its tasks need twice the little memory that they need: now the last large
// task has no room, and what is left of memory is enough for 25 more small ones, so a quarter of
// the CPUs. With a minimum offer size of a largest task the lie gains nothing.
TEST(DrfCounterexamples, StrategyProofnessDownToTheLastBit) {
  const Vector total{10'000, 9950};
  const User honest{.task = {100, 1}};
  const User lie{.task = {100, 2}};
  const User large{.task = {1, 100}};
  EXPECT_EQ(fill_one_node(total, {honest, large, large}), (Tasks{50, 50, 49}));
  EXPECT_EQ(fill_one_node(total, {lie, large, large}), (Tasks{75, 49, 49}));
  const Vector largest{100, 100};
  EXPECT_EQ(fill_one_node(total, {honest, large, large}, largest)[0], 50);
  EXPECT_LE(fill_one_node(total, {lie, large, large}, largest)[0], 50);
}

// The same gap: when the fourth one, with its single task, is not there any more, all shared out
// anew, the first has 49 tasks less.
TEST(DrfCounterexamples, PopulationMonotonicityDownToTheLastBit) {
  const Vector total{10'000, 9950};
  const User small{.task = {100, 1}};
  const User large{.task = {1, 100}};
  const User leaver{.task = {0, 50}, .wanted = 1};
  EXPECT_EQ(fill_one_node(total, {small, large, large, leaver}), (Tasks{99, 49, 49, 1}));
  EXPECT_EQ(fill_one_node(total, {small, large, large}), (Tasks{50, 50, 49}));
  const Vector largest{100, 100};
  const auto with = fill_one_node(total, {small, large, large, leaver}, largest);
  const auto without = fill_one_node(total, {small, large, large}, largest);
  EXPECT_GE(without[0], with[0] - 1);
}

// One resource, tasks of 13 and of 12: when there is no room for one of 13, one of 12 still has
// some. The third user ends with 360, its quarter of the pool is 343.5: more by 1.27 largest tasks.
TEST(DrfCounterexamples, SingleResourceFairnessWithinOneTaskDownToTheLastBit) {
  const User large{.task = {13}};
  const User small{.task = {12}};
  EXPECT_EQ(fill_one_node({1374}, {large, large, small, large}), (Tasks{26, 26, 30, 26}));
  EXPECT_EQ(fill_one_node({1374}, {large, large, small, large}, {13})[2], 29);
}

// Nothing to do with whole tasks: more CPUs make the second user's share of them smaller, so that
// it gets more tasks, and the first one less. No policy with sharing incentive and Pareto
// efficiency has resource monotonicity.
TEST(DrfCounterexamples, ResourceMonotonicity) {
  const std::vector<User> users{{.task = {50, 100}}, {.task = {100, 50}}};
  EXPECT_EQ(fill_one_node({10'000, 10'000}, users), (Tasks{67, 66}));
  EXPECT_EQ(fill_one_node({20'000, 10'000}, users), (Tasks{50, 100}));
}

// On many nodes nothing is idle that somebody fits on, but tasks lie where they lie: the third one
// could run if the small tasks were on one node.
TEST(DrfCounterexamples, ParetoEfficiencyOnManyNodes) {
  const User small{.task = {1000}, .wanted = 1};
  Offers offers({.nodes = {{3000}, {3000}}, .users = {small, small, {.task = {3000}}}});
  offers.open_all();
  offers.fill();
  EXPECT_EQ(offers.tasks(), (Tasks{1, 1, 0}));
  EXPECT_EQ(offers.free(0), (Vector{2000}));
  EXPECT_EQ(offers.free(1), (Vector{2000}));
}

// Whole nodes are offered to both at the same time, and each takes a task of each: the user of
// large tasks is ahead by six of them when the last node is full.
TEST(DrfCounterexamples, ManyNodesAtOnceWithinOneTask) {
  Offers offers({.nodes = std::vector<Vector>(9, {1000}),
                 .users = {{.task = {50}}, {.task = {450}}},
                 .minimum = {450}});
  offers.open_all();
  offers.fill();
  EXPECT_EQ(offers.tasks(), (Tasks{39, 10}));
}

}  // namespace
}  // namespace souk::support
