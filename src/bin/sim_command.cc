// `souk sim`: clusters in one process, on virtual time, from a seed.
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "bin/commands.h"
#include "bin/flags.h"
#include "bin/sim_trace.h"
#include "sim/swarm.h"

namespace souk::bin {
namespace {

struct SimFlags {
  std::optional<uint64_t> seed;
  uint64_t first = 1;
  uint64_t seeds = 0;
  double hours = 0;
  unsigned jobs = 1;
  std::size_t timeline = 12;
  int shrink_runs = 200;
  bool verbose = false;
  std::vector<std::string> switches;
};

Switches switches_of(const SimFlags& flags) {
  Switches switches;
  for (const std::string& name : flags.switches) switches.set(*switch_named(name));
  return switches;
}

int replay(const SimFlags& flags) {
  const sim::Plan plan = sim::draw_plan(*flags.seed);
  std::printf("%s\n", sim::to_string(plan).c_str());
  if (flags.verbose) {
    for (const sim::Fault& fault : plan.faults)
      std::printf("  %s\n", sim::to_string(fault).c_str());
  }
  sim::RunOptions options{.switches = switches_of(flags)};
  if (flags.verbose) options.timeline = 1'000'000;
  const sim::Outcome outcome = sim::run(plan, options);
  if (flags.verbose) std::printf("%s", outcome.timeline.c_str());
  std::printf("%.0f s simulated, %llu steps\n", to_seconds(outcome.simulated),
              static_cast<unsigned long long>(outcome.steps));
  for (const std::string& probe : outcome.probes) std::printf("probe: %s\n", probe.c_str());
  if (outcome.failure) {
    std::printf("FAILED %s\n", outcome.failure->c_str());
    const sim::Plan shorter = sim::shrink(plan, options, outcome, flags.shrink_runs);
    options.timeline = flags.timeline;
    const sim::Outcome again = sim::run(shorter, options);
    std::printf("\nIt still fails with these of its %zu faults:\n", plan.faults.size());
    for (const sim::Fault& fault : shorter.faults) {
      std::printf("  %s\n", sim::to_string(fault).c_str());
    }
    std::printf("%s\nThe last events of each process then:\n%s", again.failure->c_str(),
                again.timeline.c_str());
  }
  std::printf("digest %s\n", outcome.digest.c_str());
  return outcome.failure ? kExitFailed : kExitOk;
}

// What many runs have come to.
struct Summary {
  std::mutex mutex;
  uint64_t runs = 0;
  double simulated_s = 0;
  uint64_t steps = 0;
  std::array<uint64_t, sim::kFaultKinds> faults{};
  std::map<std::string, std::pair<uint64_t, uint64_t>, std::less<>> probes;  // count, first seed
  std::map<uint64_t, std::string> failures;
  std::map<uint64_t, std::string> digests;

  void add(const sim::Outcome& outcome) {
    const std::lock_guard lock(mutex);
    ++runs;
    simulated_s += to_seconds(outcome.simulated);
    steps += outcome.steps;
    for (std::size_t i = 0; i < faults.size(); ++i) faults[i] += outcome.faults[i];
    for (const std::string& probe : outcome.probes) {
      auto& [count, first] = probes[probe];
      if (count++ == 0 || outcome.seed < first) first = outcome.seed;
    }
    digests[outcome.seed] = outcome.digest;
    if (!outcome.failure) return;
    failures[outcome.seed] = *outcome.failure;
    std::printf("seed %llu FAILED %s\n", static_cast<unsigned long long>(outcome.seed),
                outcome.failure->c_str());
    std::fflush(stdout);
  }
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void print(const Summary& summary) {
  std::printf("%llu seeds, %.1f h simulated, %llu steps, %.3f s of CPU a seed\n",
              static_cast<unsigned long long>(summary.runs), summary.simulated_s / 3600,
              static_cast<unsigned long long>(summary.steps),
              cpu_seconds() / static_cast<double>(std::max<uint64_t>(summary.runs, 1)));
  std::printf("faults:");
  for (std::size_t i = 0; i < summary.faults.size(); ++i) {
    std::printf(" %s %llu", std::string(sim::to_string(static_cast<sim::FaultKind>(i))).c_str(),
                static_cast<unsigned long long>(summary.faults[i]));
  }
  std::printf("\n");
  for (const auto& [probe, hits] : summary.probes) {
    std::printf("probe %-48s %8llu seeds, first %llu\n", probe.c_str(),
                static_cast<unsigned long long>(hits.first),
                static_cast<unsigned long long>(hits.second));
  }
  for (const auto& [seed, why] : summary.failures) {
    std::printf("FAILED seed %llu (souk sim --seed %llu): %s\n",
                static_cast<unsigned long long>(seed), static_cast<unsigned long long>(seed),
                why.c_str());
  }
  Digest all;
  for (const auto& [seed, digest] : summary.digests) all.add(seed).add(digest);
  std::printf("digest %s\n", all.hex().c_str());
}

int sweep(const SimFlags& flags) {
  Summary summary;
  std::atomic<uint64_t> next = flags.first;
  const auto start = std::chrono::steady_clock::now();
  const auto work = [&] {
    while (true) {
      const uint64_t seed = next++;
      if (flags.hours > 0) {
        const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
        if (spent.count() > flags.hours * 3600) return;
      } else if (seed >= flags.first + flags.seeds) {
        return;
      }
      summary.add(sim::run(sim::draw_plan(seed), {.switches = switches_of(flags)}));
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 1; i < flags.jobs; ++i) threads.emplace_back(work);
    work();
  }
  print(summary);
  return summary.failures.empty() ? kExitOk : kExitFailed;
}

}  // namespace

void add_sim_command(CLI::App& app, int& exit_status) {
  CLI::App& command =
      *app.add_subcommand("sim", "Simulate clusters, and what goes wrong in them, from seeds");
  auto flags = std::make_shared<SimFlags>();
  // What a trace needs has its flags from the environment, too.
  auto trace = std::make_shared<SimTraceFlags>();
  auto trace_flags = std::make_shared<Flags>(command);
  trace->add_to(*trace_flags);
  command.add_option("--seed", flags->seed,
                     "replay this one, or the trace with it; the last line is its digest");
  command.add_option("--seeds", flags->seeds, "run so many, one after another");
  command.add_option("--first", flags->first, "the first of them");
  command.add_option("--hours", flags->hours, "run fresh seeds for so long");
  command.add_option("--jobs", flags->jobs, "threads");
  command.add_option("--timeline", flags->timeline,
                     "how many of the last events of each process to print of a failure");
  command.add_option("--shrink", flags->shrink_runs,
                     "how many runs to spend on finding a shorter list of faults");
  command.add_flag("--verbose", flags->verbose, "with --seed: print its faults and all its events");
  std::vector<std::string> known;
  for (const auto& [s, name] : kSwitchNames) known.emplace_back(name);
  command.add_option("--plant", flags->switches, "plant this bug in the machines, to see it found")
      ->check(CLI::IsMember(known));
  command.footer(
      "A run is its seed: the same events, and the same digest, every time.\n"
      "  souk sim --seed 7             what happens in it, and whether all was well\n"
      "  souk sim --seeds 1000 --jobs 2\n"
      "  souk sim --hours 8 --jobs 2   seeds nobody has run before\n"
      "docs/SIMULATOR.md tells what is simulated, and how to read a failure.\n"
      "Or a workload of your own, on a cluster that you describe (docs/CAPACITY_PLANNING.md):\n"
      "  souk sim --trace=examples/traces/two_teams.json --allocator=lottery\n"
      "  souk sim --trace=jobs.csv --agents=\"60*cpus:8;mem:32768\" --csv=shares.csv");
  command.callback([flags, trace, trace_flags, &exit_status] {
    if (trace->given()) {
      exit_status = run_trace(*trace, *trace_flags, flags->seed.value_or(1));
      return;
    }
    if (flags->seed) {
      exit_status = replay(*flags);
      return;
    }
    if (flags->seeds == 0 && flags->hours == 0) flags->seeds = 200;
    if (flags->hours > 0 && flags->first == 1) {
      const auto wall = std::chrono::system_clock::now().time_since_epoch();
      flags->first = static_cast<uint64_t>(
          std::chrono::duration_cast<std::chrono::milliseconds>(wall).count());
      std::printf("seeds from %llu on\n", static_cast<unsigned long long>(flags->first));
    }
    exit_status = sweep(*flags);
  });
}

}  // namespace souk::bin
