#include "sim/check_soft_state.h"

#include <algorithm>

namespace souk::sim {
namespace {

using TaskKey = std::pair<FrameworkId, TaskId>;
using ExecutorKey = std::pair<FrameworkId, ExecutorId>;

struct Holding {
  std::map<TaskKey, TaskState> tasks;
  std::map<ExecutorKey, bool> executors;
};

std::map<AgentId, Holding> by_agent(const protocol::MasterView& view) {
  std::map<AgentId, Holding> holdings;
  for (const protocol::FrameworkView& framework : view.frameworks) {
    for (const protocol::TaskView& task : framework.tasks) {
      holdings[task.agent_id].tasks[{framework.info.id, task.spec->id}] = task.state;
    }
    for (const protocol::ExecutorView& executor : framework.executors) {
      holdings[executor.agent_id].executors[{framework.info.id, executor.spec->id}] = true;
    }
  }
  return holdings;
}

// What the agent knows, less what is to go with its framework.
Holding holding_of(const agent::State& state) {
  Holding holding;
  for (const auto& [id, framework] : state.frameworks) {
    if (framework.removing) continue;
    for (const auto& [task, known] : framework.tasks) {
      holding.tasks[{id, task}] = known.record.state;
    }
    for (const auto& [executor, container] : framework.executors) {
      holding.executors[{id, executor}] = true;
    }
  }
  return holding;
}

void compare(ProcessId agent, const Holding& master, const Holding& own,
             std::vector<Difference>& differences) {
  const auto differ = [&](const FrameworkId& framework, std::string what) {
    differences.push_back({agent, framework, std::move(what)});
  };
  for (const auto& [key, state] : own.tasks) {
    const auto at = master.tasks.find(key);
    if (at == master.tasks.end()) {
      differ(key.first,
             fmt::format("task {} is {} and unknown to the master", key.second, to_string(state)));
    } else if (at->second != state) {
      differ(key.first, fmt::format("task {} is {}, and to the master {}", key.second,
                                    to_string(state), to_string(at->second)));
    }
  }
  for (const auto& [key, state] : master.tasks) {
    if (own.tasks.contains(key)) continue;
    differ(key.first, fmt::format("task {} is not there, and to the master it is {}", key.second,
                                  to_string(state)));
  }
  for (const auto& [key, there] : own.executors) {
    if (master.executors.contains(key)) continue;
    differ(key.first, fmt::format("executor {} is unknown to the master", key.second));
  }
  for (const auto& [key, there] : master.executors) {
    if (own.executors.contains(key)) continue;
    differ(key.first, fmt::format("executor {} is only known to the master", key.second));
  }
}

bool is_subscribed(const World& world, const FrameworkId& framework) {
  return std::ranges::any_of(world.schedulers(), [&](const auto& scheduler) {
    return scheduler->framework() == framework && scheduler->subscribed();
  });
}

}  // namespace

std::vector<Difference> soft_state_differences(const World& world,
                                               const protocol::MasterView& view) {
  const std::map<AgentId, Holding> known = by_agent(view);
  std::map<AgentId, bool> active;
  for (const protocol::AgentSummary& agent : view.agents) active[agent.info.id] = agent.active;
  std::vector<Difference> differences;
  for (const auto& agent : world.agents()) {
    const agent::Machine* machine = agent->machine();
    if (machine == nullptr || machine->state().epoch != view.epoch) continue;
    if (machine->state().link.stage != agent::Link::Stage::kRegistered) continue;
    const auto at = active.find(machine->state().agent_id);
    if (at == active.end() || !at->second) continue;
    const auto holding = known.find(at->first);
    compare(agent->id(), holding == known.end() ? Holding{} : holding->second,
            holding_of(machine->state()), differences);
  }
  return differences;
}

void SoftStateChecker::on_effects(const MasterProcess& master, const master::Effects&) {
  if (world().now() < next_ || world().leader() != &master) return;
  next_ = world().now() + every_;
  look(master);
}

void SoftStateChecker::look(const MasterProcess& leader) {
  std::map<Difference, Seen> seen;
  for (Difference& difference : soft_state_differences(world(), leader.machine()->view())) {
    if (!is_subscribed(world(), difference.framework)) continue;
    const auto* agent = static_cast<const AgentProcess*>(world().find(difference.agent));
    const Setting setting{leader.id(), leader.epoch(), agent->life(),
                          agent->machine()->state().link.id.value};
    const auto before = seen_.find(difference);
    const bool stays = before != seen_.end() && before->second.setting == setting;
    const MonoTime since = stays ? before->second.since : world().now();
    if (world().now() - since >= patience_) {
      ring(*agent, "{} (framework {}), for {} now", difference.what, difference.framework,
           format_duration(world().now() - since));
    }
    seen.emplace(std::move(difference), Seen{setting, since});
  }
  seen_ = std::move(seen);
}

void SoftStateChecker::at_end(bool healed) {
  const MasterProcess* leader = world().leader();
  if (!healed || leader == nullptr) return;
  for (const Difference& each : soft_state_differences(world(), leader->machine()->view())) {
    ring(*world().find(each.agent), "{} (framework {}), in the end", each.what, each.framework);
  }
}

}  // namespace souk::sim
