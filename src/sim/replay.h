// Replays a trace: a world with the real master, agents and scheduler library, a framework for each
// of the trace's, run until all jobs are done. What came of it is a plain value. Deterministic: the
// same trace, options and seed give the same report. Nothing fails in it but what revocation takes;
// faults are for the seeds of the simulator, not for planning.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "allocator/allocator.h"
#include "allocator/modules.h"
#include "base/result.h"
#include "base/time.h"
#include "master/options.h"
#include "sim/trace.h"
#include "sim/usage.h"

namespace souk::sim {

struct ReplayOptions {
  std::string allocator = std::string(allocator::kDefaultModule);
  // Weights and priorities that are set here go before those of the trace.
  allocator::Options allocation;
  master::Options machine;  // only its offer_timeout is used
  uint64_t seed = 1;
  std::optional<Duration> until;   // stop then; nothing: when all jobs are done
  std::optional<Duration> sample;  // nothing: doubles from a second on, to kAutoSamples at most
};

inline constexpr std::size_t kAutoSamples = 1'000;
// Where there would be more of them, two and two are joined.
inline constexpr std::size_t kMaxSamples = 100'000;
inline constexpr std::size_t kMaxSampleSums = 10'000'000;  // in all samples
// When no task ran for so long, and nothing is to arrive any more, nothing will ever run.
inline constexpr Duration kStuckAfter = 1h;

// An interval; all sums are over it.
struct ReplaySample {
  Duration begin{0};
  Duration end{0};
  std::vector<std::vector<UsageSum>> held;  // by framework and resource
  std::vector<Usage::Idle> idle;            // by resource; as it was at the end
  UsageSum waiting = 0;                     // tasks; as it was at the end

  // A sum as a mean; of an empty interval: zero.
  double mean(UsageSum sum) const;
  void join(const ReplaySample& next);
};

struct ReplayJob {
  std::string name;
  std::size_t framework = 0;
  uint64_t tasks = 0;
  // From the start of the trace.
  Duration arrival{0};
  std::optional<Duration> started;  // its first task was launched
  std::optional<Duration> done;
  Duration alone{0};  // what it would take if all its tasks had started at once; when it is done

  std::optional<Duration> wait() const;        // arrival to started
  std::optional<Duration> completion() const;  // arrival to done
  // Completion over `alone`; nothing where that is zero.
  std::optional<double> slowdown() const;
};

struct ReplayFramework {
  std::string name;
  std::string role;
  uint64_t jobs = 0;
  uint64_t done = 0;  // jobs
  uint64_t tasks_finished = 0;
  uint64_t tasks_lost = 0;  // ended before they had finished, and ran again: revoked
};

struct Report {
  enum class End : uint8_t { kAllDone, kUntil, kStuck };

  uint64_t agents = 0;
  std::vector<std::string> resources;
  std::vector<int64_t> totals;  // thousandths
  std::vector<bool> in_share;   // whether it counts in dominant shares
  std::vector<ReplayFramework> frameworks;
  std::vector<ReplayJob> jobs;
  std::vector<ReplaySample> samples;
  Duration interval{0};  // of samples; the last may be shorter
  Duration length{0};
  End end = End::kAllDone;
  uint64_t steps = 0;  // of the simulation
  std::string digest;  // of all the above

  // Its largest mean share of any resource, 0 to 1.
  double dominant_share(const ReplaySample& sample, std::size_t framework) const;
  // What all frameworks used of a resource, 0 to 1.
  double utilization(const ReplaySample& sample, std::size_t resource) const;
  // All samples as one.
  ReplaySample whole() const;
};

// REQUIRES a trace that was completed. Errors: there is no such allocator, or it can't have these
// options; the intervals are no intervals.
Result<Report> replay(const Trace& trace, const ReplayOptions& options);

// The value that `percent` of all are not above (by rank); nothing if there are none.
template <class T>
std::optional<T> percentile(std::vector<T> values, int percent) {
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  const std::size_t rank = (values.size() * static_cast<std::size_t>(percent) + 99) / 100;
  return values[std::max<std::size_t>(rank, 1) - 1];
}

}  // namespace souk::sim
