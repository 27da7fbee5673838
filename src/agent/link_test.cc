#include "agent/link.h"

#include <gtest/gtest.h>

#include "agent/test_rig.h"

namespace souk::agent {
namespace {

using testing::Rig;
using testing::rig_options;
using testing::task_spec;
namespace to_agent = protocol::to_agent;
namespace to_master = protocol::to_master;

TEST(AgentLink, DialsAtStartGreetsAndRegisters) {
  Rig rig;
  rig.start();
  ASSERT_EQ(rig.all<effect::OpenLink>().size(), 1u);
  rig.step(event::LinkOpened{rig.link()});
  ASSERT_EQ(rig.to_the_master<to_master::Hello>().size(), 1u);
  EXPECT_EQ(rig.to_the_master<to_master::Hello>()[0].cluster_id, "");
  rig.master(to_agent::Welcome{.cluster_id = "C"});
  ASSERT_EQ(rig.to_the_master<to_master::Register>().size(), 1u);
  EXPECT_EQ(rig.to_the_master<to_master::Register>()[0].agent.hostname, "host");
  EXPECT_TRUE(rig.to_the_master<to_master::Register>()[0].agent.id.empty());
  rig.master(to_agent::Registered{.agent_id = AgentId("A")});
  EXPECT_TRUE(registered(rig.machine.state()));
  EXPECT_EQ(rig.stored.agent_id, AgentId("A"));
  EXPECT_EQ(rig.stored.cluster_id, "C");
  EXPECT_EQ(rig.stored.epoch, 1u);
}

TEST(AgentLink, RegistersOnlyWhenClusterAndEpochAreStored) {
  Rig rig;
  rig.stores = false;
  rig.start();
  rig.step(event::LinkOpened{rig.link()});
  rig.master(to_agent::Welcome{.cluster_id = "C"});
  EXPECT_TRUE(rig.to_the_master<to_master::Register>().empty());
  rig.store();
  EXPECT_EQ(rig.to_the_master<to_master::Register>().size(), 1u);
}

TEST(AgentLink, FailedDialsBackOffWithinBounds) {
  Rig rig;
  rig.start();
  Duration last{0};
  for (int i = 0; i < 12; ++i) {
    rig.clear();
    const MonoTime before = rig.now.mono;
    rig.step(event::LinkClosed{rig.link(), "refused"});
    while (rig.all<effect::OpenLink>().empty()) rig.advance(10ms);
    const Duration waited = rig.now.mono - before;
    const Duration base = std::min<Duration>(200ms * (1 << std::min(i, 10)), 10s);
    EXPECT_GE(waited, base / 2) << i;
    EXPECT_LE(waited, base + 10ms) << i;
    last = waited;
  }
  EXPECT_GE(last, 5s);
  // A registration makes the next pause short again.
  rig.register_agent();
  rig.clear();
  rig.step(event::LinkClosed{rig.link(), "reset"});
  rig.advance(200ms);
  EXPECT_EQ(rig.all<effect::OpenLink>().size(), 1u);
}

TEST(AgentLink, AnOldLinkIsNotHeard) {
  Rig rig;
  rig.up();
  const LinkId old = rig.link();
  rig.step(event::LinkClosed{old, "reset"});
  rig.advance(1s);
  ASSERT_NE(rig.link(), old);
  rig.register_agent();
  rig.clear();
  rig.step(event::MasterSaid{old, {.epoch = 1, .message = to_agent::Ping{}}});
  rig.step(event::LinkClosed{old, "late"});
  EXPECT_TRUE(rig.seen.empty()) << rig.transcript();
  EXPECT_TRUE(registered(rig.machine.state()));
}

TEST(AgentLink, PingsAreAnsweredAndSilenceBreaksTheLink) {
  Rig rig;
  rig.up();
  rig.advance(60s);
  rig.master(to_agent::Ping{});
  EXPECT_EQ(rig.to_the_master<to_master::Pong>().size(), 1u);
  rig.advance(74s);
  EXPECT_TRUE(rig.all<effect::CloseLink>().empty());
  rig.advance(2s);
  EXPECT_EQ(rig.all<effect::CloseLink>().size(), 1u);
  EXPECT_EQ(rig.all<effect::OpenLink>().size(), 1u);
}

TEST(AgentLink, AMasterThatNeverAnswersIsDialledAgain) {
  Rig rig;
  rig.start();
  rig.step(event::LinkOpened{rig.link()});
  rig.advance(16s);
  EXPECT_EQ(rig.all<effect::CloseLink>().size(), 1u);
  EXPECT_EQ(rig.all<effect::OpenLink>().size(), 2u);
}

TEST(AgentLink, ALowerEpochIsRefusedAtAnyTime) {
  Rig rig;
  rig.epoch = 5;
  rig.up();
  rig.epoch = 4;
  rig.master(testing::commands(testing::framework(), {task_spec("T")}));
  EXPECT_EQ(rig.all<effect::CloseLink>().size(), 1u);
  EXPECT_TRUE(rig.all<effect::LaunchContainer>().empty());
  EXPECT_EQ(rig.find("T"), nullptr);

  rig.advance(1s);
  rig.step(event::LinkOpened{rig.link()});
  rig.clear();
  rig.master(to_agent::Welcome{.cluster_id = "C"});
  EXPECT_EQ(rig.all<effect::CloseLink>().size(), 1u);
  EXPECT_TRUE(rig.to_the_master<to_master::Register>().empty());

  rig.advance(1s);
  rig.epoch = 6;
  rig.register_agent();
  EXPECT_TRUE(registered(rig.machine.state()));
  EXPECT_EQ(rig.stored.epoch, 6u);
}

TEST(AgentLink, EpochOutlivesARestart) {
  Checkpoint checkpoint;
  checkpoint.cluster_id = "C";
  checkpoint.epoch = 9;
  Rig rig(rig_options(), checkpoint);
  rig.start();
  rig.step(event::LinkOpened{rig.link()});
  EXPECT_EQ(rig.to_the_master<to_master::Hello>()[0].cluster_id, "C");
  rig.epoch = 8;
  rig.master(to_agent::Welcome{.cluster_id = "C"});
  EXPECT_EQ(rig.all<effect::CloseLink>().size(), 1u);
}

TEST(AgentLink, AnotherClusterStopsAFreshAgentWithTheRemedy) {
  Checkpoint checkpoint;
  checkpoint.cluster_id = "C";
  Rig rig(rig_options(), checkpoint);
  rig.start();
  rig.step(event::LinkOpened{rig.link()});
  rig.master(to_agent::Welcome{.cluster_id = "D"});
  ASSERT_EQ(rig.all<effect::Stop>().size(), 1u);
  EXPECT_EQ(rig.all<effect::Stop>()[0].exit_status, kExitWrongCluster);
  EXPECT_NE(rig.all<effect::Stop>()[0].text.find("/var/lib/souk"), std::string::npos);
  EXPECT_NE(rig.all<effect::Stop>()[0].text.find("--master"), std::string::npos);
}

TEST(AgentLink, AnotherClusterMakesAWorkingAgentTrySlowly) {
  Rig rig;
  rig.up();
  rig.step(event::LinkClosed{rig.link(), "reset"});
  rig.advance(1s);
  rig.step(event::LinkOpened{rig.link()});
  rig.clear();
  rig.master(to_agent::Welcome{.cluster_id = "D"});
  EXPECT_TRUE(rig.all<effect::Stop>().empty());
  EXPECT_EQ(rig.all<effect::CloseLink>().size(), 1u);
  rig.advance(14s);
  EXPECT_TRUE(rig.all<effect::OpenLink>().empty());
  rig.advance(16s);
  EXPECT_EQ(rig.all<effect::OpenLink>().size(), 1u);
  EXPECT_EQ(rig.stored.cluster_id, "C");
}

TEST(AgentLink, RefusalAndForeignProtocolAreTriedAgainSlowly) {
  Rig rig;
  rig.start();
  rig.step(event::LinkOpened{rig.link()});
  rig.master(to_agent::Refused{.reason = "you are gone"});
  EXPECT_EQ(rig.all<effect::CloseLink>().size(), 1u);
  rig.clear();
  rig.advance(14s);
  EXPECT_TRUE(rig.all<effect::OpenLink>().empty());
  rig.advance(17s);
  ASSERT_EQ(rig.all<effect::OpenLink>().size(), 1u);
  rig.step(event::LinkOpened{rig.link()});
  rig.master(to_agent::Welcome{.protocol = 99, .cluster_id = "C"});
  EXPECT_EQ(rig.all<effect::CloseLink>().size(), 1u);
  EXPECT_TRUE(rig.to_the_master<to_master::Register>().empty());
}

TEST(AgentLink, NothingButWelcomeComesFirst) {
  Rig rig;
  rig.start();
  rig.step(event::LinkOpened{rig.link()});
  rig.master(to_agent::Ping{});
  EXPECT_EQ(rig.all<effect::CloseLink>().size(), 1u);
}

TEST(AgentLink, OrdersBeforeRegisteredAreIgnored) {
  Rig rig;
  rig.start();
  rig.step(event::LinkOpened{rig.link()});
  rig.master(to_agent::Welcome{.cluster_id = "C"});
  rig.clear();
  rig.master(testing::commands(testing::framework(), {task_spec("T")}));
  EXPECT_TRUE(rig.seen.empty()) << rig.transcript();
}

TEST(AgentLink, AnotherAgentIdIsNotTaken) {
  Rig rig;
  rig.up();
  rig.step(event::LinkClosed{rig.link(), "reset"});
  rig.advance(1s);
  rig.step(event::LinkOpened{rig.link()});
  rig.master(to_agent::Welcome{.cluster_id = "C"});
  rig.clear();
  rig.master(to_agent::Registered{.agent_id = AgentId("B")});
  EXPECT_EQ(rig.all<effect::CloseLink>().size(), 1u);
  EXPECT_EQ(rig.stored.agent_id, AgentId("A"));
}

TEST(AgentLink, AnIdThatCannotNameAFolderIsNotTaken) {
  Rig rig;
  rig.start();
  rig.step(event::LinkOpened{rig.link()});
  rig.master(to_agent::Welcome{.cluster_id = "C"});
  rig.master(to_agent::Registered{.agent_id = AgentId("../../etc")});
  EXPECT_EQ(rig.all<effect::CloseLink>().size(), 1u);
  EXPECT_TRUE(rig.stored.agent_id.empty());
}

TEST(AgentLink, AbsurdPingsDoNotOverflow) {
  Rig rig;
  rig.start();
  rig.step(event::LinkOpened{rig.link()});
  rig.master(to_agent::Welcome{.cluster_id = "C"});
  rig.master(to_agent::Registered{.agent_id = AgentId("A"),
                                  .ping_interval = Duration::max(),
                                  .max_missed_pings = std::numeric_limits<int32_t>::max()});
  rig.advance(24h);
  EXPECT_TRUE(registered(rig.machine.state()));
}

TEST(AgentLink, RegistersAgainWithAllItRuns) {
  Rig rig;
  rig.up();
  rig.run_command("T1");
  rig.master(testing::custom("E", {"T2"}));
  rig.clear();
  rig.step(event::LinkClosed{rig.link(), "reset"});
  rig.advance(1s);
  rig.register_agent();
  ASSERT_EQ(rig.to_the_master<to_master::Register>().size(), 1u);
  const auto r = rig.to_the_master<to_master::Register>()[0];
  EXPECT_EQ(r.agent.id, AgentId("A"));
  ASSERT_EQ(r.frameworks.size(), 1u);
  ASSERT_EQ(r.executors.size(), 1u);
  EXPECT_EQ(r.executors[0].spec.id, ExecutorId("E"));
  ASSERT_EQ(r.tasks.size(), 2u);
  EXPECT_EQ(r.tasks[0].state, TaskState::kRunning);
  EXPECT_TRUE(r.tasks[0].command_task);
  EXPECT_EQ(r.tasks[1].state, TaskState::kStaging);
  EXPECT_FALSE(r.tasks[1].command_task);
}

TEST(AgentLink, SameSeedSameRun) {
  const auto run = [] {
    Rig rig;
    rig.up();
    rig.run_command("T1");
    rig.step(event::LinkClosed{rig.link(), "reset"});
    rig.advance(1min);
    return rig.transcript();
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace souk::agent
