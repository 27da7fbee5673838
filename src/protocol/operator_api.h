// The operator API (POST /api/v1): calls that change something, as plain structs. Those that only
// ask are answered from snapshots and never reach a master's machine.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "model/quota.h"
#include "protocol/registry.h"

namespace souk::protocol {

namespace operator_call {

// Weights are above zero.
struct UpdateWeights {
  std::vector<RoleWeight> weights;
};
struct UpdateQuota {
  std::vector<RoleQuota> quotas;
  bool force = false;  // also what the cluster cannot meet, or already exceeds
};
// The older form: the guarantee is the limit too, for a role without a quota.
struct SetQuota {
  std::string role;
  Quantities guarantee;  // sorted
  bool force = false;
};
struct RemoveQuota {
  std::string role;
};

}  // namespace operator_call

using OperatorCall = std::variant<operator_call::UpdateWeights, operator_call::UpdateQuota,
                                  operator_call::SetQuota, operator_call::RemoveQuota>;

// At most this many wait for storage; beyond it: 503.
inline constexpr std::size_t kMaxWaitingOperatorCalls = 1'000;

}  // namespace souk::protocol
