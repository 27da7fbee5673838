#include "agent/checkpoint.h"

#include <gtest/gtest.h>

#include "agent/exit_status.h"
#include "agent/test_rig.h"

namespace souk::agent {
namespace {

using testing::framework;
using testing::task_spec;

checkpoint::TasksAdded added(const std::string& container, const std::string& task) {
  checkpoint::TasksAdded o{.container = ContainerId(container), .batch = 4, .group = true};
  o.tasks.push_back({.framework_id = FrameworkId("F"), .spec = task_spec(task)});
  return o;
}

checkpoint::UpdatePending pending(const std::string& task, TaskState state, uint8_t n) {
  checkpoint::UpdatePending o{.framework = FrameworkId("F")};
  o.status.task_id = TaskId(task);
  o.status.state = state;
  o.status.uuid = Uuid{{n}};
  return o;
}

TEST(AgentCheckpoint, FoldsALife) {
  Checkpoint value;
  apply(value, checkpoint::ClusterMet{"C"});
  apply(value, checkpoint::EpochSeen{7});
  apply(value, checkpoint::EpochSeen{3});
  apply(value, checkpoint::Admitted{AgentId("A")});
  EXPECT_EQ(value.cluster_id, "C");
  EXPECT_EQ(value.epoch, 7u);
  EXPECT_EQ(value.agent_id, AgentId("A"));

  const Sandbox sandbox{AgentId("A"), FrameworkId("F"), ExecutorId("E"), ContainerId("c")};
  apply(value, checkpoint::FrameworkKnown{framework("F")});
  apply(value, checkpoint::ContainerAdded{ContainerKind::kDefault, sandbox, "*", {}});
  apply(value, added("c", "T"));
  apply(value, checkpoint::ContainerStarted{ContainerId("c"), 12});
  EXPECT_EQ(value.containers.at(ContainerId("c")).pid, 12);
  const Checkpoint::TaskKey key{FrameworkId("F"), TaskId("T")};
  EXPECT_TRUE(value.tasks.at(key).group);
  EXPECT_EQ(value.tasks.at(key).batch, 4u);

  apply(value, pending("T", TaskState::kRunning, 1));
  apply(value, pending("T", TaskState::kFinished, 2));
  EXPECT_EQ(value.tasks.at(key).record.state, TaskState::kFinished);
  apply(value, checkpoint::UpdateAcknowledged{FrameworkId("F"), TaskId("T"), Uuid{{1}}});
  ASSERT_EQ(value.tasks.at(key).pending.size(), 1u);
  EXPECT_EQ(value.tasks.at(key).pending[0].uuid, Uuid{{2}});

  apply(value, checkpoint::ContainerEnded{ContainerId("c"), WallTime(9s)});
  EXPECT_TRUE(value.containers.empty());
  EXPECT_EQ(value.ended.at(ContainerId("c")).sandbox, sandbox);
  apply(value, checkpoint::FrameworkRemoving{FrameworkId("F")});
  EXPECT_TRUE(value.frameworks.at(FrameworkId("F")).removing);
  // A change of the framework does not bring it back.
  apply(value, checkpoint::FrameworkKnown{framework("F")});
  EXPECT_TRUE(value.frameworks.at(FrameworkId("F")).removing);
  apply(value, checkpoint::TaskForgotten{FrameworkId("F"), TaskId("T")});
  apply(value, checkpoint::FrameworkForgotten{FrameworkId("F")});
  apply(value, checkpoint::SandboxRemoved{ContainerId("c")});
  EXPECT_TRUE(value.tasks.empty());
  EXPECT_TRUE(value.frameworks.empty());
  EXPECT_TRUE(value.ended.empty());
}

TEST(AgentCheckpoint, OperationsThatDoNotFitChangeNothing) {
  Checkpoint value;
  apply(value, checkpoint::ContainerStarted{ContainerId("c"), 1});
  apply(value, checkpoint::ContainerEnded{ContainerId("c"), {}});
  apply(value, checkpoint::SandboxRemoved{ContainerId("c")});
  apply(value, checkpoint::FrameworkRemoving{FrameworkId("F")});
  apply(value, checkpoint::FrameworkForgotten{FrameworkId("F")});
  apply(value, pending("T", TaskState::kRunning, 1));
  apply(value, checkpoint::UpdateAcknowledged{FrameworkId("F"), TaskId("T"), {}});
  apply(value, checkpoint::TaskForgotten{FrameworkId("F"), TaskId("T")});
  EXPECT_TRUE(value.containers.empty());
  EXPECT_TRUE(value.ended.empty());
  EXPECT_TRUE(value.frameworks.empty());
  EXPECT_TRUE(value.tasks.empty());
}

TEST(AgentExitStatus, InWordsAndAsShellsCount) {
  EXPECT_TRUE(exited_well(0));
  EXPECT_FALSE(exited_well(1 << 8));
  EXPECT_FALSE(exited_well(9));
  EXPECT_EQ(describe_exit(255 << 8), "Command exited with status 255");
  EXPECT_EQ(describe_exit(15), "Command terminated with signal Terminated");
  EXPECT_EQ(describe_exit(6 | 0x80), "Command terminated with signal Aborted");
  EXPECT_EQ(describe_exit(64), "Command terminated with signal 64");
  EXPECT_EQ(describe_exit(-1), "Command terminated with signal 127");
  EXPECT_EQ(exit_code(7 << 8), 7);
  EXPECT_EQ(exit_code(9), 137);
}

}  // namespace
}  // namespace souk::agent
