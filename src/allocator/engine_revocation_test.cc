// Guaranteed allocation and revocation (§3.3).
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "allocator/test_support.h"

namespace souk::allocator {
namespace {

Options options() {
  Options options;
  options.revocation_delay = 60s;
  options.revocation_grace = 10s;
  return options;
}

struct Revoking : Cluster {
  explicit Revoking(Options with = options(), Engine::Policy policy = Engine::Policy::kDrf)
      : Cluster(std::move(with), 1, policy) {}

  // Takes all of the grant by tasks of this size.
  void run(const Grant& grant, std::string_view size) {
    Resources left = grant.resources;
    while (left.contains(bag(size))) {
      left -= bag(size);
      start(grant.framework.value, grant.role, grant.agent, bag(size));
    }
    drf.accepted(grant.framework, grant.role, grant.agent, grant.resources - left);
    if (!left.empty()) {
      drf.recovered(grant.framework, grant.role, grant.agent, left, Refusal(3600s), at(now));
    }
    check();
  }
  void start(uint32_t framework, const std::string& role, AgentKey agent, const Resources& size) {
    const TaskId id("t" + std::to_string(++tasks));
    drf.task_started({FrameworkKey(framework), id, role, agent, size, MonoTime(now)});
    running[id] = {FrameworkKey(framework), role, agent, size};
  }
  void end(const TaskId& id) {
    const Grant task = running.at(id);
    running.erase(id);
    drf.recovered(task.framework, task.role, task.agent, task.resources, std::nullopt, at(now));
    drf.task_ended(task.framework, id);
    check();
  }
  // Lets time pass, as a host does: the module is asked whenever it wants to be.
  std::vector<Revocation> wait(Duration time) {
    const Duration end = now + time;
    std::vector<Revocation> all;
    while (now < end) {
      const Duration next = drf.next_deadline().value_or(MonoTime(end)).time_since_epoch();
      now = std::clamp(next, now + 1ns, end);
      for (Revocation& one : decide().revocations) all.push_back(std::move(one));
    }
    return all;
  }
  void end_one_of(uint32_t framework) {
    const auto at = std::ranges::find_if(running, [&](const auto& each) {
      return each.second.framework == FrameworkKey(framework);
    });
    const TaskId id = at->first;
    end(id);
  }

  int tasks = 0;
  std::map<TaskId, Grant> running;
};

// One framework has filled the cluster, a second one comes.
struct Filled : Revoking {
  explicit Filled(Options with = options()) : Revoking(std::move(with)) {
    framework(1);
    agent(1, "cpus:10;mem:10");
    run(only(), "cpus:1;mem:1");
    framework(2);
    EXPECT_TRUE(decide().revocations.empty());
  }
};

TEST(Revocation, OffByDefault) {
  Filled cluster{Options()};
  EXPECT_TRUE(cluster.wait(3600s).empty());
}

TEST(Revocation, AFrameworkBelowItsFairShareGetsItInTheEnd) {
  Filled cluster;
  EXPECT_TRUE(cluster.wait(59s).empty());
  EXPECT_EQ(cluster.drf.next_deadline(), MonoTime(60s));
  const auto revoked = cluster.wait(1s);
  ASSERT_EQ(revoked.size(), 5u) << "the half, and no more";
  for (const Revocation& revocation : revoked) {
    EXPECT_EQ(revocation.framework, FrameworkKey(1));
    EXPECT_EQ(revocation.in_favour_of, FrameworkKey(2));
    EXPECT_EQ(revocation.deadline, MonoTime(70s));
    cluster.end(revocation.task);
  }
  const Grant grant = cluster.only();
  EXPECT_EQ(grant.framework, FrameworkKey(2));
  cluster.run(grant, "cpus:1;mem:1");
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(cluster.wait(60s).empty()) << "both have their half";
}

TEST(Revocation, TheYoungestGoFirst) {
  Revoking cluster;
  cluster.framework(1);
  for (uint32_t key = 1; key <= 4; ++key) {
    cluster.agent(key, "cpus:1;mem:1");
    cluster.run(cluster.only(), "cpus:1;mem:1");
    cluster.now += 1s;
  }
  cluster.framework(2);
  cluster.decide();
  cluster.wait(59s);
  std::set<std::string> ids;
  for (const Revocation& revocation : cluster.wait(5s)) ids.insert(revocation.task.value);
  EXPECT_EQ(ids, (std::set<std::string>{"t3", "t4"}));
}

TEST(Revocation, NothingMoreWhileTasksAreStillToEnd) {
  Filled cluster;
  EXPECT_EQ(cluster.wait(60s).size(), 5u);
  EXPECT_TRUE(cluster.wait(600s).empty());
}

TEST(Revocation, WhoSuppressesOrRefusesDoesNotWait) {
  Filled cluster;
  cluster.drf.suppress(FrameworkKey(2), {});
  EXPECT_TRUE(cluster.wait(600s).empty());
  cluster.drf.revive(FrameworkKey(2), {});
  cluster.decide();
  cluster.agent(2, "cpus:1;mem:1");
  const Grant grant = cluster.only();
  cluster.decline(grant, 3600s);
  cluster.drf.suppress(FrameworkKey(1), {});
  EXPECT_TRUE(cluster.wait(600s).empty()) << "it refuses what is free";
}

TEST(Revocation, SlotsThatBecomeFreeByThemselvesDoNotPutItOff) {
  Filled cluster;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(cluster.wait(15s).empty());
    cluster.end_one_of(1);
    const Grant grant = cluster.only();
    ASSERT_EQ(grant.framework, FrameworkKey(2));
    cluster.run(grant, "cpus:1;mem:1");
  }
  EXPECT_EQ(cluster.wait(15s).size(), 2u) << "what is left of its half";
}

TEST(Revocation, WhatWasNotLackedAtEachLookIsNotRevoked) {
  Filled cluster;
  for (int i = 0; i < 5; ++i) cluster.end_one_of(1);
  const Grant grant = cluster.only();
  ASSERT_EQ(grant.framework, FrameworkKey(2));
  cluster.run(grant, "cpus:1;mem:1");
  // It has its half, and works in short tasks: one of them has always just ended when looked at.
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(cluster.wait(7s).empty());
    cluster.end_one_of(2);
    EXPECT_TRUE(cluster.wait(1s).empty());
    cluster.run({FrameworkKey(2), "*", AgentKey(1), bag("cpus:1;mem:1")}, "cpus:1;mem:1");
  }
}

TEST(Revocation, WhoDeclinesLeftoversStillWaits) {
  Revoking cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:10;mem:100");
  Grant grant = cluster.only();
  for (int i = 0; i < 10; ++i) cluster.start(1, "*", grant.agent, bag("cpus:1;mem:1"));
  cluster.drf.accepted(grant.framework, grant.role, grant.agent, bag("cpus:10;mem:10"));
  cluster.drf.recovered(grant.framework, grant.role, grant.agent, bag("mem:90"), Refusal(3600s),
                        at(cluster.now));
  cluster.framework(2);
  grant = cluster.only();
  EXPECT_EQ(grant.framework, FrameworkKey(2));
  cluster.decline(grant, 3600s);
  cluster.wait(59s);
  EXPECT_EQ(cluster.wait(1s).size(), 5u) << "memory without cpus is not what it waits for";
}

TEST(Revocation, AGuaranteeIsNeverBroken) {
  Revoking cluster;
  cluster.drf.set_quota("eng", {quantities_of(bag("cpus:9;mem:9")), {}});
  cluster.framework(1, {"eng"});
  cluster.agent(1, "cpus:10;mem:10");
  cluster.run(cluster.only(), "cpus:1;mem:1");
  cluster.framework(2, {"ops"});
  cluster.decide();
  cluster.wait(59s);
  const auto revoked = cluster.wait(1s);
  EXPECT_EQ(revoked.size(), 1u) << "ten are held, nine are guaranteed";
}

TEST(Revocation, AGuaranteeIsMetAtTheCostOfOthers) {
  Revoking cluster;
  cluster.framework(1, {"ops"});
  cluster.agent(1, "cpus:10;mem:10");
  cluster.run(cluster.only(), "cpus:1;mem:1");
  cluster.drf.set_quota("eng", {quantities_of(bag("cpus:8;mem:8")), {}});
  cluster.framework(2, {"eng"});
  cluster.decide();
  cluster.decide();
  cluster.wait(59s);
  EXPECT_EQ(cluster.wait(1s).size(), 8u) << "more than the fair half";
}

TEST(Revocation, WhatIsOnlyOfferedDoesNotMakeAFrameworkRich) {
  Revoking cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:4;mem:1000");
  const Grant grant = cluster.only();
  for (int i = 0; i < 4; ++i) cluster.start(1, "*", grant.agent, bag("cpus:1;mem:1"));
  cluster.drf.accepted(grant.framework, grant.role, grant.agent, bag("cpus:4;mem:4"));
  cluster.framework(2);
  cluster.decide();
  cluster.wait(59s);
  EXPECT_EQ(cluster.wait(1s).size(), 2u) << "though the first one sits on nearly all memory";
}

TEST(Revocation, RigidFrameworksLast) {
  Revoking cluster;
  auto rigid = Cluster::framework_facts(1);
  rigid.rigid = true;
  cluster.drf.add_framework(rigid, {});
  cluster.framework(2);
  cluster.agent(1, "cpus:6;mem:6");
  cluster.agent(2, "cpus:6;mem:6");
  for (const Grant& grant : cluster.allocate()) cluster.run(grant, "cpus:1;mem:1");
  cluster.framework(3);
  cluster.decide();
  cluster.wait(59s);
  int of_rigid = 0;
  int of_other = 0;
  for (const Revocation& revocation : cluster.wait(1s)) {
    ++(revocation.framework == FrameworkKey(1) ? of_rigid : of_other);
  }
  EXPECT_EQ(of_other, 2) << "down to its own fair share";
  EXPECT_EQ(of_rigid, 2);
}

TEST(Revocation, WhoTakesNothingWaitsTwiceAsLong) {
  Filled cluster;
  for (const Revocation& revocation : cluster.wait(60s)) cluster.end(revocation.task);
  Grant grant = cluster.only();
  EXPECT_EQ(grant.framework, FrameworkKey(2));
  cluster.decline(grant, 1s);
  grant = cluster.only();
  ASSERT_EQ(grant.framework, FrameworkKey(1));
  cluster.run(grant, "cpus:1;mem:1");
  cluster.wait(1s);
  EXPECT_TRUE(cluster.wait(100s).empty());
  EXPECT_FALSE(cluster.wait(40s).empty());
}

TEST(Revocation, YoungestFirstAndNoneTooMany) {
  Revoking cluster;
  cluster.framework(1);
  cluster.agent(1, "cpus:10;mem:10");
  const Grant grant = cluster.only();
  cluster.start(1, "*", grant.agent, bag("cpus:5;mem:5"));
  cluster.now += 1s;
  for (int i = 0; i < 5; ++i) cluster.start(1, "*", grant.agent, bag("cpus:1;mem:1"));
  cluster.drf.accepted(grant.framework, grant.role, grant.agent, grant.resources);
  cluster.framework(2);
  cluster.decide();
  cluster.wait(59s);
  EXPECT_EQ(cluster.wait(2s).size(), 5u) << "youngest first, and they reach the half";
}

TEST(Revocation, ALowerLevelGivesWay) {
  Options with = options();
  with.role_priorities = {{"prod", 1}};
  Revoking cluster(std::move(with), Engine::Policy::kPriority);
  cluster.framework(1, {"batch"});
  cluster.agent(1, "cpus:4;mem:4");
  cluster.run(cluster.only(), "cpus:1;mem:1");
  cluster.framework(2, {"prod"});
  cluster.decide();
  cluster.wait(59s);
  EXPECT_EQ(cluster.wait(1s).size(), 4u) << "all of it";
}

TEST(Shares, SayWhatAFrameworkHasARightTo) {
  Cluster cluster({.role_weights = {{"eng", Scalar{3000}}}});
  cluster.drf.set_quota("eng", {quantities_of(bag("cpus:4")), {}});
  cluster.framework(1, {"eng"});
  cluster.framework(2, {"eng"});
  cluster.framework(3, {"ops"});
  cluster.agent(1, "cpus:8;mem:100");
  const Grant grant = cluster.only();
  const Share share = cluster.drf.share(grant.framework);
  EXPECT_EQ(share.dominant, "cpus");
  EXPECT_EQ(share.used, 8000);
  EXPECT_EQ(share.total, 8000);
  EXPECT_EQ(share.offered, quantities_of(bag("cpus:8;mem:100")));
  EXPECT_EQ(share.guaranteed, quantities_of(bag("cpus:2")));
  EXPECT_EQ(share.fair_millionths, 375'000);
  cluster.use(grant, bag("cpus:1"));
  EXPECT_TRUE(cluster.drf.share(grant.framework).offered.empty());
  EXPECT_EQ(cluster.drf.share(grant.framework).held, quantities_of(bag("cpus:1")));
}

}  // namespace
}  // namespace souk::allocator
