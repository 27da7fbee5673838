// §6.1: four frameworks on 96 nodes, each on 24 of its own or all sharing them.
//
// The paper does not say how long tasks ran. They are calibrated so that job times on partitions
// are those of the paper's static column (calibrate_macro()), and frozen; nothing is fitted to the
// shared column. What had to be chosen besides stands in macro_runs.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace souk::paper {

inline constexpr std::size_t kMacroMixes = 4;
inline constexpr std::size_t kMacroSlots = 96 * 4;
enum class Mix : uint8_t { kFacebook, kLarge, kSpark, kTorque };

// A row of Table 5, with what stands in it.
struct MacroRow {
  const char* name;
  Mix mix;
  uint64_t maps;  // of a job; Torque: tasks that run together
  uint64_t reduces;
  int jobs;
  double paper_static;   // mean job time on a partition, in seconds
  double paper_speedup;  // 0: the paper has no such row
};
inline constexpr std::size_t kMacroRows = 12;
extern const std::array<MacroRow, kMacroRows> kMacroTable;

// Table 4: sums of job times, in seconds.
struct MacroSums {
  const char* name;
  double paper_static;
  double paper_shared;
};
extern const std::array<MacroSums, kMacroMixes> kMacroSums;

// Mean length of a map, of an ALS task, of an MPI job with all its slots; by row.
using MacroLengths = std::array<Duration, kMacroRows>;
extern const MacroLengths kMacroLengths;  // frozen

struct MacroOptions {
  uint64_t seed = 0;
  MacroLengths lengths = kMacroLengths;
  std::string allocator = "drf";
  std::optional<Duration> revocation_delay;  // nothing: no revocation
  Duration revocation_grace = 5s;
  // Parts of the workload, for a test: of the Facebook jobs of each type one in so many (at least
  // one) in as much less time, of the other frameworks' the first ones.
  int facebook_part = 1;
  int large_jobs = 10;
  int spark_jobs = 5;
  int torque_jobs = 8;
};

struct MacroRun {
  // Of the jobs of each row, in seconds.
  std::array<std::vector<double>, kMacroRows> times;
  // From when a job could use slots until it had the first, or, if it needs all at once, all.
  std::array<std::vector<double>, kMacroRows> waits;
  // Slots that each framework held, at the end of each second.
  std::array<std::vector<uint32_t>, kMacroMixes> held;
  uint64_t launched = 0;
  uint64_t lost = 0;  // tasks that were revoked, and ran again
  bool done = false;  // all jobs ended

  double sum(Mix mix) const;  // of job times
  double mean(std::size_t row) const;
  // Slots held by all, of all, in the first seconds.
  double utilization(std::size_t seconds) const;
};

// All four on 96 nodes.
MacroRun run_shared(const MacroOptions& options);
// Each on 24.
MacroRun run_static(const MacroOptions& options);

struct MacroCalibration {
  MacroLengths lengths;
  std::array<double, kMacroRows> times{};  // mean job times with them
};
// Lengths with which run_static() has the paper's mean job times, over seeds 1 to `seeds`, starting
// from those of the options; `jobs` worlds at once.
MacroCalibration calibrate_macro(const MacroOptions& options, int seeds, int rounds, int jobs);

}  // namespace souk::paper
