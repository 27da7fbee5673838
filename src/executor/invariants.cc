// In a file of its own: souk-executor does not link it.
#include <string>

#include "base/text.h"
#include "executor/machine.h"

namespace souk::executor {

std::optional<std::string> Machine::broken_process() const {
  std::size_t live = 0;
  std::size_t graces = 0;
  std::size_t kept = 0;
  for (const auto& [name, entry] : processes_) {
    const std::string who = quote(name);
    const bool ended = entry.phase == Phase::kEnded;
    const auto launch = launches_.find(entry.launch);
    live += ended ? 0 : 1;
    kept += entry.reports.size();
    if (ended && entry.reports.empty()) return who + " is kept for nothing";
    if (entry.phase < Phase::kRunning && !entry.reports.empty()) return who + " is told too early";
    if (!ended && launch == launches_.end()) return who + " runs without a launch";
    for (const uint64_t number : entry.reports) {
      if (!reports_.contains(number)) return who + " waits for a report that is taken";
    }
    const bool waits = deadlines_.of({.of = Deadline::Of::kGrace, .name = name}).has_value();
    graces += waits ? 1 : 0;
    if (waits && entry.phase != Phase::kRunning) return who + " has a grace but does not run";
    if (entry.phase != Phase::kRunning) continue;
    if (entry.kill_asked && !entry.killing)
      return "the kill of " + who + " was asked but not begun";
    if (entry.killing != (waits || entry.force_used)) return who + " is killed without an end";
    if (shutting_down_ && !entry.killing) return who + " is spared by the shutdown";
  }
  if (live != live_) return "the number of live processes is wrong";
  if (kept > reports_.size()) return "processes wait for more reports than there are";
  // Besides graces there is one deadline of each kind at most.
  if (deadlines_.size() > graces + 4) return "a grace is left over";
  return std::nullopt;
}

std::optional<std::string> Machine::broken_invariant() const {
  if (processes_.size() > kMaxProcesses) return "too many processes";
  if (reports_.size() > kMaxReports + 3 * kMaxProcesses) return "too many reports";
  if (reports_.upper_bound(last_report_) != reports_.end()) return "a report from nowhere";
  if (auto why = broken_process()) return why;
  for (const auto& [id, launch] : launches_) {
    if (launch.names.empty()) return "an empty launch is kept";
    for (const std::string& name : launch.names) {
      const auto at = processes_.find(name);
      if (at == processes_.end() || at->second.launch != id) return "a launch holds a stranger";
    }
  }
  if (exited_) return std::nullopt;
  const auto waits = [this](Deadline::Of of) { return deadlines_.of({.of = of}).has_value(); };
  if (connected_ && (waits(Deadline::Of::kDial) || waits(Deadline::Of::kRecovery))) {
    return "connected, yet waiting for a connection";
  }
  if (live_ > 0 && (waits(Deadline::Of::kLinger) || waits(Deadline::Of::kPatience))) {
    return "about to leave its processes";
  }
  if (armed_ != deadlines_.next()) return "the timer is not armed for the next deadline";
  return std::nullopt;
}

}  // namespace souk::executor
