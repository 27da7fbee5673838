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
constexpr int kLooks = 4;           // in a delay

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

// A look at all, several in a delay: who lacked something at each of them has waited for that.
void Engine::revoke(Now now, Decisions& decisions) {
  if (next_look_ && now.mono < *next_look_) return;
  if (tree_.root().node.order.empty()) return next_look_.reset();
  next_look_ = now.mono + (*options_.revocation_delay / kLooks);
  std::vector<Client*> due;
  for (Client* client : places_) {
    if (client == nullptr) continue;
    const auto at = may_revoke_at(*client);
    if (at && *at <= now.mono) due.push_back(client);
    if (at && *at > now.mono) next_look_ = std::min(*next_look_, *at);
  }
  last_look_ = now.mono;
  std::ranges::sort(due, [](const Client* a, const Client* b) { return precedes(*a, *b); });
  for (Client* client : due) revoke_for(*client, now, decisions);
}

// When it has waited long enough for what it lacks, if it lacks and wants something. After
// revocations of which it took nothing it waits twice as long each time.
std::optional<MonoTime> Engine::may_revoke_at(Client& client) {
  const bool waits = client.ranked && client.refuses_until <= now_ && !tasks_.awaits(client.key);
  bool guaranteed = false;
  const Amounts lack = waits ? lack_of(client, guaranteed) : Amounts();
  if (is_zero(lack)) {
    client.lacking_since.reset();
    return std::nullopt;
  }
  const bool still = client.lacking_since && client.lacks_guarantee == guaranteed;
  for (std::size_t slot = 0; still && slot < client.lacking.size(); ++slot) {
    client.lacking[slot] = std::min(client.lacking[slot], amount(lack, slot));
  }
  if (!still || is_zero(client.lacking)) {
    const MonoTime came = client.wanting_since.value_or(now_);
    client.lacking_since = came >= last_look_ ? came : now_;
    client.lacking = lack;
    client.lacks_guarantee = guaranteed;
  }
  const auto factor = 1 << std::min(client.fruitless, kMostFruitless);
  return *client.lacking_since + (*options_.revocation_delay * factor);
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
  const bool guaranteed = client.lacks_guarantee;
  const Amounts wanted = client.lacking;
  Amounts lack = wanted;
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
  client.lacking_since.reset();
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
