// The real souk-executor, with this program in the agent's place.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "protocol/supervisor.h"

namespace souk {
namespace {

namespace fs = std::filesystem;
using namespace protocol::supervisor;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

constexpr auto kPatience = 10s;

std::string executor_path() {
  if (const char* path = std::getenv("SOUK_EXECUTOR")) return path;
  if (const char* build = std::getenv("SOUK_BUILD_DIR")) {
    return std::string(build) + "/souk-executor";
  }
  return fs::read_symlink("/proc/self/exe").parent_path() / "souk-executor";
}

bool eventually(const std::function<bool()>& condition) {
  const auto end = Clock::now() + kPatience;
  while (!condition()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

std::string content(const fs::path& path) {
  std::stringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

// Dead, or dead and not yet reaped by whoever has to.
bool is_dead(pid_t pid) {
  const std::string stat = content("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = stat.rfind(')');
  return name_end == std::string::npos || stat[name_end + 2] == 'Z';
}

// A listening unix socket, at a path of any length.
class Listener {
 public:
  explicit Listener(const fs::path& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int directory = open(path.parent_path().c_str(), O_PATH | O_CLOEXEC);
    const std::string through =
        "/proc/self/fd/" + std::to_string(directory) + "/" + path.filename().string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(through, address.sun_path);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
    close(directory);
  }
  ~Listener() { close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int accept() {
    pollfd poll_fd{.fd = fd_, .events = POLLIN, .revents = 0};
    if (poll(&poll_fd, 1, 10'000) != 1) return -1;
    return accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  }

 private:
  int fd_;
};

// One souk-executor and the agent's end of its socket.
class Container {
 public:
  struct Start {
    std::vector<std::string> arguments;
    bool connected = true;
  };

  Container() : Container(Start{}) {}
  explicit Container(Start start) {
    std::vector<std::string> argv = {executor_path(), "--container", "c1"};
    int ends[2] = {-1, -1};
    if (start.connected) {
      EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
      argv.insert(argv.end(), {"--fd", "3"});
    }
    argv.insert(argv.end(), start.arguments.begin(), start.arguments.end());
    std::vector<char*> pointers;
    pointers.reserve(argv.size() + 1);
    for (std::string& argument : argv) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (start.connected) posix_spawn_file_actions_adddup2(&actions, ends[1], 3);
    started_ = Clock::now();
    EXPECT_EQ(posix_spawn(&pid_, pointers[0], &actions, nullptr, pointers.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    fd_ = ends[0];
    if (start.connected) close(ends[1]);
  }
  ~Container() {
    hang_up();
    if (!waited_) kill(pid_, SIGKILL);
    if (!waited_) waitpid(pid_, nullptr, 0);
  }
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  pid_t pid() const { return pid_; }
  Clock::time_point started() const { return started_; }

  void hang_up() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
    frames_ = {};
  }
  void reconnect(int fd) {
    hang_up();
    fd_ = fd;
  }

  void send_bytes(std::string_view bytes) {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void say(const ToSupervisor& message) {
    std::string out;
    ASSERT_TRUE(append_frame(out, message));
    send_bytes(out);
  }

  // Nothing if the executor hangs up or is silent for too long.
  std::optional<FromSupervisor> hear() {
    for (;;) {
      if (const auto frame = frames_.next()) {
        auto message = decode_from_supervisor(*frame);
        EXPECT_TRUE(message) << message.error();
        return *message;
      }
      pollfd poll_fd{.fd = fd_, .events = POLLIN, .revents = 0};
      char buffer[4096];
      if (poll(&poll_fd, 1, 10'000) != 1) return std::nullopt;
      const ssize_t n = read(fd_, buffer, sizeof buffer);
      if (n <= 0) return std::nullopt;
      frames_.feed({buffer, static_cast<std::size_t>(n)});
    }
  }
  Hello hello() {
    const auto heard = hear();
    const auto* hello = heard ? std::get_if<Hello>(&*heard) : nullptr;
    EXPECT_NE(hello, nullptr) << "no hello";
    return hello != nullptr ? *hello : Hello{};
  }
  Report report(bool take = true) {
    const auto heard = hear();
    const auto* report = heard ? std::get_if<Report>(&*heard) : nullptr;
    EXPECT_NE(report, nullptr) << "no report";
    if (report == nullptr) return {};
    if (take) say(Taken{report->number});
    return *report;
  }
  template <class What>
  What expect(bool take = true) {
    const Report next = report(take);
    const auto* what = std::get_if<What>(&next.what);
    EXPECT_NE(what, nullptr) << "another report: " << next.what.index();
    return what != nullptr ? *what : What{};
  }

  // The executor's own wait status.
  int wait() {
    const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    pollfd poll_fd{.fd = pidfd, .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&poll_fd, 1, 10'000), 1) << "it does not end";
    close(pidfd);
    int status = -1;
    waited_ = waitpid(pid_, &status, WNOHANG) == pid_;
    return status;
  }

 private:
  pid_t pid_ = -1;
  int fd_ = -1;
  bool waited_ = false;
  Clock::time_point started_;
  FrameReader frames_;
};

class SoukExecutor : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fs::exists(executor_path())) << executor_path() << ": set SOUK_EXECUTOR";
    std::string pattern = fs::temp_directory_path() / "souk-executor-XXXXXX";
    sandbox_ = mkdtemp(pattern.data());
    fs::permissions(sandbox_, fs::perms(0777));
  }
  void TearDown() override { fs::remove_all(sandbox_); }

  Process process(const std::string& name, std::vector<std::string> argv) {
    return {.name = name,
            .argv = std::move(argv),
            .environment = {"PATH=/usr/bin:/bin"},
            .directory = sandbox_,
            .stdout_path = "stdout",
            .stderr_path = "stderr"};
  }
  Process shell(const std::string& name, const std::string& script) {
    return process(name, {"sh", "-c", script});
  }
  std::string output() { return content(sandbox_ / "stdout"); }
  void wait_for_output(const std::string& text) {
    EXPECT_TRUE(eventually([&] { return output().contains(text); })) << output();
  }

  // The status of one process, from launch to the executor's own exit.
  int run(const Process& process) {
    Container container;
    container.hello();
    container.say(Launch{.processes = {process}});
    container.expect<Started>();
    const int status = container.expect<Exited>().status;
    EXPECT_EQ(container.wait(), 0);
    return status;
  }
  std::string why_not(const Process& process) {
    Container container;
    container.hello();
    container.say(Launch{.processes = {process}});
    const std::string why = container.expect<LaunchFailed>().why;
    EXPECT_EQ(container.wait(), 0);
    return why;
  }

  fs::path sandbox_;
};

// --- lives

TEST_F(SoukExecutor, RunsATask) {
  Container container;
  EXPECT_EQ(container.hello(), (Hello{.container = "c1", .pid = container.pid()}));
  EXPECT_EQ(getpgid(container.pid()), container.pid());
  container.say(Launch{.processes = {process("t", {"true"})}});
  const Report started = container.report();
  EXPECT_EQ(started.number, 1u);
  EXPECT_EQ(std::get<Started>(started.what).name, "t");
  EXPECT_GT(std::get<Started>(started.what).pid, 0);
  const Report exited = container.report(/*take=*/false);
  EXPECT_EQ(exited, (Report{.number = 2, .what = Exited{.name = "t"}}));
  // Not before this is taken.
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(waitpid(container.pid(), nullptr, WNOHANG), 0);
  container.say(Taken{2});
  EXPECT_EQ(container.wait(), 0);
}

TEST_F(SoukExecutor, TellsHowItEnded) {
  EXPECT_EQ(WEXITSTATUS(run(shell("t", "exit 7"))), 7);
  EXPECT_EQ(WTERMSIG(run(shell("t", "kill -9 $$"))), SIGKILL);
  EXPECT_EQ(WTERMSIG(run(shell("t", "kill -USR1 $$"))), SIGUSR1);
}

TEST_F(SoukExecutor, AppendsOutputToFiles) {
  std::ofstream(sandbox_ / "stdout") << "before\n";
  EXPECT_EQ(run(shell("t", "pwd; echo bad >&2; cat")), 0);  // cat: there is nothing to read
  EXPECT_EQ(output(), "before\n" + sandbox_.string() + "\n");
  EXPECT_EQ(content(sandbox_ / "stderr"), "bad\n");
  EXPECT_EQ(fs::status(sandbox_ / "stderr").permissions(), fs::perms(0644));
}

TEST_F(SoukExecutor, GivesTheProcessNothingOfItsOwn) {
  setenv("SOUK_TEST_LEAK", "1", 1);
  signal(SIGUSR2, SIG_IGN);
  Process task = shell("t", "env; ls /proc/self/fd; grep -E 'Sig(Blk|Ign)' /proc/self/status");
  task.environment.emplace_back("A=b c");
  EXPECT_EQ(run(task), 0);
  signal(SIGUSR2, SIG_DFL);
  EXPECT_TRUE(output().contains("A=b c\n")) << output();
  EXPECT_FALSE(output().contains("LEAK")) << output();
  // The fourth is the folder that ls reads.
  EXPECT_TRUE(output().contains("\n0\n1\n2\n3\nSigBlk:\t0000000000000000\n")) << output();
  // But for two that the C library keeps for itself, and ignores wherever posix_spawn has been.
  const uint64_t ignored = std::stoull(output().substr(output().find("SigIgn:") + 7), nullptr, 16);
  EXPECT_EQ(ignored & ~(3ull << 31), 0u) << output();
}

TEST_F(SoukExecutor, MakesASessionForEachProcess) {
  EXPECT_EQ(run(shell("t", "echo $$; cut -d' ' -f5,6 /proc/$$/stat")), 0);
  std::istringstream words(output());
  pid_t pid = 0, group = 0, session = 0;
  words >> pid >> group >> session;
  EXPECT_EQ(group, pid);
  EXPECT_EQ(session, pid);
}

TEST_F(SoukExecutor, FindsTheCommandOnTheTasksPath) {
  fs::create_directory(sandbox_ / "tools");
  std::ofstream(sandbox_ / "tools/mine") << "echo script $1\n";  // without #!: the shell runs it
  fs::permissions(sandbox_ / "tools/mine", fs::perms(0755));
  Process task = process("t", {"mine", "ran"});
  task.environment = {"PATH=/nowhere:" + (sandbox_ / "tools").string()};
  EXPECT_EQ(run(task), 0);
  EXPECT_EQ(output(), "script ran\n");
  task.argv[0] = "tools/mine";
  EXPECT_EQ(run(task), 0);
}

TEST_F(SoukExecutor, TakesALargeEnvironment) {
  Process task = shell("t", "env | wc -c");
  for (int i = 0; i < 10; ++i) {
    task.environment.emplace_back("V" + std::to_string(i) + "=" + std::string(100'000, 'x'));
  }
  EXPECT_EQ(run(task), 0);
  EXPECT_GT(std::stoi(output()), 1'000'000);
}

TEST_F(SoukExecutor, SaysWhyAProcessCannotStart) {
  EXPECT_EQ(why_not(process("t", {"no-such-command"})),
            "cannot execute 'no-such-command': No such file or directory; "
            "check the command and PATH");
  EXPECT_EQ(why_not(process("t", {"/no/such"})),
            "cannot execute '/no/such': No such file or directory; "
            "check the path, and the interpreter of a script");
  std::ofstream(sandbox_ / "data") << "x";
  EXPECT_EQ(why_not(process("t", {"./data"})),
            "cannot execute './data': Permission denied; check its permissions");
  Process lost = process("t", {"true"});
  lost.directory = "/no/such";
  EXPECT_EQ(why_not(lost), "cannot enter the directory '/no/such': No such file or directory");
  Process mute = process("t", {"true"});
  mute.stderr_path = "no/such";
  EXPECT_EQ(why_not(mute), "cannot open 'no/such' for the errors: No such file or directory");
  Process huge = process("t", {"true", std::string(1 << 20, 'x')});
  EXPECT_EQ(why_not(huge), "cannot execute 'true': Argument list too long");
}

TEST_F(SoukExecutor, SwitchesTheUser) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  Process task = shell("t", "id -u; id -g; id -G");
  task.uid = 65534;
  task.gid = 65533;
  task.groups = {65533, 65500};
  EXPECT_EQ(run(task), 0);
  EXPECT_EQ(output(), "65534\n65533\n65533 65500\n");
  struct stat info{};
  ASSERT_EQ(stat((sandbox_ / "stdout").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 65534u);
  EXPECT_EQ(info.st_gid, 65533u);
}

// --- kills

TEST_F(SoukExecutor, KillsWithGrace) {
  Container container;
  container.hello();
  container.say(Launch{
      .processes = {shell("t", "trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done")}});
  container.expect<Started>();
  wait_for_output("ready");
  container.say(Kill{.name = "t", .grace_ns = 20'000'000'000});
  EXPECT_EQ(container.expect<Killing>().name, "t");
  const Exited exited = container.expect<Exited>();
  EXPECT_EQ(WEXITSTATUS(exited.status), 3);
  EXPECT_TRUE(exited.kill_asked);
  EXPECT_EQ(container.wait(), 0);
}

TEST_F(SoukExecutor, UsesForceAfterTheGrace) {
  Container container;
  container.hello();
  container.say(Launch{.processes = {shell("t", "trap '' TERM; echo ready; sleep 100")}});
  container.expect<Started>();
  wait_for_output("ready");
  const auto begin = Clock::now();
  container.say(Kill{.name = "t", .grace_ns = 60'000'000'000});
  container.expect<Killing>();
  container.say(Kill{.name = "t", .grace_ns = 200'000'000});
  EXPECT_EQ(WTERMSIG(container.expect<Exited>().status), SIGKILL);
  EXPECT_GE(Clock::now() - begin, 200ms);
  EXPECT_LT(Clock::now() - begin, 5s);
  EXPECT_EQ(container.wait(), 0);
}

TEST_F(SoukExecutor, LeavesNothingBehind) {
  Container container;
  container.hello();
  // One in the process group, one out of it, and one whose parent is gone already.
  container.say(Launch{.processes = {shell("t",
                                           "sleep 100 & echo $!; setsid sleep 100 & echo $!; "
                                           "setsid sh -c '(sleep 100 & echo $!)'; "
                                           "echo done")}});
  container.expect<Started>();
  EXPECT_EQ(container.expect<Exited>(/*take=*/false).status, 0);
  wait_for_output("done");
  std::istringstream words(output());
  int count = 0;
  for (pid_t pid = 0; words >> pid; ++count) {
    EXPECT_TRUE(eventually([&] { return is_dead(pid); })) << pid;
  }
  EXPECT_EQ(count, 3);
}

TEST_F(SoukExecutor, AGroupFallsTogether) {
  Container container;
  container.hello();
  container.say(
      Launch{.processes = {shell("web", "echo ready; exec sleep 100"),
                           shell("side", "while ! [ -e go ]; do sleep 0.01; done; exit 1")},
             .group = true});
  container.expect<Started>();
  container.expect<Started>();
  wait_for_output("ready");
  std::ofstream(sandbox_ / "go") << "";
  const Exited first = container.expect<Exited>();
  EXPECT_EQ(first.name, "side");
  EXPECT_EQ(WEXITSTATUS(first.status), 1);
  EXPECT_EQ(container.expect<Killing>().name, "web");
  const Exited second = container.expect<Exited>();
  EXPECT_EQ(second.name, "web");
  EXPECT_EQ(WTERMSIG(second.status), SIGTERM);
  EXPECT_FALSE(second.kill_asked);
  EXPECT_EQ(container.wait(), 0);
}

TEST_F(SoukExecutor, ALaunchIsDoneAsAWholeOrNot) {
  Container container;
  container.hello();
  container.say(Launch{.processes = {process("a", {"sleep", "100"}), process("b", {"no-such"})}});
  EXPECT_EQ(container.expect<LaunchFailed>().name, "b");
  const LaunchFailed undone = container.expect<LaunchFailed>();
  EXPECT_EQ(undone.name, "a");
  EXPECT_TRUE(undone.why.starts_with("killed because 'b'")) << undone.why;
  EXPECT_EQ(container.wait(), 0);
}

TEST_F(SoukExecutor, ItsOwnSigtermIsAShutdown) {
  Container container;
  container.hello();
  container.say(Launch{.processes = {process("t", {"sleep", "100"})}});
  container.expect<Started>();
  kill(container.pid(), SIGTERM);
  container.expect<Killing>();
  EXPECT_EQ(WTERMSIG(container.expect<Exited>().status), SIGTERM);
  EXPECT_EQ(container.wait(), 0);
}

TEST_F(SoukExecutor, ItsSuddenDeathTakesTheProcessAlong) {
  Container container;
  container.hello();
  Process task = process("t", {"sleep", "100"});
  if (geteuid() == 0) task.uid = 65534;  // a change of user must not lose this
  container.say(Launch{.processes = {task}});
  const auto pid = static_cast<pid_t>(container.expect<Started>().pid);
  EXPECT_FALSE(is_dead(pid));
  kill(container.pid(), SIGKILL);
  EXPECT_EQ(container.wait(), SIGKILL);
  EXPECT_TRUE(eventually([&] { return is_dead(pid); }));
}

// --- the agent goes and comes

TEST_F(SoukExecutor, TellsItsStoryAgainToANewAgent) {
  Listener listener(sandbox_ / "agent.sock");
  Container container({.arguments = {"--socket", sandbox_ / "agent.sock"}});
  container.hello();
  const Launch launch{.processes = {shell("t", "while ! [ -e go ]; do sleep 0.01; done; exit 4")}};
  container.say(launch);
  const Report started = container.report(/*take=*/false);
  container.hang_up();
  std::ofstream(sandbox_ / "go") << "";

  container.reconnect(listener.accept());
  EXPECT_EQ(container.hello().container, "c1");
  EXPECT_EQ(container.report(/*take=*/false), started);
  EXPECT_EQ(WEXITSTATUS(container.expect<Exited>(/*take=*/false).status), 4);
  container.say(launch);  // nothing new
  container.say(Taken{1});
  container.hang_up();
  container.reconnect(listener.accept());
  container.hello();
  EXPECT_EQ(WEXITSTATUS(container.expect<Exited>().status), 4);
  EXPECT_EQ(container.wait(), 0);
}

TEST_F(SoukExecutor, ReachesASocketWithALongPath) {
  const fs::path folder = sandbox_ / std::string(80, 'a') / std::string(80, 'b');
  fs::create_directories(folder);
  Listener listener(folder / "agent.sock");
  Container container({.arguments = {"--socket", folder / "agent.sock"}, .connected = false});
  container.reconnect(listener.accept());
  EXPECT_EQ(container.hello().pid, container.pid());
}

TEST_F(SoukExecutor, WaitsForAnAgentThatIsLate) {
  Container container(
      {.arguments = {"--socket=" + (sandbox_ / "agent.sock").string()}, .connected = false});
  std::this_thread::sleep_for(50ms);
  Listener listener(sandbox_ / "agent.sock");
  container.reconnect(listener.accept());
  container.hello();
}

TEST_F(SoukExecutor, GivesUpWithoutAnAgent) {
  Container container({.arguments = {"--recovery-timeout-ms", "100", "--socket", "/no/such"}});
  container.hello();
  container.say(Launch{.processes = {process("t", {"sleep", "100"})}});
  const auto pid = static_cast<pid_t>(container.expect<Started>(/*take=*/false).pid);
  container.hang_up();
  EXPECT_EQ(container.wait(), 0);
  EXPECT_TRUE(is_dead(pid));
}

TEST_F(SoukExecutor, LingersForMore) {
  Container container({.arguments = {"--linger-ms", "300"}});
  container.hello();
  for (const std::string name : {"a", "b"}) {
    container.say(Launch{.processes = {process(name, {"true"})}});
    EXPECT_EQ(container.expect<Started>().name, name);
    EXPECT_EQ(container.expect<Exited>().name, name);
    std::this_thread::sleep_for(20ms);
  }
  const auto begin = Clock::now();
  EXPECT_EQ(container.wait(), 0);
  EXPECT_GT(Clock::now() - begin, 200ms);
}

TEST_F(SoukExecutor, HangsUpOnNonsenseAndDialsAgain) {
  Listener listener(sandbox_ / "agent.sock");
  Container container({.arguments = {"--socket", sandbox_ / "agent.sock"}});
  container.hello();
  container.say(Launch{.processes = {process("t", {"sleep", "100"})}});
  container.expect<Started>();
  const std::string nonsense[] = {std::string("\1\0\0\0\xff", 5), "\xff\xff\xff\xff",
                                  std::string(4, '\0')};
  for (const std::string& bytes : nonsense) {
    container.send_bytes(bytes);
    EXPECT_FALSE(container.hear());
    container.reconnect(listener.accept());
    container.hello();
  }
  container.say(Shutdown{});
  container.expect<Killing>();
  EXPECT_EQ(WTERMSIG(container.expect<Exited>().status), SIGKILL);
  EXPECT_EQ(container.wait(), 0);
}

TEST_F(SoukExecutor, ExplainsItsUsage) {
  const auto answer = [&](const std::string& arguments) {
    const fs::path file = sandbox_ / "usage";
    const std::string command =
        executor_path() + " " + arguments + " >" + file.string() + " 2>&1 </dev/null";
    const int status = WEXITSTATUS(std::system(command.c_str()));
    return std::to_string(status) + " " + content(file);
  };
  EXPECT_TRUE(answer("--help").starts_with("0 usage: souk-executor --container"));
  EXPECT_TRUE(answer("").starts_with("2 souk-executor: --container is missing\nusage:"));
  EXPECT_TRUE(answer("--container c").starts_with("2 souk-executor: --fd or --socket is missing"));
  EXPECT_TRUE(answer("--container c --fd 77").contains("--fd 77 is not an inherited descriptor"));
  EXPECT_TRUE(answer("--container c --fd x").contains("--fd wants a descriptor's number"));
  EXPECT_TRUE(answer("--linger-ms -1").contains("--linger-ms wants milliseconds"));
  EXPECT_TRUE(answer("--contaner c").contains("there is no option --contaner"));
  EXPECT_TRUE(answer("--socket").contains("--socket wants a value"));
}

// --- figures

int64_t resident_kb(pid_t pid) {
  std::istringstream status(content("/proc/" + std::to_string(pid) + "/status"));
  for (std::string word; status >> word;) {
    int64_t kb = 0;
    if (word == "VmRSS:" && status >> kb) return kb;
  }
  return -1;
}

TEST_F(SoukExecutor, IsSmall) {
  if (kSanitized) GTEST_SKIP() << "sanitizers are not small";
  Container container;
  container.hello();
  container.say(Launch{.processes = {process("t", {"sleep", "100"})}});
  container.expect<Started>();
  const int64_t kb = resident_kb(container.pid());
  std::printf("souk-executor with a running task: %ld kB resident\n", static_cast<long>(kb));
  EXPECT_GT(kb, 0);
  EXPECT_LT(kb, 3000);
}

TEST_F(SoukExecutor, SaysHelloEachTime) {
  if (kSanitized) GTEST_SKIP() << "sanitizers are not quick";
  std::vector<double> ms;
  for (int i = 0; i < 51; ++i) {
    Container container;
    container.hello();
    ms.push_back(
        std::chrono::duration<double, std::milli>(Clock::now() - container.started()).count());
  }
  std::ranges::sort(ms);
  // How long it should take is for ./dev bench footprint to say: here the machine may be busy.
  std::printf("from spawn to Hello: best %.2f ms, median %.2f ms\n", ms[0], ms[25]);
}

double children_cpu_ms() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto ms = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

TEST_F(SoukExecutor, LivesEachSecond) {
  if (kSanitized) GTEST_SKIP() << "sanitizers are not quick";
  constexpr int kLives = 200;
  const auto begin = Clock::now();
  const double cpu = children_cpu_ms();
  for (int i = 0; i < kLives; ++i) run(process("t", {"true"}));
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf(
      "souk-executor and true, one after the other: %.0f lives a second, %.2f ms CPU each\n",
      kLives / seconds, (children_cpu_ms() - cpu) / kLives);
}

}  // namespace
}  // namespace souk
