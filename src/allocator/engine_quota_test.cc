// Guarantees and limits of roles, and the tree they stand in.
#include <gtest/gtest.h>

#include <map>

#include "allocator/test_support.h"

namespace souk::allocator {
namespace {

Quantities amounts(std::string_view text) { return quantities_of(bag(text)); }

Quota guarantee(std::string_view text) { return {amounts(text), {}}; }
Quota limit(std::string_view text) { return {{}, amounts(text)}; }

std::map<std::string, int64_t> cpus_by_role(const std::vector<Grant>& grants) {
  std::map<std::string, int64_t> cpus;
  for (const Grant& grant : grants) {
    cpus[grant.role] += grant.resources.scalar(kCpus).thousandths / 1000;
  }
  return cpus;
}

TEST(Quota, NothingIsGrantedAboveALimit) {
  Cluster cluster;
  cluster.drf.set_quota("eng", limit("cpus:10"));
  cluster.framework(1, {"eng"});
  for (uint32_t key = 1; key <= 4; ++key) cluster.agent(key, "cpus:4;mem:100");
  EXPECT_EQ(cpus_by_role(cluster.allocate())["eng"], 10) << "two whole agents and half of one";
  EXPECT_TRUE(cluster.allocate().empty());
}

TEST(Quota, WhatComesBackBelowALimitIsGrantedAgain) {
  Cluster cluster;
  cluster.drf.set_quota("eng", limit("cpus:4"));
  cluster.framework(1, {"eng"});
  cluster.agent(1, "cpus:4;mem:100");
  cluster.agent(2, "cpus:4;mem:100");
  const Grant first = cluster.only();
  cluster.use(first, bag("cpus:4;mem:100"));
  EXPECT_TRUE(cluster.allocate().empty());
  cluster.end(first, bag("cpus:1;mem:25"));
  int64_t cpus = 0;
  for (const Grant& grant : cluster.allocate()) cpus += grant.resources.scalar(kCpus).thousandths;
  EXPECT_EQ(cpus, 1000);
}

TEST(Quota, WhereNoCpusAreLeftTheRestIsOfNoUse) {
  Cluster cluster;
  cluster.drf.set_quota("eng", {{}, {{"cpus", Scalar{}}}});
  cluster.framework(1, {"eng"});
  cluster.agent(1, "cpus:4;mem:100");
  EXPECT_TRUE(cluster.allocate().empty());
  cluster.drf.set_quota("eng", {});
  EXPECT_EQ(cluster.only().resources, bag("cpus:4;mem:100"));
}

TEST(Quota, ALimitHoldsForAllRolesBelow) {
  Cluster cluster;
  cluster.drf.set_quota("eng", limit("cpus:6"));
  cluster.framework(1, {"eng/web"});
  cluster.framework(2, {"eng/db/big"});
  cluster.framework(3, {"ops"});
  for (uint32_t key = 1; key <= 8; ++key) cluster.agent(key, "cpus:2;mem:100");
  auto cpus = cpus_by_role(cluster.allocate());
  EXPECT_EQ(cpus["eng/web"] + cpus["eng/db/big"], 6);
  EXPECT_EQ(cpus["ops"], 10);
}

// One framework takes what is guaranteed to it, and with that the rest is anybody's again: then it
// is not only that framework's other role that is asked.
TEST(Quota, WhatAMetGuaranteeLeavesGoesToWhoComesFirst) {
  Cluster cluster;
  cluster.framework(1, {"a"});
  cluster.agent(1, "cpus:4;mem:100");
  cluster.agent(2, "disk(r):1");  // so that those whom quota leaves nothing are tried all the same
  cluster.drf.set_quota("e", {amounts("cpus:1;mem:100"), amounts("cpus:1")});
  EXPECT_TRUE(cluster.allocate().empty()) << "all of the memory is held back";
  cluster.framework(2, {"e", "z"});
  EXPECT_EQ(cpus_by_role(cluster.allocate()), (std::map<std::string, int64_t>{{"a", 3}, {"e", 1}}));
}

TEST(Quota, AGuaranteeComesFirst) {
  Cluster cluster;
  cluster.drf.set_quota("eng", guarantee("cpus:6;mem:60"));
  cluster.framework(1, {"ops"});
  cluster.framework(2, {"eng"});
  for (uint32_t key = 1; key <= 4; ++key) cluster.agent(key, "cpus:2;mem:20");
  auto cpus = cpus_by_role(cluster.allocate());
  EXPECT_EQ(cpus["eng"], 6);
  EXPECT_EQ(cpus["ops"], 2);
}

TEST(Quota, TheHeadroomIsHeldBackForWhoIsNotThereYet) {
  Cluster cluster;
  cluster.drf.set_quota("eng", guarantee("cpus:6;mem:60"));
  cluster.framework(1, {"ops"});
  for (uint32_t key = 1; key <= 4; ++key) cluster.agent(key, "cpus:2;mem:20");
  EXPECT_EQ(cpus_by_role(cluster.allocate())["ops"], 2);
  cluster.framework(2, {"eng"});
  EXPECT_EQ(cpus_by_role(cluster.allocate())["eng"], 6);
}

TEST(Quota, AnOfferIsCutToWhatTheHeadroomLeaves) {
  Cluster cluster;
  cluster.drf.set_quota("eng", guarantee("cpus:3;mem:1"));
  cluster.framework(1, {"ops"});
  cluster.agent(1, "cpus:4;mem:40");
  EXPECT_EQ(cluster.only().resources, bag("cpus:1;mem:39"));
}

TEST(Quota, WhatIsFreedBeyondTheHeadroomGoesOut) {
  Cluster cluster;
  cluster.drf.set_quota("eng", guarantee("cpus:4;mem:40"));
  cluster.framework(1, {"ops"});
  cluster.agent(1, "cpus:4;mem:40");
  EXPECT_TRUE(cluster.allocate().empty());
  cluster.agent(2, "cpus:4;mem:40");
  EXPECT_EQ(cpus_by_role(cluster.allocate())["ops"], 4);
  cluster.drf.set_quota("eng", {});
  auto decisions = cluster.decide();
  EXPECT_EQ(decisions.rescinds.size(), 1u) << "open offers are shared out anew";
  EXPECT_EQ(cpus_by_role(decisions.grants)["ops"], 4);
}

TEST(Quota, ReservationsCountTowardsTheGuarantee) {
  Cluster cluster;
  cluster.drf.set_quota("eng", guarantee("cpus:4;mem:40"));
  cluster.framework(1, {"ops"});
  cluster.agent(1, "cpus(eng):4;mem(eng):40");
  cluster.agent(2, "cpus:4;mem:40");
  EXPECT_EQ(cpus_by_role(cluster.allocate())["ops"], 4) << "the guarantee is met by reservation";
}

TEST(Quota, ReservationsCountTowardsTheLimitInUseOrNot) {
  Cluster cluster;
  cluster.drf.set_quota("eng", limit("cpus:5"));
  cluster.framework(1, {"eng"});
  cluster.agent(1, "cpus(eng):4;mem(eng):40");
  cluster.agent(2, "cpus:4;mem:40");
  EXPECT_EQ(cpus_by_role(cluster.allocate())["eng"], 5) << "four reserved, one more";
}

TEST(Quota, OfNestedGuaranteesTheParentsOwnPartGoesToAnyChild) {
  Cluster cluster;
  cluster.drf.set_quota("eng", guarantee("cpus:6;mem:6"));
  cluster.drf.set_quota("eng/web", guarantee("cpus:4;mem:4"));
  cluster.framework(1, {"eng/db"});
  cluster.framework(2, {"ops"});
  for (uint32_t key = 1; key <= 4; ++key) cluster.agent(key, "cpus:2;mem:2");
  auto cpus = cpus_by_role(cluster.allocate());
  // Two of the guarantee are anybody's in eng; the two beyond six go by share.
  EXPECT_EQ(cpus["eng/db"] + cpus["ops"], 4);
  EXPECT_GE(cpus["eng/db"], 2);
  cluster.framework(3, {"eng/web"});
  EXPECT_EQ(cpus_by_role(cluster.allocate())["eng/web"], 4);
}

TEST(Quota, AFilteredGuaranteeIsNotForcedOnAnybody) {
  Cluster cluster;
  cluster.drf.set_quota("eng", guarantee("cpus:2;mem:2"));
  cluster.framework(1, {"eng"});
  cluster.framework(2, {"ops"});
  cluster.agent(1, "cpus:2;mem:2");
  const Grant grant = cluster.only();
  EXPECT_EQ(grant.role, "eng");
  cluster.decline(grant, 60s);
  EXPECT_TRUE(cluster.allocate().empty()) << "and is held back all the same";
  cluster.now = 60s;
  EXPECT_EQ(cluster.only().role, "eng");
}

TEST(Quota, SlotsForShortTasksDoNotCount) {
  Cluster cluster;
  cluster.drf.set_quota("eng", limit("cpus:1"));
  auto facts = Cluster::framework_facts(1, {"eng"});
  facts.takes_short_slots = true;
  cluster.drf.add_framework(facts, {});
  auto slots = Cluster::agent_facts(1, bag("cpus:4;mem:4"));
  slots.max_task_duration = 60s;
  cluster.drf.add_agent(slots);
  EXPECT_EQ(cpus_by_role(cluster.allocate())["eng"], 4);
}

TEST(ShortSlots, GoOnlyToWhoTakesThem) {
  Cluster cluster;
  cluster.framework(1);
  auto slots = Cluster::agent_facts(1, bag("cpus:4;mem:4"));
  slots.max_task_duration = 60s;
  cluster.drf.add_agent(slots);
  EXPECT_TRUE(cluster.allocate().empty());
  auto facts = Cluster::framework_facts(2);
  facts.takes_short_slots = true;
  cluster.drf.add_framework(facts, {});
  EXPECT_EQ(cluster.only().framework, FrameworkKey(2));
}

TEST(Regions, OtherRegionsOnlyToThoseThatSaySo) {
  Cluster cluster({.domain = {"here", "z"}});
  cluster.framework(1);
  auto far = Cluster::agent_facts(1, bag("cpus:4"));
  far.domain = {"there", "z"};
  cluster.drf.add_agent(far);
  EXPECT_TRUE(cluster.allocate().empty());
  cluster.framework(2, {"*"}, {Capability::kRegionAware});
  EXPECT_EQ(cluster.only().framework, FrameworkKey(2));
}

TEST(Constraints, OnlyAgentsThatFitAreOffered) {
  Cluster cluster;
  auto facts = Cluster::framework_facts(1);
  facts.constraints["*"].groups = {{{.selector = AttributeConstraint::Selector::kHostname,
                                     .predicate = AttributeConstraint::Predicate::kTextMatches,
                                     .text = "b.*"}}};
  cluster.drf.add_framework(facts, {});
  for (uint32_t key = 1; key <= 2; ++key) {
    auto agent = Cluster::agent_facts(key, bag("cpus:1"));
    agent.hostname = key == 1 ? "a1" : "b1";
    cluster.drf.add_agent(agent);
  }
  EXPECT_EQ(cluster.only().agent, AgentKey(2));
  auto renamed = Cluster::agent_facts(1, bag("cpus:1"));
  renamed.hostname = "b2";
  cluster.drf.update_agent(renamed);
  EXPECT_EQ(cluster.only().agent, AgentKey(1));
}

TEST(Tree, ARolesOwnFrameworksStandBesideItsChildren) {
  Cluster cluster;
  cluster.framework(1, {"eng"});
  cluster.framework(2, {"eng"});
  cluster.framework(3, {"eng/web"});
  cluster.framework(4, {"ops"});
  for (uint32_t key = 1; key <= 80; ++key) cluster.agent(key, "cpus:1");
  std::map<uint32_t, int> agents;
  for (const uint32_t key : cluster.receivers()) ++agents[key];
  EXPECT_EQ(agents, (std::map<uint32_t, int>{{1, 10}, {2, 10}, {3, 20}, {4, 40}}));
}

TEST(Tree, AWeightHoldsAtItsLevel) {
  Cluster cluster;
  cluster.framework(1, {"eng/web"});
  cluster.framework(2, {"eng/db"});
  cluster.framework(3, {"ops"});
  cluster.drf.set_weight("eng/web", Scalar{3000});
  for (uint32_t key = 1; key <= 80; ++key) cluster.agent(key, "cpus:1");
  std::map<uint32_t, int> agents;
  for (const uint32_t key : cluster.receivers()) ++agents[key];
  EXPECT_EQ(agents, (std::map<uint32_t, int>{{1, 30}, {2, 10}, {3, 40}}));
}

}  // namespace
}  // namespace souk::allocator
