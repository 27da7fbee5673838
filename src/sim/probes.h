// Rare cases that the swarm must come upon, or its seeds are worth little: each is a place in the
// life of a cluster where a bug would hide. Seen from outside, by what machines say and log.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "sim/world.h"

namespace souk::sim {

class Probes final : public Observer {
 public:
  explicit Probes(const World& world) : world_(world) {}

  // All there are, whether or not they were hit.
  static const std::set<std::string, std::less<>>& all();
  const std::set<std::string, std::less<>>& hit() const { return hit_; }

  void on_event(const MasterProcess& p, const master::Event& e) override;
  void on_effects(const MasterProcess& p, const master::Effects& e) override;
  void on_event(const AgentProcess& p, const agent::Event& e) override;
  void on_effects(const AgentProcess& p, const agent::Effects& e) override;
  void on_event(const SchedulerProcess& p, const scheduler::Event& e) override;
  void on_leads(const MasterProcess& p, uint64_t epoch) override;
  void on_note(const Process& p, std::string_view text) override;

 private:
  void hit(std::string_view probe);
  void see(const TaskStatus& status);
  void see(const AgentProcess& agent, const protocol::to_master::StatusUpdate& update);

  const World& world_;
  std::set<std::string, std::less<>> hit_;
  std::set<std::pair<ProcessId, Uuid>> told_;  // updates, by their agents
};

}  // namespace souk::sim
