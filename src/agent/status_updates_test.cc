#include "agent/status_updates.h"

#include <gtest/gtest.h>

#include "agent/test_rig.h"

namespace souk::agent {
namespace {

using testing::framework;
using testing::Rig;
namespace supervisor = protocol::supervisor;
namespace to_agent = protocol::to_agent;
namespace to_master = protocol::to_master;

TEST(AgentUpdates, OneInFlightInOrderUntilAcknowledged) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  rig.report(container, supervisor::Exited{"T", 0, false});
  EXPECT_EQ(rig.states(), "T:TASK_STARTING");
  const auto first = rig.to_the_master<to_master::StatusUpdate>()[0];
  EXPECT_TRUE(first.status.uuid.has_value());
  EXPECT_EQ(first.latest_state, TaskState::kRunning) << "this update lags behind";
  rig.clear();
  rig.acknowledge(first.status);
  EXPECT_EQ(rig.states(), "T:TASK_RUNNING");
  EXPECT_EQ(rig.to_the_master<to_master::StatusUpdate>()[0].latest_state, TaskState::kFinished);
  rig.acknowledge(rig.updates()[0]);
  EXPECT_EQ(rig.states(), "T:TASK_RUNNING T:TASK_FINISHED");
  EXPECT_EQ(rig.stored.tasks.size(), 1u);
  rig.acknowledge(rig.updates()[1]);
  EXPECT_TRUE(rig.stored.tasks.empty());
  EXPECT_EQ(rig.find("T"), nullptr);
}

TEST(AgentUpdates, AreSentOnlyWhenStored) {
  Rig rig;
  rig.up();
  rig.master(testing::commands(framework(), {testing::task_spec("T")}));
  const ContainerId container = rig.container_of("T");
  rig.connect(container);
  rig.stores = false;
  rig.report(container, supervisor::Started{"T", 1});
  EXPECT_EQ(rig.states(), "");
  EXPECT_TRUE(rig.to_the_supervisor<supervisor::Taken>().empty());
  rig.store();
  EXPECT_EQ(rig.states(), "T:TASK_STARTING");
  ASSERT_EQ(rig.to_the_supervisor<supervisor::Taken>().size(), 1u);
  EXPECT_EQ(rig.stored.tasks.begin()->second.pending.size(), 2u);
}

// It once went on before it was: a restart then sent the acknowledged one again, after the next.
TEST(AgentUpdates, TheNextOneWaitsUntilTheAcknowledgementIsStored) {
  Rig rig;
  rig.up();
  rig.run_command("T");
  ASSERT_EQ(rig.states(), "T:TASK_STARTING");
  const TaskStatus first = rig.updates()[0];
  rig.clear();
  rig.stores = false;
  rig.acknowledge(first);
  rig.acknowledge(first);
  rig.advance(20s);  // nor is the first sent again
  EXPECT_EQ(rig.states(), "");
  rig.store();
  EXPECT_EQ(rig.states(), "T:TASK_RUNNING");
  EXPECT_EQ(rig.stored.tasks.begin()->second.pending.size(), 1u);
}

TEST(AgentUpdates, OnlyTheAcknowledgementOfTheOneInFlightCounts) {
  Rig rig;
  rig.up();
  rig.run_command("T");
  const TaskStatus first = rig.updates()[0];
  rig.clear();
  TaskStatus wrong = first;
  wrong.uuid = Uuid{};
  rig.acknowledge(wrong);
  rig.master(to_agent::Acknowledge{FrameworkId("X"), first.task_id, *first.uuid});
  rig.master(to_agent::Acknowledge{FrameworkId("F"), TaskId("X"), *first.uuid});
  EXPECT_EQ(rig.states(), "");
  rig.acknowledge(first);
  EXPECT_EQ(rig.states(), "T:TASK_RUNNING");
  rig.acknowledge(first);  // said twice
  EXPECT_EQ(rig.states(), "T:TASK_RUNNING");
  EXPECT_EQ(rig.find("T")->pending.size(), 1u);
}

TEST(AgentUpdates, AreSentAgainWithBackOff) {
  Rig rig;
  rig.up();
  rig.run_command("T");
  rig.clear();
  std::vector<Duration> waits;
  for (int i = 0; i < 9; ++i) {
    const MonoTime before = rig.now.mono;
    while (rig.updates().empty()) {
      rig.advance(1s);
      if ((rig.now.mono - before) % 10s == Duration::zero()) rig.master(to_agent::Ping{});
    }
    waits.push_back(rig.now.mono - before);
    rig.clear();
  }
  EXPECT_EQ(waits, (std::vector<Duration>{10s, 20s, 40s, 80s, 160s, 320s, 600s, 600s, 600s}));
}

TEST(AgentUpdates, AreSentAgainOnANewLink) {
  Rig rig;
  rig.up();
  rig.run_command("T");
  rig.step(event::LinkClosed{rig.link(), "reset"});
  rig.clear();
  rig.advance(1s);
  EXPECT_EQ(rig.states(), "");
  rig.register_agent();
  EXPECT_EQ(rig.states(), "T:TASK_STARTING");
  rig.clear();
  rig.advance(10s);
  EXPECT_EQ(rig.states(), "T:TASK_STARTING") << "and the back-off starts anew";
}

TEST(AgentUpdates, WaitForALink) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  rig.acknowledge_all();
  rig.step(event::LinkClosed{rig.link(), "reset"});
  rig.clear();
  rig.report(container, supervisor::Exited{"T", 0, false});
  EXPECT_EQ(rig.states(), "");
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Taken>().size(), 1u) << "stored is enough";
  rig.advance(1s);
  rig.register_agent();
  EXPECT_EQ(rig.states(), "T:TASK_FINISHED");
}

TEST(AgentUpdates, CarryWhatFrameworksNeed) {
  Rig rig;
  rig.up();
  const ContainerId container = rig.run_command("T");
  const TaskStatus s = rig.updates()[0];
  EXPECT_EQ(s.agent_id, AgentId("A"));
  EXPECT_EQ(s.executor_id, ExecutorId("T"));
  EXPECT_EQ(s.container_id, container);
  EXPECT_EQ(s.source, StatusSource::kExecutor);
  EXPECT_EQ(s.timestamp, rig.now.wall);
}

TEST(AgentUpdates, ALostLinkDoesNotStopTheResendOfAnother) {
  Rig rig;
  rig.up();
  rig.run_command("T");
  rig.step(event::LinkClosed{rig.link(), "reset"});
  rig.clear();
  rig.advance(30s);  // the resend comes due without a link
  EXPECT_EQ(rig.states(), "");
  while (rig.machine.state().link.stage != Link::Stage::kDialing) rig.advance(100ms);
  rig.register_agent();
  rig.clear();
  rig.advance(10s);
  EXPECT_EQ(rig.states(), "T:TASK_STARTING");
}

}  // namespace
}  // namespace souk::agent
