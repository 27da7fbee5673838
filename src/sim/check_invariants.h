// The machines' own word on their books: broken_invariant() after the steps of masters, agents and
// schedulers, and on occasion of candidates and souk-executors.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/checker.h"

namespace souk::sim {

class InvariantsChecker final : public Checker {
 public:
  // Asks after each `every`th step of each process: it walks over all there is. REQUIRES above 0.
  explicit InvariantsChecker(const World& world, uint64_t every = 1)
      : Checker(world), every_(every) {}

  std::string_view name() const override { return "invariants"; }

  void on_effects(const MasterProcess& master, const master::Effects& effects) override;
  void on_effects(const AgentProcess& agent, const agent::Effects& effects) override;
  void on_effects(const SchedulerProcess& scheduler, const scheduler::Effects& effects) override;
  void at_end(bool healed) override;

  // For tests: as if a machine had said this.
  void found(const Process& process, std::string_view what, std::optional<std::string> broken);

 private:
  bool due(const Process& process);
  void ask(const MasterProcess& master);
  void ask_candidate(const MasterProcess& master);

  const uint64_t every_;
  std::vector<uint64_t> steps_;  // by process
};

}  // namespace souk::sim
