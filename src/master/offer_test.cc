// Offers: made, answered, declined, rescinded (§3.1, §3.5).
#include <algorithm>

#include "master/test_support.h"

namespace souk::master {
namespace {

namespace call = protocol::call;
namespace event = protocol::event;

struct Cluster : World {
  explicit Cluster(Options options = {}) : World(std::move(options)) {
    link = register_agent("a");
    agent = agent_of(link);
    stream = subscribe(make_framework("f"));
    framework = framework_of(stream);
  }
  ConnectionId link;
  AgentId agent;
  ConnectionId stream;
  FrameworkId framework;
};

TEST(MasterOffer, TellsAllThatSchedulersNeed) {
  Cluster world;
  const auto offers = world.offers(world.stream);
  ASSERT_EQ(offers.size(), 1u);
  EXPECT_EQ(offers[0].id, OfferId("m-O1"));
  EXPECT_EQ(offers[0].framework_id, world.framework);
  EXPECT_EQ(offers[0].agent_id, world.agent);
  EXPECT_EQ(offers[0].hostname, "a");
  EXPECT_EQ(offers[0].ip, "127.0.0.1");
  EXPECT_EQ(offers[0].role, "*");
  EXPECT_EQ(offers[0].resources.to_string(), "cpus:4;mem:4096;ports:[31000-32000]");
}

TEST(MasterOffer, AcceptLaunchesAndOffersTheRest) {
  Cluster world;
  const auto offers = world.offers(world.stream);
  EXPECT_EQ(world.launch(world.stream, offers.at(0), {make_task("t", world.agent)}, 0s), 202);
  const auto runs = world.heard<protocol::to_agent::RunTasks>(world.link);
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_TRUE(runs[0].command_task);
  ASSERT_EQ(runs[0].tasks.size(), 1u);
  EXPECT_EQ(runs[0].tasks[0]->id, TaskId("t"));
  EXPECT_EQ(runs[0].executor.id, ExecutorId("t"));
  const auto rest = world.offers(world.stream);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].resources.to_string(), "cpus:3;mem:3968;ports:[31000-32000]");
}

TEST(MasterOffer, DeclineKeepsItAwayForTheFilter) {
  Cluster world;
  const auto offers = world.offers(world.stream);
  world.call(world.stream, call::Decline{{offers.at(0).id}, {10s}});
  EXPECT_TRUE(world.offers(world.stream).empty());
  world.pass(9s);
  EXPECT_TRUE(world.offers(world.stream).empty());
  world.pass(2s);
  EXPECT_EQ(world.offers(world.stream).size(), 1u);
}

TEST(MasterOffer, ReviveClearsFilters) {
  Cluster world;
  const auto offers = world.offers(world.stream);
  world.call(world.stream, call::Decline{{offers.at(0).id}, {3600s}});
  EXPECT_TRUE(world.offers(world.stream).empty());
  world.call(world.stream, call::Revive{});
  EXPECT_EQ(world.offers(world.stream).size(), 1u);
}

TEST(MasterOffer, SuppressStopsThem) {
  Cluster world;
  world.call(world.stream, call::Suppress{});
  EXPECT_TRUE(world.offers(world.stream).empty());
  world.call(world.stream, call::Revive{});
  EXPECT_EQ(world.offers(world.stream).size(), 1u);
}

TEST(MasterOffer, SubscribingSuppressedGetsNone) {
  World world;
  world.register_agent("a");
  const ConnectionId stream = world.subscribe(make_framework("f"), {"*"});
  EXPECT_TRUE(world.offers(stream).empty());
  world.call(stream, call::Revive{});
  EXPECT_EQ(world.offers(stream).size(), 1u);
}

TEST(MasterOffer, IsRescindedAfterItsTimeoutAndGoesToOthers) {
  Cluster world;
  const auto offers = world.offers(world.stream);
  ASSERT_EQ(offers.size(), 1u);
  const ConnectionId other = world.subscribe(make_framework("g"));
  EXPECT_TRUE(world.offers(other).empty());
  world.pass(31s);
  const auto rescinds = world.take<event::Rescind>(world.stream);
  ASSERT_EQ(rescinds.size(), 1u);
  EXPECT_EQ(rescinds[0].offer, offers[0].id);
  EXPECT_EQ(world.offers(other).size(), 1u);
  EXPECT_EQ(world.launch(world.stream, offers[0], {make_task("t", world.agent)}), 202);
  const auto updates = world.updates(world.stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].state, TaskState::kLost);
  EXPECT_EQ(updates[0].reason, Reason::kInvalidOffers);
  EXPECT_FALSE(updates[0].uuid);
}

TEST(MasterOffer, TimeoutZeroKeepsThemForEver) {
  Options options;
  options.offer_timeout = 0s;
  Cluster world(options);
  ASSERT_EQ(world.offers(world.stream).size(), 1u);
  world.pass(70s);
  EXPECT_TRUE(world.take<event::Rescind>(world.stream).empty());
}

TEST(MasterOffer, AreCutIntoSeveralEventsWhenMany) {
  Options options;
  options.max_offers_per_event = 2;
  World world(options);
  for (int i = 0; i < 5; ++i) world.register_agent(fmt::format("a{}", i));
  const ConnectionId stream = world.subscribe(make_framework("f"));
  world.batch();
  const auto events = world.take<event::Offers>(stream);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].offers.size(), 2u);
  EXPECT_EQ(events[2].offers.size(), 1u);
}

TEST(MasterOffer, UsedTwiceIsInvalid) {
  Cluster world;
  const auto offers = world.offers(world.stream);
  world.launch(world.stream, offers.at(0), {make_task("t1", world.agent)});
  world.launch(world.stream, offers.at(0), {make_task("t2", world.agent)});
  const auto updates = world.updates(world.stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].task_id, TaskId("t2"));
  EXPECT_EQ(updates[0].reason, Reason::kInvalidOffers);
}

TEST(MasterOffer, TheSameTwiceInOneAcceptIsInvalid) {
  Cluster world;
  const auto offers = world.offers(world.stream);
  call::Accept accept;
  accept.offers = {offers.at(0).id, offers.at(0).id};
  accept.operations.push_back({{}, protocol::Launch{{make_task("t", world.agent)}}});
  EXPECT_EQ(world.call(world.stream, accept), 202);
  EXPECT_EQ(world.updates(world.stream).at(0).reason, Reason::kInvalidOffers);
  // Its resources are free again.
  EXPECT_EQ(world.offers(world.stream).size(), 1u);
}

TEST(MasterOffer, OfTwoAgentsDoNotMix) {
  Cluster world;
  world.register_agent("b");
  const auto offers = world.offers(world.stream);
  ASSERT_EQ(offers.size(), 2u);
  call::Accept accept;
  accept.offers = {offers[0].id, offers[1].id};
  accept.operations.push_back({{}, protocol::Launch{{make_task("t", offers[0].agent_id)}}});
  world.call(world.stream, accept);
  EXPECT_EQ(world.updates(world.stream).at(0).reason, Reason::kInvalidOffers);
  EXPECT_EQ(world.offers(world.stream).size(), 2u);
}

TEST(MasterOffer, OfAnotherFrameworkIsInvalid) {
  Cluster world;
  const auto offers = world.offers(world.stream);
  const ConnectionId thief = world.subscribe(make_framework("thief"));
  world.launch(thief, offers.at(0), {make_task("t", world.agent)});
  EXPECT_EQ(world.updates(thief).at(0).reason, Reason::kInvalidOffers);
  // And is still the owner's.
  world.launch(world.stream, offers.at(0), {make_task("t", world.agent)});
  EXPECT_TRUE(world.updates(world.stream).empty());
}

TEST(MasterOffer, PartitionAwareFrameworksHearDropped) {
  World world;
  const ConnectionId link = world.register_agent("a");
  FrameworkInfo info = make_framework("f");
  info.capabilities.add(Capability::kPartitionAware);
  const ConnectionId stream = world.subscribe(info);
  Offer offer = world.offers(stream).at(0);
  offer.id = OfferId("unknown");
  world.launch(stream, offer, {make_task("t", world.agent_of(link))});
  EXPECT_EQ(world.updates(stream).at(0).state, TaskState::kDropped);
}

struct BadTask {
  const char* name;
  void (*spoil)(TaskSpec&);
  const char* message;  // part of it
};

class MasterOfferBadTask : public ::testing::TestWithParam<BadTask> {};

TEST_P(MasterOfferBadTask, IsAnErrorOfThatTaskOnly) {
  Cluster world;
  const auto offers = world.offers(world.stream);
  TaskSpec bad = make_task("bad", world.agent);
  GetParam().spoil(bad);
  world.launch(world.stream, offers.at(0), {bad, make_task("good", world.agent)});
  const auto updates = world.updates(world.stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].state, TaskState::kError);
  EXPECT_EQ(updates[0].reason, Reason::kTaskInvalid);
  EXPECT_NE(updates[0].message.find(GetParam().message), std::string::npos) << updates[0].message;
  EXPECT_EQ(world.heard<protocol::to_agent::RunTasks>(world.link).size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    All, MasterOfferBadTask,
    ::testing::Values(
        BadTask{"Id", [](TaskSpec& t) { t.id = TaskId("a/b"); }, "invalid characters"},
        BadTask{"Agent", [](TaskSpec& t) { t.agent_id = AgentId("x"); }, "uses agent x"},
        BadTask{"NoCommand", [](TaskSpec& t) { t.has_command = false; }, "CommandInfo"},
        BadTask{"Both", [](TaskSpec& t) { t.executor = make_executor("e"); }, "CommandInfo"},
        BadTask{"NoResources", [](TaskSpec& t) { t.resources = {}; }, "no resources"},
        BadTask{"TooMuch", [](TaskSpec& t) { t.resources = Resources::parse("cpus:5").value(); },
                "more resources"},
        BadTask{"Feature", [](TaskSpec& t) { t.features = {Feature::kUris}; }, "uris"},
        BadTask{"Mixed", [](TaskSpec& t) { t.mixed_allocation_roles = true; }, "one role"},
        BadTask{"Grace", [](TaskSpec& t) { t.kill_grace = -1s; }, "grace_period"}),
    [](const auto& info) { return info.param.name; });

TEST(MasterOffer, OneMalformedResourceFailsTheWholeLaunch) {
  Cluster world;
  const auto offers = world.offers(world.stream);
  TaskSpec bad = make_task("bad", world.agent);
  bad.resource_error = std::string("cpus is negative");
  world.launch(world.stream, offers.at(0), {make_task("good", world.agent), bad});
  EXPECT_EQ(world.updates(world.stream).size(), 2u);
  EXPECT_TRUE(world.heard<protocol::to_agent::RunTasks>(world.link).empty());
}

TEST(MasterOffer, DuplicateTaskIdsAreRefused) {
  Cluster world;
  const auto offers = world.offers(world.stream);
  world.launch(world.stream, offers.at(0),
               {make_task("t", world.agent), make_task("t", world.agent)});
  const auto updates = world.updates(world.stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_NE(updates[0].message.find("duplicate ID"), std::string::npos);
}

TEST(MasterOffer, OperationsDrawOnWhatTheEarlierLeft) {
  Cluster world;
  const auto offers = world.offers(world.stream);
  call::Accept accept;
  accept.offers = {offers.at(0).id};
  accept.operations.push_back({{}, protocol::Launch{{make_task("a", world.agent, "cpus:3")}}});
  accept.operations.push_back({{}, protocol::Launch{{make_task("b", world.agent, "cpus:2")}}});
  accept.operations.push_back({{}, protocol::Launch{{make_task("c", world.agent, "cpus:1")}}});
  world.call(world.stream, accept);
  const auto updates = world.updates(world.stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].task_id, TaskId("b"));
  EXPECT_EQ(world.heard<protocol::to_agent::RunTasks>(world.link).size(), 2u);
}

TEST(MasterOffer, AnExecutorIsChargedOnce) {
  Cluster world;
  const auto offers = world.offers(world.stream);
  TaskSpec one = make_task("one", world.agent, "cpus:1");
  TaskSpec two = make_task("two", world.agent, "cpus:1");
  one.has_command = two.has_command = false;
  one.executor = two.executor = make_executor("e");
  world.launch(world.stream, offers.at(0), {one, two}, 0s);
  const auto rest = world.offers(world.stream);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].resources.scalar("cpus"), Scalar{1900});
  EXPECT_EQ(rest[0].executor_ids, std::vector{ExecutorId("e")});
  // Another description under the same id is refused.
  TaskSpec three = make_task("three", world.agent, "cpus:1");
  three.has_command = false;
  three.executor = make_executor("e", ExecutorSpec::Type::kCustom, "cpus:0.5");
  world.launch(world.stream, rest[0], {three});
  EXPECT_NE(world.updates(world.stream).at(0).message.find("not compatible"), std::string::npos);
}

TEST(MasterOffer, AGroupStartsWholeOrNotAtAll) {
  Cluster world;
  auto offers = world.offers(world.stream);
  const auto group = [&](std::vector<TaskSpec> tasks) {
    call::Accept accept;
    accept.offers = {offers.at(0).id};
    accept.filters.refuse = 0s;
    accept.operations.push_back(
        {{},
         protocol::LaunchGroup{make_executor("g", ExecutorSpec::Type::kDefault),
                               std::move(tasks)}});
    world.call(world.stream, accept);
  };
  group({make_task("a", world.agent), make_task("b", world.agent, "cpus:100")});
  auto updates = world.updates(world.stream);
  ASSERT_EQ(updates.size(), 2u);
  EXPECT_EQ(updates[0].reason, Reason::kTaskGroupInvalid);
  EXPECT_TRUE(world.heard<protocol::to_agent::RunTasks>(world.link).empty());
  offers = world.offers(world.stream);
  group({make_task("a", world.agent), make_task("b", world.agent)});
  EXPECT_TRUE(world.updates(world.stream).empty());
  const auto runs = world.heard<protocol::to_agent::RunTasks>(world.link);
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_TRUE(runs[0].group);
  EXPECT_EQ(runs[0].tasks.size(), 2u);
}

TEST(MasterOffer, UnbuiltOperationsAreRefusedByName) {
  Cluster world;
  const auto offers = world.offers(world.stream);
  call::Accept accept;
  accept.offers = {offers.at(0).id};
  accept.operations.push_back({OperationId("op"), protocol::UnsupportedOperation{"RESERVE"}});
  accept.operations.push_back({{}, protocol::UnsupportedOperation{"CREATE"}});
  world.call(world.stream, accept);
  const auto updates = world.take<event::UpdateOperationStatus>(world.stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].operation, OperationId("op"));
  EXPECT_NE(updates[0].message.find("RESERVE"), std::string::npos);
}

TEST(MasterOffer, OperationsThatAreAskedAboutAreUnknown) {
  Cluster world;
  world.call(world.stream, call::ReconcileOperations{{{OperationId("op"), AgentId("x")}}});
  const auto updates = world.take<event::UpdateOperationStatus>(world.stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_TRUE(updates[0].unknown);
  EXPECT_EQ(updates[0].agent, AgentId("x"));
}

TEST(MasterOffer, LeaveWithTheirAgent) {
  Cluster world;
  const auto offers = world.offers(world.stream);
  world.step(LinkClosed{world.link});
  const auto rescinds = world.take<event::Rescind>(world.stream);
  ASSERT_EQ(rescinds.size(), 1u);
  EXPECT_EQ(rescinds[0].offer, offers.at(0).id);
  EXPECT_TRUE(world.offers(world.stream).empty());
}

}  // namespace
}  // namespace souk::master
