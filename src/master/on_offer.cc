// Offers (§3.1): made from what the allocator grants, answered by ACCEPT and DECLINE, rescinded
// when they go stale.
#include <algorithm>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "base/room.h"
#include "master/master.h"
#include "master/validate.h"

namespace souk::master {

namespace call = protocol::call;
namespace event = protocol::event;

// What an ACCEPT draws from: the resources of its offers, less what its operations took so far.
struct Machine::Basket {
  Framework& framework;
  Agent& agent;
  std::string role;
  bool short_slots = false;
  uint64_t offer = 0;  // the number of the first of them
  Resources left;
};

void Machine::on(BatchEnded&&) {
  make_offers();
  answer_explains();
}

void Machine::make_offers() {
  if (!recovered_) return;
  // What it takes back is free for its next decision, which nothing else might bring about.
  for (int round = 0; round < kMaxAllocationRounds; ++round) {
    allocator::Decisions decisions;
    allocator_->allocate(now_, decisions);
    for (const allocator::Rescind& rescind : decisions.rescinds) rescind_all(rescind);
    if (!decisions.grants.empty()) ++counters_.allocation_runs;
    make_offers(std::move(decisions.grants));
    revoke(decisions.revocations);
    if (decisions.rescinds.empty()) return;
  }
}

void Machine::make_offers(std::vector<allocator::Grant>&& grants) {
  std::map<FrameworkKey, std::vector<Offer>> by_framework;
  for (allocator::Grant& grant : grants) {
    by_framework[grant.framework].push_back(make_offer(std::move(grant)));
  }
  for (auto& [key, offers] : by_framework) send_offers(framework(key), std::move(offers));
}

OfferId Machine::offer_id(uint64_t number) const {
  std::string text = options_.info.id;
  const std::string digits = std::to_string(number);
  text.reserve(text.size() + 2 + digits.size());
  return OfferId(text.append("-O").append(digits));
}

const OpenOffer* Machine::find_offer(const OfferId& id) const {
  std::string_view text = id.value;
  const std::string& mine = options_.info.id;
  if (!text.starts_with(mine) || !text.substr(mine.size()).starts_with("-O")) return nullptr;
  text.remove_prefix(mine.size() + 2);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // As we write it, and in no other way: an id is a text.
  const bool plain = !text.empty() && text.front() >= '1' && text.front() <= '9';
  if (error != std::errc() || end != text.data() + text.size() || !plain) return nullptr;
  const auto at = offers_.find(number);
  return at == offers_.end() ? nullptr : &at->second;
}

Offer Machine::make_offer(allocator::Grant&& grant) {
  Framework& framework = this->framework(grant.framework);
  Agent& agent = this->agent(grant.agent);
  const bool short_slots = grant.agent != agent.key;
  const uint64_t number = next_offer_++;
  Offer offer{.id = offer_id(number),
              .framework_id = framework.info.id,
              .agent_id = agent.info.id,
              .hostname = agent.info.hostname,
              .ip = agent.info.ip,
              .port = agent.info.port,
              .domain = agent.info.domain,
              .role = grant.role,
              .resources = grant.resources,
              .attributes = short_slots ? short_facts_of(agent).attributes : agent.info.attributes,
              .executor_ids = {}};
  for (auto at = agent.executors.lower_bound({framework.key, {}});
       at != agent.executors.end() && at->first.first == framework.key; ++at) {
    offer.executor_ids.push_back(at->second.spec->id);
  }
  agent.pool(short_slots).offered += grant.resources;
  agent.offers.insert(number);
  framework.offers.insert(framework.offers.end(), number);
  offers_[number] = {.number = number,
                     .framework = framework.key,
                     .agent = agent.key,
                     .role = std::move(grant.role),
                     .resources = std::move(grant.resources),
                     .short_slots = short_slots};
  if (options_.offer_timeout > Duration::zero()) {
    deadlines_.set({Timer::Kind::kOfferExpires, number}, now_.mono + options_.offer_timeout);
  }
  return offer;
}

void Machine::send_offers(Framework& framework, std::vector<Offer> offers) {
  framework.counters.offers_sent += offers.size();
  framework.last_offer_at = now_.wall;
  const std::size_t most = std::max<std::size_t>(options_.max_offers_per_event, 1);
  for (std::size_t from = 0; from < offers.size(); from += most) {
    const std::size_t to = std::min(from + most, offers.size());
    event::Offers part;
    part.with_allocation_info = framework.info.has(Capability::kMultiRole);
    part.with_reservation_refinement = framework.info.has(Capability::kReservationRefinement);
    part.offers.assign(std::make_move_iterator(offers.begin() + static_cast<std::ptrdiff_t>(from)),
                       std::make_move_iterator(offers.begin() + static_cast<std::ptrdiff_t>(to)));
    send(framework, std::move(part));
  }
}

OpenOffer Machine::take_offer(uint64_t number) {
  const auto at = offers_.find(number);
  SOUK_CHECK(at != offers_.end(), "this offer is not open");
  OpenOffer offer = std::move(at->second);
  Framework& framework = this->framework(offer.framework);
  Agent& agent = this->agent(offer.agent);
  agent.pool(offer.short_slots).offered -= offer.resources;
  deadlines_.cancel({Timer::Kind::kOfferExpires, number});
  offers_.erase(at);
  give_back_room(offers_);
  framework.offers.erase(number);
  agent.offers.erase(number);
  return offer;
}

void Machine::drop_offer(uint64_t number, allocator::Refusal refusal) {
  const OpenOffer offer = take_offer(number);
  allocator_->recovered(offer.framework, offer.role, agent(offer.agent).pool(offer.short_slots).key,
                        offer.resources, refusal, now_);
}

void Machine::rescind(uint64_t number, allocator::Refusal refusal) {
  Framework& framework = this->framework(offers_.at(number).framework);
  drop_offer(number, refusal);
  ++framework.counters.offers_rescinded;
  if (options_.switches.on(Switch::kMasterForgetsRescind)) return;
  send(framework, event::Rescind{offer_id(number)});
}

void Machine::rescind_all(const allocator::Rescind& rescind) {
  const Agent& agent = this->agent(rescind.agent);
  const bool short_slots = rescind.agent != agent.key;
  const auto offers = agent.offers;
  for (const uint64_t number : offers) {
    const OpenOffer& offer = offers_.at(number);
    if (offer.framework == rescind.framework && offer.role == rescind.role &&
        offer.short_slots == short_slots) {
      this->rescind(number, Duration::zero());
    }
  }
}

void Machine::call(Framework& framework, call::Decline&& call) {
  // A floor: a framework that has no use for anything and says 0 would be asked again at the speed
  // of the network.
  const Duration refuse = std::max(refuse_duration(call.filters), kMinDecline);
  for (const OfferId& id : call.offers) {
    const OpenOffer* offer = find_offer(id);
    if (offer == nullptr || offer->framework != framework.key) continue;  // stale: no matter
    ++framework.counters.offers_declined;
    drop_offer(offer->number, {refuse, offer->number});
  }
}

void Machine::call(Framework& framework, call::Revive&& call) {
  if (call.roles.empty()) {
    framework.suppressed_roles.clear();
  } else {
    for (const std::string& role : call.roles) framework.suppressed_roles.erase(role);
  }
  allocator_->revive(framework.key, call.roles);
}

void Machine::call(Framework& framework, call::Suppress&& call) {
  const std::vector<std::string>& roles = call.roles.empty() ? framework.info.roles : call.roles;
  framework.suppressed_roles.insert(roles.begin(), roles.end());
  allocator_->suppress(framework.key, roles);
}

Result<std::vector<uint64_t>> Machine::check_offers(const Framework& framework,
                                                    const std::vector<OfferId>& ids) const {
  if (ids.empty()) return fail("No offers specified");
  std::vector<uint64_t> numbers;
  const OpenOffer* first = nullptr;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (std::find(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(i), ids[i]) !=
        ids.begin() + static_cast<std::ptrdiff_t>(i)) {
      return fail("Duplicate offer {} in offer list", ids[i]);
    }
    const OpenOffer* found = find_offer(ids[i]);
    if (found == nullptr) return fail("Offer {} is no longer valid", ids[i]);
    const OpenOffer& offer = *found;
    if (offer.framework != framework.key) {
      return fail("Offer {} was made to another framework", ids[i]);
    }
    if (first == nullptr) first = &offer;
    if (offer.agent != first->agent)
      return fail("Aggregated offers must belong to one single agent");
    if (offer.role != first->role) {
      return fail("Aggregated offers must be made to one single role, not to '{}' and '{}'",
                  first->role, offer.role);
    }
    if (offer.short_slots != first->short_slots) {
      return fail("Aggregated offers must be all of slots for short tasks, or none of them");
    }
    numbers.push_back(offer.number);
  }
  return numbers;
}

void Machine::call(Framework& framework, call::Accept&& call) {
  const auto numbers = check_offers(framework, call.offers);
  if (!numbers) {
    refuse_accept(framework, call, Reason::kInvalidOffers,
                  fmt::format("Task launched with invalid offers: {}", numbers.error().message));
    // Those of them that are good are used up all the same, or they would hang until their timeout.
    for (const OfferId& id : call.offers) {
      const OpenOffer* offer = find_offer(id);
      if (offer != nullptr && offer->framework == framework.key) {
        drop_offer(offer->number, Duration::zero());
      }
    }
    return;
  }
  const OpenOffer& first = offers_.at(numbers->front());
  Basket basket{framework, agent(first.agent), first.role, first.short_slots, first.number, {}};
  for (const uint64_t number : *numbers) {
    basket.left += take_offer(number).resources;
    ++framework.counters.offers_accepted;
  }
  for (protocol::OfferOperation& operation : call.operations) {
    ++framework.counters.operations;
    if (auto* one = std::get_if<protocol::Launch>(&operation.body)) {
      launch(basket, std::move(one->tasks));
    } else if (auto* group = std::get_if<protocol::LaunchGroup>(&operation.body)) {
      launch_group(basket, std::move(group->executor), std::move(group->tasks));
    } else {
      const auto& other = std::get<protocol::UnsupportedOperation>(operation.body);
      refuse_operation(framework, operation.id, basket.agent.info.id,
                       fmt::format("{} is not supported yet; nothing was done", other.type));
    }
  }
  if (!basket.left.empty()) {
    const AgentKey pool = basket.agent.pool(basket.short_slots).key;
    allocator_->recovered(framework.key, basket.role, pool, basket.left,
                          allocator::Refusal(refuse_duration(call.filters), basket.offer), now_);
  }
}

void Machine::refuse_accept(Framework& framework, const call::Accept& call, Reason reason,
                            const std::string& why) {
  const TaskState state = lost_or(framework, TaskState::kDropped);
  const auto refuse = [&](const std::vector<TaskSpec>& tasks) {
    for (const TaskSpec& task : tasks) {
      const TaskStatus status = master_status(task.id, task.agent_id, state, reason, why);
      count_terminal(framework, status);
      send_status(framework, status);
    }
  };
  for (const protocol::OfferOperation& operation : call.operations) {
    if (const auto* one = std::get_if<protocol::Launch>(&operation.body)) {
      refuse(one->tasks);
    } else if (const auto* group = std::get_if<protocol::LaunchGroup>(&operation.body)) {
      refuse(group->tasks);
    } else {
      refuse_operation(framework, operation.id, {}, why);
    }
  }
}

void Machine::refuse_operation(Framework& framework, const OperationId& id, const AgentId& agent,
                               const std::string& why) {
  log(Log::Level::kWarning,
      fmt::format("refused an operation of framework {}: {}", framework.info.id, why));
  if (!id.empty()) send(framework, event::UpdateOperationStatus{id, why, agent});
}

void Machine::launch(Basket& basket, std::vector<TaskSpec>&& tasks) {
  Framework& framework = basket.framework;
  ++framework.counters.launches;
  const auto refuse = [&](const TaskSpec& task, const std::string& why) {
    const TaskStatus status =
        master_status(task.id, basket.agent.info.id, TaskState::kError, Reason::kTaskInvalid, why);
    count_terminal(framework, status);
    send_status(framework, status);
  };
  for (const TaskSpec& task : tasks) {
    // One malformed resource spoils the operation, since what it meant to use is unknown.
    if (!task.resource_error) continue;
    for (const TaskSpec& each : tasks) {
      refuse(each, fmt::format("Task uses invalid resources: {}", *task.resource_error));
    }
    return;
  }
  for (TaskSpec& task : tasks) {
    if (const auto why = check_task(basket, task)) {
      refuse(task, *why);
      continue;
    }
    const bool command_task = !task.executor.has_value();
    ExecutorSpec executor;
    if (command_task) {
      executor.id = ExecutorId(task.id.value);
    } else {
      executor = *task.executor;
    }
    std::vector<TaskSpec> one;
    one.push_back(std::move(task));
    start(basket, std::move(executor), command_task, false, std::move(one));
  }
}

std::optional<std::string> Machine::check_task(const Basket& basket, const TaskSpec& task) const {
  const Framework& framework = basket.framework;
  const TaskContext context{framework.info.id, basket.agent.info.id, basket.role,
                            framework.info.has(Capability::kMultiRole)};
  if (auto why = validate_task(task, context)) return why;
  if (framework.tasks.contains(task.id)) {
    return fmt::format("Task has duplicate ID: {}", task.id);
  }
  if (framework.tasks.size() >= kMaxTasksPerFramework) {
    return fmt::format("A framework can have at most {} tasks", kMaxTasksPerFramework);
  }
  Resources needed = task.resources;
  if (task.executor) {
    const auto at = basket.agent.executors.find({framework.key, task.executor->id.value});
    const bool running = at != basket.agent.executors.end();
    if (auto why = validate_executor(*task.executor, framework.info.id,
                                     running ? at->second.spec.get() : nullptr)) {
      return why;
    }
    if (!running && basket.short_slots) {
      if (auto why = validate_short_executor(*task.executor, basket.agent.info.short_slot_limit)) {
        return why;
      }
    }
    if (!running) needed += task.executor->resources;
  }
  if (!basket.left.contains(needed)) {
    return fmt::format("Task uses more resources {} than available {}", needed.to_string(),
                       basket.left.to_string());
  }
  return std::nullopt;
}

void Machine::launch_group(Basket& basket, ExecutorSpec&& executor, std::vector<TaskSpec>&& tasks) {
  Framework& framework = basket.framework;
  ++framework.counters.launch_groups;
  const TaskContext context{framework.info.id, basket.agent.info.id, basket.role,
                            framework.info.has(Capability::kMultiRole)};
  const auto at = basket.agent.executors.find({framework.key, executor.id.value});
  const Executor* running = at == basket.agent.executors.end() ? nullptr : &at->second;
  std::optional<std::string> why =
      validate_executor(executor, framework.info.id, running ? running->spec.get() : nullptr);
  if (!why) why = validate_group(executor, tasks, context);
  if (!why && running == nullptr && basket.short_slots) {
    why = validate_short_executor(executor, basket.agent.info.short_slot_limit);
  }
  Resources needed;
  if (running == nullptr) needed += executor.resources;
  for (const TaskSpec& task : tasks) {
    if (!why && framework.tasks.contains(task.id)) {
      why = fmt::format("Task has duplicate ID: {}", task.id);
    }
    needed += task.resources;
  }
  if (!why && !basket.left.contains(needed)) {
    why = fmt::format("Task group uses more resources {} than available {}", needed.to_string(),
                      basket.left.to_string());
  }
  if (why) {
    for (const TaskSpec& task : tasks) {
      const TaskStatus status = master_status(task.id, basket.agent.info.id, TaskState::kError,
                                              Reason::kTaskGroupInvalid, *why);
      count_terminal(framework, status);
      send_status(framework, status);
    }
    return;
  }
  start(basket, std::move(executor), false, true, std::move(tasks));
}

void Machine::start(Basket& basket, ExecutorSpec&& executor, bool command_task, bool group,
                    std::vector<TaskSpec>&& tasks) {
  Framework& framework = basket.framework;
  Agent& agent = basket.agent;
  const AgentKey pool = agent.pool(basket.short_slots).key;
  const bool runs = !command_task && agent.executors.contains({framework.key, executor.id.value});
  if (!command_task && !runs) {
    basket.left -= executor.resources;
    if (!executor.resources.empty()) {
      allocator_->accepted(framework.key, basket.role, pool, executor.resources);
    }
    add_executor(agent, framework, {std::make_shared<const ExecutorSpec>(executor), basket.role});
  }
  std::vector<Piece<TaskSpec>> specs;
  specs.reserve(tasks.size());
  for (TaskSpec& spec : tasks) {
    Task task;
    task.shown = view_of(framework, agent, std::move(spec), basket.role,
                         command_task ? ExecutorId() : executor.id);
    task.short_slot = basket.short_slots;
    basket.left -= task.resources();
    allocator_->accepted(framework.key, basket.role, pool, task.resources());
    specs.push_back(task.shown->spec);
    add_task(framework, agent, std::move(task));
  }
  say(agent, protocol::to_agent::RunTasks{.framework = framework.shared_info,
                                          .role = basket.role,
                                          .command_task = command_task,
                                          .group = group,
                                          .executor = std::move(executor),
                                          .tasks = std::move(specs),
                                          .short_slots = basket.short_slots,
                                          .executor_runs = runs});
}

}  // namespace souk::master
