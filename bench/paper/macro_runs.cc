#include "bench/paper/macro_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/rng.h"
#include "bench/paper/cluster.h"
#include "bench/paper/runs.h"
#include "workloads/jobs.h"
#include "workloads/mixes.h"
#include "workloads/slot_jobs.h"

namespace souk::paper {

using workloads::Job;
using workloads::Jobs;
using workloads::Lengths;
using workloads::SlotJobs;
using workloads::Stage;

const std::array<MacroRow, kMacroRows> kMacroTable = {{
    {"Facebook (1) selection", Mix::kFacebook, 1, 0, 38, 24, 0.84},
    {"Facebook (2) text search", Mix::kFacebook, 2, 0, 18, 31, 0.90},
    {"Facebook (3) aggregation", Mix::kFacebook, 10, 2, 14, 82, 0.94},
    {"Facebook (4) selection", Mix::kFacebook, 50, 0, 12, 65, 1.40},
    {"Facebook (5) aggregation", Mix::kFacebook, 100, 10, 6, 192, 1.26},
    {"Facebook (6) selection", Mix::kFacebook, 200, 0, 6, 136, 1.71},
    {"Facebook (7) text search", Mix::kFacebook, 400, 0, 4, 137, 2.14},
    {"Facebook (8) join", Mix::kFacebook, 400, 30, 2, 662, 1.35},
    {"large text search", Mix::kLarge, 2400, 0, 10, 314, 2.21},
    {"ALS", Mix::kSpark, 192, 0, 5, 337, 1.36},
    {"MPI, small", Mix::kTorque, 24, 0, 6, 261, 0.91},
    {"MPI, large", Mix::kTorque, 24, 0, 2, 822, 0.88},
}};

const std::array<MacroSums, kMacroMixes> kMacroSums = {{
    {"Facebook Hadoop mix", 7235, 6319},
    {"large Hadoop mix", 3143, 1494},
    {"Spark", 1684, 1338},
    {"Torque / MPI", 3210, 3352},
}};

const MacroLengths kMacroLengths = {13486ms, 18475ms, 19762ms, 20546ms, 26366ms,  16606ms,
                                    8259ms,  45942ms, 11790ms, 5285ms,  260989ms, 821994ms};

namespace {

constexpr int kNodes = 96;
constexpr int kMixNodes = 24;
// 4 cores and 15 GB. A slot is one core and its part of the memory.
constexpr const char* kNode = "cpus:4;mem:15360";
constexpr const char* kSlot = "cpus:1;mem:3840";

// What the paper does not tell and the static column can't, chosen beforehand:
// - A Hadoop job takes so long besides its tasks, and no slot meanwhile: setup and cleanup, JVMs,
//   heartbeats of 3 s.
constexpr Duration kHadoopOverhead = 10s;
// - A reduce, with its shuffle and sort, takes as long as two maps of its job.
constexpr int kMapsPerReduce = 2;
// - Task lengths have a standard deviation of a fifth.
constexpr int kDeviationPart = 5;
// - ALS: ten iterations of two halves, each of two tasks a core of the partition after a broadcast
//   on one slot, which takes half as long as a task: a fifth of the time.
constexpr int kAlsHalves = 20;
constexpr int kAlsBroadcastsPerTask = 2;
// - An MPI job is submitted every three minutes; which of them are the large ones.
constexpr Duration kTorqueInterval = 3min;
constexpr std::array<int, 2> kTorqueLarge = {1, 4};

constexpr Duration kAlsPause = 2min;
constexpr std::size_t kLargeRow = 8;
constexpr std::size_t kAlsRow = 9;
constexpr std::size_t kTorqueSmallRow = 10;
constexpr std::size_t kTorqueLargeRow = 11;

Lengths lengths_of(Duration mean) { return Lengths::normal(mean, mean / kDeviationPart); }

Stage stage_of(uint64_t tasks, Duration mean) { return {tasks, lengths_of(mean), bag(kSlot)}; }

// The framework of one mix, and how to read its jobs when it has run.
struct Player {
  std::unique_ptr<workloads::Framework> framework;
  const workloads::Framework* looked_at = nullptr;
  std::function<void(MacroRun&)> tell;
};

// Jobs whose kind is their row. Each takes `overhead` before it is submitted to our scheduler.
Player player_of(std::string name, std::vector<Job> list, Duration overhead, Rng rng) {
  for (Job& job : list) (job.after ? job.pause : job.arrival) += overhead;
  auto jobs = std::make_unique<Jobs>(
      workloads::JobsOptions{.framework = {.name = std::move(name)}, .jobs = std::move(list)}, rng);
  const Jobs* seen = jobs.get();
  return {std::move(jobs), seen, [seen, overhead](MacroRun& run) {
            for (std::size_t i = 0; i < seen->jobs(); ++i) {
              const auto& record = seen->record(i);
              if (!record.finished) continue;
              const auto row = static_cast<std::size_t>(std::stoi(seen->job(i).kind));
              const double slots = seconds_of(*record.submitted, *record.finished);
              run.times[row].push_back(slots + to_seconds(overhead));
              run.waits[row].push_back(seconds_of(*record.submitted, *record.first_launch));
            }
          }};
}

Player facebook(const MacroOptions& options, Rng rng) {
  std::vector<Job> jobs;
  std::map<std::size_t, int> taken;
  for (Job& job : workloads::facebook_mix({.demand = bag(kSlot)}, rng)) {
    const auto row = static_cast<std::size_t>(std::stoi(job.kind) - 1);
    if (taken[row]++ >= std::max(kMacroTable.at(row).jobs / options.facebook_part, 1)) continue;
    job.kind = std::to_string(row);
    job.arrival /= options.facebook_part;
    const Duration map = options.lengths.at(row);
    job.stages[0].lengths = lengths_of(map);
    if (job.stages.size() > 1) job.stages[1].lengths = lengths_of(map * kMapsPerReduce);
    jobs.push_back(std::move(job));
  }
  return player_of("facebook", std::move(jobs), kHadoopOverhead, rng.fork("tasks"));
}

Player large(const MacroOptions& options, Rng rng) {
  std::vector<Job> jobs;
  for (int i = 0; i < options.large_jobs; ++i) {
    Job job{.kind = std::to_string(kLargeRow)};
    job.stages.push_back(stage_of(kMacroTable[kLargeRow].maps, options.lengths[kLargeRow]));
    if (i > 0) job.after = static_cast<std::size_t>(i - 1);
    jobs.push_back(std::move(job));
  }
  return player_of("large", std::move(jobs), kHadoopOverhead, rng);
}

Player spark(const MacroOptions& options, Rng rng) {
  const Duration task = options.lengths[kAlsRow];
  std::vector<Job> jobs;
  for (int i = 0; i < options.spark_jobs; ++i) {
    Job job{.kind = std::to_string(kAlsRow), .pause = kAlsPause};
    for (int half = 0; half < kAlsHalves; ++half) {
      job.stages.push_back(stage_of(1, task / kAlsBroadcastsPerTask));
      job.stages.push_back(stage_of(kMacroTable[kAlsRow].maps, task));
    }
    if (i > 0) job.after = static_cast<std::size_t>(i - 1);
    jobs.push_back(std::move(job));
  }
  return player_of("spark", std::move(jobs), 0s, rng);
}

Player torque(const MacroOptions& options) {
  workloads::SlotJobsOptions jobs{.framework = {.name = "torque", .rigid = true}};
  jobs.demand = bag(kSlot);
  jobs.mode = workloads::SlotMode::kHoarding;
  // Not more than its fair share: MPI jobs have no use for more.
  jobs.max_jobs = kMixNodes * 4 / kMacroTable[kTorqueSmallRow].maps;
  std::vector<std::size_t> rows;
  for (int i = 0; i < options.torque_jobs; ++i) {
    const bool is_large = std::ranges::find(kTorqueLarge, i) != kTorqueLarge.end();
    rows.push_back(is_large ? kTorqueLargeRow : kTorqueSmallRow);
    jobs.jobs.push_back({.arrival = i * kTorqueInterval,
                         .slots = kMacroTable[rows.back()].maps,
                         .length = options.lengths[rows.back()]});
  }
  auto framework = std::make_unique<SlotJobs>(std::move(jobs));
  const SlotJobs* seen = framework.get();
  return {std::move(framework), seen, [seen, rows](MacroRun& run) {
            for (std::size_t i = 0; i < seen->jobs(); ++i) {
              const auto& record = seen->record(i);
              if (!record.done) continue;
              run.times[rows[i]].push_back(seconds_of(*record.arrived, *record.done));
              run.waits[rows[i]].push_back(seconds_of(*record.arrived, *record.ramped_up));
            }
          }};
}

Player player(Mix mix, const MacroOptions& options) {
  const Rng rng(options.seed);
  switch (mix) {
    case Mix::kFacebook:
      return facebook(options, rng.fork("facebook"));
    case Mix::kLarge:
      return large(options, rng.fork("large"));
    case Mix::kSpark:
      return spark(options, rng.fork("spark"));
    case Mix::kTorque:
      return torque(options);
  }
  SOUK_CHECK(false, "a mix");
  return {};
}

constexpr std::array<Mix, kMacroMixes> kAll = {Mix::kFacebook, Mix::kLarge, Mix::kSpark,
                                               Mix::kTorque};

// Adds what becomes of these mixes on so many nodes.
bool play(const MacroOptions& options, const std::vector<Mix>& mixes, int nodes, MacroRun& run) {
  constexpr Duration kLongest = 3h;
  sim::World world({.seed = options.seed});
  sim::MasterProcessOptions master = master_with(options.allocator);
  master.allocation.revocation_delay = options.revocation_delay;
  master.allocation.revocation_grace = options.revocation_grace;
  world.add_master(std::move(master));
  for (int i = 0; i < nodes; ++i) world.add_agent(agent_on(fmt::format("node{}", i), kNode));
  std::vector<Player> players;
  for (const Mix mix : mixes) {
    players.push_back(player(mix, options));
    world.add_scheduler({}, std::move(players.back().framework));
  }
  const auto all_done = [&] {
    return std::ranges::all_of(players, [](const Player& each) { return each.looked_at->done(); });
  };
  while (!all_done() && world.now() < MonoTime(kLongest)) {
    world.run_for(1s);
    for (std::size_t i = 0; i < mixes.size(); ++i) {
      run.held[static_cast<std::size_t>(mixes[i])].push_back(
          static_cast<uint32_t>(players[i].looked_at->running()));
    }
  }
  for (const Player& each : players) {
    each.tell(run);
    run.launched += each.looked_at->totals().launched;
    run.lost += each.looked_at->totals().lost;
  }
  return all_done();
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

double MacroRun::sum(Mix mix) const {
  double sum = 0;
  for (std::size_t row = 0; row < kMacroRows; ++row) {
    if (kMacroTable[row].mix != mix) continue;
    sum = std::accumulate(times[row].begin(), times[row].end(), sum);
  }
  return sum;
}

double MacroRun::mean(std::size_t row) const { return mean_of(times[row]); }

double MacroRun::utilization(std::size_t seconds) const {
  uint64_t sum = 0;
  for (const std::vector<uint32_t>& each : held) {
    sum = std::accumulate(each.begin(), each.begin() + std::min(seconds, each.size()), sum);
  }
  return static_cast<double>(sum) / static_cast<double>(seconds * kMacroSlots);
}

MacroRun run_shared(const MacroOptions& options) {
  MacroRun run;
  run.done = play(options, {kAll.begin(), kAll.end()}, kNodes, run);
  return run;
}

MacroRun run_static(const MacroOptions& options) {
  MacroRun run;
  run.done = true;
  for (const Mix mix : kAll) run.done &= play(options, {mix}, kMixNodes, run);
  return run;
}

namespace {

std::array<double, kMacroRows> static_times(const MacroOptions& options, Mix mix, int seeds,
                                            int jobs) {
  const auto runs = run_all<MacroRun>(seeds, jobs, [&](int i) {
    MacroOptions one = options;
    one.seed = static_cast<uint64_t>(i) + 1;
    MacroRun run;
    play(one, {mix}, kMixNodes, run);
    return run;
  });
  std::array<double, kMacroRows> means{};
  for (std::size_t row = 0; row < kMacroRows; ++row) {
    if (kMacroTable[row].mix != mix) continue;
    std::vector<double> times;
    for (const MacroRun& run : runs) {
      times.insert(times.end(), run.times[row].begin(), run.times[row].end());
    }
    means[row] = mean_of(times);
  }
  return means;
}

}  // namespace

// A fixed point: jobs that take too long by a part get tasks shorter by half that part, since
// longer tasks also make jobs wait for each other. The mixes do not meet on their partitions, so
// each is calibrated alone.
MacroCalibration calibrate_macro(const MacroOptions& options, int seeds, int rounds, int jobs) {
  MacroOptions trial = options;
  MacroCalibration result;
  for (const Mix mix : kAll) {
    // The others hardly differ from seed to seed.
    const int of_mix = mix == Mix::kFacebook ? seeds : std::min(seeds, 2);
    for (int round = 0; round <= rounds; ++round) {
      const auto times = static_times(trial, mix, of_mix, jobs);
      for (std::size_t row = 0; row < kMacroRows; ++row) {
        if (kMacroTable[row].mix != mix) continue;
        result.times[row] = times[row];
        if (round == rounds) continue;
        const double off = std::sqrt(kMacroTable[row].paper_static / times[row]);
        trial.lengths[row] =
            std::chrono::milliseconds(std::llround(to_seconds(trial.lengths[row]) * off * 1000));
      }
    }
  }
  result.lengths = trial.lengths;
  return result;
}

}  // namespace souk::paper
