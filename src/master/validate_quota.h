// Pure checks of the weights and quotas that operators ask for. The error is for the person who
// asked.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/quota.h"
#include "protocol/registry.h"

namespace souk::master {

// Sums in thousandths, by name. 128 bits, because what agents report may add up beyond int64.
using Totals = std::map<std::string, __int128, std::less<>>;
// Adds the scalars that count for quotas: those that are not revocable.
void add_to(Totals& sum, const Resources& resources);

using RoleWeights = std::map<std::string, Scalar>;
using RoleQuotas = std::map<std::string, Quota>;

// `current`: what is stored now.
Result<void> validate_weights(const std::vector<protocol::RoleWeight>& updates,
                              const RoleWeights& current);

// That each is sound, and all of them in the tree of roles that results: what is guaranteed to the
// children of a role is part of what is guaranteed to itself, and no limit is above that of a role
// that stands above.
Result<void> validate_quotas(const std::vector<protocol::RoleQuota>& updates,
                             const RoleQuotas& current);

// That all that would be guaranteed can be met at once. What is not raised is not looked at, so
// that a cluster that has shrunk does not stand in the way of lowering it. REQUIRES updates that
// are valid.
Result<void> check_capacity(const std::vector<protocol::RoleQuota>& updates,
                            const RoleQuotas& current, const Totals& capacity);

// That no role uses more than a limit that would be new or lower. `consumption`: by role, without
// the roles below it. REQUIRES updates that are valid.
Result<void> check_consumption(const std::vector<protocol::RoleQuota>& updates,
                               const RoleQuotas& current,
                               const std::map<std::string, Totals>& consumption);

}  // namespace souk::master
