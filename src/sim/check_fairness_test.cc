#include "sim/check_fairness.h"

#include <gtest/gtest.h>

#include "sim/check_conservation.h"
#include "sim/check_test_support.h"

namespace souk::sim {
namespace {

struct Watched : Feigned {
  Watched() : conservation(world), checker(world, conservation.books()) {
    watched_by(conservation);
    leads();
    subscribes("f", 1);
    subscribes("g", 2);
    subscribes("h", 3);
    registers("a", 10, "cpus:4");
    pass();
  }
  void pass(Duration time = 10s) { world.run_for(time); }
  // An offer of all of the agent, which is handed back unused.
  void turn(const std::string& framework, uint64_t stream) {
    const std::string id = fmt::format("o{}", ++last_offer);
    says(master::BatchEnded{}, {offers(stream, framework, id, "a", "cpus:4")});
    says(master::TimerFired{}, {rescinds(stream, id)});
    pass();
  }
  std::string violation() const { return checker.violation().value_or(""); }
  ConservationChecker conservation;
  FairnessChecker checker;
  uint64_t last_offer = 0;
};

TEST(FairnessChecker, TakesTurns) {
  Watched w;
  for (int i = 0; i < 3; ++i) {
    w.turn("f", 1);
    w.turn("g", 2);
    w.turn("h", 3);
  }
  EXPECT_EQ(w.violation(), "");
  EXPECT_EQ(w.checker.judged(), 12u);
}

TEST(FairnessChecker, RingsWhenOneIsLeftOut) {
  Watched w;
  w.turn("f", 1);
  w.turn("g", 2);
  w.turn("f", 1);
  EXPECT_NE(w.violation().find("framework f is offered agent a again"), std::string::npos)
      << w.violation();
  EXPECT_NE(w.violation().find("framework h, which could have had it"), std::string::npos);
}

TEST(FairnessChecker, WhoDoesNotWantItOrRefusedItIsNotLeftOut) {
  Watched w;
  w.calls("h", protocol::call::Suppress{}, {});
  w.says(master::BatchEnded{}, {w.offers(2, "g", "x", "a", "cpus:4")});
  w.declines("g", "x", 100s);
  w.pass();
  w.turn("f", 1);
  w.turn("f", 1);
  EXPECT_EQ(w.violation(), "");
  w.pass(100s);
  w.turn("f", 1);
  EXPECT_EQ(w.violation(), "") << "it could not have had it all the while";
  w.turn("f", 1);
  EXPECT_NE(w.violation().find("framework g, which could have had it"), std::string::npos)
      << w.violation();
}

TEST(FairnessChecker, AnAgentThatWasUsedBeginsAnew) {
  Watched w;
  w.says(master::BatchEnded{}, {w.offers(1, "f", "x", "a", "cpus:4")});
  w.accepts("f", {"x"}, {w.runs(10, "f", "t", "cpus:1")});
  w.hears_of_end(10, "t");
  w.pass();
  w.turn("f", 1);
  EXPECT_EQ(w.violation(), "");
}

// The module itself is fair; this shows that there was something to judge.
TEST(FairnessChecker, JudgesIdleFrameworksInARealCluster) {
  World world({.seed = 5});
  ConservationChecker conservation(world);
  FairnessChecker checker(world, conservation.books());
  world.add_observer(conservation);
  MasterProcessOptions master;
  master.machine.offer_timeout = 1s;
  world.add_master(master);
  for (int i = 0; i < 2; ++i) {
    AgentProcessOptions agent;
    agent.machine.agent.hostname = fmt::format("host{}", i);
    agent.machine.agent.resources = bag("cpus:4;mem:1024");
    world.add_agent(agent);
  }
  for (int i = 0; i < 4; ++i) {
    world.add_scheduler({}, std::make_unique<workloads::Sitter>(
                                workloads::FrameworkOptions{.name = fmt::format("s{}", i)}));
  }
  world.run_for(60s);
  EXPECT_EQ(checker.violation().value_or(""), "");
  EXPECT_GT(checker.judged(), 50u);
}

}  // namespace
}  // namespace souk::sim
