#include "agent/exit_status.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace souk::agent {
namespace {

// As strsignal() has them on Linux; it is neither pure nor the same on every machine.
constexpr std::array<std::string_view, 32> kSignals = {
    "",
    "Hangup",
    "Interrupt",
    "Quit",
    "Illegal instruction",
    "Trace/breakpoint trap",
    "Aborted",
    "Bus error",
    "Floating point exception",
    "Killed",
    "User defined signal 1",
    "Segmentation fault",
    "User defined signal 2",
    "Broken pipe",
    "Alarm clock",
    "Terminated",
    "Stack fault",
    "Child exited",
    "Continued",
    "Stopped (signal)",
    "Stopped",
    "Stopped (tty input)",
    "Stopped (tty output)",
    "Urgent I/O condition",
    "CPU time limit exceeded",
    "File size limit exceeded",
    "Virtual timer expired",
    "Profiling timer expired",
    "Window changed",
    "I/O possible",
    "Power failure",
    "Bad system call",
};

int signal_of(int32_t status) { return status & 0x7f; }
int code_of(int32_t status) { return (status >> 8) & 0xff; }

}  // namespace

bool exited_well(int32_t status) { return signal_of(status) == 0 && code_of(status) == 0; }

std::string describe_exit(int32_t status) {
  const int signal = signal_of(status);
  if (signal == 0) return fmt::format("Command exited with status {}", code_of(status));
  const auto index = static_cast<std::size_t>(signal);
  if (index < kSignals.size()) {
    return fmt::format("Command terminated with signal {}", kSignals[index]);
  }
  return fmt::format("Command terminated with signal {}", signal);
}

int exit_code(int32_t status) {
  const int signal = signal_of(status);
  return signal == 0 ? code_of(status) : 128 + signal;
}

}  // namespace souk::agent
