// The tasks of one framework, by id. A task's id is kept once, in its spec, which never changes;
// references to tasks stay good until they are erased.
#pragma once

#include <algorithm>
#include <boost/unordered/unordered_map.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "master/task.h"

namespace souk::master {

class TaskTable {
 public:
  using Map = boost::unordered_map<std::string_view, Task>;
  using iterator = Map::iterator;
  using const_iterator = Map::const_iterator;

  iterator find(const TaskId& id) { return tasks_.find(id.value); }
  const_iterator find(const TaskId& id) const { return tasks_.find(id.value); }
  bool contains(const TaskId& id) const { return tasks_.contains(std::string_view(id.value)); }
  // REQUIRES that it is there.
  Task& at(std::string_view id) { return const_cast<Task&>(std::as_const(*this).at(id)); }
  const Task& at(std::string_view id) const {
    const auto at = tasks_.find(id);
    SOUK_CHECK(at != tasks_.end(), "no such task");
    return at->second;
  }
  Task& at(const TaskId& id) { return at(std::string_view(id.value)); }
  const Task& at(const TaskId& id) const { return at(std::string_view(id.value)); }

  // REQUIRES that none has its id.
  Task& add(Task task) {
    const std::string_view id = task.spec->id.value;
    const auto [at, added] = tasks_.emplace(id, std::move(task));
    SOUK_CHECK(added, "a task is added once");
    return at->second;
  }
  void erase(iterator at) { tasks_.erase(at); }

  std::size_t size() const { return tasks_.size(); }
  bool empty() const { return tasks_.empty(); }

  // In no particular order: only where that reaches no effect.
  iterator begin() { return tasks_.begin(); }
  iterator end() { return tasks_.end(); }
  const_iterator begin() const { return tasks_.begin(); }
  const_iterator end() const { return tasks_.end(); }

  // By id.
  std::vector<Task*> in_order() { return sorted<Task>(*this); }
  std::vector<const Task*> in_order() const { return sorted<const Task>(*this); }

 private:
  template <class Each, class Table>
  static std::vector<Each*> sorted(Table& table) {
    std::vector<Each*> all;
    all.reserve(table.size());
    for (auto& [id, task] : table) all.push_back(&task);
    std::ranges::sort(all, {},
                      [](const Task* task) { return std::string_view(task->spec->id.value); });
    return all;
  }

  Map tasks_;
};

}  // namespace souk::master
