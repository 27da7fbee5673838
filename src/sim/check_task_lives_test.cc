#include "sim/check_task_lives.h"

#include <gtest/gtest.h>

#include "sim/check_test_support.h"
#include "workloads/elastic.h"

namespace souk::sim {
namespace {

// A task "t" of 10 s, launched, and an agent that stores what a test says of it.
struct Watched : Feigned {
  Watched() : checker(world) {
    watched_by(checker);
    protocol::call::Accept accept;
    accept.operations.push_back({{}, protocol::Launch{{SleepTasks().make(spec("t"), 10s)}}});
    scheduler::Send send;
    send.call.body = accept;
    step(*scheduler, scheduler::Event{scheduler::TimerFired{}}, scheduler::Effects{send});
  }
  static TaskStatus status(TaskState state, uint64_t number) {
    TaskStatus status;
    status.task_id = TaskId("t");
    status.state = state;
    Rng rng(number);
    status.uuid = Uuid::random(rng);
    return status;
  }
  // The agent makes an update of this number, which names its uuid, and stores it.
  void makes(TaskState state, uint64_t number, bool stores = true) {
    const agent::checkpoint::UpdatePending pending{FrameworkId(), status(state, number)};
    step(*agent, agent::Event{agent::event::TimerFired{}},
         agent::Effects{agent::effect::Persist{number, pending}});
    if (!stores) return;
    step(*agent, agent::Event{agent::event::Persisted{number}}, agent::Effects{});
  }
  void told(TaskStatus update) {
    step(*scheduler, scheduler::Event{scheduler::TimerFired{}},
         scheduler::Effects{scheduler::Tell{protocol::event::Update{std::move(update)}}});
  }
  void told(TaskState state, uint64_t number) { told(status(state, number)); }
  std::string violation() const { return checker.violation().value_or(""); }
  void expect_ring(std::string_view text) const {
    EXPECT_NE(violation().find(text), std::string::npos) << violation();
  }
  TaskLivesChecker checker;
};

TEST(TaskLivesChecker, TakesUpdatesThatAreToldAgain) {
  Watched w;
  w.makes(TaskState::kStarting, 1);
  w.makes(TaskState::kRunning, 2);
  w.makes(TaskState::kFailed, 3);
  w.told(TaskState::kStarting, 1);
  w.told(TaskState::kStarting, 1);
  w.told(TaskState::kRunning, 2);
  w.told(TaskState::kFailed, 3);
  w.told(TaskState::kFailed, 3);
  EXPECT_EQ(w.violation(), "");
}

TEST(TaskLivesChecker, RingsAtTwoEnds) {
  Watched w;
  w.makes(TaskState::kFailed, 1);
  w.makes(TaskState::kKilled, 2);
  w.told(TaskState::kFailed, 1);
  w.told(TaskState::kKilled, 2);
  w.expect_ring("is told TASK_KILLED of task t, and was told TASK_FAILED before");
}

TEST(TaskLivesChecker, RingsAtLifeAfterTheEnd) {
  Watched w;
  w.makes(TaskState::kRunning, 1);
  w.makes(TaskState::kFailed, 2);
  w.told(TaskState::kRunning, 1);
  w.told(TaskState::kFailed, 2);
  w.told(TaskState::kRunning, 1);
  w.expect_ring("is told TASK_RUNNING of task t, and was told TASK_FAILED before");
}

TEST(TaskLivesChecker, RingsAtAnUpdateThatWasLeftOut) {
  Watched w;
  w.makes(TaskState::kStarting, 1);
  w.makes(TaskState::kRunning, 2);
  w.told(TaskState::kRunning, 2);
  w.expect_ring("is told TASK_RUNNING of task t, and not TASK_STARTING, which came before");
}

TEST(TaskLivesChecker, RingsAtUpdatesInTheWrongOrder) {
  Watched w;
  w.makes(TaskState::kStarting, 1);
  w.makes(TaskState::kRunning, 2);
  w.told(TaskState::kStarting, 1);
  w.told(TaskState::kRunning, 2);
  w.told(TaskState::kStarting, 1);
  w.expect_ring("is told TASK_STARTING of task t, and was told TASK_RUNNING, which came after");
}

TEST(TaskLivesChecker, RingsAtAnUpdateThatIsNotStored) {
  Watched w;
  w.makes(TaskState::kStarting, 1, false);
  w.told(TaskState::kStarting, 1);
  w.expect_ring("which no agent has stored");
}

TEST(TaskLivesChecker, WhatACrashLostHasNeverBeen) {
  Watched w;
  w.makes(TaskState::kStarting, 1, false);
  w.checker.on_crash(*w.agent);
  w.makes(TaskState::kRunning, 2);
  w.told(TaskState::kRunning, 2);
  EXPECT_EQ(w.violation(), "");
}

TEST(TaskLivesChecker, RingsWhenATaskFinishedThatNeverRan) {
  Watched w;
  TaskStatus made_up = w.status(TaskState::kFinished, 1);
  made_up.uuid.reset();
  w.told(made_up);
  w.expect_ring("is told that task t has finished, but of 10secs it ran 0ns at most, in 0 runs");
}

// --- of processes, in a world that works

struct Working {
  Working() : world({.seed = 3}), checker(world) {
    world.add_observer(checker);
    world.add_master({});
    AgentProcessOptions options;
    options.machine.agent.hostname = "host0";
    options.machine.agent.resources = bag("cpus:1;mem:64");
    agent = &world.add_agent(options);
    world.add_scheduler(
        {}, std::make_unique<workloads::Elastic>(
                workloads::ElasticOptions{.framework = {.name = "f"},
                                          .demand = bag("cpus:1;mem:32"),
                                          .lengths = workloads::Lengths::constant(100s)},
                Rng(1)));
    world.run_for(50s);
    container = agent->containers().begin()->first;
  }
  std::string violation() const { return checker.violation().value_or(""); }
  World world;
  TaskLivesChecker checker;
  AgentProcess* agent = nullptr;
  ContainerId container;
};

TEST(TaskLivesChecker, RingsAtATaskThatRunsTwiceAtATime) {
  Working w;
  ASSERT_EQ(w.violation(), "");
  w.checker.on_task_process(*w.agent, w.container, "f.0", true);
  EXPECT_NE(w.violation().find("task f.0 begins, and runs in container"), std::string::npos)
      << w.violation();
}

TEST(TaskLivesChecker, RingsAtATaskThatRunsAgain) {
  Working w;
  w.checker.on_task_process(*w.agent, w.container, "f.0", false);
  w.checker.on_task_process(*w.agent, w.container, "f.0", true);
  EXPECT_NE(w.violation().find("begins to run for the 2. time, and was launched 1 times"),
            std::string::npos)
      << w.violation();
}

// It is told of the end too early, so that the real one comes too late.
TEST(TaskLivesChecker, RingsAtATaskThatFinishesBeforeItsTime) {
  Working w;
  w.checker.on_task_process(*w.agent, w.container, "f.0", false);
  w.world.run_for(100s);
  EXPECT_NE(w.violation().find("is told that task f.0 has finished, but of 100secs it ran"),
            std::string::npos)
      << w.violation();
}

TEST(TaskLivesChecker, RingsInTheEndAtWhatWasNeverTold) {
  Working w;
  const FrameworkId framework = w.world.schedulers()[0]->framework();
  TaskStatus status;
  status.task_id = TaskId("f.0");
  status.state = TaskState::kFailed;
  Rng rng(1);
  status.uuid = Uuid::random(rng);
  w.checker.on_effects(*w.agent, agent::Effects{agent::effect::Persist{
                                     1'000, agent::checkpoint::UpdatePending{framework, status}}});
  w.checker.on_event(*w.agent, agent::Event{agent::event::Persisted{1'000}});
  w.world.run_for(3s);
  w.checker.on_event(
      *w.agent, agent::Event{agent::event::MasterSaid{{}, {1, protocol::to_agent::Registered{}}}});
  w.world.run_for(38s);
  w.checker.at_end(true);
  EXPECT_EQ(w.violation(), "") << "its agent came back a moment ago";
  w.world.run_for(3s);  // it is not under way any more
  w.checker.at_end(false);
  EXPECT_EQ(w.violation(), "") << "its world was not healed";
  w.checker.at_end(true);
  EXPECT_NE(w.violation().find("was never told TASK_FAILED of task f.0"), std::string::npos)
      << w.violation();
}

}  // namespace
}  // namespace souk::sim
