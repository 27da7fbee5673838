// A simulated cluster: its processes, network and storage on one virtual time. Deterministic: the
// same seed and the same calls give the same run. What happens in it is for its maker to say
// (faults.h, swarm.h, or an experiment); who looks on is an Observer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/rng.h"
#include "sim/agent_process.h"
#include "sim/master_process.h"
#include "sim/scheduler_process.h"
#include "sim/services.h"
#include "sim/zoo.h"

namespace souk::sim {

struct WorldOptions {
  uint64_t seed = 0;
  NetworkOptions network;
  // Each message that has a form on the wire is put into it and read again on its way.
  bool through_wire = false;
};

class World {
 public:
  explicit World(const WorldOptions& options);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  // Looks on from now on, in the order of their adding. Must outlive the world.
  void add_observer(Observer& observer);

  // --- making it; all start at once
  Zoo& add_zoo(ZooOptions options);
  MasterProcess& add_master(MasterProcessOptions options);
  AgentProcess& add_agent(AgentProcessOptions options);  // knows all masters that were added before
  SchedulerProcess& add_scheduler(SchedulerProcessOptions options,
                                  std::unique_ptr<workloads::Workload> workload);

  // --- running it
  MonoTime now() const { return queue_.now(); }
  // Until nothing is due by then; virtual time is `until` afterwards.
  void run_until(MonoTime until);
  void run_for(Duration length) { run_until(now() + length); }
  // Until `done` says so, or until then. Asked after each moment in which something happened.
  bool run_until(MonoTime until, const std::function<bool()>& done);
  void at(MonoTime when, Action action) { queue_.at(when, std::move(action)); }

  // --- looking at it
  Queue& queue() { return queue_; }
  Network& network() { return network_; }
  Zoo* zoo() { return zoo_.get(); }
  const std::vector<std::unique_ptr<MasterProcess>>& masters() const { return masters_; }
  const std::vector<std::unique_ptr<AgentProcess>>& agents() const { return agents_; }
  const std::vector<std::unique_ptr<SchedulerProcess>>& schedulers() const { return schedulers_; }
  // Who leads by the highest epoch; null: nobody.
  MasterProcess* leader() const;
  Process* find(ProcessId id) const;
  // An independent generator for each name.
  Rng rng(std::string_view name) const { return rng_.fork(name); }
  uint64_t steps() const { return queue_.done(); }

 private:
  class Observers;

  ProcessId next_id() { return ProcessId(static_cast<uint32_t>(processes_.size())); }

  const WorldOptions options_;
  Rng rng_;
  Queue queue_;
  Network network_;
  std::unique_ptr<Observers> observers_;
  Services services_;
  std::vector<Process*> processes_;  // by id
  std::unique_ptr<Zoo> zoo_;
  std::vector<std::unique_ptr<MasterProcess>> masters_;
  std::vector<std::unique_ptr<AgentProcess>> agents_;
  std::vector<std::unique_ptr<SchedulerProcess>> schedulers_;
};

}  // namespace souk::sim
