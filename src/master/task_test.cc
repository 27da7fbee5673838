// Tasks: updates until acknowledged, kills, reconciliation; and agents that come, go and return.
#include "master/test_support.h"

namespace souk::master {
namespace {

namespace call = protocol::call;
namespace event = protocol::event;

struct Running : World {
  explicit Running(bool partition_aware = true) {
    link = register_agent("a");
    agent = agent_of(link);
    info = make_framework("f");
    info.failover_timeout = 600s;
    if (partition_aware) info.capabilities.add(Capability::kPartitionAware);
    stream = subscribe(info);
    info.id = framework_of(stream);
    const auto all = offers(stream);
    launch(stream, all.at(0), {make_task("t", agent)});
  }
  // What the agent tells when it registers again with the task in this state.
  protocol::to_master::Register report(const std::vector<TaskState>& states) {
    protocol::to_master::Register message;
    message.agent =
        machine().view().agents.empty() ? AgentInfo{} : machine().view().agents[0]->info;
    message.agent.id = agent;
    message.agent.hostname = "a";
    message.agent.resources = Resources::parse("cpus:4;mem:4096").value();
    message.frameworks = {info};
    for (const TaskState state : states) {
      message.tasks.push_back({.framework_id = info.id,
                               .executor_id = ExecutorId("t"),
                               .role = "*",
                               .spec = make_task("t", agent),
                               .state = state,
                               .command_task = true});
    }
    return message;
  }
  ConnectionId link;
  AgentId agent;
  FrameworkInfo info;
  ConnectionId stream;
};

std::optional<TaskStatus> only(const std::vector<TaskStatus>& updates) {
  EXPECT_EQ(updates.size(), 1u);
  return updates.empty() ? std::nullopt : std::optional(updates[0]);
}

TEST(MasterTask, UpdatesPassThroughUntilAcknowledged) {
  Running world;
  const Uuid uuid = world.update(world.link, world.info.id, "t", TaskState::kRunning);
  EXPECT_EQ(only(world.updates(world.stream))->uuid, uuid);
  world.call(world.stream, call::Acknowledge{world.agent, TaskId("t"), uuid});
  const auto acks = world.heard<protocol::to_agent::Acknowledge>(world.link);
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0].uuid, uuid);
}

TEST(MasterTask, ItsEndFreesResourcesAtOnceAndIsForgottenWhenAcknowledged) {
  Running world;
  world.offers(world.stream);
  const Uuid uuid = world.update(world.link, world.info.id, "t", TaskState::kFinished);
  EXPECT_TRUE(world.machine().view().agents[0]->used.empty());
  EXPECT_EQ(world.machine().view().frameworks[0].tasks.size(), 1u);
  world.call(world.stream, call::Acknowledge{world.agent, TaskId("t"), uuid});
  EXPECT_TRUE(world.machine().view().frameworks[0].tasks.empty());
  ASSERT_EQ(world.machine().view().frameworks[0].completed_tasks.size(), 1u);
  EXPECT_EQ(world.machine().view().frameworks[0].completed_tasks[0]->state, TaskState::kFinished);
}

TEST(MasterTask, ALaggingUpdateDoesNotReviveIt) {
  Running world;
  const Uuid uuid =
      world.update(world.link, world.info.id, "t", TaskState::kRunning, TaskState::kFinished);
  EXPECT_EQ(only(world.updates(world.stream))->state, TaskState::kRunning);
  EXPECT_TRUE(world.machine().view().agents[0]->used.empty());
  world.call(world.stream, call::Acknowledge{world.agent, TaskId("t"), uuid});
  // Its end is still to be told.
  EXPECT_EQ(world.machine().view().frameworks[0].tasks.size(), 1u);
}

TEST(MasterTask, ItsEndIsCountedOnceThoughTheAgentTellsItAgain) {
  Running world;
  const Uuid uuid = world.update(world.link, world.info.id, "t", TaskState::kFinished);
  world.call(world.stream, call::Acknowledge{world.agent, TaskId("t"), uuid});
  world.step(LinkClosed{world.link});  // and the acknowledgement is lost with it
  const ConnectionId link = world.register_as(world.report({TaskState::kFinished}));
  world.update(link, world.info.id, "t", TaskState::kFinished);
  EXPECT_EQ(world.updates(world.stream).back().state, TaskState::kFinished);
  const auto counters = world.machine().view().frameworks[0].counters;
  EXPECT_EQ(counters.terminal[static_cast<std::size_t>(TaskState::kFinished)], 1u);
}

TEST(MasterTask, AnUpdateOfNobodyIsAcknowledgedByTheMaster) {
  Running world;
  world.update(world.link, FrameworkId("gone"), "x", TaskState::kFinished);
  EXPECT_EQ(world.heard<protocol::to_agent::Acknowledge>(world.link).size(), 1u);
}

TEST(MasterTask, WrongAcknowledgementsChangeNothing) {
  Running world;
  Rng rng(1);
  world.update(world.link, world.info.id, "t", TaskState::kFinished);
  world.call(world.stream, call::Acknowledge{world.agent, TaskId("t"), Uuid::random(rng)});
  world.call(world.stream, call::Acknowledge{AgentId("x"), TaskId("t"), Uuid::random(rng)});
  EXPECT_EQ(world.machine().view().frameworks[0].tasks.size(), 1u);
}

TEST(MasterTask, KillGoesToItsAgent) {
  Running world;
  world.call(world.stream, call::Kill{TaskId("t"), {}, 7s});
  const auto kills = world.heard<protocol::to_agent::KillTask>(world.link);
  ASSERT_EQ(kills.size(), 1u);
  EXPECT_EQ(kills[0].grace, 7s);
  // A second one is not swallowed.
  world.call(world.stream, call::Kill{TaskId("t"), {}, 1s});
  EXPECT_EQ(world.heard<protocol::to_agent::KillTask>(world.link).size(), 2u);
}

TEST(MasterTask, KillOfUnknownTaskIsAReconciliation) {
  Running world;
  world.call(world.stream, call::Kill{TaskId("nope"), {}, std::nullopt});
  const auto status = only(world.updates(world.stream));
  EXPECT_EQ(status->state, TaskState::kUnknown);
  EXPECT_EQ(status->reason, Reason::kReconciliation);
}

TEST(MasterTask, KillWaitsForAnAgentThatIsAway) {
  Running world;
  world.step(LinkClosed{world.link});
  world.call(world.stream, call::Kill{TaskId("t"), {}, 7s});
  const ConnectionId link = world.register_as(world.report({TaskState::kRunning}));
  const auto kills = world.heard<protocol::to_agent::KillTask>(link);
  ASSERT_EQ(kills.size(), 1u);
  EXPECT_EQ(kills[0].grace, 7s);
}

TEST(MasterTask, ReconcilesExplicitly) {
  Running world;
  const auto ask = [&](const std::string& task, const std::string& agent) {
    world.call(world.stream, call::Reconcile{{{TaskId(task), AgentId(agent)}}});
    return only(world.updates(world.stream));
  };
  auto status = ask("t", "");
  EXPECT_EQ(status->state, TaskState::kStaging);
  EXPECT_EQ(status->message, "Reconciliation: Latest task state");
  EXPECT_EQ(status->agent_id, world.agent);
  EXPECT_FALSE(status->uuid);
  status = ask("x", world.agent.value);
  EXPECT_EQ(status->state, TaskState::kGone);
  EXPECT_EQ(status->message, "Reconciliation: Task is unknown to the agent");
  status = ask("x", "nowhere");
  EXPECT_EQ(status->state, TaskState::kUnknown);
  EXPECT_EQ(status->agent_id, AgentId("nowhere"));
}

TEST(MasterTask, OldFrameworksHearLost) {
  Running world(false);
  world.call(world.stream, call::Reconcile{{{TaskId("x"), world.agent}}});
  EXPECT_EQ(only(world.updates(world.stream))->state, TaskState::kLost);
}

TEST(MasterTask, ReconcilesImplicitly) {
  Running world;
  world.update(world.link, world.info.id, "t", TaskState::kRunning);
  world.updates(world.stream);
  world.call(world.stream, call::Reconcile{});
  EXPECT_EQ(only(world.updates(world.stream))->state, TaskState::kRunning);
}

TEST(MasterTask, NoAnswerWhileAnAgentMayStillTell) {
  protocol::Registry registry;
  registry.admitted[AgentId("old")] = {"host"};
  World world({}, registry);
  const ConnectionId stream = world.subscribe(make_framework("f"));
  world.call(stream, call::Reconcile{{{TaskId("x"), AgentId("old")}, {TaskId("y"), AgentId()}}});
  EXPECT_TRUE(world.updates(stream).empty());
  // It never comes: unreachable, and so is what it ran.
  world.pass(11min);
  world.call(stream, call::Reconcile{{{TaskId("x"), AgentId("old")}}});
  EXPECT_EQ(only(world.updates(stream))->state, TaskState::kLost);
  EXPECT_EQ(world.machine().view().unreachable_agents.size(), 1u);
}

TEST(MasterAgent, UnreachableAfterSilenceAndBackAgain) {
  Running world;
  world.update(world.link, world.info.id, "t", TaskState::kRunning);
  world.updates(world.stream);
  world.step(LinkClosed{world.link});
  world.pass(74s);
  EXPECT_TRUE(world.updates(world.stream).empty());
  world.pass(2s);
  auto status = only(world.updates(world.stream));
  EXPECT_EQ(status->state, TaskState::kUnreachable);
  EXPECT_EQ(status->reason, Reason::kAgentRemoved);
  EXPECT_TRUE(status->unreachable_time);
  const auto failures = world.take<event::Failure>(world.stream);
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].agent, world.agent);
  EXPECT_TRUE(world.machine().view().agents.empty());
  EXPECT_EQ(world.machine().view().frameworks[0].unreachable_tasks.size(), 1u);

  world.register_as(world.report({TaskState::kRunning}));
  status = only(world.updates(world.stream));
  EXPECT_EQ(status->state, TaskState::kRunning);
  EXPECT_EQ(status->reason, Reason::kAgentReregistered);
  EXPECT_EQ(status->source, StatusSource::kMaster);
  EXPECT_TRUE(world.machine().view().frameworks[0].unreachable_tasks.empty());
  EXPECT_EQ(world.machine().view().frameworks[0].tasks.size(), 1u);
}

TEST(MasterAgent, OldFrameworksHearLostThenTheTruth) {
  Running world(false);
  world.step(LinkClosed{world.link});
  world.pass(80s);
  EXPECT_EQ(only(world.updates(world.stream))->state, TaskState::kLost);
  const ConnectionId link = world.register_as(world.report({TaskState::kFinished}));
  world.update(link, world.info.id, "t", TaskState::kFinished);
  EXPECT_EQ(world.updates(world.stream).back().state, TaskState::kFinished);
}

TEST(MasterAgent, ThatStopsAnsweringPingsIsUnreachable) {
  Running world;
  world.pass(15s * 6 + 1s);
  EXPECT_EQ(world.closed_links, std::vector{world.link});
  EXPECT_EQ(world.heard<protocol::to_agent::Ping>(world.link).size(), 5u);
  EXPECT_EQ(only(world.updates(world.stream))->state, TaskState::kUnreachable);
}

TEST(MasterAgent, ThatAnswersPingsStays) {
  Running world;
  for (int i = 0; i < 20; ++i) {
    world.pass(15s);
    world.step(AgentSaid{world.link, protocol::to_master::Pong{}});
  }
  EXPECT_EQ(world.machine().view().agents.size(), 1u);
  EXPECT_TRUE(world.closed_links.empty());
}

TEST(MasterAgent, IsNotBlamedForTheMastersOwnPause) {
  Running world;
  world.step(LinkClosed{world.link});
  world.freeze(1h);
  world.pass(60s);
  EXPECT_EQ(world.machine().view().agents.size(), 1u);
  world.pass(20s);
  EXPECT_TRUE(world.machine().view().agents.empty());
}

TEST(MasterAgent, NobodyHearsUnreachableBeforeItIsStored) {
  Running world;
  world.hold_storage = true;
  world.step(LinkClosed{world.link});
  world.pass(80s);
  EXPECT_TRUE(world.updates(world.stream).empty());
  ASSERT_EQ(world.persists().size(), 1u);
  // It comes back just then: it waits for both changes.
  world.register_as(world.report({TaskState::kRunning}));
  ASSERT_EQ(world.persists().size(), 2u);
  world.hold_storage = false;
  const auto held = std::exchange(world.persists(), {});
  for (const Persist& persist : held) world.step(Persisted{persist.ticket, true, {}});
  const auto updates = world.updates(world.stream);
  ASSERT_EQ(updates.size(), 2u);
  EXPECT_EQ(updates[0].state, TaskState::kUnreachable);
  EXPECT_EQ(updates[1].state, TaskState::kRunning);
}

TEST(MasterAgent, AFullDiskDoesNotRemoveIt) {
  Running world;
  world.hold_storage = true;
  world.step(LinkClosed{world.link});
  world.pass(80s);
  auto held = std::exchange(world.persists(), {});
  ASSERT_EQ(held.size(), 1u);
  world.step(Persisted{held[0].ticket, false, "disk full"});
  EXPECT_EQ(world.machine().view().agents.size(), 1u);
  world.pass(16s);  // and it is tried again
  EXPECT_EQ(world.persists().size(), 1u);
}

TEST(MasterAgent, ARegistrationThatWasHeldUpDoesNotReplaceANewerOne) {
  Running world;
  world.hold_storage = true;
  world.step(LinkClosed{world.link});
  world.pass(80s);
  const ConnectionId second = world.register_as(world.report({}));  // before the task arrived
  auto held = std::exchange(world.persists(), {});
  ASSERT_EQ(held.size(), 2u);
  world.step(Persisted{held[0].ticket, false, "disk full"});
  const ConnectionId third = world.register_as(world.report({TaskState::kRunning}));
  world.step(Persisted{held[1].ticket, true, {}});
  EXPECT_EQ(world.closed_links, std::vector{second});
  EXPECT_EQ(world.agent_of(third), world.agent);
  EXPECT_TRUE(world.updates(world.stream).empty());
  EXPECT_EQ(world.machine().view().frameworks[0].tasks.size(), 1u);
}

TEST(MasterAgent, LaunchesThatNeverArrivedAreDropped) {
  Running world;
  world.step(LinkClosed{world.link});
  world.register_as(world.report({}));
  const auto status = only(world.updates(world.stream));
  EXPECT_EQ(status->state, TaskState::kDropped);
  EXPECT_EQ(status->reason, Reason::kAgentRestarted);
  EXPECT_EQ(world.offers(world.stream).size(), 1u);
}

TEST(MasterAgent, NewMasterLearnsItsStateFromThem) {
  Running old;
  const auto report = old.report({TaskState::kRunning});
  protocol::Registry registry;
  registry.admitted[old.agent] = {"a"};
  World world({}, registry);
  EXPECT_EQ(world.machine().view().recovered_agents.size(), 1u);
  world.register_as(report);
  EXPECT_TRUE(world.machine().view().recovered_agents.empty());
  auto view = world.machine().view();
  ASSERT_EQ(view.frameworks.size(), 1u);
  EXPECT_TRUE(view.frameworks[0].recovered);
  EXPECT_EQ(view.frameworks[0].tasks.size(), 1u);
  EXPECT_EQ(view.agents[0]->used.to_string(), "cpus:1;mem:128");
  const ConnectionId stream = world.subscribe(old.info);
  EXPECT_EQ(world.framework_of(stream), old.info.id);
  const auto offers = world.offers(stream);
  ASSERT_EQ(offers.size(), 1u);
  EXPECT_EQ(offers[0].resources.scalar("cpus"), Scalar{3000});
}

TEST(MasterAgent, ThatIsAwaitedAndComesAsItIsBeingRemovedComesBackAfterwards) {
  Running old;
  const auto report = old.report({TaskState::kRunning});
  protocol::Registry registry;
  registry.admitted[old.agent] = {"a"};
  World world({}, registry);
  world.hold_storage = true;
  world.pass(10min + 1s);
  ASSERT_EQ(world.persists().size(), 1u);
  EXPECT_EQ(world.machine().view().recovered_agents.size(), 1u);  // until it is stored
  const ConnectionId link = world.register_as(report);
  auto held = std::exchange(world.persists(), {});
  ASSERT_EQ(held.size(), 2u);
  EXPECT_TRUE(world.machine().view().agents.empty());
  world.step(Persisted{held[0].ticket, true, {}});
  EXPECT_TRUE(world.machine().view().recovered_agents.empty());
  world.step(Persisted{held[1].ticket, true, {}});
  EXPECT_EQ(world.machine().view().agents.size(), 1u);
  EXPECT_EQ(world.agent_of(link), old.agent);
  EXPECT_TRUE(world.closed_links.empty());
}

TEST(MasterAgent, AFullDiskLeavesItAwaited) {
  protocol::Registry registry;
  registry.admitted[AgentId("g")] = {"a"};
  World world({}, registry);
  world.hold_storage = true;
  world.pass(10min + 1s);
  auto held = std::exchange(world.persists(), {});
  ASSERT_EQ(held.size(), 1u);
  world.step(Persisted{held[0].ticket, false, "disk full"});
  EXPECT_EQ(world.machine().view().recovered_agents.size(), 1u);
  world.pass(16s);  // and it is tried again
  held = std::exchange(world.persists(), {});
  ASSERT_EQ(held.size(), 1u);
  world.step(Persisted{held[0].ticket, true, {}});
  EXPECT_TRUE(world.machine().view().recovered_agents.empty());
  EXPECT_EQ(world.machine().view().unreachable_agents.size(), 1u);
}

TEST(MasterAgent, TasksOfARemovedFrameworkAreShutDownOnReturn) {
  Running world;
  world.step(LinkClosed{world.link});
  world.call(world.stream, call::Teardown{});
  const ConnectionId link = world.register_as(world.report({TaskState::kRunning}));
  const auto shutdowns = world.heard<protocol::to_agent::ShutdownFramework>(link);
  ASSERT_EQ(shutdowns.size(), 1u);
  EXPECT_EQ(shutdowns[0].framework_id, world.info.id);
}

TEST(MasterAgent, NewerLinkWins) {
  Running world;
  const ConnectionId link = world.register_as(world.report({TaskState::kRunning}));
  EXPECT_EQ(world.closed_links, std::vector{world.link});
  // What the old link says is not heard any more.
  world.update(world.link, world.info.id, "t", TaskState::kFinished);
  EXPECT_TRUE(world.updates(world.stream).empty());
  world.step(LinkClosed{world.link});
  EXPECT_TRUE(world.machine().view().agents[0]->active);
  EXPECT_EQ(world.agent_of(link), world.agent);
}

TEST(MasterAgent, ThatIsGoneIsSentAway) {
  protocol::Registry registry;
  registry.gone[AgentId("g")] = WallTime(1s);
  World world({}, registry);
  protocol::to_master::Register message;
  message.agent.id = AgentId("g");
  message.agent.hostname = "h";
  const ConnectionId link = world.register_as(message);
  EXPECT_EQ(world.heard<protocol::to_agent::Shutdown>(link).size(), 1u);
  EXPECT_TRUE(world.machine().view().agents.empty());
}

TEST(MasterAgent, MustSayHelloAndSpeakOurVersion) {
  World world;
  const ConnectionId link(900);
  world.step(AgentSaid{link, protocol::to_master::Register{}});
  EXPECT_EQ(world.heard<protocol::to_agent::Refused>(link).size(), 1u);
  const ConnectionId other(901);
  world.step(AgentSaid{other, protocol::to_master::Hello{7, 9, "future", ""}});
  const auto refusals = world.heard<protocol::to_agent::Refused>(other);
  ASSERT_EQ(refusals.size(), 1u);
  EXPECT_NE(refusals[0].reason.find("upgrade the older"), std::string::npos);
}

TEST(MasterAgent, UnregisteringEndsItsTasks) {
  Running world;
  world.step(AgentSaid{world.link, protocol::to_master::Unregister{}});
  EXPECT_EQ(only(world.updates(world.stream))->state, TaskState::kGone);
  EXPECT_TRUE(world.machine().view().agents.empty());
}

TEST(MasterAgent, ExecutorsThatEndAreReported) {
  Running world;
  world.step(AgentSaid{world.link,
                       protocol::to_master::ExecutorTerminated{world.info.id, ExecutorId("e"), 9}});
  const auto failures = world.take<event::Failure>(world.stream);
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].executor, ExecutorId("e"));
  EXPECT_EQ(failures[0].status, 9);
}

TEST(MasterAgent, MessagesPassBothWays) {
  Running world;
  world.call(world.stream, call::Message{world.agent, ExecutorId("e"), Blob("hi")});
  EXPECT_EQ(world.heard<protocol::to_agent::FrameworkMessage>(world.link).size(), 1u);
  world.step(AgentSaid{world.link, protocol::to_master::FrameworkMessage{
                                       world.info.id, ExecutorId("e"), Blob("ho")}});
  EXPECT_EQ(world.take<event::Message>(world.stream).size(), 1u);
}

TEST(MasterFiles, AreAskedOfTheAgent) {
  Running world;
  const ConnectionId reader(800);
  world.step(FileRequested{reader, world.agent, {.path = "/x"}});
  const auto requests = world.heard<protocol::to_agent::FileRequest>(world.link);
  ASSERT_EQ(requests.size(), 1u);
  world.step(AgentSaid{world.link, protocol::to_master::FileAnswer{requests[0].request, 200, "data",
                                                                   "application/json"}});
  EXPECT_EQ(world.answers[reader].status, 200);
  EXPECT_EQ(world.answers[reader].body, "data");
  // Nobody waits for ever.
  const ConnectionId second(801);
  world.step(FileRequested{second, world.agent, {.path = "/x"}});
  world.step(LinkClosed{world.link});
  EXPECT_EQ(world.answers[second].status, 503);
  const ConnectionId third(802);
  world.step(FileRequested{third, AgentId("x"), {.path = "/x"}});
  EXPECT_EQ(world.answers[third].status, 404);
}

TEST(MasterAgent, WhatAReturningAgentDoesNotReportIsGone) {
  Running world;
  world.update(world.link, world.info.id, "t", TaskState::kRunning);
  world.step(LinkClosed{world.link});
  world.pass(76s);
  world.updates(world.stream);
  ASSERT_EQ(world.machine().view().frameworks[0].unreachable_tasks.size(), 1u);
  world.register_as(world.report({}));
  const auto status = only(world.updates(world.stream));
  EXPECT_EQ(status->state, TaskState::kGone);
  EXPECT_EQ(status->reason, Reason::kAgentReregistered);
  EXPECT_TRUE(world.machine().view().frameworks[0].unreachable_tasks.empty());
  // And stays so.
  world.call(world.stream, call::Reconcile{{{TaskId("t"), world.agent}}});
  EXPECT_EQ(only(world.updates(world.stream))->state, TaskState::kGone);
}

// It was the master before this one that told so.
TEST(MasterAgent, ANewMasterTellsOfTasksThatComeBackWithAnUnreachableAgent) {
  protocol::Registry registry;
  registry.unreachable[AgentId("old")] = WallTime(1s);
  World world({}, registry);
  FrameworkInfo info = make_framework("f");
  info.id = FrameworkId("F");
  info.capabilities.add(Capability::kPartitionAware);
  const ConnectionId stream = world.subscribe(info);
  protocol::to_master::Register report;
  report.agent.id = AgentId("old");
  report.agent.hostname = "host";
  report.agent.resources = Resources::parse("cpus:4;mem:1024").value();
  report.frameworks = {info};
  report.tasks.push_back({.framework_id = info.id,
                          .executor_id = ExecutorId("t"),
                          .role = "*",
                          .spec = make_task("t", AgentId("old")),
                          .state = TaskState::kRunning,
                          .command_task = true});
  world.register_as(report);
  const auto status = only(world.updates(stream));
  EXPECT_EQ(status->state, TaskState::kRunning);
  EXPECT_EQ(status->reason, Reason::kAgentReregistered);
}

// It once left the past deadline armed, and its host woke it again and again.
TEST(Timers, AMasterThatWaitsForNothingArmsNoTimer) {
  World world;
  world.step(LinkClosed{world.register_agent("a")});
  world.batch();
  ASSERT_TRUE(world.armed);
  world.pass(10min);
  EXPECT_EQ(world.machine().view().unreachable_agents.size(), 1u);
  EXPECT_FALSE(world.armed);
}

}  // namespace
}  // namespace souk::master
