// What came of a replayed trace: as text for people, as JSON for scripts, as CSV for plots. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "sim/replay.h"

namespace souk::bin {

// What the report itself does not know.
struct ReplayedTrace {
  std::string trace;  // its file
  std::string allocator;
  uint64_t seed = 0;
  double real_seconds = 0;  // that the replay took
  // Rows of shares over time; more samples than that are joined.
  std::size_t rows = 20;
};

std::string report_text(const sim::Report& report, const ReplayedTrace& of);
std::string report_json(const sim::Report& report, const ReplayedTrace& of);
// A row for each sample, its first row names the columns: seconds, dominant shares, amounts.
std::string report_csv(const sim::Report& report);

}  // namespace souk::bin
