#include "bin/executor_spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace souk::bin {
namespace {

using protocol::supervisor::Process;

constexpr const char* kShell = "/bin/sh";
constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

enum class Stage : uint8_t {
  kDirectory,
  kStdin,
  kStdout,
  kStderr,
  kGroups,
  kGid,
  kUid,
  kParent,
  kExec
};

// All that the child needs, prepared before it exists: it shares this memory, so it must not
// allocate, and what it writes here is how it reports.
struct Plan {
  pid_t parent = 0;
  const Process* process = nullptr;
  std::vector<gid_t> groups;
  std::vector<std::string> candidates;
  std::vector<char*> argv;  // the shell's name, then the command: the shell runs scripts without #!
  std::vector<char*> environment;
  volatile Stage stage = Stage::kExec;
  volatile int error = 0;
};

// What runs in the child. It never returns, so that AddressSanitizer would take what it leaves on
// the stack for live variables of the next child.
#define SOUK_IN_CHILD __attribute__((no_sanitize("address")))

[[noreturn]] SOUK_IN_CHILD void give_up(Plan& plan, Stage stage) {
  plan.error = errno;
  plan.stage = stage;
  _exit(127);
}

SOUK_IN_CHILD void redirect(Plan& plan, int target, const char* path, Stage stage) {
  const bool none = *path == '\0';
  const int flags = none ? O_RDWR : O_WRONLY | O_APPEND | O_CREAT;
  const int fd = open(none ? "/dev/null" : path, flags | O_NOCTTY | O_CLOEXEC, 0644);
  if (fd < 0 || dup2(fd, target) < 0) give_up(plan, stage);
}

// System calls, not the library's functions: those would tell the caller's threads.
SOUK_IN_CHILD void become_user(Plan& plan) {
  const Process& process = *plan.process;
  if (process.uid >= 0 && syscall(SYS_setgroups, plan.groups.size(), plan.groups.data()) != 0) {
    give_up(plan, Stage::kGroups);
  }
  if (process.gid >= 0 && syscall(SYS_setresgid, process.gid, process.gid, process.gid) != 0) {
    give_up(plan, Stage::kGid);
  }
  if (process.uid >= 0 && syscall(SYS_setresuid, process.uid, process.uid, process.uid) != 0) {
    give_up(plan, Stage::kUid);
  }
}

[[noreturn]] SOUK_IN_CHILD void execute(Plan& plan) {
  int error = ENOENT;
  for (std::string& candidate : plan.candidates) {
    execve(candidate.c_str(), plan.argv.data() + 1, plan.environment.data());
    if (errno == ENOEXEC) {
      plan.argv[1] = candidate.data();
      execve(kShell, plan.argv.data(), plan.environment.data());
    }
    // What may not be executed here may be elsewhere on the path, but is worth telling.
    if (errno == EACCES) error = EACCES;
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) {
      error = errno;
      break;
    }
  }
  errno = error;
  give_up(plan, Stage::kExec);
}

SOUK_IN_CHILD int child(void* argument) {
  Plan& plan = *static_cast<Plan*>(argument);
  const Process& process = *plan.process;
  setsid();
  // As root, where the user may not come through the directories above.
  if (!process.directory.empty() && chdir(process.directory.c_str()) != 0) {
    give_up(plan, Stage::kDirectory);
  }
  become_user(plan);
  redirect(plan, STDIN_FILENO, "", Stage::kStdin);
  redirect(plan, STDOUT_FILENO, process.stdout_path.c_str(), Stage::kStdout);
  redirect(plan, STDERR_FILENO, process.stderr_path.c_str(), Stage::kStderr);
  // After the change of user, which would clear it. If the parent is gone already, nobody will tell
  // us.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != plan.parent) give_up(plan, Stage::kParent);
  for (const int number : kIgnoredSignals) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execute(plan);
}

#undef SOUK_IN_CHILD

const std::string& program_of(const Process& process) {
  return process.program.empty() ? process.argv[0] : process.program;
}

std::vector<std::string> candidates(const Process& process) {
  const std::string& command = program_of(process);
  if (command.contains('/')) return {command};
  constexpr std::string_view kName = "PATH=";
  const auto at = std::ranges::find_if(
      process.environment, [&](const std::string& entry) { return entry.starts_with(kName); });
  const std::string_view path =
      at == process.environment.end() ? kDefaultPath : std::string_view(*at).substr(kName.size());
  std::vector<std::string> all;
  for (const std::string_view folder : split(path, ':')) {
    all.push_back((folder.empty() ? "." : std::string(folder)) + "/" + command);
  }
  return all;
}

// For execve, which changes none of it.
char* pointer(const std::string& text) { return const_cast<char*>(text.c_str()); }

std::string described(int error) {
  const char* text = strerrordesc_np(error);
  return text != nullptr ? text : "error " + std::to_string(error);
}

std::string exec_advice(const Process& process, int error) {
  if (error == EACCES) return "; check its permissions";
  if (error != ENOENT) return "";
  if (program_of(process).contains('/')) return "; check the path, and the interpreter of a script";
  return "; check the command and PATH";
}

std::string why(const Process& process, Stage stage, int error) {
  const std::string end = ": " + described(error);
  switch (stage) {
    case Stage::kDirectory:
      return "cannot enter the directory " + quote(process.directory, 200) + end;
    case Stage::kStdin:
      return "cannot open /dev/null" + end;
    case Stage::kStdout:
      return "cannot open " + quote(process.stdout_path, 200) + " for the output" + end;
    case Stage::kStderr:
      return "cannot open " + quote(process.stderr_path, 200) + " for the errors" + end;
    case Stage::kGroups:
      return "cannot set the supplementary groups" + end;
    case Stage::kGid:
      return "cannot switch to the group " + std::to_string(process.gid) + end;
    case Stage::kUid:
      return "cannot switch to the user " + std::to_string(process.uid) + end;
    case Stage::kParent:
      return "the executor is gone";
    case Stage::kExec:
      break;
  }
  return "cannot execute " + quote(program_of(process)) + end + exec_advice(process, error);
}

}  // namespace

std::expected<pid_t, std::string> spawn(const Process& process) {
  // The child runs on a stack of its own while this thread waits: until exec or exit.
  alignas(64) static std::array<char, 32 << 10> stack;
  Plan plan;
  plan.parent = getpid();
  plan.process = &process;
  plan.candidates = candidates(process);
  for (const int64_t group : process.groups) plan.groups.push_back(static_cast<gid_t>(group));
  plan.argv.push_back(const_cast<char*>(kShell));
  for (const std::string& argument : process.argv) plan.argv.push_back(pointer(argument));
  plan.argv.push_back(nullptr);
  for (const std::string& entry : process.environment) plan.environment.push_back(pointer(entry));
  plan.environment.push_back(nullptr);

  const pid_t pid =
      clone(child, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD, &plan);
  if (pid < 0) return std::unexpected("cannot start a process: " + described(errno));
  if (plan.error == 0) return pid;
  waitpid(pid, nullptr, 0);
  return std::unexpected(why(process, plan.stage, plan.error));
}

}  // namespace souk::bin
