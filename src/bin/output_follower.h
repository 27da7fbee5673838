// Copies what tasks write to their stdout and stderr to ours, while they run: reads their sandboxes
// through the master. Thread-safe; has a thread of its own.
#pragma once

#include <memory>
#include <string>

#include "model/ids.h"

namespace souk::bin {

class OutputFollower {
 public:
  // `master`: "host:port".
  explicit OutputFollower(std::string master);
  ~OutputFollower();

  // Lines of a task with a prefix are printed whole, each behind it; without one, bytes pass as
  // they come. `sandbox`: the virtual path of the task's container.
  void follow(const TaskId& task, const AgentId& agent, std::string sandbox, std::string prefix);
  // The task has ended: reads its output to the end, once, and then calls `done` on the follower's
  // thread.
  void finish(const TaskId& task, std::function<void()> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::bin
