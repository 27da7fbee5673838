#include "runtime/checkpoint_sqlite.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/rng.h"
#include "runtime/test_support.h"
#include "wire/command.h"

namespace souk::runtime {
namespace {

namespace op = agent::checkpoint;
using agent::Checkpoint;
using agent::CheckpointOperation;
using testing::TemporaryDirectory;

// Descriptions as they come over the link: the bytes of the API and what was read of them.
FrameworkInfo framework(const std::string& id) {
  FrameworkInfo info;
  info.id = FrameworkId(id);
  info.user = "nobody";
  info.name = "name of " + id;
  info.roles = {"*"};
  info.failover_timeout = 90s;
  return info;
}

protocol::TaskRecord record(const std::string& framework, const std::string& id) {
  TaskSpec spec;
  spec.id = TaskId(id);
  spec.name = id;
  spec.agent_id = AgentId("A");
  spec.resources = Resources::parse("cpus:1;mem:32").value();
  wire::CommandSpec command;
  command.value = "true";
  return {.framework_id = FrameworkId(framework),
          .executor_id = ExecutorId(id),
          .role = "*",
          .spec = wire::with_command(std::move(spec), command),
          .state = TaskState::kStaging,
          .command_task = true};
}

TaskStatus status(const std::string& task, TaskState state, uint8_t uuid) {
  TaskStatus status;
  status.task_id = TaskId(task);
  status.agent_id = AgentId("A");
  status.state = state;
  status.source = StatusSource::kExecutor;
  status.message = "as it was said";
  status.timestamp = WallTime(1'700'000'000s);
  status.uuid = Uuid{{uuid}};
  return status;
}

agent::Sandbox sandbox(const std::string& framework, const std::string& container) {
  return {AgentId("A"), FrameworkId(framework), ExecutorId("E"), ContainerId(container)};
}

// What has to come back, as text: descriptions by what decides, not by how they are encoded.
std::string text(const Checkpoint& value) {
  std::string all =
      fmt::format("cluster {} epoch {} agent {}\n", value.cluster_id, value.epoch, value.agent_id);
  const auto place = [](const agent::Sandbox& s) {
    return fmt::format("{}/{}/{}/{}", s.agent, s.framework, s.executor, s.container);
  };
  for (const auto& [id, known] : value.frameworks) {
    all += fmt::format("framework {} {} {} {} removing {}\n", id, known.info.id, known.info.name,
                       format_duration(known.info.failover_timeout), known.removing);
  }
  for (const auto& [id, c] : value.containers) {
    all += fmt::format("container {} kind {} {} role {} executor {} {} pid {}\n", id,
                       static_cast<int>(c.kind), place(c.sandbox), c.role, c.executor.id,
                       c.executor.resources.to_string(), c.pid);
  }
  for (const auto& [id, e] : value.ended) {
    all += fmt::format("ended {} {} {}\n", id, place(e.sandbox), e.at.time_since_epoch().count());
  }
  for (const auto& [key, task] : value.tasks) {
    all += fmt::format("task {} {} in {} batch {} group {} added {} {} {} {} {} command {} '{}'",
                       key.first, key.second, task.container, task.batch, task.group,
                       task.added.time_since_epoch().count(), to_string(task.record.state),
                       task.record.executor_id, task.record.role,
                       task.record.spec.resources.to_string(), task.record.command_task,
                       wire::task_command(task.record.spec.raw)->value);
    all += fmt::format(" slot {} limit {} revoked {}\n", task.record.short_slot,
                       task.slot_limit.count(), task.revoked.value_or(Duration(-1)).count());
    for (const TaskStatus& s : task.pending) {
      all += fmt::format("  pending {} {} {} {} '{}'\n", s.task_id, to_string(s.state),
                         s.uuid->to_string(), s.timestamp.time_since_epoch().count(), s.message);
    }
  }
  return all;
}

CheckpointOperation random_operation(Rng& rng, uint64_t number_of_it) {
  const auto number = [&](uint64_t n) { return std::to_string(rng.below(n)); };
  const std::string f = "F" + number(2);
  const std::string c = fmt::format("c{}", rng.below(number_of_it + 1));
  const std::string t = "t" + number(4);
  const auto uuid = static_cast<uint8_t>(rng.below(4));
  const WallTime at{Duration(1'700'000'000s) + Duration(rng.below(1'000'000))};
  switch (rng.below(18)) {
    case 0:
      return op::ClusterMet{"cluster " + number(3)};
    case 1:
      return op::EpochSeen{number_of_it};
    case 2:
      return op::Admitted{AgentId("A" + number(3))};
    case 3:
      return op::FrameworkKnown{framework(f)};
    case 4:
      return op::FrameworkRemoving{FrameworkId(f)};
    case 5:
      return op::FrameworkForgotten{FrameworkId(f)};
    case 6:
    case 7: {
      ExecutorSpec executor;
      executor.id = ExecutorId("E");
      executor.resources = Resources::parse("cpus:0.1").value();
      return op::ContainerAdded{static_cast<agent::ContainerKind>(rng.below(3)),
                                sandbox(f, fmt::format("c{}", number_of_it)), "*",
                                std::move(executor)};
    }
    case 8:
      return op::ContainerStarted{ContainerId(c), static_cast<int64_t>(rng.below(70'000))};
    case 9:
      return op::ContainerEnded{ContainerId(c), at};
    case 10:
      return op::SandboxRemoved{ContainerId(c)};
    case 11:
    case 12: {
      op::TasksAdded added{
          ContainerId(c), rng.below(9), rng.below(2) == 0, at, {record(f, t), record(f, t + "b")}};
      if (rng.below(2) == 0) return added;
      added.slot_limit = Duration(rng.below(1'000'000));
      for (auto& task : added.tasks) task.short_slot = true;
      return added;
    }
    case 13:
    case 14:
      return op::UpdatePending{FrameworkId(f),
                               status(t, static_cast<TaskState>(rng.below(6)), uuid)};
    case 15:
      return op::UpdateAcknowledged{FrameworkId(f), TaskId(t), Uuid{{uuid}}};
    case 16:
      return op::TaskRevoked{FrameworkId(f), TaskId(t), Duration(rng.below(1'000))};
    default:
      return op::TaskForgotten{FrameworkId(f), TaskId(t)};
  }
}

TEST(SqliteCheckpoint, BeginsEmpty) {
  TemporaryDirectory directory;
  EXPECT_EQ(text(SqliteCheckpoint::open(directory.path()).value()->initial()), text({}));
}

// A life in the order in which an agent has it, each step over a restart.
TEST(SqliteCheckpoint, EachOperationSurvives) {
  const ContainerId c("c1");
  const FrameworkId f("F");
  const TaskId t("t");
  ExecutorSpec executor;
  executor.id = ExecutorId("E");
  const std::vector<CheckpointOperation> life = {
      op::ClusterMet{"C"},
      op::EpochSeen{~uint64_t{0}},
      op::Admitted{AgentId("A")},
      op::FrameworkKnown{framework("F")},
      op::ContainerAdded{agent::ContainerKind::kCommand, sandbox("F", "c1"), "*", executor},
      op::TasksAdded{c, 7, true, WallTime(5ns), {record("F", "t"), record("F", "u")}},
      op::ContainerStarted{c, 4711},
      op::TaskRevoked{f, t, 3s},
      op::UpdatePending{f, status("t", TaskState::kRunning, 1)},
      op::UpdatePending{f, status("t", TaskState::kFinished, 2)},
      op::UpdateAcknowledged{f, t, Uuid{{1}}},
      op::FrameworkRemoving{f},
      op::FrameworkKnown{framework("F")},  // known again: still being removed
      op::TaskForgotten{f, t},
      op::TaskForgotten{f, TaskId("u")},
      op::ContainerEnded{c, WallTime(9s)},
      op::FrameworkForgotten{f},
      op::SandboxRemoved{c},
  };
  TemporaryDirectory directory;
  Checkpoint expected;
  std::set<std::size_t> kinds;
  for (const CheckpointOperation& operation : life) {
    kinds.insert(operation.index());
    agent::apply(expected, operation);
    ASSERT_TRUE(SqliteCheckpoint::open(directory.path())
                    .value()
                    ->store(std::span(&operation, 1))
                    .has_value());
    auto again = SqliteCheckpoint::open(directory.path()).value();
    EXPECT_EQ(text(again->initial()), text(expected)) << "after kind " << operation.index();
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<CheckpointOperation>);
}

TEST(SqliteCheckpoint, TakesOverWhatAnEarlierVersionStored) {
  TemporaryDirectory directory;
  Checkpoint expected;
  const std::vector<CheckpointOperation> life = {
      op::FrameworkKnown{framework("F")},
      op::TasksAdded{ContainerId("c1"), 7, true, WallTime(5ns), {record("F", "t")}}};
  for (const auto& operation : life) agent::apply(expected, operation);
  ASSERT_TRUE(SqliteCheckpoint::open(directory.path()).value()->store(life).has_value());
  {
    constexpr const char* kAsItIs[] = {"", ""};
    auto raw = Database::open(directory.path() + "/agent.db", {}, kAsItIs).value();
    ASSERT_TRUE(raw->execute("ALTER TABLE task DROP COLUMN slot_limit_ns;"
                             "ALTER TABLE task DROP COLUMN revoked_grace_ns;"
                             "PRAGMA user_version = 1")
                    .has_value());
  }
  auto again = SqliteCheckpoint::open(directory.path());
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(text((*again)->initial()), text(expected));
}

// In any order, also such as no agent would have; but containers have new names and epochs rise.
TEST(SqliteCheckpoint, StoresWhatApplyFolds) {
  for (uint64_t seed = 0; seed < 25; ++seed) {
    TemporaryDirectory directory;
    Rng rng(seed);
    Checkpoint expected;
    uint64_t count = 0;
    for (int restart = 0; restart < 4; ++restart) {
      auto store = SqliteCheckpoint::open(directory.path()).value();
      ASSERT_EQ(text(store->initial()), text(expected)) << "seed " << seed;
      std::vector<CheckpointOperation> operations;
      for (uint64_t n = rng.below(15); n > 0; --n) {
        operations.push_back(random_operation(rng, ++count));
      }
      for (const auto& operation : operations) agent::apply(expected, operation);
      ASSERT_TRUE(store->store(operations).has_value());
    }
  }
}

TEST(SqliteCheckpoint, RefusesASecondAgent) {
  TemporaryDirectory directory;
  auto first = SqliteCheckpoint::open(directory.path()).value();
  const auto second = SqliteCheckpoint::open(directory.path());
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find("another process"), std::string::npos)
      << second.error().message;
  first.reset();
  EXPECT_TRUE(SqliteCheckpoint::open(directory.path()).has_value());
}

TEST(SqliteCheckpoint, RefusesWhatIsDamaged) {
  TemporaryDirectory directory;
  std::ofstream(directory.path() + "/agent.db") << std::string(5000, 'x');
  const auto store = SqliteCheckpoint::open(directory.path());
  ASSERT_FALSE(store.has_value());
  EXPECT_NE(store.error().message.find("damaged"), std::string::npos) << store.error().message;
  EXPECT_NE(store.error().message.find("agent.db"), std::string::npos) << store.error().message;
}

TEST(SqliteCheckpoint, RefusesRecordsThatItCannotRead) {
  TemporaryDirectory directory;
  const CheckpointOperation known = op::FrameworkKnown{framework("F")};
  ASSERT_TRUE(
      SqliteCheckpoint::open(directory.path()).value()->store(std::span(&known, 1)).has_value());
  {
    constexpr const char* kAsItIs[] = {"", ""};
    auto raw = Database::open(directory.path() + "/agent.db", {}, kAsItIs).value();
    ASSERT_TRUE(raw->execute("UPDATE framework SET bytes = x'ffff'").has_value());
  }
  EXPECT_FALSE(SqliteCheckpoint::open(directory.path()).has_value());
}

}  // namespace
}  // namespace souk::runtime
