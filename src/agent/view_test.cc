#include "agent/view.h"

#include <gtest/gtest.h>

#include "agent/test_rig.h"

namespace souk::agent {
namespace {

using protocol::AgentView;
using testing::custom;
using testing::Rig;
using testing::rig_options;
namespace supervisor = protocol::supervisor;

TEST(AgentViewTest, ShowsWhatRuns) {
  Rig rig;
  rig.up();
  rig.run_command("T1");
  auto run = custom("E", {"T2"});
  run.executor.resources = *Resources::parse("cpus:0.5");
  rig.master(run);
  const AgentView view = rig.machine.view();
  EXPECT_EQ(view.agent.id, AgentId("A"));
  EXPECT_EQ(view.agent.hostname, "host");
  EXPECT_EQ(view.cluster_id, "C");
  EXPECT_TRUE(view.registered);
  EXPECT_FALSE(view.recovering);
  EXPECT_EQ(view.tasks_running, 1u);
  EXPECT_EQ(view.tasks_staging, 1u);
  EXPECT_EQ(view.executors_running, 1u);
  EXPECT_EQ(view.executors_registering, 1u);
  EXPECT_EQ(view.used.scalar("cpus").thousandths, 2500);
  ASSERT_EQ(view.frameworks.size(), 1u);
  ASSERT_EQ(view.frameworks[0].tasks.size(), 2u);
  EXPECT_FALSE(view.frameworks[0].tasks[0].queued);
  EXPECT_EQ(view.frameworks[0].tasks[0].last_status->state, TaskState::kRunning);
  EXPECT_TRUE(view.frameworks[0].tasks[1].queued);
  ASSERT_EQ(view.frameworks[0].executors.size(), 2u);
}

TEST(AgentViewTest, CountsAndRemembersWhatEnded) {
  Options options = rig_options();
  options.max_completed_tasks = 2;
  Rig rig(options);
  rig.up();
  int n = 0;
  for (const int32_t status : {0, 256, 0}) {
    const std::string id = "T" + std::to_string(++n);
    const ContainerId container = rig.run_command(id);
    rig.report(container, supervisor::Exited{id, status, false});
    EXPECT_EQ(rig.machine.view().executors_terminating, 0u) << "nothing runs in it";
    rig.acknowledge_all();
    rig.step(event::SupervisorGone{container, 0});
  }
  const AgentView view = rig.machine.view();
  EXPECT_EQ(view.counters.tasks_finished, 2u);
  EXPECT_EQ(view.counters.tasks_failed, 1u);
  EXPECT_EQ(view.counters.executors_terminated, 3u);
  EXPECT_TRUE(view.frameworks.empty());
  EXPECT_TRUE(view.used.empty());
  ASSERT_EQ(view.completed.size(), 2u);
  EXPECT_EQ(view.completed[0].record.spec.id, TaskId("T2"));
  EXPECT_EQ(view.completed[1].last_status->state, TaskState::kFinished);
  EXPECT_EQ(view.sandboxes_kept, 3u);
}

}  // namespace
}  // namespace souk::agent
