// A master's state for readers: plain values, copied out at one moment, immutable from then on.
// What is many is in pieces, which one view shares with the next as long as they do not change: so
// copying it out costs little even of a large cluster.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/blob.h"
#include "base/piece.h"
#include "base/time.h"
#include "model/agent.h"
#include "model/constraints.h"
#include "model/framework.h"
#include "model/ids.h"
#include "model/quota.h"
#include "model/task.h"

namespace souk::protocol {

// Of these there are hundreds of thousands: what is alike in many is shared by them.
struct StatusView {
  TaskState state = TaskState::kStaging;
  std::optional<bool> healthy;
  WallTime timestamp;
  Piece<Labels> labels;
  Blob container_id;  // its text; empty: none
};

struct TaskView {
  Piece<TaskSpec> spec;
  Piece<FrameworkId> framework_id;
  Piece<ExecutorId> executor_id;  // as clients see it: empty for command tasks
  Piece<AgentId> agent_id;
  Piece<std::string> role;
  TaskState state = TaskState::kStaging;
  std::vector<StatusView> statuses;
  std::optional<WallTime> unreachable_since;
};

struct ExecutorView {
  std::shared_ptr<const ExecutorSpec> spec;
  AgentId agent_id;
  std::string role;
};

struct OfferView {
  OfferId id;
  AgentId agent_id;
  std::string role;
  Resources resources;
};

// Tasks that have to end by a deadline (§3.3).
struct InverseOfferView {
  enum class Answer : uint8_t { kNone, kAccepted, kDeclined };
  OfferId id;
  AgentId agent_id;
  std::vector<TaskId> tasks;  // of these, those that have not ended
  Resources resources;        // theirs
  WallTime start;             // the deadline
  Answer answer = Answer::kNone;
};

inline constexpr std::size_t kSchedulerCallKinds = 17;   // alternatives of SchedulerCallBody
inline constexpr std::size_t kSchedulerEventKinds = 11;  // alternatives of SchedulerEvent
inline constexpr std::size_t kTaskStates = 14;

struct FrameworkCounters {
  std::array<uint64_t, kSchedulerCallKinds> calls{};    // by alternative
  std::array<uint64_t, kSchedulerEventKinds> events{};  // by alternative
  std::array<uint64_t, kTaskStates> terminal{};         // tasks that ended, by TaskState
  uint64_t offers_sent = 0;
  uint64_t offers_accepted = 0;
  uint64_t offers_declined = 0;
  uint64_t offers_rescinded = 0;
  uint64_t operations = 0;
  uint64_t launches = 0;
  uint64_t launch_groups = 0;
};

struct FrameworkView {
  FrameworkInfo info;
  bool active = false;
  bool connected = false;
  bool recovered = false;
  std::vector<std::string> suppressed_roles;
  std::map<std::string, OfferConstraints> offer_constraints;  // by role
  WallTime registered_at;
  std::optional<WallTime> reregistered_at;
  std::optional<WallTime> unregistered_at;
  std::vector<Piece<TaskView>> tasks;  // by id
  std::vector<Piece<TaskView>> unreachable_tasks;
  std::vector<Piece<TaskView>> completed_tasks;  // oldest first
  std::vector<ExecutorView> executors;
  std::vector<OfferView> offers;
  std::vector<InverseOfferView> inverse_offers;
  Resources used;
  Resources offered;
  // Dominant share as a fraction; total zero: holds nothing.
  std::string dominant_resource;
  int64_t share_used = 0;
  int64_t share_total = 0;
  FrameworkCounters counters;
};

struct AgentSummary {
  AgentInfo info;
  bool active = false;
  WallTime registered_at;
  std::optional<WallTime> reregistered_at;
  Resources used;
  Resources offered;
  // Of these, in the slots for short tasks (§4.4).
  Resources short_used;
  Resources short_offered;

  // With the slots for short tasks.
  Resources total() const { return info.resources + info.short_slots; }
};

struct MasterCounters {
  std::array<uint64_t, kTaskStates> terminal{};  // tasks that ended, by TaskState, ever
  std::map<std::string, uint64_t>
      terminal_by_reason;  // "task_lost/source_master/reason_agent_removed"
  uint64_t valid_status_updates = 0;
  uint64_t invalid_status_updates = 0;
  uint64_t valid_status_update_acknowledgements = 0;
  uint64_t invalid_status_update_acknowledgements = 0;
  uint64_t agent_registrations = 0;
  uint64_t agent_reregistrations = 0;
  uint64_t agent_removals = 0;
  uint64_t agent_unreachable = 0;
  uint64_t recovery_agent_removals = 0;
  uint64_t dropped_messages = 0;
  uint64_t framework_to_executor_valid = 0;
  uint64_t framework_to_executor_invalid = 0;
  uint64_t executor_to_framework_valid = 0;
  uint64_t executor_to_framework_invalid = 0;
  std::array<uint64_t, kSchedulerCallKinds> calls{};
  uint64_t allocation_runs = 0;
};

// What is configured of roles, by role.
struct RoleSettings {
  std::map<std::string, Scalar> weights;  // absent: 1
  std::map<std::string, Quota> quotas;
};

struct MasterView {
  MasterInfo info;
  std::string cluster;
  std::string cluster_id;
  uint64_t epoch = 0;
  bool recovered = false;  // leads, and has read its registry
  WallTime elected_at;
  std::vector<Piece<AgentSummary>> agents;  // in the order of their registration
  std::vector<FrameworkView> frameworks;    // in the order of their subscription
  std::vector<FrameworkView> completed_frameworks;
  std::map<AgentId, std::string> recovered_agents;  // in the registry, not back yet; with hostname
  std::map<AgentId, WallTime> unreachable_agents;
  std::shared_ptr<const RoleSettings> roles = std::make_shared<const RoleSettings>();  // not null
  MasterCounters counters;
};

// What a master leaves to its readers, since it costs them and not the master: puts the tasks of
// each framework into order and sums up what it uses. Once for a view.
void finish_view(MasterView& view);

}  // namespace souk::protocol
