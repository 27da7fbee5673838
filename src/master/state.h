// What a master knows. Soft: all but the registry is rebuilt from agents and schedulers after a
// failover (§3.6).
#pragma once

#include <boost/container/flat_map.hpp>
#include <boost/container/flat_set.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash_map.h"
#include "base/key_map.h"
#include "base/time.h"
#include "master/task_table.h"
#include "model/framework.h"
#include "model/offer.h"
#include "model/task.h"
#include "protocol/link.h"
#include "protocol/master_view.h"
#include "protocol/registry.h"

namespace souk::master {

struct Executor {
  std::shared_ptr<const ExecutorSpec> spec;
  std::string role;
};

struct Framework {
  FrameworkKey key;
  FrameworkInfo info;
  Piece<FrameworkId> shared_id;  // its id, and `info`, for all who hold a copy
  Piece<FrameworkInfo> shared_info;
  std::optional<ConnectionId> connection;  // its stream
  std::string stream_id;
  bool recovered = false;  // known from agents only: it has not subscribed with this leader
  WallTime registered_at;
  std::optional<WallTime> reregistered_at;
  std::set<std::string> suppressed_roles;
  std::map<std::string, OfferConstraints> offer_constraints;  // by role
  std::set<uint64_t> offers;                                  // their numbers
  std::map<OfferId, uint64_t> inverse_offers;                 // with their numbers
  // Of the latest task.
  Resources task_resources;
  Piece<std::string> task_role;
  Piece<ExecutorId> task_executor;
  TaskTable tasks;                         // in the agents' hands, or ended and not acknowledged
  std::map<AgentKey, uint32_t> executors;  // how many of its executors each agent has
  std::map<TaskId, Piece<protocol::TaskView>> unreachable_tasks;
  std::deque<TaskId> unreachable_order;  // oldest first, may name some that came back
  std::deque<Piece<protocol::TaskView>> completed_tasks;
  protocol::FrameworkCounters counters;
  std::optional<WallTime> last_offer_at;

  void set_info(FrameworkInfo changed) {
    info = std::move(changed);
    shared_info = info;
    shared_id = info.id;
  }
  bool active() const { return connection.has_value(); }
  bool partition_aware() const { return info.has(Capability::kPartitionAware); }
};

// What an agent gives out under one rule; to the allocator each pool is an agent.
struct Pool {
  AgentKey key;
  Resources used;  // by tasks and executors
  Resources offered;
};

struct Agent {
  AgentKey key;
  AgentInfo info;
  Piece<AgentId> shared_id;
  std::optional<ConnectionId> link;  // registered over it
  WallTime registered_at;
  std::optional<WallTime> reregistered_at;
  bool removing = false;  // its MarkUnreachable is on the way to the registry
  int missed_pings = 0;
  boost::container::flat_set<uint64_t> offers;  // their numbers
  // By the id in the spec of a task or an executor.
  boost::container::flat_set<std::pair<FrameworkKey, std::string_view>> tasks;
  boost::container::flat_map<std::pair<FrameworkKey, std::string_view>, Executor> executors;
  Pool ordinary;  // its key is the agent's own
  // What views show of it; made when one is. Whoever gets hold of an agent to change it resets
  // `is_shown`.
  mutable Piece<protocol::AgentSummary> shown;
  mutable bool is_shown = false;
  Pool short_slots;  // for short tasks (§4.4); without a key as long as there never were any

  Pool& pool(bool short_slot) { return short_slot ? short_slots : ordinary; }
  bool has_short_slots() const { return short_slots.key != AgentKey(); }
};

struct OpenOffer {
  uint64_t number = 0;  // of its id, and of its deadline
  FrameworkKey framework;
  AgentKey agent;
  std::string role;
  Resources resources;
  bool short_slots = false;
};

// Tasks of one framework on one agent that are to be killed at one deadline. Never without tasks.
struct OpenInverseOffer {
  OfferId id;
  FrameworkKey framework;
  AgentKey agent;
  std::set<TaskId> tasks;
  WallTime start;  // the deadline, as the framework is told
  protocol::InverseOfferView::Answer answer = protocol::InverseOfferView::Answer::kNone;
};

// An agent of the registry that has not registered with this leader yet.
struct Awaited {
  AgentId id;
  bool removing = false;  // being marked unreachable
};

// What waits for the registry.
struct PendingRegistration {
  ConnectionId link;
  protocol::to_master::Register message;
  bool returned = false;  // the agent was unreachable
};
struct PendingUnreachable {
  AgentId agent;
  WallTime since;
};
// Of the first of the operators' calls that wait; the roles that the allocator is to hear of.
struct PendingOperatorCall {
  std::vector<std::string> weighed;
  std::vector<std::string> quotaed;
};
using Pending = std::variant<PendingRegistration, PendingUnreachable, PendingOperatorCall>;

struct Link {
  bool welcomed = false;
  bool registering = false;  // a Register waits for the registry
  AgentKey agent;            // 0 until registered
  AgentId asking;            // whom a Register named
};

// What a deadline is for; `number` is a framework's key, an agent's key, or the number of an offer
// or inverse offer.
struct Timer {
  enum class Kind : uint8_t {
    kOfferExpires,
    kHeartbeat,
    kFailover,
    kPing,
    kUnreachable,
    kReregister,
    kRevocation,
    kOperatorHeartbeat,  // of all their streams at once
  };
  Kind kind = Kind::kOfferExpires;
  uint64_t number = 0;
  auto operator<=>(const Timer&) const = default;
};
inline std::size_t hash_value(const Timer& timer) {
  return std::hash<uint64_t>{}(timer.number * 8 + static_cast<uint64_t>(timer.kind));
}

}  // namespace souk::master
