// Guaranteed allocation and revocation (§3.3): who has a right to more than it gets, and which
// tasks of others end for it.
#include <algorithm>

#include "allocator/engine.h"
#include "model/role.h"

namespace souk::allocator {
namespace {

// Of the parts of everything that weights give.
constexpr int64_t kWhole = 1'000'000'000'000;

// At most this many at a time: the next wait brings the next.
constexpr std::size_t kMaxRevocations = 1'000;
constexpr int kMostFruitless = 10;  // beyond it the wait no longer doubles

void clip(Amounts& amounts) {
  for (__int128& amount : amounts) amount = std::max<__int128>(amount, 0);
}

// Whether `parts` without the one at `index` still reach `goal`.
bool reaches_without(const std::vector<Amounts>& parts, std::size_t index, const Amounts& goal) {
  Amounts sum;
  for (std::size_t at = 0; at < parts.size(); ++at) {
    if (at != index) add(sum, parts[at]);
  }
  for (std::size_t slot = 0; slot < goal.size(); ++slot) {
    if (amount(sum, slot) < goal[slot]) return false;
  }
  return true;
}

}  // namespace

void Engine::task_started(const TaskFacts& facts) {
  if (!revokes()) return;
  const auto framework = frameworks_.find(facts.framework);
  if (framework == frameworks_.end()) return;
  const Client* client = find_client(*framework->second, facts.role);
  const auto agent = agents_.find(facts.agent);
  // Slots for short tasks empty themselves.
  if (client == nullptr || agent == agents_.end() || agent->second->facts.max_task_duration) return;
  RevocableTask task{client->id, facts.agent, {}, facts.since, {}};
  measure_.amounts_of(facts.resources, task.amounts);
  tasks_.add({facts.framework, facts.id}, std::move(task));
}

void Engine::task_ended(FrameworkKey framework, const TaskId& task) {
  tasks_.remove({framework, task});
}

// Its equal part, among those that want offers, of what is guaranteed to its role or one above.
Amounts Engine::guaranteed_to(const Client& client) const {
  Amounts part;
  if (!client.ranked) return part;
  for (const Role* role = client.role; role != nullptr; role = role->parent) {
    const Amounts& guarantee = role->quota.guarantee;
    if (part.size() < guarantee.size()) part.resize(guarantee.size());
    for (std::size_t slot = 0; slot < guarantee.size(); ++slot) {
      part[slot] = std::max(part[slot], guarantee[slot] / static_cast<int64_t>(role->node.ranked));
    }
  }
  return part;
}

// What its weights give it of everything, among those that want offers and itself. Of a lower level
// (priority): nothing, while a higher one wants offers.
Fraction Engine::fair_to(const Client& client) const {
  const std::size_t peers = client.role->own.row.size() + (client.ranked ? 0 : 1);
  __int128 part = kWhole / static_cast<int64_t>(peers);
  for (const Node* node = &client.role->own; node->parent != nullptr; node = node->parent) {
    int64_t weights = node->ranked == 0 ? node->weight : 0;
    for (const Node* sibling : node->parent->order) {
      if (sibling->priority > node->priority) return {0, kWhole};
      if (sibling->priority == node->priority) weights += sibling->weight;
    }
    part = part * node->weight / weights;
  }
  return {static_cast<int64_t>(part), kWhole};
}

// Looked at when somebody may have waited long enough; what happens meanwhile can only put that
// off.
void Engine::revoke(Now now, Decisions& decisions) {
  const Duration delay = *options_.revocation_delay;
  if (!next_revocation_) {
    if (!tree_.root().node.order.empty()) next_revocation_ = now.mono + delay;
    return;
  }
  if (now.mono < *next_revocation_) return;
  std::vector<Client*> due;
  std::optional<MonoTime> next;
  for (Client* client : places_) {
    if (client == nullptr) continue;
    const auto at = may_revoke_at(*client);
    if (at && *at <= now.mono) due.push_back(client);
    const MonoTime later = at && *at > now.mono ? *at : now.mono + delay;
    next = next ? std::min(*next, later) : later;
  }
  next_revocation_ = next;
  std::ranges::sort(due, [](const Client* a, const Client* b) { return precedes(*a, *b); });
  for (Client* client : due) revoke_for(*client, now, decisions);
}

// When it has waited long enough, if it waits at all. A framework that refuses offers does not wait
// for them; after revocations of which it took nothing it waits twice as long each time.
std::optional<MonoTime> Engine::may_revoke_at(const Client& client) const {
  const bool refuses = client.filters > 0 || client.refuses_all_until;
  if (!client.ranked || refuses || tasks_.awaits(client.key)) return std::nullopt;
  const MonoTime since = std::max(client.wanting_since.value_or(now_), client.last_granted);
  return since + (*options_.revocation_delay * (1 << std::min(client.fruitless, kMostFruitless)));
}

// What it lacks of its guarantee; if nothing, of its fair share.
Amounts Engine::lack_of(const Client& client, bool& guaranteed) const {
  Amounts lack = guaranteed_to(client);
  for (std::size_t slot = 0; slot < lack.size(); ++slot) {
    lack[slot] -= amount(client.standing.used, slot);
  }
  clip(lack);
  guaranteed = !is_zero(lack);
  if (guaranteed) return lack;
  const Fraction fair = fair_to(client);
  if (compare(client.standing.share, fair) >= 0) return {};
  const Amounts& totals = measure_.totals();
  lack.assign(totals.size(), 0);
  for (std::size_t slot = 0; slot < totals.size(); ++slot) {
    if (!measure_.counts(slot)) continue;
    const __int128 part = ((totals[slot] * fair.used) + fair.total - 1) / fair.total;
    lack[slot] = part - amount(client.standing.used, slot);
  }
  clip(lack);
  return lack;
}

void Engine::revoke_for(Client& client, Now now, Decisions& decisions) {
  bool guaranteed = false;
  Amounts lack = lack_of(client, guaranteed);
  const Amounts wanted = lack;
  std::vector<TaskKey> victims;
  std::vector<Amounts> amounts;
  for (const Client* holder : others_by_excess(client)) {
    Amounts taken;
    while (!is_zero(lack) && victims.size() < kMaxRevocations) {
      const auto victim = victim_of(*holder, client, lack, guaranteed, taken);
      if (!victim) break;
      const RevocableTask& task = *tasks_.find(*victim);
      add(taken, task.amounts);
      subtract(lack, task.amounts);
      clip(lack);
      lack.resize(wanted.size());
      victims.push_back(*victim);
      amounts.push_back(task.amounts);
      tasks_.revoke(*victim, client.key);
    }
  }
  if (victims.empty()) return;
  // The fewest: who came first may not be needed for what they reach together.
  Amounts reached = wanted;
  subtract(reached, lack);
  for (std::size_t at = 0; at < victims.size();) {
    if (!reaches_without(amounts, at, reached)) {
      ++at;
      continue;
    }
    tasks_.spare(victims[at]);
    victims.erase(victims.begin() + static_cast<std::ptrdiff_t>(at));
    amounts.erase(amounts.begin() + static_cast<std::ptrdiff_t>(at));
  }
  for (const TaskKey& victim : victims) {
    decisions.revocations.push_back({victim.first, victim.second, tasks_.find(victim)->agent,
                                     now.mono + options_.revocation_grace, client.key});
  }
  client.wanting_since = now.mono;
  ++client.fruitless;
}

// Those who hold something, the one farthest ahead in the order first, rigid ones last.
std::vector<const Client*> Engine::others_by_excess(const Client& client) const {
  std::vector<const Client*> holders;
  for (const Client* holder : places_) {
    const bool other = holder != nullptr && holder->key != client.key && holder->holdings > 0;
    if (other) holders.push_back(holder);
  }
  std::ranges::sort(holders, [](const Client* a, const Client* b) {
    if (a->framework->rigid != b->framework->rigid) return b->framework->rigid;
    return precedes(*b, *a);
  });
  return holders;
}

// The youngest task of the holder that would help the client and that the holder may lose, besides
// those that are taken already.
std::optional<TaskKey> Engine::victim_of(const Client& holder, const Client& client,
                                         const Amounts& lack, bool guaranteed,
                                         const Amounts& taken) const {
  if (!keeps_its_right(holder, client, taken, guaranteed)) return std::nullopt;
  std::optional<TaskKey> found;
  tasks_.visit_youngest(holder.id, [&](const TaskKey& key, const RevocableTask& task) {
    const Agent& agent = *agents_.at(task.agent);
    if ((agent.demands & ~client.framework->accepts) != 0 || !agent.active) return false;
    if (client.constraints != nullptr && !fits(client, agent)) return false;
    bool helps = false;
    for (std::size_t slot = 0; slot < lack.size(); ++slot) {
      const __int128 part = amount(task.amounts, slot);
      helps = helps || (lack[slot] > 0 && part > 0 && (guaranteed || part <= lack[slot]));
    }
    if (!helps) return false;
    Amounts loss = taken;
    add(loss, task.amounts);
    if (!keeps_its_right(holder, client, loss, guaranteed)) return false;
    found = key;
    return true;
  });
  return found;
}

// Whether the holder, and its roles, keep what they have a right to after the loss: their guarantee
// always, their fair share if the other lacks no more than that. Open offers are nothing to keep.
bool Engine::keeps_its_right(const Client& holder, const Client& client, const Amounts& loss,
                             bool guaranteed) const {
  Amounts left = holder.standing.used;
  subtract(left, holder.offered);
  subtract(left, loss);
  const Amounts guarantee = guaranteed_to(holder);
  for (std::size_t slot = 0; slot < guarantee.size(); ++slot) {
    if (guarantee[slot] > 0 && amount(left, slot) < guarantee[slot]) return false;
  }
  for (const Role* role = holder.role; !role->is_root(); role = role->parent) {
    const bool shared = role == client.role || is_ancestor(role->name, client.role->name);
    const Amounts& guaranteed_to_role = role->quota.guarantee;
    for (std::size_t slot = 0; slot < guaranteed_to_role.size() && !shared; ++slot) {
      if (guaranteed_to_role[slot] == 0 || amount(loss, slot) == 0) continue;
      const __int128 rest = amount(role->quota.consumed, slot) - amount(loss, slot);
      if (rest < guaranteed_to_role[slot]) return false;
    }
  }
  return guaranteed || compare(measure_.dominant(left), fair_to(holder)) >= 0;
}

}  // namespace souk::allocator
