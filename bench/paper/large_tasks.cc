// §4.6: what offers cost. A framework of large tasks starves among small ones, since whoever takes
// small tasks fills what becomes free on a node before enough for a large one has; a minimum offer
// size ends that. What is lost by packing is at most the largest task over the size of a node.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "bench/paper/cluster.h"
#include "bench/paper/experiments.h"
#include "bench/paper/runs.h"
#include "workloads/elastic.h"
#include "workloads/slot_jobs.h"

namespace souk::paper {
namespace {

constexpr Duration kT = 100s;

std::string cpus(int count) { return fmt::format("cpus:{};mem:{}", count, 64 * count); }

std::unique_ptr<workloads::Elastic> tasks_of(const std::string& name, int size, sim::World& world) {
  workloads::ElasticOptions options;
  options.framework.name = options.framework.role = name;
  options.demand = bag(cpus(size));
  options.lengths = workloads::Lengths::exponential(kT);
  return std::make_unique<workloads::Elastic>(options, world.rng(name));
}

// --- starvation

constexpr int kNodes = 12;
constexpr int kNodeSize = 8;
constexpr int kLarge = 4;
constexpr int kLargeJobs = 20;
constexpr Duration kBetween = 300s;
constexpr Duration kLimit = 20'000s;

struct Served {
  std::vector<double> waits;  // of those that were
  int unserved = 0;
  double in_use = 0;  // part of all cpus, mean over the last half
};

Served serve(bool minimum, uint64_t seed) {
  sim::World world({.seed = seed});
  Occupancy occupancy;
  world.add_observer(occupancy);
  sim::MasterProcessOptions master = master_with("drf");
  if (minimum) {
    master.allocation.min_allocatable = parse_alternatives(fmt::format("cpus:{}", kLarge)).value();
  }
  world.add_master(std::move(master));
  for (int i = 0; i < kNodes; ++i) {
    world.add_agent(agent_on(fmt::format("node{}", i), cpus(kNodeSize)));
  }
  world.add_scheduler({}, tasks_of("small", 1, world));
  world.run_for(5 * kT);

  workloads::SlotJobsOptions options;
  options.framework.name = options.framework.role = "large";
  options.demand = bag(cpus(kLarge));
  options.mode = workloads::SlotMode::kAtOnce;
  workloads::LengthSource between(workloads::Lengths::exponential(kBetween), world.rng("arrivals"));
  Duration arrival{0};
  for (int i = 0; i < kLargeJobs; ++i) {
    options.jobs.push_back({.arrival = arrival, .slots = 1, .length = kT});
    arrival += between.next();
  }
  auto work = std::make_unique<workloads::SlotJobs>(std::move(options));
  const workloads::SlotJobs& large = *work;
  world.add_scheduler({}, std::move(work));

  Served served;
  Mean in_use;
  const MonoTime until = world.now() + kLimit;
  while (world.now() < until) {
    world.run_for(kT / 2);
    if (until - world.now() > kLimit / 2) continue;
    in_use.add(occupancy.running("small") + kLarge * occupancy.running("large"));
  }
  served.in_use = in_use.mean() / (kNodes * kNodeSize);
  for (std::size_t i = 0; i < large.jobs(); ++i) {
    const auto& record = large.record(i);
    if (record.first_slot) {
      served.waits.push_back(seconds_of(*record.arrived, *record.first_slot));
    } else {
      ++served.unserved;
    }
  }
  return served;
}

void add_starvation(Report& report, const Plan& plan) {
  const int runs = plan.runs_or(20, 2);
  report.heading("A large task among small ones");
  report.paragraph(fmt::format(
      "{} nodes of {} CPUs, filled by tasks of one CPU, exponential with mean {} s. {} jobs of one "
      "task of {} CPUs and {} s come every {} s; after {} s we stop; {} runs. Their framework has "
      "nothing and is the first to be offered what becomes free, but that is one CPU at a time. "
      "With "
      "`--min_allocatable_resources=cpus:{}` nothing is offered until so much is free on a node. "
      "What it costs is in the last column: CPUs that wait for others.",
      kNodes, kNodeSize, to_seconds(kT), kLargeJobs, kLarge, to_seconds(kT), to_seconds(kBetween),
      to_seconds(kLimit), runs, kLarge));
  std::vector<Row> rows;
  for (const bool minimum : {false, true}) {
    const std::string name = minimum ? "with a minimum" : "without a minimum";
    const auto all = run_all<Served>(
        runs, plan.jobs, [&](int run) { return serve(minimum, seed_of(plan.seed, name, run)); });
    Mean wait, in_use;
    double most = 0;
    int unserved = 0;
    for (const Served& one : all) {
      for (const double each : one.waits) {
        wait.add(each);
        most = std::max(most, each);
      }
      unserved += one.unserved;
      in_use.add(one.in_use);
    }
    rows.push_back({name, fmt::format("{} of {}", wait.count(), runs * kLargeJobs),
                    wait.count() == 0 ? "-" : fmt::format("{:.1f}", wait.mean()),
                    wait.count() == 0 ? "-" : fmt::format("{:.1f}", most),
                    fmt::format("{:.3f}", in_use.mean())});
    report.figure(name + " served", static_cast<double>(wait.count()));
    report.figure(name + " unserved", unserved);
    report.figure(name + " wait", wait.mean());
    report.figure(name + " in use", in_use.mean());
  }
  report.table({"", "large tasks that ran", "mean wait (s)", "longest", "CPUs in use"}, rows);
}

// --- packing

struct Packing {
  double unused = 0;  // part of all, mean over time
  double worst = 0;   // of one node, at any time we looked
};

Packing pack(int node_size, const std::vector<int>& sizes, int looks, uint64_t seed) {
  sim::World world({.seed = seed});
  Occupancy occupancy;
  world.add_observer(occupancy);
  world.add_master(master_with("drf"));
  for (int i = 0; i < 20; ++i) {
    world.add_agent(agent_on(fmt::format("node{}", i), cpus(node_size)));
  }
  const auto name = [](int size) { return fmt::format("size{}", size); };
  for (const int size : sizes) world.add_scheduler({}, tasks_of(name(size), size, world));
  world.run_for(10 * kT);
  Packing packing;
  for (int look = 0; look < looks; ++look) {
    world.run_for(kT);
    for (const auto& agent : world.agents()) {
      int used = 0;
      for (const int size : sizes) used += size * occupancy.running(*agent, name(size));
      const double unused = 1 - static_cast<double>(used) / node_size;
      packing.unused += unused;
      packing.worst = std::max(packing.worst, unused);
    }
  }
  packing.unused /= 20.0 * looks;
  return packing;
}

void add_packing(Report& report, const Plan& plan) {
  const int runs = plan.runs_or(20, 2);
  report.heading("Waste by packing");
  report.paragraph(
      "Frameworks of tasks of one size each fill 20 nodes, all exponential with the same mean. The "
      "paper: what is lost is at most the largest task over the size of a node.");
  std::vector<Row> rows;
  for (const int node_size : {8, 16, 32}) {
    for (const std::vector<int>& sizes : {std::vector<int>{3}, std::vector<int>{5},
                                          std::vector<int>{2, 3}, std::vector<int>{3, 5}}) {
      const double bound = static_cast<double>(*std::ranges::max_element(sizes)) / node_size;
      const std::string name = fmt::format("tasks {} nodes {}", fmt::join(sizes, "+"), node_size);
      const auto all = run_all<Packing>(runs, plan.jobs, [&](int run) {
        return pack(node_size, sizes, plan.quick ? 5 : 20, seed_of(plan.seed, name, run));
      });
      Mean unused;
      double worst = 0;
      for (const Packing& one : all) {
        unused.add(one.unused);
        worst = std::max(worst, one.worst);
      }
      rows.push_back({fmt::format("{}", node_size), fmt::format("{}", fmt::join(sizes, ", ")),
                      fmt::format("{:.3f}", bound), fmt::format("{:.3f}", unused.mean()),
                      fmt::format("{:.3f}", worst)});
      report.figure(name + " unused", unused.mean());
      report.figure(name + " worst", worst);
      report.figure(name + " bound", bound);
    }
  }
  report.table({"CPUs of a node", "of the tasks", "paper: below", "unused, mean", "worst node"},
               rows);
}

}  // namespace

Report large_tasks(const Plan& plan) {
  Report report("large_tasks", "Large tasks and the waste by packing", "§4.6");
  report.parameter("seed", fmt::format("{}", plan.seed));
  report.parameter("network", network_text());
  add_starvation(report, plan);
  add_packing(report, plan);
  return report;
}

}  // namespace souk::paper
