// The registry: what a master can't learn from agents and schedulers, and so must keep (agents
// admitted, unreachable, gone; weights and quotas; the cluster's id; the epoch). Changes are small
// values that are stored first and folded into the state after.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "model/ids.h"
#include "model/quota.h"

namespace souk::protocol {

struct Registry {
  struct Agent {
    std::string hostname;
    bool operator==(const Agent&) const = default;
  };
  std::string cluster_id;
  uint64_t epoch = 0;  // of the latest leader
  std::map<AgentId, Agent> admitted;
  std::map<AgentId, WallTime> unreachable;
  std::map<AgentId, WallTime> gone;
  std::map<std::string, Scalar> weights;  // by role; of those that an operator has set
  std::map<std::string, Quota> quotas;    // by role; none is empty

  bool operator==(const Registry&) const = default;
};

struct RoleWeight {
  std::string role;
  Scalar weight;
  bool operator==(const RoleWeight&) const = default;
};
struct RoleQuota {
  std::string role;
  Quota quota;
  bool operator==(const RoleQuota&) const = default;
};

namespace registry {

struct AdmitAgent {
  AgentId id;
  std::string hostname;
};
struct MarkUnreachable {
  AgentId id;
  WallTime at;
};
struct MarkReachable {
  AgentId id;
  std::string hostname;
};
struct MarkGone {
  AgentId id;
  WallTime at;
};
// Forgets an agent altogether (it unregistered, or is too old).
struct RemoveAgent {
  AgentId id;
};
// All of them or none.
struct SetWeights {
  std::vector<RoleWeight> weights;
};
// Each replaces the quota of its role; an empty one removes it. All of them or none.
struct SetQuotas {
  std::vector<RoleQuota> quotas;
};

}  // namespace registry

using RegistryOperation =
    std::variant<registry::AdmitAgent, registry::MarkUnreachable, registry::MarkReachable,
                 registry::MarkGone, registry::RemoveAgent, registry::SetWeights,
                 registry::SetQuotas>;

// Folds one stored operation into the state. Total: an operation that does not fit changes nothing.
void apply(Registry& registry, const RegistryOperation& operation);

// The next id by which storage orders what it has been asked to keep.
using Ticket = uint64_t;

}  // namespace souk::protocol
