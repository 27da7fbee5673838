#include "allocator/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "allocator/test_support.h"

namespace souk::allocator {
namespace {

using Keys = std::vector<uint32_t>;

// --- the policy

// DRF paper §4.1: 9 CPUs and 18 GB, A wants <1 CPU, 4 GB>, B <3 CPUs, 1 GB>: A gets three tasks, B
// two. The first pick is a tie, which the smaller key wins: B here, so the order is B A A B A.
TEST(Drf, GoldenExampleOfThePaper) {
  constexpr uint32_t kB = 1;
  constexpr uint32_t kA = 2;
  Cluster cluster;
  cluster.agent(1, "cpus:9;mem:18");
  cluster.framework(kB);
  cluster.framework(kA);
  std::string order;
  for (auto grants = cluster.allocate(); !grants.empty(); grants = cluster.allocate()) {
    ASSERT_EQ(grants.size(), 1u);
    const bool is_a = grants[0].framework.value == kA;
    const Resources task = bag(is_a ? "cpus:1;mem:4" : "cpus:3;mem:1");
    if (!grants[0].resources.contains(task)) {
      cluster.decline(grants[0], 1h);
      continue;
    }
    order += is_a ? 'A' : 'B';
    cluster.use(grants[0], task);
  }
  EXPECT_EQ(order, "BAABA");
  const Share a = cluster.drf.share(FrameworkKey(kA));
  EXPECT_EQ(a.dominant, "mem");
  EXPECT_EQ(a.used, 12'000);
  EXPECT_EQ(a.total, 18'000);
  const Share b = cluster.drf.share(FrameworkKey(kB));
  EXPECT_EQ(b.dominant, "cpus");
  EXPECT_EQ(b.used, 6'000);
  EXPECT_EQ(b.total, 9'000);
}

// Takes single CPUs of one large agent until nothing is left; how many each framework got.
std::map<uint32_t, int> share_out(Cluster& cluster) {
  std::map<uint32_t, int> tasks;
  for (auto grants = cluster.allocate(); !grants.empty(); grants = cluster.allocate()) {
    ++tasks[grants.at(0).framework.value];
    cluster.use(grants[0], bag("cpus:1"));
  }
  return tasks;
}

TEST(Drf, RolesGetInProportionToTheirWeights) {
  Options options;
  options.role_weights["heavy"] = Scalar{3000};
  Cluster cluster(options);
  cluster.agent(1, "cpus:40");
  cluster.framework(1, {"light"});
  cluster.framework(2, {"heavy"});
  EXPECT_EQ(share_out(cluster), (std::map<uint32_t, int>{{1, 10}, {2, 30}}));
}

TEST(Drf, FirstRolesThenFrameworksOfARole) {
  Cluster cluster;
  cluster.agent(1, "cpus:40");
  cluster.framework(1, {"a"});
  cluster.framework(2, {"b"});
  cluster.framework(3, {"b"});
  EXPECT_EQ(share_out(cluster), (std::map<uint32_t, int>{{1, 20}, {2, 10}, {3, 10}}));
}

TEST(Drf, AWeightOfZeroIsTheLeastWeight) {
  Options options;
  options.role_weights["poor"] = Scalar{0};
  Cluster cluster(options);
  cluster.agent(1, "cpus:10");
  cluster.framework(1, {"poor"});
  cluster.framework(2, {"rich"});
  EXPECT_EQ(share_out(cluster), (std::map<uint32_t, int>{{1, 1}, {2, 9}}));
}

TEST(Drf, AFrameworkInTwoRolesIsCountedInEach) {
  Cluster cluster;
  cluster.framework(1, {"a", "b"});
  cluster.agent(1, "cpus:1");
  cluster.agent(2, "cpus:1");
  const auto grants = cluster.allocate();
  ASSERT_EQ(grants.size(), 2u);
  EXPECT_NE(grants[0].role, grants[1].role);
  EXPECT_EQ(cluster.drf.share(FrameworkKey(1)).used, 2000);
}

TEST(Drf, AgentsAreSpreadOverEqualFrameworks) {
  Cluster cluster;
  for (uint32_t key = 1; key <= 10; ++key) cluster.framework(key);
  for (uint32_t key = 1; key <= 100; ++key) cluster.agent(key, "cpus:4;mem:8");
  std::map<uint32_t, int> got;
  for (const uint32_t key : cluster.receivers()) ++got[key];
  ASSERT_EQ(got.size(), 10u);
  for (const auto& [key, count] : got) EXPECT_EQ(count, 10);
}

TEST(Drf, OffersCountAsUsedAndTheNeedyComeFirst) {
  Cluster cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:2");
  const Grant first = cluster.only();
  cluster.framework(2);
  cluster.agent(2, "cpus:1");
  EXPECT_EQ(cluster.receivers(), Keys{2}) << "framework 1 has been offered something";
  cluster.decline(first, 1s);
  cluster.agent(3, "cpus:1");
  std::map<uint32_t, uint32_t> receiver;
  for (const Grant& grant : cluster.allocate()) receiver[grant.agent.value] = grant.framework.value;
  EXPECT_EQ(receiver, (std::map<uint32_t, uint32_t>{{1, 2}, {3, 1}}))
      << "1 holds nothing any more, but refused agent 1";
}

TEST(Drf, WhatIsLearnedCounts) {
  Cluster cluster;
  cluster.framework(1);
  cluster.framework(2);
  cluster.agent(1, "cpus:4");
  cluster.drf.allocated(FrameworkKey(1), "*", AgentKey(1), bag("cpus:1"));
  const Grant grant = cluster.only();
  EXPECT_EQ(grant.framework.value, 2u);
  EXPECT_EQ(grant.resources, bag("cpus:3"));
}

TEST(Drf, AmongEqualsTheOneThatWaitedLongest) {
  Cluster cluster;
  for (uint32_t key = 1; key <= 3; ++key) cluster.framework(key);
  Keys order;
  for (uint32_t round = 1; round <= 6; ++round) {
    cluster.agent(round, "cpus:1");
    const Grant grant = cluster.only();
    order.push_back(grant.framework.value);
    cluster.decline(grant, 1h);
    cluster.drf.remove_agent(AgentKey(round));
  }
  EXPECT_EQ(order, (Keys{1, 2, 3, 1, 2, 3}));
}

TEST(Drf, NewTotalsCanTurnTheOrder) {
  Cluster cluster;
  cluster.framework(1);
  cluster.framework(2);
  cluster.agent(1, "cpus:10;mem:10");
  cluster.drf.allocated(FrameworkKey(1), "*", AgentKey(1), bag("cpus:4"));
  cluster.drf.allocated(FrameworkKey(2), "*", AgentKey(1), bag("cpus:6;mem:10"));
  cluster.agent(2, "mem:90");  // 1: 4/10; 2: 6/10
  EXPECT_EQ(cluster.only().framework.value, 1u);
  cluster.agent(3, "cpus:1000");  // 1: 90/100 of mem; 2: 10/100
  EXPECT_EQ(cluster.only().framework.value, 2u);
}

// --- what is offered

TEST(Drf, AllThatIsFreeAndUsable) {
  Cluster cluster;
  cluster.framework(1, {"eng/web"});
  cluster.agent(1, "cpus:4;cpus(eng):2;cpus(eng/web):1;cpus(ops):8;ports:[1-9]");
  EXPECT_EQ(cluster.only().resources, bag("cpus:4;cpus(eng):2;cpus(eng/web):1;ports:[1-9]"));
}

TEST(Drf, TheRestGoesOnToOthers) {
  Cluster cluster;
  cluster.framework(1, {"a"});
  cluster.framework(2, {"b"});
  cluster.agent(1, "cpus:4;mem(a):2;mem(b):3");
  const auto grants = cluster.allocate();
  ASSERT_EQ(grants.size(), 2u);
  EXPECT_EQ(grants[0].framework.value, 1u);
  EXPECT_EQ(grants[0].resources, bag("cpus:4;mem(a):2"));
  EXPECT_EQ(grants[1].framework.value, 2u);
  EXPECT_EQ(grants[1].resources, bag("mem(b):3"));
}

Resource with(const char* name, bool revocable, bool shared) {
  Resource item;
  item.name = name;
  item.value = Scalar{1000};
  item.revocable = revocable;
  item.shared = shared;
  return item;
}

TEST(Drf, RevocableAndSharedOnlyToThoseThatSaySo) {
  const Resources plain({with("cpus", false, false)});
  const Resources revocable({with("cpus", true, false)});
  const Resources shared({with("disk", false, true)});
  Cluster cluster;
  cluster.drf.add_agent(Cluster::agent_facts(1, plain + revocable + shared));
  cluster.framework(1);
  EXPECT_EQ(cluster.only().resources, plain);
  cluster.framework(2, {"*"}, {Capability::kRevocableResources});
  EXPECT_EQ(cluster.only().resources, revocable);
  cluster.framework(3, {"*"}, {Capability::kSharedResources});
  EXPECT_EQ(cluster.only().resources, shared);
}

TEST(Drf, AgentsWithGpusOnlyToThoseThatSaySo) {
  Cluster cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:4;gpus:1");
  EXPECT_EQ(cluster.receivers(), Keys{});
  auto facts = Cluster::framework_facts(1, {"*"}, {Capability::kGpuResources});
  cluster.drf.update_framework(facts, {});
  EXPECT_EQ(cluster.receivers(), Keys{1});

  Options options;
  options.filter_gpu_resources = false;
  Cluster open(options);
  open.framework(1);
  open.agent(1, "cpus:4;gpus:1");
  EXPECT_EQ(open.receivers(), Keys{1});
}

TEST(Drf, AnAgentThatLosesItsGpusIsOfferedToAll) {
  Cluster cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:4;gpus:1");
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.drf.update_agent(Cluster::agent_facts(1, bag("cpus:4")));
  EXPECT_EQ(cluster.receivers(), Keys{1});
}

TEST(Drf, NothingBelowTheMinimum) {
  Options options;
  options.min_allocatable = parse_alternatives("cpus:1;mem:10|disk:100").value();
  Cluster cluster(options);
  cluster.framework(1);
  cluster.agent(1, "cpus:2;mem:9");
  cluster.agent(2, "cpus:0.999;mem:10");
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.agent(3, "cpus:1;mem:10");
  EXPECT_EQ(cluster.only().agent.value, 3u);
  cluster.agent(4, "disk:100");
  EXPECT_EQ(cluster.only().agent.value, 4u);
  // Crumbs that add up are offered as soon as they do.
  cluster.agent(5, "cpus:2;mem:10");
  const Grant grant = cluster.only();
  cluster.use(grant, bag("cpus:1.5"));
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.end(grant, bag("cpus:1"));
  EXPECT_EQ(cluster.only().resources, bag("cpus:1.5;mem:10"));
}

TEST(Drf, AFrameworkMayHaveAMinimumOfItsOwn) {
  Options options;
  options.min_allocatable = parse_alternatives("cpus:1").value();
  Cluster cluster(options);
  auto modest = Cluster::framework_facts(1, {"a", "b"});
  modest.min_allocatable["a"] = parse_alternatives("cpus:4").value();
  modest.min_allocatable["b"] = {};  // anything
  cluster.drf.add_framework(modest, {});
  cluster.framework(2, {"c"});
  cluster.agent(1, "cpus:0.5");
  EXPECT_EQ(cluster.only().role, "b");
  cluster.agent(2, "cpus:4");
  cluster.agent(3, "cpus:1");
  for (const Grant& grant : cluster.allocate()) {
    EXPECT_FALSE(grant.role == "a" && grant.agent.value == 3u);
  }
}

// --- who is asked

TEST(Drf, SuppressedRolesGetNothingUntilRevived) {
  Cluster cluster;
  cluster.framework(1, {"a", "b"});
  cluster.drf.suppress(FrameworkKey(1), {"a"});
  cluster.agent(1, "cpus:1");
  cluster.agent(2, "cpus:1");
  for (const Grant& grant : cluster.allocate()) EXPECT_EQ(grant.role, "b");
  cluster.drf.suppress(FrameworkKey(1), {});
  cluster.agent(3, "cpus:1");
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.drf.revive(FrameworkKey(1), {"a"});
  EXPECT_EQ(cluster.only().role, "a");
  cluster.agent(4, "cpus:1");
  cluster.drf.suppress(FrameworkKey(1), {});
  cluster.drf.revive(FrameworkKey(1), {});
  EXPECT_EQ(cluster.receivers(), Keys{1});
}

TEST(Drf, RolesMayBeSuppressedFromTheStart) {
  Cluster cluster;
  cluster.drf.add_framework(Cluster::framework_facts(1, {"a", "b"}), {"a", "b"});
  cluster.agent(1, "cpus:1");
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.drf.update_framework(Cluster::framework_facts(1, {"a", "b"}), {"b"});
  EXPECT_EQ(cluster.only().role, "a");
}

TEST(Drf, InactiveFrameworksKeepWhatTheyHold) {
  Cluster cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:2");
  const Grant grant = cluster.only();
  cluster.drf.set_framework_active(FrameworkKey(1), false);
  cluster.agent(2, "cpus:2");
  cluster.end(grant, bag("cpus:1"));
  EXPECT_EQ(cluster.receivers(), Keys{});
  EXPECT_EQ(cluster.drf.share(FrameworkKey(1)).used, 1000);
  cluster.drf.set_framework_active(FrameworkKey(1), true);
  EXPECT_EQ(cluster.receivers(), (Keys{1, 1}));
}

TEST(Drf, AFrameworkThatComesBackHasNoFilters) {
  Cluster cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:2");
  cluster.decline(cluster.only(), 1h);
  cluster.drf.set_framework_active(FrameworkKey(1), false);
  EXPECT_EQ(cluster.drf.next_deadline(), std::nullopt);
  cluster.drf.set_framework_active(FrameworkKey(1), true);
  EXPECT_EQ(cluster.receivers(), Keys{1});
}

TEST(Drf, ARoleGivenUpIsHeldButNotOffered) {
  Cluster cluster;
  cluster.framework(1, {"a"});
  cluster.agent(1, "cpus:2");
  const Grant grant = cluster.only();
  cluster.drf.update_framework(Cluster::framework_facts(1, {"b"}), {});
  cluster.use(grant, bag("cpus:1"));
  const Grant next = cluster.only();
  EXPECT_EQ(next.role, "b");
  EXPECT_EQ(cluster.drf.share(FrameworkKey(1)).used, 2000);
  cluster.end(grant, bag("cpus:1"));
  EXPECT_EQ(cluster.only().role, "b");
}

TEST(Drf, RemovalOfAFramework) {
  Cluster cluster;
  cluster.framework(1, {"a", "b"});
  cluster.agent(1, "cpus:2");
  const Grant grant = cluster.only();
  cluster.drf.recovered(grant.framework, grant.role, grant.agent, grant.resources, Refusal(1h),
                        at(0s));
  cluster.drf.remove_framework(FrameworkKey(1));
  EXPECT_EQ(cluster.receivers(), Keys{});
  EXPECT_EQ(cluster.drf.next_deadline(), std::nullopt);
  EXPECT_TRUE(cluster.drf.share(FrameworkKey(1)).dominant.empty());
  cluster.framework(2);
  EXPECT_EQ(cluster.receivers(), Keys{2});
}

TEST(DrfDeathTest, AFrameworkThatStillHoldsSomethingIsNotRemoved) {
  Cluster cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:2");
  cluster.only();
  EXPECT_DEATH(cluster.drf.remove_framework(FrameworkKey(1)), "is recovered before");
}

TEST(DrfDeathTest, NobodyGivesBackMoreThanItHolds) {
  Cluster cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:2");
  const Grant grant = cluster.only();
  EXPECT_DEATH(cluster.end(grant, bag("cpus:3")), "only what is held");
}

// --- agents

TEST(Drf, InactiveAgentsGiveNothing) {
  Cluster cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:2");
  cluster.drf.set_agent_active(AgentKey(1), false);
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.drf.set_agent_active(AgentKey(1), true);
  const Grant grant = cluster.only();
  cluster.drf.set_agent_active(AgentKey(1), false);
  cluster.decline(grant);
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.agent(2, "cpus:6");
  EXPECT_EQ(cluster.only().agent.value, 2u);
  EXPECT_EQ(cluster.drf.share(FrameworkKey(1)).total, 8000) << "but they count in the total";
  cluster.drf.set_agent_active(AgentKey(1), true);
  EXPECT_EQ(cluster.only().agent.value, 1u);
}

TEST(Drf, ARemovedAgentTakesAllWithIt) {
  Cluster cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:2");
  cluster.agent(2, "cpus:2");
  const auto grants = cluster.allocate();
  ASSERT_EQ(grants.size(), 2u);
  cluster.decline(grants[0], 1s);
  cluster.drf.remove_agent(grants[0].agent);
  EXPECT_EQ(cluster.drf.next_deadline(), std::nullopt);
  cluster.drf.remove_agent(grants[1].agent);
  cluster.check();
  EXPECT_TRUE(cluster.drf.share(FrameworkKey(1)).dominant.empty());
  cluster.decline(grants[1], 1s);  // an answer to an offer that crossed the removal
  EXPECT_EQ(cluster.drf.next_deadline(), std::nullopt);
  cluster.drf.remove_framework(FrameworkKey(1));
}

TEST(Drf, AnAgentThatGrowsOffersTheDifference) {
  Cluster cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:2");
  cluster.only();
  cluster.drf.update_agent(Cluster::agent_facts(1, bag("cpus:3;mem:1")));
  EXPECT_EQ(cluster.only().resources, bag("cpus:1;mem:1"));
}

TEST(Drf, AnAgentThatShrankGivesNothingUntilItFits) {
  Cluster cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:4;mem:4");
  const Grant grant = cluster.only();
  cluster.use(grant, bag("cpus:3"), 0s);
  const Grant second = cluster.only();
  cluster.drf.update_agent(Cluster::agent_facts(1, bag("cpus:2;mem:4")));
  cluster.decline(second);
  EXPECT_EQ(cluster.receivers(), Keys{}) << "3 of 2 CPUs are in use";
  cluster.end(grant, bag("cpus:2"));
  EXPECT_EQ(cluster.only().resources, bag("cpus:1;mem:4"));
}

TEST(Drf, APortThatTwoTasksClaimIsFreeWhenBothGaveItBack) {
  Cluster cluster;
  cluster.framework(1);
  cluster.framework(2);
  cluster.agent(1, "cpus:4;ports:[1-9]");
  for (const uint32_t key : {1, 1, 2}) {
    cluster.drf.allocated(FrameworkKey(key), "*", AgentKey(1), bag("ports:[3-4]"));
    cluster.check();
  }
  EXPECT_EQ(cluster.receivers(), Keys{});
  for (const uint32_t key : {1, 2}) {
    cluster.drf.recovered(FrameworkKey(key), "*", AgentKey(1), bag("ports:[3-4]"), std::nullopt,
                          at(0s));
    cluster.check();
  }
  EXPECT_EQ(cluster.only().resources, bag("cpus:4;ports:[1-2,5-9]"));
  // The last one comes back in two parts.
  for (const char* part : {"ports:[4-4]", "ports:[3-3]"}) {
    cluster.drf.recovered(FrameworkKey(1), "*", AgentKey(1), bag(part), std::nullopt, at(0s));
    EXPECT_EQ(cluster.only().resources, bag(part));
  }
}

TEST(Drf, PartsOfSeveralHoldingsComeBackAtOnce) {
  Cluster cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:2;disks:{a,b}");
  cluster.drf.allocated(FrameworkKey(1), "*", AgentKey(1), bag("cpus:2;disks:{a}"));
  cluster.drf.allocated(FrameworkKey(1), "*", AgentKey(1), bag("cpus:2;disks:{a,b}"));
  cluster.drf.recovered(FrameworkKey(1), "*", AgentKey(1), bag("cpus:4;disks:{a,b}"), std::nullopt,
                        at(0s));
  cluster.check();
  EXPECT_EQ(cluster.only().resources, bag("cpus:2;disks:{b}"));
}

// --- filters

TEST(Drf, ARefusalHoldsExactlyAsLongAsAsked) {
  Cluster cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:2");
  cluster.now = 10s;
  cluster.decline(cluster.only(), 5s);
  EXPECT_EQ(cluster.receivers(), Keys{});
  EXPECT_EQ(cluster.drf.next_deadline(), MonoTime(15s));
  cluster.now = 15s - 1ns;
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.now = 15s;
  EXPECT_EQ(cluster.receivers(), Keys{1});
  EXPECT_EQ(cluster.drf.next_deadline(), std::nullopt);
}

TEST(Drf, ARefusalIsOfOneAgentOneFrameworkAndOneRole) {
  Cluster cluster;
  cluster.framework(1, {"a", "b"});
  cluster.agent(1, "cpus:2");
  const Grant first = cluster.only();
  EXPECT_EQ(first.role, "a");
  cluster.decline(first, 5s);
  const Grant second = cluster.only();
  EXPECT_EQ(second.role, "b");
  cluster.decline(second, 5s);
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.framework(2);
  cluster.decline(cluster.only(), 5s);
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.agent(2, "cpus:2");
  EXPECT_EQ(cluster.receivers().size(), 1u);
}

TEST(Drf, MoreThanWasRefusedIsOffered) {
  Cluster cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:4");
  const Grant grant = cluster.only();
  cluster.use(grant, bag("cpus:2"), 5s);
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.end(grant, bag("cpus:1"));
  EXPECT_EQ(cluster.only().resources, bag("cpus:3"));
}

TEST(Drf, ReviveForgetsRefusals) {
  Cluster cluster;
  cluster.framework(1, {"a", "b"});
  cluster.agent(1, "cpus:4");
  for (int i = 0; i < 2; ++i) cluster.decline(cluster.only(), 1h);
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.drf.revive(FrameworkKey(1), {"b"});
  EXPECT_EQ(cluster.only().role, "b");
}

TEST(Drf, RefusalsAreCutToAYear) {
  Cluster cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:4");
  cluster.decline(cluster.only(), Duration::max());
  EXPECT_EQ(cluster.drf.next_deadline(), MonoTime(365 * 24h));
}

TEST(Drf, AnEndedRefusalWakesOnlyItsOwn) {
  Cluster cluster;
  cluster.framework(1);
  cluster.framework(2);
  cluster.agent(1, "cpus:4");
  cluster.agent(2, "cpus:4");
  for (int turn = 0; turn < 2; ++turn) {
    for (const Grant& grant : cluster.allocate()) {
      cluster.decline(grant, grant.framework.value == 1 ? 5s : 8s);
    }
  }
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.now = 5s;
  EXPECT_EQ(cluster.receivers(), (Keys{1, 1}));
}

// An ended refusal has one client to try, a revival another: on the same agent DRF decides between
// them.
TEST(Drf, AnEndedRefusalAndARevivalGoByShare) {
  Cluster cluster;
  cluster.framework(1);
  cluster.framework(2);
  cluster.agent(1, "cpus:4");
  cluster.agent(2, "cpus:1");
  cluster.drf.allocated(FrameworkKey(2), "*", AgentKey(2), bag("cpus:1"));
  const Grant first = cluster.only();
  EXPECT_EQ(first.framework.value, 1u);
  cluster.decline(first, 5s);
  cluster.decline(cluster.only(), 1h);
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.now = 5s;
  cluster.drf.suppress(FrameworkKey(2), {});
  cluster.drf.revive(FrameworkKey(2), {});
  // Both have passed this agent on; 1 did so first.
  EXPECT_EQ(cluster.receivers(), Keys{1});
}

// Here framework 1 alone is asked again and again, until the agent changes in its hands.
TEST(Drf, WhatOthersCouldNotHaveIsWorkedOutAnewWhenTheAgentChanges) {
  Cluster cluster;
  cluster.framework(1, {"*"}, {Capability::kGpuResources});
  cluster.framework(2);
  cluster.agent(1, "cpus:4;gpus:1");
  for (int round = 1; round <= 2; ++round) {
    cluster.decline(cluster.only(), 5s);
    EXPECT_EQ(cluster.receivers(), Keys{});
    cluster.now += 5s;
  }
  const Grant grant = cluster.only();
  EXPECT_EQ(grant.framework.value, 1u);
  cluster.drf.update_agent(Cluster::agent_facts(1, bag("cpus:4")));
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.use(grant, bag("gpus:1"), 5s);
  cluster.end(grant, bag("gpus:1"));
  EXPECT_EQ(cluster.receivers(), Keys{2});
}

TEST(Drf, TooManyFiltersCollapseIntoOnePerRole) {
  Cluster cluster;
  cluster.drf.add_framework(Cluster::framework_facts(1, {"a", "b"}), {"b"});
  const auto agents = static_cast<uint32_t>(kMaxFiltersPerFramework) + 1;
  for (uint32_t key = 1; key <= agents; ++key) {
    cluster.drf.add_agent(Cluster::agent_facts(key, bag("cpus:1")));
  }
  Decisions decisions;
  std::vector<Grant>& grants = decisions.grants;
  cluster.drf.allocate(at(0s), decisions);
  ASSERT_EQ(grants.size(), agents);
  for (const Grant& grant : grants) {
    const Duration refuse = grant.agent.value == 77 ? 9s : 5s;
    cluster.drf.recovered(grant.framework, grant.role, grant.agent, grant.resources, refuse,
                          at(0s));
  }
  EXPECT_EQ(cluster.drf.next_deadline(), MonoTime(9s));
  grants.clear();
  cluster.drf.add_agent(Cluster::agent_facts(agents + 1, bag("cpus:1")));
  cluster.drf.allocate(at(8s), decisions);
  EXPECT_TRUE(grants.empty()) << "on agents never refused, too";
  cluster.drf.allocate(at(9s), decisions);
  EXPECT_EQ(grants.size(), agents + 1);
  for (const Grant& grant : grants) {
    cluster.drf.recovered(grant.framework, grant.role, grant.agent, grant.resources, Refusal(0s),
                          at(9s));
  }
  cluster.drf.revive(FrameworkKey(1), {"b"});
  grants.clear();
  cluster.drf.allocate(at(9s), decisions);
  EXPECT_TRUE(std::ranges::any_of(grants, [](const Grant& grant) { return grant.role == "b"; }));
}

// --- turns

TEST(Drf, WhoDeclinesWithoutARefusalGoesBehindTheOthers) {
  Cluster cluster;
  cluster.framework(1);
  cluster.framework(2);
  cluster.framework(3);
  cluster.agent(1, "cpus:4");
  cluster.agent(2, "cpus:4");
  // 2 and 3 hold something, 1 nothing: by shares alone, 1 would be asked for ever.
  cluster.drf.allocated(FrameworkKey(2), "*", AgentKey(2), bag("cpus:3"));
  cluster.drf.allocated(FrameworkKey(3), "*", AgentKey(2), bag("cpus:1"));
  Keys order;
  for (int i = 0; i < 7; ++i) {
    const Grant grant = cluster.only();
    order.push_back(grant.framework.value);
    cluster.decline(grant);
  }
  EXPECT_EQ(order, (Keys{1, 3, 2, 1, 3, 2, 1}));
}

TEST(Drf, RevivingIsNoWayToTheHead) {
  Cluster cluster;
  cluster.framework(1);
  cluster.framework(2);
  cluster.agent(1, "cpus:4");
  cluster.agent(2, "cpus:1");
  cluster.drf.allocated(FrameworkKey(2), "*", AgentKey(2), bag("cpus:1"));
  cluster.decline(cluster.only());
  cluster.drf.revive(FrameworkKey(1), {});
  EXPECT_EQ(cluster.only().framework.value, 2u);
}

TEST(Drf, AUsedAgentGoesByShareAgain) {
  Cluster cluster;
  cluster.framework(1);
  cluster.framework(2);
  cluster.agent(1, "cpus:4");
  cluster.agent(2, "cpus:1");
  cluster.drf.allocated(FrameworkKey(2), "*", AgentKey(2), bag("cpus:1"));
  cluster.decline(cluster.only());
  const Grant used = cluster.only();
  EXPECT_EQ(used.framework.value, 2u);
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.end(used, bag("cpus:4"));
  EXPECT_EQ(cluster.only().framework.value, 1u) << "it is below its share, and this is new";
}

TEST(Drf, WhatEndsTogetherWithADeclineGoesToTheOtherFirst) {
  Cluster cluster;
  cluster.framework(1);
  cluster.framework(2);
  cluster.agent(1, "cpus:4");
  cluster.drf.allocated(FrameworkKey(2), "*", AgentKey(1), bag("cpus:2"));
  for (int turn = 0; turn < 3; ++turn) {
    const Grant grant = cluster.only();
    ASSERT_EQ(grant.framework.value, 1u);
    cluster.decline(grant);
    cluster.end({FrameworkKey(2), "*", AgentKey(1), {}}, bag("cpus:0.5"));
    const Grant other = cluster.only();
    ASSERT_EQ(other.framework.value, 2u);
    cluster.end(other, other.resources - bag("cpus:0.5"));
  }
}

// --- order of agents

Keys agents_in_order(uint64_t seed) {
  Cluster cluster({}, seed);
  cluster.framework(1);
  for (uint32_t key = 1; key <= 20; ++key) cluster.agent(key, "cpus:1");
  Keys keys;
  for (const Grant& grant : cluster.allocate()) keys.push_back(grant.agent.value);
  return keys;
}

TEST(Drf, AgentsAreVisitedInASeededOrder) {
  EXPECT_EQ(agents_in_order(1), agents_in_order(1));
  std::set<Keys> orders;
  std::set<uint32_t> first;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Keys keys = agents_in_order(seed);
    EXPECT_EQ(std::set<uint32_t>(keys.begin(), keys.end()).size(), 20u);
    orders.insert(keys);
    first.insert(keys[0]);
  }
  EXPECT_GT(orders.size(), 15u);
  EXPECT_GT(first.size(), 5u);
}

TEST(Drf, AnEmptyClusterIsNoTrouble) {
  Cluster cluster;
  EXPECT_EQ(cluster.receivers(), Keys{});
  cluster.agent(1, "");
  cluster.drf.add_framework(Cluster::framework_facts(1, {}), {});
  EXPECT_EQ(cluster.receivers(), Keys{});
  EXPECT_EQ(cluster.drf.next_deadline(), std::nullopt);
  EXPECT_TRUE(cluster.drf.share(FrameworkKey(9)).dominant.empty());
}

TEST(Drf, TheModuleComesByItsFactory) {
  const std::unique_ptr<Allocator> allocator = make_drf({}, Rng(1));
  allocator->add_framework(Cluster::framework_facts(1), {});
  allocator->add_agent(Cluster::agent_facts(1, bag("cpus:1")));
  Decisions decisions;
  allocator->allocate(at(0s), decisions);
  EXPECT_EQ(decisions.grants.size(), 1u);
}

}  // namespace
}  // namespace souk::allocator
