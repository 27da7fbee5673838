// What the roles of a view hold: for /roles and GET_ROLES. Pure.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "model/quota.h"
#include "model/resources.h"
#include "protocol/master_view.h"

namespace souk::wire {

// All but `frameworks` with the roles below it.
struct RoleSum {
  std::vector<std::string_view> frameworks;
  Resources allocated;
  Resources offered;
  Resources reserved;
  // What counts for its quota: what is reserved for it, in use or not, and what it uses of the
  // rest. Nothing that is revocable.
  Resources consumed;
  double weight = 1;
  Quota quota;
};

// Every role that has frameworks, resources, reservations, a weight or a quota, and all that stand
// above one. The view must outlive it.
std::map<std::string_view, RoleSum> sum_roles(const protocol::MasterView& view);

}  // namespace souk::wire
