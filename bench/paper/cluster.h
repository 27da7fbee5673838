// Simulated clusters for experiments: no faults, and as few events as may be that are not of the
// experiment (heartbeats and pings come once in an hour of virtual time).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/rng.h"
#include "sim/observer.h"
#include "sim/world.h"
#include "workloads/lengths.h"

namespace souk::paper {

// REQUIRES that it is the text of resources.
Resources bag(std::string_view text);

inline double seconds_of(MonoTime since, MonoTime until) { return to_seconds(until - since); }

// A quiet master with this allocation module.
sim::MasterProcessOptions master_with(std::string allocator,
                                      std::map<std::string, Scalar> role_weights = {});

// An agent on host "<name>".
sim::AgentProcessOptions agent_on(const std::string& host, std::string_view resources);

// In [0, 1).
double uniform(Rng& rng);

// Tasks of a framework that has been at work for long: the first `slots` of them are what is left
// of tasks under way. REQUIRES that it launches no more than `rounds` tasks on each: constant
// lengths are a list, which begins again.
workloads::Lengths under_way(Duration length, bool exponential, std::size_t slots,
                             std::size_t rounds, Rng& rng);

// Which frameworks' tasks run where. Looks on from when it was added; tasks are told by the name of
// their framework.
class Occupancy final : public sim::Observer {
 public:
  void on_task_process(const sim::AgentProcess& agent, const ContainerId& container,
                       std::string_view name, bool began) override;
  int running(const sim::AgentProcess& agent, const std::string& framework) const;
  int running(const std::string& framework) const;

 private:
  std::map<std::string, std::map<sim::ProcessId, int>> running_;
};

// Text of what every report says of its simulated cluster.
std::string network_text();

}  // namespace souk::paper
