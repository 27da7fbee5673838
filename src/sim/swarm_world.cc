#include "sim/swarm_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "sim/draw.h"
#include "workloads/elastic.h"
#include "workloads/idle.h"
#include "workloads/service.h"
#include "workloads/slot_jobs.h"

namespace souk::sim {
namespace {

using workloads::FrameworkOptions;
using workloads::Lengths;

constexpr std::array<std::string_view, 4> kRoles = {"*", "a", "b", "a/x"};

Resources bag(const std::string& text) { return Resources::parse(text).value(); }

template <class T, std::size_t N>
T one_of(Rng& rng, const std::array<T, N>& values) {
  return values[rng.below(N)];
}

// --- masters and agents

allocator::Options draw_allocation(Rng& rng) {
  allocator::Options options;
  options.min_allocatable = {{{"cpus", Scalar{10}}}, {{"mem", Scalar{32'000}}}};
  options.role_weights = {{"b", Scalar{2000}}};
  if (rng.below(4) == 0) {
    options.revocation_delay = draw_between(rng, 2s, 60s);
    options.revocation_grace = draw_between(rng, 1s, 20s);
  }
  options.role_priorities = {{"a", 10}};
  return options;
}

MasterProcessOptions draw_master(Rng& rng, const Plan& plan) {
  MasterProcessOptions options;
  options.allocator = plan.allocator;
  options.allocation = draw_allocation(rng);
  options.cluster_id = "swarm";
  options.machine.role_weights = options.allocation.role_weights;
  options.machine.heartbeat_interval = draw_between(rng, 1s, 15s);
  options.machine.offer_timeout = draw_between(rng, 500ms, 30s);
  options.machine.ping_interval = draw_between(rng, 1s, 15s);
  options.machine.max_missed_pings = static_cast<int>(draw_between(rng, int64_t{2}, int64_t{5}));
  options.machine.agent_reregister_timeout = draw_between(rng, 30s, 600s);
  options.machine.max_offers_per_event = 1 + rng.below(50);
  options.batch = draw_between(rng, 0ns, one_of(rng, std::array<Duration, 3>{0ns, 1ms, 20ms}));
  options.load = draw_between(rng, 100us, 200ms);
  options.store = draw_between(rng, 50us, one_of(rng, std::array<Duration, 2>{2ms, 300ms}));
  options.zoo_session = draw_between(rng, 2s, 10s);
  return options;
}

AgentProcessOptions draw_agent(Rng& rng, int number) {
  AgentProcessOptions options;
  agent::Options& machine = options.machine;
  machine.agent.hostname = fmt::format("host{}", number);
  machine.agent.ip = "10.0.0.2";
  machine.agent.port = 5051;
  machine.agent.resources =
      bag(fmt::format("cpus:{};mem:{};ports:[31000-31009]", 2 + rng.below(4), 256 << rng.below(3)));
  if (rng.below(4) == 0) {
    machine.agent.short_slots = bag("cpus:1;mem:64");
    machine.agent.short_slot_limit = draw_between(rng, 5s, 30s);
  }
  machine.version = "0.1.0";
  machine.executor_registration_timeout = draw_between(rng, 5s, 60s);
  machine.recovery_timeout = draw_between(rng, 10s, 120s);
  machine.redial_most = draw_between(rng, 1s, 10s);
  machine.redial_refused = draw_between(rng, 5s, 30s);
  machine.resend_first = draw_between(rng, 500ms, 10s);
  machine.gc_delay = draw_between(rng, 1s, 1h);
  options.store = draw_between(rng, 20us, one_of(rng, std::array<Duration, 2>{500us, 100ms}));
  return options;
}

HostTuning draw_tuning(Rng& rng) {
  HostTuning tuning;
  tuning.launch = draw_between(rng, 100us, 50ms);
  if (rng.below(3) == 0) tuning.launch_fails = rng.below(50'000);
  if (rng.below(3) == 0) tuning.task_crashes = rng.below(200'000);
  if (rng.below(3) == 0) tuning.deaf_to_sigterm = rng.below(500'000);
  return tuning;
}

// --- frameworks

FrameworkOptions draw_framework(Rng& rng, int number) {
  FrameworkOptions options;
  options.name = fmt::format("f{}", number);
  options.role = one_of(rng, kRoles);
  options.failover_timeout = rng.below(4) == 0 ? draw_between(rng, 1s, 60s) : Duration(1h);
  options.rigid = rng.below(5) == 0;
  options.ask_after = draw_between(rng, 2s, 30s);
  return options;
}

Lengths draw_lengths(Rng& rng) {
  const Duration mean = draw_between(rng, 10ms, one_of(rng, std::array<Duration, 2>{2s, 40s}));
  switch (rng.below(3)) {
    case 0:
      return Lengths::constant(mean);
    case 1:
      return Lengths::exponential(mean);
    default:
      return Lengths::normal(mean, mean / 3);
  }
}

std::optional<Duration> draw_refuse(Rng& rng) {
  if (rng.below(2) == 0) return std::nullopt;
  return draw_between(rng, 0ns, 20s);
}

Resources draw_demand(Rng& rng) {
  return bag(fmt::format("cpus:{};mem:{}", one_of(rng, std::array<double, 3>{0.1, 0.25, 0.5}),
                         8 << rng.below(4)));
}

std::unique_ptr<workloads::Workload> draw_jobs(Rng& rng, FrameworkOptions framework) {
  workloads::SlotJobsOptions options;
  options.framework = std::move(framework);
  options.demand = bag("cpus:0.25;mem:16");
  options.mode =
      one_of(rng, std::array{workloads::SlotMode::kElastic, workloads::SlotMode::kHoarding,
                             workloads::SlotMode::kAtOnce});
  Duration arrival{0};
  for (uint64_t i = rng.below(4) + 1; i > 0; --i) {
    options.jobs.push_back({arrival, 1 + rng.below(4), draw_between(rng, 1s, 30s)});
    arrival += draw_between(rng, 0ns, 60s);
  }
  options.refuse = draw_refuse(rng);
  // Rigid ones that hold slots idle could otherwise wait for each other for ever.
  options.max_jobs = 1;
  return std::make_unique<workloads::SlotJobs>(std::move(options));
}

std::unique_ptr<workloads::Workload> draw_elastic(Rng& rng, FrameworkOptions framework) {
  workloads::ElasticOptions options;
  options.framework = std::move(framework);
  options.demand = draw_demand(rng);
  options.lengths = draw_lengths(rng);
  options.tasks = 1 + rng.below(60);
  if (rng.below(3) == 0) options.slots_max = 1 + rng.below(8);
  options.max_tasks_per_offer = 1 + rng.below(8);
  options.refuse = draw_refuse(rng);
  options.suppresses = rng.below(2) == 0;
  return std::make_unique<workloads::Elastic>(std::move(options), rng.fork("elastic"));
}

// Endless, for there may be no such slots.
std::unique_ptr<workloads::Workload> draw_short(Rng& rng, FrameworkOptions framework) {
  workloads::ElasticOptions options;
  options.framework = std::move(framework);
  options.framework.short_slots = true;
  options.demand = bag("cpus:0.25;mem:16");
  options.lengths = Lengths::exponential(draw_between(rng, 1s, 30s));
  return std::make_unique<workloads::Elastic>(std::move(options), rng.fork("short"));
}

struct Drawn {
  std::unique_ptr<workloads::Workload> workload;
  bool finite = false;
  bool idle = false;
};

Drawn draw_workload(Rng& rng, int number) {
  FrameworkOptions framework = draw_framework(rng, number);
  switch (rng.below(10)) {
    case 0: {
      workloads::ServiceOptions options;
      options.framework = std::move(framework);
      options.demand = bag("cpus:0.1;mem:8");
      options.instances = 1 + rng.below(2);
      options.length = draw_between(rng, 10s, 1h);
      options.refuse = draw_refuse(rng);
      return {std::make_unique<workloads::Service>(std::move(options))};
    }
    case 1:
      return {std::make_unique<workloads::Decliner>(std::move(framework), draw_refuse(rng))};
    case 2:
      return {std::make_unique<workloads::Sitter>(std::move(framework)), false, true};
    case 3:
      return {draw_short(rng, std::move(framework))};
    case 4:
    case 5:
      return {draw_jobs(rng, std::move(framework)), true};
    default:
      return {draw_elastic(rng, std::move(framework)), true};
  }
}

TaskStyle draw_style(Rng& rng) {
  const uint64_t style = rng.below(6);
  if (style == 0) return TaskStyle::kGroup;
  return style == 1 ? TaskStyle::kCustomExecutor : TaskStyle::kCommand;
}

}  // namespace

void populate(World& world, const Plan& plan, const RunOptions& options) {
  Rng rng = Rng(plan.seed).fork("world");
  if (plan.masters > 1)
    world.add_zoo({.work = draw_between(rng, 100us, 5ms), .cluster_id = "swarm"});
  MasterProcessOptions master = draw_master(rng, plan);
  master.machine.switches = master.allocation.switches = options.switches;
  if (plan.masters > 1) master.zoo = world.zoo()->id();
  for (int i = 0; i < plan.masters; ++i) {
    MasterProcess& made = world.add_master(master);
    made.clock().set_drift(draw_between(rng, int64_t{-500}, int64_t{500}));
  }
  const Duration slowest = std::min<Duration>(3s, master.machine.offer_timeout / 4);
  const HostTuning tuning = draw_tuning(rng);
  for (int i = 0; i < plan.agents; ++i) {
    Rng own = rng.fork(fmt::format("agent {}", i));
    AgentProcessOptions agent = draw_agent(own, i);
    agent.machine.switches = options.switches;
    AgentProcess& made = world.add_agent(std::move(agent));
    made.clock().set_drift(draw_between(own, int64_t{-500}, int64_t{500}));
    made.set_tuning(tuning);
  }
  for (int i = 0; i < plan.frameworks; ++i) {
    Rng own = rng.fork(fmt::format("framework {}", i));
    SchedulerProcessOptions scheduler;
    scheduler.style = draw_style(own);
    // Who always thinks longer than offers last gets nothing done, and rightly so.
    scheduler.think = draw_between(own, 0ns, one_of(own, std::array<Duration, 2>{1ms, slowest}));
    Drawn drawn = draw_workload(own, i);
    scheduler.finite = drawn.finite;
    scheduler.idle = drawn.idle;
    world.add_scheduler(std::move(scheduler), std::move(drawn.workload));
  }
}

// --- operators

protocol::OperatorCall draw_operator_call(Rng& rng) {
  const std::string role(one_of(rng, kRoles));
  if (rng.below(2) == 0) {
    const auto weight = draw_between(rng, int64_t{500}, int64_t{4000});
    return protocol::operator_call::UpdateWeights{{{role, Scalar{weight}}}};
  }
  Quota quota;
  const int64_t cpus = draw_between(rng, int64_t{0}, int64_t{4000});
  if (rng.below(2) == 0) quota.guarantees = {{"cpus", Scalar{cpus / 2}}};
  if (rng.below(2) == 0) quota.limits = {{"cpus", Scalar{cpus}}};
  return protocol::operator_call::UpdateQuota{{{role, quota}}, rng.below(2) == 0};
}

protocol::OperatorCall without_quotas() {
  protocol::operator_call::UpdateQuota call{{}, true};
  for (const std::string_view role : kRoles) call.quotas.push_back({std::string(role), {}});
  return call;
}

}  // namespace souk::sim
