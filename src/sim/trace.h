// A workload of somebody's own, over a cluster that they describe: what `souk sim --trace` replays.
// Plain values, and pure functions that make them of text; docs/CAPACITY_PLANNING.md is the
// reference of the formats. Errors say where it is wrong ("line 7: jobs[2].demand: ...") and what
// to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/quota.h"
#include "model/resources.h"
#include "workloads/jobs.h"
#include "workloads/lengths.h"

namespace souk::sim {

// Bounds on what a trace may bring.
inline constexpr std::size_t kMaxTraceBytes = std::size_t{256} << 20;  // of each file
inline constexpr uint64_t kMaxTraceAgents = 100'000;
inline constexpr std::size_t kMaxTraceGroups = 10'000;  // of agents
inline constexpr std::size_t kMaxTraceRoles = 1'000;
inline constexpr std::size_t kMaxTraceFrameworks = 1'000;
inline constexpr std::size_t kMaxTraceJobs = 500'000;
inline constexpr std::size_t kMaxTraceStages = 100;  // of one job
inline constexpr uint64_t kMaxTraceTasks = 5'000'000;
inline constexpr std::size_t kMaxTraceHosts = 1'000;         // preferred by one stage
inline constexpr uint64_t kMaxTracePreferences = 5'000'000;  // hosts times tasks, in all jobs
// Stages, the hosts that they prefer, and the lengths in lists, in all jobs of one JSON text.
inline constexpr uint64_t kMaxTraceParts = 5'000'000;
inline constexpr std::size_t kMaxTraceLengths = 10'000;  // in one list
inline constexpr std::size_t kMaxTraceName = 255;        // bytes
// The latest arrival, the longest task.
inline constexpr Duration kMaxTraceTime = 366 * 24h;

// Agents that are alike. Their hostnames are `hostname` and a number, which goes on from group to
// group of the same hostname.
struct TraceAgents {
  uint64_t count = 1;
  Resources resources;
  std::vector<Attribute> attributes;
  std::string hostname = "node";
  bool operator==(const TraceAgents&) const = default;
};

struct TraceRole {
  std::string name;
  std::optional<Scalar> weight;
  std::optional<int64_t> priority;  // its level for the allocator `priority`
  Quota quota;
  bool operator==(const TraceRole&) const = default;
};

struct TraceFramework {
  std::string name;
  std::string role = "*";
  workloads::JobOrder order = workloads::JobOrder::kFifo;  // of its jobs
  bool rigid = false;                   // asks to lose tasks last when others have a right to them
  std::optional<uint64_t> max_running;  // tasks at once
  std::optional<Duration> refuse;       // for how long it declines; nothing: the default of the API
  // How long a stage waits for its preferred hosts before it takes others.
  Duration locality_wait = 5s;
  bool operator==(const TraceFramework&) const = default;
};

// Tasks that are alike. Each starts as soon as there is room for it.
struct TraceStage {
  uint64_t tasks = 1;
  workloads::Lengths lengths;
  Resources demand;                // of each task
  std::vector<std::string> hosts;  // preferred; empty: all are as good
};

// Its stages follow each other: the next begins when all tasks of the last have finished.
struct TraceJob {
  std::string name;
  std::string framework;
  Duration arrival{0};  // from the start of the trace
  std::vector<TraceStage> stages;
  std::string where;  // in what was read, for errors: "line 7"
};

struct Trace {
  std::vector<TraceAgents> agents;
  std::vector<TraceRole> roles;
  std::vector<TraceFramework> frameworks;
  std::vector<TraceJob> jobs;
};

// The whole trace, or any part of it.
Result<Trace> parse_trace_json(std::string_view text);

// Jobs alone, one a row, of a single stage each. The first row names the columns.
Result<std::vector<TraceJob>> parse_jobs_csv(std::string_view text);

// "60*cpus:8;mem:32768", or without the count for a single one.
Result<TraceAgents> parse_agents(std::string_view text);

// A point in time or a length: as in 15secs; a bare number is seconds. From zero to kMaxTraceTime.
Result<Duration> parse_trace_time(std::string_view text);

// "30secs", "exponential(30secs)", "normal(30secs 5secs)", "list(10secs 20secs)".
Result<workloads::Lengths> parse_lengths(std::string_view text);

// Completes what was read: a trace that names no frameworks has those of its jobs, jobs without a
// name are called by their number. Then checks it as a whole: that each reference is to something,
// that nothing is there twice, that each task fits on some agent and into the limits of its role.
Result<void> complete(Trace& trace);

// Of all agents, in their order.
std::vector<std::string> hostnames(const Trace& trace);
uint64_t count_agents(const Trace& trace);

}  // namespace souk::sim
