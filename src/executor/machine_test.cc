#include "executor/machine.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <sstream>

namespace souk::executor {
namespace {

using supervisor::Exited;
using supervisor::Happening;
using supervisor::Kill;
using supervisor::Killing;
using supervisor::Launch;
using supervisor::LaunchFailed;
using supervisor::Process;
using supervisor::Report;
using supervisor::Shutdown;
using supervisor::Started;
using supervisor::Taken;

Process process(const std::string& name) { return {.name = name, .argv = {"run-" + name}}; }

Launch launch(const std::vector<std::string>& names, bool group = false) {
  Launch launch{.group = group};
  for (const std::string& name : names) launch.processes.push_back(process(name));
  return launch;
}

// A machine with a clock; the invariants are checked after every step.
class Bench {
 public:
  explicit Bench(Options options = {}) : machine_(std::move(options)) {}

  Effects step(Event event) {
    Effects effects;
    machine_.step(Now{.mono = MonoTime(elapsed_)}, std::move(event), effects);
    EXPECT_EQ(machine_.broken_invariant(), std::nullopt);
    for (const Effect& effect : effects) {
      if (const auto* arm = std::get_if<ArmTimer>(&effect)) armed_ = arm->at;
    }
    return effects;
  }
  Effects say(supervisor::ToSupervisor message) { return step(AgentSaid{std::move(message)}); }

  // The timer fires whenever it is due on the way.
  Effects wait(Duration d) {
    Effects all;
    const Duration until = elapsed_ + d;
    while (armed_ && armed_->time_since_epoch() <= until) {
      elapsed_ = std::max(elapsed_, armed_->time_since_epoch());
      armed_.reset();
      for (Effect& effect : step(TimerFired{})) all.push_back(std::move(effect));
    }
    elapsed_ = until;
    return all;
  }

  Duration elapsed() const { return elapsed_; }
  std::optional<MonoTime> armed() const { return armed_; }

 private:
  Machine machine_;
  Duration elapsed_{};
  std::optional<MonoTime> armed_;
};

template <class T, class Variant>
std::vector<T> only(const std::vector<Variant>& all) {
  std::vector<T> found;
  for (const Variant& one : all) {
    if (const T* t = std::get_if<T>(&one)) found.push_back(*t);
  }
  return found;
}

std::vector<Happening> reported(const Effects& effects) {
  std::vector<Happening> all;
  for (const Say& say : only<Say>(effects)) {
    if (const auto* report = std::get_if<Report>(&say.message)) all.push_back(report->what);
  }
  return all;
}

// --- golden scripts: the lines that begin with > are events, the others what came of them

Duration parse(const std::string& text) { return parse_duration(text).value(); }

Launch read_launch(std::istringstream& words) {
  Launch launch;
  for (std::string word; words >> word;) {
    if (word == "group") {
      launch.group = true;
    } else {
      launch.processes.push_back(process(word));
    }
  }
  return launch;
}

std::string rest_of(std::istringstream& words) {
  std::string rest;
  std::getline(words >> std::ws, rest);
  return rest;
}

Event read_event(const std::string& line) {
  std::istringstream words(line);
  std::string what, name;
  int64_t number = 0;
  words >> what;
  if (what == "connected") return AgentConnected{};
  if (what == "disconnected") return AgentDisconnected{};
  if (what == "terminate") return TerminationAsked{};
  if (what == "launch") return AgentSaid{read_launch(words)};
  if (what == "taken" && words >> number) return AgentSaid{Taken{static_cast<uint64_t>(number)}};
  if (what == "shutdown" && words >> name) return AgentSaid{Shutdown{parse(name).count()}};
  words >> name;
  if (what == "started" && words >> number) return ProcessStarted{name, number};
  if (what == "exited" && words >> number) return ProcessExited{name, static_cast<int>(number)};
  if (what == "failed") return ProcessLaunchFailed{name, rest_of(words)};
  if (what == "kill") return AgentSaid{Kill{name, parse(rest_of(words)).count()}};
  ADD_FAILURE() << "not an event: " << line;
  return TimerFired{};
}

std::string text(const Happening& what) {
  if (const auto* started = std::get_if<Started>(&what)) {
    return fmt::format("started {} pid {}", started->name, started->pid);
  }
  if (const auto* failed = std::get_if<LaunchFailed>(&what)) {
    return fmt::format("launch failed {}: {}", failed->name, failed->why);
  }
  if (const auto* killing = std::get_if<Killing>(&what)) return "killing " + killing->name;
  const auto& exited = std::get<Exited>(what);
  return fmt::format("exited {} status {}{}", exited.name, exited.status,
                     exited.kill_asked ? ", kill asked" : "");
}

struct TextOf {
  std::string operator()(const Say& say) const {
    if (const auto* hello = std::get_if<supervisor::Hello>(&say.message)) {
      return fmt::format("say hello {} pid {}", hello->container, hello->pid);
    }
    const auto& report = std::get<Report>(say.message);
    return fmt::format("say {}: {}", report.number, text(report.what));
  }
  std::string operator()(const Spawn& spawn) const {
    return fmt::format("spawn {}: {}", spawn.process.name, spawn.process.argv.at(0));
  }
  std::string operator()(const Signal& signal) const {
    return (signal.signal == SIGKILL ? "SIGKILL " : "SIGTERM ") + signal.name;
  }
  std::string operator()(const Sweep&) const { return "sweep"; }
  std::string operator()(const ArmTimer& arm) const {
    if (!arm.at) return "disarm";
    return "arm " + format_duration(arm.at->time_since_epoch());
  }
  std::string operator()(const DialAgain&) const { return "dial"; }
  std::string operator()(const Exit&) const { return "exit"; }
};

// The script with its transcript written anew.
std::string play(std::istream& script) {
  std::string out;
  Options options{.container = "c1", .pid = 7};
  std::unique_ptr<Bench> bench;
  for (std::string line; std::getline(script, line);) {
    if (!line.starts_with('>') && !line.starts_with('#') && !line.empty()) continue;
    out += line + '\n';
    if (!line.starts_with('>')) continue;
    const std::string event = line.substr(2);
    if (event.starts_with("linger ")) {
      options.linger = parse(event.substr(7));
      continue;
    }
    if (!bench) bench = std::make_unique<Bench>(options);
    const Effects effects = event.starts_with("wait ") ? bench->wait(parse(event.substr(5)))
                                                       : bench->step(read_event(event));
    for (const Effect& effect : effects) out += "  " + std::visit(TextOf{}, effect) + '\n';
  }
  return out;
}

// SOUK_REWRITE_GOLDEN=1 writes the transcripts anew: read the difference before you keep it.
TEST(Machine, GoldenScripts) {
  const char* root = std::getenv("SOUK_SOURCE_DIR");
  const std::filesystem::path folder =
      std::filesystem::path(root != nullptr ? root : ".") / "src/executor/golden";
  std::size_t scripts = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    SCOPED_TRACE(file.path().filename().string());
    std::stringstream script;
    script << std::ifstream(file.path()).rdbuf();
    const std::string played = play(script);
    if (std::getenv("SOUK_REWRITE_GOLDEN") != nullptr) std::ofstream(file.path()) << played;
    EXPECT_EQ(played, script.str());
    ++scripts;
  }
  EXPECT_GE(scripts, 6u);
}

// --- single behaviours

TEST(Machine, TakesNothingFromNoLaunch) {
  Bench bench;
  bench.step(AgentConnected{});
  EXPECT_TRUE(bench.say(Launch{}).empty());
  EXPECT_TRUE(bench.say(Kill{.name = "x", .grace_ns = 1}).empty());
  EXPECT_TRUE(bench.say(Taken{.number = 1}).empty());
  EXPECT_TRUE(bench.step(ProcessExited{"x", 0}).empty());
  EXPECT_TRUE(bench.step(ProcessStarted{"x", 1}).empty());
  EXPECT_TRUE(bench.step(ProcessLaunchFailed{"x", "?"}).empty());
  EXPECT_TRUE(bench.step(TimerFired{}).empty());
}

TEST(Machine, RefusesWhatCannotBeRun) {
  const auto refused = [](const std::function<void(Process&)>& spoil) {
    Bench bench;
    bench.step(AgentConnected{});
    Launch bad = launch({"a"});
    spoil(bad.processes[0]);
    const Effects effects = bench.say(bad);
    EXPECT_TRUE(only<Spawn>(effects).empty());
    const auto what = reported(effects);
    return what.size() == 1 ? std::get<LaunchFailed>(what[0]).why : "";
  };
  const std::string nul("a\0b", 3);
  EXPECT_EQ(refused([](Process& p) { p.name = ""; }), "a process without a name");
  EXPECT_EQ(refused([](Process& p) { p.argv = {}; }), "no command is given");
  EXPECT_EQ(refused([](Process& p) { p.argv = {"", "x"}; }), "no command is given");
  EXPECT_EQ(refused([&](Process& p) { p.argv = {"x", nul}; }),
            "an argument of the command holds a NUL byte");
  EXPECT_EQ(refused([&](Process& p) { p.environment = {nul}; }),
            "an environment variable holds a NUL byte");
  EXPECT_EQ(refused([&](Process& p) { p.stderr_path = nul; }), "a path holds a NUL byte");
  const std::string range = "a user or group id is out of range";
  EXPECT_EQ(refused([](Process& p) { p.uid = -2; }), range);
  EXPECT_EQ(refused([](Process& p) { p.gid = 0xffffffff; }), range);
  EXPECT_EQ(refused([](Process& p) { p.groups = {0, -1}; }), range);
}

TEST(Machine, SaysWhichProcessOfALaunchIsWrong) {
  Bench bench;
  bench.step(AgentConnected{});
  Launch bad = launch({"a", "b"});
  bad.processes[1].argv = {};
  const auto what = reported(bench.say(bad));
  ASSERT_EQ(what.size(), 2u);
  EXPECT_EQ(what[0], Happening(LaunchFailed{"a", "'b': no command is given"}));
  EXPECT_EQ(what[1], Happening(LaunchFailed{"b", "'b': no command is given"}));
  EXPECT_EQ(reported(bench.say(launch({"c", "d", "c"}))),
            (std::vector<Happening>{LaunchFailed{"c", "the name is given twice: 'c'"},
                                    LaunchFailed{"d", "the name is given twice: 'c'"}}));
}

TEST(Machine, HasABoundOnProcessesAndOnRefusals) {
  Bench bench;
  bench.step(AgentConnected{});
  std::vector<std::string> names;
  names.reserve(kMaxProcesses);
  for (std::size_t i = 0; i < kMaxProcesses; ++i) names.push_back("p" + std::to_string(i));
  bench.say(launch(names));
  std::size_t refused = 0;
  for (std::size_t i = 0; i < kMaxReports + 10; i += 1000) {
    std::vector<std::string> more;
    for (std::size_t k = i; k < i + 1000; ++k) more.push_back("q" + std::to_string(k));
    refused += reported(bench.say(launch(more))).size();
  }
  EXPECT_EQ(refused, kMaxReports);
}

TEST(Machine, AbsurdGracesAreBounded) {
  Bench bench;
  bench.step(AgentConnected{});
  bench.say(launch({"a", "b"}));
  bench.step(ProcessStarted{"a", 1});
  bench.step(ProcessStarted{"b", 2});
  bench.say(Kill{.name = "a", .grace_ns = std::numeric_limits<int64_t>::max()});
  EXPECT_EQ(bench.armed(), MonoTime(kMaxGrace));
  const auto signals =
      only<Signal>(bench.say(Kill{.name = "b", .grace_ns = std::numeric_limits<int64_t>::min()}));
  ASSERT_EQ(signals.size(), 1u);
  EXPECT_EQ(signals[0].signal, SIGKILL);
}

TEST(Machine, TheGroupKeepsAGraceTheAgentGave) {
  Bench bench;
  bench.step(AgentConnected{});
  bench.say(launch({"a", "b"}, true));
  bench.step(ProcessStarted{"a", 1});
  bench.step(ProcessStarted{"b", 2});
  bench.say(Kill{.name = "b", .grace_ns = Duration(60s).count()});
  bench.step(ProcessExited{"a", 256});
  EXPECT_EQ(bench.armed(), MonoTime(60s));
}

TEST(Machine, DialsMoreAndMoreSeldom) {
  Bench bench;
  bench.step(AgentDisconnected{});
  std::vector<int64_t> delays;
  for (int i = 0; i < 9; ++i) {
    delays.push_back((bench.armed()->time_since_epoch() - bench.elapsed()) / 1ms);
    EXPECT_EQ(only<DialAgain>(bench.wait(Duration(delays.back() * 1ms))).size(), 1u);
    // An agent that accepts and hangs up is no reason to be quicker.
    if (i == 3) bench.step(AgentConnected{});
    bench.step(AgentDisconnected{});
  }
  EXPECT_EQ(delays, (std::vector<int64_t>{10, 20, 40, 80, 160, 320, 640, 1000, 1000}));
}

// --- whatever happens, in whatever order

// Plays agent, processes and time; knows what must hold in the end.
class World {
 public:
  explicit World(Options options) : bench_(std::move(options)) { handle(bench_.step(connect())); }

  void random_event() {
    switch (*rc::gen::inRange(0, 9)) {
      case 0:
        return launch_some();
      case 1:
        return handle(bench_.say(Kill{.name = some_name(), .grace_ns = some_grace().count()}));
      case 2:
      case 3:
        return end_one(*rc::gen::element(0, 0, 256, 9));
      case 4:
        return handle(bench_.step(toggle()));
      case 5:
        if (*rc::gen::inRange(0, 8) == 0) handle(bench_.say(Shutdown{some_grace().count()}));
        return;
      case 6:
        if (!untaken_.empty()) take(*rc::gen::elementOf(untaken_));
        return;
      default:
        return handle(bench_.wait(*rc::gen::element<Duration>(1ms, 1s, 10s, 2min)));
    }
  }

  // Everything ends in the end: processes die, the agent takes all.
  void finish() {
    if (!connected_) handle(bench_.step(connect()));
    handle(bench_.say(Shutdown{.grace_ns = 5}));
    handle(bench_.wait(kMaxGrace));
    while (!running_.empty()) {
      RC_ASSERT(killed_.contains(*running_.begin()));
      end_one(9);
    }
    while (!untaken_.empty()) take(*untaken_.begin());
    RC_ASSERT(exited_);
    RC_ASSERT(told_.size() == last_number_);
    for (const auto& [name, ends] : ends_) RC_ASSERT(ends == 1 || (ends == 0 && gave_up_));
  }

 private:
  AgentConnected connect() {
    connected_ = true;
    return {};
  }
  Event toggle() {
    if (!connected_) return connect();
    connected_ = false;
    return AgentDisconnected{};
  }
  std::string some_name() { return "p" + std::to_string(*rc::gen::inRange(0, names_ + 1)); }
  Duration some_grace() { return *rc::gen::element<Duration>(-1ns, 0ns, 1s, 1min); }

  void launch_some() {
    if (exited_) return;
    std::vector<std::string> names;
    for (int n = *rc::gen::inRange(1, 4); n > 0; --n)
      names.push_back("p" + std::to_string(++names_));
    for (const std::string& name : names) ends_[name] = 0;
    const Launch some = launch(names, *rc::gen::arbitrary<bool>());
    handle(bench_.say(some));
    if (*rc::gen::arbitrary<bool>() && !exited_) {
      // Said again: nothing new, as long as not all is forgotten.
      const bool known = ends_[names[0]] == 0;
      const Effects again = known ? bench_.say(some) : Effects{};
      RC_ASSERT(only<Spawn>(again).empty());
    }
  }

  void end_one(int status) {
    if (running_.empty()) return;
    const std::string name = *running_.begin();
    running_.erase(name);
    handle(bench_.step(ProcessExited{name, status}));
  }

  void take(uint64_t number) {
    untaken_.erase(number);
    handle(bench_.say(Taken{number}));
  }

  void handle(Effects effects) {
    for (Effect& effect : effects) {
      RC_ASSERT(!exited_);
      std::visit([this](auto& e) { on(e); }, effect);
    }
  }

  void on(Say& say) {
    RC_ASSERT(connected_);
    const auto* report = std::get_if<Report>(&say.message);
    if (report == nullptr) return;
    const auto [at, added] = told_.emplace(report->number, report->what);
    RC_ASSERT(at->second == report->what);
    last_number_ = std::max(last_number_, report->number);
    untaken_.insert(report->number);
    if (!added) return;
    if (const auto* failed = std::get_if<LaunchFailed>(&report->what)) ++ends_[failed->name];
    if (const auto* exited = std::get_if<Exited>(&report->what)) ++ends_[exited->name];
  }
  void on(Spawn& spawn) {
    const std::string name = spawn.process.name;
    RC_ASSERT(name_spawned_.insert(name).second);
    if (*rc::gen::inRange(0, 6) == 0) {
      handle(bench_.step(ProcessLaunchFailed{name, "no"}));
      return;
    }
    running_.insert(name);
    handle(bench_.step(ProcessStarted{name, 100}));
  }
  void on(Signal& signal) {
    if (signal.signal == SIGKILL) killed_.insert(signal.name);
  }
  void on(Sweep&) { RC_ASSERT(running_.empty()); }
  void on(ArmTimer&) {}
  void on(DialAgain&) {
    const bool answered = *rc::gen::inRange(0, 3) == 0;
    Effects effects = bench_.step(answered ? Event(AgentConnected{}) : Event(AgentDisconnected{}));
    // Unless the same step decided to exit.
    connected_ = answered && !effects.empty();
    handle(std::move(effects));
  }
  void on(Exit&) {
    RC_ASSERT(running_.empty());
    exited_ = true;
    gave_up_ = !connected_;
    // Reports may be given up only by those that wait for an agent.
    if (connected_) RC_ASSERT(untaken_.empty());
  }

  Bench bench_;
  bool connected_ = false;
  bool exited_ = false;
  bool gave_up_ = false;
  int names_ = 0;
  std::set<std::string> running_, killed_, name_spawned_;
  std::map<uint64_t, Happening> told_;
  std::set<uint64_t> untaken_;
  uint64_t last_number_ = 0;
  std::map<std::string, int> ends_;
};

RC_GTEST_PROP(Machine, EveryLaunchEndsOnceWhateverHappens, ()) {
  World world({.recovery_timeout = 24h, .linger = 24h, .patience = 24h});
  for (int i = *rc::gen::inRange(0, 60); i > 0; --i) world.random_event();
  world.finish();
}

RC_GTEST_PROP(Machine, KeepsItsBooksWhenItGivesUp, ()) {
  World world({.recovery_timeout = 30s, .linger = 5s, .patience = 10s});
  for (int i = *rc::gen::inRange(0, 60); i > 0; --i) world.random_event();
  world.finish();
}

}  // namespace
}  // namespace souk::executor
