// The simulator: how fast virtual time passes in a cluster whose every agent runs one task after
// another, what an agent takes of memory, and what a seed of `souk sim` costs.
//
// The worlds here have one master, no faults, no checkers and no round trip through the wire's
// encoding. Time is counted in seconds of CPU of the one thread that simulates, which is what an
// otherwise idle core would take; the time on the wall is told beside it.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <ctime>
#include <memory>
#include <optional>
#include <type_traits>

#include "bench/support.h"
#include "sim/swarm.h"
#include "sim/world.h"
#include "workloads/elastic.h"

namespace souk::bench {
namespace {

// Agents come one after another over a round of pings, so that these are spread as in a cluster
// that has run for a while.
constexpr Duration kRound = 15s;
constexpr Duration kArrival = 100ms;
// After the last agent has come.
constexpr Duration kSettle = 2 * kRound;

struct Flags {
  std::vector<uint64_t> agents = {20, 1'000, 100'000, 1'000'000};
  uint64_t largest = 1'000'000;
  std::vector<uint64_t> lengths = {300, 30};
  int frameworks = 20;
  double cpu = 5;
  uint64_t seeds = 50;
};

double cpu_now() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

double wall_now() { return to_seconds(std::chrono::steady_clock::now().time_since_epoch()); }

int64_t available_kb() {
  std::ifstream file("/proc/meminfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("MemAvailable:")) return std::atoll(line.c_str() + 13);
  }
  return 0;
}

// Does it in a process of its own, whose memory is nothing but what it takes; nothing: it failed.
template <class Work, class Result = std::invoke_result_t<Work>>
std::optional<Result> apart(Work work) {
  static_assert(std::is_trivially_copyable_v<Result>);
  int ends[2] = {};
  if (pipe(ends) != 0) return std::nullopt;
  const pid_t child = fork();
  if (child == 0) {
    const Result result = work();
    const bool told = write(ends[1], &result, sizeof(result)) == sizeof(result);
    _exit(told ? 0 : 1);
  }
  close(ends[1]);
  Result result{};
  const bool heard = child > 0 && read(ends[0], &result, sizeof(result)) == sizeof(result);
  close(ends[0]);
  if (child > 0) waitpid(child, nullptr, 0);
  return heard ? std::optional(result) : std::nullopt;
}

// --- a cluster at work

class SlotCluster {
 public:
  SlotCluster(uint64_t agents, Duration mean, int frameworks) : world_({.seed = 1}) {
    world_.add_master({});
    for (int i = 0; i < frameworks; ++i) {
      const std::string name = fmt::format("f{}", i);
      auto workload = std::make_unique<workloads::Elastic>(
          workloads::ElasticOptions{.framework = {.name = name},
                                    .demand = slot_,
                                    .lengths = workloads::Lengths::exponential(mean)},
          world_.rng(name));
      workloads_.push_back(workload.get());
      world_.add_scheduler({}, std::move(workload));
    }
    world_.run_for(1s);
    add_agents(agents);
    world_.run_for(kSettle);
  }

  sim::World& world() { return world_; }
  workloads::Totals totals() const {
    workloads::Totals sum;
    for (const auto* one : workloads_) {
      sum.finished += one->totals().finished;
      sum.lost += one->totals().lost + one->totals().killed;
    }
    return sum;
  }
  uint64_t running() const {
    uint64_t sum = 0;
    for (const auto* one : workloads_) sum += one->running();
    return sum;
  }

 private:
  void add_agents(uint64_t agents) {
    constexpr uint64_t kSteps = kRound / kArrival;
    for (uint64_t step = 0; step < kSteps; ++step) {
      while (world_.agents().size() < agents * (step + 1) / kSteps) add_agent();
      world_.run_for(kArrival);
    }
  }

  void add_agent() {
    sim::AgentProcessOptions options;
    agent::Options& machine = options.machine;
    machine.agent.hostname = fmt::format("host{}", world_.agents().size());
    machine.agent.ip = "10.0.0.2";
    machine.agent.port = 5051;
    machine.agent.resources = slot_;
    machine.version = "0.1.0";
    world_.add_agent(std::move(options));
  }

  const Resources slot_ = Resources::parse("cpus:1;mem:1024").value();
  sim::World world_;
  std::vector<const workloads::Elastic*> workloads_;
};

struct Run {
  double start_cpu = 0;  // until all agents are there and have a task
  uint64_t start_events = 0;
  double bytes_an_agent = 0;        // with its task, and what masters and frameworks hold for it
  double bytes_an_agent_after = 0;  // at the end: what is remembered of the past, too
  double peak_mb = 0;
  double simulated = 0;
  double cpu = 0;
  double wall = 0;
  uint64_t events = 0;
  uint64_t finished = 0;
  uint64_t lost = 0;
  double occupied = 0;  // of the slots, at the end

  double speed() const { return simulated / cpu; }
  double events_a_second() const { return static_cast<double>(events) / cpu; }
  double events_a_simulated_second() const { return static_cast<double>(events) / simulated; }
  // All did run, and nothing got lost: otherwise it is no figure of what it says.
  bool sound() const { return lost == 0 && occupied > 0.98; }
};

Run run_cluster(uint64_t agents, Duration mean, const Flags& flags) {
  const auto rss = [] { return static_cast<double>(status_kb(getpid(), "VmRSS")) * 1024; };
  const double empty = rss();
  Run run;
  const double born = cpu_now();
  // Never taken apart: the process ends with it.
  auto& cluster = *new SlotCluster(agents, mean, flags.frameworks);
  sim::World& world = cluster.world();
  run.start_cpu = cpu_now() - born;
  run.start_events = world.steps();
  run.bytes_an_agent = (rss() - empty) / static_cast<double>(agents);
  const uint64_t finished = cluster.totals().finished;
  const MonoTime from = world.now();
  const double wall = wall_now();
  const double cpu = cpu_now();
  // Whole rounds: pings come in the same numbers in each.
  while (run.cpu < flags.cpu) {
    world.run_for(kRound);
    run.cpu = cpu_now() - cpu;
  }
  run.wall = wall_now() - wall;
  run.simulated = to_seconds(world.now() - from);
  run.events = world.steps() - run.start_events;
  run.finished = cluster.totals().finished - finished;
  run.lost = cluster.totals().lost;
  run.occupied = static_cast<double>(cluster.running()) / static_cast<double>(agents);
  run.bytes_an_agent_after = (rss() - empty) / static_cast<double>(agents);
  run.peak_mb = static_cast<double>(status_kb(getpid(), "VmHWM")) / 1024;
  return run;
}

void print(uint64_t agents, uint64_t length, const Run& run) {
  std::printf("%9lu %6lu s %9.0f x %9.0f x %12.0f %12.0f %10.0f %10.0f %8.0f MB %8.1f s%s\n",
              static_cast<unsigned long>(agents), static_cast<unsigned long>(length), run.speed(),
              run.simulated / run.wall, run.events_a_second(), run.events_a_simulated_second(),
              run.bytes_an_agent, run.bytes_an_agent_after, run.peak_mb, run.start_cpu,
              run.sound() ? "" : "  UNSOUND: slots are idle, or tasks were lost");
}

void add(wire::JsonWriter& json, uint64_t agents, uint64_t length, const Run& run) {
  json.begin_object();
  json.field("agents", agents);
  json.field("task_seconds", length);
  json.field("simulated_s_per_cpu_s", run.speed());
  json.field("simulated_s_per_wall_s", run.simulated / run.wall);
  json.field("events_per_cpu_s", run.events_a_second());
  json.field("events_per_simulated_s", run.events_a_simulated_second());
  json.field("bytes_per_agent", run.bytes_an_agent);
  json.field("bytes_per_agent_at_end", run.bytes_an_agent_after);
  json.field("peak_mb", run.peak_mb);
  json.field("start_cpu_s", run.start_cpu);
  json.field("simulated_s", run.simulated);
  json.field("cpu_s", run.cpu);
  json.field("tasks_finished", run.finished);
  json.field("slots_occupied", run.occupied);
  json.end_object();
}

// What an agent may take at most; a size that does not fit is left out.
constexpr int64_t kBytesAnAgentMost = 18'000;
// Beyond, one length of tasks will do.
constexpr uint64_t kLarge = 1'000'000;

bool run_clusters(const Flags& flags, wire::JsonWriter& json) {
  std::printf("%9s %8s %11s %11s %12s %12s %10s %10s %11s %10s\n", "agents", "tasks of", "time/CPU",
              "time/wall", "events/CPU s", "events/sim s", "B/agent", "B/agent end", "peak",
              "start CPU");
  bool sound = true;
  for (const uint64_t agents : flags.agents) {
    if (agents > flags.largest) continue;
    for (const uint64_t length : flags.lengths) {
      if (agents >= kLarge && length != flags.lengths.front()) continue;
      if (static_cast<int64_t>(agents) * kBytesAnAgentMost / 1024 > available_kb()) {
        std::printf("%9lu left out: no memory is free for it\n",
                    static_cast<unsigned long>(agents));
        continue;
      }
      const auto mean = Duration(std::chrono::seconds(length));
      const auto run = apart([&] { return run_cluster(agents, mean, flags); });
      sound = sound && run && run->sound();
      if (!run) {
        std::printf("%9lu FAILED\n", static_cast<unsigned long>(agents));
        continue;
      }
      print(agents, length, *run);
      std::fflush(stdout);
      add(json, agents, length, *run);
    }
  }
  return sound;
}

// --- seeds of souk sim, as they come: with faults, checkers and all

struct Seeds {
  double mean = 0;
  double most = 0;
  uint64_t slowest = 0;
  double simulated = 0;
  uint64_t steps = 0;
};

Seeds run_seeds(uint64_t count) {
  Seeds seeds;
  for (uint64_t seed = 1; seed <= count; ++seed) {
    const double start = cpu_now();
    const sim::Outcome outcome = sim::run(sim::draw_plan(seed), {});
    const double cpu = cpu_now() - start;
    seeds.mean += cpu / static_cast<double>(count);
    seeds.simulated += to_seconds(outcome.simulated) / static_cast<double>(count);
    seeds.steps += outcome.steps;
    if (cpu <= seeds.most) continue;
    seeds.most = cpu;
    seeds.slowest = seed;
  }
  return seeds;
}

int bench(const Flags& flags) {
  Report report;
  report.add("frameworks", static_cast<int64_t>(flags.frameworks));
  std::string text;
  wire::JsonWriter json(text);
  json.begin_array();
  const bool sound = run_clusters(flags, json);
  json.end_array();
  report.add_json("clusters", text);
  if (flags.seeds > 0) {
    const auto seeds = apart([&] { return run_seeds(flags.seeds); });
    if (!seeds) return 1;
    std::printf(
        "a seed of souk sim: %.3f s of CPU on average, %.3f s at most (seed %lu); %.0f s simulated "
        "and %lu events on average (%lu seeds)\n",
        seeds->mean, seeds->most, static_cast<unsigned long>(seeds->slowest), seeds->simulated,
        static_cast<unsigned long>(seeds->steps / flags.seeds),
        static_cast<unsigned long>(flags.seeds));
    report.add("seeds", flags.seeds);
    report.add("seed_cpu_s_mean", seeds->mean);
    report.add("seed_cpu_s_most", seeds->most);
    report.add("seed_simulated_s_mean", seeds->simulated);
    report.add("seed_events_mean", seeds->steps / flags.seeds);
  }
  report.print();
  return sound ? 0 : 1;
}

}  // namespace
}  // namespace souk::bench

int main(int argc, char** argv) {
  souk::bench::Flags flags;
  CLI::App app("How fast virtual time passes in the simulator");
  app.add_option("--agents", flags.agents, "sizes of clusters")->delimiter(',');
  app.add_option("--largest", flags.largest, "larger clusters are left out");
  app.add_option("--lengths", flags.lengths, "mean lengths of tasks, in seconds")->delimiter(',');
  app.add_option("--frameworks", flags.frameworks, "that share each cluster");
  app.add_option("--cpu", flags.cpu, "seconds of CPU to measure each for, at least");
  app.add_option("--seeds", flags.seeds, "of souk sim to run; 0: none");
  CLI11_PARSE(app, argc, argv);
  return souk::bench::bench(flags);
}
