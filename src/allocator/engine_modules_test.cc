// What the modules differ in: who comes first.
#include <gtest/gtest.h>

#include <map>

#include "allocator/test_support.h"

namespace souk::allocator {
namespace {

using Policy = Engine::Policy;

std::map<uint32_t, int> receivers(Cluster& cluster) {
  std::map<uint32_t, int> agents;
  for (const uint32_t key : cluster.receivers()) ++agents[key];
  return agents;
}

TEST(Fair, OnlyTheNamedResourceCounts) {
  Cluster cluster({.fair_resource = "mem"}, 1, Policy::kFair);
  cluster.framework(1);
  cluster.framework(2);
  cluster.agent(1, "cpus:100;mem:3");
  cluster.agent(2, "cpus:1;mem:100");
  cluster.drf.allocated(FrameworkKey(1), "*", AgentKey(1), bag("cpus:100;mem:1"));
  cluster.drf.allocated(FrameworkKey(2), "*", AgentKey(1), bag("mem:2"));
  for (const Grant& grant : cluster.allocate()) {
    if (grant.agent != AgentKey(2)) continue;
    EXPECT_EQ(grant.framework, FrameworkKey(1));
  }
  EXPECT_EQ(cluster.drf.share(FrameworkKey(1)).dominant, "mem");
}

TEST(Fair, ByWeight) {
  Cluster cluster({.role_weights = {{"eng", Scalar{3000}}}}, 1, Policy::kFair);
  cluster.framework(1, {"eng"});
  cluster.framework(2, {"ops"});
  for (uint32_t key = 1; key <= 40; ++key) cluster.agent(key, "cpus:1");
  EXPECT_EQ(receivers(cluster), (std::map<uint32_t, int>{{1, 30}, {2, 10}}));
}

TEST(ExcludedNames, DoNotCountInShares) {
  Cluster cluster({.excluded_from_share = {"gpus"}});
  cluster.framework(1, {"*"}, {Capability::kGpuResources});
  cluster.framework(2);
  cluster.agent(1, "cpus:10;gpus:2");
  cluster.drf.allocated(FrameworkKey(1), "*", AgentKey(1), bag("gpus:2"));
  cluster.drf.allocated(FrameworkKey(2), "*", AgentKey(1), bag("cpus:10"));
  EXPECT_EQ(cluster.drf.share(FrameworkKey(1)).used, 0);
  cluster.agent(2, "cpus:1");
  for (const Grant& grant : cluster.allocate()) EXPECT_EQ(grant.framework, FrameworkKey(1));
}

TEST(Priority, AHigherLevelTakesAllItWants) {
  Cluster cluster({.role_priorities = {{"prod", 10}}}, 1, Policy::kPriority);
  cluster.framework(1, {"batch"});
  cluster.framework(2, {"prod/web"});
  for (uint32_t key = 1; key <= 4; ++key) cluster.agent(key, "cpus:1");
  const auto grants = cluster.allocate();
  ASSERT_EQ(grants.size(), 4u);
  for (const Grant& grant : grants) EXPECT_EQ(grant.role, "prod/web");
  for (const Grant& grant : grants) cluster.decline(grant, 60s);
  EXPECT_EQ(receivers(cluster), (std::map<uint32_t, int>{{1, 4}})) << "what it refuses goes down";
}

TEST(Priority, DrfInsideALevel) {
  Cluster cluster({.role_priorities = {{"a", 1}, {"b", 1}}}, 1, Policy::kPriority);
  cluster.framework(1, {"a"});
  cluster.framework(2, {"b"});
  cluster.framework(3, {"c"});
  for (uint32_t key = 1; key <= 10; ++key) cluster.agent(key, "cpus:1");
  EXPECT_EQ(receivers(cluster), (std::map<uint32_t, int>{{1, 5}, {2, 5}}));
}

// §4.3: framework i gets a freed slot with probability s_i over the sum of all; the bounds are five
// standard deviations.
TEST(Lottery, ChancesFollowTheWeights) {
  Cluster cluster({.role_weights = {{"a", Scalar{6000}}, {"b", Scalar{3000}}}}, 7,
                  Policy::kLottery);
  cluster.framework(1, {"a"});
  cluster.framework(2, {"b"});
  cluster.framework(3, {"c"});
  constexpr uint32_t kSlots = 10'000;
  for (uint32_t key = 1; key <= kSlots; ++key) {
    cluster.drf.add_agent(Cluster::agent_facts(key, bag("cpus:1")));
  }
  auto won = receivers(cluster);
  EXPECT_NEAR(won[1], 6000, 5 * 49);
  EXPECT_NEAR(won[2], 3000, 5 * 46);
  EXPECT_NEAR(won[3], 1000, 5 * 30);
}

TEST(Lottery, OnlyThoseWhoWantItAreInTheDraw) {
  Cluster cluster({}, 7, Policy::kLottery);
  cluster.framework(1, {"a"});
  cluster.framework(2, {"b"});
  cluster.framework(3, {"b"});
  for (uint32_t key = 1; key <= 200; ++key) cluster.agent(key, "cpus:1");
  const auto grants = cluster.allocate();
  for (const Grant& grant : grants) cluster.decline(grant, 3600s);
  cluster.drf.suppress(FrameworkKey(1), {});
  const auto again = cluster.allocate();
  EXPECT_FALSE(again.empty());
  for (const Grant& grant : again) EXPECT_NE(grant.framework, FrameworkKey(1));
}

TEST(Lottery, WhoHandsBackWaitsForTheOthers) {
  Cluster cluster({.role_weights = {{"a", Scalar{1'000'000}}}}, 7, Policy::kLottery);
  cluster.framework(1, {"a"});
  cluster.framework(2, {"b"});
  cluster.agent(1, "cpus:1");
  Grant grant = cluster.only();
  const FrameworkKey first = grant.framework;
  cluster.decline(grant);
  grant = cluster.only();
  EXPECT_NE(grant.framework, first);
  cluster.decline(grant);
  EXPECT_EQ(cluster.only().framework, first);
}

}  // namespace
}  // namespace souk::allocator
