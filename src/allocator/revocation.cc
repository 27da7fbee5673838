#include "allocator/revocation.h"

namespace souk::allocator {

void RevocableTasks::add(const TaskKey& key, RevocableTask task) {
  remove(key);
  by_client_[task.client].emplace(task.since, key);
  tasks_.emplace(key, std::move(task));
}

void RevocableTasks::remove(const TaskKey& key) {
  const auto at = tasks_.find(key);
  if (at == tasks_.end()) return;
  RevocableTask& task = at->second;
  forget_awaited(task);
  const auto tasks = by_client_.find(task.client);
  tasks->second.erase({task.since, key});
  if (tasks->second.empty()) by_client_.erase(tasks);
  tasks_.erase(at);
}

const RevocableTask* RevocableTasks::find(const TaskKey& key) const {
  const auto at = tasks_.find(key);
  return at == tasks_.end() ? nullptr : &at->second;
}

void RevocableTasks::revoke(const TaskKey& key, FrameworkKey in_favour_of) {
  tasks_.at(key).in_favour_of = in_favour_of;
  ++awaited_[in_favour_of];
}

void RevocableTasks::spare(const TaskKey& key) { forget_awaited(tasks_.at(key)); }

void RevocableTasks::forget_awaited(RevocableTask& task) {
  if (!task.in_favour_of) return;
  const auto awaited = awaited_.find(*task.in_favour_of);
  if (--awaited->second == 0) awaited_.erase(awaited);
  task.in_favour_of.reset();
}

}  // namespace souk::allocator
