#include "sim/usage.h"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

#include "base/check.h"

namespace souk::sim {

void Usage::add_agent(const AgentProcess& agent) {
  agent_numbers_[agent.id().value] = added_.size();
  added_.push_back(&agent);
}

Usage::Amounts Usage::amounts_of(const Resources& resources) const {
  Amounts amounts;
  for (const std::string& name : names_) amounts.push_back(resources.scalar(name).thousandths);
  return amounts;
}

void Usage::add_framework(const SchedulerProcess& scheduler, const workloads::Jobs& workload) {
  if (agents_.empty()) {
    std::set<std::string> names;
    for (const AgentProcess* agent : added_) {
      for (const auto& [each, amount] : quantities_of(agent->options().machine.agent.resources)) {
        names.insert(each);
      }
    }
    names_.assign(names.begin(), names.end());
    totals_.resize(names_.size());
    for (const AgentProcess* agent : added_) {
      Amounts total = amounts_of(agent->options().machine.agent.resources);
      for (std::size_t i = 0; i < total.size(); ++i) totals_[i] += total[i];
      agents_.push_back({std::move(total), Amounts(names_.size())});
    }
  }
  framework_numbers_[scheduler.id().value] = frameworks_.size();
  frameworks_.push_back(
      {&workload, Amounts(names_.size()), std::vector<UsageSum>(names_.size()), world_.now()});
}

void Usage::on_effects(const SchedulerProcess& scheduler, const scheduler::Effects& effects) {
  for (const scheduler::Effect& effect : effects) {
    const auto* sent = std::get_if<scheduler::Send>(&effect);
    const auto* accept =
        sent != nullptr ? std::get_if<protocol::call::Accept>(&sent->call.body) : nullptr;
    if (accept == nullptr) continue;
    for (const auto& operation : accept->operations) {
      const auto* launch = std::get_if<protocol::Launch>(&operation.body);
      if (launch == nullptr) continue;
      for (const TaskSpec& task : launch->tasks) {
        launched_[task.id.value] = {framework_numbers_.at(scheduler.id().value),
                                    amounts_of(task.resources)};
      }
    }
  }
}

// The process of a command task has the task's id for a name.
void Usage::on_task_process(const AgentProcess& agent, const ContainerId&, std::string_view name,
                            bool began) {
  last_change_ = world_.now();
  const auto task = launched_.find(std::string(name));
  SOUK_CHECK(task != launched_.end(), "a task runs that nobody launched");
  running_ += began ? 1 : -1;
  FrameworkUse& framework = frameworks_[task->second.framework];
  AgentUse& host = agents_[agent_numbers_.at(agent.id().value)];
  sum_up(framework);
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const int64_t change = began ? task->second.amounts[i] : -task->second.amounts[i];
    framework.held[i] += change;
    host.held[i] += change;
    SOUK_CHECK(host.held[i] >= 0 && host.held[i] <= host.total[i],
               "a host runs more than it has room for");
  }
  if (!began) launched_.erase(task);
}

void Usage::sum_up(FrameworkUse& framework) const {
  const auto passed = static_cast<UsageSum>((world_.now() - framework.summed).count());
  framework.summed = world_.now();
  for (std::size_t i = 0; i < names_.size(); ++i) framework.sums[i] += framework.held[i] * passed;
}

std::vector<std::vector<UsageSum>> Usage::take_sums() {
  std::vector<std::vector<UsageSum>> all;
  for (FrameworkUse& framework : frameworks_) {
    sum_up(framework);
    all.push_back(std::exchange(framework.sums, std::vector<UsageSum>(names_.size())));
  }
  return all;
}

uint64_t Usage::waiting() const {
  uint64_t tasks = 0;
  for (const FrameworkUse& framework : frameworks_) {
    for (const auto& [demand, count] : framework.workload->waiting()) tasks += count;
  }
  return tasks;
}

std::vector<Usage::Idle> Usage::idle() const {
  std::set<Amounts> demands;
  for (const FrameworkUse& framework : frameworks_) {
    for (const auto& [demand, count] : framework.workload->waiting()) {
      demands.insert(amounts_of(*demand));
    }
  }
  std::vector<Idle> idle(names_.size());
  Amounts free(names_.size());
  for (const AgentUse& agent : agents_) {
    for (std::size_t i = 0; i < free.size(); ++i) free[i] = agent.total[i] - agent.held[i];
    const bool fits = std::ranges::any_of(demands, [&](const Amounts& demand) {
      return std::ranges::equal(demand, free, std::ranges::less_equal());
    });
    for (std::size_t i = 0; i < free.size(); ++i) {
      (demands.empty() ? idle[i].no_work : fits ? idle[i].other : idle[i].too_small) += free[i];
    }
  }
  return idle;
}

}  // namespace souk::sim
