#include "bin/executor_driver.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

#include "bin/executor_spawn.h"

namespace souk::bin {
namespace {

using namespace souk::executor;

Duration read_clock(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

Now now() {
  return {.mono = MonoTime(read_clock(CLOCK_MONOTONIC)),
          .wall = WallTime(read_clock(CLOCK_REALTIME))};
}

// As waitpid gives it.
int wait_status(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return (info.si_status & 0xff) << 8;
  return info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
}

constexpr std::size_t kLongestAddress = sizeof(sockaddr_un::sun_path) - 1;

bool connect_to(int fd, std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() > kLongestAddress) return false;
  std::ranges::copy(path, address.sun_path);
  return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// A path that does not fit into an address is reached through a descriptor of its directory.
bool connect_through_directory(int fd, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return false;
  const std::string folder = path.substr(0, slash + 1);
  const int directory = open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  const bool connected =
      connect_to(fd, "/proc/self/fd/" + std::to_string(directory) + path.substr(slash));
  close(directory);
  return connected;
}

}  // namespace

void complain(std::string_view what) {
  const std::string line = "souk-executor: " + std::string(what) + "\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

ExecutorDriver::ExecutorDriver(Options options, int agent, std::string path, int signals)
    : machine_(std::move(options)), path_(std::move(path)), signals_(signals), agent_(agent) {}

void ExecutorDriver::run() {
  const bool connected = agent_ >= 0 || dial();
  feed(connected ? Event(AgentConnected{}) : Event(AgentDisconnected{}));
  for (;;) {
    flush();
    if (done_) break;
    wait();
  }
  clean_up();
}

// Answers to effects come before anything else that happens, as the machine wants it.
void ExecutorDriver::feed(Event event) {
  answers_.push_back(std::move(event));
  for (std::size_t next = 0; next < answers_.size(); ++next) {
    Effects effects;
    machine_.step(now(), std::move(answers_[next]), effects);
    for (Effect& effect : effects) std::visit([this](auto& e) { perform(e); }, effect);
  }
  answers_.clear();
}

void ExecutorDriver::wait() {
  std::array<pollfd, 2> fds = {pollfd{.fd = signals_, .events = POLLIN, .revents = 0},
                               pollfd{.fd = agent_, .events = POLLIN, .revents = 0}};
  if (!out_.empty()) fds[1].events |= POLLOUT;
  timespec timeout{};
  if (deadline_) {
    const Duration left = std::max(*deadline_ - now().mono, Duration::zero());
    timeout.tv_sec = left / 1s;
    timeout.tv_nsec = (left % 1s).count();
  }
  ppoll(fds.data(), fds.size(), deadline_ ? &timeout : nullptr, nullptr);
  if (fds[0].revents != 0) on_signals();
  if ((fds[1].revents & ~POLLOUT) != 0) read_agent();
  if (deadline_ && now().mono >= *deadline_) {
    deadline_.reset();
    feed(TimerFired{});
  }
}

// --- processes

void ExecutorDriver::on_signals() {
  signalfd_siginfo info{};
  while (read(signals_, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo != SIGCHLD) feed(TerminationAsked{});
  }
  reap();
}

// Told first, reaped after: until then nobody else can get the process id, or the group's.
void ExecutorDriver::reap() {
  bool orphans = false;
  for (;;) {
    siginfo_t info{};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) break;
    const auto at = names_.find(info.si_pid);
    if (at != names_.end()) {
      const std::string name = at->second;
      feed(ProcessExited{.name = name, .status = wait_status(info)});
      pids_.erase(name);
      names_.erase(info.si_pid);
    } else {
      orphans = true;
    }
    waitpid(info.si_pid, nullptr, 0);
  }
  // An orphan that died may have left its own children to us.
  if (orphans && sweeping_) sweep();
}

void ExecutorDriver::perform(Spawn& order) {
  sweeping_ = false;
  std::string& name = order.process.name;
  if (!order.process.refusal.empty()) {
    answers_.emplace_back(
        ProcessLaunchFailed{.name = std::move(name), .why = std::move(order.process.refusal)});
    return;
  }
  const auto pid = spawn(order.process);
  if (!pid) {
    answers_.emplace_back(ProcessLaunchFailed{.name = std::move(name), .why = pid.error()});
    return;
  }
  pids_[name] = *pid;
  names_[*pid] = name;
  answers_.emplace_back(ProcessStarted{.name = std::move(name), .pid = *pid});
}

void ExecutorDriver::perform(Signal& order) {
  const auto at = pids_.find(order.name);
  if (at != pids_.end()) kill(-at->second, order.signal);
}

void ExecutorDriver::perform(Sweep&) {
  sweeping_ = true;
  sweep();
}

std::size_t ExecutorDriver::sweep() {
  const std::string path = "/proc/self/task/" + std::to_string(getpid()) + "/children";
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  std::size_t found = 0;
  pid_t pid = 0;
  std::array<char, 1024> buffer;
  for (ssize_t n = 0; (n = read(file, buffer.data(), buffer.size())) > 0;) {
    for (const char c : std::string_view(buffer.data(), static_cast<std::size_t>(n))) {
      if (c >= '0' && c <= '9') {
        pid = 10 * pid + (c - '0');
        continue;
      }
      if (pid > 0 && !names_.contains(pid)) {
        ++found;
        kill(pid, SIGKILL);
      }
      pid = 0;
    }
  }
  close(file);
  return found;
}

// Orphans of orphans appear one generation at a time. Those that cannot die are left behind.
void ExecutorDriver::clean_up() {
  for (int round = 0; round < 200 && sweep() > 0; ++round) {
    usleep(500);
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
}

// --- the agent

void ExecutorDriver::perform(Say& say) {
  if (agent_ >= 0) protocol::supervisor::append_frame(out_, say.message);
}

void ExecutorDriver::perform(DialAgain&) {
  answers_.push_back(dial() ? Event(AgentConnected{}) : Event(AgentDisconnected{}));
}

bool ExecutorDriver::dial() {
  if (path_.empty()) return false;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const bool fits = path_.size() <= kLongestAddress;
  if (fits ? connect_to(fd, path_) : connect_through_directory(fd, path_)) {
    agent_ = fd;
    return true;
  }
  close(fd);
  return false;
}

void ExecutorDriver::hang_up() {
  close(agent_);
  agent_ = -1;
  frames_ = {};
  out_.clear();
  feed(AgentDisconnected{});
}

void ExecutorDriver::read_agent() {
  std::array<char, 64 << 10> buffer;
  const ssize_t n = read(agent_, buffer.data(), buffer.size());
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    hang_up();
    return;
  }
  frames_.feed({buffer.data(), static_cast<std::size_t>(n)});
  while (const auto frame = frames_.next()) {
    auto message = protocol::supervisor::decode_to_supervisor(*frame);
    if (!message) {
      complain("the agent said what cannot be understood: " + message.error());
      hang_up();
      return;
    }
    feed(AgentSaid{std::move(*message)});
  }
  if (frames_.too_long()) {
    complain("the agent announced a message that is too long");
    hang_up();
  }
}

void ExecutorDriver::flush() {
  while (agent_ >= 0 && !out_.empty()) {
    const ssize_t n = send(agent_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) {
      hang_up();
      return;
    }
    out_.erase(0, static_cast<std::size_t>(n));
  }
}

}  // namespace souk::bin
