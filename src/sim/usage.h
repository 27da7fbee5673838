// Who uses how much of a simulated cluster: counts what runs on its hosts, as it begins and ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/hash_map.h"
#include "sim/observer.h"
#include "sim/world.h"
#include "workloads/jobs.h"

namespace souk::sim {

// Thousandths of a resource times nanoseconds: exact, and samples of it can be added up.
using UsageSum = __int128;

// Resources are those of the cluster that have an amount, in the order of their names.
class Usage final : public Observer {
 public:
  struct Idle {
    UsageSum no_work = 0;    // nothing waited to be launched
    UsageSum too_small = 0;  // what is free on that agent is too little for any task that waits
    UsageSum other = 0;      // refused, on offer, held back by a limit or for a guarantee
  };

  explicit Usage(const World& world) : world_(world) {}

  void add_agent(const AgentProcess& agent);
  // REQUIRES that all agents were added. The workload must outlive it.
  void add_framework(const SchedulerProcess& scheduler, const workloads::Jobs& workload);

  const std::vector<std::string>& resources() const { return names_; }
  const std::vector<int64_t>& totals() const { return totals_; }  // thousandths, of all agents
  std::size_t running() const { return running_; }
  MonoTime last_change() const { return last_change_; }
  // Tasks that arrived and are not launched.
  uint64_t waiting() const;
  // What is free at this moment, by resource, and why.
  std::vector<Idle> idle() const;
  // By framework and resource, since the last call.
  std::vector<std::vector<UsageSum>> take_sums();

  void on_effects(const SchedulerProcess& scheduler, const scheduler::Effects& effects) override;
  void on_task_process(const AgentProcess& agent, const ContainerId& container,
                       std::string_view name, bool began) override;

 private:
  using Amounts = std::vector<int64_t>;  // thousandths, by resource

  struct FrameworkUse {
    const workloads::Jobs* workload;
    Amounts held;
    std::vector<UsageSum> sums;  // until `summed`
    MonoTime summed;
  };
  struct AgentUse {
    Amounts total;
    Amounts held;
  };
  struct LaunchedTask {
    std::size_t framework;
    Amounts amounts;
  };

  Amounts amounts_of(const Resources& resources) const;
  void sum_up(FrameworkUse& framework) const;

  const World& world_;
  std::vector<std::string> names_;
  Amounts totals_;
  std::vector<const AgentProcess*> added_;
  std::vector<AgentUse> agents_;
  HashMap<uint32_t, std::size_t> agent_numbers_;  // by process
  std::vector<FrameworkUse> frameworks_;
  HashMap<uint32_t, std::size_t> framework_numbers_;  // by process
  HashMap<std::string, LaunchedTask> launched_;       // by the task's id; those that have not ended
  std::size_t running_ = 0;
  MonoTime last_change_;
};

}  // namespace souk::sim
