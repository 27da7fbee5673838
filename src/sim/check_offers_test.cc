#include "sim/check_offers.h"

#include <gtest/gtest.h>

#include "sim/check_conservation.h"
#include "sim/check_test_support.h"

namespace souk::sim {
namespace {

struct Watched : Feigned {
  Watched() : conservation(world), checker(world, conservation.books()) {
    watched_by(conservation);
    watched_by(checker);
    leads();
    subscribes("f", 1);
    subscribes("g", 2);
    registers("a", 10, "cpus:4");
    registers("b", 11, "cpus:4");
    says(master::BatchEnded{},
         {offers(1, "f", "o1", "a", "cpus:2"), offers(2, "g", "o2", "a", "cpus:2")});
  }
  void expect_ring(std::string_view text) const {
    const std::string said = checker.violation().value_or("silence");
    EXPECT_NE(said.find(text), std::string::npos) << said;
  }
  ConservationChecker conservation;
  OffersChecker checker;
};

TEST(OffersChecker, TakesTasksOutOfAnOffer) {
  Watched w;
  w.accepts("f", {"o1"}, {w.runs(10, "f", "t", "cpus:1"), w.runs(10, "f", "u", "cpus:1")});
  EXPECT_EQ(w.checker.violation().value_or(""), "");
}

TEST(OffersChecker, RingsAtTasksOutOfARescindedOffer) {
  Watched w;
  w.says(master::TimerFired{}, {w.rescinds(1, "o1")});
  w.accepts("f", {"o1"}, {w.runs(10, "f", "t", "cpus:1")});
  w.expect_ring("out of offers of which some are not open");
}

TEST(OffersChecker, RingsAtTasksOutOfAnAnsweredOffer) {
  Watched w;
  w.declines("f", "o1");
  w.accepts("f", {"o1"}, {w.runs(10, "f", "t", "cpus:1")});
  w.expect_ring("out of offers of which some are not open");
}

TEST(OffersChecker, RingsAtTasksOutOfTheOfferOfAnother) {
  Watched w;
  w.accepts("f", {"o2"}, {w.runs(10, "f", "t", "cpus:1")});
  w.expect_ring("not of framework f");
}

TEST(OffersChecker, RingsAtTasksOutOfAnOfferOfAnEarlierLeadership) {
  Watched w;
  w.leads(2);
  w.subscribes("f", 3);
  w.registers("a", 12, "cpus:4");
  w.accepts("f", {"o1"}, {w.runs(12, "f", "t", "cpus:1")});
  w.expect_ring("out of offers of which some are not open");
}

TEST(OffersChecker, RingsAtTasksThatNobodyAskedFor) {
  Watched w;
  w.says(master::TimerFired{}, {w.runs(10, "f", "t", "cpus:1")});
  w.expect_ring("no framework asked for it");
}

TEST(OffersChecker, RingsAtMoreThanTheOfferHolds) {
  Watched w;
  w.accepts("f", {"o1"}, {w.runs(10, "f", "t", "cpus:1.5"), w.runs(10, "f", "u", "cpus:1")});
  w.expect_ring("executor u is to run with cpus:1, but of offer o1 only cpus:0.5 is left");
}

TEST(OffersChecker, RingsAtTasksOnAnotherAgent) {
  Watched w;
  w.accepts("f", {"o1"}, {w.runs(11, "f", "t", "cpus:1")});
  w.expect_ring("is to run on agent b");
}

TEST(OffersChecker, RingsWhenTheOffersOfALostAgentStayOpen) {
  Watched w;
  w.says(master::LinkClosed{ConnectionId(10)}, {w.rescinds(1, "o1")});
  w.expect_ring("agent a is away, but offer o2 of it stays open");
}

TEST(OffersChecker, RingsAtAnOfferToWhoIsAway) {
  Watched w;
  w.says(master::ConnectionClosed{ConnectionId(1)}, {});
  w.says(master::BatchEnded{}, {w.offers(1, "f", "o3", "b", "cpus:1")});
  w.expect_ring("which is not subscribed");
}

// --- epochs

struct Agent : Feigned {
  Agent() : conservation(world), checker(world, conservation.books()) { watched_by(checker); }
  void hears(uint64_t epoch, protocol::MasterMessage message, const agent::Effects& effects) {
    step(*agent, agent::Event{agent::event::MasterSaid{{}, {epoch, std::move(message)}}}, effects);
  }
  static agent::Effect container(const std::string& id) {
    agent::checkpoint::ContainerAdded added;
    added.sandbox.container = ContainerId(id);
    return agent::effect::Persist{1, added};
  }
  ConservationChecker conservation;
  OffersChecker checker;
};

TEST(OffersChecker, RingsWhenAnAgentActsForALowerEpoch) {
  Agent w;
  w.hears(1, protocol::to_agent::RunTasks{}, {w.container("c")});
  w.checker.on_task_process(*w.agent, ContainerId("c"), "t", true);
  w.hears(2, protocol::to_agent::Ping{}, {});
  w.hears(1, protocol::to_agent::RunTasks{}, {agent::effect::CloseLink{}, agent::effect::Log{}});
  EXPECT_EQ(w.checker.violation().value_or(""), "");
  w.hears(1, protocol::to_agent::RunTasks{}, {w.container("d")});
  EXPECT_NE(w.checker.violation().value_or("").find("acts on a message of epoch 1"),
            std::string::npos);
}

TEST(OffersChecker, AnAgentIsHeldToItsReportAfterACrash) {
  Agent w;
  w.hears(2, protocol::to_agent::Welcome{}, {});
  w.step(*w.agent, agent::Event{agent::event::Persisted{}},
         agent::Effects{agent::effect::SendToMaster{{}, protocol::to_master::Register{}}});
  w.checker.on_crash(*w.agent);
  w.step(*w.agent, agent::Event{agent::event::Started{}}, agent::Effects{});
  w.hears(1, protocol::to_agent::RunTasks{}, {w.container("d")});
  EXPECT_NE(w.checker.violation().value_or("").find("acts on a message of epoch 1"),
            std::string::npos);
}

TEST(OffersChecker, RingsAtAProcessThatNobodyAskedFor) {
  Agent w;
  w.checker.on_task_process(*w.agent, ContainerId("c"), "t", true);
  EXPECT_NE(w.checker.violation().value_or("").find("which no master asked for"),
            std::string::npos);
}

}  // namespace
}  // namespace souk::sim
