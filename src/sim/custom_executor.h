// A simulated custom executor: one long-lived program that runs many tasks (§3.1), over the
// executor API. Its tasks are commands that sleep, as those of everybody here. It keeps what is not
// acknowledged, and subscribes again when its agent comes back.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "protocol/executor_api.h"
#include "sim/services.h"

namespace souk::sim {

class AgentProcess;

class CustomExecutor {
 public:
  struct Context {
    AgentProcess& host;
    FrameworkId framework;
    ExecutorId executor;
    // Does something later, unless the executor has ended by then.
    std::function<void(Duration, Action)> later;
    std::function<void(int32_t)> exit;  // with a status as waitpid gives it
  };

  CustomExecutor(Context context, Rng rng);

  void start();
  void hear(protocol::ExecutorEvent&& event);
  // The agent went away.
  void disconnected();
  std::size_t tasks() const { return tasks_.size(); }

 private:
  struct Task {
    TaskSpec spec;
    uint64_t run = 0;
    bool terminal = false;
    std::vector<TaskStatus> unacknowledged;
  };

  void subscribe();
  void launch(TaskSpec&& spec);
  void update(Task& task, TaskState state);
  void on(protocol::executor_event::Subscribed&& event);
  void on(protocol::executor_event::Launch&& event);
  void on(protocol::executor_event::LaunchGroup&& event);
  void on(protocol::executor_event::Kill&& event);
  void on(protocol::executor_event::Acknowledged&& event);
  void on(protocol::executor_event::Shutdown&& event);

  Context context_;
  Rng rng_;
  bool subscribed_ = false;
  std::map<TaskId, Task> tasks_;
};

}  // namespace souk::sim
