// A whole cluster in one process: a master and some agents, each as it would run by itself. For
// `souk local`, the demo and tests. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/agent_node.h"
#include "runtime/master_node.h"

namespace souk::runtime {

struct LocalClusterOptions {
  MasterNodeOptions master;  // work_dir, drop_agent are set here
  AgentNodeOptions agent;    // of each; port, hostname, work_dir and masters are set here
  unsigned agents = 4;
  // Empty: a temporary folder that goes with the cluster.
  std::string work_dir;
};

class LocalCluster {
 public:
  static Result<std::unique_ptr<LocalCluster>> start(LocalClusterOptions options);
  // Kills what still runs.
  ~LocalCluster();

  MasterNode& master() { return *master_; }
  const std::string& work_dir() const { return work_dir_; }
  // Kills the agent with this id and all that it runs, without a word to the master.
  Result<void> drop(const std::string& agent_id);

 private:
  LocalCluster() = default;
  Result<void> start_agents(const LocalClusterOptions& options);

  std::string work_dir_;
  bool temporary_ = false;
  std::unique_ptr<MasterNode> master_;
  struct Agents;
  std::unique_ptr<Agents> agents_;
};

}  // namespace souk::runtime
