#include "model/task.h"

#include <gtest/gtest.h>

#include <set>

namespace souk {
namespace {

TEST(Task, StatesHaveTheNamesAndNumbersOfTheProtocol) {
  EXPECT_EQ(to_string(TaskState::kStarting), "TASK_STARTING");
  EXPECT_EQ(to_string(TaskState::kRunning), "TASK_RUNNING");
  EXPECT_EQ(to_string(TaskState::kFinished), "TASK_FINISHED");
  EXPECT_EQ(to_string(TaskState::kFailed), "TASK_FAILED");
  EXPECT_EQ(to_string(TaskState::kKilled), "TASK_KILLED");
  EXPECT_EQ(to_string(TaskState::kLost), "TASK_LOST");
  EXPECT_EQ(to_string(TaskState::kStaging), "TASK_STAGING");
  EXPECT_EQ(to_string(TaskState::kError), "TASK_ERROR");
  EXPECT_EQ(to_string(TaskState::kKilling), "TASK_KILLING");
  EXPECT_EQ(to_string(TaskState::kDropped), "TASK_DROPPED");
  EXPECT_EQ(to_string(TaskState::kUnreachable), "TASK_UNREACHABLE");
  EXPECT_EQ(to_string(TaskState::kGone), "TASK_GONE");
  EXPECT_EQ(to_string(TaskState::kGoneByOperator), "TASK_GONE_BY_OPERATOR");
  EXPECT_EQ(to_string(TaskState::kUnknown), "TASK_UNKNOWN");
}

TEST(Task, TerminalStatesHoldNoResources) {
  std::set<std::string_view> terminal;
  for (uint8_t n = 0; n <= static_cast<uint8_t>(TaskState::kUnknown); ++n) {
    const auto state = static_cast<TaskState>(n);
    if (is_terminal(state)) terminal.insert(to_string(state));
  }
  EXPECT_EQ(terminal, (std::set<std::string_view>{"TASK_FINISHED", "TASK_FAILED", "TASK_KILLED",
                                                  "TASK_LOST", "TASK_ERROR", "TASK_DROPPED",
                                                  "TASK_GONE", "TASK_GONE_BY_OPERATOR"}));
}

TEST(Task, NumbersBeyondTheEnumsDoNoHarm) {
  EXPECT_EQ(to_string(static_cast<TaskState>(200)), "?");
  EXPECT_EQ(to_string(static_cast<Reason>(200)), "?");
  EXPECT_EQ(to_string(static_cast<StatusSource>(200)), "?");
  EXPECT_EQ(to_string(static_cast<Feature>(200)), "?");
  EXPECT_FALSE(is_terminal(static_cast<TaskState>(200)));
}

TEST(Task, ReasonsAndSourcesHaveTheNamesOfTheProtocol) {
  EXPECT_EQ(to_string(StatusSource::kMaster), "SOURCE_MASTER");
  EXPECT_EQ(to_string(StatusSource::kAgent), "SOURCE_AGENT");
  EXPECT_EQ(to_string(StatusSource::kExecutor), "SOURCE_EXECUTOR");
  // A slip in the middle of the table would shift what follows.
  EXPECT_EQ(to_string(Reason::kCommandExecutorFailed), "REASON_COMMAND_EXECUTOR_FAILED");
  EXPECT_EQ(to_string(Reason::kInvalidFrameworkId), "REASON_INVALID_FRAMEWORKID");
  EXPECT_EQ(to_string(Reason::kReconciliation), "REASON_RECONCILIATION");
  EXPECT_EQ(to_string(Reason::kTaskInvalid), "REASON_TASK_INVALID");
  EXPECT_EQ(to_string(Reason::kContainerPreempted), "REASON_CONTAINER_PREEMPTED");
  EXPECT_EQ(to_string(Reason::kContainerLaunchFailed), "REASON_CONTAINER_LAUNCH_FAILED");
  EXPECT_EQ(to_string(Reason::kIoSwitchboardExited), "REASON_IO_SWITCHBOARD_EXITED");
  EXPECT_EQ(to_string(Reason::kMaxCompletionTimeReached), "REASON_MAX_COMPLETION_TIME_REACHED");
  EXPECT_EQ(to_string(Reason::kAgentDraining), "REASON_AGENT_DRAINING");
}

TEST(Task, EveryNameIsThereOnce) {
  std::set<std::string_view> names;
  for (uint8_t n = 0; n <= static_cast<uint8_t>(Reason::kAgentDraining); ++n) {
    EXPECT_TRUE(names.insert(to_string(static_cast<Reason>(n))).second) << int{n};
  }
  for (uint8_t n = 0; n <= static_cast<uint8_t>(Feature::kReservation); ++n) {
    EXPECT_TRUE(names.insert(to_string(static_cast<Feature>(n))).second) << int{n};
  }
  EXPECT_FALSE(names.contains("?"));
}

TEST(Features, HoldsEachOnce) {
  Features features{Feature::kUris, Feature::kReservation};
  EXPECT_FALSE(features.empty());
  features.add(Feature::kUris);
  EXPECT_EQ(features, (Features{Feature::kReservation, Feature::kUris}));
  for (std::size_t number = 0; number < kFeatures; ++number) {
    const auto feature = static_cast<Feature>(number);
    EXPECT_EQ(features.has(feature), feature == Feature::kUris || feature == Feature::kReservation);
    EXPECT_NE(to_string(feature), "?");
  }
  EXPECT_EQ(to_string(static_cast<Feature>(kFeatures)), "?");  // there are no more
  EXPECT_TRUE(Features().empty());
}

}  // namespace
}  // namespace souk
