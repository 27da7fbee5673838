// What the documents of masters and agents need besides a snapshot. Plain values.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/time.h"

namespace souk::wire {

struct DocumentContext {
  // Of the process, with their values. What the documents look up: log_dir, work_dir.
  const std::vector<std::pair<std::string, std::string>>& flags;
  WallTime started;  // of the process
};

// What the process and its machine add to the metrics.
struct SystemFacts {
  double uptime_secs = 0;
  double cpus_total = 0;
  double load_1min = 0;
  double load_5min = 0;
  double load_15min = 0;
  double mem_free_bytes = 0;
  double mem_total_bytes = 0;
};

using Metrics = std::vector<std::pair<std::string, double>>;

}  // namespace souk::wire
