#include "sim/check_conservation.h"

#include <gtest/gtest.h>

#include "sim/check_test_support.h"

namespace souk::sim {
namespace {

struct Watched : Feigned {
  Watched() : checker(world) {
    watched_by(checker);
    leads();
    subscribes("f", 1);
    subscribes("g", 2);
    registers("a", 10, "cpus:4;mem:1024;ports:[1-9]");
  }
  std::string violation() const { return checker.violation().value_or(""); }
  ConservationChecker checker;
};

TEST(ConservationChecker, TakesWhatFits) {
  Watched w;
  w.says(master::BatchEnded{}, {w.offers(1, "f", "o1", "a", "cpus:2;ports:[1-4]"),
                                w.offers(2, "g", "o2", "a", "cpus:2;ports:[5-9]")});
  w.accepts("f", {"o1"}, {w.runs(10, "f", "t", "cpus:1;ports:[3-3]")});
  w.says(master::BatchEnded{}, {w.offers(1, "f", "o3", "a", "cpus:1;ports:[1-2]")});
  w.hears_of_end(10, "t");
  w.declines("f", "o3");
  w.says(master::BatchEnded{}, {w.rescinds(2, "o2"), w.offers(2, "g", "o4", "a", "cpus:4")});
  EXPECT_EQ(w.violation(), "");
}

TEST(ConservationChecker, RingsAtAResourceInTwoOffers) {
  Watched w;
  w.says(master::BatchEnded{}, {w.offers(1, "f", "o1", "a", "cpus:2;ports:[1-4]"),
                                w.offers(2, "g", "o2", "a", "cpus:2;ports:[4-9]")});
  EXPECT_NE(w.violation().find("offer o2 of cpus:2;ports:[4-9] on agent a is more than is left"),
            std::string::npos)
      << w.violation();
}

TEST(ConservationChecker, RingsAtAnOfferOfWhatIsInUse) {
  Watched w;
  w.says(master::BatchEnded{}, {w.offers(1, "f", "o1", "a", "cpus:4")});
  w.accepts("f", {"o1"}, {w.runs(10, "f", "t", "cpus:1")});
  w.says(master::BatchEnded{}, {w.offers(1, "f", "o2", "a", "cpus:3")});
  EXPECT_EQ(w.violation(), "");
  w.says(master::BatchEnded{}, {w.offers(2, "g", "o3", "a", "cpus:1")});
  EXPECT_NE(w.violation().find("offer o3"), std::string::npos) << w.violation();
}

TEST(ConservationChecker, RingsAtAnOfferOfAnAgentThatReportsTooMuch) {
  Watched w;
  // It came back with less; that is nobody's fault.
  w.registers("b", 11, "cpus:1", {"x", "y"});
  EXPECT_EQ(w.violation(), "");
  w.says(master::BatchEnded{}, {w.offers(1, "f", "o1", "b", "mem:1")});
  EXPECT_NE(w.violation().find("offer o1"), std::string::npos) << w.violation();
}

TEST(ConservationChecker, KnowsWhatBecomesFreeOfAnOverusedAgent) {
  Watched w;
  w.registers("b", 11, "cpus:1", {"x", "y"});
  w.hears_of_end(11, "x");
  w.hears_of_end(11, "y");
  w.says(master::BatchEnded{}, {w.offers(1, "f", "o1", "b", "cpus:1")});
  EXPECT_EQ(w.violation(), "");
}

TEST(ConservationChecker, RingsAtAnOfferOfAnAgentThatIsAway) {
  Watched w;
  w.says(master::LinkClosed{ConnectionId(10)}, {});
  w.says(master::BatchEnded{}, {w.offers(1, "f", "o1", "a", "cpus:1")});
  EXPECT_NE(w.violation().find("which is not registered"), std::string::npos) << w.violation();
}

TEST(ConservationChecker, RingsAtProcessesThatRunWithMoreThanThereIs) {
  Feigned w;
  ConservationChecker checker(w.world);
  w.watched_by(checker);
  const auto launch = [&](const std::string& task, std::string_view resources) {
    agent::effect::LaunchProcesses order;
    order.sandbox.container = ContainerId("c-" + task);
    order.framework.id = FrameworkId("f");
    order.tasks = {Feigned::spec(task, resources)};
    w.step(*w.agent, agent::Event{agent::event::TimerFired{}}, agent::Effects{order});
    checker.on_task_process(*w.agent, order.sandbox.container, task, true);
  };
  launch("t", "cpus:3");
  checker.on_task_process(*w.agent, ContainerId("c-t"), "t", false);
  launch("u", "cpus:3");
  EXPECT_EQ(checker.violation().value_or(""), "");
  launch("v", "cpus:2");
  EXPECT_NE(checker.violation().value_or("").find("'v' runs with cpus:2, but only cpus:1;mem:1024"),
            std::string::npos)
      << checker.violation().value_or("");
}

}  // namespace
}  // namespace souk::sim
