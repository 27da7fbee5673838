// Launches, frameworks, messages and files, as the master asks for them.
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
namespace to_agent = protocol::to_agent;
namespace to_master = protocol::to_master;
namespace supervisor = protocol::supervisor;

TEST(AgentLaunch, ALaunchWaitsForItsCheckpoint) {
  Rig rig;
  rig.up();
  rig.stores = false;
  rig.master(commands(framework(), {task_spec("T")}));
  EXPECT_TRUE(rig.all<effect::LaunchContainer>().empty());
  rig.store();
  ASSERT_EQ(rig.all<effect::LaunchContainer>().size(), 1u);
  const auto launch = rig.all<effect::LaunchContainer>()[0];
  EXPECT_EQ(launch.kind, ContainerKind::kCommand);
  EXPECT_EQ(launch.sandbox.agent, AgentId("A"));
  EXPECT_EQ(launch.sandbox.framework, FrameworkId("F"));
  EXPECT_EQ(launch.sandbox.executor, ExecutorId("T"));
  EXPECT_EQ(launch.framework.user, "root");
  EXPECT_EQ(rig.stored.tasks.size(), 1u);
  EXPECT_EQ(rig.stored.containers.size(), 1u);
}

TEST(AgentLaunch, ProcessesWaitForTheStoredPid) {
  Rig rig;
  rig.up();
  rig.master(commands(framework(), {task_spec("T")}));
  rig.stores = false;
  const ContainerId container = rig.container_of("T");
  rig.connect(container, 123);
  EXPECT_TRUE(rig.all<effect::LaunchProcesses>().empty());
  rig.store();
  ASSERT_EQ(rig.all<effect::LaunchProcesses>().size(), 1u);
  ASSERT_EQ(rig.all<effect::LaunchProcesses>()[0].tasks.size(), 1u);
  EXPECT_EQ(rig.stored.containers.at(container).pid, 123);
}

TEST(AgentLaunch, EachCommandHasAContainerOfItsOwn) {
  Rig rig;
  rig.up();
  rig.master(commands(framework(), {task_spec("T1"), task_spec("T2")}));
  EXPECT_EQ(rig.all<effect::LaunchContainer>().size(), 2u);
  EXPECT_NE(rig.container_of("T1"), rig.container_of("T2"));
  EXPECT_EQ(rig.find("T2")->record.executor_id, ExecutorId("T2"));
}

// The master had not heard yet that it ended, and would not have a new one in its books.
TEST(AgentLaunch, AnExecutorThatHasEndedIsNotStartedAnewBehindTheMastersBack) {
  Rig rig;
  rig.up();
  to_agent::RunTasks run = custom("E", {"T"});
  run.executor_runs = true;
  rig.master(run);
  EXPECT_TRUE(rig.all<effect::LaunchContainer>().empty());
  ASSERT_EQ(rig.updates().size(), 1u);
  EXPECT_EQ(rig.updates()[0].state, TaskState::kLost);
  EXPECT_EQ(rig.updates()[0].reason, Reason::kExecutorTerminated);
  run.executor_runs = false;
  rig.master(run);
  EXPECT_EQ(rig.all<effect::LaunchContainer>().size(), 1u);
}

TEST(AgentLaunch, ATaskIdInUseIsNotRunAgain) {
  Rig rig;
  rig.up();
  rig.run_command("T");
  rig.clear();
  rig.master(commands(framework(), {task_spec("T"), task_spec("U"), task_spec("U")}));
  EXPECT_EQ(rig.all<effect::LaunchContainer>().size(), 1u);
  EXPECT_EQ(rig.states(), "") << "a word about T would be taken for one about the first T";
  EXPECT_EQ(rig.find("T")->record.state, TaskState::kRunning);
}

TEST(AgentLaunch, AGroupWithATaskIdInUseIsNotRunAtAll) {
  Rig rig;
  rig.up();
  rig.run_command("T");
  rig.clear();
  rig.master(testing::group("E", {"U", "T"}));
  EXPECT_TRUE(rig.all<effect::LaunchContainer>().empty());
  EXPECT_EQ(rig.find("U"), nullptr);
}

TEST(AgentLaunch, IdsThatCannotNameAFolderAreDropped) {
  Rig rig;
  rig.up();
  rig.master(commands(framework(), {task_spec("../x")}));
  EXPECT_TRUE(rig.all<effect::LaunchContainer>().empty());
  ASSERT_EQ(rig.updates().size(), 1u);
  EXPECT_EQ(rig.updates()[0].state, TaskState::kLost);
  EXPECT_EQ(rig.updates()[0].reason, Reason::kTaskInvalid);
  EXPECT_FALSE(rig.updates()[0].uuid.has_value());
}

TEST(AgentLaunch, BoundsDropWithAText) {
  Options options = rig_options();
  options.max_tasks = 2;
  Rig rig(options);
  rig.up();
  rig.master(commands(framework("F", {Capability::kPartitionAware}),
                      {task_spec("A"), task_spec("B"), task_spec("C")}));
  EXPECT_EQ(rig.states(), "A:TASK_DROPPED B:TASK_DROPPED C:TASK_DROPPED");
  rig.clear();
  rig.master(commands(framework(), {task_spec("A"), task_spec("B")}));
  EXPECT_EQ(rig.all<effect::LaunchContainer>().size(), 2u);
  rig.clear();
  rig.master(commands(framework(), {task_spec("C")}));
  ASSERT_EQ(rig.updates().size(), 1u);
  EXPECT_NE(rig.updates()[0].message.find("2 tasks"), std::string::npos);
}

TEST(AgentLaunch, TheBoundOfContainersSparesRunningExecutors) {
  Options options = rig_options();
  options.max_containers = 1;
  Rig rig(options);
  rig.up();
  rig.master(custom("E", {"T1"}));
  rig.master(custom("E", {"T2"}));
  EXPECT_NE(rig.find("T2"), nullptr);
  rig.master(commands(framework(), {task_spec("C")}));
  EXPECT_EQ(rig.find("C"), nullptr);
  EXPECT_EQ(rig.states(), "C:TASK_LOST");
}

TEST(AgentLaunch, AContainerThatCannotStartFailsItsTask) {
  Rig rig;
  rig.up();
  rig.master(commands(framework(), {task_spec("T")}));
  rig.clear();
  const ContainerId container = rig.container_of("T");
  rig.step(event::LaunchFailed{container, "fork: no memory"});
  ASSERT_EQ(rig.updates().size(), 1u);
  EXPECT_EQ(rig.updates()[0].state, TaskState::kFailed);
  EXPECT_EQ(rig.updates()[0].reason, Reason::kContainerLaunchFailed);
  EXPECT_NE(rig.updates()[0].message.find("no memory"), std::string::npos);
  EXPECT_EQ(rig.container(container), nullptr);
  EXPECT_EQ(rig.machine.view().counters.container_launch_errors, 1u);
  rig.acknowledge_all();
  EXPECT_TRUE(rig.stored.tasks.empty());
  EXPECT_TRUE(rig.stored.frameworks.empty());
  EXPECT_EQ(rig.stored.ended.size(), 1u);
}

TEST(AgentLaunch, ASoukExecutorThatNeverDialsInFailsItsTask) {
  Rig rig;
  rig.up();
  rig.master(commands(framework(), {task_spec("T")}));
  rig.clear();
  rig.advance(59s);
  EXPECT_EQ(rig.states(), "");
  rig.advance(2s);
  ASSERT_EQ(rig.updates().size(), 1u);
  EXPECT_EQ(rig.updates()[0].state, TaskState::kFailed);
  EXPECT_EQ(rig.updates()[0].reason, Reason::kExecutorRegistrationTimeout);
  EXPECT_EQ(rig.all<effect::KillContainer>().size(), 1u);
}

TEST(AgentLaunch, ATaskIdMayBeUsedAgainWhileTheOldSoukExecutorLingers) {
  Rig rig;
  rig.up();
  const ContainerId first = rig.run_command("T");
  rig.report(first, supervisor::Exited{"T", 0, false});
  rig.acknowledge_all();
  EXPECT_EQ(rig.find("T"), nullptr);
  rig.master(commands(framework(), {task_spec("T")}));
  const ContainerId second = rig.container_of("T");
  EXPECT_NE(first, second);
  rig.step(event::SupervisorGone{first, 0});
  EXPECT_EQ(rig.container_of("T"), second);
  EXPECT_EQ(rig.find("T")->record.state, TaskState::kStaging);
}

TEST(AgentFrameworks, UpdatesAreRememberedAndFrameworksForgotten) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  FrameworkInfo changed = framework();
  changed.webui_url = "http://f";
  rig.master(to_agent::UpdateFramework{changed});
  EXPECT_EQ(rig.stored.frameworks.at(FrameworkId("F")).info.webui_url, "http://f");
  rig.master(to_agent::UpdateFramework{framework("G")});
  EXPECT_EQ(rig.stored.frameworks.size(), 1u);
  rig.report(container, supervisor::Exited{"T", 0, false});
  rig.acknowledge_all();
  EXPECT_EQ(rig.stored.frameworks.size(), 1u);
  rig.step(event::SupervisorGone{container, 0});
  EXPECT_TRUE(rig.stored.frameworks.empty());
}

TEST(AgentMessages, ReachASubscribedExecutorOnly) {
  Rig rig;
  rig.up();
  rig.master(custom("E", {"T"}));
  rig.connect(rig.container_of("T"));
  const to_agent::FrameworkMessage m{FrameworkId("F"), ExecutorId("E"), Blob("hello")};
  rig.master(m);
  EXPECT_TRUE(rig.to_the_executor<protocol::executor_event::Message>().empty());
  rig.subscribe(1, "E");
  rig.master(m);
  ASSERT_EQ(rig.to_the_executor<protocol::executor_event::Message>().size(), 1u);
  rig.master(to_agent::FrameworkMessage{FrameworkId("F"), ExecutorId("X"), Blob("hello")});
  rig.master(to_agent::FrameworkMessage{FrameworkId("X"), ExecutorId("E"), Blob("hello")});
  EXPECT_EQ(rig.machine.view().counters.valid_framework_messages, 1u);
  EXPECT_EQ(rig.machine.view().counters.invalid_framework_messages, 3u);
}

TEST(AgentFiles, AreServedWithinABound) {
  Options options = rig_options();
  options.max_file_requests = 2;
  Rig rig(options);
  rig.up();
  for (uint64_t i = 1; i <= 3; ++i) rig.master(to_agent::FileRequest{.request = i, .path = "p"});
  ASSERT_EQ(rig.all<effect::ServeFile>().size(), 2u);
  ASSERT_EQ(rig.to_the_master<to_master::FileAnswer>().size(), 1u);
  EXPECT_EQ(rig.to_the_master<to_master::FileAnswer>()[0].http_status, 503);
  rig.clear();
  rig.step(event::FileServed{rig.link(), {.request = 1, .body = "x"}});
  ASSERT_EQ(rig.to_the_master<to_master::FileAnswer>().size(), 1u);
  rig.step(event::FileServed{LinkId(99), {.request = 2, .body = "x"}});
  EXPECT_EQ(rig.to_the_master<to_master::FileAnswer>().size(), 1u);
}

}  // namespace
}  // namespace souk::agent
