// How an agent is set up: flags, and the bounds of what others can make it hold.
#pragma once

#include <cstddef>
#include <string>

#include "base/switches.h"
#include "base/time.h"
#include "model/agent.h"

namespace souk::agent {

struct Options {
  AgentInfo agent;       // without an id: that comes from the master and the checkpoint
  std::string work_dir;  // only to name it in texts
  std::string version;   // of Souk

  // --executor_registration_timeout: from the launch of a container until its executor is there.
  Duration executor_registration_timeout = 1min;
  // --executor_reregistration_timeout: after a restart, how long a souk-executor has to dial in.
  Duration executor_reregistration_timeout = 2s;
  // --recovery_timeout: after a restart, how long a custom executor has to subscribe again.
  Duration recovery_timeout = 15min;
  Duration executor_shutdown_grace_period = 5s;
  Duration gc_delay = 7 * 24h;

  // Grace of a kill that names none.
  Duration kill_grace = 3s;
  // What a kill or shutdown may take beyond its grace before the agent reaches for SIGKILL itself.
  Duration kill_margin = 5s;

  // Between dials: doubles from the first to the second, each drawn from its upper half.
  Duration redial_first = 200ms;
  Duration redial_most = 10s;
  // After a refusal that only an operator can mend.
  Duration redial_refused = 30s;
  // From OpenLink to Registered.
  Duration registration_timeout = 15s;

  // Of an unacknowledged update: doubles from the first to the second.
  Duration resend_first = 10s;
  Duration resend_most = 10min;

  Duration executor_heartbeat = 30min;

  // Bounds. Tasks beyond are dropped with a text, updates beyond are refused (503), the oldest
  // sandboxes beyond are removed early, file requests beyond are answered 503.
  std::size_t max_tasks = 100'000;
  std::size_t max_containers = 20'000;
  std::size_t max_pending_updates = 128;  // of one task; a terminal one is always taken
  std::size_t max_sandboxes = 10'000;     // of ended containers
  std::size_t max_file_requests = 256;    // unanswered, of one link
  std::size_t max_completed_tasks = 500;  // remembered for the view

  Switches switches;  // for tests
};

}  // namespace souk::agent
