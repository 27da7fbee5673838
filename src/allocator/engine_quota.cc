// Guarantees and limits of roles.
#include <algorithm>
#include <array>

#include "allocator/engine.h"

namespace souk::allocator {
namespace {

constexpr std::size_t kCpusSlot = 0;  // as the Measure counts them
constexpr std::size_t kMemSlot = 1;
constexpr __int128 kUnbounded = static_cast<__int128>(1) << 120;

// The role, or one above it, has less than is guaranteed.
bool has_lack(const Role& role) {
  for (const Role* above = &role; above != nullptr; above = above->parent) {
    if (above->lacks()) return true;
  }
  return false;
}

bool has_quota(const Role& role) { return role.quota.limited || !is_zero(role.quota.guarantee); }

}  // namespace

void Engine::set_quota(const std::string& name, const Quota& quota) {
  Role& role = tree_.open(name);
  role.quota.guarantee = measure_.amounts_of(quota.guarantees);
  role.quota.limit.clear();
  for (const auto& [resource, scalar] : quota.limits) {
    const std::size_t slot = measure_.slot_of(resource);
    if (slot == Measure::kNoSlot) continue;
    if (options_.switches.on(Switch::kAllocatorIgnoresLimits)) continue;
    if (role.quota.limit.size() <= slot) role.quota.limit.resize(slot + 1);
    role.quota.limit[slot] = scalar.thousandths;
  }
  role.quota.limited = !quota.limits.empty();
  const bool any = std::ranges::any_of(tree_.roles(),
                                       [](const auto& entry) { return has_quota(*entry.second); });
  if (std::exchange(quota_set_, any) != any) settle_all_free();
  for (Role* above = &role; above != nullptr; above = above->parent) settle_lack(*above);
  ++spell_;
  quota_changed_ = true;
  rescinds_due_ = true;
  tree_.close_if_unused(role);
}

// What the role and those above it have got, reserved or held, has become more or less.
void Engine::consume(Role& role, const Amounts& amounts, bool more) {
  if (is_zero(amounts)) return;
  for (Role* above = &role; !above->is_root(); above = above->parent) {
    more ? add(above->quota.consumed, amounts) : subtract(above->quota.consumed, amounts);
  }
  if (!quota_set_) return;
  Role* widest = nullptr;  // the highest of those with more room than before
  for (Role* above = &role; above != nullptr; above = above->parent) {
    const bool lacked = above->lacks();
    settle_lack(*above);
    const bool has_room = !more && (above->quota.limited || above->lacks() || lacked);
    if (has_room && above->held_short) widest = above;
  }
  if (widest != nullptr) contend_all_below(*widest);
}

// Works out what the role needs anew, from what it has and from what those below need.
void Engine::settle_lack(Role& role) {
  RoleQuota& quota = role.quota;
  const bool lacked = role.lacks();
  Amounts needed = quota.needed_below;
  quota.own_lack.assign(quota.guarantee.size(), 0);
  if (needed.size() < quota.guarantee.size()) needed.resize(quota.guarantee.size());
  for (std::size_t slot = 0; slot < quota.guarantee.size(); ++slot) {
    const __int128 lack = quota.guarantee[slot] - amount(quota.consumed, slot);
    if (lack <= needed[slot]) continue;
    quota.own_lack[slot] = lack - needed[slot];
    needed[slot] = lack;
  }
  if (role.parent != nullptr) {
    subtract(role.parent->quota.needed_below, quota.needed);
    add(role.parent->quota.needed_below, needed);
  }
  quota.needed = std::move(needed);
  if (lacked == role.lacks()) return;
  for (Role* above = &role; above != nullptr; above = above->parent) {
    lacked ? --above->lacking : ++above->lacking;
  }
}

// What is free beyond the headroom, which may be less than nothing; without a bound where nothing
// is held back.
Amounts Engine::surplus() const {
  const Amounts& needed = tree_.root().quota.needed;
  Amounts rest = available_;
  rest.resize(std::max(rest.size(), needed.size()));
  for (std::size_t slot = 0; slot < rest.size(); ++slot) {
    rest[slot] = amount(needed, slot) == 0 ? kUnbounded : rest[slot] - needed[slot];
  }
  return rest;
}

// What a role may still be offered of a resource, and what keeps it from more. Nothing: no bound.
std::optional<__int128> Engine::allowed(const Role& role, std::size_t slot, Obstacle& by,
                                        const Role*& limited_by) const {
  std::optional<__int128> most;
  __int128 own_lack = 0;
  for (const Role* above = &role; above != nullptr; above = above->parent) {
    own_lack += amount(above->quota.own_lack, slot);
    if (slot >= above->quota.limit.size() || !above->quota.limit[slot]) continue;
    const __int128 room = *above->quota.limit[slot] - amount(above->quota.consumed, slot);
    if (most && *most <= room) continue;
    most = room;
    by = Obstacle::kLimit;
    limited_by = above;
  }
  const __int128 needed = amount(tree_.root().quota.needed, slot);
  if (needed == 0) return most;
  const __int128 room = std::max<__int128>(amount(available_, slot) - needed, 0) + own_lack;
  if (most && *most <= room) return most;
  by = Obstacle::kHeadroom;
  return room;
}

// Whether the role can be offered nothing unreserved at all: no cpus, or no mem. Who lacks
// something guaranteed gets that all the same, unless a limit stands against it.
bool Engine::is_spent(const Role& role) const {
  const bool lacks = has_lack(role);
  return std::ranges::any_of(std::array{kCpusSlot, kMemSlot}, [&](std::size_t slot) {
    Obstacle by{};
    const Role* limited_by = nullptr;
    const auto most = allowed(role, slot, by, limited_by);
    return most && *most <= 0 && !(lacks && by == Obstacle::kHeadroom);
  });
}

// Takes from the offer what quota does not allow.
void Engine::cut_by_quota(const Role& role, Trial& trial) const {
  std::vector<std::optional<__int128>> left(measure_.slots());
  const bool lacks = has_lack(role);
  bool spent = false;
  bool too_much = false;
  Amounts offered(left.size());
  for (const Resource& item : trial.offer->items()) {
    const auto* scalar = std::get_if<Scalar>(&item.value);
    if (scalar == nullptr || !counts_for_quota(item)) continue;
    const std::size_t slot = measure_.find_slot(item.name);
    if (slot < offered.size()) offered[slot] += scalar->thousandths;
  }
  for (std::size_t slot = 0; slot < left.size(); ++slot) {
    const __int128 asked = offered[slot];
    if (asked == 0 && slot != kCpusSlot && slot != kMemSlot) continue;
    Obstacle by{};
    const Role* limited_by = nullptr;
    left[slot] = allowed(role, slot, by, limited_by);
    if (!left[slot] || (asked <= *left[slot] && *left[slot] > 0)) continue;
    too_much = true;
    const bool essential = slot == kCpusSlot || slot == kMemSlot;
    spent = spent || (essential && *left[slot] <= 0 && !(lacks && by == Obstacle::kHeadroom));
    trial.cut_by = by;
    trial.cut_by_headroom = trial.cut_by_headroom || by == Obstacle::kHeadroom;
    if (by == Obstacle::kLimit) trial.limited_by = limited_by;
  }
  if (!too_much) return;
  std::vector<Resource> items = trial.offer->items();
  std::erase_if(items, [&](Resource& item) {
    if (!counts_for_quota(item)) return false;
    if (spent) return true;
    auto* scalar = std::get_if<Scalar>(&item.value);
    if (scalar == nullptr) return false;
    const std::size_t slot = measure_.find_slot(item.name);
    if (slot >= left.size() || !left[slot]) return false;
    const auto most = std::clamp<__int128>(*left[slot], 0, scalar->thousandths);
    scalar->thousandths = static_cast<int64_t>(most);
    *left[slot] -= most;
    return most == 0;
  });
  trial.own = Resources(std::move(items));
  trial.offer = &trial.own;
  if (trial.own.empty()) trial.obstacle = trial.cut_by;
}

// Whether the role, or one above it, lacks something guaranteed of which the agent has some.
bool Engine::lacks_here(const Role& role, const Agent& agent) const {
  for (const Role* above = &role; above != nullptr; above = above->parent) {
    const Amounts& lack = above->quota.own_lack;
    for (std::size_t slot = 0; slot < lack.size(); ++slot) {
      if (lack[slot] > 0 && amount(agent.counted, slot) > 0) return true;
    }
  }
  return false;
}

void Engine::note_short(Role& role) {
  for (Role* above = &role; above != nullptr; above = above->parent) above->held_short = true;
}

void Engine::contend_all_below(Role& role) {
  role.held_short = false;
  for (Client* client : role.clients) contend(*client);
  for (Role* child : role.children) contend_all_below(*child);
}

// Whether quota takes no more of the agent from this role than from one without any: then what all
// such roles may be offered is the same.
bool Engine::is_unbound(const Role& role, const Agent& agent) const {
  for (const Role* above = &role; above != nullptr; above = above->parent) {
    if (above->lacks()) return false;
    for (std::size_t slot = 0; slot < above->quota.limit.size(); ++slot) {
      if (!above->quota.limit[slot]) continue;
      const __int128 room = *above->quota.limit[slot] - amount(above->quota.consumed, slot);
      if (room <= 0 || room < amount(agent.counted, slot)) return false;
    }
  }
  return true;
}

// The agent was tried with what is free beyond the headroom now. `replaces`: for all; else others
// may have been tried with less, or more, before.
void Engine::note_short(Agent& agent, bool replaces) {
  Amounts now = surplus();
  if (agent.short_index == kNotFree) {
    agent.short_index = short_agents_.size();
    short_agents_.push_back({&agent, std::move(now)});
    return;
  }
  Amounts& before = short_agents_[agent.short_index].surplus;
  if (!replaces) {
    before.resize(std::max(before.size(), now.size()));
    now.resize(before.size());
    for (std::size_t slot = 0; slot < now.size(); ++slot) {
      now[slot] = std::min(now[slot], before[slot]);
    }
  }
  before = std::move(now);
}

void Engine::forget_short(Agent& agent) {
  if (agent.short_index == kNotFree) return;
  short_agents_[agent.short_index] = std::move(short_agents_.back());
  short_agents_[agent.short_index].agent->short_index = agent.short_index;
  short_agents_.pop_back();
  agent.short_index = kNotFree;
}

// Whether more is free beyond the headroom than when somebody was held short on the agent.
bool Engine::has_more(const Agent& agent, const Amounts& surplus) const {
  if (agent.short_index == kNotFree) return false;
  const Amounts& before = short_agents_[agent.short_index].surplus;
  for (std::size_t slot = 0; slot < surplus.size(); ++slot) {
    if (surplus[slot] > amount(before, slot)) return true;
  }
  return false;
}

std::vector<Engine::Agent*> Engine::to_try_with_more() const {
  std::vector<Agent*> agents;
  if (short_agents_.empty()) return agents;
  const Amounts now = surplus();
  for (const Short& tried : short_agents_) {
    if (has_more(*tried.agent, now)) agents.push_back(tried.agent);
  }
  return agents;
}

// What is free is counted, and listed, from scratch.
void Engine::settle_all_free() {
  available_.clear();
  for (Agent* agent : agent_places_) {
    if (agent == nullptr) continue;
    agent->counted.clear();
    settle_free(*agent);
  }
}

}  // namespace souk::allocator
