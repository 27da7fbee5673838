// Restarts: a second machine is made of what the first one stored.
#include "agent/recovery.h"

#include <gtest/gtest.h>

#include "agent/test_rig.h"

namespace souk::agent {
namespace {

using testing::commands;
using testing::custom;
using testing::framework;
using testing::Rig;
using testing::rig_options;
using testing::task_spec;
namespace supervisor = protocol::supervisor;
namespace to_agent = protocol::to_agent;
namespace to_master = protocol::to_master;

// The agent dies and comes back; time goes on.
Rig restarted(const Rig& old, Duration down = 1s) {
  Rig rig(rig_options(), old.stored, 8);
  rig.now = {old.now.mono + down, old.now.wall + down};
  rig.reports = old.reports;
  return rig;
}

TEST(AgentRecovery, NothingToRecoverDialsAtOnce) {
  Rig rig;
  rig.start();
  EXPECT_FALSE(rig.machine.state().recovering);
  EXPECT_EQ(rig.all<effect::OpenLink>().size(), 1u);
}

TEST(AgentRecovery, ATaskOutlivesTheAgent) {
  Rig first;
  first.up();
  const ContainerId container = first.run_command("T");
  first.acknowledge_all();

  Rig rig = restarted(first);
  rig.start();
  EXPECT_TRUE(rig.all<effect::OpenLink>().empty()) << "not before it knows what it runs";
  rig.connect(container);
  EXPECT_EQ(rig.all<effect::OpenLink>().size(), 1u);
  EXPECT_TRUE(rig.all<effect::LaunchProcesses>().empty());
  rig.register_agent();
  const auto r = rig.to_the_master<to_master::Register>()[0];
  EXPECT_EQ(r.agent.id, AgentId("A"));
  ASSERT_EQ(r.tasks.size(), 1u);
  EXPECT_EQ(r.tasks[0].state, TaskState::kRunning);
  rig.report(container, supervisor::Exited{"T", 0, false});
  EXPECT_EQ(rig.states(), "T:TASK_FINISHED");
}

TEST(AgentRecovery, WhatHappenedMeanwhileIsReportedOnce) {
  Rig first;
  first.up();
  const ContainerId container = first.run_command("T");
  // Started is stored, but Taken was lost with the agent; then the task ended.
  Rig rig = restarted(first);
  rig.reports.clear();
  rig.start();
  rig.connect(container);
  rig.report(container, supervisor::Started{"T", 4711});
  rig.report(container, supervisor::Exited{"T", 0, false});
  EXPECT_EQ(rig.history("T"), "TASK_FINISHED");
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Taken>().size(), 2u);
  rig.register_agent();
  EXPECT_EQ(rig.states(), "T:TASK_STARTING");
  rig.acknowledge_all();
  EXPECT_EQ(rig.states(), "T:TASK_STARTING T:TASK_RUNNING T:TASK_FINISHED");
  EXPECT_TRUE(rig.stored.tasks.empty());
}

TEST(AgentRecovery, HalfOfAReportWasStored) {
  Rig first;
  first.up();
  first.master(commands(framework(), {task_spec("T")}));
  const ContainerId container = first.container_of("T");
  first.connect(container);
  first.stores = false;
  first.report(container, supervisor::Started{"T", 1});
  souk::agent::apply(first.stored, first.unstored[0].operation);  // TASK_STARTING only

  Rig rig = restarted(first);
  rig.reports.clear();
  rig.start();
  rig.connect(container);
  rig.report(container, supervisor::Started{"T", 1});
  EXPECT_EQ(rig.history("T"), "TASK_RUNNING");
}

TEST(AgentRecovery, AGoneSoukExecutorFailsItsTask) {
  Rig first;
  first.up();
  const ContainerId container = first.run_command("T");
  first.acknowledge_all();
  Rig rig = restarted(first);
  rig.start();
  rig.step(event::SupervisorGone{container, std::nullopt});
  EXPECT_FALSE(rig.machine.state().recovering);
  rig.register_agent();
  ASSERT_EQ(rig.updates().size(), 1u);
  EXPECT_EQ(rig.updates()[0].state, TaskState::kFailed);
  EXPECT_EQ(rig.updates()[0].reason, Reason::kExecutorTerminated);
}

TEST(AgentRecovery, OneThatDoesNotDialInIsGivenUp) {
  Rig first;
  first.up();
  const ContainerId container = first.run_command("T");
  first.acknowledge_all();
  Rig rig = restarted(first);
  rig.start();
  rig.advance(1900ms);
  EXPECT_TRUE(rig.machine.state().recovering);
  rig.advance(200ms);
  EXPECT_FALSE(rig.machine.state().recovering);
  EXPECT_EQ(rig.all<effect::KillContainer>().size(), 1u);
  EXPECT_EQ(rig.last_status("T")->state, TaskState::kFailed);
  EXPECT_EQ(rig.last_status("T")->reason, Reason::kExecutorReregistrationTimeout);
  // It dials in after all: too late.
  rig.connect(container);
  rig.report(container, supervisor::Exited{"T", 0, false});
  EXPECT_EQ(rig.history("T"), "TASK_FAILED");
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Shutdown>().size(), 1u);
}

TEST(AgentRecovery, ALaunchThatWasStoredAndNeverBegun) {
  for (const bool aware : {false, true}) {
    Rig first;
    first.up();
    first.master(commands(framework("F", aware ? std::vector{Capability::kPartitionAware}
                                               : std::vector<Capability>{}),
                          {task_spec("T")}));
    const ContainerId container = first.container_of("T");
    Rig rig = restarted(first);
    rig.start();
    rig.step(event::SupervisorGone{container, std::nullopt});
    EXPECT_EQ(rig.last_status("T")->state, aware ? TaskState::kDropped : TaskState::kLost);
    EXPECT_EQ(rig.last_status("T")->reason, Reason::kAgentRestarted);
    // Or nothing is heard of it.
    Rig silent = restarted(first);
    silent.start();
    silent.advance(3s);
    EXPECT_EQ(silent.last_status("T")->state, aware ? TaskState::kDropped : TaskState::kLost);
  }
}

TEST(AgentRecovery, ASoukExecutorThatComesGetsItsLaunch) {
  Rig first;
  first.up();
  first.master(testing::group("E", {"T1", "T2"}));
  const ContainerId container = first.container_of("T1");
  Rig rig = restarted(first);
  rig.start();
  rig.connect(container);
  ASSERT_EQ(rig.all<effect::LaunchProcesses>().size(), 1u);
  EXPECT_TRUE(rig.all<effect::LaunchProcesses>()[0].group);
  EXPECT_EQ(rig.all<effect::LaunchProcesses>()[0].tasks.size(), 2u);
  rig.report(container, supervisor::Started{"T1", 1});
  EXPECT_EQ(rig.find("T1")->record.state, TaskState::kRunning);
}

TEST(AgentRecovery, UnacknowledgedUpdatesAreSentAgain) {
  Rig first;
  first.up();
  const ContainerId container = first.run_command("T");
  first.report(container, supervisor::Exited{"T", 0, false});
  first.step(event::SupervisorGone{container, 0});
  const Uuid uuid = *first.updates()[0].uuid;

  Rig rig = restarted(first);
  rig.start();
  EXPECT_FALSE(rig.machine.state().recovering);
  rig.register_agent();
  ASSERT_EQ(rig.updates().size(), 1u);
  EXPECT_EQ(rig.updates()[0].uuid, uuid);
  const auto r = rig.to_the_master<to_master::Register>()[0];
  ASSERT_EQ(r.tasks.size(), 1u);
  EXPECT_EQ(r.tasks[0].state, TaskState::kFinished);
  rig.acknowledge_all();
  EXPECT_EQ(rig.states(), "T:TASK_STARTING T:TASK_RUNNING T:TASK_FINISHED");
}

TEST(AgentRecovery, CustomExecutorsSubscribeAgain) {
  Rig first;
  first.up();
  first.master(custom("E", {"T1", "T2"}));
  const ContainerId container = first.container_of("T1");
  first.connect(container);
  first.report(container, supervisor::Started{"E", 1});
  first.subscribe(1, "E");

  Rig rig = restarted(first);
  rig.start();
  rig.subscribe(5, "X");
  EXPECT_EQ(rig.all<effect::Respond>()[0].answer.status, 503) << "it may be known in a moment";
  rig.subscribe(5, "E", {.unacknowledged_tasks = {task_spec("T1")}});
  EXPECT_EQ(rig.all<effect::OpenStream>().size(), 1u);
  EXPECT_EQ(rig.find("T1")->record.state, TaskState::kStaging);
  EXPECT_EQ(rig.last_status("T2")->state, TaskState::kLost);
  EXPECT_EQ(rig.last_status("T2")->reason, Reason::kAgentRestarted);
  rig.connect(container);
  EXPECT_FALSE(rig.machine.state().recovering);
  EXPECT_EQ(rig.all<effect::LaunchProcesses>().size(), 1u) << "a souk-executor knows its names";
  rig.subscribe(6, "X");
  EXPECT_EQ(rig.all<effect::Respond>()[1].answer.status, 400);
}

TEST(AgentRecovery, ACustomExecutorThatNeverSubscribesAgain) {
  Rig first;
  first.up();
  first.master(custom("E", {"T"}));
  const ContainerId container = first.container_of("T");
  first.connect(container);
  first.subscribe(1, "E");
  Rig rig = restarted(first);
  rig.start();
  rig.connect(container);
  rig.advance(14min);
  EXPECT_EQ(rig.history("T"), "");
  rig.advance(2min);
  EXPECT_EQ(rig.last_status("T")->reason, Reason::kExecutorReregistrationTimeout);
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Shutdown>().size(), 1u);
}

TEST(AgentRecovery, MaxCompletionTimeGoesOnCounting) {
  Rig first;
  first.up();
  TaskSpec spec = task_spec("T");
  spec.max_completion_time = 30s;
  first.master(commands(framework(), {spec}));
  const ContainerId container = first.container_of("T");
  first.connect(container);
  first.report(container, supervisor::Started{"T", 1});

  Rig rig = restarted(first, 20s);
  rig.start();
  rig.connect(container);
  rig.advance(9s);
  EXPECT_TRUE(rig.to_the_supervisor<supervisor::Kill>().empty());
  rig.advance(2s);
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Kill>().size(), 1u);

  Rig late = restarted(first, 40s);
  late.start();
  late.connect(container);
  late.report(container, supervisor::Killing{"T"});
  late.report(container, supervisor::Exited{"T", 15, true});
  EXPECT_EQ(late.last_status("T")->reason, Reason::kMaxCompletionTimeReached);
}

TEST(AgentRecovery, AFrameworkThatWasGoingIsShutDownAgain) {
  Rig first;
  first.up();
  const ContainerId container = first.run_command("T");
  first.master(to_agent::ShutdownFramework{FrameworkId("F")});
  Rig rig = restarted(first);
  rig.start();
  EXPECT_TRUE(rig.to_the_supervisor<supervisor::Shutdown>().empty());
  rig.connect(container);
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Shutdown>().size(), 1u);
  rig.step(event::SupervisorGone{container, 0});
  EXPECT_TRUE(rig.stored.frameworks.empty());
}

TEST(AgentRecovery, AContainerThatHadEndedIsNotStartedAgain) {
  Rig first;
  first.up();
  first.master(custom("E", {"T"}));
  const ContainerId container = first.container_of("T");
  first.connect(container);
  first.report(container, supervisor::Started{"E", 1});
  first.report(container, supervisor::Exited{"E", 0, false});

  Rig rig = restarted(first);
  rig.start();
  EXPECT_FALSE(rig.machine.state().recovering);
  rig.connect(container);
  EXPECT_TRUE(rig.all<effect::LaunchProcesses>().empty());
  EXPECT_EQ(rig.all<effect::KillContainer>().size(), 1u);
}

TEST(AgentRecovery, ASpoiltCheckpointIsMended) {
  Rig first;
  first.up();
  const ContainerId container = first.run_command("T1");
  first.run_command("T2");
  first.master(commands(framework("G"), {task_spec("T3")}));
  Checkpoint spoilt = first.stored;
  spoilt.containers.erase(container);
  spoilt.frameworks.erase(FrameworkId("G"));
  spoilt.tasks.begin()->second.pending.clear();
  spoilt.frameworks[FrameworkId("H")].info = framework("H");
  Rig rig(rig_options(), spoilt, 9);
  rig.start();
  EXPECT_EQ(rig.last_status("T1")->state, TaskState::kFailed);
  EXPECT_EQ(rig.machine.state().frameworks.size(), 1u);
  rig.advance(3s);
  EXPECT_FALSE(rig.machine.state().recovering);
}

}  // namespace
}  // namespace souk::agent
