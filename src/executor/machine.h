// A souk-executor's decisions: it starts the processes its agent names, kills them as asked, and
// tells what became of them until the agent has taken it, through disconnections and restarts of
// the agent.
//
// A deterministic state machine: no I/O, no clock, no threads, no exceptions. What does it all runs
// in bin/executor_driver.cc.
//
// Rules for who steps it: effects are carried out in their order. A Spawn is answered, by
// ProcessStarted or ProcessLaunchFailed, before any other event. A ProcessExited is told while the
// process is still a zombie and it is reaped only when the effects are done, so that a Signal
// cannot reach a recycled process id.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/deadlines.h"
#include "base/switches.h"
#include "base/time.h"
#include "protocol/supervisor.h"

namespace souk::executor {

namespace supervisor = protocol::supervisor;

// Processes that run or have untaken reports. A launch beyond is refused.
inline constexpr std::size_t kMaxProcesses = 4096;
// Each process makes three at most. Refusals that no process stands for are not reported beyond.
inline constexpr std::size_t kMaxReports = 4 * kMaxProcesses;
inline constexpr Duration kMaxGrace = std::chrono::hours(24 * 365);

// --- events

struct AgentConnected {};
// Also when a dial failed, and at the start if there is no connection to begin with.
struct AgentDisconnected {};
struct AgentSaid {
  supervisor::ToSupervisor message;
};
struct ProcessStarted {
  std::string name;
  int64_t pid = 0;
};
struct ProcessLaunchFailed {
  std::string name;
  std::string why;
};
struct ProcessExited {
  std::string name;
  int32_t status = 0;  // as waitpid gives it
};
// SIGTERM to the souk-executor itself.
struct TerminationAsked {};
struct TimerFired {};

using Event = std::variant<AgentConnected, AgentDisconnected, AgentSaid, ProcessStarted,
                           ProcessLaunchFailed, ProcessExited, TerminationAsked, TimerFired>;

// --- effects

// To the connection that AgentConnected told of last.
struct Say {
  supervisor::FromSupervisor message;
};
struct Spawn {
  supervisor::Process process;
};
// To the process group that the named process leads.
struct Signal {
  std::string name;
  int signal = 0;  // SIGTERM or SIGKILL
};
// Nothing is meant to run any more: kill what its processes left behind in other sessions.
struct Sweep {};
// Replaces the deadline armed before; nothing: disarm. Fires once.
struct ArmTimer {
  std::optional<MonoTime> at;
};
// Answered by AgentConnected or AgentDisconnected.
struct DialAgain {};
struct Exit {};

using Effect = std::variant<Say, Spawn, Signal, Sweep, ArmTimer, DialAgain, Exit>;
using Effects = std::vector<Effect>;

struct Options {
  std::string container;
  int64_t pid = 0;
  // Without an agent for so long it kills everything and exits.
  Duration recovery_timeout = 15min;
  // How long it waits for another launch when everything has ended and is taken.
  Duration linger = 0s;
  // For kills that nobody asked for: the rest of a group, no agent, SIGTERM.
  Duration grace = 3s;
  // After a Shutdown: how long reports wait for an agent that is not there.
  Duration patience = 1min;
  // Between dials: doubled from the first to the most.
  Duration first_dial = 10ms;
  Duration slowest_dial = 1s;
  Switches switches = {};  // for tests
};

class Machine {
 public:
  explicit Machine(Options options);

  // Appends to `effects`. After Exit nothing happens any more.
  void step(Now now, Event&& event, Effects& effects);

  // What is wrong with the books, or nothing. For tests: walks everything.
  std::optional<std::string> broken_invariant() const;

 private:
  enum class Phase : uint8_t {
    kQueued,    // its launch has not come to it
    kStarting,  // Spawn is out
    kHeld,      // runs; told only when all of its launch do
    kRunning,
    kUndone,  // ran, but another one of its launch could not: killed, fails when it has ended
    kEnded,   // and the agent has not taken all reports
  };
  struct Entry {
    Phase phase = Phase::kQueued;
    uint64_t launch = 0;
    int64_t pid = 0;
    bool kill_asked = false;                       // by the agent
    bool killing = false;                          // reported
    bool force_used = false;                       // SIGKILL is out
    std::string why;                               // kUndone: what LaunchFailed will say
    std::vector<uint64_t> reports;                 // not taken
    std::unique_ptr<supervisor::Process> process;  // kQueued
  };
  using Processes = std::map<std::string, Entry>;
  struct LaunchState {
    std::vector<std::string> names;
    std::size_t next = 0;  // the one to be spawned
    bool group = false;
  };
  struct Deadline {
    enum class Of : uint8_t { kDial, kRecovery, kPatience, kLinger, kGrace } of = Of::kDial;
    std::string name;  // kGrace
    auto operator<=>(const Deadline&) const = default;
  };

  // --- events
  void on(AgentConnected&& event);
  void on(AgentDisconnected&& event);
  void on(AgentSaid&& event);
  void on(ProcessStarted&& event);
  void on(ProcessLaunchFailed&& event);
  void on(ProcessExited&& event);
  void on(TerminationAsked&& event);
  void on(TimerFired&& event);
  // --- what the agent says
  void on(supervisor::Launch&& message);
  void on(supervisor::Kill&& message);
  void on(supervisor::Shutdown&& message);
  void on(supervisor::Taken&& message);

  // Empty if the launch can begin.
  std::string refusal(const supervisor::Launch& launch) const;
  void refuse(const supervisor::Launch& launch, const std::string& why);
  void spawn_next(LaunchState& launch);

  void begin_kill(const std::string& name, Entry& entry, Duration grace);
  void force(const std::string& name, Entry& entry);
  void ended(const std::string& name, Entry& entry, supervisor::Happening&& last);
  void kill_group_of(const Entry& entry);
  void shut_down(Duration grace, bool asked);

  void report(Entry* entry, supervisor::Happening&& what);
  void forget(Processes::iterator at);
  void fire(const Deadline& deadline);
  void settle();
  void leave();
  std::optional<std::string> broken_process() const;
  void emit(Effect&& effect) { effects_->push_back(std::move(effect)); }

  const Options options_;
  MonoTime now_;                // of the current step
  Effects* effects_ = nullptr;  // of the current step

  Processes processes_;
  std::size_t live_ = 0;  // kQueued to kUndone
  std::map<uint64_t, LaunchState> launches_;
  uint64_t last_launch_ = 0;
  std::map<uint64_t, supervisor::Happening> reports_;  // not taken
  uint64_t last_report_ = 0;

  bool connected_ = false;
  Duration dial_delay_;
  bool launched_ = false;       // something, once
  bool shutting_down_ = false;  // nothing is launched any more
  bool abandoned_ = false;      // the agent was away for too long
  bool exited_ = false;
  Deadlines<Deadline> deadlines_;
  std::optional<MonoTime> armed_;
};

}  // namespace souk::executor
