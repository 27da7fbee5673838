#include "runtime/system_facts.h"

#include <sys/sysinfo.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "runtime/clock.h"

namespace souk::runtime {

wire::SystemFacts system_facts(WallTime started) {
  wire::SystemFacts facts;
  facts.uptime_secs = to_seconds(wall_now() - started);
  facts.cpus_total = static_cast<double>(std::max(1u, std::thread::hardware_concurrency()));
  double loads[3] = {};
  if (getloadavg(loads, 3) == 3) {
    facts.load_1min = loads[0];
    facts.load_5min = loads[1];
    facts.load_15min = loads[2];
  }
  struct sysinfo info{};
  if (sysinfo(&info) == 0) {
    facts.mem_free_bytes = static_cast<double>(info.freeram) * info.mem_unit;
    facts.mem_total_bytes = static_cast<double>(info.totalram) * info.mem_unit;
  }
  return facts;
}

}  // namespace souk::runtime
