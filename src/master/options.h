// What an operator can set of a master's behaviour. Defaults are those of the flags.
#pragma once

#include <cstddef>
#include <string>

#include "base/time.h"
#include "model/agent.h"

namespace souk::master {

struct Options {
  MasterInfo info;      // as clients see this master; its id names frameworks, agents and offers
  std::string cluster;  // a name for people; may be empty

  Duration heartbeat_interval = 5s;
  Duration offer_timeout = 30s;  // zero: offers are never rescinded for age
  Duration ping_interval = 15s;
  int max_missed_pings = 5;
  // How long agents of the registry may take to register again with a new leader.
  Duration agent_reregister_timeout = 10min;

  // Bounds on what is remembered of the past.
  std::size_t max_completed_frameworks = 50;
  std::size_t max_completed_tasks_per_framework = 1000;
  std::size_t max_unreachable_tasks_per_framework = 1000;
  std::size_t max_offers_per_event = 1000;
};

// Bounds on what peers can make grow.
inline constexpr std::size_t kMaxAgents = 1'000'000;
inline constexpr std::size_t kMaxFrameworks = 100'000;
inline constexpr std::size_t kMaxTasksPerFramework = 1'000'000;
inline constexpr std::size_t kMaxFileRequests = 1'000;  // waiting for agents
inline constexpr std::size_t kMaxStatusesPerTask = 8;   // the latest, for /state
// A DECLINE keeps its resources from the same framework for at least this long, whatever it says.
inline constexpr Duration kMinDecline = 100ms;
// A timer that fires this late means that the master itself was paused (decision 6).
inline constexpr Duration kPauseTolerance = 1s;

}  // namespace souk::master
