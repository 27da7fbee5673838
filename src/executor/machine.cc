#include "executor/machine.h"

#include <algorithm>
#include <csignal>
#include <limits>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace souk::executor {
namespace {

using supervisor::Exited;
using supervisor::Killing;
using supervisor::Launch;
using supervisor::LaunchFailed;
using supervisor::Process;
using supervisor::Started;

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }
bool has_nul(const std::vector<std::string>& texts) {
  return std::ranges::any_of(texts, [](const std::string& text) { return has_nul(text); });
}

bool is_id(int64_t id) { return id >= 0 && id < std::numeric_limits<uint32_t>::max(); }

// What is wrong with a process to be run; empty: nothing.
std::string fault(const Process& process) {
  if (process.name.empty()) return "a process without a name";
  if (!process.refusal.empty()) return "";  // told in its place: when it would be spawned
  if (process.argv.empty() || (process.program.empty() && process.argv[0].empty())) {
    return "no command is given";
  }
  if (has_nul(process.argv) || has_nul(process.program))
    return "an argument of the command holds a NUL byte";
  if (has_nul(process.environment)) return "an environment variable holds a NUL byte";
  if (has_nul(process.directory) || has_nul(process.stdout_path) || has_nul(process.stderr_path)) {
    return "a path holds a NUL byte";
  }
  const bool ids = (process.uid == -1 || is_id(process.uid)) &&
                   (process.gid == -1 || is_id(process.gid)) &&
                   std::ranges::all_of(process.groups, is_id);
  return ids ? "" : "a user or group id is out of range";
}

Duration bounded_grace(Duration grace) { return std::clamp(grace, Duration::zero(), kMaxGrace); }

}  // namespace

Machine::Machine(Options options)
    : options_(std::move(options)), dial_delay_(options_.first_dial) {}

void Machine::step(Now now, Event&& event, Effects& effects) {
  if (exited_) return;
  now_ = now.mono;
  effects_ = &effects;
  std::visit([this](auto& e) { on(std::move(e)); }, event);
  settle();
  effects_ = nullptr;
}

// --- the connection

void Machine::on(AgentConnected&&) {
  connected_ = true;
  deadlines_.cancel({.of = Deadline::Of::kDial});
  deadlines_.cancel({.of = Deadline::Of::kRecovery});
  emit(Say{supervisor::Hello{.container = options_.container, .pid = options_.pid}});
  if (options_.switches.on(Switch::kExecutorForgetsReports)) return;
  for (const auto& [number, what] : reports_) emit(Say{supervisor::Report{number, what}});
}

void Machine::on(AgentDisconnected&&) {
  connected_ = false;
  const Deadline recovery{.of = Deadline::Of::kRecovery};
  if (!shutting_down_ && !deadlines_.of(recovery)) {
    deadlines_.set(recovery, now_ + options_.recovery_timeout);
  }
  deadlines_.set({.of = Deadline::Of::kDial}, now_ + dial_delay_);
  dial_delay_ = std::min(2 * dial_delay_, options_.slowest_dial);
}

void Machine::on(AgentSaid&& event) {
  // Not when the connection opens: an agent may accept and hang up at once.
  dial_delay_ = options_.first_dial;
  std::visit([this](auto& message) { on(std::move(message)); }, event.message);
}

// --- launches: all of one, or none

void Machine::on(Launch&& message) {
  const auto known = [this](const Process& p) { return processes_.contains(p.name); };
  // An agent that does not know whether its launch arrived says it again. (None at all is nothing
  // to do.)
  if (std::ranges::all_of(message.processes, known)) return;
  launched_ = true;
  if (const std::string why = refusal(message); !why.empty()) {
    refuse(message, why);
    return;
  }
  const uint64_t id = ++last_launch_;
  LaunchState& launch = launches_[id];
  launch.group = message.group;
  for (Process& process : message.processes) {
    launch.names.push_back(process.name);
    Entry& entry = processes_[process.name];
    entry.launch = id;
    entry.process = std::make_unique<supervisor::Process>(std::move(process));
    ++live_;
  }
  spawn_next(launch);
}

std::string Machine::refusal(const Launch& launch) const {
  if (shutting_down_) return "the executor is shutting down";
  if (processes_.size() + launch.processes.size() > kMaxProcesses) {
    return "the executor has " + std::to_string(processes_.size()) +
           " processes, and may have no more than " + std::to_string(kMaxProcesses);
  }
  std::vector<std::string_view> names;
  for (const Process& process : launch.processes) {
    if (const std::string why = fault(process); !why.empty()) {
      return launch.processes.size() == 1 ? why : quote(process.name) + ": " + why;
    }
    if (processes_.contains(process.name)) return "the name is in use: " + quote(process.name);
    names.push_back(process.name);
  }
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end()) return "the name is given twice: " + quote(*twice);
  return "";
}

// Each name once; those that run already are not touched.
void Machine::refuse(const Launch& launch, const std::string& why) {
  for (const Process& process : launch.processes) {
    if (processes_.contains(process.name)) continue;
    if (processes_.size() < kMaxProcesses) {
      Entry& entry = processes_[process.name];
      entry.phase = Phase::kEnded;
      report(&entry, LaunchFailed{.name = process.name, .why = why});
    } else if (reports_.size() < kMaxReports) {
      report(nullptr, LaunchFailed{.name = process.name, .why = why});
    }
  }
}

void Machine::spawn_next(LaunchState& launch) {
  Entry& entry = processes_.at(launch.names[launch.next]);
  entry.phase = Phase::kStarting;
  emit(Spawn{std::move(*entry.process)});
  entry.process.reset();
}

void Machine::on(ProcessStarted&& event) {
  const auto at = processes_.find(event.name);
  if (at == processes_.end() || at->second.phase != Phase::kStarting) return;
  at->second.phase = Phase::kHeld;
  at->second.pid = event.pid;
  LaunchState& launch = launches_.at(at->second.launch);
  if (++launch.next < launch.names.size()) {
    spawn_next(launch);
    return;
  }
  for (const std::string& name : launch.names) {
    Entry& entry = processes_.at(name);
    entry.phase = Phase::kRunning;
    report(&entry, Started{.name = name, .pid = entry.pid});
  }
}

void Machine::on(ProcessLaunchFailed&& event) {
  const auto at = processes_.find(event.name);
  if (at == processes_.end() || at->second.phase != Phase::kStarting) return;
  const std::string because = quote(event.name) + ", launched with it, failed: " + event.why;
  const LaunchState& launch = launches_.at(at->second.launch);
  for (const std::string& name : launch.names) {
    Entry& entry = processes_.at(name);
    if (entry.phase == Phase::kHeld) {
      entry.phase = Phase::kUndone;
      entry.why = "killed because " + because;
      force(name, entry);
    } else if (entry.phase == Phase::kQueued) {
      ended(name, entry, LaunchFailed{.name = name, .why = "not started because " + because});
    } else {
      ended(name, entry, LaunchFailed{.name = name, .why = event.why});
    }
  }
}

// --- ends and kills

void Machine::on(ProcessExited&& event) {
  const auto at = processes_.find(event.name);
  if (at == processes_.end()) return;
  Entry& entry = at->second;
  if (entry.phase != Phase::kRunning && entry.phase != Phase::kUndone) return;
  // What it left behind in its process group outlives it no longer.
  emit(Signal{.name = event.name, .signal = SIGKILL});
  if (entry.phase == Phase::kUndone) {
    ended(event.name, entry, LaunchFailed{.name = event.name, .why = std::move(entry.why)});
    return;
  }
  ended(event.name, entry,
        Exited{.name = event.name, .status = event.status, .kill_asked = entry.kill_asked});
  if (event.status != 0 || entry.killing) kill_group_of(entry);
}

void Machine::ended(const std::string& name, Entry& entry, supervisor::Happening&& last) {
  deadlines_.cancel({.of = Deadline::Of::kGrace, .name = name});
  entry.phase = Phase::kEnded;
  entry.process.reset();
  if (--live_ == 0) emit(Sweep{});
  report(&entry, std::move(last));
}

void Machine::kill_group_of(const Entry& first) {
  const LaunchState& launch = launches_.at(first.launch);
  if (!launch.group) return;
  for (const std::string& name : launch.names) {
    Entry& entry = processes_.at(name);
    // One that is being killed keeps the grace the agent gave it.
    if (entry.phase == Phase::kRunning && !entry.killing) begin_kill(name, entry, options_.grace);
  }
}

void Machine::on(supervisor::Kill&& message) {
  const auto at = processes_.find(message.name);
  if (at == processes_.end() || at->second.phase != Phase::kRunning) return;
  at->second.kill_asked = true;
  begin_kill(message.name, at->second, Duration(message.grace_ns));
}

// Again for one that is being killed: the grace can only become shorter.
void Machine::begin_kill(const std::string& name, Entry& entry, Duration grace) {
  grace = bounded_grace(grace);
  if (!entry.killing) {
    entry.killing = true;
    report(&entry, Killing{.name = name});
    if (grace > Duration::zero()) emit(Signal{.name = name, .signal = SIGTERM});
  }
  if (entry.force_used) return;
  if (grace == Duration::zero()) {
    force(name, entry);
    return;
  }
  const Deadline deadline{.of = Deadline::Of::kGrace, .name = name};
  const MonoTime until = now_ + grace;
  if (until < deadlines_.of(deadline).value_or(MonoTime::max())) deadlines_.set(deadline, until);
}

void Machine::force(const std::string& name, Entry& entry) {
  deadlines_.cancel({.of = Deadline::Of::kGrace, .name = name});
  entry.force_used = true;
  emit(Signal{.name = name, .signal = SIGKILL});
}

void Machine::on(supervisor::Shutdown&& message) {
  shut_down(Duration(message.grace_ns), /*asked=*/true);
}

void Machine::on(TerminationAsked&&) { shut_down(options_.grace, /*asked=*/false); }

void Machine::shut_down(Duration grace, bool asked) {
  shutting_down_ = true;
  for (auto& [name, entry] : processes_) {
    if (entry.phase != Phase::kRunning) continue;
    entry.kill_asked = entry.kill_asked || asked;
    begin_kill(name, entry, grace);
  }
}

// --- reports

// Null: of a process that is not kept.
void Machine::report(Entry* entry, supervisor::Happening&& what) {
  const uint64_t number = ++last_report_;
  if (entry != nullptr) entry->reports.push_back(number);
  const auto at = reports_.emplace(number, std::move(what)).first;
  if (connected_) emit(Say{supervisor::Report{number, at->second}});
}

void Machine::on(supervisor::Taken&& message) {
  const auto at = reports_.find(message.number);
  if (at == reports_.end()) return;
  const std::string name = std::visit([](auto& what) { return std::move(what.name); }, at->second);
  reports_.erase(at);
  const auto process = processes_.find(name);
  if (process == processes_.end()) return;
  Entry& entry = process->second;
  std::erase(entry.reports, message.number);
  if (entry.phase == Phase::kEnded && entry.reports.empty()) forget(process);
}

void Machine::forget(Processes::iterator at) {
  const auto launch = launches_.find(at->second.launch);
  if (launch != launches_.end()) {
    std::erase(launch->second.names, at->first);
    if (launch->second.names.empty()) launches_.erase(launch);
  }
  processes_.erase(at);
}

// --- time

void Machine::on(TimerFired&&) {
  armed_.reset();
  while (!exited_) {
    const auto due = deadlines_.pop_due(now_);
    if (!due) return;
    fire(*due);
  }
}

void Machine::fire(const Deadline& deadline) {
  switch (deadline.of) {
    case Deadline::Of::kDial:
      emit(DialAgain{});
      return;
    case Deadline::Of::kRecovery:
      abandoned_ = true;
      shut_down(options_.grace, /*asked=*/false);
      return;
    case Deadline::Of::kPatience:
    case Deadline::Of::kLinger:
      leave();
      return;
    case Deadline::Of::kGrace:
      force(deadline.name, processes_.at(deadline.name));
      return;
  }
}

// Whether it is time to go, and the one timer.
void Machine::settle() {
  const bool told = live_ == 0 && reports_.empty();
  const bool unheard = live_ == 0 && shutting_down_ && !connected_;
  if (!exited_ && ((told && shutting_down_) || (unheard && abandoned_))) leave();
  if (!exited_ && told && launched_ && options_.linger == Duration::zero()) leave();
  if (exited_) return;

  const auto keep = [this](Deadline::Of of, bool wanted, Duration delay) {
    if (!wanted) {
      deadlines_.cancel({.of = of});
    } else if (!deadlines_.of({.of = of})) {
      deadlines_.set({.of = of}, now_ + delay);
    }
  };
  keep(Deadline::Of::kLinger, told && launched_, options_.linger);
  keep(Deadline::Of::kPatience, unheard, options_.patience);
  if (deadlines_.next() == armed_) return;
  armed_ = deadlines_.next();
  emit(ArmTimer{armed_});
}

void Machine::leave() {
  exited_ = true;
  emit(Exit{});
}

}  // namespace souk::executor
