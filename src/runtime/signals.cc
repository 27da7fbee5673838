#include "runtime/signals.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/check.h"

namespace souk::runtime {
namespace {

// Of open files, the soft limit before it was raised. Of the process, as the limit is.
constexpr rlim_t kNotRaised = 0;
std::atomic<rlim_t> found_open_files = kNotRaised;

sigset_t handled_signals(bool hangup) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (hangup) sigaddset(&set, SIGHUP);
  return set;
}

int open_signal_descriptor(bool hangup) {
  const sigset_t set = handled_signals(hangup);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  const int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  SOUK_CHECK(fd >= 0, "no descriptor for signals");
  return fd;
}

}  // namespace

Signals::Signals(Loop& loop, std::move_only_function<void(int)> on_signal, bool hangup)
    : on_signal_(std::move(on_signal)), watch_(loop, open_signal_descriptor(hangup), *this) {
  watch_.arm_read();
}

Signals::~Signals() = default;

void Signals::on_readable() {
  signalfd_siginfo info{};
  const ssize_t got = read(watch_.fd(), &info, sizeof info);
  watch_.arm_read();
  if (got == sizeof info) on_signal_(static_cast<int>(info.ssi_signo));
}

void unblock_signals() {
  const sigset_t set = handled_signals(true);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void ignore_sigpipe() { signal(SIGPIPE, SIG_IGN); }

uint64_t raise_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  if (limit.rlim_cur == raised.rlim_cur) return raised.rlim_cur;
  if (setrlimit(RLIMIT_NOFILE, &raised) != 0) return limit.rlim_cur;
  found_open_files = limit.rlim_cur;
  return raised.rlim_cur;
}

void restore_open_files(pid_t child) {
  rlimit limit{};
  const rlim_t found = found_open_files;
  if (found == kNotRaised || prlimit(child, RLIMIT_NOFILE, nullptr, &limit) != 0) return;
  limit.rlim_cur = std::min(found, limit.rlim_max);
  prlimit(child, RLIMIT_NOFILE, &limit, nullptr);
}

}  // namespace souk::runtime
