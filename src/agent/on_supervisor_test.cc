// Command tasks and task groups: what a souk-executor reports becomes states of tasks.
#include <gtest/gtest.h>

#include "agent/test_rig.h"

namespace souk::agent {
namespace {

using testing::commands;
using testing::framework;
using testing::Rig;
using testing::task_spec;
namespace supervisor = protocol::supervisor;
namespace to_master = protocol::to_master;

constexpr int32_t exited(int code) { return code << 8; }

std::string exit_label(const TaskStatus& s) {
  for (const Label& label : s.labels) {
    if (label.key == "souk.exit_code") return label.value.value_or("");
  }
  return "none";
}

TEST(AgentCommand, ALifeEndsWithItsExitStatus) {
  struct Case {
    int32_t status;
    TaskState state;
    std::string message;
    std::string label;
  };
  const Case cases[] = {
      {exited(0), TaskState::kFinished, "Command exited with status 0", "0"},
      {exited(3), TaskState::kFailed, "Command exited with status 3", "3"},
      {9, TaskState::kFailed, "Command terminated with signal Killed", "137"},
      {11 | 0x80, TaskState::kFailed, "Command terminated with signal Segmentation fault", "139"},
  };
  for (const Case& c : cases) {
    Rig rig;
    rig.up();
    const ContainerId container = rig.run_command("T");
    EXPECT_EQ(rig.history("T"), "TASK_STARTING TASK_RUNNING");
    rig.report(container, supervisor::Exited{"T", c.status, false});
    const TaskStatus s = *rig.last_status("T");
    EXPECT_EQ(s.state, c.state);
    EXPECT_EQ(s.message, c.message);
    EXPECT_EQ(exit_label(s), c.label);
    EXPECT_FALSE(s.reason.has_value());
    // The souk-executor is let go once all is stored.
    EXPECT_EQ(rig.to_the_supervisor<supervisor::Taken>().size(), 2u);
    EXPECT_EQ(rig.to_the_supervisor<supervisor::Shutdown>().size(), 1u);
    EXPECT_TRUE(rig.to_the_master<to_master::ExecutorTerminated>().empty());
    rig.step(event::SupervisorGone{container, 0});
    EXPECT_EQ(rig.container(container), nullptr);
    EXPECT_EQ(rig.find("T")->pending.size(), 3u);
  }
}

TEST(AgentCommand, ALaunchThatFailsInTheSoukExecutor) {
  Rig rig;
  rig.up();
  rig.master(commands(framework(), {task_spec("T")}));
  const ContainerId container = rig.container_of("T");
  rig.connect(container);
  rig.report(container, supervisor::LaunchFailed{"T", "no such user"});
  ASSERT_EQ(rig.updates().size(), 1u);
  EXPECT_EQ(rig.updates()[0].state, TaskState::kFailed);
  EXPECT_EQ(rig.updates()[0].reason, Reason::kContainerLaunchFailed);
  EXPECT_NE(rig.updates()[0].message.find("no such user"), std::string::npos);
}

TEST(AgentCommand, ALostSoukExecutorFailsItsTask) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  rig.step(event::SupervisorGone{container, 9});
  const TaskStatus s = *rig.last_status("T");
  EXPECT_EQ(s.state, TaskState::kFailed);
  EXPECT_EQ(s.reason, Reason::kExecutorTerminated);
  EXPECT_EQ(s.message, "Executor terminated");
  EXPECT_EQ(s.source, StatusSource::kAgent);
}

TEST(AgentCommand, ReportsAreHandledOnceAndTakenAgain) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  rig.clear();
  rig.connect(container);
  rig.step(event::SupervisorSaid{container, {.number = 1, .what = supervisor::Started{"T", 1}}});
  EXPECT_EQ(rig.history("T"), "");
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Taken>().size(), 1u);
}

TEST(AgentCommand, AReportThatIsBeingStoredIsNotTakenTwice) {
  Rig rig;
  rig.up();
  rig.master(commands(framework(), {task_spec("T")}));
  const ContainerId container = rig.container_of("T");
  rig.connect(container);
  rig.stores = false;
  for (int i = 0; i < 2; ++i) {
    rig.step(event::SupervisorSaid{container, {.number = 1, .what = supervisor::Started{"T", 1}}});
  }
  EXPECT_TRUE(rig.to_the_supervisor<supervisor::Taken>().empty());
  rig.store();
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Taken>().size(), 1u);
  EXPECT_EQ(rig.find("T")->pending.size(), 2u);
}

TEST(AgentCommand, AReconnectGetsEverythingAgain) {
  Rig rig;
  rig.up();
  rig.master(commands(framework(), {task_spec("T")}));
  const ContainerId container = rig.container_of("T");
  rig.connect(container);
  EXPECT_EQ(rig.all<effect::LaunchProcesses>().size(), 1u);
  rig.connect(container);
  EXPECT_EQ(rig.all<effect::LaunchProcesses>().size(), 2u);
  rig.report(container, supervisor::Started{"T", 1});
  rig.connect(container);
  EXPECT_EQ(rig.all<effect::LaunchProcesses>().size(), 2u);
}

TEST(AgentCommand, UnknownContainersAreKilledAndTheirReportsTaken) {
  Rig rig;
  rig.up();
  rig.connect(ContainerId("nobody's"));
  EXPECT_EQ(rig.all<effect::KillContainer>().size(), 1u);
  rig.report(ContainerId("nobody's"), supervisor::Started{"T", 1});
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Taken>().size(), 1u);
  rig.step(event::SupervisorGone{ContainerId("nobody's"), std::nullopt});
  rig.step(event::LaunchFailed{ContainerId("nobody's"), "x"});
}

TEST(AgentCommand, ReportsAboutOthersTasksChangeNothing) {
  Rig rig;
  rig.up();
  const ContainerId one = rig.run_command("T1");
  rig.run_command("T2");
  rig.report(one, supervisor::Exited{"T2", 0, false});
  rig.report(one, supervisor::Killing{"T9"});
  rig.report(one, supervisor::LaunchFailed{"T2", "x"});
  EXPECT_EQ(rig.find("T2")->record.state, TaskState::kRunning);
  EXPECT_EQ(rig.find("T1")->record.state, TaskState::kRunning);
}

TEST(AgentCommand, AfterTheEndNothingFollows) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  rig.report(container, supervisor::Exited{"T", 0, false});
  rig.clear();
  rig.report(container, supervisor::Exited{"T", 9, true});
  rig.report(container, supervisor::Started{"T", 1});
  rig.step(event::SupervisorGone{container, 9});
  EXPECT_EQ(rig.history("T"), "");
}

TEST(AgentCommand, ALingeringSoukExecutorIsKilled) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  rig.report(container, supervisor::Exited{"T", 0, false});
  rig.clear();
  rig.advance(6s);
  EXPECT_EQ(rig.all<effect::KillContainer>().size(), 1u);
  rig.advance(5s);
  EXPECT_EQ(rig.all<effect::KillContainer>().size(), 2u);
  rig.step(event::SupervisorGone{container, 9});
  rig.clear();
  rig.advance(1min);
  EXPECT_TRUE(rig.all<effect::KillContainer>().empty());
}

// --- groups

TEST(AgentGroup, StartsTogetherAndEndsWhenAllHaveEnded) {
  Rig rig;
  rig.up();
  rig.master(testing::group("E", {"T1", "T2"}));
  const ContainerId container = rig.container_of("T1");
  EXPECT_EQ(container, rig.container_of("T2"));
  rig.connect(container);
  ASSERT_EQ(rig.all<effect::LaunchProcesses>().size(), 1u);
  EXPECT_TRUE(rig.all<effect::LaunchProcesses>()[0].group);
  EXPECT_EQ(rig.all<effect::LaunchProcesses>()[0].tasks.size(), 2u);
  rig.report(container, supervisor::Started{"T1", 1});
  rig.report(container, supervisor::Started{"T2", 2});
  rig.report(container, supervisor::Exited{"T1", 0, false});
  EXPECT_TRUE(rig.to_the_supervisor<supervisor::Shutdown>().empty());
  rig.report(container, supervisor::Exited{"T2", 0, false});
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Shutdown>().size(), 1u);
  ASSERT_EQ(rig.to_the_master<to_master::ExecutorTerminated>().size(), 1u);
  EXPECT_EQ(rig.to_the_master<to_master::ExecutorTerminated>()[0].executor_id, ExecutorId("E"));
  EXPECT_EQ(rig.to_the_master<to_master::ExecutorTerminated>()[0].status, 0);
}

TEST(AgentGroup, OneThatFailsTakesTheOthersWithIt) {
  Rig rig;
  rig.up();
  rig.master(testing::group("E", {"T1", "T2"}));
  const ContainerId container = rig.container_of("T1");
  rig.connect(container);
  rig.report(container, supervisor::Started{"T1", 1});
  rig.report(container, supervisor::Started{"T2", 2});
  rig.report(container, supervisor::Exited{"T1", exited(1), false});
  rig.report(container, supervisor::Killing{"T2"});
  rig.report(container, supervisor::Exited{"T2", 15, false});
  EXPECT_EQ(rig.history("T1"), "TASK_STARTING TASK_RUNNING TASK_FAILED");
  EXPECT_EQ(rig.history("T2"), "TASK_STARTING TASK_RUNNING TASK_KILLED");
}

TEST(AgentGroup, MoreGroupsComeToARunningExecutor) {
  Rig rig;
  rig.up();
  rig.master(testing::group("E", {"T1"}));
  const ContainerId container = rig.container_of("T1");
  rig.connect(container);
  rig.report(container, supervisor::Started{"T1", 1});
  rig.master(testing::group("E", {"T2", "T3"}));
  EXPECT_EQ(rig.all<effect::LaunchContainer>().size(), 1u);
  ASSERT_EQ(rig.all<effect::LaunchProcesses>().size(), 2u);
  EXPECT_EQ(rig.all<effect::LaunchProcesses>()[1].tasks.size(), 2u);
  rig.report(container, supervisor::Exited{"T1", 0, false});
  EXPECT_TRUE(rig.to_the_supervisor<supervisor::Shutdown>().empty());
  EXPECT_EQ(rig.find("T2")->record.state, TaskState::kStaging);
}

TEST(AgentGroup, AnEndedExecutorIsStartedAnew) {
  Rig rig;
  rig.up();
  rig.master(testing::group("E", {"T1"}));
  const ContainerId first = rig.container_of("T1");
  rig.connect(first);
  rig.report(first, supervisor::Started{"T1", 1});
  rig.report(first, supervisor::Exited{"T1", 0, false});
  rig.master(testing::group("E", {"T2"}));
  EXPECT_NE(rig.container_of("T2"), first);
  EXPECT_EQ(rig.all<effect::LaunchContainer>().size(), 2u);
  rig.step(event::SupervisorGone{first, 0});
  EXPECT_EQ(rig.to_the_master<to_master::ExecutorTerminated>().size(), 1u);
  EXPECT_EQ(rig.find("T2")->record.state, TaskState::kStaging);
}

TEST(AgentGroup, TheEndOfAllIsToldAfterTheUpdates) {
  Rig rig;
  rig.up();
  rig.master(testing::group("E", {"T1"}));
  const ContainerId container = rig.container_of("T1");
  rig.connect(container);
  rig.clear();
  rig.step(event::SupervisorGone{container, 9});
  const auto sent = rig.all<effect::SendToMaster>();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<to_master::StatusUpdate>(sent[0].message));
  EXPECT_TRUE(std::holds_alternative<to_master::ExecutorTerminated>(sent[1].message));
  EXPECT_EQ(std::get<to_master::ExecutorTerminated>(sent[1].message).status, 9);
}

}  // namespace
}  // namespace souk::agent
