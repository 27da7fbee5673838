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
