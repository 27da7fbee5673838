#include "sim/check_bounds.h"

#include "master/options.h"
#include "protocol/master_view.h"
#include "sim/network.h"

namespace souk::sim {
namespace {

// What one step may order in any world, and for each thing in it.
constexpr std::size_t kMostEffects = 1'000;
constexpr std::size_t kMostEffectsEach = 20;
// Ends of connections, of each process with each master and with the coordination service.
constexpr std::size_t kMostWires = 16;
// An update that is terminal, and those that the agent makes itself, are taken beyond the bound.
constexpr std::size_t kUpdatesBeyond = 3;

}  // namespace

void BoundsChecker::check(const Process& process, std::string_view what, std::size_t size,
                          std::size_t most) {
  if (size > most) ring(process, "{}: {}, and at most {} may be", what, size, most);
}

void BoundsChecker::check_step(const Process& process, std::size_t effects) {
  if (effects > kMostEffects) {
    std::size_t things = world().agents().size() + world().schedulers().size();
    for (const auto& scheduler : world().schedulers()) things += scheduler->open_tasks().size();
    for (const auto& agent : world().agents()) {
      if (agent->machine() != nullptr) things += agent->machine()->state().task_count;
    }
    check(process, "effects of one step", effects, kMostEffects + kMostEffectsEach * things);
  }
  if (++steps_ % every_ == 0) look();
}

void BoundsChecker::on_effects(const MasterProcess& master, const master::Effects& effects) {
  check_step(master, effects.size());
}
void BoundsChecker::on_effects(const AgentProcess& agent, const agent::Effects& effects) {
  check_step(agent, effects.size());
}
void BoundsChecker::on_effects(const SchedulerProcess& scheduler,
                               const scheduler::Effects& effects) {
  check_step(scheduler, effects.size());
}

void BoundsChecker::at_end(bool) { look(); }

void BoundsChecker::look() {
  for (const auto& agent : world().agents()) look_at(*agent);
  for (const auto& master : world().masters()) look_at(*master);
  if (world().masters().empty()) return;
  const Process& first = *world().masters().front();
  check(first, "messages on the way to one end", world().network().most_on_the_way(),
        NetworkOptions{}.max_on_the_way);
  const std::size_t processes =
      world().agents().size() + world().schedulers().size() + world().masters().size();
  check(first, "open wires", world().network().wires(),
        kMostWires * processes * (world().masters().size() + 1));
}

void BoundsChecker::look_at(const AgentProcess& agent) {
  if (agent.machine() == nullptr) return;
  const agent::State& state = agent.machine()->state();
  const agent::Options& options = agent.options().machine;
  check(agent, "tasks", state.task_count, options.max_tasks);
  check(agent, "containers", state.containers.size(), options.max_containers);
  check(agent, "streams", state.streams.size(), state.containers.size());
  check(agent, "sandboxes of ended containers", state.sandboxes.size(), options.max_sandboxes);
  check(agent, "file requests", state.link.file_requests, options.max_file_requests);
  check(agent, "completed tasks", state.completed.size(), options.max_completed_tasks);
  check(agent, "stored sandboxes", agent.disk().ended.size(), options.max_sandboxes + 1);
  for (const auto& [id, framework] : state.frameworks) {
    for (const auto& [task_id, task] : framework.tasks) {
      check(agent, "unacknowledged updates of a task", task.pending.size(),
            options.max_pending_updates + kUpdatesBeyond);
    }
  }
}

void BoundsChecker::look_at(const MasterProcess& master) {
  if (master.machine() == nullptr) return;
  const master::Options defaults;
  const protocol::MasterView view = master.machine()->view();
  check(master, "agents", view.agents.size(), master::kMaxAgents);
  check(master, "frameworks", view.frameworks.size(), master::kMaxFrameworks);
  check(master, "completed frameworks", view.completed_frameworks.size(),
        defaults.max_completed_frameworks);
  for (const protocol::FrameworkView& framework : view.frameworks) {
    check(master, "tasks of a framework", framework.tasks.size(), master::kMaxTasksPerFramework);
    check(master, "completed tasks of a framework", framework.completed_tasks.size(),
          defaults.max_completed_tasks_per_framework);
    check(master, "unreachable tasks of a framework", framework.unreachable_tasks.size(),
          defaults.max_unreachable_tasks_per_framework);
    for (const protocol::TaskView& task : framework.tasks) {
      check(master, "statuses of a task", task.statuses.size(), master::kMaxStatusesPerTask);
    }
  }
}

}  // namespace souk::sim
