// The tasks of one framework, by id. A task's id is kept once, in its spec, which never changes;
// references to tasks stay good until they are erased.
#pragma once

#include <algorithm>
#include <memory>
#include <ranges>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/hash_map.h"
#include "master/task.h"

namespace souk::master {

class TaskTable {
 public:
  // Null if it is not there.
  Task* find(std::string_view id) { return const_cast<Task*>(std::as_const(*this).find(id)); }
  const Task* find(std::string_view id) const {
    const auto at = tasks_.find(id);
    return at == tasks_.end() ? nullptr : at->second.get();
  }
  Task* find(const TaskId& id) { return find(std::string_view(id.value)); }
  const Task* find(const TaskId& id) const { return find(std::string_view(id.value)); }
  bool contains(const TaskId& id) const { return find(id) != nullptr; }
  // REQUIRES that it is there.
  Task& at(std::string_view id) { return const_cast<Task&>(std::as_const(*this).at(id)); }
  const Task& at(std::string_view id) const {
    const Task* task = find(id);
    SOUK_CHECK(task != nullptr, "no such task");
    return *task;
  }
  Task& at(const TaskId& id) { return at(std::string_view(id.value)); }
  const Task& at(const TaskId& id) const { return at(std::string_view(id.value)); }

  // REQUIRES that none has its id.
  Task& add(Task task) {
    auto held = std::make_unique<Task>(std::move(task));
    const auto [at, added] = tasks_.emplace(held->id().value, nullptr);
    SOUK_CHECK(added, "a task is added once");
    at->second = std::move(held);
    return *at->second;
  }
  // REQUIRES that it is there. `id` may be the task's own.
  void erase(std::string_view id) {
    const auto at = tasks_.find(id);
    SOUK_CHECK(at != tasks_.end(), "no such task");
    const std::unique_ptr<Task> task = std::move(at->second);
    tasks_.erase(at);
  }

  std::size_t size() const { return tasks_.size(); }
  bool empty() const { return tasks_.empty(); }

  // In no particular order: only where that reaches no effect.
  auto each() const {
    return tasks_ |
           std::views::transform([](const auto& entry) -> const Task& { return *entry.second; });
  }

  // By id.
  std::vector<Task*> in_order() { return sorted<Task>(*this); }
  std::vector<const Task*> in_order() const { return sorted<const Task>(*this); }

 private:
  template <class Each, class Table>
  static std::vector<Each*> sorted(Table& table) {
    std::vector<Each*> all;
    all.reserve(table.size());
    for (auto& [id, task] : table.tasks_) all.push_back(task.get());
    std::ranges::sort(all, {}, [](const Task* task) { return std::string_view(task->id().value); });
    return all;
  }

  HashMap<std::string_view, std::unique_ptr<Task>> tasks_;
};

}  // namespace souk::master
