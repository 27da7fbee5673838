#include "agent/kills.h"

#include <gtest/gtest.h>

#include "agent/test_rig.h"

namespace souk::agent {
namespace {

using testing::commands;
using testing::custom;
using testing::framework;
using testing::Rig;
using testing::task_spec;
namespace supervisor = protocol::supervisor;
namespace to_agent = protocol::to_agent;
namespace to_master = protocol::to_master;
namespace ev = protocol::executor_event;

to_agent::KillTask kill(const std::string& id, std::optional<Duration> grace = std::nullopt) {
  return {.framework_id = FrameworkId("F"), .task_id = TaskId(id), .grace = grace};
}

TEST(AgentKill, ACommandIsKilledWithItsGrace) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  rig.master(kill("T"));
  ASSERT_EQ(rig.to_the_supervisor<supervisor::Kill>().size(), 1u);
  EXPECT_EQ(Duration(rig.to_the_supervisor<supervisor::Kill>()[0].grace_ns), 3s);
  rig.report(container, supervisor::Killing{"T"});
  rig.report(container, supervisor::Exited{"T", 15, true});
  EXPECT_EQ(rig.history("T"), "TASK_STARTING TASK_RUNNING TASK_KILLED");
  EXPECT_EQ(rig.last_status("T")->message, "Command terminated with signal Terminated");
  EXPECT_FALSE(rig.last_status("T")->reason.has_value());
}

TEST(AgentKill, KilledWhateverItsExitCode) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  rig.master(kill("T"));
  rig.report(container, supervisor::Killing{"T"});
  rig.report(container, supervisor::Exited{"T", 0, true});
  EXPECT_EQ(rig.find("T")->record.state, TaskState::kKilled);
}

TEST(AgentKill, WhatEndedBeforeTheKillCameEndedByItself) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  rig.master(kill("T"));
  rig.report(container, supervisor::Exited{"T", 0, false});
  EXPECT_EQ(rig.find("T")->record.state, TaskState::kFinished);
}

TEST(AgentKill, TaskKillingForThoseWhoKnowIt) {
  Rig rig;
  rig.up();
  const ContainerId container =
      rig.run_command("T", framework("F", {Capability::kTaskKillingState}));
  rig.master(kill("T"));
  rig.report(container, supervisor::Killing{"T"});
  rig.report(container, supervisor::Exited{"T", 15, true});
  EXPECT_EQ(rig.history("T"), "TASK_STARTING TASK_RUNNING TASK_KILLING TASK_KILLED");
}

TEST(AgentKill, TheTasksPolicyAndTheCallsGrace) {
  Rig rig;
  rig.up();
  TaskSpec spec = task_spec("T");
  spec.kill_grace = 20s;
  rig.master(commands(framework(), {spec}));
  const ContainerId container = rig.container_of("T");
  rig.connect(container);
  rig.report(container, supervisor::Started{"T", 1});
  rig.master(kill("T"));
  rig.master(kill("T", 1s));
  const auto kills = rig.to_the_supervisor<supervisor::Kill>();
  ASSERT_EQ(kills.size(), 2u) << "a later kill is never swallowed";
  EXPECT_EQ(Duration(kills[0].grace_ns), 20s);
  EXPECT_EQ(Duration(kills[1].grace_ns), 1s);
  // The shorter one counts for the agent's own patience too.
  rig.clear();
  rig.advance(7s);
  EXPECT_EQ(rig.all<effect::KillContainer>().size(), 1u);
}

TEST(AgentKill, ALaterLongerGraceDoesNotLengthenIt) {
  Rig rig;
  rig.up();
  rig.run_command("T");
  rig.master(kill("T", 1s));
  rig.master(kill("T", 1h));
  rig.clear();
  rig.advance(7s);
  EXPECT_EQ(rig.all<effect::KillContainer>().size(), 1u);
}

TEST(AgentKill, AKillThatNothingComesOfGetsHarder) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  rig.master(kill("T"));
  rig.clear();
  rig.advance(9s);
  EXPECT_EQ(rig.all<effect::KillContainer>().size(), 1u);
  rig.step(event::SupervisorGone{container, 9});
  EXPECT_EQ(rig.find("T")->record.state, TaskState::kKilled);
}

TEST(AgentKill, OneOfAGroupIsNotKilledThroughTheOthers) {
  Rig rig;
  rig.up();
  rig.master(testing::group("E", {"T1", "T2"}));
  const ContainerId container = rig.container_of("T1");
  rig.connect(container);
  rig.report(container, supervisor::Started{"T1", 1});
  rig.report(container, supervisor::Started{"T2", 2});
  rig.master(kill("T1"));
  rig.clear();
  rig.advance(9s);
  EXPECT_TRUE(rig.all<effect::KillContainer>().empty());
  ASSERT_EQ(rig.to_the_supervisor<supervisor::Kill>().size(), 1u);
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Kill>()[0].grace_ns, 0);
}

TEST(AgentKill, AnAbsurdGraceIsMadeSane) {
  Rig rig;
  rig.up();
  rig.run_command("T");
  rig.master(kill("T", Duration::max()));
  rig.master(kill("T", Duration::min()));
  const auto kills = rig.to_the_supervisor<supervisor::Kill>();
  ASSERT_EQ(kills.size(), 2u);
  EXPECT_EQ(Duration(kills[0].grace_ns), 24h);
  EXPECT_EQ(kills[1].grace_ns, 0);
}

TEST(AgentKill, BeforeTheLaunch) {
  Rig rig;
  rig.up();
  rig.master(commands(framework(), {task_spec("T")}));
  const ContainerId container = rig.container_of("T");
  rig.master(kill("T"));
  ASSERT_EQ(rig.updates().size(), 1u);
  EXPECT_EQ(rig.updates()[0].state, TaskState::kKilled);
  EXPECT_EQ(rig.updates()[0].reason, Reason::kTaskKilledDuringLaunch);
  EXPECT_EQ(rig.all<effect::KillContainer>().size(), 1u);
  // The souk-executor had been started: it dials in and is sent away.
  rig.clear();
  rig.connect(container);
  EXPECT_TRUE(rig.all<effect::LaunchProcesses>().empty());
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Shutdown>().size(), 1u);
  rig.step(event::SupervisorGone{container, 0});
  EXPECT_EQ(rig.history("T"), "");
}

TEST(AgentKill, BeforeTheLaunchIsStored) {
  Rig rig;
  rig.up();
  rig.stores = false;
  rig.master(commands(framework(), {task_spec("T")}));
  rig.master(kill("T"));
  rig.store();
  rig.store();
  EXPECT_TRUE(rig.all<effect::LaunchContainer>().empty());
  EXPECT_EQ(rig.states(), "T:TASK_KILLED");
  rig.stores = true;
  rig.acknowledge_all();
  EXPECT_TRUE(rig.machine.state().frameworks.empty());
}

TEST(AgentKill, BeforeTheLaunchOfAGroupEndsAllOfIt) {
  Rig rig;
  rig.up();
  rig.master(testing::group("E", {"T1", "T2"}));
  rig.clear();
  rig.master(kill("T2"));
  EXPECT_EQ(rig.history("T1"), "TASK_KILLED");
  EXPECT_EQ(rig.history("T2"), "TASK_KILLED");
}

TEST(AgentKill, BeforeTheLaunchOfOneAmongManyLeavesTheOthers) {
  Rig rig;
  rig.up();
  rig.master(custom("E", {"T1", "T2"}));
  rig.master(kill("T2"));
  EXPECT_EQ(rig.find("T1")->record.state, TaskState::kStaging);
  EXPECT_EQ(rig.find("T2")->record.state, TaskState::kKilled);
  rig.connect(rig.container_of("T1"));
  rig.subscribe(1, "E");
  ASSERT_EQ(rig.to_the_executor<ev::Launch>().size(), 1u);
  EXPECT_EQ(rig.to_the_executor<ev::Launch>()[0].task.id, TaskId("T1"));
}

TEST(AgentKill, AnUnknownTaskIsLost) {
  Rig rig;
  rig.up();
  rig.master(kill("T"));
  ASSERT_EQ(rig.updates().size(), 1u);
  EXPECT_EQ(rig.updates()[0].state, TaskState::kLost);
  EXPECT_EQ(rig.updates()[0].reason, Reason::kTaskUnknown);
  EXPECT_FALSE(rig.updates()[0].uuid.has_value());
  EXPECT_TRUE(rig.all<effect::Persist>().empty());

  rig.run_command("U", framework("F", {Capability::kPartitionAware}));
  rig.clear();
  rig.master(kill("T"));
  EXPECT_EQ(rig.states(), "T:TASK_GONE");
}

TEST(AgentKill, AnEndedTaskIsNotKilledAgain) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  rig.report(container, supervisor::Exited{"T", 0, false});
  rig.clear();
  rig.master(kill("T"));
  EXPECT_EQ(rig.states(), "");
  EXPECT_TRUE(rig.to_the_supervisor<supervisor::Kill>().empty());
}

TEST(AgentKill, IsSaidAgainAfterAReconnect) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  rig.master(kill("T", 1s));
  rig.clear();
  rig.connect(container);
  ASSERT_EQ(rig.to_the_supervisor<supervisor::Kill>().size(), 1u);
  EXPECT_EQ(Duration(rig.to_the_supervisor<supervisor::Kill>()[0].grace_ns), 1s);
}

TEST(AgentKill, CustomExecutorsAreAskedAndAskedAgain) {
  Rig rig;
  rig.up();
  rig.master(custom("E", {"T"}));
  rig.connect(rig.container_of("T"));
  rig.subscribe(1, "E");
  rig.master(kill("T"));
  ASSERT_EQ(rig.to_the_executor<ev::Kill>().size(), 1u);
  EXPECT_FALSE(rig.to_the_executor<ev::Kill>()[0].grace.has_value()) << "nobody named one";
  rig.step(event::ExecutorDisconnected{ConnectionId(1)});
  rig.master(kill("T", 7s));
  EXPECT_EQ(rig.to_the_executor<ev::Kill>().size(), 1u);
  rig.clear();
  rig.subscribe(2, "E", {.unacknowledged_tasks = {task_spec("T")}});
  ASSERT_EQ(rig.to_the_executor<ev::Kill>().size(), 1u);
  EXPECT_EQ(rig.all<effect::SendToExecutor>().back().connection, ConnectionId(2));
}

TEST(AgentKill, MaxCompletionTime) {
  Rig rig;
  rig.up();
  TaskSpec spec = task_spec("T");
  spec.max_completion_time = 30s;
  rig.master(commands(framework("F", {Capability::kTaskKillingState}), {spec}));
  const ContainerId container = rig.container_of("T");
  rig.connect(container);
  rig.report(container, supervisor::Started{"T", 1});
  rig.advance(29s);
  EXPECT_TRUE(rig.to_the_supervisor<supervisor::Kill>().empty());
  rig.advance(2s);
  ASSERT_EQ(rig.to_the_supervisor<supervisor::Kill>().size(), 1u);
  rig.report(container, supervisor::Killing{"T"});
  rig.report(container, supervisor::Exited{"T", 15, true});
  EXPECT_EQ(rig.history("T"), "TASK_STARTING TASK_RUNNING TASK_KILLING TASK_FAILED");
  EXPECT_EQ(rig.last_status("T")->reason, Reason::kMaxCompletionTimeReached);
}

// --- executors and frameworks

TEST(AgentShutdown, ACustomExecutorIsAskedThenMadeTo) {
  Rig rig;
  rig.up();
  rig.master(custom("E", {"T"}));
  const ContainerId container = rig.container_of("T");
  rig.connect(container);
  rig.subscribe(1, "E");
  rig.clear();
  rig.master(to_agent::ShutdownExecutor{FrameworkId("F"), ExecutorId("E")});
  EXPECT_EQ(rig.to_the_executor<ev::Shutdown>().size(), 1u);
  EXPECT_TRUE(rig.to_the_supervisor<supervisor::Shutdown>().empty());
  rig.advance(5s);
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Shutdown>().size(), 1u);
  rig.advance(5s);
  EXPECT_EQ(rig.all<effect::KillContainer>().size(), 1u);
  rig.step(event::SupervisorGone{container, 9});
  EXPECT_EQ(rig.find("T")->record.state, TaskState::kFailed);
  EXPECT_EQ(rig.last_status("T")->reason, Reason::kExecutorTerminated);
  EXPECT_EQ(rig.to_the_master<to_master::ExecutorTerminated>().size(), 1u);
}

TEST(AgentShutdown, NewTasksOfAnExecutorThatEndsAreDropped) {
  Rig rig;
  rig.up();
  rig.master(custom("E", {"T"}));
  rig.connect(rig.container_of("T"));
  rig.subscribe(1, "E");
  rig.master(to_agent::ShutdownExecutor{FrameworkId("F"), ExecutorId("E")});
  rig.clear();
  rig.master(custom("E", {"U"}));
  ASSERT_EQ(rig.updates().size(), 1u);
  EXPECT_EQ(rig.updates()[0].state, TaskState::kLost);
  EXPECT_EQ(rig.updates()[0].reason, Reason::kExecutorTerminated);
}

TEST(AgentShutdown, OfACommandTaskByItsId) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  rig.master(to_agent::ShutdownExecutor{FrameworkId("F"), ExecutorId("T")});
  ASSERT_EQ(rig.to_the_supervisor<supervisor::Shutdown>().size(), 1u);
  EXPECT_EQ(Duration(rig.to_the_supervisor<supervisor::Shutdown>()[0].grace_ns), 5s);
  rig.report(container, supervisor::Killing{"T"});
  rig.report(container, supervisor::Exited{"T", 15, true});
  EXPECT_EQ(rig.find("T")->record.state, TaskState::kKilled);
  rig.master(to_agent::ShutdownExecutor{FrameworkId("F"), ExecutorId("X")});
  rig.master(to_agent::ShutdownExecutor{FrameworkId("X"), ExecutorId("T")});
}

TEST(AgentShutdown, OfAFrameworkEndsItAllWithoutAcknowledgements) {
  Rig rig;
  rig.up();
  const ContainerId running = rig.run_command("T1");
  rig.master(commands(framework(), {task_spec("T2")}));
  const ContainerId starting = rig.container_of("T2");
  const ContainerId ended = rig.run_command("T3");
  rig.report(ended, supervisor::Exited{"T3", 0, false});
  rig.clear();
  rig.master(to_agent::ShutdownFramework{FrameworkId("F")});
  EXPECT_EQ(rig.states(), "T2:TASK_KILLED");
  EXPECT_EQ(rig.updates()[0].reason, Reason::kFrameworkRemoved);
  EXPECT_FALSE(rig.updates()[0].uuid.has_value());
  EXPECT_EQ(rig.find("T3"), nullptr) << "nobody will acknowledge it";
  EXPECT_TRUE(rig.stored.frameworks.at(FrameworkId("F")).removing);
  rig.clear();
  rig.report(running, supervisor::Exited{"T1", 15, true});
  EXPECT_EQ(rig.states(), "T1:TASK_KILLED");
  for (const ContainerId& id : {running, starting, ended}) {
    rig.step(event::SupervisorGone{id, 0});
  }
  EXPECT_TRUE(rig.machine.state().frameworks.empty());
  EXPECT_TRUE(rig.stored.frameworks.empty());
  EXPECT_TRUE(rig.stored.tasks.empty());
  rig.master(to_agent::ShutdownFramework{FrameworkId("F")});
}

TEST(AgentShutdown, AFrameworkThatIsGoingGetsNoTasks) {
  Rig rig;
  rig.up();
  rig.run_command("T1");
  rig.master(to_agent::ShutdownFramework{FrameworkId("F")});
  rig.clear();
  rig.master(commands(framework(), {task_spec("T2")}));
  EXPECT_EQ(rig.states(), "T2:TASK_LOST");
  EXPECT_TRUE(rig.all<effect::LaunchContainer>().empty());
}

TEST(AgentShutdown, BeforeTheLaunchIsStoredStartsNothing) {
  Rig rig;
  rig.up();
  rig.stores = false;
  rig.master(custom("E", {"T"}));
  rig.master(to_agent::ShutdownFramework{FrameworkId("F")});
  while (!rig.unstored.empty()) rig.store();
  EXPECT_TRUE(rig.all<effect::LaunchContainer>().empty());
  EXPECT_TRUE(rig.machine.state().frameworks.empty());
}

}  // namespace
}  // namespace souk::agent
