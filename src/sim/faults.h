// Carries faults out, and heals them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <set>

#include "sim/swarm.h"

namespace souk::sim {

class FaultInjector {
 public:
  // Told of each fault as it is carried out.
  using Tell = std::function<void(const std::string&)>;

  FaultInjector(World& world, Tell tell);

  // Each at its time.
  void schedule(const std::vector<Fault>& faults);
  // All at once: everything can reach everything, all that is down comes up, nothing fails any
  // more.
  void heal();

  const std::array<uint64_t, kFaultKinds>& counts() const { return counts_; }
  // Frameworks that were told to end.
  const std::set<ProcessId>& torn_down() const { return torn_down_; }

 private:
  void carry_out(const Fault& fault);
  void after(Duration delay, Action action);

  void kill_master(const Fault& fault);
  void pause_master(const Fault& fault);
  void kill_agent(const Fault& fault);
  void lose_power(const Fault& fault);
  void kill_scheduler(const Fault& fault);
  void kill_container(const Fault& fault);
  void partition(const Fault& fault);
  void isolate(const Fault& fault);
  void cut(const Fault& fault);
  void slow_reader(const Fault& fault);
  void break_disk(const Fault& fault);
  void jump_clock(const Fault& fault);
  void stop_zoo(const Fault& fault);
  void expire_session(const Fault& fault);
  void tear_down(const Fault& fault);
  void configure(const Fault& fault);

  // One that a fault of this number means; masters: mostly the leader.
  MasterProcess& master_of(const Fault& fault);
  AgentProcess& agent_of(const Fault& fault);
  SchedulerProcess& scheduler_of(const Fault& fault);
  // Any process, a master or the coordination service more often than their number makes it.
  ProcessId process_of(uint32_t number);

  World& world_;
  Tell tell_;
  bool healed_ = false;
  std::array<uint64_t, kFaultKinds> counts_{};
  std::set<ProcessId> torn_down_;
};

}  // namespace souk::sim
