// Custom executors over the executor API.
#include <gtest/gtest.h>

#include "agent/test_rig.h"

namespace souk::agent {
namespace {

using testing::custom;
using testing::Rig;
using testing::rig_options;
using testing::task_spec;
namespace call = protocol::executor_call;
namespace ev = protocol::executor_event;
namespace supervisor = protocol::supervisor;
namespace to_agent = protocol::to_agent;
namespace to_master = protocol::to_master;

Uuid uuid(uint8_t n) {
  Uuid u;
  u.bytes[0] = n;
  return u;
}

call::Update say(const std::string& task, TaskState state, uint8_t n) {
  call::Update u{.has_uuid = true, .has_source = true};
  u.status.task_id = TaskId(task);
  u.status.state = state;
  u.status.uuid = uuid(n);
  return u;
}

// An executor E with a task T, subscribed on connection 1.
ContainerId subscribed(Rig& rig) {
  rig.up();
  rig.master(custom("E", {"T"}));
  const ContainerId container = rig.container_of("T");
  rig.connect(container);
  rig.report(container, supervisor::Started{"E", 1});
  rig.subscribe(1, "E");
  return container;
}

int status_of(const Rig& rig) { return rig.all<effect::Respond>().back().answer.status; }
std::string body_of(const Rig& rig) { return rig.all<effect::Respond>().back().answer.body; }

TEST(AgentExecutor, TasksWaitForItsSubscription) {
  Rig rig;
  rig.up();
  rig.master(custom("E", {"T1"}));
  const ContainerId container = rig.container_of("T1");
  rig.connect(container);
  ASSERT_EQ(rig.all<effect::LaunchProcesses>().size(), 1u);
  EXPECT_EQ(rig.all<effect::LaunchProcesses>()[0].kind, ContainerKind::kCustom);
  EXPECT_TRUE(rig.all<effect::LaunchProcesses>()[0].tasks.empty());
  rig.master(custom("E", {"T2", "T3"}, true));
  rig.clear();
  rig.subscribe(1, "E");
  ASSERT_EQ(rig.all<effect::OpenStream>().size(), 1u);
  const auto said = rig.all<effect::SendToExecutor>();
  ASSERT_EQ(said.size(), 3u);
  const auto& subscribed = std::get<ev::Subscribed>(said[0].event);
  EXPECT_EQ(subscribed.executor.id, ExecutorId("E"));
  EXPECT_EQ(subscribed.framework.id, FrameworkId("F"));
  EXPECT_EQ(subscribed.agent.id, AgentId("A"));
  EXPECT_EQ(subscribed.container, container);
  EXPECT_EQ(std::get<ev::Launch>(said[1].event).task.id, TaskId("T1"));
  EXPECT_EQ(std::get<ev::LaunchGroup>(said[2].event).tasks.size(), 2u);
  EXPECT_EQ(rig.history("T1"), "") << "its states come from the executor";
  rig.clear();
  rig.master(custom("E", {"T4"}));
  EXPECT_EQ(rig.to_the_executor<ev::Launch>().size(), 1u);
}

TEST(AgentExecutor, NeverSubscribing) {
  Rig rig;
  rig.up();
  rig.master(custom("E", {"T"}));
  const ContainerId container = rig.container_of("T");
  rig.connect(container);
  rig.report(container, supervisor::Started{"E", 1});
  rig.clear();
  rig.advance(61s);
  ASSERT_EQ(rig.updates().size(), 1u);
  EXPECT_EQ(rig.updates()[0].state, TaskState::kFailed);
  EXPECT_EQ(rig.updates()[0].reason, Reason::kExecutorRegistrationTimeout);
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Shutdown>().size(), 1u);
  EXPECT_EQ(rig.to_the_master<to_master::ExecutorTerminated>().size(), 1u);
  rig.subscribe(1, "E");
  EXPECT_EQ(status_of(rig), 400);
}

TEST(AgentExecutor, WithoutTasksBeforeItSubscribedIsNotNeeded) {
  Rig rig;
  rig.up();
  rig.master(custom("E", {"T"}));
  rig.connect(rig.container_of("T"));
  rig.clear();
  rig.master(to_agent::KillTask{FrameworkId("F"), TaskId("T"), std::nullopt});
  EXPECT_EQ(rig.states(), "T:TASK_KILLED");
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Shutdown>().size(), 1u);
}

TEST(AgentExecutor, SubscribeIsRefusedToStrangers) {
  Rig rig;
  rig.up();
  rig.subscribe(1, "E");
  EXPECT_EQ(status_of(rig), 400);
  EXPECT_EQ(body_of(rig), "Framework cannot be found");
  rig.master(custom("E", {"T"}));
  rig.subscribe(2, "X");
  EXPECT_EQ(body_of(rig), "Executor cannot be found");
  rig.subscribe(3, "E");  // its souk-executor has not even dialled in
  EXPECT_EQ(status_of(rig), 400);
  // Souk's own executors do not speak this API.
  rig.run_command("C");
  rig.subscribe(4, "C");
  EXPECT_EQ(status_of(rig), 400);
  EXPECT_TRUE(rig.all<effect::OpenStream>().empty());
}

TEST(AgentExecutor, CallsNeedAKnownAndSubscribedExecutor) {
  Rig rig;
  rig.up();
  rig.call(1, "E", say("T", TaskState::kRunning, 1));
  EXPECT_EQ(body_of(rig), "Framework cannot be found");
  rig.master(custom("E", {"T"}));
  rig.connect(rig.container_of("T"));
  rig.call(2, "X", say("T", TaskState::kRunning, 1));
  EXPECT_EQ(body_of(rig), "Executor cannot be found");
  rig.call(3, "E", say("T", TaskState::kRunning, 1));
  EXPECT_EQ(status_of(rig), 403);
  EXPECT_EQ(body_of(rig), "Executor is not subscribed");
  rig.call(4, "nobody", call::Heartbeat{});
  EXPECT_EQ(status_of(rig), 202) << "before any look-up";
  EXPECT_EQ(rig.all<effect::Respond>().size(), 4u);
}

TEST(AgentExecutor, ASubscribeThatComesAsACall) {
  Rig rig;
  rig.up();
  rig.master(custom("E", {"T"}));
  rig.connect(rig.container_of("T"));
  rig.call(1, "E", call::Subscribe{});
  EXPECT_EQ(rig.all<effect::OpenStream>().size(), 1u);
}

TEST(AgentExecutor, AnUpdateIsStoredThenAcknowledgedAndSent) {
  Rig rig;
  const ContainerId container = subscribed(rig);
  rig.stores = false;
  rig.clear();
  rig.call(9, "E", say("T", TaskState::kRunning, 1));
  EXPECT_EQ(status_of(rig), 202);
  EXPECT_EQ(body_of(rig), "");
  EXPECT_TRUE(rig.to_the_executor<ev::Acknowledged>().empty());
  EXPECT_EQ(rig.states(), "");
  rig.store();
  ASSERT_EQ(rig.to_the_executor<ev::Acknowledged>().size(), 1u);
  EXPECT_EQ(rig.to_the_executor<ev::Acknowledged>()[0].uuid, uuid(1));
  ASSERT_EQ(rig.updates().size(), 1u);
  const TaskStatus s = rig.updates()[0];
  EXPECT_EQ(s.uuid, uuid(1));
  EXPECT_EQ(s.source, StatusSource::kExecutor);
  EXPECT_EQ(s.agent_id, AgentId("A"));
  EXPECT_EQ(s.executor_id, ExecutorId("E"));
  EXPECT_EQ(s.container_id, container);
  EXPECT_EQ(s.timestamp, rig.now.wall);
}

TEST(AgentExecutor, KeepsTheExecutorsTimeStamp) {
  Rig rig;
  subscribed(rig);
  call::Update u = say("T", TaskState::kRunning, 1);
  u.status.timestamp = WallTime(5s);
  rig.call(9, "E", u);
  EXPECT_EQ(rig.updates()[0].timestamp, WallTime(5s));
}

TEST(AgentExecutor, UnsoundUpdatesAreRefused) {
  Rig rig;
  subscribed(rig);
  rig.clear();
  std::vector<call::Update> bad(5, say("T", TaskState::kRunning, 1));
  bad[0].has_uuid = false;
  bad[1].has_source = false;
  bad[2].status.state = TaskState::kStaging;
  bad[3].status.executor_id = ExecutorId("other");
  bad[4].status.task_id = TaskId();
  for (const call::Update& u : bad) {
    rig.call(9, "E", u);
    EXPECT_EQ(status_of(rig), 400);
    EXPECT_NE(body_of(rig), "");
  }
  EXPECT_EQ(rig.states(), "");
  EXPECT_EQ(rig.machine.view().counters.invalid_status_updates, 5u);
  call::Update good = say("T", TaskState::kRunning, 1);
  good.status.executor_id = ExecutorId("E");
  rig.call(9, "E", good);
  EXPECT_EQ(status_of(rig), 202);
  EXPECT_EQ(rig.machine.view().counters.valid_status_updates, 1u);
}

TEST(AgentExecutor, RepeatedUpdatesAreDroppedAndAcknowledgedAgain) {
  Rig rig;
  subscribed(rig);
  rig.call(9, "E", say("T", TaskState::kRunning, 1));
  rig.acknowledge_all();
  rig.clear();
  rig.call(10, "E", say("T", TaskState::kRunning, 1));
  EXPECT_EQ(rig.states(), "");
  EXPECT_EQ(rig.to_the_executor<ev::Acknowledged>().size(), 1u);
  rig.call(11, "E", say("T", TaskState::kRunning, 2));
  rig.clear();
  rig.call(12, "E", say("T", TaskState::kRunning, 2));
  EXPECT_EQ(rig.find("T")->pending.size(), 1u);
}

TEST(AgentExecutor, ARepeatedUpdateThatIsBeingStoredIsNotAcknowledgedEarly) {
  Rig rig;
  subscribed(rig);
  rig.stores = false;
  rig.clear();
  rig.call(9, "E", say("T", TaskState::kRunning, 1));
  rig.call(10, "E", say("T", TaskState::kRunning, 1));
  EXPECT_EQ(rig.all<effect::Respond>().size(), 2u);
  EXPECT_TRUE(rig.to_the_executor<ev::Acknowledged>().empty());
  rig.store();
  EXPECT_EQ(rig.to_the_executor<ev::Acknowledged>().size(), 1u);
}

TEST(AgentExecutor, AfterATerminalStateNothingIsAccepted) {
  Rig rig;
  subscribed(rig);
  rig.call(9, "E", say("T", TaskState::kFinished, 1));
  rig.clear();
  rig.call(10, "E", say("T", TaskState::kRunning, 2));
  rig.call(11, "E", say("T", TaskState::kFailed, 3));
  EXPECT_EQ(rig.history("T"), "");
  EXPECT_EQ(status_of(rig), 202);
  EXPECT_EQ(rig.to_the_executor<ev::Acknowledged>().size(), 2u) << "or it would wait for ever";
  EXPECT_EQ(rig.find("T")->record.state, TaskState::kFinished);
}

TEST(AgentExecutor, UpdatesOfTasksItDoesNotRun) {
  Rig rig;
  subscribed(rig);
  rig.run_command("C");
  rig.clear();
  rig.call(9, "E", say("C", TaskState::kFinished, 1));
  rig.call(10, "E", say("X", TaskState::kFinished, 2));
  EXPECT_EQ(rig.find("C")->record.state, TaskState::kRunning);
  EXPECT_EQ(rig.states(), "");
  EXPECT_EQ(rig.to_the_executor<ev::Acknowledged>().size(), 2u);
}

TEST(AgentExecutor, TooManyUnacknowledgedUpdates) {
  Options options = rig_options();
  options.max_pending_updates = 2;
  Rig rig(options);
  subscribed(rig);
  rig.call(1, "E", say("T", TaskState::kRunning, 1));
  rig.call(2, "E", say("T", TaskState::kRunning, 2));
  rig.call(3, "E", say("T", TaskState::kRunning, 3));
  EXPECT_EQ(status_of(rig), 503);
  rig.call(4, "E", say("T", TaskState::kFinished, 4));
  EXPECT_EQ(status_of(rig), 202) << "the end is always taken";
  EXPECT_EQ(rig.find("T")->pending.size(), 3u);
}

TEST(AgentExecutor, MessagesGoToTheFramework) {
  Rig rig;
  subscribed(rig);
  rig.call(9, "E", call::Message{Blob("hi")});
  EXPECT_EQ(status_of(rig), 202);
  ASSERT_EQ(rig.to_the_master<to_master::FrameworkMessage>().size(), 1u);
  rig.step(event::LinkClosed{rig.link(), "reset"});
  rig.call(10, "E", call::Message{Blob("hi")});
  EXPECT_EQ(status_of(rig), 202) << "best effort";
  EXPECT_EQ(rig.to_the_master<to_master::FrameworkMessage>().size(), 1u);
}

TEST(AgentExecutor, TheSecondSubscriberWins) {
  Rig rig;
  subscribed(rig);
  rig.clear();
  rig.subscribe(2, "E", {.unacknowledged_tasks = {task_spec("T")}});
  ASSERT_EQ(rig.all<effect::CloseStream>().size(), 1u);
  EXPECT_EQ(rig.all<effect::CloseStream>()[0].connection, ConnectionId(1));
  rig.step(event::ExecutorDisconnected{ConnectionId(1)});
  rig.clear();
  rig.call(9, "E", say("T", TaskState::kRunning, 1));
  EXPECT_EQ(status_of(rig), 202);
  EXPECT_EQ(rig.all<effect::SendToExecutor>()[0].connection, ConnectionId(2));
}

TEST(AgentExecutor, ADisconnectionKeepsItsTasks) {
  Rig rig;
  subscribed(rig);
  rig.call(9, "E", say("T", TaskState::kRunning, 1));
  rig.step(event::ExecutorDisconnected{ConnectionId(1)});
  rig.call(10, "E", say("T", TaskState::kFinished, 2));
  EXPECT_EQ(status_of(rig), 403);
  rig.advance(2h);
  EXPECT_EQ(rig.find("T")->record.state, TaskState::kRunning);
  // It says again what it has no word about.
  call::Subscribe again;
  again.unacknowledged_updates = {say("T", TaskState::kRunning, 1).status,
                                  say("T", TaskState::kFinished, 2).status};
  rig.clear();
  rig.subscribe(2, "E", again);
  EXPECT_EQ(rig.find("T")->record.state, TaskState::kFinished);
  EXPECT_EQ(rig.to_the_executor<ev::Acknowledged>().size(), 2u);
  EXPECT_EQ(rig.history("T"), "TASK_FINISHED");
}

TEST(AgentExecutor, TasksLostOnTheWayAreReported) {
  Rig rig;
  subscribed(rig);
  rig.master(custom("E", {"T2"}));
  rig.step(event::ExecutorDisconnected{ConnectionId(1)});
  rig.master(custom("E", {"T3"}));
  rig.clear();
  rig.subscribe(2, "E", {.unacknowledged_tasks = {task_spec("T")}});
  EXPECT_EQ(rig.find("T")->record.state, TaskState::kStaging) << "it has that one";
  EXPECT_EQ(rig.find("T2")->record.state, TaskState::kLost);
  EXPECT_EQ(rig.last_status("T2")->reason, Reason::kAgentRestarted);
  ASSERT_EQ(rig.to_the_executor<ev::Launch>().size(), 1u);
  EXPECT_EQ(rig.to_the_executor<ev::Launch>()[0].task.id, TaskId("T3"));
}

TEST(AgentExecutor, RunsOnWithoutTasks) {
  Rig rig;
  const ContainerId container = subscribed(rig);
  rig.call(9, "E", say("T", TaskState::kFinished, 1));
  rig.acknowledge_all();
  EXPECT_EQ(rig.find("T"), nullptr);
  rig.advance(1min);
  ASSERT_NE(rig.container(container), nullptr);
  EXPECT_EQ(rig.stored.frameworks.size(), 1u);
  rig.master(custom("E", {"T2"}));
  EXPECT_EQ(rig.container_of("T2"), container);
}

// The report to a new master did not hold it: told of its end, that master would strike an executor
// of the same name that it has started since.
TEST(AgentExecutor, ItsEndIsNotToldToAMasterThatNeverKnewIt) {
  Rig rig;
  const ContainerId container = subscribed(rig);
  rig.step(event::LinkClosed{rig.link(), "gone"});
  rig.advance(30s);  // it dials
  rig.step(event::LinkOpened{rig.link()});
  rig.stores = false;
  rig.report(container, supervisor::Exited{"E", 256, false});
  rig.master(to_agent::Welcome{.cluster_id = "C"});
  rig.store();
  ASSERT_EQ(rig.to_the_master<to_master::Register>().size(), 1u);
  EXPECT_TRUE(rig.to_the_master<to_master::Register>().back().executors.empty());
  rig.master(
      to_agent::Registered{.agent_id = AgentId("A"), .ping_interval = 15s, .max_missed_pings = 5});
  rig.store();
  EXPECT_TRUE(rig.to_the_master<to_master::ExecutorTerminated>().empty());
}

TEST(AgentExecutor, ItsEndFailsItsTasksAndIsTold) {
  Rig rig;
  const ContainerId container = subscribed(rig);
  rig.call(9, "E", say("T", TaskState::kRunning, 1));
  rig.acknowledge_all();
  rig.clear();
  rig.report(container, supervisor::Exited{"E", 256, false});
  ASSERT_EQ(rig.updates().size(), 1u);
  EXPECT_EQ(rig.updates()[0].state, TaskState::kFailed);
  EXPECT_EQ(rig.updates()[0].reason, Reason::kExecutorTerminated);
  EXPECT_EQ(rig.updates()[0].message, "Executor terminated");
  ASSERT_EQ(rig.to_the_master<to_master::ExecutorTerminated>().size(), 1u);
  EXPECT_EQ(rig.to_the_master<to_master::ExecutorTerminated>()[0].status, 256);
  EXPECT_EQ(rig.all<effect::CloseStream>().size(), 1u);
  rig.call(10, "E", say("T", TaskState::kFinished, 2));
  EXPECT_EQ(status_of(rig), 400);
  rig.step(event::SupervisorGone{container, 0});
  EXPECT_EQ(rig.to_the_master<to_master::ExecutorTerminated>().size(), 1u) << "once";
}

// The report is on its way and holds the executor: the master has to hear that it has ended since.
TEST(AgentExecutor, ItsEndWhileRegisteringIsToldAfterwards) {
  Rig rig;
  const ContainerId container = subscribed(rig);
  rig.step(event::LinkClosed{rig.link(), "reset"});
  rig.advance(1min);
  rig.step(event::LinkOpened{rig.link()});
  rig.master(to_agent::Welcome{.cluster_id = "C"});
  rig.clear();
  rig.report(container, supervisor::Exited{"E", 256, false});
  EXPECT_TRUE(rig.to_the_master<to_master::ExecutorTerminated>().empty());
  rig.master(
      to_agent::Registered{.agent_id = AgentId("A"), .ping_interval = 1h, .max_missed_pings = 5});
  ASSERT_EQ(rig.to_the_master<to_master::ExecutorTerminated>().size(), 1u);
  EXPECT_EQ(rig.to_the_master<to_master::ExecutorTerminated>()[0].executor_id, ExecutorId("E"));
}

TEST(AgentExecutor, ANewOneWaitsForTheEndOfTheOld) {
  Rig rig;
  const ContainerId old = subscribed(rig);
  rig.report(old, supervisor::Exited{"E", 0, false});
  rig.clear();
  rig.master(custom("E", {"T2"}));
  rig.master(custom("E", {"T3"}));
  EXPECT_NE(rig.container_of("T2"), old);
  EXPECT_TRUE(rig.all<effect::LaunchContainer>().empty());
  rig.subscribe(7, "E");
  EXPECT_EQ(status_of(rig), 400) << "it could be a leftover of the old one";
  rig.step(event::SupervisorGone{old, 0});
  EXPECT_EQ(rig.all<effect::LaunchContainer>().size(), 1u);
  rig.connect(rig.container_of("T2"));
  rig.subscribe(8, "E");
  EXPECT_EQ(rig.to_the_executor<ev::Launch>().size(), 2u);
}

TEST(AgentExecutor, ThatCannotBeLaunched) {
  Rig rig;
  rig.up();
  rig.master(custom("E", {"T"}));
  const ContainerId container = rig.container_of("T");
  rig.connect(container);
  rig.clear();
  rig.report(container, supervisor::LaunchFailed{"E", "no such file"});
  EXPECT_EQ(rig.states(), "T:TASK_FAILED");
  EXPECT_EQ(rig.updates()[0].reason, Reason::kContainerLaunchFailed);
  EXPECT_EQ(rig.to_the_master<to_master::ExecutorTerminated>().size(), 1u);
}

TEST(AgentExecutor, Heartbeats) {
  Rig rig;
  subscribed(rig);
  rig.clear();
  rig.advance(61min);
  EXPECT_EQ(rig.to_the_executor<ev::Heartbeat>().size(), 2u);
  rig.step(event::ExecutorDisconnected{ConnectionId(1)});
  rig.clear();
  rig.advance(61min);
  EXPECT_TRUE(rig.to_the_executor<ev::Heartbeat>().empty());
}

TEST(AgentExecutor, SubscribingWhileItIsShutDown) {
  Rig rig;
  subscribed(rig);
  rig.step(event::ExecutorDisconnected{ConnectionId(1)});
  rig.master(to_agent::ShutdownExecutor{FrameworkId("F"), ExecutorId("E")});
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Shutdown>().size(), 1u);
  rig.clear();
  rig.subscribe(2, "E", {.unacknowledged_tasks = {task_spec("T")}});
  EXPECT_EQ(rig.to_the_executor<ev::Shutdown>().size(), 1u);
}

}  // namespace
}  // namespace souk::agent
