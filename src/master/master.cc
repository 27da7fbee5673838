#include "master/master.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace souk::master {
namespace {

bool says(const Labels& labels, std::string_view key) {
  return std::ranges::any_of(
      labels, [&](const Label& label) { return label.key == key && label.value == "true"; });
}

Attribute max_task_duration(Duration limit) {
  const int64_t thousandths = limit / 1ms;  // of a second
  return {std::string(kMaxTaskDurationAttribute), Scalar{std::min(thousandths, kMaxScalar)}};
}

}  // namespace

Machine::Machine(Options options, std::unique_ptr<allocator::Allocator> allocator, Rng rng)
    : options_(std::move(options)), allocator_(std::move(allocator)), rng_(rng) {}

void Machine::step(Now now, Event&& event, Effects& effects) {
  now_ = now;
  effects_ = &effects;
  std::visit([this](auto&& e) { on(std::forward<decltype(e)>(e)); }, std::move(event));
  arm_timer();
  effects_ = nullptr;
}

void Machine::on(Recovered&& event) {
  SOUK_CHECK(!recovered_, "a master recovers once");
  recovered_ = true;
  elected_at_ = now_.wall;
  registry_ = std::move(event.registry);
  role_settings_.reset();  // somebody may have looked already
  configure_allocator();
  uint64_t number = 0;
  for (const auto& [id, agent] : registry_.admitted) {
    awaited_[++number] = {id};
    awaited_numbers_[id] = number;
    deadlines_.set({Timer::Kind::kReregister, number},
                   now_.mono + options_.agent_reregister_timeout);
  }
}

Framework* Machine::find_framework(const FrameworkId& id) {
  const auto at = framework_ids_.find(id.value);
  return at == framework_ids_.end() ? nullptr : at->second;
}

const Framework* Machine::find_framework(const FrameworkId& id) const {
  const auto at = framework_ids_.find(id.value);
  return at == framework_ids_.end() ? nullptr : at->second;
}

Framework& Machine::framework(FrameworkKey key) {
  const auto at = frameworks_.find(key);
  SOUK_CHECK(at != frameworks_.end(), "a key outlived its framework");
  return at->second;
}

Agent* Machine::find_agent(const AgentId& id) {
  const auto at = agent_ids_.find(id.value);
  if (at == agent_ids_.end()) return nullptr;
  at->second->is_shown = false;
  return at->second;
}

const Agent& Machine::agent(AgentKey key) const {
  if (const auto at = agents_.find(key); at != agents_.end()) return at->second;
  const auto owner = short_keys_.find(key);
  SOUK_CHECK(owner != short_keys_.end(), "a key outlived its agent");
  return agents_.at(owner->second);
}

Agent& Machine::agent(AgentKey key) {
  auto& agent = const_cast<Agent&>(std::as_const(*this).agent(key));
  agent.is_shown = false;
  return agent;
}

allocator::FrameworkFacts Machine::facts_of(const Framework& framework) const {
  return {.key = framework.key,
          .id = framework.info.id,
          .roles = framework.info.roles,
          .capabilities = framework.info.capabilities,
          .min_allocatable = framework.info.min_allocatable,
          .constraints = framework.offer_constraints,
          .takes_short_slots = says(framework.info.labels, kShortSlotsLabel),
          .rigid = says(framework.info.labels, kRigidLabel)};
}

allocator::AgentFacts Machine::facts_of(const Agent& agent) const {
  return {.key = agent.key,
          .id = agent.info.id,
          .hostname = agent.info.hostname,
          .total = agent.info.resources,
          .attributes = agent.info.attributes,
          .domain = agent.info.domain};
}

allocator::AgentFacts Machine::short_facts_of(const Agent& agent) const {
  allocator::AgentFacts facts = facts_of(agent);
  facts.key = agent.short_slots.key;
  facts.total = agent.info.short_slots;
  facts.attributes.push_back(max_task_duration(agent.info.short_slot_limit));
  facts.max_task_duration = agent.info.short_slot_limit;
  return facts;
}

void Machine::respond(ConnectionId connection, int status, std::string body) {
  out(Respond{connection, {status, std::move(body)}, {}});
}

void Machine::send(Framework& framework, protocol::SchedulerEvent event) {
  if (!framework.connection) return;
  ++framework.counters.events[event.index()];
  out(SendToFramework{*framework.connection, std::move(event)});
}

void Machine::log(Log::Level level, std::string text) { out(Log{level, std::move(text)}); }

}  // namespace souk::master
