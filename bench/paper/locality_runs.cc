#include "bench/paper/locality_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <utility>

#include "bench/paper/cluster.h"
#include "bench/paper/macro_runs.h"
#include "bench/paper/runs.h"
#include "workloads/jobs.h"
#include "workloads/mixes.h"

namespace souk::paper {

using workloads::Jobs;

const ScanLengths kScanLengths = {7780ms, 224};

namespace {

// 4 cores and 15 GB. A slot is one core and its part of the memory.
constexpr const char* kSlot = "cpus:1;mem:3840";
constexpr int kSlots = 4;
constexpr std::size_t kCopies = 3;
// As in §6.1.
constexpr Duration kHadoopOverhead = 10s;
constexpr int kDeviationPart = 5;

// Of §6.1, on 24 of 96 nodes: that not all copies are on the other 72.
constexpr double kLargeLocalPart = 1 - (72.0 * 71 * 70) / (96.0 * 95 * 94);
constexpr std::size_t kLargeRow = 8;
constexpr double kStaticTime = 565;

std::string node_name(int number) { return fmt::format("node{}", number); }

std::unique_ptr<Jobs> instance(const LocalityOptions& options, int number, Rng rng) {
  std::vector<std::string> hosts;
  for (int i = 0; i < options.nodes; ++i) hosts.push_back(node_name(i));
  const Duration map = options.lengths.local;
  workloads::Stage scan{.tasks = options.blocks};
  scan.lengths = workloads::Lengths::normal(map, map / kDeviationPart);
  scan.demand = bag(kSlot);
  scan.preferred = workloads::spread_blocks(options.blocks, hosts, kCopies, rng.fork("file"));
  scan.non_local_percent = options.lengths.elsewhere_percent;
  workloads::JobsOptions jobs{.framework = {.name = fmt::format("hadoop{}", number)}};
  // All come at one time, when all are known to the master.
  jobs.jobs.push_back({.arrival = 1s, .stages = {std::move(scan)}});
  // On a part, whoever waited would only wait: the nodes that have the block are never offered.
  jobs.delay = options.delay.value_or(0s);
  return std::make_unique<Jobs>(std::move(jobs), rng.fork("tasks"));
}

// Offers are of an agent, so a node whose slots are offered one by one is as many agents.
void add_node(sim::World& world, int number, bool slot_by_slot) {
  const Resources slot = bag(kSlot);
  sim::AgentProcessOptions agent = agent_on(node_name(number), kSlot);
  for (int i = 1; i < kSlots; ++i) {
    if (slot_by_slot) {
      world.add_agent(agent_on(node_name(number), kSlot));
    } else {
      agent.machine.agent.resources += slot;
    }
  }
  world.add_agent(std::move(agent));
}

// Sees who gets a slot that somebody has left.
class SlotWatch final : public sim::Observer {
 public:
  void on_task_process(const sim::AgentProcess& agent, const ContainerId&, std::string_view name,
                       bool began) override {
    // Tasks are "<framework>.<number>".
    const std::string framework(name.substr(0, name.rfind('.')));
    std::vector<std::string>& left = left_[agent.id().value];
    if (!began) return left.push_back(framework);
    if (left.empty()) return;
    ++taken_;
    auto at = std::ranges::find(left, framework);
    if (at == left.end()) {
      at = left.begin();
    } else {
      ++back_;
    }
    left.erase(at);
  }
  uint64_t taken() const { return taken_; }
  uint64_t back() const { return back_; }

 private:
  std::map<uint32_t, std::vector<std::string>> left_;  // by agent: slots not taken again yet
  uint64_t taken_ = 0;
  uint64_t back_ = 0;  // by whoever left them
};

// Instances [first, last) on nodes [from, to).
void play(const LocalityOptions& options, int first, int last, int from, int to, LocalityRun& run) {
  constexpr Duration kLongest = 3h;
  sim::World world({.seed = options.seed});
  world.add_master(master_with("drf"));
  SlotWatch watch;
  world.add_observer(watch);
  for (int i = from; i < to; ++i) add_node(world, i, options.slot_by_slot);
  std::vector<const Jobs*> all;
  for (int i = first; i < last; ++i) {
    auto jobs = instance(options, i, Rng(options.seed).fork(fmt::format("hadoop{}", i)));
    all.push_back(jobs.get());
    world.add_scheduler({}, std::move(jobs));
  }
  run.done &= world.run_until(MonoTime(kLongest), [&] {
    return std::ranges::all_of(all, [](const Jobs* each) { return each->done(); });
  });
  run.taken += watch.taken();
  run.back += watch.back();
  for (const Jobs* each : all) {
    const auto& record = each->record(0);
    run.local += record.local;
    run.elsewhere += record.non_local;
    if (!record.finished) continue;
    const double slots = seconds_of(*record.submitted, *record.finished);
    run.times.push_back(slots + to_seconds(kHadoopOverhead));
  }
}

}  // namespace

double LocalityRun::mean_time() const {
  return std::accumulate(times.begin(), times.end(), 0.0) / static_cast<double>(times.size());
}

LocalityRun run_locality(const LocalityOptions& options) {
  LocalityRun run{.done = true};
  if (options.delay) {
    play(options, 0, options.instances, 0, options.nodes, run);
    return run;
  }
  for (int i = 0; i < options.instances; ++i) {
    const int from = options.nodes * i / options.instances;
    const int to = options.nodes * (i + 1) / options.instances;
    play(options, i, i + 1, from, to, run);
  }
  return run;
}

// A fixed point on the mean length of maps on parts; from that and the other figure follow, with
// two linear equations, the lengths of local maps and others.
ScanCalibration calibrate_scan(const LocalityOptions& options, int seeds, int rounds, int jobs) {
  LocalityOptions trial = options;
  trial.delay.reset();
  ScanCalibration result;
  const double overhead = to_seconds(kHadoopOverhead);
  for (int round = 0; round <= rounds; ++round) {
    const auto runs = run_all<LocalityRun>(seeds, jobs, [&](int i) {
      LocalityOptions one = trial;
      one.seed = static_cast<uint64_t>(i) + 1;
      return run_locality(one);
    });
    result = {.lengths = trial.lengths};
    for (const LocalityRun& run : runs) {
      result.time += run.mean_time() / seeds;
      result.local_part += run.local_part() / seeds;
    }
    if (round == rounds) break;
    const double off = (kStaticTime - overhead) / (result.time - overhead);
    const double local = to_seconds(trial.lengths.local);
    const double elsewhere = local * static_cast<double>(trial.lengths.elsewhere_percent) / 100;
    const double p = result.local_part;
    const double here = off * (p * local + (1 - p) * elsewhere);
    const double q = kLargeLocalPart;
    const double there = to_seconds(kMacroLengths[kLargeRow]);
    // here = p L + (1 - p) E, there = q L + (1 - q) E
    const double new_elsewhere = (q * here - p * there) / (q - p);
    const double new_local = (there - (1 - q) * new_elsewhere) / q;
    trial.lengths.local = std::chrono::milliseconds(std::llround(new_local * 1000));
    trial.lengths.elsewhere_percent =
        static_cast<uint32_t>(std::lround(100 * new_elsewhere / new_local));
  }
  return result;
}

}  // namespace souk::paper
