#include "sim/check_bounds.h"

#include <gtest/gtest.h>

#include "sim/check_test_support.h"
#include "workloads/elastic.h"

namespace souk::sim {
namespace {

TEST(BoundsChecker, RingsAtAStepThatOrdersTooMuch) {
  Feigned w;
  BoundsChecker checker(w.world);
  w.watched_by(checker);
  w.step(*w.agent, agent::Event{agent::event::TimerFired{}}, agent::Effects(1'000));
  EXPECT_EQ(checker.violation().value_or(""), "");
  w.step(*w.agent, agent::Event{agent::event::TimerFired{}}, agent::Effects(2'000));
  EXPECT_NE(checker.violation().value_or("").find("agent0: effects of one step: 2000"),
            std::string::npos)
      << checker.violation().value_or("");
}

TEST(BoundsChecker, RingsAtTooMuchOfAnything) {
  Feigned w;
  BoundsChecker checker(w.world);
  checker.check(*w.agent, "tasks", 5, 5);
  EXPECT_EQ(checker.violation().value_or(""), "");
  checker.check(*w.agent, "tasks", 6, 5);
  EXPECT_EQ(checker.violation().value_or(""), "0.000000s agent0: tasks: 6, and at most 5 may be");
}

// An agent whose operator allows less than it has taken.
TEST(BoundsChecker, LooksAtAllThereIs) {
  World world({.seed = 2});
  BoundsChecker checker(world, 10);
  world.add_observer(checker);
  world.add_master({});
  AgentProcessOptions options;
  options.machine.agent.hostname = "host0";
  options.machine.agent.resources = bag("cpus:4;mem:1024");
  options.machine.max_completed_tasks = 7;
  options.machine.max_sandboxes = 7;
  world.add_agent(options);
  world.add_scheduler({},
                      std::make_unique<workloads::Elastic>(
                          workloads::ElasticOptions{.framework = {.name = "f"},
                                                    .demand = bag("cpus:1;mem:32"),
                                                    .lengths = workloads::Lengths::constant(1s)},
                          Rng(1)));
  world.run_for(60s);
  checker.at_end(true);
  EXPECT_EQ(checker.violation().value_or(""), "");
  EXPECT_EQ(world.agents()[0]->machine()->state().completed.size(), 7u);
}

}  // namespace
}  // namespace souk::sim
