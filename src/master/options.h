// What an operator can set of a master's behaviour. Defaults are those of the flags.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "base/switches.h"
#include "base/time.h"
#include "model/agent.h"
#include "model/resources.h"

namespace souk::master {

struct Options {
  MasterInfo info;      // as clients see this master; its id names frameworks, agents and offers
  std::string cluster;  // a name for people; may be empty
  // Of roles that no operator has set one for; absent: 1. The allocator's options have the same.
  std::map<std::string, Scalar> role_weights;

  Duration heartbeat_interval = 5s;
  Duration offer_timeout = 30s;  // zero: offers are never rescinded for age
  Duration ping_interval = 15s;
  int max_missed_pings = 5;
  bool require_agent_domain = false;  // agents that tell no fault domain are refused
  // How long agents of the registry may take to register again with a new leader.
  Duration agent_reregister_timeout = 10min;

  // Bounds on what is remembered of the past.
  std::size_t max_completed_frameworks = 50;
  std::size_t max_completed_tasks_per_framework = 1000;
  std::size_t max_unreachable_tasks_per_framework = 1000;
  std::size_t max_offers_per_event = 1000;
  // Operators that listen at once; beyond, the one that came first is dropped.
  std::size_t max_operator_streams = 1000;

  Switches switches;  // for tests
};

// Bounds on what peers can make grow.
inline constexpr std::size_t kMaxAgents = 1'000'000;
inline constexpr std::size_t kMaxFrameworks = 100'000;
inline constexpr std::size_t kMaxTasksPerFramework = 1'000'000;
inline constexpr std::size_t kMaxFileRequests = 1'000;  // waiting for agents
// Of its offers, over all its roles.
inline constexpr std::size_t kMaxConstraintsPerFramework = 20'000;
inline constexpr std::size_t kMaxStatusesPerTask = 8;  // the latest, for /state
inline constexpr std::size_t kUsualStatuses = 2;       // TASK_RUNNING and what it ends in
inline constexpr std::size_t kMaxExplains = 1'000;     // waiting for the next decision on offers
// Agents times roles that are explained at once, unless it is for a single request: bounds how long
// readers hold up a master.
inline constexpr std::size_t kMaxExplainedPairs = 100'000;
// A DECLINE keeps its resources from the same framework for at least this long, whatever it says.
inline constexpr Duration kMinDecline = 100ms;
// A revoked task has had its time: from SIGTERM to SIGKILL it gets its own grace, but no more.
inline constexpr Duration kMaxRevokedKillGrace = 3s;
// How often the allocator is asked again at once because it took offers back.
inline constexpr int kMaxAllocationRounds = 4;
// A timer that fires this late means that the master itself was paused (decision 6).
inline constexpr Duration kPauseTolerance = 1s;

}  // namespace souk::master
