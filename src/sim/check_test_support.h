// For tests of checkers: random worlds that they look at, and a quiet one to be told lies about.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/checkers.h"
#include "sim/faults.h"
#include "sim/liveness.h"
#include "sim/swarm_world.h"

namespace souk::sim {

inline std::optional<std::string> first_violation(
    const std::vector<std::unique_ptr<Checker>>& checkers) {
  for (const auto& checker : checkers) {
    if (!checker->violation()) continue;
    return fmt::format("{}: {}", checker->name(), *checker->violation());
  }
  return std::nullopt;
}

// What the checkers have to say of this plan's world, or what never came about in it.
// `also`: called with the world before it is populated; what it gives looks on too.
inline std::optional<std::string> judge(
    const Plan& plan,
    const std::function<std::unique_ptr<Observer>(World&)>& also = [](World&) { return nullptr; }) {
  World world({.seed = plan.seed, .through_wire = plan.through_wire});
  const auto checkers = all_checkers(world);
  for (const auto& checker : checkers) world.add_observer(*checker);
  const std::unique_ptr<Observer> another = also(world);
  populate(world, plan, {});
  FaultInjector faults(world, [](const std::string&) {});
  faults.schedule(plan.faults);
  world.run_until(MonoTime(plan.safety));
  faults.heal();
  const MonoTime limit = world.now() + plan.liveness;
  std::optional<std::string> missing = "nothing has happened";
  bool quotas_gone = false;
  while (missing && world.now() < limit) {
    world.run_for(1s);
    if (auto violation = first_violation(checkers)) return violation;
    if (!quotas_gone && world.leader() != nullptr) {
      quotas_gone = world.leader()->call(without_quotas());
    }
    missing = not_yet(world);
  }
  for (const auto& checker : checkers) checker->at_end(!missing);
  if (auto violation = first_violation(checkers)) return violation;
  return missing;
}

}  // namespace souk::sim
