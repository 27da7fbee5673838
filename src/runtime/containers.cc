#include "runtime/containers.h"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "runtime/clock.h"
#include "runtime/log.h"
#include "runtime/signals.h"
#include "wire/command.h"

namespace souk::runtime {
namespace {

namespace supervisor = protocol::supervisor;
namespace effect = agent::effect;

// The descriptor at which a souk-executor finds its socket.
constexpr int kSocketFd = 3;
constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
// How long a user that was looked up is believed, and how many are.
constexpr Duration kUserLife = 5s;
constexpr std::size_t kMaxUsers = 1'000;
// A default executor without tasks waits so long for more of them.
constexpr Duration kLinger = 24h;

// Its children and theirs, by /proc; whoever is orphaned stays below the souk-executor, which is
// their reaper.
void collect_descendants(int64_t pid, std::vector<int64_t>& out) {
  std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", pid));
  int64_t child = 0;
  std::vector<int64_t> found;
  while (children >> child) found.push_back(child);
  for (const int64_t each : found) {
    out.push_back(each);
    collect_descendants(each, out);
  }
}

// A pid that an earlier run stored may be another process's by now.
bool still_is(int64_t pid, const ContainerId& container) {
  std::ifstream file(fmt::format("/proc/{}/cmdline", pid), std::ios::binary);
  std::string line((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return line.find(std::string("--container") + '\0' + container.value + '\0') != std::string::npos;
}

std::string milliseconds(Duration d) {
  return fmt::format("{}", std::chrono::duration_cast<std::chrono::milliseconds>(d).count());
}

// Owns what posix_spawn wants.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t ignored;
    sigemptyset(&none);
    sigemptyset(&ignored);
    // What we handle, exec resets by itself; what we ignore it does not.
    sigaddset(&ignored, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &ignored);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  // Nothing of ours but the socket.
  void only(int socket) {
    for (int fd = 0; fd < 3; ++fd) {
      posix_spawn_file_actions_addopen(&actions_, fd, "/dev/null", O_RDWR, 0);
    }
    posix_spawn_file_actions_adddup2(&actions_, socket, kSocketFd);
    posix_spawn_file_actions_addclosefrom_np(&actions_, kSocketFd + 1);
  }

  Result<pid_t> run(const std::string& program, const std::vector<std::string>& argv) {
    std::vector<char*> raw;
    for (const std::string& argument : argv) raw.push_back(const_cast<char*>(argument.c_str()));
    raw.push_back(nullptr);
    char* const empty[] = {nullptr};
    pid_t pid = 0;
    const int error =
        posix_spawn(&pid, program.c_str(), &actions_, &attributes_, raw.data(), empty);
    if (error != 0) return fail("cannot start '{}': {}", argv[0], std::strerror(error));
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

Containers::Containers(Loop& loop, Options options, Callbacks callbacks)
    : loop_(loop),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      sandboxes_(options_.work_dir),
      socket_path_((std::filesystem::path(options_.work_dir) / "agent.sock").string()) {}

Containers::~Containers() {
  if (executor_fd_ >= 0) ::close(executor_fd_);
}

Result<void> Containers::listen() {
  executor_fd_ = ::open(options_.executor.c_str(), O_PATH | O_CLOEXEC);
  if (executor_fd_ < 0) {
    return fail("cannot open '{}': {}", options_.executor, std::strerror(errno));
  }
  auto listener = UnixListener::listen(
      loop_, socket_path_,
      [this](std::unique_ptr<UnixConnection> connection) { welcome(std::move(connection)); });
  if (!listener) return std::unexpected(listener.error());
  listener_ = std::move(*listener);
  return {};
}

void Containers::adopt(const agent::Checkpoint& checkpoint) {
  for (const auto& [id, known] : checkpoint.containers) {
    Container& container = containers_[id];
    container.pid = known.pid;
    container.custom = known.kind == agent::ContainerKind::kCustom;
    if (known.pid > 0 && still_is(known.pid, id)) {
      auto watch = ProcessWatch::watch(loop_, known.pid, [this, id = id] { ended(id, {}); });
      if (watch) {
        container.process = std::move(*watch);
        continue;
      }
    }
    // One that was started and had no time to be stored may still dial in; if not, the machine asks
    // to kill it, and is answered then.
    container.pid = 0;
    if (known.pid > 0) loop_.post([this, id = id] { ended(id, {}); });
  }
}

// --- starting

void Containers::launch(const effect::LaunchContainer& order) {
  if (auto started = start(order); !started) {
    loop_.post([this, id = order.sandbox.container, why = started.error().message] {
      callbacks_.launch_failed(id, why);
    });
  }
}

Result<std::optional<User>> Containers::user_of(const std::string& name) {
  if (!options_.switch_user || geteuid() != 0 || name.empty()) return std::optional<User>();
  const MonoTime now = mono_now();
  if (const auto known = users_.find(name); known != users_.end() && now < known->second.second) {
    return std::optional(known->second.first);
  }
  auto user = find_user(name);
  if (!user) return std::unexpected(user.error());
  if (users_.size() >= kMaxUsers) users_.clear();
  users_[name] = {*user, now + kUserLife};
  return std::optional(std::move(*user));
}

Result<void> Containers::start(const effect::LaunchContainer& order) {
  const ContainerId& id = order.sandbox.container;
  const auto user = user_of(order.framework.user);
  if (!user) return std::unexpected(user.error());
  const auto folder = sandboxes_.make(order.sandbox, *user ? &**user : nullptr);
  if (!folder) return std::unexpected(folder.error());
  std::array<int, 2> sockets{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    return fail("cannot make a socket for the container: {}", std::strerror(errno));
  }
  auto connection = std::make_unique<UnixConnection>(loop_, sockets[0]);
  SpawnPlan plan;
  plan.only(sockets[1]);
  const Duration linger = order.kind == agent::ContainerKind::kDefault ? kLinger : Duration::zero();
  // By the descriptor, through our own table, since the child has none: whoever replaces the
  // program on disk must not mix its version with ours.
  const std::string program = fmt::format("/proc/{}/fd/{}", getpid(), executor_fd_);
  const auto pid = plan.run(
      program, {options_.executor, "--container", id.value, "--fd", fmt::format("{}", kSocketFd),
                "--socket", socket_path_, "--recovery-timeout-ms",
                milliseconds(options_.recovery_timeout), "--linger-ms", milliseconds(linger)});
  ::close(sockets[1]);
  if (!pid) return std::unexpected(pid.error());
  // It runs nothing before it is told to, and that is later.
  restore_open_files(*pid);
  Container& container = containers_[id];
  container.pid = *pid;
  container.custom = order.kind == agent::ContainerKind::kCustom;
  auto watch = watch_child(loop_, *pid, [this, id](int status) { ended(id, status); });
  if (!watch) {
    ::kill(*pid, SIGKILL);
    containers_.erase(id);
    return std::unexpected(watch.error());
  }
  container.child = std::move(*watch);
  attach(id, std::move(connection));
  return {};
}

std::vector<std::string> Containers::environment_of(const effect::LaunchProcesses& order,
                                                    const std::string& folder) const {
  const bool custom = order.kind == agent::ContainerKind::kCustom;
  const auto seconds = [](Duration d) { return fmt::format("{}secs", to_seconds(d)); };
  std::vector<std::string> out = {
      fmt::format("PATH={}", kDefaultPath),
      "MESOS_FRAMEWORK_ID=" + order.framework.id.value,
      "MESOS_EXECUTOR_ID=" + order.sandbox.executor.value,
      "MESOS_SLAVE_ID=" + order.sandbox.agent.value,
      "MESOS_DIRECTORY=" + folder,
      "MESOS_SANDBOX=" + folder,
      "MESOS_AGENT_ENDPOINT=" + options_.agent_endpoint,
      "MESOS_SLAVE_PID=slave(1)@" + options_.agent_endpoint,
      fmt::format("MESOS_CHECKPOINT={}", order.framework.checkpoint ? 1 : 0),
      "MESOS_ALLOCATION_ROLE=" + order.role,
      "MESOS_HTTP_COMMAND_EXECUTOR=0",
  };
  if (!custom) return out;
  out.push_back("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD=" +
                seconds(order.executor.shutdown_grace.value_or(5s)));
  out.push_back("LIBPROCESS_IP=" + options_.agent_ip);
  out.emplace_back("LIBPROCESS_PORT=0");
  if (order.framework.checkpoint) {
    out.push_back("MESOS_RECOVERY_TIMEOUT=" + seconds(options_.recovery_timeout));
    out.emplace_back("MESOS_SUBSCRIPTION_BACKOFF_MAX=2secs");
  }
  for (const char* name : {"MESOS_NATIVE_JAVA_LIBRARY", "MESOS_NATIVE_LIBRARY"}) {
    const char* library = getenv(name);
    if (library != nullptr && access(library, R_OK) == 0) {
      out.push_back(fmt::format("{}={}", name, library));
    }
  }
  return out;
}

// Of a task, or (without one) of the executor.
Result<supervisor::Process> Containers::process_of(const effect::LaunchProcesses& order,
                                                   const TaskSpec* task) {
  const auto command =
      task != nullptr ? wire::task_command(task->raw) : wire::executor_command(order.executor.raw);
  if (!command) return std::unexpected(command.error());
  supervisor::Process process;
  process.name = task != nullptr ? task->id.value : order.executor.id.value;
  process.directory = sandboxes_.path(order.sandbox);
  process.stdout_path = "stdout";
  process.stderr_path = "stderr";
  process.environment = environment_of(order, process.directory);
  if (task != nullptr) process.environment.push_back("MESOS_TASK_ID=" + task->id.value);
  // The tasks of a group share the container: each has a folder and output files of its own in it.
  if (order.kind == agent::ContainerKind::kDefault) {
    process.stdout_path = fmt::format("tasks/{}/stdout", task->id);
    process.stderr_path = fmt::format("tasks/{}/stderr", task->id);
  }
  if (command->shell) {
    process.argv = {"/bin/sh", "-c", command->value};
  } else {
    // Without a value, the first argument is the program too.
    process.program = command->value;
    process.argv = command->arguments;
    if (process.argv.empty()) process.argv = {command->value};
  }
  const auto user = user_of(command->user.empty() ? order.framework.user : command->user);
  if (!user) return std::unexpected(user.error());
  if (*user) {
    process.uid = (*user)->uid;
    process.gid = (*user)->gid;
    process.groups = (*user)->groups;
    process.environment.push_back("USER=" + (*user)->name);
    process.environment.push_back("HOME=" + (*user)->home);
  }
  if (order.kind == agent::ContainerKind::kDefault) {
    const User* owner = *user ? &**user : nullptr;
    if (auto made = sandboxes_.make_task_folder(order.sandbox, task->id, owner); !made) {
      return std::unexpected(made.error());
    }
  } else if (*user && ::lchown(process.directory.c_str(), static_cast<uid_t>(process.uid),
                               static_cast<gid_t>(process.gid)) != 0) {
    // It was made for the framework's user; the command may name another.
    return fail("cannot give '{}' to {}: {}", process.directory, (*user)->name,
                std::strerror(errno));
  }
  // Of a name that stands twice the later counts: the command's own wins.
  for (const auto& [name, value] : command->environment) {
    std::erase_if(process.environment,
                  [&](const std::string& entry) { return entry.starts_with(name + "="); });
    process.environment.push_back(fmt::format("{}={}", name, value));
  }
  return process;
}

void Containers::launch_processes(const effect::LaunchProcesses& order) {
  supervisor::Launch launch{{}, order.group};
  std::vector<const TaskSpec*> tasks;
  for (const TaskSpec& task : order.tasks) tasks.push_back(&task);
  if (order.kind == agent::ContainerKind::kCustom) tasks = {nullptr};
  for (const TaskSpec* task : tasks) {
    auto process = process_of(order, task);
    if (!process) {
      log_warning("cannot launch",
                  {{"container", order.sandbox.container}, {"why", process.error().message}});
      const std::string& name = task != nullptr ? task->id.value : order.executor.id.value;
      process = supervisor::Process{.name = name, .refusal = process.error().message};
    }
    launch.processes.push_back(std::move(*process));
  }
  send(order.sandbox.container, launch);
}

// --- talking

void Containers::send(const ContainerId& id, const supervisor::ToSupervisor& message) {
  const auto at = containers_.find(id);
  if (at == containers_.end() || !at->second.connection) return;
  std::string frame;
  supervisor::append_frame(frame, message);
  at->second.connection->send(std::move(frame));
}

void Containers::welcome(std::unique_ptr<UnixConnection> connection) {
  UnixConnection* stranger = connection.get();
  strangers_[stranger] = std::move(connection);
  stranger->start({
      .on_frame = [this, stranger](std::string_view frame) { hear_stranger(stranger, frame); },
      .on_closed = [this, stranger](const std::string&) { strangers_.erase(stranger); },
  });
}

void Containers::hear_stranger(UnixConnection* stranger, std::string_view frame) {
  const auto message = supervisor::decode_from_supervisor(frame);
  const auto* hello = message ? std::get_if<supervisor::Hello>(&*message) : nullptr;
  auto connection = std::move(strangers_.extract(stranger).mapped());
  // Only ours may dial: the kernel tells who it is.
  if (hello == nullptr || connection->peer_uid() != static_cast<int64_t>(geteuid())) {
    log_warning("refused a connection to the agent's socket", {{"pid", connection->peer_pid()}});
    return;
  }
  const ContainerId id(hello->container);
  const int64_t pid = hello->pid;
  const auto at = containers_.find(id);
  if (at == containers_.end()) {
    log_warning("a souk-executor of an unknown container dialled in; it is killed",
                {{"container", id}, {"pid", pid}});
    if (still_is(pid, id)) ::kill(static_cast<pid_t>(pid), SIGKILL);
    return;
  }
  if (at->second.pid == 0) {
    at->second.pid = pid;
    auto watch = ProcessWatch::watch(loop_, pid, [this, id] { ended(id, {}); });
    if (watch) at->second.process = std::move(*watch);
  }
  attach(id, std::move(connection));
  callbacks_.connected(id, pid);
}

void Containers::attach(const ContainerId& id, std::unique_ptr<UnixConnection> connection) {
  Container& container = containers_[id];
  UnixConnection* raw = connection.get();
  container.connection = std::move(connection);
  raw->start({
      .on_frame = [this, id](std::string_view frame) { hear(id, frame); },
      .on_closed =
          [this, id, raw](const std::string&) {
            const auto at = containers_.find(id);
            if (at != containers_.end() && at->second.connection.get() == raw) {
              at->second.connection.reset();
              if (at->second.exit) finish(id);
            }
          },
  });
}

void Containers::hear(const ContainerId& id, std::string_view frame) {
  auto message = supervisor::decode_from_supervisor(frame);
  if (!message) {
    return log_warning("a souk-executor sent a malformed message",
                       {{"container", id}, {"why", message.error()}});
  }
  if (const auto* hello = std::get_if<supervisor::Hello>(&*message)) {
    return callbacks_.connected(id, hello->pid);
  }
  auto& report = std::get<supervisor::Report>(*message);
  note_groups(id, report);
  const auto at = containers_.find(id);
  if (at == containers_.end() || !std::holds_alternative<supervisor::Exited>(report.what)) {
    return callbacks_.said(id, std::move(report));
  }
  after_calls(at->second.custom, [this, id, report = std::move(report)]() mutable {
    callbacks_.said(id, std::move(report));
  });
}

void Containers::after_calls(bool custom, Task task) {
  if (custom && options_.after_calls) return options_.after_calls(std::move(task));
  task();
}

void Containers::note_groups(const ContainerId& id, const supervisor::Report& report) {
  const auto at = containers_.find(id);
  if (at == containers_.end()) return;
  if (const auto* started = std::get_if<supervisor::Started>(&report.what)) {
    at->second.groups[started->name] = started->pid;
  } else if (const auto* exited = std::get_if<supervisor::Exited>(&report.what)) {
    at->second.groups.erase(exited->name);
  }
}

// --- ending

void Containers::kill(const ContainerId& id) {
  const auto at = containers_.find(id);
  if (at == containers_.end() || at->second.pid == 0) {
    loop_.post([this, id] { ended(id, {}); });
    return;
  }
  const int64_t pid = at->second.pid;
  if (!at->second.child && !still_is(pid, id)) {
    loop_.post([this, id] { ended(id, {}); });
    return;
  }
  std::vector<int64_t> all{pid};
  collect_descendants(pid, all);
  for (const int64_t each : all) ::kill(static_cast<pid_t>(each), SIGKILL);
}

void Containers::kill_all() {
  std::vector<ContainerId> all;
  for (const auto& [id, container] : containers_) all.push_back(id);
  for (const ContainerId& id : all) kill(id);
}

void Containers::ended(const ContainerId& id, std::optional<int32_t> status) {
  const auto at = containers_.find(id);
  if (at == containers_.end()) return callbacks_.gone(id, status);
  at->second.exit = status;
  if (!at->second.connection) finish(id);
}

void Containers::finish(const ContainerId& id) {
  const auto node = containers_.extract(id);
  // Empty unless it was killed itself: the leaders died with it, what they had started did not.
  for (const auto& [name, leader] : node.mapped().groups) {
    ::kill(-static_cast<pid_t>(leader), SIGKILL);
  }
  // Not from within the callback of a watch that goes with it.
  loop_.post([this, id, status = *node.mapped().exit, custom = node.mapped().custom] {
    after_calls(custom, [this, id, status] { callbacks_.gone(id, status); });
  });
}

}  // namespace souk::runtime
