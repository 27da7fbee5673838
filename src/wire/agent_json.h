// An agent's documents for operators and tools, as Mesos names and shapes them ("Legacy HTTP" of
// the v1 facts): rendered from a snapshot, straight into text. Pure functions. What Souk adds has
// keys of its own, which readers ignore. An agent's /version and /flags are the master's:
// render_version(), render_flags() of master_json.h.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/time.h"
#include "model/ids.h"
#include "protocol/agent_view.h"
#include "wire/documents.h"

namespace souk::wire {

// What was measured of one container, all its processes together.
struct ContainerUsage {
  double cpus_user_time_secs = 0;
  double cpus_system_time_secs = 0;
  uint64_t mem_rss_bytes = 0;
  uint64_t processes = 0;
  uint64_t threads = 0;
};
using Usage = std::map<ContainerId, ContainerUsage>;

// /state
std::string render_agent_state(const protocol::AgentView& view, const DocumentContext& context);
// /monitor/statistics: one row per executor. Of containers that are not in `usage` only the limits
// are shown. `now` is the time of the measurement; zero: none shown.
std::string render_monitor_statistics(const protocol::AgentView& view, WallTime now = {},
                                      const Usage& usage = {});
// /containers: one row per container, with its statistics and its status.
std::string render_containers(const protocol::AgentView& view, WallTime now = {},
                              const Usage& usage = {});

// /metrics/snapshot: every name of a Mesos agent, its value where Souk has one and zero where the
// thing does not exist here (the fetcher's cache, resource providers).
Metrics agent_metrics(const protocol::AgentView& view, const SystemFacts& system);

}  // namespace souk::wire
