// Kills in favour of another framework (§3.3): how they are reported.
#include <gtest/gtest.h>

#include "agent/test_rig.h"

namespace souk::agent {
namespace {

using testing::commands;
using testing::custom;
using testing::framework;
using testing::group;
using testing::revocation_of;
using testing::Rig;
using testing::rig_options;
using testing::task_spec;
namespace supervisor = protocol::supervisor;
namespace to_agent = protocol::to_agent;
namespace ev = protocol::executor_event;

constexpr const char* kText = "Revoked in favour of another framework";

FrameworkInfo aware() {
  return framework("F", {Capability::kPartitionAware, Capability::kTaskKillingState});
}

Rig restarted(const Rig& old) {
  Rig rig(rig_options(), old.stored, 8);
  rig.now = {old.now.mono + 1s, old.now.wall + 1s};
  rig.reports = old.reports;
  return rig;
}

void expect_revoked(const Rig& rig, const std::string& id, TaskState state) {
  ASSERT_TRUE(rig.last_status(id).has_value());
  const TaskStatus status = *rig.last_status(id);
  EXPECT_EQ(status.state, state) << to_string(status.state);
  EXPECT_EQ(status.reason, Reason::kContainerPreempted);
  EXPECT_EQ(status.source, StatusSource::kAgent);
  EXPECT_EQ(status.message, kText);
}

// A custom executor E that runs T.
ContainerId run_custom(Rig& rig) {
  rig.master(custom("E", {"T"}));
  const ContainerId container = rig.container_of("T");
  rig.connect(container);
  rig.subscribe(1, "E");
  rig.executor_says("E", "T", TaskState::kRunning, 1);
  return container;
}

TEST(AgentRevocation, ACommandIsGoneOrLost) {
  for (const bool knows : {true, false}) {
    Rig rig;
    rig.up();
    const ContainerId container = rig.run_command("T", knows ? aware() : framework());
    rig.master(revocation_of("T", 10s));
    ASSERT_EQ(rig.to_the_supervisor<supervisor::Kill>().size(), 1u);
    EXPECT_EQ(Duration(rig.to_the_supervisor<supervisor::Kill>()[0].grace_ns), 10s);
    rig.report(container, supervisor::Killing{"T"});
    rig.report(container, supervisor::Exited{"T", 15, true});
    EXPECT_EQ(rig.history("T"), knows ? "TASK_STARTING TASK_RUNNING TASK_KILLING TASK_GONE"
                                      : "TASK_STARTING TASK_RUNNING TASK_LOST");
    expect_revoked(rig, "T", knows ? TaskState::kGone : TaskState::kLost);
    rig.acknowledge_all();
    EXPECT_TRUE(rig.stored.tasks.empty());
  }
}

TEST(AgentRevocation, WhatEndedBeforeTheKillCameEndedByItself) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T", aware());
  rig.master(revocation_of("T"));
  rig.report(container, supervisor::Exited{"T", 0, false});
  EXPECT_EQ(rig.find("T")->record.state, TaskState::kFinished);
  EXPECT_FALSE(rig.last_status("T")->reason.has_value());
}

TEST(AgentRevocation, AKillThatItsFrameworkAskedForBeforeStaysOne) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T", aware());
  rig.master(to_agent::KillTask{FrameworkId("F"), TaskId("T"), 20s, {}});
  rig.master(revocation_of("T", 1s));
  EXPECT_EQ(Duration(rig.to_the_supervisor<supervisor::Kill>().back().grace_ns), 1s);
  rig.report(container, supervisor::Exited{"T", 15, true});
  EXPECT_EQ(rig.find("T")->record.state, TaskState::kKilled);
}

TEST(AgentRevocation, AnotherReasonIsAPlainKill) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T", aware());
  rig.master(to_agent::KillTask{FrameworkId("F"), TaskId("T"), 1s, Reason::kAgentDraining});
  rig.report(container, supervisor::Exited{"T", 15, true});
  EXPECT_EQ(rig.find("T")->record.state, TaskState::kKilled);
}

TEST(AgentRevocation, BeforeItIsHandedOver) {
  Rig rig;
  rig.up();
  rig.master(commands(aware(), {task_spec("T")}));
  rig.master(revocation_of("T"));
  expect_revoked(rig, "T", TaskState::kGone);
  EXPECT_TRUE(rig.all<effect::LaunchProcesses>().empty());
}

TEST(AgentRevocation, ATaskThatIsNotHere) {
  Rig rig;
  rig.up();
  rig.master(revocation_of("T"));
  ASSERT_EQ(rig.updates().size(), 1u);
  EXPECT_EQ(rig.updates()[0].reason, Reason::kTaskUnknown);
}

TEST(AgentRevocation, StoredBeforeItIsDone) {
  Rig rig;
  rig.up();
  rig.run_command("T", aware());
  rig.stores = false;
  rig.master(revocation_of("T", 4s));
  EXPECT_TRUE(rig.to_the_supervisor<supervisor::Kill>().empty());
  rig.store();
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Kill>().size(), 1u);
}

TEST(AgentRevocation, EndedWhileItWasBeingStored) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T", aware());
  rig.stores = false;
  rig.master(revocation_of("T", 4s));
  rig.report(container, supervisor::Exited{"T", 0, false});
  rig.stores = true;
  rig.store();
  EXPECT_TRUE(rig.to_the_supervisor<supervisor::Kill>().empty());
  EXPECT_EQ(rig.find("T")->record.state, TaskState::kFinished);
}

TEST(AgentRevocation, OfAGroupEachTaskEnds) {
  Rig rig;
  rig.up();
  to_agent::RunTasks run = group("D", {"T1", "T2"});
  run.framework = aware();
  rig.master(run);
  const ContainerId container = rig.container_of("T1");
  rig.connect(container);
  rig.report(container, supervisor::Started{"T1", 1});
  rig.report(container, supervisor::Started{"T2", 2});
  rig.master(revocation_of("T1"));
  rig.report(container, supervisor::Exited{"T1", 15, true});
  rig.report(container, supervisor::Exited{"T2", 15, true});
  expect_revoked(rig, "T1", TaskState::kGone);
  EXPECT_EQ(rig.last_status("T2")->state, TaskState::kKilled) << "its group ended";
}

// --- custom executors

TEST(AgentRevocation, AnExecutorsWordOfTheEndIsReplaced) {
  for (const TaskState said : {TaskState::kKilled, TaskState::kFailed}) {
    Rig rig;
    rig.up();
    run_custom(rig);
    rig.master(revocation_of("T", 6s));
    ASSERT_EQ(rig.to_the_executor<ev::Kill>().size(), 1u);
    EXPECT_EQ(rig.to_the_executor<ev::Kill>()[0].grace, Duration(6s));
    rig.executor_says("E", "T", said, 2);
    expect_revoked(rig, "T", TaskState::kLost);
  }
}

TEST(AgentRevocation, ButNotThatItFinished) {
  Rig rig;
  rig.up();
  run_custom(rig);
  rig.master(revocation_of("T"));
  rig.executor_says("E", "T", TaskState::kFinished, 2);
  EXPECT_EQ(rig.last_status("T")->state, TaskState::kFinished);
  EXPECT_EQ(rig.last_status("T")->message, "as the executor says");
}

TEST(AgentRevocation, NorWhatItSaysOfATimeBefore) {
  Rig rig;
  rig.up();
  run_custom(rig);
  rig.step(event::ExecutorDisconnected{ConnectionId(1)});
  rig.master(revocation_of("T"));
  rig.subscribe(2, "E", {.unacknowledged_updates = {Rig::word("T", TaskState::kFailed, 5).status}});
  EXPECT_EQ(rig.last_status("T")->state, TaskState::kFailed);
  EXPECT_EQ(rig.last_status("T")->message, "as the executor says");
}

TEST(AgentRevocation, AnExecutorThatDoesNotObeyIsEnded) {
  Rig rig;
  rig.up();
  to_agent::RunTasks run = custom("E", {"T"});
  run.executor.shutdown_grace = 24h;
  rig.master(run);
  const ContainerId container = rig.container_of("T");
  rig.connect(container);
  rig.subscribe(1, "E");
  rig.master(revocation_of("T", 2s));
  rig.advance(7s);
  EXPECT_EQ(rig.to_the_executor<ev::Shutdown>().size(), 1u);
  rig.advance(5s);
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Shutdown>().size(), 1u) << "whatever grace it claims";
  rig.advance(5s);
  EXPECT_EQ(rig.all<effect::KillContainer>().size(), 1u);
  rig.step(event::SupervisorGone{container, 9});
  expect_revoked(rig, "T", TaskState::kLost);
}

TEST(AgentRevocation, AnExecutorMayIgnoreAPlainKill) {
  Rig rig;
  rig.up();
  run_custom(rig);
  rig.master(to_agent::KillTask{FrameworkId("F"), TaskId("T"), 2s, {}});
  rig.advance(1h);
  EXPECT_TRUE(rig.to_the_executor<ev::Shutdown>().empty());
  EXPECT_EQ(rig.find("T")->record.state, TaskState::kRunning);
}

// --- restarts

TEST(AgentRevocation, IsReportedSoThroughARestart) {
  Rig first;
  first.up();
  const ContainerId container = first.run_command("T", aware());
  first.master(revocation_of("T", 10s));
  Rig rig = restarted(first);
  rig.start();
  rig.connect(container);
  rig.report(container, supervisor::Exited{"T", 15, true});
  expect_revoked(rig, "T", TaskState::kGone);
}

TEST(AgentRevocation, IsDoneAfterARestartIfItWasNot) {
  Rig first;
  first.up();
  const ContainerId container = first.run_command("T", aware());
  first.master(revocation_of("T", 10s));
  Rig rig = restarted(first);
  rig.start();
  EXPECT_TRUE(rig.to_the_supervisor<supervisor::Kill>().empty());
  rig.connect(container);
  ASSERT_EQ(rig.to_the_supervisor<supervisor::Kill>().size(), 1u);
  EXPECT_EQ(Duration(rig.to_the_supervisor<supervisor::Kill>()[0].grace_ns), 10s);
  rig.advance(15s);
  EXPECT_EQ(rig.all<effect::KillContainer>().size(), 1u) << "and watched";
}

TEST(AgentRevocation, OfACustomExecutorThroughARestart) {
  Rig first;
  first.up();
  const ContainerId container = run_custom(first);
  first.master(revocation_of("T", 6s));
  Rig rig = restarted(first);
  rig.start();
  rig.connect(container);
  rig.subscribe(2, "E", {.unacknowledged_updates = {Rig::word("T", TaskState::kFailed, 5).status}});
  expect_revoked(rig, "T", TaskState::kLost);

  Rig again = restarted(first);
  again.start();
  again.connect(container);
  again.subscribe(2, "E", {.unacknowledged_tasks = {task_spec("T")}});
  EXPECT_EQ(again.to_the_executor<ev::Kill>().size(), 1u) << "told again";
  again.advance(11s);
  EXPECT_EQ(again.to_the_executor<ev::Shutdown>().size(), 1u);
}

}  // namespace
}  // namespace souk::agent
