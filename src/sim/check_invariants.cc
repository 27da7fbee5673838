#include "sim/check_invariants.h"

#include "sim/leadership.h"

namespace souk::sim {

bool InvariantsChecker::due(const Process& process) {
  const std::size_t at = process.id().value;
  if (steps_.size() <= at) steps_.resize(at + 1);
  return ++steps_[at] % every_ == 0;
}

void InvariantsChecker::found(const Process& process, std::string_view what,
                              std::optional<std::string> broken) {
  if (broken) ring(process, "its {} is broken: {}", what, *broken);
}

void InvariantsChecker::ask(const MasterProcess& master) {
  if (master.machine() != nullptr) found(master, "machine", master.machine()->broken_invariant());
  ask_candidate(master);
}

void InvariantsChecker::ask_candidate(const MasterProcess& master) {
  if (master.leadership() == nullptr) return;
  found(master, "candidate", master.leadership()->candidate().broken_invariant());
}

void InvariantsChecker::on_effects(const MasterProcess& master, const master::Effects&) {
  if (due(master)) ask(master);
}

void InvariantsChecker::on_effects(const AgentProcess& agent, const agent::Effects&) {
  if (!due(agent)) return;
  found(agent, "machine", agent.machine()->broken_invariant());
  for (const auto& [id, container] : agent.containers()) {
    found(agent, "souk-executor", container->machine().broken_invariant());
  }
  // Standbys have no steps that are seen.
  for (const auto& master : world().masters()) {
    if (master->machine() == nullptr) ask_candidate(*master);
  }
}

void InvariantsChecker::on_effects(const SchedulerProcess& scheduler, const scheduler::Effects&) {
  if (due(scheduler)) found(scheduler, "machine", scheduler.machine()->broken_invariant());
}

void InvariantsChecker::at_end(bool) {
  for (const auto& master : world().masters()) ask(*master);
  for (const auto& agent : world().agents()) {
    if (agent->machine() == nullptr) continue;
    found(*agent, "machine", agent->machine()->broken_invariant());
    for (const auto& [id, container] : agent->containers()) {
      found(*agent, "souk-executor", container->machine().broken_invariant());
    }
  }
  for (const auto& scheduler : world().schedulers()) {
    if (scheduler->machine() == nullptr) continue;
    found(*scheduler, "machine", scheduler->machine()->broken_invariant());
  }
}

}  // namespace souk::sim
