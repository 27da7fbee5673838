// souk-executor: the process that holds one container. Started by an agent, outlives its restarts;
// see protocol/supervisor.h for what they say to each other.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdint>
#include <string>
#include <string_view>

#include "bin/executor_driver.h"
#include "bin/executor_spawn.h"

namespace {

using namespace std::chrono_literals;
using souk::bin::complain;

constexpr int kWrongUsage = 2;

constexpr std::string_view kUsage =
    R"(usage: souk-executor --container ID [--fd N] [--socket PATH]
                     [--recovery-timeout-ms N] [--linger-ms N]

Supervises the processes of one container for a Souk agent, which starts it; of no use by hand.

  --container ID            the container, as the agent knows it
  --fd N                    a connected unix stream socket to the agent, inherited
  --socket PATH             the agent's unix socket: dialled when the connection breaks, and at
                            first if there is no --fd
  --recovery-timeout-ms N   without an agent for so long, kill everything and exit (900000)
  --linger-ms N             how long to wait for more to do when everything has ended (0)
)";

struct Arguments {
  souk::executor::Options options;
  int64_t fd = -1;
  std::string socket;
};

bool read_number(std::string_view text, int64_t most, int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 0 && number <= most;
}

// What is wrong with the option; empty: nothing.
std::string take(Arguments& arguments, std::string_view name, std::string_view value) {
  constexpr int64_t kYear = 365LL * 24 * 3600 * 1000;
  int64_t number = 0;
  if (name == "--container") {
    arguments.options.container = value;
  } else if (name == "--socket") {
    arguments.socket = value;
  } else if (name == "--fd") {
    if (!read_number(value, 1 << 20, arguments.fd)) return "--fd wants a descriptor's number";
  } else if (name == "--recovery-timeout-ms") {
    if (!read_number(value, kYear, number)) return "--recovery-timeout-ms wants milliseconds";
    arguments.options.recovery_timeout = number * 1ms;
  } else if (name == "--linger-ms") {
    if (!read_number(value, kYear, number)) return "--linger-ms wants milliseconds";
    arguments.options.linger = number * 1ms;
  } else {
    return "there is no option " + std::string(name);
  }
  return "";
}

std::string parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    std::string_view value;
    if (const std::size_t equals = name.find('='); equals != std::string_view::npos) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    } else if (i + 1 < argc) {
      value = argv[++i];
    } else {
      return std::string(name) + " wants a value";
    }
    if (std::string wrong = take(arguments, name, value); !wrong.empty()) return wrong;
  }
  if (arguments.options.container.empty()) return "--container is missing";
  if (arguments.fd < 0 && arguments.socket.empty()) return "--fd or --socket is missing";
  const int fd = static_cast<int>(arguments.fd);
  if (fd >= 0 && (fd < 3 || fcntl(fd, F_GETFD) < 0)) {
    return "--fd " + std::to_string(fd) + " is not an inherited descriptor above 2";
  }
  return "";
}

// Descriptors 0 to 2 are there, nothing else is but the agent's socket, and that is not passed on.
void tidy_descriptors(int agent) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  while (null >= 0 && null < 3) null = fcntl(null, F_DUPFD, null + 1);
  const auto close_all = [](int first, unsigned last) {
    if (static_cast<unsigned>(first) <= last) syscall(SYS_close_range, first, last, 0);
  };
  if (agent < 0) {
    close_all(3, ~0U);
    return;
  }
  close_all(3, static_cast<unsigned>(agent) - 1);
  close_all(agent + 1, ~0U);
  fcntl(agent, F_SETFD, FD_CLOEXEC);
  fcntl(agent, F_SETFL, fcntl(agent, F_GETFL) | O_NONBLOCK);
}

// Nothing of the starter's settings stays. A signalfd, or -1.
int tidy_signals() {
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  for (const int number : souk::bin::kIgnoredSignals) signal(number, SIG_IGN);
  sigset_t taken;
  sigemptyset(&taken);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&taken, number);
  sigprocmask(SIG_SETMASK, &taken, nullptr);
  return signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--help") {
    return write(STDOUT_FILENO, kUsage.data(), kUsage.size()) < 0 ? 1 : 0;
  }
  Arguments arguments;
  if (const std::string wrong = parse(argc, argv, arguments); !wrong.empty()) {
    complain(wrong + "\n" + std::string(kUsage));
    return kWrongUsage;
  }
  tidy_descriptors(static_cast<int>(arguments.fd));
  const int signals = tidy_signals();
  if (signals < 0) {
    complain("cannot make a signalfd");
    return 1;
  }
  // Out of reach of what a terminal sends to the starter's group. Not a session: the scheduler
  // gives each its own share of the processor, and to come into a new one costs milliseconds on a
  // busy machine.
  setpgid(0, 0);
  // Orphans of the processes come to this one, which can kill them.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  umask(022);
  arguments.options.pid = getpid();
  souk::bin::ExecutorDriver(std::move(arguments.options), static_cast<int>(arguments.fd),
                            std::move(arguments.socket), signals)
      .run();
  return 0;
}
