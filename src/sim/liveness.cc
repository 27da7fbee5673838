#include "sim/liveness.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "protocol/master_view.h"
#include "sim/check_soft_state.h"
#include "workloads/framework.h"

namespace souk::sim {
namespace {

using Missing = std::optional<std::string>;

Missing leader_missing(const World& world) {
  const auto leading =
      std::ranges::count_if(world.masters(), [](const auto& master) { return master->leads(); });
  if (leading == 1) return std::nullopt;
  return fmt::format("{} masters lead", leading);
}

Missing agent_missing(const World& world, const protocol::MasterView& view) {
  for (const auto& agent : world.agents()) {
    if (!agent->up()) return fmt::format("{} is down", agent->name());
    const agent::State& state = agent->machine()->state();
    const auto at = std::ranges::find(
        view.agents, state.agent_id,
        [](const protocol::AgentSummary& each) -> const AgentId& { return each.info.id; });
    const bool registered = state.link.stage == agent::Link::Stage::kRegistered;
    if (!registered || state.epoch != view.epoch || at == view.agents.end() || !(*at)->active) {
      return fmt::format("{} is not registered", agent->name());
    }
  }
  return std::nullopt;
}

// Whether there is something that it could be offered: more than the usual minimum is in nobody's
// use.
bool has_room(const protocol::MasterView& view) {
  return std::ranges::any_of(view.agents, [](const protocol::AgentSummary& agent) {
    if (!agent.active || !agent.info.resources.contains(agent.used)) return false;
    const Resources left = agent.info.resources - agent.used;
    return left.scalar(kCpus).thousandths >= 10 && left.scalar(kMem).thousandths >= 32'000;
  });
}

Missing framework_missing(const World& world, const protocol::MasterView& view) {
  const bool quotas = !view.roles->quotas.empty();
  for (const auto& scheduler : world.schedulers()) {
    if (scheduler->ended()) continue;
    const auto at = std::ranges::find(view.frameworks, scheduler->framework(),
                                      [](const auto& each) { return each.info.id; });
    if (!scheduler->subscribed() || at == view.frameworks.end() || !at->active) {
      return fmt::format("{} is not subscribed", scheduler->name());
    }
    const workloads::Workload& workload = scheduler->workload();
    if (scheduler->options().finite && !workload.done()) {
      return fmt::format(
          "{} is not done: it has {} tasks and {} offers, is suppressed in [{}], in roles [{}]",
          scheduler->name(), at->tasks.size(), at->offers.size(),
          fmt::join(at->suppressed_roles, " "), fmt::join(at->info.roles, " "));
    }
    const auto* framework = dynamic_cast<const workloads::Framework*>(&workload);
    if (framework == nullptr || !framework->wants_offers() || quotas) continue;
    if (framework->totals().offers == 0 && framework->running() == 0 && has_room(view)) {
      return fmt::format("{} was never offered anything", scheduler->name());
    }
  }
  return std::nullopt;
}

// A task that its scheduler believes to run on an agent that is there: the master knows it.
Missing task_missing(const World& world, const protocol::MasterView& view) {
  for (const auto& scheduler : world.schedulers()) {
    if (scheduler->ended() || !scheduler->up() || scheduler->open_tasks().empty()) continue;
    const auto at = std::ranges::find(view.frameworks, scheduler->framework(),
                                      [](const auto& each) { return each.info.id; });
    if (at == view.frameworks.end()) continue;
    std::set<TaskId> known;
    for (const protocol::TaskView& task : at->tasks) known.insert(task.spec->id);
    for (const auto& [task, agent] : scheduler->open_tasks()) {
      if (known.contains(task)) continue;
      const auto there = std::ranges::find(
          view.agents, agent, [](const Piece<protocol::AgentSummary>& each) -> const AgentId& {
            return each->info.id;
          });
      if (there == view.agents.end()) continue;
      return fmt::format("task {} is open to {} and unknown to the master", task,
                         scheduler->name());
    }
  }
  return std::nullopt;
}

bool knows(const agent::State& state, const FrameworkId& id, const TaskId& task) {
  const auto framework = state.frameworks.find(id);
  return framework != state.frameworks.end() && framework->second.tasks.contains(task);
}

Missing stray_process(const World& world) {
  for (const auto& agent : world.agents()) {
    for (const auto& [id, container] : agent->containers()) {
      if (container->processes().empty()) continue;
      const std::string& name = container->processes().begin()->first;
      if (!agent->up()) {
        return fmt::format("'{}' runs on {}, which is down", name, agent->name());
      }
      const agent::State& state = agent->machine()->state();
      if (!state.containers.contains(id)) {
        return fmt::format("'{}' runs in container {} on {}, which does not know it", name, id,
                           agent->name());
      }
      if (container->kind() == agent::ContainerKind::kCustom) continue;
      for (const auto& [process, run] : container->processes()) {
        if (knows(state, container->framework(), TaskId(process))) continue;
        return fmt::format("task {} runs on {}, which does not know it", process, agent->name());
      }
    }
  }
  return std::nullopt;
}

}  // namespace

Missing not_yet(const World& world) {
  if (auto missing = leader_missing(world)) return missing;
  const protocol::MasterView view = world.leader()->machine()->view();
  if (!view.recovered) return "the leader has not read its registry";
  if (auto missing = agent_missing(world, view)) return missing;
  if (auto missing = framework_missing(world, view)) return missing;
  if (auto missing = task_missing(world, view)) return missing;
  if (auto missing = stray_process(world)) return missing;
  const std::vector<Difference> differences = soft_state_differences(world, view);
  if (differences.empty()) return std::nullopt;
  const Difference& first = differences.front();
  return fmt::format("{}: {}", world.find(first.agent)->name(), first.what);
}

}  // namespace souk::sim
