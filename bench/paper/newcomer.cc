// Table 2: a framework comes to a full cluster and wants k particular slots of the n = 4k, for a
// job of beta k T of slot time. It is entitled to k: its role's weight is a third of that of the
// holders, whose tasks last T (constant, or exponential with that mean) and who take whatever they
// are offered.
//
// Its slots are those of k agents of one slot each. An elastic job runs tasks of T/50 on each slot
// from when it has won it, one after the other; one run of it gives all betas: a job of beta is
// over when its tasks have run for beta k T together, its last tasks cut to end then. A rigid one
// holds what it wins until it has all, and then works for beta T.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "bench/paper/cluster.h"
#include "bench/paper/experiments.h"
#include "bench/paper/runs.h"
#include "workloads/elastic.h"
#include "workloads/slot_jobs.h"

namespace souk::paper {
namespace {

constexpr Duration kT = 1000s;
constexpr int kOwnTasks = 50;  // in T
constexpr double kBetas[] = {0.5, 1, 4};
constexpr const char* kSlot = "cpus:1;mem:64";

struct Cell {
  int k = 0;
  bool elastic = false;
  bool exponential = false;

  std::string name() const {
    return fmt::format("k={} {} {}", k, elastic ? "elastic" : "rigid",
                       exponential ? "exponential" : "constant");
  }
};

// Of one run; times in units of T, by beta where they depend on it.
struct Outcome {
  double ramp_up = 0;
  std::vector<double> completion;
  std::vector<double> held;  // slot time from the winning of each slot to the completion, of k T
  double reoffer = 0;        // seconds
};

// --- the model: what the mean of so many slots is, were offers made in no time

// When each slot is won, in order.
std::vector<double> draw_wins(const Cell& cell, Rng& rng) {
  std::vector<double> wins(static_cast<std::size_t>(cell.k));
  for (double& win : wins) {
    win = cell.exponential ? -std::log1p(-uniform(rng)) : uniform(rng);
  }
  std::ranges::sort(wins);
  return wins;
}

// When so much slot time has been used from these wins on.
double elastic_end(const std::vector<double>& wins, double slot_time) {
  double used = 0;
  for (std::size_t i = 0; i + 1 < wins.size(); ++i) {
    const double working = static_cast<double>(i + 1);
    const double more = working * (wins[i + 1] - wins[i]);
    if (used + more >= slot_time) return wins[i] + (slot_time - used) / working;
    used += more;
  }
  return wins.back() + (slot_time - used) / static_cast<double>(wins.size());
}

double held_until(const std::vector<double>& wins, double end) {
  double held = 0;
  for (const double win : wins) held += std::max(0.0, end - win);
  return held / static_cast<double>(wins.size());
}

Outcome model(const Cell& cell, Rng& rng) {
  const std::vector<double> wins = draw_wins(cell, rng);
  Outcome outcome{.ramp_up = wins.back(), .completion = {}, .held = {}};
  for (const double beta : kBetas) {
    const double end = cell.elastic ? elastic_end(wins, beta * cell.k) : wins.back() + beta;
    outcome.completion.push_back(end);
    outcome.held.push_back(held_until(wins, end));
  }
  return outcome;
}

// --- what paper.md's closed forms say

double harmonic(int k) {
  double sum = 0;
  for (int i = 1; i <= k; ++i) sum += 1.0 / i;
  return sum;
}

double paper_ramp_up(const Cell& cell) { return cell.exponential ? std::log(cell.k) : 1; }

double paper_completion(const Cell& cell, double beta) {
  if (cell.elastic) return (cell.exponential ? 1 : 0.5) + beta;
  return paper_ramp_up(cell) + beta;
}

double paper_utilization(const Cell& cell, double beta) {
  if (cell.elastic) return 1;
  return beta / (cell.exponential ? std::log(cell.k) - 1 + beta : 0.5 + beta);
}

double exact_ramp_up(const Cell& cell) {
  return cell.exponential ? harmonic(cell.k) : cell.k / (cell.k + 1.0);
}

// Of an elastic job: in the limit of many slots.
double exact_completion(const Cell& cell, double beta) {
  if (!cell.elastic) return exact_ramp_up(cell) + beta;
  if (!cell.exponential) return 0.5 + beta;
  double t = 1 + beta;
  for (int i = 0; i < 50; ++i) t = 1 + beta - std::exp(-t);
  return t;
}

double exact_utilization(const Cell& cell, double beta) {
  if (cell.elastic) return 1;
  return beta / (exact_ramp_up(cell) - (cell.exponential ? 1 : 0.5) + beta);
}

// --- the simulation

// What the newcomer's tasks did, as it learns it.
class Watch final : public sim::Observer {
 public:
  Watch(const sim::World& world, int k) : world_(world), k_(k) {}

  void watch(const sim::SchedulerProcess& newcomer) {
    newcomer_ = &newcomer;
    start_ = world_.now();
  }
  void on_event(const sim::SchedulerProcess& framework, const scheduler::Event& event) override {
    const auto* said = std::get_if<scheduler::StreamSaid>(&event);
    if (said == nullptr) return;
    const auto* update = std::get_if<protocol::event::Update>(&said->event);
    if (update == nullptr) return;
    const TaskStatus& status = update->status;
    if (&framework == newcomer_) note(status);
    if (is_terminal(status.state)) {
      ended_[status.agent_id] = world_.now();
    } else if (const auto at = ended_.find(status.agent_id);
               at != ended_.end() && status.state == TaskState::kRunning) {
      reoffer_.add(seconds_of(at->second, world_.now()));
    }
  }
  // From hearing that a task ended to hearing that the next runs on its slot, whoever gets it.
  const Mean& reoffer() const { return reoffer_; }
  // Times since the newcomer came, in T.
  double now() const { return seconds_of(start_, world_.now()) / to_seconds(kT); }
  bool has_all() const { return wins_.size() == static_cast<std::size_t>(k_); }
  bool has_used_all() const { return ends_.size() == std::size(kBetas); }
  const std::vector<double>& wins() const { return wins_; }
  const std::vector<double>& ends() const { return ends_; }

 private:
  void note(const TaskStatus& status) {
    count();
    if (status.state == TaskState::kRunning) {
      ++running_;
      if (agents_.insert(status.agent_id).second) wins_.push_back(now());
    } else if (is_terminal(status.state)) {
      --running_;
    }
  }
  void count() {
    const double until = now();
    const double more = running_ * (until - counted_);
    while (ends_.size() < std::size(kBetas)) {
      const double target = kBetas[ends_.size()] * k_;
      if (used_ + more < target) break;
      ends_.push_back(counted_ + (target - used_) / running_);
    }
    used_ += more;
    counted_ = until;
  }

  const sim::World& world_;
  const int k_;
  const sim::SchedulerProcess* newcomer_ = nullptr;
  MonoTime start_;
  std::set<AgentId> agents_;
  std::vector<double> wins_;
  std::vector<double> ends_;  // by beta: so much slot time was used
  std::map<AgentId, MonoTime> ended_;
  Mean reoffer_;
  double counted_ = 0;
  double used_ = 0;
  int running_ = 0;
};

struct Simulation {
  Simulation(const Cell& cell, uint64_t seed) : world({.seed = seed}), watch(world, cell.k) {
    const int n = 4 * cell.k;
    world.add_master(master_with("drf", {{"holders", Scalar{3000}}, {"newcomer", Scalar{1000}}}));
    for (int i = 0; i < n; ++i) world.add_agent(agent_on(fmt::format("host{}", i), kSlot));
    Rng rng = world.rng("holder");
    const auto slots = static_cast<std::size_t>(n);
    auto work = std::make_unique<workloads::Elastic>(
        workloads::holder({.name = "holder", .role = "holders"}, bag(kSlot),
                          under_way(kT, cell.exponential, slots, 20, rng)),
        rng);
    const workloads::Elastic* holder = work.get();
    world.add_scheduler({}, std::move(work));
    filled = world.run_until(MonoTime(1min), [&] { return holder->running() == slots; });
    // The last of them are up.
    world.run_for(1s);
  }

  const workloads::SlotJobs& come(const Cell& cell, double beta) {
    workloads::SlotJobsOptions options;
    options.framework = {.name = "newcomer", .role = "newcomer"};
    options.demand = bag(kSlot);
    options.jobs = {{.slots = static_cast<uint64_t>(cell.k),
                     .length = Duration(static_cast<int64_t>(beta * kT.count()))}};
    options.mode = cell.elastic ? workloads::SlotMode::kElastic : workloads::SlotMode::kHoarding;
    for (int i = 0; i < cell.k; ++i) options.hosts.insert(fmt::format("host{}", i));
    options.refuse = 365 * 24h;
    options.suppresses = false;
    if (cell.elastic) options.holder_length = kT / kOwnTasks;
    auto work = std::make_unique<workloads::SlotJobs>(std::move(options));
    const workloads::SlotJobs& job = *work;
    world.add_observer(watch);
    watch.watch(world.add_scheduler({}, std::move(work)));
    return job;
  }

  sim::World world;
  Watch watch;
  bool filled = false;
};

constexpr Duration kLimit = 100 * kT;

Outcome simulate_elastic(const Cell& cell, uint64_t seed) {
  Simulation simulation(cell, seed);
  Watch& watch = simulation.watch;
  simulation.come(cell, 100);
  const bool ended = simulation.world.run_until(
      MonoTime(kLimit), [&] { return watch.has_all() && watch.has_used_all(); });
  if (!ended || !simulation.filled) return {};
  Outcome outcome{.ramp_up = watch.wins().back(), .completion = watch.ends(), .held = {}};
  for (const double end : watch.ends()) outcome.held.push_back(held_until(watch.wins(), end));
  outcome.reoffer = watch.reoffer().mean();
  return outcome;
}

Outcome simulate_rigid(const Cell& cell, uint64_t seed) {
  Outcome outcome;
  for (std::size_t i = 0; i < std::size(kBetas); ++i) {
    Simulation simulation(cell, seed_of(seed, "beta", static_cast<int>(i)));
    Watch& watch = simulation.watch;
    const auto& job = simulation.come(cell, kBetas[i]);
    const bool ended =
        simulation.world.run_until(MonoTime(kLimit), [&] { return job.done() && watch.has_all(); });
    if (!ended || !simulation.filled) return {};
    outcome.ramp_up = watch.wins().back();
    outcome.completion.push_back(watch.now());
    outcome.held.push_back(held_until(watch.wins(), watch.now()));
    outcome.reoffer = watch.reoffer().mean();
  }
  return outcome;
}

// --- the report

struct Means {
  Mean ramp_up;
  std::vector<Mean> completion{std::size(kBetas)};
  std::vector<Ratio> utilization{std::size(kBetas)};
  Mean reoffer;

  void add(const Outcome& outcome) {
    if (outcome.completion.empty()) return;
    ramp_up.add(outcome.ramp_up);
    for (std::size_t i = 0; i < std::size(kBetas); ++i) {
      completion[i].add(outcome.completion[i]);
      utilization[i].add(kBetas[i], outcome.held[i]);
    }
    reoffer.add(outcome.reoffer);
  }
};

// Of what was measured beside what it should be.
struct Comparison {
  double measured = 0;
  double expected = 0;
  double error = 0;    // of both
  double allowed = 0;  // for the time to re-offer
  double excess() const {
    const double off = std::max(0.0, std::abs(measured - expected) - allowed);
    return error > 0 ? off / error : off;
  }
};

Comparison compare(double measured, double error, double expected, double model_error,
                   double allowed) {
  return {measured, expected, std::hypot(error, model_error), allowed};
}

std::string with_error(double value, double error) {
  return fmt::format("{:.4f} ± {:.4f}", value, error);
}

std::vector<Cell> cells(const Plan& plan) {
  std::vector<Cell> cells;
  for (const int k : {8, 24, 96}) {
    if (plan.quick && k > 8) break;
    for (const bool elastic : {true, false}) {
      for (const bool exponential : {false, true}) cells.push_back({k, elastic, exponential});
    }
  }
  return cells;
}

class Table2 {
 public:
  explicit Table2(const Plan& plan) : plan_(plan) {}

  void measure(const Cell& cell) {
    const int runs = plan_.runs_or(1000, 20);
    const auto outcomes = run_all<Outcome>(runs, plan_.jobs, [&](int run) {
      const uint64_t seed = seed_of(plan_.seed, cell.name(), run);
      return cell.elastic ? simulate_elastic(cell, seed) : simulate_rigid(cell, seed);
    });
    Means measured;
    for (const Outcome& outcome : outcomes) measured.add(outcome);
    Means expected;
    Rng rng = Rng(plan_.seed).fork("model " + cell.name());
    for (int i = 0; i < (plan_.quick ? 20'000 : 200'000); ++i) expected.add(model(cell, rng));
    reoffer_.add(measured.reoffer.mean());
    add_ramp_up(cell, measured, expected);
    for (std::size_t i = 0; i < std::size(kBetas); ++i) add_beta(cell, i, measured, expected);
  }

  void write(Report& report) {
    report.parameter("seed", fmt::format("{}", plan_.seed));
    report.parameter("T", fmt::format("{} s", to_seconds(kT)));
    report.parameter("cluster",
                     "n = 4k agents of one slot; roles weigh 3 (holders) and 1 (newcomer)");
    report.parameter("network", network_text());
    report.parameter("time to re-offer",
                     fmt::format("{:.2f} ms (mean, measured: from hearing that a task ended to "
                                 "hearing that the next on its slot runs)",
                                 1000 * reoffer_.mean()));
    texts(report);
    report.heading("Ramp-up");
    report.table({"", "runs", "paper", "exact", "measured (T)", "off by (standard errors)"},
                 ramp_ups_);
    report.heading("Completion");
    report.table({"", "beta", "paper", "many slots", "k slots", "measured (T)", "off by"},
                 completions_);
    report.plot(plot());
    report.heading("Utilization");
    report.table({"", "beta", "paper", "exact", "measured", "off by"}, utilizations_);
    for (const auto& [name, value] : figures_) report.figure(name, value);
    report.figure("worst", worst_);
  }

 private:
  void texts(Report& report) const {
    report.paragraph(
        "A framework comes to a full cluster and wants k particular slots, for a job of beta k T "
        "of slot time. The tasks of those who hold the slots last T, constant or exponential with "
        "that mean, and have random phases when it comes; its own last T/50. An elastic job works "
        "on each slot from when it has it; its last tasks are cut to end together. A rigid one "
        "holds what it wins until it has all. Real master, `drf`, real agents and scheduler "
        "library; one agent a slot.");
    report.paragraph(
        "*Paper* is Table 2 as printed (constant: upper bounds; ln k for the harmonic number). "
        "*Exact* and *many slots* are the closed forms of the model behind it: slot i is won after "
        "U[0,T] or Exp(T), so that ramp-up takes T k/(k+1) or T H_k. Completion of an elastic job "
        "has one only in the limit of many slots; *k slots* is the mean of many draws of the "
        "model itself, which needs no simulator. *Off by* is what is beyond the time to re-offer, "
        "in standard errors. Utilization is a ratio of sums: work done by all runs over the slot "
        "time that they held.");
    report.paragraph(
        "The allowance for re-offers is one for the slot that is won, one for the messages before "
        "and after, and for elastic jobs one for each task of T/50 in sequence. The newcomer does "
        "not suppress offers while it has all its slots: if it did, each slot whose task ends "
        "would "
        "be offered to the holders before its REVIVE comes, and be lost for T.");
  }

  // In T, of a job that runs for so long.
  double allowed(const Cell& cell, const Means& measured, double length) const {
    const double in_sequence = cell.elastic ? kOwnTasks * length : 0;
    return measured.reoffer.mean() / to_seconds(kT) * (2 + in_sequence);
  }

  std::string judge(const std::string& name, const Comparison& comparison) {
    figures_[name] = comparison.measured;
    figures_[name + " expected"] = comparison.expected;
    figures_[name + " error"] = comparison.error;
    figures_[name + " off"] = comparison.excess();
    worst_ = std::max(worst_, comparison.excess());
    return fmt::format("{:.1f}", comparison.excess());
  }

  void add_ramp_up(const Cell& cell, const Means& measured, const Means&) {
    const Comparison comparison = compare(measured.ramp_up.mean(), measured.ramp_up.error(),
                                          exact_ramp_up(cell), 0, allowed(cell, measured, 0));
    ramp_ups_.push_back({cell.name(), fmt::format("{}", measured.ramp_up.count()),
                         fmt::format("{:.2f}", paper_ramp_up(cell)),
                         fmt::format("{:.4f}", exact_ramp_up(cell)),
                         with_error(measured.ramp_up.mean(), measured.ramp_up.error()),
                         judge(cell.name() + " ramp-up", comparison)});
  }

  void add_beta(const Cell& cell, std::size_t i, const Means& measured, const Means& expected) {
    const double beta = kBetas[i];
    const std::string name = fmt::format("{} beta={}", cell.name(), beta);
    const Mean& completion = measured.completion[i];
    const Mean& model = expected.completion[i];
    const double allowance = allowed(cell, measured, model.mean());
    completions_.push_back(
        {cell.name(), fmt::format("{}", beta), fmt::format("{:.2f}", paper_completion(cell, beta)),
         fmt::format("{:.4f}", exact_completion(cell, beta)), fmt::format("{:.4f}", model.mean()),
         with_error(completion.mean(), completion.error()),
         judge(name + " completion", compare(completion.mean(), completion.error(), model.mean(),
                                             model.error(), allowance))});
    const Ratio& utilization = measured.utilization[i];
    const double exact = exact_utilization(cell, beta);
    utilizations_.push_back(
        {cell.name(), fmt::format("{}", beta), fmt::format("{:.3f}", paper_utilization(cell, beta)),
         fmt::format("{:.4f}", exact), with_error(utilization.ratio(), utilization.error()),
         judge(name + " utilization", compare(utilization.ratio(), utilization.error(), exact, 0,
                                              allowance / std::max(beta, model.mean())))});
    if (cell.k == (plan_.quick ? 8 : 24)) {
      points_[cell.name()].emplace_back(beta, completion.mean());
      errors_[cell.name()].push_back(completion.error());
      papers_[cell.name()].emplace_back(beta, paper_completion(cell, beta));
    }
  }

  Plot plot() const {
    Plot plot{.name = "newcomer",
              .title = "Completion of a newcomer's job (Table 2)",
              .x_label = "beta: slot time that the job needs, in k T",
              .y_label = "completion, in T",
              .series = {}};
    for (const auto& [name, points] : points_) {
      plot.series.push_back({.title = name, .points = points, .errors = errors_.at(name)});
      plot.series.push_back(
          {.title = "paper", .points = papers_.at(name), .errors = {}, .dashed = true});
    }
    return plot;
  }

  const Plan plan_;
  Mean reoffer_;
  std::vector<Row> ramp_ups_;
  std::vector<Row> completions_;
  std::vector<Row> utilizations_;
  std::map<std::string, double> figures_;
  double worst_ = 0;
  std::map<std::string, std::vector<std::pair<double, double>>> points_;
  std::map<std::string, std::vector<std::pair<double, double>>> papers_;
  std::map<std::string, std::vector<double>> errors_;
};

}  // namespace

Report newcomer(const Plan& plan) {
  Report report("newcomer", "A newcomer wins its slots", "§4.1, §4.2, Table 2");
  Table2 table(plan);
  for (const Cell& cell : cells(plan)) table.measure(cell);
  table.write(report);
  return report;
}

}  // namespace souk::paper
