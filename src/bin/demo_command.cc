// `souk demo`: the main job in front of one's eyes. A cluster in this process; a batch, a web
// server and a framework written with the SDK share it; an agent dies on the way. Everything that
// runs is a real process.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "bin/commands.h"
#include "bin/node_flags.h"
#include "runtime/clock.h"
#include "runtime/http_client.h"
#include "runtime/local_cluster.h"
#include "runtime/log.h"
#include "runtime/signals.h"

namespace souk::bin {
namespace {

constexpr Duration kLimit = 110s;
constexpr Duration kFrame = 500ms;
constexpr Duration kDropAfter = 4s;

std::string own_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

// A port that is free now.
uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool good = bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(fd);
  return good ? ntohs(address.sin_port) : 0;
}

// A child process with its output in a file.
class Child {
 public:
  Child(std::string name, const std::vector<std::string>& argv, const std::string& log)
      : name_(std::move(name)), log_(log) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    std::vector<char*> raw;
    for (const std::string& argument : argv) raw.push_back(const_cast<char*>(argument.c_str()));
    raw.push_back(nullptr);
    if (posix_spawn(&pid_, raw[0], &actions, &attributes, raw.data(), environ) != 0) pid_ = 0;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  ~Child() {
    if (alive()) {
      ::kill(pid_, SIGKILL);
      waitpid(pid_, &status_, 0);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool alive() {
    if (pid_ > 0 && !ended_ && waitpid(pid_, &status_, WNOHANG) == pid_) ended_ = true;
    return pid_ > 0 && !ended_;
  }
  bool succeeded() {
    return !alive() && pid_ > 0 && WIFEXITED(status_) && WEXITSTATUS(status_) == 0;
  }
  int exit_status() const { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }
  void interrupt() {
    if (alive()) ::kill(pid_, SIGINT);
  }
  bool wait(Duration most) {
    for (const MonoTime until = runtime::mono_now() + most; runtime::mono_now() < until;) {
      if (!alive()) return true;
      std::this_thread::sleep_for(20ms);
    }
    return !alive();
  }
  const std::string& name() const { return name_; }
  const std::string& log() const { return log_; }

 private:
  std::string name_;
  std::string log_;
  pid_t pid_ = 0;
  int status_ = 0;
  bool ended_ = false;
};

class Demo {
 public:
  Demo(unsigned agents, unsigned batch, runtime::MasterNodeOptions master)
      : agents_(agents), batch_size_(batch), master_(std::move(master)) {}
  int run();

 private:
  Result<void> start();
  void start_work();
  // Once a frame; false when there is nothing left to see.
  bool look();
  void print_shares(const protocol::MasterView& view);
  void drop_web_agent(const protocol::MasterView& view);
  void check_web();
  int summary();
  void say(const std::string& text) const;
  double seconds() const { return to_seconds(runtime::mono_now() - started_); }

  unsigned agents_;
  unsigned batch_size_;
  runtime::MasterNodeOptions master_;
  MonoTime started_ = runtime::mono_now();
  std::unique_ptr<runtime::LocalCluster> cluster_;
  std::unique_ptr<Child> batch_;
  std::unique_ptr<Child> hello_;
  std::unique_ptr<Child> web_;
  uint16_t web_port_ = 0;
  bool web_answers_ = false;
  bool dropped_ = false;
  std::string dropped_agent_;
  double web_back_after_ = -1;
  double dropped_at_ = 0;
};

void Demo::say(const std::string& text) const {
  std::printf("[%5.1f s] %s\n", seconds(), text.c_str());
  std::fflush(stdout);
}

Result<void> Demo::start() {
  runtime::LocalClusterOptions options;
  options.agents = agents_;
  options.master = master_;
  options.master.port = 0;
  options.master.allocation.min_allocatable = parse_alternatives("cpus:0.01|mem:32").value();
  options.master.machine.ping_interval = 500ms;
  options.master.machine.max_missed_pings = 2;
  options.agent.resources = "cpus:2;mem:1024;disk:1024";
  auto cluster = runtime::LocalCluster::start(options);
  if (!cluster) return std::unexpected(cluster.error());
  cluster_ = std::move(*cluster);
  say(fmt::format("a cluster of {} agents is up at {}", agents_, cluster_->master().url()));
  return {};
}

void Demo::start_work() {
  const std::string folder = own_folder();
  const std::string logs = cluster_->work_dir();
  const std::string master = cluster_->master().url().substr(std::string("http://").size());
  web_port_ = free_port();
  web_ = std::make_unique<Child>(
      "web",
      std::vector<std::string>{folder + "/souk", "run", "--master=" + master, "--name=web",
                               "--cpus=0.5", "--mem=64", "--", "python3", "-m", "http.server",
                               fmt::format("{}", web_port_), "--bind", "127.0.0.1"},
      logs + "/web.log");
  say(fmt::format("a web server starts behind `souk run`, on port {}", web_port_));
  batch_ = std::make_unique<Child>(
      "batch",
      std::vector<std::string>{folder + "/souk", "run", "--master=" + master, "--name=batch",
                               fmt::format("--instances={}", batch_size_), "--cpus=0.25",
                               "--mem=16", "--", "sh", "-c", "sleep 0.5; echo $SOUK_INSTANCE"},
      logs + "/batch.log");
  say(fmt::format("a batch of {} tasks starts behind `souk run`", batch_size_));
  hello_ = std::make_unique<Child>(
      "hello", std::vector<std::string>{folder + "/hello_framework", master, "60"},
      logs + "/hello.log");
  say("a framework written with the SDK starts (examples/hello_framework)");
}

void Demo::print_shares(const protocol::MasterView& view) {
  std::string line;
  for (const protocol::FrameworkView& framework : view.frameworks) {
    const double share = framework.share_total == 0
                             ? 0
                             : static_cast<double>(framework.share_used) /
                                   static_cast<double>(framework.share_total);
    const auto bars = static_cast<std::size_t>(std::lround(share * 20));
    line += fmt::format("  {:<16.16} {:>3.0f}% |{:<20}|", framework.info.name, share * 100,
                        std::string(std::min<std::size_t>(bars, 20), '#'));
  }
  uint64_t finished = 0;
  std::size_t running = 0;
  for (const protocol::FrameworkView& framework : view.frameworks)
    running += framework.tasks.size();
  finished = view.counters.terminal[static_cast<std::size_t>(TaskState::kFinished)];
  say(fmt::format("{} agents, {} tasks running, {} finished{}", view.agents.size(), running,
                  finished, line.empty() ? "" : "; shares:"));
  for (std::size_t at = 0; at < line.size(); at += 46) {
    std::printf("          %s\n", line.substr(at, 46).c_str());
  }
  std::fflush(stdout);
}

void Demo::check_web() {
  const auto answer = runtime::http_get(fmt::format("http://127.0.0.1:{}/", web_port_), 500ms);
  const bool answers = answer && answer->status == 200;
  if (answers && !web_answers_) {
    say(fmt::format("the web server answers on port {}", web_port_));
    if (dropped_ && web_back_after_ < 0) web_back_after_ = seconds() - dropped_at_;
  }
  web_answers_ = answers;
}

void Demo::drop_web_agent(const protocol::MasterView& view) {
  for (const protocol::FrameworkView& framework : view.frameworks) {
    if (framework.info.name != "souk run web" || framework.tasks.empty()) continue;
    const AgentId agent = framework.tasks.front()->agent_id;
    std::size_t tasks = 0;
    for (const auto& each : view.frameworks) {
      for (const protocol::TaskView& task : each.tasks) tasks += task.agent_id == agent;
    }
    if (!cluster_->drop(agent.value)) return;
    dropped_ = true;
    dropped_agent_ = agent.value;
    dropped_at_ = seconds();
    web_answers_ = false;
    say(fmt::format("agent {} is killed, with {} tasks on it, the web server among them", agent,
                    tasks));
    return;
  }
}

bool Demo::look() {
  const auto view = cluster_->master().view();
  print_shares(*view);
  check_web();
  if (!dropped_ && seconds() > to_seconds(kDropAfter) && web_answers_) drop_web_agent(*view);
  const bool work = batch_->alive() || hello_->alive();
  const bool web_is_back = dropped_ && web_back_after_ >= 0;
  return work || !web_is_back;
}

int Demo::run() {
  if (auto started = start(); !started) return complain(started.error());
  start_work();
  bool over = false;
  while (!over && seconds() < to_seconds(kLimit)) {
    std::this_thread::sleep_for(kFrame);
    over = !look();
    if (!web_->alive()) break;
  }
  return summary();
}

int Demo::summary() {
  const bool web_was_there = web_->alive();
  web_->interrupt();
  web_->wait(5s);
  const auto view = cluster_->master().view();
  const auto& terminal = view->counters.terminal;
  const auto count = [&](TaskState state) { return terminal[static_cast<std::size_t>(state)]; };
  const bool good = batch_->succeeded() && hello_->succeeded() && web_was_there && dropped_ &&
                    web_back_after_ >= 0;
  std::printf("\nSummary after %.1f s\n", seconds());
  std::printf("  tasks finished            %llu\n",
              static_cast<unsigned long long>(count(TaskState::kFinished)));
  std::printf("  lost with agent, re-run   %llu\n",
              static_cast<unsigned long long>(count(TaskState::kLost)));
  std::printf("  batch of %-4u             %s\n", batch_size_,
              batch_->succeeded() ? "all done, exit status 0" : "FAILED");
  std::printf("  SDK framework             %s\n",
              hello_->succeeded() ? "all done, exit status 0" : "FAILED");
  if (web_back_after_ >= 0) {
    std::printf("  web server                answered again %.1f s after its agent was killed\n",
                web_back_after_);
  } else {
    std::printf("  web server                FAILED to come back\n");
  }
  for (Child* child : {batch_.get(), hello_.get()}) {
    if (child->succeeded()) continue;
    std::printf("\nlast words of %s (exit status %d):\n", child->name().c_str(),
                child->exit_status());
    std::fflush(stdout);
    Child tail("tail", {"/usr/bin/tail", "-n", "20", child->log()}, "/dev/stdout");
    tail.wait(2s);
  }
  std::printf("%s\n", good ? "\nThe demo is over: everything was done." : "\nThe demo FAILED.");
  return good ? kExitOk : kExitFailed;
}

struct DemoCommand {
  explicit DemoCommand(CLI::App& command) : flags(command) {
    log.level = "error";
    flags.add("agents", agents, "how many agents");
    flags.add("batch", batch, "how many tasks the batch has");
    allocation.add_to(flags);
    log.add_to(flags);
  }
  int run() {
    if (auto ready = log.set_up(); !ready) return complain(ready.error());
    runtime::MasterNodeOptions master;
    if (auto ready = allocation.finish(master); !ready) return complain(ready.error());
    if (agents < 2) return complain({"--agents must be at least 2: one of them is killed"});
    runtime::raise_open_files();
    return Demo(agents, batch, std::move(master)).run();
  }

  Flags flags;
  AllocationFlags allocation;
  LogFlags log;
  unsigned agents = 4;
  unsigned batch = 300;
};

}  // namespace

void add_demo_command(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand(
      "demo", "See a cluster share its resources, lose an agent and finish all the same");
  auto state = std::make_shared<DemoCommand>(*command);
  command->callback([state, &exit_status] { exit_status = state->run(); });
}

}  // namespace souk::bin
