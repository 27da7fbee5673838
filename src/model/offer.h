// An offer: free resources of one agent, held for one framework in one of its roles (§3.1).
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/agent.h"
#include "model/ids.h"
#include "model/resources.h"

namespace souk {

struct Offer {
  OfferId id;
  FrameworkId framework_id;
  AgentId agent_id;
  std::string hostname;
  std::string ip;
  uint16_t port = 0;
  FaultDomain domain;
  std::string role;
  Resources resources;
  std::vector<Attribute> attributes;
  std::vector<ExecutorId> executor_ids;

  bool operator==(const Offer&) const = default;
};

// The wish to have resources back: tasks on this agent, or all of it, have to end by then.
struct InverseOffer {
  OfferId id;
  FrameworkId framework_id;
  AgentId agent_id;
  std::string hostname;
  std::string ip;
  uint16_t port = 0;
  WallTime start;  // of the unavailability
  Resources resources;

  bool operator==(const InverseOffer&) const = default;
};

// An attribute of offers of short slots: how many seconds a task may run there (§4.4). Frameworks
// that take such offers say so by a label of this name and the value "true".
inline constexpr std::string_view kMaxTaskDurationAttribute = "souk.max_task_duration_secs";
inline constexpr std::string_view kShortSlotsLabel = "souk.short_slots";
// A framework that wants its tasks to be revoked last, as it can't use less than it has.
inline constexpr std::string_view kRigidLabel = "souk.rigid";

// What an answer to an offer asks of the allocator: not to offer the refused resources of that
// agent again for a while.
struct Filters {
  std::optional<Duration> refuse;  // nothing said: kDefaultRefuse
  bool operator==(const Filters&) const = default;
};

inline constexpr Duration kDefaultRefuse = 5s;
inline constexpr Duration kMaxRefuse = 365 * 24h;

// The rule of the v1 API: absent or negative counts as the default, more than a year is cut.
inline Duration refuse_duration(const Filters& filters) {
  if (!filters.refuse || *filters.refuse < Duration::zero()) return kDefaultRefuse;
  return std::min(*filters.refuse, kMaxRefuse);
}

}  // namespace souk
