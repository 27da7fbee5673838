// The leader's soft state (§3.6) is what its agents know: each task and executor of an agent that
// is registered, in the same state, and nothing else.
//
// What is on its way makes a difference for a moment. So during a run one counts only if it stays:
// with the same leader, over the same link, and with the task's framework subscribed, for longer
// than a link can be dead without an end noticing. At the end of a healed run any counts.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "protocol/master_view.h"
#include "sim/checker.h"

namespace souk::sim {

struct Difference {
  ProcessId agent;
  FrameworkId framework;
  std::string what;  // with the task's or executor's id
  auto operator<=>(const Difference&) const = default;
};

// Of the agents that are registered with this leader, in their order. `view` is the leader's.
std::vector<Difference> soft_state_differences(const World& world,
                                               const protocol::MasterView& view);

class SoftStateChecker final : public Checker {
 public:
  // `patience`: see above; with the default pings a dead link is found in 75 s.
  explicit SoftStateChecker(const World& world, Duration patience = 160s, Duration every = 30s)
      : Checker(world), patience_(patience), every_(every) {}

  std::string_view name() const override { return "soft state"; }

  void on_effects(const MasterProcess& master, const master::Effects& effects) override;
  void at_end(bool healed) override;

 private:
  // What must not have changed meanwhile: the master, its epoch, the agent's life and link.
  using Setting = std::tuple<ProcessId, uint64_t, uint32_t, uint64_t>;
  struct Seen {
    Setting setting;
    MonoTime since;
    auto operator<=>(const Seen&) const = default;
  };

  void look(const MasterProcess& leader);

  const Duration patience_;
  const Duration every_;
  MonoTime next_;
  std::map<Difference, Seen> seen_;
};

}  // namespace souk::sim
