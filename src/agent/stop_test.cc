// Ends of agents, and storage that fails.
#include <gtest/gtest.h>

#include "agent/test_rig.h"

namespace souk::agent {
namespace {

using testing::commands;
using testing::framework;
using testing::Rig;
using testing::task_spec;
namespace supervisor = protocol::supervisor;
namespace to_agent = protocol::to_agent;
namespace to_master = protocol::to_master;

TEST(AgentStop, LeavesTheTasksAlone) {
  Rig rig;
  rig.up();
  rig.run_command("T");
  rig.clear();
  rig.step(event::StopRequested{});
  EXPECT_EQ(rig.all<effect::CloseLink>().size(), 1u);
  ASSERT_EQ(rig.all<effect::Stop>().size(), 1u);
  EXPECT_EQ(rig.all<effect::Stop>()[0].exit_status, kExitDone);
  EXPECT_TRUE(rig.all<effect::SendToSupervisor>().empty());
  EXPECT_EQ(rig.stored.tasks.size(), 1u);
  rig.clear();
  rig.step(event::LinkClosed{rig.link(), "x"});
  rig.step(event::StopRequested{});
  EXPECT_TRUE(rig.seen.empty()) << "a stopped agent is silent";
}

TEST(AgentStop, ForGoodKillsFirst) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  rig.clear();
  rig.step(event::StopRequested{.leave = true});
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Shutdown>().size(), 1u);
  EXPECT_TRUE(rig.all<effect::Stop>().empty());
  rig.master(commands(framework("G"), {task_spec("U")}));
  EXPECT_EQ(rig.states(), "U:TASK_LOST");
  rig.report(container, supervisor::Exited{"T", 15, true});
  EXPECT_EQ(rig.states(), "U:TASK_LOST T:TASK_KILLED");
  rig.step(event::SupervisorGone{container, 0});
  EXPECT_EQ(rig.to_the_master<to_master::Unregister>().size(), 1u);
  ASSERT_EQ(rig.all<effect::Stop>().size(), 1u);
  EXPECT_TRUE(rig.stored.tasks.empty());
  EXPECT_TRUE(rig.stored.frameworks.empty());
}

TEST(AgentStop, ForGoodWithNothingToKill) {
  Rig rig;
  rig.up();
  rig.step(event::StopRequested{.leave = true});
  EXPECT_EQ(rig.to_the_master<to_master::Unregister>().size(), 1u);
  EXPECT_EQ(rig.all<effect::Stop>().size(), 1u);
}

TEST(AgentStop, ForGoodDoesNotWaitForEver) {
  Rig rig;
  rig.up();
  rig.run_command("T");
  rig.clear();
  rig.step(event::StopRequested{.leave = true});
  rig.advance(19s);
  EXPECT_TRUE(rig.all<effect::Stop>().empty());
  EXPECT_FALSE(rig.all<effect::KillContainer>().empty());
  rig.advance(2s);
  EXPECT_EQ(rig.all<effect::Stop>().size(), 1u);
}

TEST(AgentStop, ByTheMaster) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  rig.clear();
  rig.master(to_agent::Shutdown{.reason = "marked gone"});
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Shutdown>().size(), 1u);
  rig.report(container, supervisor::Exited{"T", 15, true});
  rig.step(event::SupervisorGone{container, 0});
  ASSERT_EQ(rig.all<effect::Stop>().size(), 1u);
  EXPECT_EQ(rig.all<effect::Stop>()[0].exit_status, kExitShutByMaster);
  EXPECT_NE(rig.all<effect::Stop>()[0].text.find("marked gone"), std::string::npos);
  EXPECT_TRUE(rig.to_the_master<to_master::Unregister>().empty());
}

TEST(AgentStorage, AFailureStopsTheAgentBeforeItLies) {
  Rig rig;
  rig.up();
  rig.stores = false;
  rig.master(commands(framework(), {task_spec("T")}));
  rig.clear();
  rig.step(event::Persisted{.ticket = rig.tickets, .ok = false, .why = "disk full"});
  ASSERT_EQ(rig.all<effect::Stop>().size(), 1u);
  EXPECT_EQ(rig.all<effect::Stop>()[0].exit_status, kExitStorage);
  EXPECT_NE(rig.all<effect::Stop>()[0].text.find("disk full"), std::string::npos);
  EXPECT_TRUE(rig.all<effect::LaunchContainer>().empty());
}

TEST(AgentStorage, OneWordForSeveralTicketsAndOldOnesAgain) {
  Rig rig;
  rig.up();
  rig.stores = false;
  rig.master(commands(framework(), {task_spec("T1")}));
  const Ticket first = rig.tickets;
  rig.master(commands(framework(), {task_spec("T2")}));
  rig.step(event::Persisted{.ticket = first});
  EXPECT_EQ(rig.all<effect::LaunchContainer>().size(), 1u);
  rig.step(event::Persisted{.ticket = first});
  rig.step(event::Persisted{.ticket = 1});
  EXPECT_EQ(rig.all<effect::LaunchContainer>().size(), 1u);
  rig.step(event::Persisted{.ticket = rig.tickets + 100});  // nobody ordered that
  EXPECT_EQ(rig.all<effect::LaunchContainer>().size(), 1u);
  rig.step(event::Persisted{.ticket = rig.tickets});
  EXPECT_EQ(rig.all<effect::LaunchContainer>().size(), 2u);
}

}  // namespace
}  // namespace souk::agent
