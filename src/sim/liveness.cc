#include "sim/liveness.h"

#include <fmt/format.h>

#include <algorithm>

namespace souk::sim {

std::optional<std::string> not_yet(World& world) {
  const auto leaders =
      std::ranges::count_if(world.masters(), [](const auto& m) { return m->leads(); });
  if (leaders != 1) return fmt::format("{} masters lead", leaders);
  for (const auto& agent : world.agents()) {
    if (!agent->up()) return fmt::format("{} is down", agent->name());
    if (agent->machine()->state().link.stage != agent::Link::Stage::kRegistered) {
      return fmt::format("{} is not registered", agent->name());
    }
  }
  for (const auto& scheduler : world.schedulers()) {
    if (scheduler->ended()) continue;
    if (!scheduler->subscribed()) return fmt::format("{} is not subscribed", scheduler->name());
    if (scheduler->options().finite && !scheduler->workload().done()) {
      return fmt::format("{} has not done its work", scheduler->name());
    }
  }
  return std::nullopt;
}

}  // namespace souk::sim
