#include "scheduler/delay_scheduling.h"

#include <utility>

namespace souk::scheduler {

void DelayScheduling::add(Task task, std::vector<std::string> preferred_hosts) {
  remove(task);
  for (const std::string& host : preferred_hosts) by_host_[host].insert(task);
  if (preferred_hosts.empty()) anywhere_.insert(task);
  tasks_.emplace(task, std::move(preferred_hosts));
}

void DelayScheduling::remove(Task task) {
  const auto at = tasks_.find(task);
  if (at == tasks_.end()) return;
  for (const std::string& host : at->second) {
    const auto there = by_host_.find(host);
    if (there == by_host_.end()) continue;  // the host was named twice
    there->second.erase(task);
    if (there->second.empty()) by_host_.erase(there);
  }
  anywhere_.erase(task);
  tasks_.erase(at);
  // Nobody waits; what is added later waits from anew.
  if (tasks_.size() == anywhere_.size()) stop_waiting();
}

std::optional<DelayScheduling::Placed> DelayScheduling::place_local(std::string_view host) {
  const auto at = by_host_.find(host);
  if (at == by_host_.end()) return std::nullopt;
  const Task task = *at->second.begin();
  remove(task);
  stop_waiting();
  return Placed{task, Locality::kLocal};
}

void DelayScheduling::stop_waiting() {
  since_.reset();
  waited_ = false;
}

std::optional<DelayScheduling::Placed> DelayScheduling::place_other(MonoTime now) {
  if (!anywhere_.empty()) {
    const Task task = *anywhere_.begin();
    remove(task);
    return Placed{task, Locality::kAnywhere};
  }
  if (tasks_.empty()) return std::nullopt;
  if (!since_ && !waited_) since_ = now;
  advance(now);
  if (!takes_any()) return std::nullopt;
  const Task task = tasks_.begin()->first;
  remove(task);
  return Placed{task, Locality::kNonLocal};
}

std::optional<DelayScheduling::Placed> DelayScheduling::place(std::string_view host, MonoTime now) {
  if (auto placed = place_local(host)) return placed;
  return place_other(now);
}

std::vector<DelayScheduling::Assignment> DelayScheduling::place(const std::vector<Slots>& offers,
                                                                MonoTime now) {
  std::vector<Assignment> assignments;
  std::vector<std::size_t> left(offers.size());
  for (std::size_t i = 0; i < offers.size(); ++i) {
    for (left[i] = offers[i].free; left[i] > 0; --left[i]) {
      const auto placed = place_local(offers[i].host);
      if (!placed) break;
      assignments.push_back({i, *placed});
    }
  }
  for (std::size_t i = 0; i < offers.size(); ++i) {
    for (; left[i] > 0; --left[i]) {
      const auto placed = place_other(now);
      if (!placed) return assignments;  // nor on the next ones
      assignments.push_back({i, *placed});
    }
  }
  return assignments;
}

std::optional<MonoTime> DelayScheduling::next_deadline() const {
  if (!since_) return std::nullopt;
  return *since_ + delay_;
}

void DelayScheduling::advance(MonoTime now) {
  if (!since_ || now < *since_ + delay_) return;
  since_.reset();
  waited_ = true;
}

}  // namespace souk::scheduler
