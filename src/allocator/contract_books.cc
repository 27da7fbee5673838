#include "allocator/contract_books.h"

#include <algorithm>

#include "base/result.h"
#include "model/role.h"

namespace souk::allocator {
namespace {

bool is_at_or_below(const std::string& role, const std::string& ancestor) {
  return role == ancestor || is_ancestor(ancestor, role);
}

bool fits(const AttributeConstraint& constraint, const AgentFacts& agent) {
  if (constraint.selector == AttributeConstraint::Selector::kHostname) {
    return constraint.text == agent.hostname;
  }
  return std::any_of(agent.attributes.begin(), agent.attributes.end(),
                     [&](const Attribute& each) { return each.name == constraint.attribute; });
}

// Of the two kinds of constraints that the test uses: a hostname's text, and whether an attribute
// is there.
bool fits(const OfferConstraints& constraints, const AgentFacts& agent) {
  return std::any_of(constraints.groups.begin(), constraints.groups.end(), [&](const auto& group) {
    return std::all_of(group.begin(), group.end(),
                       [&](const AttributeConstraint& each) { return fits(each, agent); });
  });
}

bool is_constrained(const FrameworkFacts& framework, const std::string& role,
                    const AgentFacts& agent) {
  const auto at = framework.constraints.find(role);
  return at != framework.constraints.end() && !fits(at->second, agent);
}

bool lacks_gpus(const Options& options, const AgentFacts& agent, const FrameworkFacts& framework) {
  return options.filter_gpu_resources && agent.total.scalar(kGpus).thousandths > 0 &&
         !framework.capabilities.has(Capability::kGpuResources);
}

}  // namespace

Resources ContractBooks::free_on(AgentKey agent) const {
  Resources rest = agents.at(agent).facts.total;
  for (const Piece& piece : pieces) {
    if (piece.agent != agent) continue;
    if (!rest.contains(piece.resources)) return {};
    rest -= piece.resources;
  }
  return rest;
}

void ContractBooks::forget_agent(AgentKey agent) {
  agents.erase(agent);
  std::erase_if(pieces, [agent](const Piece& piece) { return piece.agent == agent; });
  std::erase_if(filters, [agent](const Filter& filter) { return filter.agent == agent; });
}

void ContractBooks::forget_filters(FrameworkKey framework, const std::string& role) {
  std::erase_if(filters, [&](const Filter& filter) {
    return filter.framework == framework && filter.role == role;
  });
}

const ContractBooks::Framework* ContractBooks::framework_at(FrameworkKey key) const {
  const auto at = frameworks.find(key);
  return at == frameworks.end() ? nullptr : &at->second;
}

// --- grants

std::optional<std::string> ContractBooks::judge(const Grant& grant, MonoTime now) const {
  const Framework* framework = framework_at(grant.framework);
  if (framework == nullptr) return "there is no such framework";
  const auto agent = agents.find(grant.agent);
  if (agent == agents.end()) return "there is no such agent";
  if (!agent->second.active) return "the agent is inactive";
  if (grant.resources.empty()) return "nothing is in it";
  const Resources free = free_on(grant.agent);
  if (!free.contains(grant.resources)) {
    return fmt::format("only '{}' is free there", free.to_string());
  }
  if (auto wrong = judge_place(agent->second, *framework, grant.role)) return wrong;
  if (auto wrong = judge_items(grant.resources, *framework, grant.role)) return wrong;
  if (!is_above_minimum(grant.resources, *framework, grant.role)) return "it is below the minimum";
  if (!agent->second.facts.max_task_duration) {
    if (auto wrong = judge_limits(grant.resources, grant.role)) return wrong;
  }
  for (const Filter& filter : filters) {
    if (filter.framework == grant.framework && filter.role == grant.role &&
        filter.agent == grant.agent && filter.until > now &&
        filter.refused.contains(grant.resources)) {
      return fmt::format("the framework refused '{}' there, and that holds for another {}",
                         filter.refused.to_string(), format_duration(filter.until - now));
    }
  }
  return std::nullopt;
}

std::optional<std::string> ContractBooks::judge_place(const Agent& agent,
                                                      const Framework& framework,
                                                      const std::string& role) const {
  const auto& roles = framework.facts.roles;
  if (std::find(roles.begin(), roles.end(), role) == roles.end()) {
    return "the framework has not subscribed to the role";
  }
  if (!framework.active) return "the framework is inactive";
  if (framework.suppressed.contains(role)) return "the framework suppressed the role";
  if (agent.facts.max_task_duration && !framework.facts.takes_short_slots) {
    return "these are slots for short tasks, and the framework takes none";
  }
  if (lacks_gpus(options, agent.facts, framework.facts)) {
    return "the agent has GPUs, and the framework lacks GPU_RESOURCES";
  }
  if (is_of_other_region(agent, framework)) {
    return "the agent is in another region, and the framework lacks REGION_AWARE";
  }
  if (is_constrained(framework.facts, role, agent.facts)) {
    return "the offer constraints of the framework exclude the agent";
  }
  return std::nullopt;
}

bool ContractBooks::is_of_other_region(const Agent& agent, const Framework& framework) const {
  const std::string& theirs = agent.facts.domain.region;
  return !options.domain.region.empty() && !theirs.empty() && theirs != options.domain.region &&
         !framework.facts.capabilities.has(Capability::kRegionAware);
}

std::optional<std::string> ContractBooks::judge_items(const Resources& resources,
                                                      const Framework& framework,
                                                      const std::string& role) const {
  if (!(resources.usable_by(role) == resources)) return "some of it is reserved for others";
  for (const Resource& item : resources.items()) {
    if (item.revocable && !framework.facts.capabilities.has(Capability::kRevocableResources)) {
      return "some of it is revocable, and the framework lacks REVOCABLE_RESOURCES";
    }
    if (item.shared && !framework.facts.capabilities.has(Capability::kSharedResources)) {
      return "some of it is shared, and the framework lacks SHARED_RESOURCES";
    }
  }
  return std::nullopt;
}

bool ContractBooks::is_above_minimum(const Resources& resources, const Framework& framework,
                                     const std::string& role) const {
  const auto own = framework.facts.min_allocatable.find(role);
  const auto& alternatives =
      own == framework.facts.min_allocatable.end() ? options.min_allocatable : own->second;
  if (alternatives.empty()) return true;
  return std::any_of(alternatives.begin(), alternatives.end(), [&](const Quantities& least) {
    return std::all_of(least.begin(), least.end(), [&](const auto& quantity) {
      return resources.scalar(quantity.first) >= quantity.second;
    });
  });
}

// Slots for short tasks do not count. Less strict than it could be: nor does what is reserved here.
std::optional<std::string> ContractBooks::judge_limits(const Resources& resources,
                                                       const std::string& role) const {
  const auto counted = [](const Resources& all, const std::string& name) {
    int64_t sum = 0;
    for (const Resource& item : all.items()) {
      if (item.name != name || item.revocable || item.shared || !item.reservations->empty())
        continue;
      sum += std::get<Scalar>(item.value).thousandths;
    }
    return sum;
  };
  for (const auto& [limited, quota] : quotas) {
    if (!is_at_or_below(role, limited)) continue;
    for (const auto& [name, limit] : quota.limits) {
      int64_t sum = counted(resources, name);
      if (sum == 0) continue;
      for (const Piece& piece : pieces) {
        const auto agent = agents.find(piece.agent);
        const bool counts = agent != agents.end() && !agent->second.facts.max_task_duration;
        if (counts && is_at_or_below(piece.role, limited)) sum += counted(piece.resources, name);
      }
      if (sum > limit.thousandths) {
        return fmt::format("role {} would hold {} {}, and its limit is {}", limited,
                           Scalar{sum}.to_double(), name, limit.to_double());
      }
    }
  }
  return std::nullopt;
}

// --- rescinds, revocations, shares

std::optional<std::string> ContractBooks::judge(const Rescind& rescind) const {
  const bool is_open = std::any_of(pieces.begin(), pieces.end(), [&](const Piece& piece) {
    return !piece.in_use && piece.framework == rescind.framework && piece.role == rescind.role &&
           piece.agent == rescind.agent;
  });
  if (!is_open) return "there is no such offer";
  return std::nullopt;
}

std::optional<std::string> ContractBooks::judge(const Revocation& revocation, MonoTime now) const {
  if (!options.revocation_delay) return "revocation is off";
  if (revocation.deadline < now) return "the deadline has passed";
  const auto task = std::find_if(pieces.begin(), pieces.end(), [&](const Piece& piece) {
    return piece.in_use && piece.framework == revocation.framework &&
           piece.agent == revocation.agent &&
           fmt::format("task-{}", piece.number) == revocation.task.value;
  });
  if (task == pieces.end()) return "there is no such task there";
  if (task->end) return "the task is being revoked already";
  if (framework_at(revocation.in_favour_of) == nullptr) return "in favour of no known framework";
  if (revocation.in_favour_of == revocation.framework) return "in favour of its own framework";
  return std::nullopt;
}

std::optional<std::string> ContractBooks::judge(FrameworkKey framework, const Share& share) const {
  Resources held;
  Resources offered;
  for (const Piece& piece : pieces) {
    if (piece.framework != framework) continue;
    held += piece.resources;
    if (!piece.in_use) offered += piece.resources;
  }
  if (share.held != quantities_of(held)) {
    return fmt::format("it holds '{}'", held.to_string());
  }
  if (share.offered != quantities_of(offered)) {
    return fmt::format("it is offered '{}'", offered.to_string());
  }
  if (share.used < 0 || share.total < 0 || share.fair_millionths < 0 ||
      share.fair_millionths > 1'000'000) {
    return "a part is negative or more than the whole";
  }
  if (!share.dominant.empty() && share.used != held.scalar(share.dominant).thousandths) {
    return fmt::format("of {} it holds {}", share.dominant,
                       held.scalar(share.dominant).to_double());
  }
  return std::nullopt;
}

// --- explanations

std::optional<std::string> ContractBooks::judge(FrameworkKey framework,
                                                const std::vector<Explanation>& explanations,
                                                MonoTime now) const {
  std::vector<std::string> roles = frameworks.at(framework).facts.roles;
  std::sort(roles.begin(), roles.end());
  if (explanations.size() != roles.size() * agents.size()) {
    return fmt::format("{} rows for {} roles on {} agents", explanations.size(), roles.size(),
                       agents.size());
  }
  auto row = explanations.begin();
  for (const auto& [key, agent] : agents) {
    for (const std::string& role : roles) {
      if (row->framework != framework || row->agent != key || row->role != role) {
        return "the rows are not by agent and role";
      }
      if (auto wrong = judge_row(*row, now)) {
        return fmt::format("agent {}, role {}, obstacle {}: {}", key.value, role,
                           static_cast<int>(row->obstacle), *wrong);
      }
      ++row;
    }
  }
  return std::nullopt;
}

std::optional<std::string> ContractBooks::judge_row(const Explanation& row, MonoTime now) const {
  const Resources free = free_on(row.agent);
  if (!(row.free == free)) {
    return fmt::format("free is '{}', not '{}'", free.to_string(), row.free.to_string());
  }
  if (!free.contains(row.offerable)) {
    return fmt::format("offerable '{}' is not free", row.offerable.to_string());
  }
  if (row.obstacle == Obstacle::kNone) return "nothing stands in the way, and it was not granted";
  if (!is_true(row, now)) return "it is not so";
  return std::nullopt;
}

// What can be said of an obstacle without knowing the module.
bool ContractBooks::is_true(const Explanation& row, MonoTime now) const {
  const Agent& agent = agents.at(row.agent);
  const Framework& framework = frameworks.at(row.framework);
  switch (row.obstacle) {
    case Obstacle::kOffered:
      return std::any_of(pieces.begin(), pieces.end(), [&](const Piece& piece) {
        return !piece.in_use && piece.framework == row.framework && piece.agent == row.agent;
      });
    case Obstacle::kInactiveFramework:
      return !framework.active;
    case Obstacle::kSuppressed:
      return framework.suppressed.contains(row.role);
    case Obstacle::kInactiveAgent:
      return !agent.active;
    case Obstacle::kShortSlots:
      return agent.facts.max_task_duration.has_value() && !framework.facts.takes_short_slots;
    case Obstacle::kGpus:
      return lacks_gpus(options, agent.facts, framework.facts);
    case Obstacle::kRegion:
      return is_of_other_region(agent, framework);
    case Obstacle::kConstraint:
      return is_constrained(framework.facts, row.role, agent.facts);
    case Obstacle::kTaken:
      return row.free.empty();
    case Obstacle::kReserved:
      return !row.free.empty() && row.free.usable_by(row.role).empty();
    case Obstacle::kRevocable:
      return !framework.facts.capabilities.has(Capability::kRevocableResources);
    case Obstacle::kShared:
      return !framework.facts.capabilities.has(Capability::kSharedResources);
    case Obstacle::kRefused:
      return row.until.has_value() && *row.until > now;
    case Obstacle::kNone:
    case Obstacle::kLimit:
    case Obstacle::kHeadroom:
    case Obstacle::kBelowMinimum:
      return true;
  }
  return false;
}

}  // namespace souk::allocator
