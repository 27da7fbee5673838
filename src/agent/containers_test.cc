#include "agent/containers.h"

#include <gtest/gtest.h>

#include "agent/test_rig.h"

namespace souk::agent {
namespace {

using testing::Rig;
using testing::rig_options;
namespace supervisor = protocol::supervisor;

ContainerId run_to_the_end(Rig& rig, const std::string& id) {
  const ContainerId container = rig.run_command(id);
  rig.report(container, supervisor::Exited{id, 0, false});
  rig.acknowledge_all();
  rig.step(event::SupervisorGone{container, 0});
  return container;
}

// A day passes in steps, so that the master is heard.
void live(Rig& rig, Duration time) {
  for (Duration d{0}; d < time; d += 1min) {
    rig.master(protocol::to_agent::Ping{});
    rig.advance(1min);
  }
}

TEST(AgentSandboxes, AreRemovedAfterAWhile) {
  Options options = rig_options();
  options.gc_delay = 1h;
  Rig rig(options);
  rig.up();
  const ContainerId first = run_to_the_end(rig, "T1");
  live(rig, 30min);
  const ContainerId second = run_to_the_end(rig, "T2");
  EXPECT_TRUE(rig.all<effect::RemoveSandbox>().empty());
  EXPECT_EQ(rig.machine.view().sandboxes_kept, 2u);
  live(rig, 31min);
  ASSERT_EQ(rig.all<effect::RemoveSandbox>().size(), 1u);
  EXPECT_EQ(rig.all<effect::RemoveSandbox>()[0].sandbox.container, first);
  EXPECT_EQ(rig.all<effect::RemoveSandbox>()[0].sandbox.executor, ExecutorId("T1"));
  live(rig, 30min);
  ASSERT_EQ(rig.all<effect::RemoveSandbox>().size(), 2u);
  EXPECT_EQ(rig.all<effect::RemoveSandbox>()[1].sandbox.container, second);
  EXPECT_TRUE(rig.stored.ended.empty());
  EXPECT_EQ(rig.machine.view().counters.sandboxes_removed, 2u);
}

TEST(AgentSandboxes, TheTimeOfARestartCounts) {
  Options options = rig_options();
  options.gc_delay = 1h;
  Rig first(options);
  first.up();
  run_to_the_end(first, "T1");
  Rig rig(options, first.stored, 3);
  rig.now = {MonoTime(5s), first.now.wall + 50min};
  rig.start();
  rig.advance(9min);
  EXPECT_TRUE(rig.all<effect::RemoveSandbox>().empty());
  rig.advance(2min);
  EXPECT_EQ(rig.all<effect::RemoveSandbox>().size(), 1u);

  Rig late(options, first.stored, 3);
  late.now = {MonoTime(5s), first.now.wall + 2h};
  late.start();
  EXPECT_EQ(late.all<effect::RemoveSandbox>().size(), 1u);
}

TEST(AgentSandboxes, TooManyGoEarlyOldestFirst) {
  Options options = rig_options();
  options.max_sandboxes = 2;
  Rig rig(options);
  rig.up();
  const ContainerId first = run_to_the_end(rig, "T1");
  run_to_the_end(rig, "T2");
  EXPECT_TRUE(rig.all<effect::RemoveSandbox>().empty());
  run_to_the_end(rig, "T3");
  ASSERT_EQ(rig.all<effect::RemoveSandbox>().size(), 1u);
  EXPECT_EQ(rig.all<effect::RemoveSandbox>()[0].sandbox.container, first);
}

TEST(AgentTimers, AnIdleAgentWakesForTheMasterOnly) {
  Rig rig;
  rig.up();
  run_to_the_end(rig, "T");
  rig.clear();
  std::size_t armed = 0;
  for (int i = 0; i < 4; ++i) {
    rig.master(protocol::to_agent::Ping{});
    rig.advance(15s);
    armed += rig.all<effect::ArmTimer>().size();
    rig.clear();
  }
  EXPECT_LE(armed, 4u);
}

}  // namespace
}  // namespace souk::agent
