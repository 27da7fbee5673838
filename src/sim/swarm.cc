#include "sim/swarm.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/checkers.h"
#include "sim/faults.h"
#include "sim/liveness.h"
#include "sim/probes.h"
#include "sim/swarm_world.h"
#include "sim/timeline.h"
#include "workloads/idle.h"

namespace souk::sim {
namespace {

// How often the liveness phase looks whether all is done.
constexpr Duration kLook = 1s;

// Two runs of one seed must come to the same: over every event, and when it happened.
class Digester final : public Observer {
 public:
  explicit Digester(const Queue& queue) : queue_(queue) {}

  void on_event(const MasterProcess& p, const master::Event& e) override { add(p, e.index()); }
  void on_effects(const MasterProcess& p, const master::Effects& e) override { add(p, e.size()); }
  void on_event(const AgentProcess& p, const agent::Event& e) override { add(p, e.index()); }
  void on_effects(const AgentProcess& p, const agent::Effects& e) override { add(p, e.size()); }
  void on_event(const SchedulerProcess& p, const scheduler::Event& e) override {
    add(p, e.index());
  }
  void on_effects(const SchedulerProcess& p, const scheduler::Effects& e) override {
    add(p, e.size());
  }
  void on_task_process(const AgentProcess& p, const ContainerId& container, std::string_view name,
                       bool began) override {
    digest_.add(container.value).add(name);
    add(p, began ? 1 : 0);
  }
  void on_note(const Process&, std::string_view text) override { digest_.add(text); }

  std::string hex() const { return digest_.hex(); }

 private:
  void add(const Process& process, std::size_t what) {
    digest_.add(queue_.now().time_since_epoch().count()).add(process.id().value).add(what);
  }

  const Queue& queue_;
  Digest digest_;
};

std::optional<std::string> violation(const std::vector<std::unique_ptr<Checker>>& checkers) {
  for (const auto& checker : checkers) {
    if (checker->violation()) {
      return fmt::format("{}: {}", checker->name(), *checker->violation());
    }
  }
  return std::nullopt;
}

// What the leader says of those whose work is not done.
std::string explanations(const World& world) {
  std::string text;
  for (const auto& scheduler : world.schedulers()) {
    if (world.leader() == nullptr || !scheduler->options().finite || scheduler->ended() ||
        scheduler->workload().done()) {
      continue;
    }
    text += fmt::format("{} as explained by the leader: {}\n", scheduler->name(),
                        world.leader()->explain(scheduler->framework()));
  }
  return text;
}

// All that ran is ended; then a newcomer must be offered all there is. Nothing: it was.
std::optional<std::string> leak(World& world) {
  for (const auto& scheduler : world.schedulers()) scheduler->tear_down();
  auto sitter = std::make_unique<workloads::Sitter>(
      workloads::FrameworkOptions{.name = "last", .failover_timeout = 1s});
  const workloads::Sitter& newcomer = *sitter;
  world.add_scheduler({}, std::move(sitter));
  const auto missing = [&]() -> std::optional<std::string> {
    std::map<std::string, Resources> offered;
    for (const Offer& offer : newcomer.offers()) offered[offer.agent_id.value] += offer.resources;
    for (const auto& agent : world.agents()) {
      const Resources& all = agent->options().machine.agent.resources;
      const Resources& got = offered[agent->machine()->state().agent_id.value];
      if (got != all) {
        return fmt::format("of {} only [{}] of [{}] is offered to the only framework",
                           agent->name(), got.to_string(), all.to_string());
      }
    }
    return std::nullopt;
  };
  // Frameworks that could not say that they end are removed when their failover_timeout is over.
  if (world.run_until(world.now() + 3h, [&] { return !missing(); })) return std::nullopt;
  return missing();
}

}  // namespace

Outcome run(const Plan& plan, const RunOptions& options) {
  World world({.seed = plan.seed, .through_wire = plan.through_wire});
  Digester digester(world.queue());
  Timeline timeline(world.queue(), options.timeline);
  world.add_observer(digester);
  if (options.timeline > 0) world.add_observer(timeline);
  Probes probes(world);
  world.add_observer(probes);
  const auto checkers = all_checkers(world);
  for (const auto& checker : checkers) world.add_observer(*checker);
  populate(world, plan, options);
  FaultInjector faults(world, [&](const std::string& text) { timeline.note(text); });
  faults.schedule(plan.faults);

  Outcome outcome{.seed = plan.seed};
  world.run_until(MonoTime(plan.safety));
  faults.heal();
  timeline.note("all is healed");
  const MonoTime limit = world.now() + plan.liveness;
  bool quotas_gone = false;
  std::optional<std::string> missing;
  while (world.now() < limit && !world.queue().stalled() && !violation(checkers)) {
    world.run_for(kLook);
    // Nothing that operators did may hold anybody up for ever.
    if (!quotas_gone && world.leader() != nullptr) {
      quotas_gone = world.leader()->call(without_quotas());
    }
    missing = not_yet(world);
    if (!missing) break;
  }
  for (const auto& checker : checkers) checker->at_end(!missing);
  if (!missing && !violation(checkers)) {
    if (auto leaked = leak(world)) outcome.failure = "leak: " + *leaked;
  }
  if (auto wrong = violation(checkers)) {
    outcome.failure = std::move(wrong);
  } else if (world.queue().stalled()) {
    outcome.failure = "stall: time does not pass any more";
  } else if (missing) {
    outcome.failure = fmt::format("liveness: {:.0f} s after all was healed {}",
                                  to_seconds(plan.liveness), *missing);
  }
  outcome.digest = digester.hex();
  outcome.simulated = world.now().time_since_epoch();
  outcome.steps = world.steps();
  outcome.faults = faults.counts();
  outcome.probes = probes.hit();
  if (options.timeline > 0) {
    outcome.timeline = timeline.to_string();
    if (outcome.failure) outcome.timeline += explanations(world);
  }
  return outcome;
}

}  // namespace souk::sim
