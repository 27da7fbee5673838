#include "sim/timeline.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "sim/agent_process.h"
#include "sim/describe.h"
#include "sim/master_process.h"
#include "sim/scheduler_process.h"

namespace souk::sim {

void Timeline::add(const std::string& process, std::string text) {
  if (text.empty() || most_ == 0) return;
  std::deque<Line>& lines = lines_[process];
  if (lines.size() >= most_) lines.pop_front();
  lines.push_back({++last_, queue_.now(), std::move(text)});
}

void Timeline::on_event(const MasterProcess& p, const master::Event& e) {
  add(p.name(), describe(e));
}
void Timeline::on_effects(const MasterProcess& p, const master::Effects& e) {
  for (const master::Effect& one : e) add(p.name(), describe(one));
}
void Timeline::on_event(const AgentProcess& p, const agent::Event& e) {
  add(p.name(), describe(e));
}
void Timeline::on_effects(const AgentProcess& p, const agent::Effects& e) {
  for (const agent::Effect& one : e) add(p.name(), describe(one));
}
void Timeline::on_event(const SchedulerProcess& p, const scheduler::Event& e) {
  add(p.name(), describe(e));
}
void Timeline::on_effects(const SchedulerProcess& p, const scheduler::Effects& e) {
  for (const scheduler::Effect& one : e) add(p.name(), describe(one));
}
void Timeline::on_task_process(const AgentProcess& p, const ContainerId& container,
                               std::string_view name, bool began) {
  add(p.name(), fmt::format("process {} in container {:.8} {}", name, container.value,
                            began ? "begins" : "is over"));
}
void Timeline::on_leads(const MasterProcess& p, uint64_t epoch) {
  add(p.name(), fmt::format("begins to lead, epoch {}", epoch));
}
void Timeline::on_crash(const Process& p) { add(p.name(), "is dead"); }
void Timeline::on_note(const Process& p, std::string_view text) {
  if (!text.empty()) add(p.name(), fmt::format("logs: {}", text));
}

std::string Timeline::to_string() const {
  std::map<uint64_t, std::pair<const std::string*, const Line*>> ordered;
  for (const auto& [process, lines] : lines_) {
    for (const Line& line : lines) ordered[line.order] = {&process, &line};
  }
  std::string out;
  for (const auto& [order, entry] : ordered) {
    fmt::format_to(std::back_inserter(out), "{:>14.6f} {:<12} {}\n",
                   to_seconds(entry.second->at.time_since_epoch()), *entry.first,
                   entry.second->text);
  }
  return out;
}

}  // namespace souk::sim
