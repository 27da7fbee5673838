#include "sim/check_conservation.h"

#include <array>

namespace souk::sim {

ConservationChecker::ConservationChecker(const World& world) : Checker(world), books_(world) {
  books_.add(*this);
}

// --- by the leader's words

void ConservationChecker::on_leads(const MasterProcess& master, uint64_t epoch) {
  books_.on_leads(master, epoch);
}

void ConservationChecker::on_event(const MasterProcess& master, const master::Event& event) {
  books_.on_event(master, event);
}

void ConservationChecker::on_effects(const MasterProcess& master, const master::Effects& effects) {
  books_.on_effects(master, effects);
}

void ConservationChecker::on_offer(const Reign& reign, const BookAgent& agent,
                                   const BookOffer& offer, bool fits) {
  if (!agent.link) {
    return ring(*reign.master, "offer {} is of agent {}, which is not registered", offer.id,
                offer.agent);
  }
  if (fits) return;
  ring(*reign.master,
       "offer {} of {} on agent {} is more than is left there, or was made before: it has {}, with "
       "{} tasks, {} executors and {} offers",
       offer.id, offer.resources.to_string(), offer.agent,
       agent.pools[offer.short_slots ? 1 : 0].total.to_string(), agent.tasks.size(),
       agent.executors.size(), agent.offers.size());
}

void ConservationChecker::on_run(const Reign& reign, const BookAgent* agent, const BookAnswer*,
                                 const protocol::to_agent::RunTasks& run, const Resources& needed,
                                 bool fits) {
  if (fits || agent == nullptr) return;
  ring(*reign.master, "executor {} is to run with {} on agent {}, which is more than is left there",
       run.executor.id, needed.to_string(), agent->id);
}

// --- by what runs

void ConservationChecker::on_event(const AgentProcess& agent, const agent::Event& event) {
  const auto* said = std::get_if<agent::event::MasterSaid>(&event);
  if (said == nullptr) return;
  const protocol::MasterMessage& message = said->frame.message;
  if (const auto* end = std::get_if<protocol::to_agent::ShutdownFramework>(&message)) {
    hosts_[agent.id()].leaving.insert(end->framework_id);
  }
}

void ConservationChecker::on_effects(const AgentProcess& agent, const agent::Effects& effects) {
  for (const agent::Effect& effect : effects) {
    if (const auto* launch = std::get_if<agent::effect::LaunchProcesses>(&effect)) {
      Host& host = hosts_[agent.id()];
      const ContainerId& container = launch->sandbox.container;
      // An executor holds its resources as long as its container is there; it is weighed with the
      // first of its processes.
      if (launch->kind == agent::ContainerKind::kCustom) {
        host.processes.try_emplace({container, launch->executor.id.value},
                                   Process{launch->framework.id, launch->executor.resources});
      }
      for (const TaskSpec& task : launch->tasks) {
        host.processes.try_emplace(
            {container, task.id.value},
            Process{launch->framework.id, task.resources, host.in_short_slots.contains(task.id)});
      }
    } else if (const auto* persist = std::get_if<agent::effect::Persist>(&effect)) {
      const auto* added = std::get_if<agent::checkpoint::TasksAdded>(&persist->operation);
      if (added == nullptr) continue;
      for (const protocol::TaskRecord& task : added->tasks) {
        if (task.short_slot) hosts_[agent.id()].in_short_slots.insert(task.spec.id);
      }
    }
  }
}

void ConservationChecker::on_task_process(const AgentProcess& agent, const ContainerId& container,
                                          std::string_view name, bool began) {
  Host& host = hosts_[agent.id()];
  const auto at = host.processes.find({container, std::string(name)});
  if (at == host.processes.end()) return;
  if (!began) {
    host.in_short_slots.erase(TaskId(std::string(name)));
    host.processes.erase(at);
    return;
  }
  at->second.runs = true;
  weigh(agent, host);
}

void ConservationChecker::weigh(const AgentProcess& agent, const Host& host) {
  const AgentInfo& info = agent.options().machine.agent;
  std::array<Resources, 2> left{info.resources, info.short_slots};
  for (const auto& [key, process] : host.processes) {
    if (!process.runs || host.leaving.contains(process.framework)) continue;
    Resources& pool = left[process.short_slot ? 1 : 0];
    if (!pool.contains(process.resources)) {
      return ring(agent, "'{}' runs with {}, but only {} is left by the others that run",
                  key.second, process.resources.to_string(), pool.to_string());
    }
    pool -= process.resources;
  }
}

}  // namespace souk::sim
