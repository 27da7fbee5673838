// What §3 of the paper says of the architecture, each claim with its section, on the real master
// with the real allocator.
#include <algorithm>

#include "master/test_support.h"

namespace souk::master {
namespace {

namespace call = protocol::call;
namespace event = protocol::event;

int64_t cpus_of(const std::vector<Offer>& offers) {
  int64_t sum = 0;
  for (const Offer& offer : offers) sum += offer.resources.scalar("cpus").thousandths;
  return sum;
}

// §3.1: an offer names free resources of several agents at once.
TEST(Section3, AnOfferIsAListOfFreeResourcesOnSeveralAgents) {
  World world;
  for (int i = 0; i < 3; ++i) world.register_agent(fmt::format("a{}", i), "cpus:4;mem:4096");
  const ConnectionId stream = world.subscribe(make_framework("f"));
  world.batch();
  const auto events = world.take<event::Offers>(stream);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].offers.size(), 3u);
  EXPECT_EQ(cpus_of(events[0].offers), 12'000);
}

// §3.1: the framework decides which resources to accept, and what to run on them.
TEST(Section3, TheFrameworkChoosesWhatToTakeAndTheRestIsOfferedOn) {
  World world;
  const ConnectionId link = world.register_agent("a", "cpus:4;mem:4096");
  const ConnectionId first = world.subscribe(make_framework("first"));
  const auto offers = world.offers(first);
  world.launch(first, offers.at(0), {make_task("t", world.agent_of(link), "cpus:1;mem:1024")});
  const ConnectionId second = world.subscribe(make_framework("second"));
  EXPECT_EQ(cpus_of(world.offers(second)), 3000);
}

// §3.2: a framework rejects offers that do not satisfy its constraints, and stays able to wait for
// ones that do.
TEST(Section3, RejectingIsHowConstraintsAreMet) {
  World world;
  world.register_agent("no data here", "cpus:4;mem:4096");
  const ConnectionId stream = world.subscribe(make_framework("f"));
  const auto offers = world.offers(stream);
  world.call(stream, call::Decline{{offers.at(0).id}, {60s}});
  const ConnectionId link = world.register_agent("data", "cpus:4;mem:4096");
  const auto more = world.offers(stream);
  ASSERT_EQ(more.size(), 1u);
  EXPECT_EQ(more[0].agent_id, world.agent_of(link));
}

// §3.3: resources are reallocated when tasks finish, to whoever is below its share.
TEST(Section3, WhatATaskFreesGoesToTheFrameworkFarthestBelowItsShare) {
  World world;
  const ConnectionId link = world.register_agent("a", "cpus:4;mem:4096");
  const AgentId agent = world.agent_of(link);
  const ConnectionId rich = world.subscribe(make_framework("rich"));
  const FrameworkId rich_id = world.framework_of(rich);
  const auto offers = world.offers(rich);
  std::vector<TaskSpec> tasks;
  for (int i = 0; i < 4; ++i) {
    tasks.push_back(make_task(fmt::format("t{}", i), agent, "cpus:1;mem:1024"));
  }
  world.launch(rich, offers.at(0), std::move(tasks));
  const ConnectionId poor = world.subscribe(make_framework("poor"));
  EXPECT_TRUE(world.offers(poor).empty());
  world.update(link, rich_id, "t0", TaskState::kFinished);
  EXPECT_EQ(cpus_of(world.offers(poor)), 1000);
  EXPECT_TRUE(world.offers(rich).empty());
}

// §3.3 and the DRF paper: 9 CPUs and 18 GB, A wants <1 CPU, 4 GB>, B <3 CPUs, 1 GB>: A gets three
// tasks, B two.
TEST(Section3, DominantResourcesAreSharedFairly) {
  World world;
  const ConnectionId link = world.register_agent("a", "cpus:9;mem:18432");
  const AgentId agent = world.agent_of(link);
  struct User {
    ConnectionId stream;
    const char* demand;
    int tasks = 0;
    bool satisfied = false;
  };
  std::vector<User> users{{world.subscribe(make_framework("A")), "cpus:1;mem:4096"},
                          {world.subscribe(make_framework("B")), "cpus:3;mem:1024"}};
  for (int round = 0; round < 20; ++round) {
    for (User& user : users) {
      for (const Offer& offer : world.offers(user.stream)) {
        if (!offer.resources.contains(Resources::parse(user.demand).value())) {
          world.call(user.stream, call::Decline{{offer.id}, {3600s}});
          continue;
        }
        const std::string id = fmt::format("t{}", user.tasks++);
        world.launch(user.stream, offer, {make_task(id, agent, user.demand)}, 0s);
      }
    }
  }
  EXPECT_EQ(users[0].tasks, 3);
  EXPECT_EQ(users[1].tasks, 2);
}

// §3.5: offered resources count towards the framework's share.
TEST(Section3, SittingOnOffersIsPaidFor) {
  World world;
  world.register_agent("a", "cpus:4;mem:4096");
  const ConnectionId hoarder = world.subscribe(make_framework("hoarder"));
  ASSERT_EQ(world.offers(hoarder).size(), 1u);
  const ConnectionId other = world.subscribe(make_framework("other"));
  for (int i = 0; i < 3; ++i) {
    world.register_agent(fmt::format("b{}", i), "cpus:1;mem:1024");
    EXPECT_EQ(world.offers(hoarder).size(), 0u) << i;
    EXPECT_EQ(world.offers(other).size(), 1u) << i;
  }
}

// §3.5: an offer that is not answered for long enough is rescinded and offered to others.
TEST(Section3, AnUnansweredOfferIsRescinded) {
  World world;
  world.register_agent("a", "cpus:4;mem:4096");
  const ConnectionId silent = world.subscribe(make_framework("silent"));
  const auto offers = world.offers(silent);
  const ConnectionId other = world.subscribe(make_framework("other"));
  world.pass(31s);
  const auto rescinds = world.take<event::Rescind>(silent);
  ASSERT_EQ(rescinds.size(), 1u);
  EXPECT_EQ(rescinds[0].offer, offers.at(0).id);
  EXPECT_EQ(world.offers(other).size(), 1u);
}

// §3.6: a new master rebuilds its state from the agents and the frameworks.
TEST(Section3, StateIsSoft) {
  FrameworkInfo info = make_framework("f");
  info.id = FrameworkId("old-0000");
  info.failover_timeout = 600s;
  protocol::to_master::Register report;
  report.agent.id = AgentId("old-S0");
  report.agent.hostname = "a";
  report.agent.resources = Resources::parse("cpus:4;mem:4096").value();
  report.frameworks = {info};
  report.tasks.push_back({.framework_id = info.id,
                          .executor_id = ExecutorId("t"),
                          .role = "*",
                          .spec = make_task("t", report.agent.id, "cpus:3;mem:1024"),
                          .state = TaskState::kRunning,
                          .command_task = true});
  protocol::Registry registry;
  registry.admitted[report.agent.id] = {"a"};
  World world({}, registry);
  world.register_as(report);
  const ConnectionId stream = world.subscribe(info);
  EXPECT_EQ(cpus_of(world.offers(stream)), 1000);
  world.call(stream, call::Reconcile{});
  const auto updates = world.updates(stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].state, TaskState::kRunning);
}

// §3.6: a scheduler that fails is replaced by another one that registers under the framework's id.
TEST(Section3, AnotherSchedulerTakesOver) {
  World world;
  FrameworkInfo info = make_framework("f");
  info.failover_timeout = 600s;
  const ConnectionId first = world.subscribe(info);
  info.id = world.framework_of(first);
  const ConnectionId second = world.subscribe(info);
  EXPECT_EQ(world.framework_of(second), info.id);
  EXPECT_EQ(world.closed_streams, std::vector{first});
}

}  // namespace
}  // namespace souk::master
