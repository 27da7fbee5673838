// An agent as it runs: the machine, its containers and its link on one loop's thread; an HTTP
// server for executors and readers; checkpoints in its work directory. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/options.h"
#include "base/result.h"

namespace souk::runtime {

struct AgentNodeOptions {
  std::string ip = "127.0.0.1";
  uint16_t port = 5051;  // 0: the kernel chooses
  std::string hostname;  // as clients are told; empty: the machine's name
  std::string work_dir;
  std::vector<std::string> masters;  // "host:port", tried in turn
  std::string resources;             // as --resources takes them; what is not there is detected
  std::string short_task_resources;  // of these, set aside for short tasks; empty: nothing
  std::optional<Duration> max_short_task_duration;
  std::string attributes;
  FaultDomain domain;
  std::string executor;  // path of souk-executor; empty: beside this program
  bool switch_user = true;
  agent::Options machine;                                  // its `agent` is filled in
  std::vector<std::pair<std::string, std::string>> flags;  // for /flags
  // It has stopped: by stop(), or because it had to. On the loop's thread; the node may be
  // destroyed after, not within.
  std::function<void(int exit_status, const std::string& why)> on_stopped;
};

class AgentNode {
 public:
  static Result<std::unique_ptr<AgentNode>> start(AgentNodeOptions options);
  // At once: tasks run on, and are found again by the next agent on this work directory.
  ~AgentNode();

  uint16_t port() const;
  // Its id as the master gave it; empty as long as it has none.
  std::string id();

  // Leaves the master in good order. With `leave` for good: its tasks are killed.
  void stop(bool leave);
  // As if the machine had lost its power: no word to the master, everything on it is dead.
  void crash();

 private:
  struct Impl;
  explicit AgentNode(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::runtime
