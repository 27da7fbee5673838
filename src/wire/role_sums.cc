#include "wire/role_sums.h"

namespace souk::wire {
namespace {

using Sums = std::map<std::string_view, RoleSum>;

// Empty for a role at the top.
std::string_view parent_of(std::string_view role) {
  const std::size_t slash = role.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : role.substr(0, slash);
}

Resources scalars_of(const Resources& resources) {
  std::vector<Resource> scalars;
  for (const Resource& item : resources.items()) {
    if (std::holds_alternative<Scalar>(item.value)) scalars.push_back(item);
  }
  return Resources(std::move(scalars));
}

void add_frameworks(Sums& roles, const protocol::MasterView& view) {
  for (const protocol::FrameworkView& framework : view.frameworks) {
    for (const std::string& role : framework.info.roles) {
      roles[role].frameworks.push_back(framework.info.id.value);
    }
    for (const protocol::TaskView& task : framework.tasks) {
      if (!is_terminal(task.state)) roles[*task.role].allocated += task.spec->resources;
    }
    for (const protocol::ExecutorView& executor : framework.executors) {
      roles[executor.role].allocated += executor.spec->resources;
    }
    for (const protocol::OfferView& offer : framework.offers) {
      roles[offer.role].offered += offer.resources;
    }
  }
}

void add_reservations(Sums& roles, const protocol::MasterView& view) {
  std::map<std::string_view, std::vector<Resource>> reserved;
  for (const protocol::AgentSummary& agent : view.agents) {
    for (const Resources* total : {&agent.info.resources, &agent.info.short_slots}) {
      for (const Resource& item : total->items()) {
        if (!item.reservations->empty()) reserved[item.reserved_role()].push_back(item);
      }
    }
  }
  for (auto& [role, items] : reserved) roles[role].reserved = Resources(std::move(items));
}

}  // namespace

Sums sum_roles(const protocol::MasterView& view) {
  Sums roles;
  add_frameworks(roles, view);
  add_reservations(roles, view);
  for (auto& [name, role] : roles) {
    role.consumed = scalars_of(role.reserved.non_revocable()) +
                    scalars_of(role.allocated.unreserved().non_revocable());
  }
  for (const auto& [name, weight] : view.roles->weights) roles[name].weight = weight.to_double();
  for (const auto& [name, quota] : view.roles->quotas) roles[name].quota = quota;
  // Downwards, so that parents that are added on the way are met too; each comes after all that
  // stand below it.
  for (auto at = roles.end(); at != roles.begin();) {
    --at;
    const std::string_view parent = parent_of(at->first);
    if (parent.empty()) continue;
    RoleSum& above = roles[parent];
    above.allocated += at->second.allocated;
    above.offered += at->second.offered;
    above.reserved += at->second.reserved;
    above.consumed += at->second.consumed;
  }
  return roles;
}

}  // namespace souk::wire
