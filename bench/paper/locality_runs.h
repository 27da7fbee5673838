// §6.3: 16 Hadoop instances on 93 nodes of 4 slots. Each scans a file of 100 GB, spread over the
// disks of all nodes, with map tasks only; on 5 or 6 nodes of its own, or sharing all nodes with
// the others and waiting for local slots. The delay scheduling is the SDK's
// (scheduler/delay_scheduling.h), as any framework would use it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"

namespace souk::paper {

// How long maps run. The paper does not say it. Two unknowns, from two figures of its static
// columns: jobs of §6.3 on parts take 565 s, with 17.5% of the maps local; and the large text
// search of §6.1, taken to be the same program, has maps of 11.8 s (macro_runs.cc) on 24 of 96
// nodes, which hold a copy of 57.8% of the blocks. Nothing is fitted to the shared columns.
struct ScanLengths {
  Duration local;
  uint32_t elsewhere_percent = 100;  // of it
};
extern const ScanLengths kScanLengths;  // frozen

struct LocalityOptions {
  uint64_t seed = 0;
  std::optional<Duration> delay;  // nothing: parts
  ScanLengths lengths = kScanLengths;
  // Each slot is offered by itself; else all free ones of a node together.
  bool slot_by_slot = false;
  int instances = 16;
  int nodes = 93;
  uint64_t blocks = 800;  // of each file
};

struct LocalityRun {
  std::vector<double> times;  // of the jobs, in seconds
  uint64_t local = 0;
  uint64_t elsewhere = 0;
  // Slots that were taken after a task had left them; of these, by the framework of that task.
  uint64_t taken = 0;
  uint64_t back = 0;
  bool done = false;

  double local_part() const {
    return static_cast<double>(local) / static_cast<double>(local + elsewhere);
  }
  double mean_time() const;
};

LocalityRun run_locality(const LocalityOptions& options);

struct ScanCalibration {
  ScanLengths lengths;
  double time = 0;  // of jobs on parts with them, in seconds
  double local_part = 0;
};
// From the two figures of the static columns, over seeds 1 to `seeds`; `jobs` worlds at once.
ScanCalibration calibrate_scan(const LocalityOptions& options, int seeds, int rounds, int jobs);

}  // namespace souk::paper
