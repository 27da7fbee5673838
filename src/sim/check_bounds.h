// Bounded memory: what peers can make grow stays within its named bound, in agents, masters and on
// the wires; and no single step orders more than in proportion to what there is.
#pragma once

#include <cstdint>

#include "sim/checker.h"

namespace souk::sim {

class BoundsChecker final : public Checker {
 public:
  // Looks at all there is each so many steps, and in the end.
  explicit BoundsChecker(const World& world, uint64_t every = 1'000)
      : Checker(world), every_(every) {}

  std::string_view name() const override { return "bounds"; }

  void on_effects(const MasterProcess& master, const master::Effects& effects) override;
  void on_effects(const AgentProcess& agent, const agent::Effects& effects) override;
  void on_effects(const SchedulerProcess& scheduler, const scheduler::Effects& effects) override;
  void at_end(bool healed) override;

  // Of one process or of the world; for tests too.
  void check(const Process& process, std::string_view what, std::size_t size, std::size_t most);

 private:
  void check_step(const Process& process, std::size_t effects);
  void look();
  void look_at(const AgentProcess& agent);
  void look_at(const MasterProcess& master);

  const uint64_t every_;
  uint64_t steps_ = 0;
};

}  // namespace souk::sim
