// Containers with the real souk-executor.
#include "runtime/containers.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/signals.h"
#include "runtime/test_support.h"
#include "wire/command.h"

namespace souk::runtime {
namespace {

namespace fs = std::filesystem;
namespace supervisor = protocol::supervisor;
namespace effect = agent::effect;
using agent::ContainerKind;
using testing::TemporaryDirectory;

std::string executor_path() {
  if (const char* path = std::getenv("SOUK_EXECUTOR")) return path;
  if (const char* build = std::getenv("SOUK_BUILD_DIR"))
    return std::string(build) + "/souk-executor";
  return (fs::read_symlink("/proc/self/exe").parent_path() / "souk-executor").string();
}

std::string content(const fs::path& path) {
  std::stringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

effect::LaunchContainer order(ContainerKind kind = ContainerKind::kCommand) {
  effect::LaunchContainer order;
  order.kind = kind;
  order.sandbox = {AgentId("A"), FrameworkId("F"), ExecutorId("E"), ContainerId("c1")};
  order.framework.id = FrameworkId("F");
  order.role = "*";
  order.executor.id = ExecutorId("E");
  return order;
}

TaskSpec task(const std::string& id, const wire::CommandSpec& command) {
  TaskSpec spec;
  spec.id = TaskId(id);
  return wire::with_command(std::move(spec), command);
}

effect::LaunchProcesses processes(const effect::LaunchContainer& container,
                                  std::vector<TaskSpec> tasks) {
  return {container.kind, container.sandbox,  container.framework,
          container.role, container.executor, std::move(tasks),
          false};
}

class ContainersTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (access(executor_path().c_str(), X_OK) != 0) {
      GTEST_SKIP() << "no souk-executor at " << executor_path();
    }
    start(executor_path());
  }
  void TearDown() override {
    if (!containers_) return;
    containers_->kill_all();
    if (alive_) wait_for([&] { return gone_; });
  }

  // As an agent does that begins, or begins again.
  void start(const std::string& executor, const agent::Checkpoint& checkpoint = {}) {
    containers_.reset();
    containers_ = std::make_unique<Containers>(
        loop_,
        Containers::Options{.work_dir = directory_.path(),
                            .executor = executor,
                            .switch_user = false,
                            .recovery_timeout = 1min,
                            .agent_endpoint = "127.0.0.1:5051",
                            .agent_ip = "127.0.0.1",
                            .after_calls =
                                [this](Task task) {
                                  held_.push_back(std::move(task));
                                  check();
                                }},
        Containers::Callbacks{
            .connected =
                [this](const ContainerId&, int64_t pid) {
                  connected_ = pid;
                  check();
                },
            .said =
                [this](const ContainerId&, const supervisor::Report& report) {
                  reports_[report.number] = report.what;
                  check();
                },
            .gone =
                [this](const ContainerId&, std::optional<int32_t> status) {
                  gone_ = true;
                  status_ = status;
                  check();
                },
            .launch_failed =
                [this](const ContainerId&, std::string why) {
                  failed_ = std::move(why);
                  check();
                },
        });
    const auto listening = containers_->listen();
    ASSERT_TRUE(listening.has_value()) << listening.error().message;
    containers_->adopt(checkpoint);
  }

  void check() {
    if (wanted_ && wanted_()) loop_.stop();
  }
  bool wait_for(std::function<bool()> wanted) {
    if (wanted()) return true;
    wanted_ = std::move(wanted);
    const TimerId patience =
        loop_.call_after(Duration(1ms) * testing::kPatience, [this] { loop_.stop(); });
    loop_.run();
    loop_.cancel(patience);
    return std::exchange(wanted_, nullptr)();
  }

  void launch(const effect::LaunchContainer& order) {
    containers_->launch(order);
    alive_ = true;
    ASSERT_TRUE(wait_for([&] { return connected_ != 0; }));
  }
  template <class What>
  std::optional<What> told() {
    for (const auto& [number, what] : reports_) {
      if (const auto* one = std::get_if<What>(&what)) return *one;
    }
    return std::nullopt;
  }
  fs::path folder() const { return containers_->sandboxes().path(order().sandbox); }

  TemporaryDirectory directory_;
  Loop loop_;
  std::unique_ptr<Containers> containers_;
  std::function<bool()> wanted_;
  bool alive_ = false;
  int64_t connected_ = 0;
  std::map<uint64_t, supervisor::Happening> reports_;
  bool gone_ = false;
  std::optional<int32_t> status_;
  std::string failed_;
  std::vector<Task> held_;  // what waits for the calls of custom executors
};

TEST_F(ContainersTest, RunATaskToItsEnd) {
  launch(order());
  wire::CommandSpec command;
  command.value = "echo out; echo err >&2; pwd; echo $MESOS_TASK_ID $GREETING; exit 3";
  command.environment = {{"GREETING", "first"}, {"GREETING", "hello"}};
  containers_->launch_processes(processes(order(), {task("t", command)}));
  ASSERT_TRUE(wait_for([&] { return told<supervisor::Exited>().has_value(); }));
  EXPECT_EQ(told<supervisor::Started>()->name, "t");
  EXPECT_EQ(WEXITSTATUS(told<supervisor::Exited>()->status), 3);
  EXPECT_FALSE(told<supervisor::Exited>()->kill_asked);
  EXPECT_EQ(content(folder() / "stdout"), "out\n" + folder().string() + "\nt hello\n");
  EXPECT_EQ(content(folder() / "stderr"), "err\n");
  // It ends by itself once it is let go and all is taken.
  containers_->send(ContainerId("c1"), supervisor::Shutdown{0});
  for (const auto& [number, what] : reports_) {
    containers_->send(ContainerId("c1"), supervisor::Taken{number});
  }
  ASSERT_TRUE(wait_for([&] { return gone_; }));
  EXPECT_EQ(status_, 0);
  alive_ = false;
}

TEST_F(ContainersTest, GiveEachTaskOfAGroupItsFolder) {
  const auto group = order(ContainerKind::kDefault);
  launch(group);
  wire::CommandSpec command;
  command.value = "echo $MESOS_TASK_ID";
  containers_->launch_processes(processes(group, {task("t1", command), task("t2", command)}));
  ASSERT_TRUE(wait_for([&] {
    return std::ranges::count_if(reports_, [](const auto& report) {
             return std::holds_alternative<supervisor::Exited>(report.second);
           }) == 2;
  }));
  EXPECT_EQ(content(folder() / "tasks/t1/stdout"), "t1\n");
  EXPECT_EQ(content(folder() / "tasks/t2/stdout"), "t2\n");
}

TEST_F(ContainersTest, HaveTheLimitsThatTheAgentHadNotThoseItRaised) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  if (before.rlim_max < 512) GTEST_SKIP() << "a hard limit of " << before.rlim_max << " files";
  const rlimit low{.rlim_cur = 500, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(raise_open_files(), before.rlim_max);
  launch(order());
  wire::CommandSpec command;
  command.value = "ulimit -Sn; ulimit -Hn";
  containers_->launch_processes(processes(order(), {task("t", command)}));
  ASSERT_TRUE(wait_for([&] { return told<supervisor::Exited>().has_value(); }));
  const std::string hard =
      before.rlim_max == RLIM_INFINITY ? "unlimited" : fmt::format("{}", before.rlim_max);
  EXPECT_EQ(content(folder() / "stdout"), "500\n" + hard + "\n");
  setrlimit(RLIMIT_NOFILE, &before);
}

// Its last calls come by another way, and are to be heard first.
TEST_F(ContainersTest, TheEndOfACustomExecutorWaitsForItsCalls) {
  launch(order(ContainerKind::kCustom));
  auto custom = order(ContainerKind::kCustom);
  wire::CommandSpec command;
  command.value = "exit 4";
  custom.executor = wire::with_command(std::move(custom.executor), command);
  containers_->launch_processes(processes(custom, {}));
  ASSERT_TRUE(wait_for([&] { return held_.size() == 1; }));
  EXPECT_TRUE(told<supervisor::Started>().has_value());
  EXPECT_FALSE(told<supervisor::Exited>().has_value());
  std::exchange(held_, {}).front()();
  EXPECT_EQ(WEXITSTATUS(told<supervisor::Exited>()->status), 4);
  // The same holds for an end that only the kernel tells of.
  containers_->kill(ContainerId("c1"));
  ASSERT_TRUE(wait_for([&] { return held_.size() == 1; }));
  EXPECT_FALSE(gone_);
  std::exchange(held_, {}).front()();
  EXPECT_TRUE(gone_);
  alive_ = false;
}

TEST_F(ContainersTest, SayWhyAProcessCannotBe) {
  launch(order());
  TaskSpec nothing;
  nothing.id = TaskId("t");
  containers_->launch_processes(processes(order(), {nothing}));
  ASSERT_TRUE(wait_for([&] { return told<supervisor::LaunchFailed>().has_value(); }));
  EXPECT_FALSE(told<supervisor::LaunchFailed>()->why.empty());
}

TEST_F(ContainersTest, SayWhyAContainerCannotBe) {
  std::ofstream(directory_.path() + "/slaves") << "a file in the way";
  containers_->launch(order());
  ASSERT_TRUE(wait_for([&] { return !failed_.empty(); }));
  EXPECT_TRUE(failed_.starts_with("cannot make the sandbox")) << failed_;
}

TEST_F(ContainersTest, NeedASoukExecutor) {
  Containers others(loop_, {.work_dir = directory_.path(), .executor = "/no/such/souk-executor"},
                    {});
  const auto listening = others.listen();
  ASSERT_FALSE(listening.has_value());
  EXPECT_NE(listening.error().message.find("/no/such/souk-executor"), std::string::npos);
}

TEST_F(ContainersTest, AreKilledWithAllTheyRun) {
  launch(order());
  wire::CommandSpec command;
  command.value = "trap '' TERM; sleep 1000 & echo ready; wait";
  containers_->launch_processes(processes(order(), {task("t", command)}));
  ASSERT_TRUE(wait_for([&] { return told<supervisor::Started>().has_value(); }));
  containers_->kill(ContainerId("c1"));
  ASSERT_TRUE(wait_for([&] { return gone_; }));
  ASSERT_TRUE(status_.has_value());
  EXPECT_EQ(WTERMSIG(*status_), SIGKILL);
  const auto leader = static_cast<pid_t>(told<supervisor::Started>()->pid);
  for (int i = 0; i < 1000 && ::kill(leader, 0) == 0; ++i) usleep(5'000);
  EXPECT_NE(::kill(leader, 0), 0);
  alive_ = false;
}

TEST_F(ContainersTest, WhatIsNotThereIsGone) {
  containers_->kill(ContainerId("stranger"));
  ASSERT_TRUE(wait_for([&] { return gone_; }));
  EXPECT_FALSE(status_.has_value());
  containers_->send(ContainerId("stranger"), supervisor::Taken{1});  // to nobody
}

TEST_F(ContainersTest, AreFoundAgainAfterARestart) {
  launch(order());
  wire::CommandSpec command;
  command.value = "sleep 1000";
  containers_->launch_processes(processes(order(), {task("t", command)}));
  ASSERT_TRUE(wait_for([&] { return told<supervisor::Started>().has_value(); }));
  const int64_t pid = connected_;
  agent::Checkpoint checkpoint;
  checkpoint.containers[ContainerId("c1")] = {
      .sandbox = order().sandbox, .role = "*", .executor = {}, .pid = pid};
  connected_ = 0;
  reports_.clear();
  start(executor_path(), checkpoint);
  ASSERT_TRUE(wait_for([&] { return connected_ != 0; }));
  EXPECT_EQ(connected_, pid);
  // What was not taken is said again.
  ASSERT_TRUE(wait_for([&] { return told<supervisor::Started>().has_value(); }));
  containers_->send(ContainerId("c1"), supervisor::Kill{"t", Duration(10s).count()});
  ASSERT_TRUE(wait_for([&] { return told<supervisor::Exited>().has_value(); }));
  EXPECT_TRUE(told<supervisor::Exited>()->kill_asked);
  EXPECT_EQ(WTERMSIG(told<supervisor::Exited>()->status), SIGTERM);
}

TEST_F(ContainersTest, APidThatIsSomebodyElsesIsLeftAlone) {
  agent::Checkpoint checkpoint;
  checkpoint.containers[ContainerId("c1")] = {
      .sandbox = order().sandbox, .role = "*", .executor = {}, .pid = getpid()};
  start(executor_path(), checkpoint);
  EXPECT_TRUE(wait_for([&] { return gone_; }));  // the container is; we are not
}

}  // namespace
}  // namespace souk::runtime
