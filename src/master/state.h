// What a master knows. Soft: all but the registry is rebuilt from agents and schedulers after a
// failover (§3.6).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/hash_map.h"
#include "base/time.h"
#include "model/framework.h"
#include "model/offer.h"
#include "model/task.h"
#include "protocol/link.h"
#include "protocol/master_view.h"
#include "protocol/registry.h"

namespace souk::master {

struct Task {
  std::shared_ptr<const TaskSpec> spec;
  FrameworkKey framework;
  ExecutorId executor_id;
  std::string role;
  AgentId agent_id;
  AgentKey agent;
  bool command_task = false;
  TaskState state =
      TaskState::kStaging;  // the latest known; terminal: it holds no resources any more
  std::vector<protocol::StatusView> statuses;
  // The update that the framework has not acknowledged: sent again when it resubscribes.
  std::optional<TaskStatus> pending;
  // A KILL that may not have reached the agent: repeated when that registers again.
  bool kill_asked = false;
  std::optional<Duration> kill_grace;
};

struct Executor {
  std::shared_ptr<const ExecutorSpec> spec;
  std::string role;
};

struct Framework {
  FrameworkKey key;
  FrameworkInfo info;
  std::optional<ConnectionId> connection;  // its stream
  std::string stream_id;
  bool recovered = false;  // known from agents only: it has not subscribed with this leader
  WallTime registered_at;
  std::optional<WallTime> reregistered_at;
  std::set<std::string> suppressed_roles;
  std::set<OfferId> offers;
  std::map<TaskId, Task> tasks;  // in the agents' hands, or ended and not acknowledged
  std::map<TaskId, protocol::TaskView> unreachable_tasks;
  std::deque<TaskId> unreachable_order;  // oldest first, may name some that came back
  std::deque<protocol::TaskView> completed_tasks;
  protocol::FrameworkCounters counters;

  bool active() const { return connection.has_value(); }
  bool partition_aware() const { return info.has(Capability::kPartitionAware); }
};

struct Agent {
  AgentKey key;
  AgentInfo info;
  std::optional<ConnectionId> link;  // registered over it
  WallTime registered_at;
  std::optional<WallTime> reregistered_at;
  bool removing = false;  // its MarkUnreachable is on the way to the registry
  int missed_pings = 0;
  std::set<OfferId> offers;
  std::set<std::pair<FrameworkKey, TaskId>> tasks;
  std::map<std::pair<FrameworkKey, ExecutorId>, Executor> executors;
  Resources used;  // by tasks and executors
  Resources offered;
};

struct OpenOffer {
  uint64_t number = 0;  // of its id, and of its deadline
  FrameworkKey framework;
  AgentKey agent;
  std::string role;
  Resources resources;
};

// What waits for the registry.
struct PendingRegistration {
  ConnectionId link;
  protocol::to_master::Register message;
};
struct PendingUnreachable {
  AgentId agent;
  WallTime since;
};
using Pending = std::variant<PendingRegistration, PendingUnreachable>;

struct Link {
  bool welcomed = false;
  bool registering = false;  // a Register waits for the registry
  AgentId agent;             // empty until registered
  AgentId asking;            // whom a Register named
};

// What a deadline is for; `number` is a framework's key, an agent's key, or an offer's number.
struct Timer {
  enum class Kind : uint8_t {
    kOfferExpires,
    kHeartbeat,
    kFailover,
    kPing,
    kUnreachable,
    kReregister,
  };
  Kind kind = Kind::kOfferExpires;
  uint64_t number = 0;
  auto operator<=>(const Timer&) const = default;
};

}  // namespace souk::master
