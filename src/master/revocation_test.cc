// Revocation (§3.3): inverse offers, their deadlines, and what ends them.
#include <algorithm>

#include "master/test_support.h"

namespace souk::master {
namespace {

namespace call = protocol::call;
namespace event = protocol::event;
namespace to_agent = protocol::to_agent;
namespace to_master = protocol::to_master;
using Answer = protocol::InverseOfferView::Answer;

FrameworkInfo patient(const std::string& name) {
  FrameworkInfo info = make_framework(name);
  info.failover_timeout = 1h;
  return info;
}

// One agent, one framework, and tasks of it that run.
struct Cluster : World {
  explicit Cluster(const std::vector<std::string>& tasks = {"t"}, Options options = {})
      : World(std::move(options)) {
    link = register_agent("a");
    agent = agent_of(link);
    info = machine().view().agents.at(0)->info;
    stream = subscribe(patient("f"));
    framework = framework_of(stream);
    std::vector<TaskSpec> specs;
    for (const std::string& task : tasks) specs.push_back(make_task(task, agent));
    launch(stream, offers(stream).at(0), std::move(specs), 1000s);
    for (const std::string& task : tasks) update(link, framework, task, TaskState::kRunning);
    said[link].clear();
    updates(stream);
  }
  void revoke(const std::string& task, Duration in) {
    allocator().revoke(framework, task, now().mono + in);
  }
  std::vector<InverseOffer> inverse_offers() {
    std::vector<InverseOffer> all;
    for (auto& event : take<event::InverseOffers>(stream)) {
      for (InverseOffer& offer : event.offers) all.push_back(std::move(offer));
    }
    return all;
  }
  std::vector<OfferId> rescinded() {
    std::vector<OfferId> all;
    for (const auto& event : take<event::RescindInverseOffer>(stream)) all.push_back(event.offer);
    return all;
  }
  std::vector<protocol::InverseOfferView> viewed() {
    return machine().view().frameworks.at(0).inverse_offers;
  }
  std::vector<to_agent::KillTask> kills() {
    auto all = heard<to_agent::KillTask>(link);
    said[link].clear();
    return all;
  }
  // The link breaks, and the agent comes back with these tasks.
  void come_back(const std::vector<std::string>& tasks) {
    to_master::Register message;
    message.agent = info;
    message.frameworks = {patient("f")};
    message.frameworks[0].id = framework;
    for (const std::string& task : tasks) {
      message.tasks.push_back({.framework_id = framework,
                               .executor_id = ExecutorId(task),
                               .role = "*",
                               .spec = make_task(task, agent),
                               .state = TaskState::kRunning,
                               .command_task = true});
    }
    link = register_as(std::move(message));
  }

  ConnectionId link;
  AgentId agent;
  AgentInfo info;
  ConnectionId stream;
  FrameworkId framework;
};

TEST(MasterRevocation, TellsTheFrameworkAndKillsAtTheDeadline) {
  Cluster world({"t", "u"});
  world.revoke("t", 30s);
  world.batch();
  const auto offers = world.inverse_offers();
  ASSERT_EQ(offers.size(), 1u);
  EXPECT_EQ(offers[0].framework_id, world.framework);
  EXPECT_EQ(offers[0].agent_id, world.agent);
  EXPECT_EQ(offers[0].hostname, "a");
  EXPECT_EQ(offers[0].ip, "127.0.0.1");
  EXPECT_EQ(offers[0].port, 5051);
  EXPECT_EQ(offers[0].start, world.now().wall + 30s);
  EXPECT_EQ(offers[0].resources.to_string(), "cpus:1;mem:128");
  world.pass(30s - 1ns);
  EXPECT_TRUE(world.kills().empty());
  world.pass(1ns);
  const auto kills = world.kills();
  ASSERT_EQ(kills.size(), 1u);
  EXPECT_EQ(kills[0].task_id, TaskId("t"));
  EXPECT_EQ(kills[0].framework_id, world.framework);
  EXPECT_EQ(kills[0].reason, Reason::kContainerPreempted);
  EXPECT_TRUE(world.viewed().empty());
  // It is over: nothing is left that one could take back.
  world.update(world.link, world.framework, "t", TaskState::kLost);
  EXPECT_TRUE(world.rescinded().empty());
  EXPECT_EQ(world.updates(world.stream).size(), 1u);
}

TEST(MasterRevocation, OfferIdsAreNeverUsedTwice) {
  Cluster world({"t", "u"});
  world.revoke("t", 30s);
  world.revoke("u", 31s);
  world.batch();
  const auto inverse = world.inverse_offers();
  ASSERT_EQ(inverse.size(), 2u);
  EXPECT_NE(inverse[0].id, inverse[1].id);
  const ConnectionId other = world.subscribe(make_framework("g"));
  for (const Offer& offer : world.offers(other)) {
    EXPECT_NE(offer.id, inverse[0].id);
    EXPECT_NE(offer.id, inverse[1].id);
  }
}

TEST(MasterRevocation, OneInverseOfferForAFrameworkAnAgentAndADeadline) {
  Cluster world({"t", "u", "v"});
  const ConnectionId second = world.register_agent("b", "cpus:2;mem:256");
  world.launch(world.stream, world.offers(world.stream).at(0),
               {make_task("w", world.agent_of(second))});
  world.revoke("t", 30s);
  world.revoke("w", 30s);
  world.revoke("u", 30s);
  world.revoke("v", 40s);
  world.batch();
  const auto events = world.take<event::InverseOffers>(world.stream);
  ASSERT_EQ(events.size(), 1u);  // and one event for them all
  const auto& offers = events[0].offers;
  ASSERT_EQ(offers.size(), 3u);
  EXPECT_EQ(offers[0].agent_id, world.agent);
  EXPECT_EQ(offers[0].resources.to_string(), "cpus:2;mem:256");
  EXPECT_EQ(offers[1].agent_id, world.agent_of(second));
  EXPECT_EQ(offers[2].start, offers[0].start + 10s);
  const auto viewed = world.viewed();
  ASSERT_EQ(viewed.size(), 3u);
  EXPECT_EQ(viewed[0].tasks, (std::vector{TaskId("t"), TaskId("u")}));
  world.pass(30s);
  EXPECT_EQ(world.kills().size(), 2u);
  EXPECT_EQ(world.heard<to_agent::KillTask>(second).size(), 1u);
  world.pass(10s);
  EXPECT_EQ(world.kills().size(), 1u);
}

TEST(MasterRevocation, AnEventHoldsNoMoreThanItsBound) {
  Options options;
  options.max_offers_per_event = 2;
  Cluster world({"t", "u", "v"}, options);
  world.revoke("t", 30s);
  world.revoke("u", 31s);
  world.revoke("v", 32s);
  world.batch();
  const auto events = world.take<event::InverseOffers>(world.stream);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].offers.size(), 2u);
  EXPECT_EQ(events[1].offers.size(), 1u);
}

TEST(MasterRevocation, IsOverWhenAllItsTasksHaveEnded) {
  Cluster world({"t", "u"});
  world.revoke("t", 30s);
  world.revoke("u", 30s);
  world.batch();
  const auto offers = world.inverse_offers();
  ASSERT_EQ(offers.size(), 1u);
  world.update(world.link, world.framework, "t", TaskState::kFinished);
  EXPECT_TRUE(world.rescinded().empty());
  ASSERT_EQ(world.viewed().size(), 1u);
  EXPECT_EQ(world.viewed()[0].resources.to_string(), "cpus:1;mem:128");
  world.update(world.link, world.framework, "u", TaskState::kKilled);
  EXPECT_EQ(world.rescinded(), std::vector{offers[0].id});
  EXPECT_TRUE(world.viewed().empty());
  world.pass(60s);
  EXPECT_TRUE(world.kills().empty());
}

TEST(MasterRevocation, KillsOnlyWhatStillRuns) {
  Cluster world({"t", "u"});
  world.revoke("t", 30s);
  world.revoke("u", 30s);
  world.batch();
  world.update(world.link, world.framework, "t", TaskState::kFinished);
  world.pass(30s);
  const auto kills = world.kills();
  ASSERT_EQ(kills.size(), 1u);
  EXPECT_EQ(kills[0].task_id, TaskId("u"));
}

TEST(MasterRevocation, AnswersAreNotedAndChangeNothing) {
  Cluster world({"t", "u"});
  world.revoke("t", 30s);
  world.revoke("u", 31s);
  world.batch();
  const auto offers = world.inverse_offers();
  ASSERT_EQ(offers.size(), 2u);
  EXPECT_EQ(world.call(world.stream, call::AcceptInverseOffers{{offers[0].id, OfferId("?")}}), 202);
  EXPECT_EQ(world.call(world.stream, call::DeclineInverseOffers{{OfferId(), offers[1].id}}), 202);
  auto viewed = world.viewed();
  ASSERT_EQ(viewed.size(), 2u);
  EXPECT_EQ(viewed[0].answer, Answer::kAccepted);
  EXPECT_EQ(viewed[1].answer, Answer::kDeclined);
  // Another framework has no say.
  const ConnectionId other = world.subscribe(make_framework("g"));
  EXPECT_EQ(world.call(other, call::DeclineInverseOffers{{offers[0].id}}), 202);
  EXPECT_EQ(world.viewed()[0].answer, Answer::kAccepted);
  world.call(world.stream, call::DeclineInverseOffers{{offers[0].id}});
  EXPECT_EQ(world.viewed()[0].answer, Answer::kDeclined);
  world.pass(31s);
  EXPECT_EQ(world.kills().size(), 2u);
}

TEST(MasterRevocation, InverseOffersAreNoOffers) {
  Cluster world;
  world.revoke("t", 30s);
  world.batch();
  const auto offers = world.inverse_offers();
  ASSERT_EQ(offers.size(), 1u);
  EXPECT_EQ(world.call(world.stream, call::Decline{{offers[0].id}, {}}), 202);
  call::Accept accept;
  accept.offers = {offers[0].id};
  accept.operations.push_back({{}, protocol::Launch{{make_task("x", world.agent)}}});
  EXPECT_EQ(world.call(world.stream, std::move(accept)), 202);
  const auto updates = world.updates(world.stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].reason, Reason::kInvalidOffers);
  EXPECT_EQ(world.viewed().size(), 1u);
}

TEST(MasterRevocation, ASchedulerThatComesBackIsToldAgain) {
  Cluster world({"t", "u"});
  world.step(ConnectionClosed{world.stream});
  world.revoke("t", 30s);
  world.revoke("u", 10s);
  world.batch();
  ASSERT_EQ(world.viewed().size(), 2u);
  world.pass(10s);  // u's time is up
  EXPECT_EQ(world.kills().size(), 1u);
  FrameworkInfo info = patient("f");
  info.id = world.framework;
  world.stream = world.subscribe(info);
  auto offers = world.inverse_offers();
  ASSERT_EQ(offers.size(), 1u);
  EXPECT_EQ(offers[0].start, world.now().wall + 20s);
  world.stream = world.subscribe(info);  // a second instance takes over
  EXPECT_EQ(world.inverse_offers(), offers);
  world.update(world.link, world.framework, "t", TaskState::kFinished);
  EXPECT_EQ(world.rescinded(), std::vector{offers[0].id});
}

TEST(MasterRevocation, AnAgentThatIsAwayHearsItWhenItRegistersAgain) {
  Cluster world({"t", "u"});
  world.revoke("t", 5s);
  world.batch();
  world.step(LinkClosed{world.link});
  world.pass(5s);
  world.come_back({"t", "u"});
  auto kills = world.kills();
  ASSERT_EQ(kills.size(), 1u);
  EXPECT_EQ(kills[0].task_id, TaskId("t"));
  EXPECT_EQ(kills[0].reason, Reason::kContainerPreempted);
  world.step(LinkClosed{world.link});  // it may not have got through
  world.come_back({"t", "u"});
  EXPECT_EQ(world.kills().size(), 1u);
}

TEST(MasterRevocation, GoesWithATaskThatIsLost) {
  Cluster world;
  world.revoke("t", 100s);
  world.batch();
  const auto offers = world.inverse_offers();
  ASSERT_EQ(offers.size(), 1u);
  world.step(LinkClosed{world.link});
  world.pass(80s);  // unreachable
  EXPECT_EQ(world.rescinded(), std::vector{offers[0].id});
  world.come_back({"t"});
  EXPECT_TRUE(world.viewed().empty());
  world.pass(30s);
  EXPECT_TRUE(world.kills().empty());
  EXPECT_EQ(world.allocator().tasks.size(), 1u);  // and may be revoked anew
}

TEST(MasterRevocation, GoesWithATaskThatTheAgentNeverHad) {
  Cluster world({"t", "u"});
  world.revoke("t", 300s);
  world.batch();
  ASSERT_EQ(world.inverse_offers().size(), 1u);
  world.step(LinkClosed{world.link});
  world.come_back({"u"});
  EXPECT_EQ(world.rescinded().size(), 1u);
}

TEST(MasterRevocation, GoesWithItsFramework) {
  Cluster world({"t", "u"});
  world.revoke("t", 30s);
  world.revoke("u", 31s);
  world.batch();
  world.call(world.stream, call::Teardown{});
  EXPECT_TRUE(world.machine().view().frameworks.empty());
  EXPECT_TRUE(world.allocator().tasks.empty());
  world.pass(60s);
  EXPECT_TRUE(world.kills().empty());
}

TEST(MasterRevocation, OfWhatIsNotThereIsIgnored) {
  Cluster world({"t", "u"});
  auto& extra = world.allocator().extra.revocations;
  world.revoke("t", 30s);
  world.revoke("t", 60s);  // once is enough
  extra.push_back(extra.front());
  extra.back().task = TaskId("?");
  extra.push_back(extra.front());
  extra.back().framework = FrameworkKey(99);
  world.batch();
  ASSERT_EQ(world.inverse_offers().size(), 1u);
  world.revoke("t", 10s);
  world.batch();
  EXPECT_TRUE(world.inverse_offers().empty());
  world.pass(30s);
  EXPECT_EQ(world.kills().size(), 1u);
  world.revoke("t", 10s);  // is being killed
  world.batch();
  EXPECT_TRUE(world.inverse_offers().empty());
  world.update(world.link, world.framework, "t", TaskState::kKilled);
  world.update(world.link, world.framework, "u", TaskState::kFailed);
  world.revoke("u", 10s);
  world.batch();
  EXPECT_TRUE(world.inverse_offers().empty());
}

TEST(MasterRevocation, DeadlinesMayBeAnything) {
  Cluster world({"t", "u"});
  world.allocator().revoke(world.framework, "t", MonoTime::min());
  world.allocator().revoke(world.framework, "u", MonoTime::max());
  world.batch();
  const auto offers = world.inverse_offers();
  ASSERT_EQ(offers.size(), 2u);
  EXPECT_EQ(offers[0].start, world.now().wall);
  EXPECT_EQ(offers[1].start, world.now().wall + kMaxRefuse);
  world.pass(0s);
  EXPECT_EQ(world.kills().size(), 1u);
}

TEST(MasterRevocation, LeavesATaskNoMoreGraceThanItsBound) {
  Cluster world(std::vector<std::string>{});
  TaskSpec slow = make_task("slow", world.agent);
  slow.kill_grace = 1h;
  TaskSpec fast = make_task("fast", world.agent);
  fast.kill_grace = 10ms;
  world.call(world.stream, call::Revive{});
  world.launch(world.stream, world.offers(world.stream).at(0),
               {slow, fast, make_task("plain", world.agent)});
  for (const char* task : {"slow", "fast", "plain"}) world.revoke(task, 1s);
  world.batch();
  world.pass(1s);
  auto kills = world.kills();
  ASSERT_EQ(kills.size(), 3u);
  EXPECT_EQ(kills[0].grace, 10ms);
  EXPECT_EQ(kills[1].grace, kMaxRevokedKillGrace);
  EXPECT_EQ(kills[2].grace, kMaxRevokedKillGrace);
  // A KILL of its scheduler makes it no longer.
  world.call(world.stream, call::Kill{TaskId("slow"), world.agent, 1h});
  kills = world.kills();
  ASSERT_EQ(kills.size(), 1u);
  EXPECT_EQ(kills[0].grace, kMaxRevokedKillGrace);
  EXPECT_EQ(kills[0].reason, Reason::kContainerPreempted);
}

TEST(MasterRevocation, AKillBeforeTheDeadlineIsAPlainOne) {
  Cluster world;
  world.revoke("t", 30s);
  world.batch();
  world.call(world.stream, call::Kill{TaskId("t"), world.agent, 5s});
  const auto kills = world.kills();
  ASSERT_EQ(kills.size(), 1u);
  EXPECT_EQ(kills[0].grace, 5s);
  EXPECT_EQ(kills[0].reason, std::nullopt);
}

TEST(MasterRevocation, IsCounted) {
  Cluster world;
  world.revoke("t", 30s);
  world.batch();
  world.call(world.stream, call::AcceptInverseOffers{});
  world.update(world.link, world.framework, "t", TaskState::kFinished);
  const auto counters = world.machine().view().frameworks.at(0).counters;
  EXPECT_EQ(counters.events[protocol::SchedulerEvent(event::InverseOffers{}).index()], 1u);
  EXPECT_EQ(counters.events[protocol::SchedulerEvent(event::RescindInverseOffer{}).index()], 1u);
  EXPECT_EQ(counters.calls[protocol::SchedulerCallBody(call::AcceptInverseOffers{}).index()], 1u);
}

// --- offers that the allocator takes back

TEST(MasterRescind, TakesBackTheOffersOfOneHolder) {
  World world;
  const ConnectionId link = world.register_agent("a");
  world.register_agent("b");
  const ConnectionId stream = world.subscribe(make_framework("f"));
  const auto offers = world.offers(stream);
  ASSERT_EQ(offers.size(), 2u);
  TestAllocator& allocator = world.allocator();
  const FrameworkKey framework = allocator.key_of(world.framework_of(stream));
  const AgentKey agent = allocator.key_of(world.agent_of(link));
  allocator.extra.rescinds.push_back({framework, "other", agent});
  world.batch();
  EXPECT_TRUE(world.take<event::Rescind>(stream).empty());
  allocator.refusals.clear();
  allocator.extra.rescinds.push_back({framework, "*", agent});
  world.batch();
  const auto rescinds = world.take<event::Rescind>(stream);
  ASSERT_EQ(rescinds.size(), 1u);
  const auto of_it = std::ranges::find(offers, world.agent_of(link), &Offer::agent_id);
  EXPECT_EQ(rescinds[0].offer, of_it->id);
  ASSERT_EQ(allocator.refusals.size(), 1u);
  EXPECT_EQ(allocator.refusals[0].length, 0s);
}

TEST(MasterRescind, WhatItSetsFreeIsDecidedOnAtOnce) {
  World world;
  const ConnectionId link = world.register_agent("a");
  const ConnectionId first = world.subscribe(make_framework("f"));
  ASSERT_EQ(world.offers(first).size(), 1u);
  const ConnectionId second = world.subscribe(make_framework("g"));
  ASSERT_TRUE(world.offers(second).empty());
  world.allocator().extra.rescinds.push_back({world.allocator().key_of(world.framework_of(first)),
                                              "*", world.allocator().key_of(world.agent_of(link))});
  EXPECT_EQ(world.offers(second).size(), 1u);
}

TEST(MasterRescind, AModuleThatNeverComesToAnEndHoldsUpNobody) {
  World world;
  const ConnectionId link = world.register_agent("a");
  const ConnectionId stream = world.subscribe(make_framework("f"));
  const FrameworkKey framework = world.allocator().key_of(world.framework_of(stream));
  const AgentKey agent = world.allocator().key_of(world.agent_of(link));
  world.allocator().meddle = [&](Now, allocator::Decisions& decisions) {
    decisions.rescinds.push_back({framework, "*", agent});
  };
  const int before = world.allocator().allocations;
  world.batch();
  EXPECT_EQ(world.allocator().allocations, before + kMaxAllocationRounds);
}

// --- what the allocator is told

TEST(MasterFacts, ARefusalNamesItsOffer) {
  World world;
  const ConnectionId link = world.register_agent("a");
  const ConnectionId stream = world.subscribe(make_framework("f"));
  const Offer first = world.offers(stream).at(0);
  auto& refusals = world.allocator().refusals;
  world.call(stream, call::Decline{{first.id}, {10s}});
  ASSERT_EQ(refusals.size(), 1u);
  EXPECT_EQ(refusals[0].length, 10s);
  EXPECT_EQ(OfferId(fmt::format("m-O{}", refusals[0].offer)), first.id);
  EXPECT_NE(refusals[0].offer, 0u);  // which stands for none
  world.pass(10s);
  const Offer second = world.offers(stream).at(0);
  world.launch(stream, second, {make_task("t", world.agent_of(link))}, 7s);
  ASSERT_EQ(refusals.size(), 2u);
  EXPECT_EQ(refusals[1].length, 7s);
  EXPECT_EQ(OfferId(fmt::format("m-O{}", refusals[1].offer)), second.id);
}

TEST(MasterFacts, TasksAndWhatTheyHold) {
  Cluster world({"t", "u"});
  const auto& tasks = world.allocator().tasks;
  ASSERT_EQ(tasks.size(), 2u);
  const auto& task = tasks.begin()->second;
  EXPECT_EQ(task.id, TaskId("t"));
  EXPECT_EQ(task.role, "*");
  EXPECT_EQ(task.agent, world.allocator().key_of(world.agent));
  EXPECT_EQ(task.resources.to_string(), "cpus:1;mem:128");
  EXPECT_EQ(task.since, world.now().mono);
  world.update(world.link, world.framework, "t", TaskState::kFinished);
  EXPECT_EQ(tasks.size(), 1u);  // acknowledged or not
  // Those that a new master learns of.
  World other({}, {}, false);
  protocol::Registry registry;
  registry.admitted[world.agent] = {"a"};
  other.step(Recovered{registry});
  to_master::Register message;
  message.agent = world.machine().view().agents.at(0)->info;
  message.frameworks = {patient("f")};
  message.frameworks[0].id = world.framework;
  message.tasks = {{.framework_id = world.framework,
                    .executor_id = ExecutorId("u"),
                    .role = "*",
                    .spec = make_task("u", world.agent),
                    .state = TaskState::kRunning,
                    .command_task = true},
                   {.framework_id = world.framework,
                    .executor_id = ExecutorId("t"),
                    .role = "*",
                    .spec = make_task("t", world.agent),
                    .state = TaskState::kFinished,
                    .command_task = true}};
  other.register_as(std::move(message));
  ASSERT_EQ(other.allocator().tasks.size(), 1u);
  EXPECT_EQ(other.allocator().tasks.begin()->second.id, TaskId("u"));
  EXPECT_EQ(other.allocator().tasks.begin()->second.since, other.now().mono);
}

TEST(MasterFacts, WhatAFrameworkSaysByLabels) {
  World world;
  FrameworkInfo info = make_framework("f");
  info.labels = {{std::string(kShortSlotsLabel), "true"}, {std::string(kRigidLabel), "false"}};
  const ConnectionId stream = world.subscribe(info);
  const FrameworkId id = world.framework_of(stream);
  const auto facts = [&]() -> const allocator::FrameworkFacts& {
    return world.allocator().frameworks.at(world.allocator().key_of(id));
  };
  EXPECT_TRUE(facts().takes_short_slots);
  EXPECT_FALSE(facts().rigid);
  info.id = id;
  info.labels = {{std::string(kShortSlotsLabel), std::nullopt}, {std::string(kRigidLabel), "true"}};
  EXPECT_EQ(world.call(stream, call::UpdateFramework{info, {}}), 200);
  EXPECT_FALSE(facts().takes_short_slots);
  EXPECT_TRUE(facts().rigid);
}

}  // namespace
}  // namespace souk::master
