// §4.4: heterogeneous task lengths. With a fraction phi of long tasks and S slots a node, a node
// has only long tasks with probability phi^S; whoever wants that node waits long. Slots that are
// set aside for short tasks on each node end that.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "bench/paper/cluster.h"
#include "bench/paper/experiments.h"
#include "bench/paper/runs.h"
#include "workloads/elastic.h"
#include "workloads/slot_jobs.h"

namespace souk::paper {
namespace {

constexpr Duration kLong = 1000s;
constexpr Duration kShort = 250s;
constexpr const char* kTask = "cpus:1;mem:64";

std::string node(int i) { return fmt::format("node{}", i); }
std::string slots(int count) { return fmt::format("cpus:{};mem:{}", count, 64 * count); }

// --- phi^S

struct Nodes {
  double all_long = 0;  // part of the nodes, mean over time
  double phi = 0;       // part of the slots
};

// Slots go to long and short tasks by lot, with chances such that `phi` of the time they are long.
Nodes fill(int nodes, int size, double phi, int periods, uint64_t seed) {
  const double ratio = to_seconds(kLong) / to_seconds(kShort);
  // Chance p with p long / (p long + (1 - p) short) = phi.
  const double chance = phi / (phi + (1 - phi) * ratio);
  sim::World world({.seed = seed});
  Occupancy occupancy;
  world.add_observer(occupancy);
  world.add_master(
      master_with("lottery", {{"long", Scalar::from_double(100 * chance).value()},
                              {"short", Scalar::from_double(100 * (1 - chance)).value()}}));
  for (int i = 0; i < nodes; ++i) world.add_agent(agent_on(node(i), slots(size)));
  for (const bool is_long : {true, false}) {
    workloads::ElasticOptions options;
    options.framework.name = options.framework.role = is_long ? "long" : "short";
    options.demand = bag(kTask);
    options.lengths = workloads::Lengths::exponential(is_long ? kLong : kShort);
    options.max_tasks_per_offer = 1;
    options.refuse = 0s;
    world.add_scheduler(
        {}, std::make_unique<workloads::Elastic>(options, world.rng(options.framework.name)));
  }
  world.run_for(5 * kLong);
  Nodes result;
  for (int period = 0; period < periods; ++period) {
    world.run_for(kLong);
    for (const auto& agent : world.agents()) {
      const int running = occupancy.running(*agent, "long");
      result.all_long += running == size ? 1 : 0;
      result.phi += running;
    }
  }
  result.all_long /= nodes * periods;
  result.phi /= nodes * periods * size;
  return result;
}

void add_nodes(Report& report, const Plan& plan) {
  const int nodes = plan.quick ? 20 : 100;
  const int periods = plan.quick ? 10 : 40;
  const int runs = plan.runs_or(10, 5);
  report.heading("Nodes full of long tasks");
  report.paragraph(fmt::format(
      "Slots go by lot (`lottery`) to a framework of long tasks and to one of short ones, mean {} "
      "and {} s, exponential, with chances that make long tasks hold phi of the slots. {} nodes, "
      "looked at {} times, {} s apart, after {} s; {} runs.",
      to_seconds(kLong), to_seconds(kShort), nodes, periods, to_seconds(kLong),
      5 * to_seconds(kLong), runs));
  std::vector<Row> rows;
  for (const auto& [phi, size] : {std::pair{0.5, 2}, {0.5, 4}, {0.5, 8}, {0.8, 4}, {0.8, 8}}) {
    if (plan.quick && size > 4) continue;
    const std::string name = fmt::format("phi={} S={}", phi, size);
    const auto all = run_all<Nodes>(runs, plan.jobs, [&](int run) {
      return fill(nodes, size, phi, periods, seed_of(plan.seed, name, run));
    });
    Mean all_long, measured;
    for (const Nodes& one : all) {
      all_long.add(one.all_long);
      measured.add(one.phi);
    }
    const double expected = std::pow(phi, size);
    rows.push_back({fmt::format("{}", phi), fmt::format("{}", size),
                    fmt::format("{:.3f} ± {:.3f}", measured.mean(), measured.error()),
                    fmt::format("{:.4f}", expected),
                    fmt::format("{:.4f} ± {:.4f}", all_long.mean(), all_long.error())});
    report.figure(name, all_long.mean());
    report.figure(name + " error", all_long.error());
    report.figure(name + " expected", expected);
    report.figure(name + " phi", measured.mean());
  }
  report.table({"phi", "S", "phi, measured", "phi^S (paper)", "nodes with long tasks only"}, rows);
}

// --- waiting of short jobs

constexpr int kSize = 8;
constexpr int kSetAside = 1;
constexpr Duration kJob = 10s;
constexpr Duration kBetween = 60s;

// Waiting times, in seconds, of jobs of one short task on a cluster that long tasks have filled.
std::vector<double> wait(bool short_slots, bool one_node, int jobs, uint64_t seed) {
  sim::World world({.seed = seed});
  world.add_master(master_with("drf"));
  for (int i = 0; i < 10; ++i) {
    sim::AgentProcessOptions agent =
        agent_on(node(i), slots(short_slots ? kSize - kSetAside : kSize));
    if (short_slots) {
      agent.machine.agent.short_slots = bag(slots(kSetAside));
      agent.machine.agent.short_slot_limit = 60s;
    }
    world.add_agent(std::move(agent));
  }
  workloads::ElasticOptions holder;
  holder.framework.name = "long";
  holder.demand = bag(kTask);
  holder.lengths = workloads::Lengths::exponential(kLong);
  world.add_scheduler({}, std::make_unique<workloads::Elastic>(holder, world.rng("long")));
  world.run_for(10s);

  workloads::SlotJobsOptions options;
  options.framework.name = "short";
  options.framework.short_slots = short_slots;
  options.demand = bag(kTask);
  options.mode = workloads::SlotMode::kAtOnce;
  if (one_node) options.hosts = {node(0)};
  Rng rng = world.rng("arrivals");
  workloads::LengthSource between(workloads::Lengths::exponential(kBetween), rng);
  Duration arrival{0};
  for (int i = 0; i < jobs; ++i) {
    arrival += between.next();
    options.jobs.push_back({.arrival = arrival, .slots = 1, .length = kJob});
  }
  auto work = std::make_unique<workloads::SlotJobs>(std::move(options));
  const workloads::SlotJobs& short_jobs = *work;
  world.add_scheduler({}, std::move(work));
  world.run_until(world.now() + jobs * 10 * kLong, [&] { return short_jobs.done(); });
  std::vector<double> waits;
  for (std::size_t i = 0; i < short_jobs.jobs(); ++i) {
    const auto& record = short_jobs.record(i);
    if (record.first_slot) waits.push_back(seconds_of(*record.arrived, *record.first_slot));
  }
  return waits;
}

void add_waiting(Report& report, const Plan& plan) {
  const int jobs = plan.quick ? 20 : 100;
  const int runs = plan.runs_or(20, 4);
  report.heading("Short jobs beside long ones");
  report.paragraph(fmt::format(
      "Ten nodes of {} slots, all held by tasks of mean {} s (phi = 1). Jobs of one task of {} s "
      "come every {} s (Poisson), {} in each of {} runs. Without slots for short tasks they wait "
      "for one of the long tasks to end, on a node they prefer or on any; with {} of the {} slots "
      "of each node set aside (`--short_task_resources`) they wait for each other at most.",
      kSize, to_seconds(kLong), to_seconds(kJob), to_seconds(kBetween), jobs, runs, kSetAside,
      kSize));
  std::vector<Row> rows;
  Plot plot{.name = "short_slots",
            .title = "Waiting of short jobs in a cluster full of long tasks (§4.4)",
            .x_label = "seconds waited, at most",
            .y_label = "part of the jobs",
            .log_x = true,
            .series = {}};
  for (const bool one_node : {true, false}) {
    for (const bool short_slots : {false, true}) {
      const std::string name =
          fmt::format("{}, {} slots for short tasks", one_node ? "a certain node" : "any node",
                      short_slots ? "with" : "without");
      const auto all = run_all<std::vector<double>>(runs, plan.jobs, [&](int run) {
        return wait(short_slots, one_node, jobs, seed_of(plan.seed, name, run));
      });
      std::vector<double> waits;
      Mean mean;
      for (const auto& some : all) {
        for (const double one : some) {
          waits.push_back(one);
          mean.add(one);
        }
      }
      const auto at = [&](double part) { return quantile(waits, part); };
      rows.push_back({name, fmt::format("{}", waits.size()), fmt::format("{:.3f}", mean.mean()),
                      fmt::format("{:.3f}", at(0.5)), fmt::format("{:.3f}", at(0.95)),
                      fmt::format("{:.3f}", at(1))});
      report.figure(name + " mean", mean.mean());
      report.figure(name + " most", at(1));
      report.figure(name + " jobs", static_cast<double>(waits.size()));
      plot.series.push_back(distribution(name, waits));
    }
  }
  report.table({"jobs want", "jobs", "mean (s)", "median", "95%", "most"}, rows);
  report.plot(std::move(plot));
}

}  // namespace

Report short_slots(const Plan& plan) {
  Report report("short_slots", "Long and short tasks", "§4.4");
  report.parameter("seed", fmt::format("{}", plan.seed));
  report.parameter("network", network_text());
  add_nodes(report, plan);
  add_waiting(report, plan);
  return report;
}

}  // namespace souk::paper
