// Traces of `souk sim --trace`, as JSON and as CSV: each is read or refused with a text; what is
// read stays within its bounds, and what is complete can be replayed.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/check.h"
#include "sim/trace.h"

namespace {

using namespace souk;

void check(const workloads::Lengths& lengths) {
  using Kind = workloads::Lengths::Kind;
  const auto sound = [](Duration each) {
    return each >= Duration::zero() && each <= sim::kMaxTraceTime;
  };
  SOUK_CHECK(sound(lengths.mean) && sound(lengths.deviation), "lengths are bounded");
  SOUK_CHECK(std::ranges::all_of(lengths.values, sound), "lengths in lists are bounded");
  SOUK_CHECK(lengths.kind != Kind::kList || !lengths.values.empty(), "a list has lengths");
  SOUK_CHECK(lengths.values.size() <= sim::kMaxTraceLengths, "lists are bounded");
}

void check(const sim::TraceJob& job) {
  SOUK_CHECK(job.arrival >= Duration::zero() && job.arrival <= sim::kMaxTraceTime,
             "arrivals are bounded");
  SOUK_CHECK(!job.stages.empty() && job.stages.size() <= sim::kMaxTraceStages, "stages");
  for (const sim::TraceStage& stage : job.stages) {
    SOUK_CHECK(stage.tasks >= 1 && stage.tasks <= sim::kMaxTraceTasks, "tasks are bounded");
    SOUK_CHECK(stage.hosts.size() <= sim::kMaxTraceHosts, "hosts are bounded");
    check(stage.lengths);
  }
}

void check_complete(sim::Trace trace) {
  if (const auto done = sim::complete(trace); !done) {
    SOUK_CHECK(!done.error().message.empty(), "a refusal says why");
    return;
  }
  const auto hosts = sim::hostnames(trace);
  SOUK_CHECK(hosts.size() == sim::count_agents(trace), "a name for each agent");
  SOUK_CHECK(!hosts.empty() && hosts.size() <= sim::kMaxTraceAgents, "agents are bounded");
  SOUK_CHECK(std::set<std::string>(hosts.begin(), hosts.end()).size() == hosts.size(),
             "names of agents are different");
  std::set<std::string> frameworks;
  for (const auto& each : trace.frameworks) frameworks.insert(each.name);
  SOUK_CHECK(frameworks.size() == trace.frameworks.size(), "names of frameworks are different");
  uint64_t tasks = 0;
  for (const sim::TraceJob& job : trace.jobs) {
    check(job);
    SOUK_CHECK(frameworks.contains(job.framework) && !job.name.empty(), "jobs are somebody's");
    for (const sim::TraceStage& stage : job.stages) {
      tasks += stage.tasks;
      SOUK_CHECK(std::ranges::any_of(trace.agents,
                                     [&](const sim::TraceAgents& each) {
                                       return each.resources.contains(stage.demand);
                                     }),
                 "each task fits somewhere");
    }
  }
  SOUK_CHECK(tasks >= 1 && tasks <= sim::kMaxTraceTasks, "all tasks are bounded");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto trace = sim::parse_trace_json(text)) {
    check_complete(std::move(*trace));
  } else {
    SOUK_CHECK(!trace.error().message.empty(), "a refusal says why");
  }
  if (auto jobs = sim::parse_jobs_csv(text)) {
    for (const sim::TraceJob& job : *jobs) check(job);
    sim::Trace trace{.agents = {sim::parse_agents("3*cpus:8;mem:32768").value()}};
    trace.jobs = std::move(*jobs);
    check_complete(std::move(trace));
  }
  if (const auto lengths = sim::parse_lengths(text)) check(*lengths);
  if (const auto agents = sim::parse_agents(text)) {
    SOUK_CHECK(agents->count >= 1 && agents->count <= sim::kMaxTraceAgents, "counts are bounded");
  }
  return 0;
}
