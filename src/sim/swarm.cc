#include "sim/swarm.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/faults.h"
#include "sim/liveness.h"
#include "sim/swarm_world.h"
#include "sim/timeline.h"

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

}  // namespace

Outcome run(const Plan& plan, const RunOptions& options) {
  World world({.seed = plan.seed, .through_wire = plan.through_wire});
  Digester digester(world.queue());
  Timeline timeline(world.queue(), options.timeline);
  world.add_observer(digester);
  if (options.timeline > 0) world.add_observer(timeline);
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
  while (world.now() < limit) {
    world.run_for(kLook);
    // Nothing that operators did may hold anybody up for ever.
    if (!quotas_gone && world.leader() != nullptr) {
      quotas_gone = world.leader()->call(without_quotas());
    }
    missing = not_yet(world);
    if (!missing) break;
  }
  if (missing) {
    outcome.failure = fmt::format("liveness: {:.0f} s after all was healed {}",
                                  to_seconds(plan.liveness), *missing);
  }
  outcome.digest = digester.hex();
  outcome.simulated = world.now().time_since_epoch();
  outcome.steps = world.steps();
  outcome.faults = faults.counts();
  if (options.timeline > 0) outcome.timeline = timeline.to_string();
  return outcome;
}

}  // namespace souk::sim
