// For tests of checkers: a cluster in which all that usually goes wrong does, and a quiet one to be
// told lies about.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/check_liveness.h"
#include "sim/checkers.h"
#include "sim/draw.h"
#include "sim/world.h"
#include "workloads/elastic.h"
#include "workloads/idle.h"
#include "workloads/service.h"
#include "workloads/slot_jobs.h"

namespace souk::sim {

inline Resources bag(std::string_view text) { return Resources::parse(text).value(); }

inline AgentProcessOptions agent_of(std::string_view resources, int number) {
  AgentProcessOptions options;
  options.machine.agent.hostname = fmt::format("host{}", number);
  options.machine.agent.ip = "10.0.0.1";
  options.machine.agent.port = 5051;
  options.machine.agent.resources = bag(resources);
  options.machine.version = "0.1.0";
  return options;
}

// Three masters, some agents, frameworks of several kinds; and the faults.
class Rough {
 public:
  explicit Rough(uint64_t seed, const CheckerOptions& options = {})
      : world({.seed = seed}), rng_(world.rng("rough")), checkers(all_checkers(world, options)) {
    for (const auto& checker : checkers) world.add_observer(*checker);
    world.add_zoo({.cluster_id = "test"});
    for (int i = 0; i < 3; ++i) {
      MasterProcessOptions master;
      master.zoo = world.zoo()->id();
      world.add_master(master);
    }
    for (int i = 0; i < 4; ++i) add_agent(i);
    add("e0", std::make_unique<workloads::Elastic>(elastic("e0"), world.rng("e0")), true);
    add("e1", std::make_unique<workloads::Elastic>(elastic("e1"), world.rng("e1")), true);
    add("s",
        std::make_unique<workloads::Service>(workloads::ServiceOptions{
            .framework = {.name = "s"}, .demand = bag("cpus:1;mem:64"), .instances = 3}),
        false);
    add("j",
        std::make_unique<workloads::SlotJobs>(
            workloads::SlotJobsOptions{.framework = {.name = "j"},
                                       .demand = bag("cpus:1;mem:32"),
                                       .jobs = {{.arrival = 0s, .slots = 2, .length = 20s},
                                                {.arrival = 30s, .slots = 4, .length = 10s}},
                                       .mode = workloads::SlotMode::kAtOnce}),
        true);
    add("d", std::make_unique<workloads::Decliner>(workloads::FrameworkOptions{.name = "d"}),
        false);
  }

  // Faults for so long, then healing; what is missing after at most so long.
  std::optional<std::string> run(Duration rough, Duration smooth) {
    const MonoTime end = world.now() + rough;
    while (world.now() < end) {
      world.run_for(draw_between(rng_, 100ms, 15s));
      if (violation()) return violation();
      fault();
    }
    heal();
    const MonoTime limit = world.now() + smooth;
    auto missing = not_yet(world, finite);
    while (missing && world.now() < limit) {
      world.run_for(1s);
      missing = not_yet(world, finite);
    }
    for (const auto& checker : checkers) checker->at_end(!missing);
    if (violation()) return violation();
    return missing;
  }

  std::optional<std::string> violation() const {
    for (const auto& checker : checkers) {
      if (checker->violation()) {
        return fmt::format("{}: {}", checker->name(), *checker->violation());
      }
    }
    return std::nullopt;
  }

 private:
  void add_agent(int number) {
    AgentProcessOptions options = agent_of("cpus:4;mem:1024;ports:[31000-31009]", number);
    if (number == 3) {
      options.machine.agent.short_slots = bag("cpus:2;mem:128");
      options.machine.agent.short_slot_limit = 5s;
    }
    HostTuning tuning;
    tuning.launch_fails = 10'000;
    tuning.task_crashes = 20'000;
    tuning.deaf_to_sigterm = 100'000;
    world.add_agent(options).set_tuning(tuning);
  }

  static workloads::ElasticOptions elastic(const std::string& name) {
    return {.framework = {.name = name},
            .demand = bag("cpus:1;mem:32"),
            .lengths = workloads::Lengths::exponential(8s),
            .tasks = 120};
  }

  void add(std::string_view name, std::unique_ptr<workloads::Workload> workload, bool is_finite) {
    static_cast<void>(name);
    SchedulerProcess& added = world.add_scheduler({}, std::move(workload));
    if (is_finite) finite.insert(added.id());
  }

  void fault() {
    const auto& masters = world.masters();
    AgentProcess& agent = *world.agents()[rng_.below(world.agents().size())];
    MasterProcess& master = *masters[rng_.below(masters.size())];
    SchedulerProcess& scheduler = *world.schedulers()[rng_.below(world.schedulers().size())];
    switch (rng_.below(12)) {
      case 0:
        return agent.crash();
      case 1:
        return agent.lose_power();
      case 2:
      case 3:
      case 4:
        return start_all();
      case 5:
        return master.crash(rng_.below(2) == 0);
      case 6:
        return scheduler.crash(rng_.below(2) == 0);
      case 7:
        return world.network().block(agent.id(), master.id());
      case 8:
        return world.network().block(scheduler.id(), master.id());
      case 9:
        return world.network().cut(agent.id(), master.id());
      case 10:
        return world.network().block(master.id(), world.zoo()->id());
      default:
        return world.network().unblock_all();
    }
  }

  void start_all() {
    for (const auto& each : world.masters()) {
      if (!each->up()) each->start();
    }
    for (const auto& each : world.agents()) each->start();
    for (const auto& each : world.schedulers()) each->start();
  }

  void heal() {
    world.network().unblock_all();
    start_all();
  }

 public:
  World world;

 private:
  Rng rng_;

 public:
  std::vector<std::unique_ptr<Checker>> checkers;
  std::set<ProcessId> finite;
};

}  // namespace souk::sim
