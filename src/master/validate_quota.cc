#include "master/validate_quota.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string_view>

#include "base/text.h"
#include "model/role.h"

namespace souk::master {
namespace {

// The quotas as they would be: views into the updates and into what is stored.
using Tree = std::map<std::string_view, const Quota*>;

Tree tree_of(const std::vector<protocol::RoleQuota>& updates, const RoleQuotas& current) {
  Tree tree;
  for (const auto& [role, quota] : current) tree[role] = &quota;
  for (const protocol::RoleQuota& update : updates) {
    if (update.quota.empty()) {
      tree.erase(update.role);
    } else {
      tree[update.role] = &update.quota;
    }
  }
  return tree;
}

// Empty for a role at the top.
std::string_view parent_of(std::string_view role) {
  const std::size_t slash = role.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : role.substr(0, slash);
}

std::string text_of(__int128 amount) {
  constexpr __int128 kMost = std::numeric_limits<int64_t>::max();
  return amount_text(Scalar{static_cast<int64_t>(std::min(amount, kMost))});
}

void add_to(Totals& sum, const Quantities& amounts) {
  for (const auto& [name, amount] : amounts) sum[name] += amount.thousandths;
}

__int128 total_of(const Totals& totals, std::string_view name) {
  const auto at = totals.find(name);
  return at == totals.end() ? 0 : at->second;
}

// Children's guarantees are part of their parent's, so those at the top are all there is.
Totals top_level_guarantees(const Tree& tree) {
  Totals sum;
  for (const auto& [role, quota] : tree) {
    if (parent_of(role).empty()) add_to(sum, quota->guarantees);
  }
  return sum;
}

Result<void> check_guarantees(const Tree& tree) {
  std::map<std::string_view, Totals> of_children;
  Totals all;
  for (const auto& [role, quota] : tree) {
    add_to(all, quota->guarantees);
    const std::string_view parent = parent_of(role);
    if (!parent.empty()) add_to(of_children[parent], quota->guarantees);
  }
  for (const auto& [name, sum] : all) {
    if (sum > kMaxGuaranteedTotal) {
      return fail("all guarantees of {} together must not be above {}", quote(name),
                  text_of(kMaxGuaranteedTotal));
    }
  }
  for (const auto& [parent, sum] : of_children) {
    const auto at = tree.find(parent);
    for (const auto& [name, amount] : sum) {
      const Scalar own = at == tree.end() ? Scalar{} : amount_of(at->second->guarantees, name);
      if (amount <= own.thousandths) continue;
      return fail(
          "the roles directly below {} are guaranteed {} of {} together, which is above "
          "the {} that is guaranteed to {} itself",
          quote(parent), text_of(amount), name, amount_text(own), quote(parent));
    }
  }
  return {};
}

Result<void> check_limits(const Tree& tree) {
  for (const auto& [role, quota] : tree) {
    for (const auto& [name, limit] : quota->limits) {
      for (std::string_view above = parent_of(role); !above.empty(); above = parent_of(above)) {
        const auto at = tree.find(above);
        const Scalar* most = at == tree.end() ? nullptr : find_amount(at->second->limits, name);
        if (most == nullptr) continue;
        if (limit > *most) {
          return fail("the limit of {} of {} for role {} is above the limit of {} for {}",
                      amount_text(limit), name, quote(role), amount_text(*most), quote(above));
        }
        break;  // those further up are checked for that one
      }
    }
  }
  return {};
}

Result<void> check_role(std::string_view role, std::set<std::string_view>& seen) {
  if (auto valid = validate_role(role); !valid) return valid;
  if (!seen.insert(role).second) return fail("role {} is there twice", quote(role));
  return {};
}

Result<void> check_count(std::size_t count, std::string_view what) {
  if (count <= kMaxConfiguredRoles) return {};
  return fail("{} roles would have a {}, at most {} are allowed", count, what, kMaxConfiguredRoles);
}

}  // namespace

void add_to(Totals& sum, const Resources& resources) {
  for (const Resource& item : resources.items()) {
    const auto* scalar = std::get_if<Scalar>(&item.value);
    if (scalar != nullptr && !item.revocable) sum[item.name] += scalar->thousandths;
  }
}

Result<void> validate_weights(const std::vector<protocol::RoleWeight>& updates,
                              const RoleWeights& current) {
  std::set<std::string_view> seen;
  std::size_t count = current.size();
  for (const protocol::RoleWeight& update : updates) {
    if (auto valid = check_role(update.role, seen); !valid) return valid;
    if (update.weight.thousandths <= 0) {
      return fail("the weight of role {} must be above zero", quote(update.role));
    }
    if (!current.contains(update.role)) ++count;
  }
  return check_count(count, "weight");
}

Result<void> validate_quotas(const std::vector<protocol::RoleQuota>& updates,
                             const RoleQuotas& current) {
  std::set<std::string_view> seen;
  for (const protocol::RoleQuota& update : updates) {
    if (auto valid = check_role(update.role, seen); !valid) return valid;
    if (auto valid = validate_quota(update.quota); !valid) {
      return fail("role {}: {}", quote(update.role), valid.error().message);
    }
  }
  const Tree tree = tree_of(updates, current);
  if (auto valid = check_count(tree.size(), "quota"); !valid) return valid;
  if (auto valid = check_guarantees(tree); !valid) return valid;
  return check_limits(tree);
}

Result<void> check_capacity(const std::vector<protocol::RoleQuota>& updates,
                            const RoleQuotas& current, const Totals& capacity) {
  const Totals before = top_level_guarantees(tree_of({}, current));
  std::string missing;
  for (const auto& [name, sum] : top_level_guarantees(tree_of(updates, current))) {
    const __int128 there = total_of(capacity, name);
    if (sum <= there || sum <= total_of(before, name)) continue;
    missing += fmt::format("{}{} of {}, where the cluster has {} ({} too many)",
                           missing.empty() ? "" : "; ", text_of(sum), name, text_of(there),
                           text_of(sum - there));
  }
  if (missing.empty()) return {};
  return fail(
      "the guarantees cannot all be met at once: together they are {}. Say force to set "
      "them all the same",
      missing);
}

Result<void> check_consumption(const std::vector<protocol::RoleQuota>& updates,
                               const RoleQuotas& current,
                               const std::map<std::string, Totals>& consumption) {
  for (const protocol::RoleQuota& update : updates) {
    if (update.quota.limits.empty()) continue;
    Totals used;
    for (const auto& [role, totals] : consumption) {
      if (role != update.role && !is_ancestor(update.role, role)) continue;
      for (const auto& [name, amount] : totals) used[name] += amount;
    }
    const auto old = current.find(update.role);
    for (const auto& [name, limit] : update.quota.limits) {
      const Scalar* before = old == current.end() ? nullptr : find_amount(old->second.limits, name);
      const __int128 amount = total_of(used, name);
      if (amount <= limit.thousandths || (before != nullptr && limit >= *before)) continue;
      return fail(
          "role {} uses {} of {}, {} more than the limit of {}. Say force to set it all "
          "the same",
          quote(update.role), text_of(amount), name, text_of(amount - limit.thousandths),
          amount_text(limit));
    }
  }
  return {};
}

}  // namespace souk::master
