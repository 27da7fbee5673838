// Agents, and what is held on them.
#include <algorithm>

#include "allocator/engine.h"
#include "base/check.h"
#include "model/offer.h"

namespace souk::allocator {
namespace {

bool is_for_all(const Resource& item) {
  return item.reservations->empty() && !item.revocable && !item.shared;
}

// What two amounts of one kind have in common.
Resource common(const Resource& a, const Resource& b) {
  Resource both = a;
  if (const auto* scalar = std::get_if<Scalar>(&a.value)) {
    both.value = std::min(*scalar, *std::get_if<Scalar>(&b.value));
  } else if (const auto* ranges = std::get_if<Ranges>(&a.value)) {
    both.value = *ranges - (*ranges - *std::get_if<Ranges>(&b.value));
  } else {
    const NameSet& names = *std::get_if<NameSet>(&a.value);
    both.value = names - (names - *std::get_if<NameSet>(&b.value));
  }
  return both;
}

Resources common(const Resources& a, const Resources& b) {
  std::vector<Resource> items;
  for (const Resource& item : a.items()) {
    for (const Resource& other : b.items()) {
      if (item.same_kind(other)) items.push_back(common(item, other));
    }
  }
  return Resources(std::move(items));
}

}  // namespace

Engine::Agent& Engine::agent_at(AgentKey key) {
  const auto at = agents_.find(key);
  SOUK_CHECK(at != agents_.end(), "the master tells of agents before it uses them");
  return *at->second;
}

void Engine::add_agent(const AgentFacts& facts) {
  auto [at, added] = agents_.try_emplace(facts.key, std::make_unique<Agent>());
  SOUK_CHECK(added, "agents are added once");
  Agent& agent = *at->second;
  if (free_agent_places_.empty()) {
    free_agent_places_.push_back(static_cast<uint32_t>(agent_places_.size()));
    agent_places_.push_back(nullptr);
  }
  agent.place = free_agent_places_.back();
  free_agent_places_.pop_back();
  agent_places_[agent.place] = &agent;
  set_facts(agent, facts);
}

void Engine::update_agent(const AgentFacts& facts) { set_facts(agent_at(facts.key), facts); }

void Engine::set_facts(Agent& agent, const AgentFacts& facts) {
  measure_.subtract_total(agent.total);
  if (!agent.facts.max_task_duration) count_reservations(agent.total, false);
  measure_.add_total(facts.total);
  if (!facts.max_task_duration) count_reservations(facts.total, true);
  totals_changed_ = true;

  const FaultDomain& home = options_.domain;
  const bool elsewhere =
      !home.region.empty() && !facts.domain.region.empty() && facts.domain.region != home.region;
  agent.facts = facts;
  agent.facts.total = Resources();
  // Machines are alike: one copy for all that have the same.
  if (last_total_ != facts.total) last_total_ = facts.total;
  agent.total = last_total_;
  agent.demands = (facts.max_task_duration ? kShortSlots : kNothing) |
                  (facts.total.scalar(kGpus) > Scalar{} ? kGpuResources : kNothing) |
                  (elsewhere ? kOtherRegion : kNothing);
  exempt_agents_ -= agent.exempt ? 1 : 0;
  agent.plain = std::ranges::all_of(facts.total.items(), is_for_all);
  agent.exempt =
      facts.max_task_duration || !std::ranges::all_of(facts.total.items(), counts_for_quota);
  exempt_agents_ += agent.exempt ? 1 : 0;
  for (const auto& weak : constraints_) {
    const auto known = weak.lock();
    if (known != nullptr && agent.place < known->by_place.size()) {
      known->by_place[agent.place] = KnownConstraints::Known::kNotAsked;
    }
  }
  settle(agent);
  try_all(agent);
}

// What is reserved for a role counts towards its quota, in use or not.
void Engine::count_reservations(const Resources& total, bool added) {
  for (const Resource& item : total.items()) {
    const auto* scalar = std::get_if<Scalar>(&item.value);
    if (scalar == nullptr || item.reservations->empty() || item.revocable) continue;
    const std::size_t slot = measure_.slot_of(item);
    if (slot == Measure::kNoSlot) continue;
    Amounts amounts(slot + 1);
    amounts[slot] = scalar->thousandths;
    Role& role = tree_.open(std::string(item.reserved_role()));
    consume(role, amounts, added);
    tree_.close_if_unused(role);
  }
}

void Engine::remove_agent(AgentKey key) {
  Agent& agent = agent_at(key);
  std::vector<Holding> holdings = std::move(agent.holdings);
  agent.holdings.clear();
  for (Holding& holding : holdings) {
    Client& client = *holding.client;
    discharge(agent, client, holding.held);
    measure_.amounts_of(holding.offered, scratch_);
    subtract(client.offered, scratch_);
    --client.holdings;
    close_if_gone(client);
  }
  agent.active = false;
  settle_free(agent);
  measure_.subtract_total(agent.total);
  if (!agent.facts.max_task_duration) count_reservations(agent.total, false);
  totals_changed_ = true;
  exempt_agents_ -= agent.exempt ? 1 : 0;
  agent.filters.visit_all([this](FilterKey filter) {
    Client* client = places_[filter.place];
    if (eras_[filter.place] != filter.era || client == nullptr) return;
    --client->filters;
    --live_filters_;
  });
  agent_places_[agent.place] = nullptr;
  free_agent_places_.push_back(agent.place);
  agents_.erase(key);
  tidy_filters();
}

void Engine::set_agent_active(AgentKey key, bool active) {
  Agent& agent = agent_at(key);
  if (agent.active == active) return;
  agent.active = active;
  settle_free(agent);
  if (active) try_all(agent);
}

// Works out what is free from the holdings, one by one: two that claim the same port exceed the
// agent.
void Engine::settle(Agent& agent) {
  agent.free = agent.total;
  agent.exceeded = false;
  for (const Holding& holding : agent.holdings) {
    agent.exceeded = !agent.free.contains(holding.held);
    if (agent.exceeded) break;
    agent.free -= holding.held;
  }
  if (agent.exceeded) agent.free = Resources();
  settle_free(agent);
}

// After `free` or `active` has changed: the list of the free, and what quota may count on.
void Engine::settle_free(Agent& agent) {
  if (quota_set_) {
    subtract(available_, agent.counted);
    agent.counted.clear();
    if (agent.active && !agent.facts.max_task_duration) {
      measure_.unreserved_amounts_of(agent.free, agent.counted);
    }
    add(available_, agent.counted);
  }
  const bool is_free = agent.active && !agent.free.empty() &&
                       (own_minimums_ > 0 || reaches(agent.free, options_.min_allocatable));
  if (is_free == (agent.free_index != kNotFree)) return;
  if (is_free) {
    agent.free_index = free_agents_.size();
    free_agents_.push_back(&agent);
    return;
  }
  forget_short(agent);
  free_agents_[agent.free_index] = free_agents_.back();
  free_agents_[agent.free_index]->free_index = agent.free_index;
  free_agents_.pop_back();
  agent.free_index = kNotFree;
}

void Engine::list(Agent& agent) {
  if (agent.listed) return;
  agent.listed = true;
  touched_.push_back(agent.key());
}

void Engine::try_all(Agent& agent) {
  agent.for_all = true;
  agent.waiting.clear();
  agent.quiet_spell = 0;
  list(agent);
}

void Engine::try_some(Agent& agent, const std::vector<ClientId>& clients) {
  if (agent.for_all) return;
  for (const ClientId client : clients) {
    const auto at = std::ranges::lower_bound(agent.waiting, client);
    if (at == agent.waiting.end() || *at != client) agent.waiting.insert(at, client);
  }
  list(agent);
}

void Engine::try_after_return(Agent& agent) {
  if (agent.quiet_spell != spell_ || !agent.quiet.contains(agent.free)) return try_all(agent);
  try_some(agent, agent.excepted);
}

void Engine::charge(const Agent& agent, Client& client, const Resources& resources,
                    uint64_t grant) {
  const bool all_count = measure_.amounts_of(resources, scratch_);
  tree_.charge(client, scratch_, grant);
  if (agent.facts.max_task_duration) return;
  if (all_count) return consume(*client.role, scratch_, true);
  measure_.unreserved_amounts_of(resources, unreserved_);
  consume(*client.role, unreserved_, true);
}

void Engine::discharge(const Agent& agent, Client& client, const Resources& resources) {
  const bool all_count = measure_.amounts_of(resources, scratch_);
  tree_.discharge(client, scratch_);
  if (agent.facts.max_task_duration) return;
  if (all_count) return consume(*client.role, scratch_, false);
  measure_.unreserved_amounts_of(resources, unreserved_);
  consume(*client.role, unreserved_, false);
}

Engine::Holding& Engine::holding_of(Agent& agent, Client& client) {
  for (Holding& holding : agent.holdings) {
    if (holding.client == &client) return holding;
  }
  ++client.holdings;
  return agent.holdings.emplace_back(Holding{&client, {}, {}, {}});
}

void Engine::allocated(FrameworkKey framework, const std::string& role, AgentKey key,
                       const Resources& resources) {
  if (resources.empty()) return;
  Agent& agent = agent_at(key);
  Client& client = open_client(framework_at(framework), role);
  charge(agent, client, resources, 0);
  if (agent.free.contains(resources)) {
    agent.free -= resources;
    holding_of(agent, client).held += resources;
    settle_free(agent);
    return;
  }
  agent.holdings.push_back({&client, resources, {}, {}});
  ++client.holdings;
  settle(agent);
}

void Engine::accepted(FrameworkKey framework, const std::string& role, AgentKey key,
                      const Resources& resources) {
  const auto at = agents_.find(key);
  Client* client = find_client(framework_at(framework), role);
  if (at == agents_.end() || client == nullptr) return;
  client->fruitless = 0;
  last_accepted_ = resources;
  Resources rest = resources;
  for (Holding& holding : at->second->holdings) {
    if (holding.client != client || holding.offered.empty()) continue;
    const Resources part = common(holding.offered, rest);
    holding.offered -= part;
    rest -= part;
    measure_.amounts_of(part, scratch_);
    subtract(client->offered, scratch_);
  }
}

void Engine::recovered(FrameworkKey framework, const std::string& role, AgentKey key,
                       const Resources& resources, std::optional<Refusal> refusal, Now now) {
  now_ = std::max(now_, now.mono);
  const auto at = agents_.find(key);
  if (at == agents_.end() || resources.empty()) return;  // forgotten with the agent
  Agent& agent = *at->second;
  Client* client = find_client(framework_at(framework), role);
  SOUK_CHECK(client != nullptr, "only what is held can be given back");

  const bool unused = give_back(agent, *client, resources, !refusal);
  discharge(agent, *client, resources);
  if (agent.exceeded) {
    settle(agent);
  } else {
    if (agent.holdings.empty()) {
      agent.free = agent.total;
    } else {
      agent.free += resources;
    }
    settle_free(agent);
  }
  try_after_return(agent);

  if (refusal && unused) {
    pass(agent, *client);
  } else {
    forget_passes(agent);
  }
  if (refusal && refusal->length > Duration::zero() && client->framework->active) {
    const MonoTime until = now.mono + std::min(refusal->length, kMaxRefuse);
    // Leftovers are of no use to most: to decline them is not to want nothing.
    const bool usable = resources.scalar(kCpus) > Scalar{} && resources.scalar(kMem) > Scalar{};
    if (unused && usable) client->refuses_until = std::max(client->refuses_until, until);
    refuse(agent, *client, resources, {until, refusal->offer});
  }
  close_if_gone(*client);
}

// Whether the client now holds no more than before its last grant: it used nothing of it.
bool Engine::give_back(Agent& agent, Client& client, const Resources& resources, bool task_ended) {
  Resources rest = resources;
  bool unused = true;
  // Where it came from: best all of it out of offers, or out of use, of one holding.
  enum class Fit : uint8_t { kExact, kWhole, kPart };
  for (const Fit fit : {Fit::kExact, Fit::kWhole, Fit::kPart}) {
    for (Holding& holding : agent.holdings) {
      if (holding.client != &client || rest.empty()) continue;
      const Resources& held = holding.held;
      const bool exact =
          task_ended ? (held - holding.offered).contains(rest) : holding.offered.contains(rest);
      if (fit == Fit::kExact && !exact) continue;
      if (fit == Fit::kWhole && !held.contains(rest)) continue;
      const Resources part = fit == Fit::kPart ? common(held, rest) : rest;
      holding.held -= part;
      // Tasks are alike: one copy for all who hold the same.
      if (holding.held == last_accepted_) holding.held = last_accepted_;
      rest -= part;
      if (task_ended && holding.before.contains(part)) holding.before -= part;
      unused = holding.before.contains(holding.held);
      if (holding.offered.empty()) continue;
      // Out of an offer; or out of use, in which case what is left must cover the open offers.
      const Resources gone = task_ended ? holding.offered - common(holding.offered, holding.held)
                                        : common(holding.offered, part);
      holding.offered -= gone;
      measure_.amounts_of(gone, scratch_);
      subtract(client.offered, scratch_);
    }
  }
  SOUK_CHECK(rest.empty(), "only what is held can be given back");
  client.holdings -=
      std::erase_if(agent.holdings, [](const Holding& holding) { return holding.held.empty(); });
  return unused;
}

void Engine::refuse(Agent& agent, Client& client, const Resources& resources, Filter filter) {
  // Agents are alike, and an idle one goes round: one copy for all who refuse the same.
  if (last_refused_ != resources) last_refused_ = resources;
  client.latest_filter = std::max(client.latest_filter, filter.until);
  if (agent.filters.add(client.filter_key, last_refused_, filter)) {
    ++client.filters;
    ++live_filters_;
  }
  filter_ends_.add(filter.until, client.filter_key, agent.key());
  std::size_t filters = 0;
  for (const auto& other : client.framework->clients) filters += other->filters;
  if (filters <= kMaxFiltersPerFramework) return tidy_filters();
  for (const auto& other : client.framework->clients) {
    if (other->filters == 0) continue;
    const MonoTime latest =
        std::max(other->latest_filter, other->refuses_all_until.value_or(other->latest_filter));
    const MonoTime refuses_until = other->refuses_until;
    forget_filters(*other);
    other->refuses_until = refuses_until;
    other->refuses_all_until = latest;
    other->latest_filter = latest;
    ++live_filters_;
    filter_ends_.add(latest, other->filter_key, FilterEnds::kEverywhere);
  }
  tidy_filters();
}

void Engine::pass(Agent& agent, const Client& client) {
  const auto at = std::ranges::lower_bound(agent.passes, client.id, {}, &Pass::client);
  const Pass pass{client.id, ++last_pass_};
  if (at != agent.passes.end() && at->client == client.id) {
    *at = pass;
  } else {
    agent.passes.insert(at, pass);
  }
}

const Engine::Pass* Engine::find_pass(const Agent& agent, const Client& client) {
  const auto at = std::ranges::lower_bound(agent.passes, client.id, {}, &Pass::client);
  return at != agent.passes.end() && at->client == client.id ? &*at : nullptr;
}

// The agent is used. Who passed since the last allocate() has not been skipped for it yet, and
// stays behind.
void Engine::forget_passes(Agent& agent) {
  std::erase_if(agent.passes,
                [this](const Pass& pass) { return pass.number <= last_pass_before_; });
}

}  // namespace souk::allocator
