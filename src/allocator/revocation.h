// The tasks that may be revoked (§3.3), by whom they belong to. Plain bookkeeping; used by one
// thread.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "allocator/filters.h"
#include "allocator/share.h"
#include "base/time.h"
#include "model/ids.h"

namespace souk::allocator {

using TaskKey = std::pair<FrameworkKey, TaskId>;

struct RevocableTask {
  ClientId client;
  AgentKey agent;
  Amounts amounts;
  MonoTime since;
  std::optional<FrameworkKey> in_favour_of;  // set: it is being revoked
};

class RevocableTasks {
 public:
  void add(const TaskKey& key, RevocableTask task);
  void remove(const TaskKey& key);
  const RevocableTask* find(const TaskKey& key) const;
  void revoke(const TaskKey& key, FrameworkKey in_favour_of);
  void spare(const TaskKey& key);  // takes revoke() back
  // Whether tasks that are being revoked for this framework have not ended yet.
  bool awaits(FrameworkKey in_favour_of) const { return awaited_.contains(in_favour_of); }
  // Of the client, the latest first, that are not being revoked: calls until it says true.
  template <class Visit>
  void visit_youngest(ClientId client, Visit visit) const;

 private:
  void forget_awaited(RevocableTask& task);

  std::map<TaskKey, RevocableTask> tasks_;
  std::map<ClientId, std::set<std::pair<MonoTime, TaskKey>>> by_client_;
  std::map<FrameworkKey, std::size_t> awaited_;  // how many; none is zero
};

template <class Visit>
void RevocableTasks::visit_youngest(ClientId client, Visit visit) const {
  const auto tasks = by_client_.find(client);
  if (tasks == by_client_.end()) return;
  for (auto at = tasks->second.rbegin(); at != tasks->second.rend(); ++at) {
    const RevocableTask& task = tasks_.at(at->second);
    if (!task.in_favour_of && visit(at->second, task)) return;
  }
}

}  // namespace souk::allocator
