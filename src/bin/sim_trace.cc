#include "bin/sim_trace.h"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "bin/commands.h"
#include "bin/trace_report.h"
#include "sim/replay.h"
#include "sim/trace.h"

namespace souk::bin {
namespace {

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return fail("cannot read {}", quote(path, 200));
  const auto size = static_cast<std::streamoff>(file.tellg());
  if (size < 0 || static_cast<uint64_t>(size) > sim::kMaxTraceBytes) {
    return fail("{} is larger than {}, or no file", quote(path, 200),
                human_bytes(sim::kMaxTraceBytes));
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  file.seekg(0);
  file.read(text.data(), size);
  if (!file) return fail("cannot read {}", quote(path, 200));
  return text;
}

Result<void> add_jobs(const std::string& path, std::string_view text, sim::Trace& trace) {
  auto jobs = sim::parse_jobs_csv(text);
  if (!jobs) return fail("{}: {}", path, jobs.error().message);
  for (sim::TraceJob& job : *jobs) job.where = fmt::format("{}: {}", path, job.where);
  if (trace.jobs.size() + jobs->size() > sim::kMaxTraceJobs) {
    return fail("{}: more than {} jobs together", path, sim::kMaxTraceJobs);
  }
  std::ranges::move(*jobs, std::back_inserter(trace.jobs));
  return {};
}

// JSON is an object; anything else is rows of jobs.
Result<void> read_trace(const std::string& path, sim::Trace& trace) {
  auto text = read_file(path);
  if (!text) return std::unexpected(text.error());
  if (!trim(*text).starts_with('{')) return add_jobs(path, *text, trace);
  auto parsed = sim::parse_trace_json(*text);
  if (!parsed) return fail("{}: {}", path, parsed.error().message);
  trace = std::move(*parsed);
  for (sim::TraceJob& job : trace.jobs) job.where = fmt::format("{}: {}", path, job.where);
  return {};
}

// "60*cpus:8;mem:32768|4*cpus:64;mem:262144". They have hostnames of their own, `hostname` and a
// number.
Result<void> add_agents(std::string_view text, std::string_view hostname, sim::Trace& trace) {
  if (trim(text).empty()) return {};
  for (const std::string_view part : split(text, '|')) {
    auto agents = sim::parse_agents(trim(part));
    if (!agents) return std::unexpected(agents.error());
    agents->hostname = hostname;
    trace.agents.push_back(std::move(*agents));
  }
  return {};
}

Result<sim::Trace> load(const SimTraceFlags& flags) {
  sim::Trace trace;
  if (auto done = read_trace(flags.trace, trace); !done) return std::unexpected(done.error());
  if (!flags.trace_jobs.empty()) {
    const auto text = read_file(flags.trace_jobs);
    if (!text) return fail("--trace_jobs: {}", text.error().message);
    if (auto done = add_jobs(flags.trace_jobs, *text, trace); !done) {
      return std::unexpected(done.error());
    }
  }
  if (!trim(flags.agents).empty()) trace.agents.clear();
  if (auto done = add_agents(flags.agents, "node", trace); !done) {
    return fail("--agents: {}", done.error().message);
  }
  if (auto done = add_agents(flags.more_agents, "more", trace); !done) {
    return fail("--more_agents: {}", done.error().message);
  }
  if (auto sound = sim::complete(trace); !sound) return std::unexpected(sound.error());
  return trace;
}

Result<int> run(SimTraceFlags& flags, const Flags& all, uint64_t seed) {
  if (auto ready = flags.master.finish(all); !ready) return std::unexpected(ready.error());
  auto trace = load(flags);
  if (!trace) return std::unexpected(trace.error());
  const runtime::MasterNodeOptions& master = flags.master.options;
  const auto began = std::chrono::steady_clock::now();
  auto report = sim::replay(*trace, {.allocator = master.allocator,
                                     .allocation = master.allocation,
                                     .machine = master.machine,
                                     .seed = seed,
                                     .until = flags.until,
                                     .sample = flags.sample});
  if (!report) return std::unexpected(report.error());
  ReplayedTrace of{.trace = flags.trace, .allocator = master.allocator, .seed = seed};
  of.real_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  if (flags.sample) of.rows = report->samples.size();
  const std::string text = flags.as_json ? report_json(*report, of) : report_text(*report, of);
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (!flags.csv.empty()) {
    std::ofstream file(flags.csv, std::ios::binary);
    file << report_csv(*report) << std::flush;
    if (!file) return fail("--csv: cannot write {}", quote(flags.csv, 200));
  }
  return report->end == sim::Report::End::kStuck ? kExitFailed : kExitOk;
}

}  // namespace

void SimTraceFlags::add_to(Flags& flags) {
  flags.add("trace", trace,
            "replay the workload of this file, JSON or CSV, as docs/CAPACITY_PLANNING.md shows");
  flags.add("trace_jobs", trace_jobs, "a CSV file of more jobs for --trace");
  flags.add("agents", agents,
            "the agents of --trace, instead of its own: as in \"60*cpus:8;mem:32768\", groups "
            "divided by |");
  flags.add("more_agents", more_agents, "agents besides those of --trace, written like --agents");
  flags.add("until", until, "stop the replay then; not set: when all jobs are done");
  flags.add("sample", sample, "the interval of shares over time; not set: what makes 20 rows");
  flags.add("csv", csv, "write shares over time to this file, for plots");
  flags.add("json", as_json, "print what came of the trace as JSON");
  master.allocation.add_to(flags);
  flags.add("min_allocatable_resources", master.min_allocatable,
            "offer nothing below this; alternatives divided by |");
  flags.add("weights", master.weights,
            "weights of roles, as in ROLE=WEIGHT,ROLE=WEIGHT; before those of the trace");
  flags.add("filter_gpu_resources", master.options.allocation.filter_gpu_resources,
            "offer agents with GPUs only to frameworks that can use them");
  flags.add("offer_timeout", master.options.machine.offer_timeout,
            "rescind an offer that nobody answered for so long; 0: never");
}

int run_trace(SimTraceFlags& flags, const Flags& all, uint64_t seed) {
  const Result<int> status = run(flags, all, seed);
  return status ? *status : complain(status.error());
}

}  // namespace souk::bin
