#include "agent/time_limit.h"

#include <gtest/gtest.h>

#include "agent/test_rig.h"

namespace souk::agent {
namespace {

using testing::commands;
using testing::custom;
using testing::framework;
using testing::group;
using testing::in_slots;
using testing::Rig;
using testing::rig_options;
using testing::slot_options;
using testing::task_spec;
namespace supervisor = protocol::supervisor;
namespace to_agent = protocol::to_agent;
namespace to_master = protocol::to_master;
namespace ev = protocol::executor_event;

constexpr const char* kSlotText =
    "The task ran longer than the 1mins that its slot for short tasks allows";

Rig restarted(const Rig& old, Options options, Duration down) {
  Rig rig(std::move(options), old.stored, 8);
  rig.now = {old.now.mono + down, old.now.wall + down};
  rig.reports = old.reports;
  return rig;
}

TEST(AgentTimeLimit, TheShorterOne) {
  Task task;
  EXPECT_EQ(time_limit(task), std::nullopt);
  task.record.spec.max_completion_time = 30s;
  EXPECT_EQ(time_limit(task), Duration(30s));
  task.slot_limit = 60s;
  EXPECT_EQ(time_limit(task), Duration(30s));
  EXPECT_EQ(over_time(task).message, "The task reached its max_completion_time");
  task.slot_limit = 20s;
  EXPECT_EQ(time_limit(task), Duration(20s));
  EXPECT_NE(over_time(task).message.find("20secs"), std::string::npos);
  task.record.spec.max_completion_time.reset();
  EXPECT_EQ(time_limit(task), Duration(20s));
}

TEST(AgentTimeLimit, ACommandInAShortSlot) {
  Rig rig(slot_options());
  rig.up();
  rig.master(in_slots(commands(framework(), {task_spec("T")})));
  const ContainerId container = rig.container_of("T");
  rig.connect(container);
  rig.report(container, supervisor::Started{"T", 1});
  rig.advance(59s);
  EXPECT_TRUE(rig.to_the_supervisor<supervisor::Kill>().empty());
  rig.advance(1s);
  ASSERT_EQ(rig.to_the_supervisor<supervisor::Kill>().size(), 1u);
  rig.report(container, supervisor::Killing{"T"});
  rig.report(container, supervisor::Exited{"T", 15, true});
  EXPECT_EQ(rig.history("T"), "TASK_STARTING TASK_RUNNING TASK_FAILED");
  EXPECT_EQ(rig.last_status("T")->reason, Reason::kMaxCompletionTimeReached);
  EXPECT_EQ(rig.last_status("T")->message, kSlotText);
}

TEST(AgentTimeLimit, OnlyTasksInTheSlots) {
  Rig rig(slot_options());
  rig.up();
  rig.run_command("T");
  EXPECT_FALSE(rig.find("T")->record.short_slot);
  rig.advance(1h);
  EXPECT_TRUE(rig.to_the_supervisor<supervisor::Kill>().empty());
}

TEST(AgentTimeLimit, ALongGraceDoesNotStretchASlot) {
  Rig rig(slot_options());
  rig.up();
  TaskSpec spec = task_spec("T");
  spec.kill_grace = 1h;
  rig.master(in_slots(commands(framework(), {spec})));
  const ContainerId container = rig.container_of("T");
  rig.connect(container);
  rig.report(container, supervisor::Started{"T", 1});
  rig.advance(60s);
  ASSERT_EQ(rig.to_the_supervisor<supervisor::Kill>().size(), 1u);
  EXPECT_EQ(Duration(rig.to_the_supervisor<supervisor::Kill>()[0].grace_ns), 3s);
  rig.advance(8s);
  EXPECT_EQ(rig.all<effect::KillContainer>().size(), 1u);
}

TEST(AgentTimeLimit, AGroup) {
  Rig rig(slot_options());
  rig.up();
  rig.master(in_slots(group("D", {"T1", "T2"})));
  const ContainerId container = rig.container_of("T1");
  rig.connect(container);
  rig.report(container, supervisor::Started{"T1", 1});
  rig.report(container, supervisor::Started{"T2", 2});
  rig.advance(60s);
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Kill>().size(), 2u);
  for (const char* id : {"T1", "T2"}) {
    rig.report(container, supervisor::Exited{id, 15, true});
    EXPECT_EQ(rig.last_status(id)->state, TaskState::kFailed);
    EXPECT_EQ(rig.last_status(id)->message, kSlotText);
  }
}

TEST(AgentTimeLimit, ATaskOfACustomExecutor) {
  Rig rig(slot_options());
  rig.up();
  rig.master(in_slots(custom("E", {"T"})));
  rig.connect(rig.container_of("T"));
  rig.advance(20s);
  rig.subscribe(1, "E");
  rig.executor_says("E", "T", TaskState::kRunning, 1);
  rig.advance(59s);
  EXPECT_TRUE(rig.to_the_executor<ev::Kill>().empty()) << "it counts from when it was handed over";
  rig.advance(1s);
  ASSERT_EQ(rig.to_the_executor<ev::Kill>().size(), 1u);
  rig.executor_says("E", "T", TaskState::kKilled, 2);
  EXPECT_EQ(rig.last_status("T")->state, TaskState::kFailed);
  EXPECT_EQ(rig.last_status("T")->reason, Reason::kMaxCompletionTimeReached);
  EXPECT_EQ(rig.last_status("T")->message, kSlotText);
  EXPECT_EQ(rig.last_status("T")->source, StatusSource::kAgent);
  // The executor hears that its own word was taken.
  EXPECT_EQ(rig.to_the_executor<ev::Acknowledged>().back().uuid, (Uuid{{2, 0xee}}));
  EXPECT_TRUE(rig.container(rig.container_of("T"))->stage == Container::Stage::kRunning);
}

TEST(AgentTimeLimit, MaxCompletionTimeHoldsForCustomExecutorsToo) {
  Rig rig;
  rig.up();
  to_agent::RunTasks run = custom("E", {"T"});
  run.tasks[0].own().max_completion_time = 30s;
  rig.master(run);
  rig.connect(rig.container_of("T"));
  rig.subscribe(1, "E");
  rig.advance(30s);
  EXPECT_EQ(rig.to_the_executor<ev::Kill>().size(), 1u);
  rig.executor_says("E", "T", TaskState::kFinished, 1);
  EXPECT_EQ(rig.last_status("T")->state, TaskState::kFinished) << "the work is done";
}

TEST(AgentTimeLimit, AnExecutorThatDoesNotObeyIsEnded) {
  Rig rig(slot_options());
  rig.up();
  rig.master(custom("E", {"other"}));
  const ContainerId container = rig.container_of("other");
  rig.connect(container);
  rig.subscribe(1, "E");
  rig.master(in_slots(custom("E", {"T"})));
  rig.executor_says("E", "other", TaskState::kRunning, 1);
  rig.advance(60s);
  EXPECT_EQ(rig.to_the_executor<ev::Kill>().size(), 1u);
  rig.advance(7s);
  EXPECT_TRUE(rig.to_the_executor<ev::Shutdown>().empty());
  rig.advance(1s);
  EXPECT_EQ(rig.to_the_executor<ev::Shutdown>().size(), 1u) << "3 s of grace, 5 s of margin";
  rig.advance(5s);
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Shutdown>().size(), 1u);
  rig.step(event::SupervisorGone{container, 9});
  EXPECT_EQ(rig.last_status("T")->message, kSlotText);
  EXPECT_EQ(rig.last_status("other")->state, TaskState::kFailed);
  EXPECT_EQ(rig.last_status("other")->reason, Reason::kExecutorTerminated);
  EXPECT_NE(rig.last_status("other")->message.find("did not end task T"), std::string::npos);
}

TEST(AgentTimeLimit, GoesOnThroughARestart) {
  Rig first(slot_options());
  first.up();
  first.master(in_slots(commands(framework(), {task_spec("T")})));
  first.master(in_slots(custom("E", {"C"})));
  const ContainerId command = first.container_of("T");
  const ContainerId executor = first.container_of("C");
  first.connect(command);
  first.report(command, supervisor::Started{"T", 1});
  first.connect(executor);
  first.subscribe(1, "E");

  // Other flags by now, none of which hold for what runs already.
  Rig rig = restarted(first, rig_options(), 40s);
  rig.start();
  rig.connect(command);
  rig.connect(executor);
  rig.report(command, supervisor::Started{"T", 1});  // said again: that does not begin it anew
  rig.register_agent();
  const auto r = rig.to_the_master<to_master::Register>()[0];
  ASSERT_EQ(r.tasks.size(), 2u);
  EXPECT_TRUE(r.tasks[0].short_slot && r.tasks[1].short_slot);
  rig.subscribe(2, "E", {.unacknowledged_tasks = {task_spec("C")}});
  rig.advance(19s);
  EXPECT_TRUE(rig.to_the_supervisor<supervisor::Kill>().empty());
  EXPECT_TRUE(rig.to_the_executor<ev::Kill>().empty());
  rig.advance(1s);
  EXPECT_EQ(rig.to_the_supervisor<supervisor::Kill>().size(), 1u);
  EXPECT_EQ(rig.to_the_executor<ev::Kill>().size(), 1u);
  rig.report(command, supervisor::Exited{"T", 15, true});
  EXPECT_EQ(rig.last_status("T")->message, kSlotText);
}

TEST(AgentTimeLimit, ATaskThatWasNeverHandedOverWhileTheAgentWasAway) {
  Rig first(slot_options());
  first.up();
  first.master(in_slots(custom("E", {"C"})));
  const ContainerId executor = first.container_of("C");
  first.connect(executor);
  first.subscribe(1, "E");
  Rig late = restarted(first, slot_options(), 2min);
  late.start();
  late.connect(executor);
  late.advance(1s);
  EXPECT_TRUE(late.to_the_executor<ev::Kill>().empty());
  late.subscribe(2, "E", {.unacknowledged_tasks = {task_spec("C")}});
  EXPECT_EQ(late.to_the_executor<ev::Kill>().size(), 1u) << "as soon as it can be told";
  late.executor_says("E", "C", TaskState::kFailed, 7);
  EXPECT_EQ(late.last_status("C")->message, kSlotText);
}

TEST(AgentTimeLimit, WithoutSlotsTheTasksAreDropped) {
  Rig rig;
  rig.up();
  rig.master(in_slots(commands(framework("F", {Capability::kPartitionAware}), {task_spec("T")})));
  ASSERT_EQ(rig.updates().size(), 1u);
  EXPECT_EQ(rig.updates()[0].state, TaskState::kDropped);
  EXPECT_EQ(rig.updates()[0].reason, Reason::kResourcesUnknown);
  EXPECT_TRUE(rig.all<effect::LaunchContainer>().empty());
}

}  // namespace
}  // namespace souk::agent
