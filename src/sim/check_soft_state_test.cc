#include "sim/check_soft_state.h"

#include <gtest/gtest.h>

#include "sim/check_invariants.h"
#include "sim/check_test_support.h"
#include "sim/liveness.h"
#include "workloads/service.h"

namespace souk::sim {
namespace {

struct Working {
  Working() : world({.seed = 3}) {
    world.add_master({});
    AgentProcessOptions options;
    options.machine.agent.hostname = "host0";
    options.machine.agent.resources = bag("cpus:4;mem:256");
    world.add_agent(options);
    world.add_scheduler(
        {}, std::make_unique<workloads::Service>(workloads::ServiceOptions{
                .framework = {.name = "f"}, .demand = bag("cpus:1;mem:32"), .instances = 2}));
    world.run_for(30s);
  }
  protocol::MasterView view() const { return world.leader()->machine()->view(); }
  World world;
};

TEST(SoftState, OfAHealthyClusterIsWhatAgentsKnow) {
  Working w;
  ASSERT_EQ(w.view().frameworks[0].tasks.size(), 2u);
  EXPECT_TRUE(soft_state_differences(w.world, w.view()).empty());
}

TEST(SoftState, SeesWhatTheMasterDoesNotKnow) {
  Working w;
  protocol::MasterView view = w.view();
  view.frameworks[0].tasks.pop_back();
  const auto differences = soft_state_differences(w.world, view);
  ASSERT_EQ(differences.size(), 1u);
  EXPECT_EQ(differences[0].what, "task f.1 is TASK_RUNNING and unknown to the master");
}

TEST(SoftState, SeesWhatTheMasterMadeUp) {
  Working w;
  protocol::MasterView view = w.view();
  protocol::TaskView task = view.frameworks[0].tasks[0];
  task.spec = Feigned::spec("x");
  view.frameworks[0].tasks.emplace_back(task);
  view.frameworks[0].tasks[0].own().state = TaskState::kStaging;
  view.frameworks[0].executors.push_back(
      {std::make_shared<const ExecutorSpec>(ExecutorSpec{.id = ExecutorId("e")}), task.agent_id,
       "*"});
  const auto differences = soft_state_differences(w.world, view);
  ASSERT_EQ(differences.size(), 3u);
  EXPECT_EQ(differences[0].what, "task f.0 is TASK_RUNNING, and to the master TASK_STAGING");
  EXPECT_EQ(differences[1].what, "task x is not there, and to the master it is TASK_RUNNING");
  EXPECT_EQ(differences[2].what, "executor e is only known to the master");
}

// The master is told of the end of a task by somebody who may not.
void lie(World& world) {
  const agent::State& state = world.agents()[0]->machine()->state();
  const auto& [framework, known] = *state.frameworks.begin();
  protocol::to_master::StatusUpdate update;
  update.framework_id = framework;
  update.status.task_id = known.tasks.begin()->first;
  update.status.agent_id = state.agent_id;
  update.status.state = TaskState::kFailed;
  update.status.source = StatusSource::kAgent;
  update.latest_state = TaskState::kFailed;
  // Over whichever wire is its link; others do not understand it.
  for (uint64_t wire = 1; wire < 20; ++wire) {
    world.network().send(*world.agents()[0], Wire(wire), protocol::AgentMessage(update));
  }
}

TEST(SoftStateChecker, RingsAtADifferenceThatStays) {
  Working w;
  SoftStateChecker checker(w.world);
  w.world.add_observer(checker);
  lie(w.world);
  w.world.run_for(100s);
  EXPECT_EQ(checker.violation().value_or(""), "") << "it might be on its way";
  w.world.run_for(100s);
  EXPECT_NE(checker.violation().value_or("").find("unknown to the master"), std::string::npos)
      << checker.violation().value_or("");
}

TEST(SoftStateChecker, RingsInTheEndAtOnce) {
  Working w;
  SoftStateChecker checker(w.world);
  w.world.add_observer(checker);
  lie(w.world);
  w.world.run_for(1s);
  checker.at_end(false);
  EXPECT_EQ(checker.violation().value_or(""), "");
  checker.at_end(true);
  EXPECT_NE(checker.violation().value_or("").find("unknown to the master"), std::string::npos);
}

TEST(InvariantsChecker, RingsAtWhatAMachineSaysOfItself) {
  Working w;
  InvariantsChecker checker(w.world, 3);
  w.world.add_observer(checker);
  w.world.run_for(30s);
  checker.at_end(true);
  EXPECT_EQ(checker.violation().value_or(""), "");
  checker.found(*w.world.agents()[0], "machine", "a task of nobody");
  EXPECT_NE(
      checker.violation().value_or("").find("agent0: its machine is broken: a task of nobody"),
      std::string::npos);
}

TEST(Liveness, NamesWhatIsMissing) {
  Working w;
  EXPECT_EQ(not_yet(w.world).value_or(""), "");
  w.world.agents()[0]->crash();
  EXPECT_EQ(not_yet(w.world).value_or(""), "agent0 is down");
  w.world.agents()[0]->start();
  EXPECT_EQ(not_yet(w.world).value_or(""), "agent0 is not registered");
  w.world.run_for(30s);
  EXPECT_EQ(not_yet(w.world).value_or(""), "");
  w.world.schedulers()[0]->crash();
  EXPECT_EQ(not_yet(w.world).value_or(""), "framework0 is not subscribed");
  w.world.schedulers()[0]->start();
  w.world.run_for(30s);
  EXPECT_EQ(not_yet(w.world).value_or(""), "");
  lie(w.world);
  w.world.run_for(10ms);
  EXPECT_NE(not_yet(w.world).value_or("").find("unknown to the master"), std::string::npos);
  w.world.masters()[0]->crash();
  EXPECT_EQ(not_yet(w.world).value_or(""), "0 masters lead");
}

}  // namespace
}  // namespace souk::sim
