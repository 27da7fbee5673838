// §3.3: guarantees and revocation. How long a framework that is below its guarantee waits for it in
// a cluster that others fill: without revocation until enough of their tasks have ended, with it at
// most the delay and the grace period.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "bench/paper/cluster.h"
#include "bench/paper/experiments.h"
#include "bench/paper/runs.h"
#include "workloads/elastic.h"

namespace souk::paper {
namespace {

constexpr int kSlots = 96;
constexpr int kSlotsOfAgent = 4;
constexpr int kGuaranteed = 24;
constexpr Duration kDelay = 30s;
constexpr Duration kGrace = 30s;
constexpr const char* kTask = "cpus:1;mem:64";

struct Wait {
  double time = -1;   // seconds until it held its guarantee
  double killed = 0;  // tasks of others
};

Wait wait(Duration length, bool revocation, uint64_t seed) {
  sim::World world({.seed = seed});
  sim::MasterProcessOptions master = master_with("drf");
  if (revocation) {
    master.allocation.revocation_delay = kDelay;
    master.allocation.revocation_grace = kGrace;
  }
  sim::MasterProcess& leader = world.add_master(std::move(master));
  for (int i = 0; i < kSlots / kSlotsOfAgent; ++i) {
    world.add_agent(agent_on(fmt::format("node{}", i),
                             fmt::format("cpus:{};mem:{}", kSlotsOfAgent, 64 * kSlotsOfAgent)));
  }
  auto holder = std::make_unique<workloads::Elastic>(
      workloads::holder({.name = "holder", .role = "holders"}, bag(kTask),
                        workloads::Lengths::exponential(length)),
      world.rng("holder"));
  const workloads::Elastic& others = *holder;
  world.add_scheduler({}, std::move(holder));
  world.run_for(1s);
  protocol::RoleQuota quota{"guaranteed", {}};
  quota.quota.guarantees = parse_quota_amounts(fmt::format("cpus:{}", kGuaranteed)).value();
  // Set when it comes: until then others would leave room for it.
  leader.call(protocol::operator_call::UpdateQuota{{quota}});

  workloads::ElasticOptions options;
  options.framework.name = options.framework.role = "guaranteed";
  options.demand = bag(kTask);
  options.lengths = workloads::Lengths::constant(30 * 24h);
  options.slots_max = kGuaranteed;
  auto work = std::make_unique<workloads::Elastic>(options, world.rng("guaranteed"));
  const workloads::Elastic& guaranteed = *work;
  const uint64_t lost_before = others.totals().lost;
  const MonoTime start = world.now();
  world.add_scheduler({}, std::move(work));
  const bool done =
      world.run_until(start + 20 * length + 1h, [&] { return guaranteed.ramped_up().has_value(); });
  if (!done) return {};
  return {.time = seconds_of(start, *guaranteed.ramped_up()),
          .killed = static_cast<double>(others.totals().lost - lost_before)};
}

// Every slot that becomes free is its: the k-th of n exponential ends.
double expected(double mean) {
  double sum = 0;
  for (int i = kSlots - kGuaranteed + 1; i <= kSlots; ++i) sum += 1.0 / i;
  return mean * sum;
}

// Of all runs with one length of tasks.
struct Waits {
  Mean time;
  Mean killed;
  double most = 0;
  int never = 0;
};

Waits wait_all(const Plan& plan, int runs, const std::string& name, Duration length, bool revokes) {
  const auto all = run_all<Wait>(runs, plan.jobs, [&](int run) {
    return wait(length, revokes, seed_of(plan.seed, name, run));
  });
  Waits waits;
  for (const Wait& one : all) {
    if (one.time < 0) {
      ++waits.never;
      continue;
    }
    waits.time.add(one.time);
    waits.killed.add(one.killed);
    waits.most = std::max(waits.most, one.time);
  }
  return waits;
}

void add_texts(Report& report, const Plan& plan, int runs) {
  report.parameter("seed", fmt::format("{}", plan.seed));
  report.parameter("runs", fmt::format("{}", runs));
  report.parameter("network", network_text());
  report.parameter("cluster", fmt::format("{} agents of {} slots, filled by one framework; another "
                                          "comes with a guarantee of {} slots",
                                          kSlots / kSlotsOfAgent, kSlotsOfAgent, kGuaranteed));
  report.parameter("revocation", fmt::format("--revocation_delay={}secs, "
                                             "--revocation_grace_period={}secs",
                                             to_seconds(kDelay), to_seconds(kGrace)));
  report.paragraph(
      fmt::format("Tasks of the others are exponential. Without revocation every slot that becomes "
                  "free goes to who lacks it, so that the wait is T (H_{} - H_{}) = {:.3f} T. With "
                  "it tasks are revoked for what the framework lacked all through the delay, and "
                  "killed after the grace period if they have not ended.",
                  kSlots, kSlots - kGuaranteed, expected(1)));
  report.paragraph(
      fmt::format("That is at most {} s in all and the time of a kill, whatever T is, also where "
                  "slots become free meanwhile: these are the framework's too, and fewer tasks are "
                  "killed.",
                  to_seconds(kDelay + kGrace)));
}

Plot empty_plot() {
  Plot plot{.name = "revocation",
            .title = "Until a framework has what is guaranteed to it (§3.3)",
            .x_label = "mean length of the others' tasks (s)",
            .y_label = "seconds",
            .log_x = true,
            .log_y = true,
            .series = {}};
  plot.series.resize(4);
  plot.series[0].title = "without revocation";
  plot.series[1].title = "with";
  plot.series[2].title = fmt::format("T (H_{} - H_{})", kSlots, kSlots - kGuaranteed);
  plot.series[2].dashed = true;
  plot.series[3].title = "delay + grace period";
  plot.series[3].dashed = true;
  return plot;
}

}  // namespace

Report revocation(const Plan& plan) {
  Report report("revocation", "A guarantee, with and without revocation", "§3.3");
  const int runs = plan.runs_or(50, 5);
  add_texts(report, plan, runs);
  Plot plot = empty_plot();
  std::vector<Row> rows;
  for (const int length : {10, 30, 100, 300, 1000, 3000, 10'000, 100'000}) {
    if (plan.quick && length != 100 && length != 3000 && length != 100'000) continue;
    Row row = {fmt::format("{}", length), fmt::format("{:.1f}", expected(length))};
    for (const bool revokes : {false, true}) {
      const std::string name = fmt::format("T={} {}", length, revokes ? "with" : "without");
      const Waits waits = wait_all(plan, runs, name, Duration(1s) * length, revokes);
      const Mean& time = waits.time;
      row.push_back(fmt::format("{:.1f} ± {:.1f}", time.mean(), time.error()));
      row.push_back(fmt::format("{:.1f}", waits.most));
      if (revokes) row.push_back(fmt::format("{:.1f}", waits.killed.mean()));
      Series& series = plot.series[revokes ? 1 : 0];
      series.points.emplace_back(length, time.mean());
      series.errors.push_back(time.error());
      report.figure(name, time.mean());
      report.figure(name + " error", time.error());
      report.figure(name + " most", waits.most);
      report.figure(name + " never", waits.never);
      report.figure(name + " killed", waits.killed.mean());
    }
    plot.series[2].points.emplace_back(length, expected(length));
    plot.series[3].points.emplace_back(length, to_seconds(kDelay + kGrace));
    report.figure(fmt::format("T={} expected", length), expected(length));
    rows.push_back(std::move(row));
  }
  report.table({"T (s)", "T (H_n - H_(n-k))", "without: mean (s)", "most", "with: mean (s)", "most",
                "tasks killed"},
               rows);
  report.plot(std::move(plot));
  return report;
}

}  // namespace souk::paper
