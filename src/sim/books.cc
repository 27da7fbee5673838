#include "sim/books.h"

#include <algorithm>

namespace souk::sim {

namespace call = protocol::call;
namespace to_agent = protocol::to_agent;
namespace to_master = protocol::to_master;

namespace {

bool is_short(const Offer& offer) {
  return std::ranges::any_of(offer.attributes, [](const Attribute& attribute) {
    return attribute.name == kMaxTaskDurationAttribute;
  });
}

// As a framework says of itself in SUBSCRIBE and UPDATE_FRAMEWORK.
BookFramework framework_of(const auto& body) {
  BookFramework framework;
  framework.info = body.framework;
  framework.suppressed.insert(body.suppressed_roles.begin(), body.suppressed_roles.end());
  framework.constrained =
      !body.offer_constraints.empty() || !body.framework->min_allocatable.empty();
  return framework;
}

}  // namespace

const Reign* Books::reign_of(const MasterProcess& master) const {
  const std::size_t at = master.id().value;
  return at < reigns_.size() ? reigns_[at].get() : nullptr;
}

Reign* Books::find(const MasterProcess& master) {
  const std::size_t at = master.id().value;
  return at < reigns_.size() ? reigns_[at].get() : nullptr;
}

void Books::on_leads(const MasterProcess& master, uint64_t epoch) {
  const std::size_t at = master.id().value;
  if (reigns_.size() <= at) reigns_.resize(at + 1);
  reigns_[at] = std::make_unique<Reign>();
  Reign& reign = *reigns_[at];
  reign.master = &master;
  reign.epoch = epoch;
  tell([&](BookListener& listener) { listener.on_reign(reign); });
}

// --- what the master hears

void Books::on_event(const MasterProcess& master, const master::Event& event) {
  Reign* reign = find(master);
  if (reign == nullptr) return;
  reign->now = master.clock().read(world_.now()).mono;
  call_.reset();
  basket_.reset();
  reign->unlinked.clear();
  reign->decided = std::holds_alternative<master::BatchEnded>(event);
  if (const auto* recovered = std::get_if<master::Recovered>(&event)) {
    reign->quotas = recovered->registry.quotas;
  } else if (const auto* called = std::get_if<master::SchedulerCalled>(&event)) {
    hear(*reign, *called);
  } else if (const auto* said = std::get_if<master::AgentSaid>(&event)) {
    hear(*reign, *said);
  } else if (const auto* stored = std::get_if<master::Persisted>(&event)) {
    hear(*reign, *stored);
  } else if (const auto* link = std::get_if<master::LinkClosed>(&event)) {
    link_ended(*reign, link->link);
  } else if (const auto* stream = std::get_if<master::ConnectionClosed>(&event)) {
    stream_ended(*reign, stream->connection);
  }
}

void Books::hear(Reign&, const master::SchedulerCalled& event) {
  Call call{.connection = event.connection, .framework = event.call.framework, .body = {}};
  const auto& body = event.call.body;
  if (const auto* accept = std::get_if<call::Accept>(&body)) {
    call.body = BookAnswer{.offers = accept->offers, .accept = true, .filters = accept->filters};
  } else if (const auto* decline = std::get_if<call::Decline>(&body)) {
    call.body = BookAnswer{.offers = decline->offers, .filters = decline->filters};
  } else if (const auto* revive = std::get_if<call::Revive>(&body)) {
    call.body = *revive;
  } else if (const auto* suppress = std::get_if<call::Suppress>(&body)) {
    call.body = *suppress;
  } else if (std::holds_alternative<call::Teardown>(body)) {
    call.body = call::Teardown{};
  } else if (const auto* subscribe = std::get_if<call::Subscribe>(&body)) {
    call.body = framework_of(*subscribe);
  } else if (const auto* update = std::get_if<call::UpdateFramework>(&body)) {
    call.body = framework_of(*update);
  } else {
    return;
  }
  call_ = std::move(call);
}

void Books::hear(Reign& reign, const master::AgentSaid& event) {
  if (const auto* report = std::get_if<to_master::Register>(&event.message)) {
    // Once is enough, on one link.
    if (!reign.links.contains(event.link.value)) {
      reign.reports.try_emplace(event.link.value, *report);
    }
    return;
  }
  const auto at = reign.links.find(event.link.value);
  if (at == reign.links.end()) return;
  BookAgent& agent = reign.agents.at(at->second);
  if (const auto* update = std::get_if<to_master::StatusUpdate>(&event.message)) {
    if (!is_terminal(update->status.state) && !is_terminal(update->latest_state)) return;
    const auto task = agent.tasks.find({update->framework_id, update->status.task_id});
    if (task == agent.tasks.end()) return;
    const BookTask ended = std::move(task->second);
    agent.tasks.erase(task);
    give_back(reign, agent, ended.short_slot, ended.resources);
  } else if (const auto* end = std::get_if<to_master::ExecutorTerminated>(&event.message)) {
    const auto executor = agent.executors.find({end->framework_id, end->executor_id});
    if (executor == agent.executors.end()) return;
    const BookTask ended = std::move(executor->second);
    agent.executors.erase(executor);
    give_back(reign, agent, false, ended.resources);
  }
}

void Books::hear(Reign& reign, const master::Persisted& event) {
  const auto at = reign.quotas_to_store.find(event.ticket);
  if (at == reign.quotas_to_store.end()) return;
  if (event.ok) {
    for (const protocol::RoleQuota& each : at->second) {
      if (each.quota.empty()) {
        reign.quotas.erase(each.role);
      } else {
        reign.quotas[each.role] = each.quota;
      }
    }
  }
  reign.quotas_to_store.erase(at);
}

// --- what the master says

void Books::on_effects(const MasterProcess& master, const master::Effects& effects) {
  Reign* reign = find(master);
  if (reign == nullptr) return;
  if (call_) {
    // What a call brings about comes before its answer.
    const bool taken = std::ranges::any_of(effects, [this](const master::Effect& effect) {
      const auto* respond = std::get_if<master::Respond>(&effect);
      return respond != nullptr && respond->connection == call_->connection &&
             respond->answer.status / 100 == 2;
    });
    if (taken) answered(*reign);
  }
  for (const master::Effect& effect : effects) {
    if (const auto* to_framework = std::get_if<master::SendToFramework>(&effect)) {
      say(*reign, *to_framework);
    } else if (const auto* to_agent = std::get_if<master::SendToAgent>(&effect)) {
      say(*reign, *to_agent);
    } else if (const auto* stream = std::get_if<master::CloseStream>(&effect)) {
      stream_ended(*reign, stream->connection);
    } else if (const auto* link = std::get_if<master::CloseLink>(&effect)) {
      link_ended(*reign, link->link);
    } else if (const auto* persist = std::get_if<master::Persist>(&effect)) {
      const auto* quotas = std::get_if<protocol::registry::SetQuotas>(&persist->operation);
      if (quotas != nullptr) reign->quotas_to_store[persist->ticket] = quotas->quotas;
    }
  }
  tell([&](BookListener& listener) { listener.on_step(*reign); });
}

void Books::answered(Reign& reign) {
  const auto at = reign.frameworks.find(call_->framework);
  if (at == reign.frameworks.end()) return;
  BookFramework& framework = at->second;
  if (auto* answer = std::get_if<BookAnswer>(&call_->body)) {
    return take_answer(reign, framework, *answer);
  }
  if (const auto* revive = std::get_if<call::Revive>(&call_->body)) {
    if (revive->roles.empty()) framework.suppressed.clear();
    for (const std::string& role : revive->roles) framework.suppressed.erase(role);
    // Also if nothing was suppressed: what it had refused is offered again.
  } else if (const auto* suppress = std::get_if<call::Suppress>(&call_->body)) {
    const auto& roles = suppress->roles.empty() ? framework.info.roles : suppress->roles;
    framework.suppressed.insert(roles.begin(), roles.end());
    return;
  } else if (const auto* changed = std::get_if<BookFramework>(&call_->body)) {
    framework.info = changed->info;
    framework.suppressed = changed->suppressed;
    framework.constrained = changed->constrained;
  } else {
    return;  // TEARDOWN: its stream is closed, its agents are told
  }
  framework.wants_since = reign.now;
  tell([&](BookListener& listener) { listener.on_wish(reign, framework); });
}

void Books::take_answer(Reign& reign, BookFramework& framework, BookAnswer& answer) {
  answer.framework = &framework;
  answer.sound = !answer.offers.empty();
  for (const OfferId& id : answer.offers) {
    const auto at = reign.offers.find(id);
    if (at == reign.offers.end() || at->second.framework != framework.info.id) {
      answer.sound = false;  // of a DECLINE no matter
      continue;
    }
    const BookOffer& offer = at->second;
    if (!answer.open.empty() &&
        (answer.open.front().agent != offer.agent || answer.open.front().role != offer.role ||
         answer.open.front().short_slots != offer.short_slots)) {
      answer.sound = false;
    }
    answer.left += offer.resources;
    answer.open.push_back(offer);
    end_offer(reign, id, answer.accept ? OfferEnd::kAccepted : OfferEnd::kDeclined);
  }
  tell([&](BookListener& listener) { listener.on_answer(reign, answer); });
  if (answer.accept) basket_ = std::move(answer);
}

void Books::say(Reign& reign, const master::SendToFramework& effect) {
  if (const auto* offers = std::get_if<protocol::event::Offers>(&effect.event)) {
    for (const Offer& offer : offers->offers) make_offer(reign, offer);
  } else if (const auto* rescind = std::get_if<protocol::event::Rescind>(&effect.event)) {
    end_offer(reign, rescind->offer, OfferEnd::kRescinded);
  } else if (const auto* hello = std::get_if<protocol::event::Subscribed>(&effect.event)) {
    subscribed(reign, effect.connection, hello->framework);
  }
}

void Books::say(Reign& reign, const master::SendToAgent& effect) {
  const protocol::MasterMessage& message = effect.frame.message;
  if (const auto* hello = std::get_if<to_agent::Registered>(&message)) {
    return registered(reign, effect.link, hello->agent_id);
  }
  const auto* tasks = std::get_if<to_agent::RunTasks>(&message);
  const auto* end = std::get_if<to_agent::ShutdownFramework>(&message);
  if (tasks == nullptr && end == nullptr) return;
  const auto at = reign.links.find(effect.link.value);
  BookAgent* agent = at == reign.links.end() ? nullptr : &reign.agents.at(at->second);
  if (tasks != nullptr) return run(reign, agent, *tasks);
  if (agent != nullptr) shut_down(reign, *agent, end->framework_id);
}

// --- frameworks

void Books::subscribed(Reign& reign, ConnectionId connection, const FrameworkId& id) {
  BookFramework& framework = reign.frameworks[id];
  if (framework.stream) stream_ended(reign, *framework.stream);
  if (call_ && call_->connection == connection) {
    if (const auto* body = std::get_if<BookFramework>(&call_->body)) {
      framework.info = body->info;
      framework.suppressed = body->suppressed;
      framework.constrained = body->constrained;
    }
  }
  framework.info.id = id;
  framework.stream = connection;
  framework.wants_since = reign.now;
  reign.streams[connection.value] = id;
  tell([&](BookListener& listener) { listener.on_wish(reign, framework); });
}

void Books::stream_ended(Reign& reign, ConnectionId connection) {
  const auto at = reign.streams.find(connection.value);
  if (at == reign.streams.end()) return;
  BookFramework& framework = reign.frameworks.at(at->second);
  reign.streams.erase(at);
  framework.stream.reset();
  const std::set<OfferId> offers = framework.offers;
  for (const OfferId& id : offers) end_offer(reign, id, OfferEnd::kDropped);
}

void Books::make_offer(Reign& reign, const Offer& made) {
  BookAgent& agent = reign.agents[made.agent_id];
  if (agent.id.empty()) agent.id = made.agent_id;  // of nobody: its total is nothing
  const auto [at, added] = reign.offers.try_emplace(made.id);
  BookOffer& offer = at->second;
  const bool fits = take(agent.pools[is_short(made) ? 1 : 0], made.resources) && added;
  offer = {.id = made.id,
           .framework = made.framework_id,
           .agent = made.agent_id,
           .role = made.role,
           .resources = made.resources,
           .short_slots = is_short(made)};
  agent.offers.insert(made.id);
  reign.frameworks[made.framework_id].offers.insert(made.id);
  tell([&](BookListener& listener) { listener.on_offer(reign, agent, offer, fits); });
}

void Books::end_offer(Reign& reign, const OfferId& id, OfferEnd how) {
  const auto at = reign.offers.find(id);
  if (at == reign.offers.end()) return;
  const BookOffer offer = std::move(at->second);
  reign.offers.erase(at);
  BookAgent& agent = reign.agents.at(offer.agent);
  agent.offers.erase(offer.id);
  reign.frameworks.at(offer.framework).offers.erase(offer.id);
  give_back(reign, agent, offer.short_slots, offer.resources);
  tell([&](BookListener& listener) { listener.on_offer_end(reign, offer, how); });
}

// --- agents

void Books::link_ended(Reign& reign, ConnectionId link) {
  reign.reports.erase(link.value);
  const auto at = reign.links.find(link.value);
  if (at == reign.links.end()) return;
  BookAgent& agent = reign.agents.at(at->second);
  if (agent.link == link) {
    agent.link.reset();
    reign.unlinked.push_back(agent.id);
  }
  reign.links.erase(at);
}

void Books::registered(Reign& reign, ConnectionId link, const AgentId& id) {
  const auto at = reign.reports.find(link.value);
  if (at == reign.reports.end()) return;
  const to_master::Register report = std::move(at->second);
  reign.reports.erase(at);
  BookAgent& agent = reign.agents[id];
  if (agent.link) link_ended(reign, *agent.link);
  agent.id = id;
  agent.info = report.agent;
  agent.link = link;
  reign.links[link.value] = id;
  agent.tasks.clear();
  for (const protocol::TaskRecord& task : report.tasks) {
    if (is_terminal(task.state)) continue;
    agent.tasks[{task.framework_id, task.spec.id}] = {task.role, task.spec.resources,
                                                      task.short_slot};
  }
  agent.executors.clear();
  for (const protocol::ExecutorRecord& executor : report.executors) {
    agent.executors[{executor.framework_id, executor.spec.id}] = {executor.role,
                                                                  executor.spec.resources};
  }
  settle(reign, agent);
  tell([&](BookListener& listener) { listener.on_report(reign, agent); });
}

void Books::run(Reign& reign, BookAgent* agent, const to_agent::RunTasks& run) {
  BookAnswer* answer = basket_ ? &*basket_ : nullptr;
  Resources needed;
  bool fits = agent != nullptr;
  const auto use = [&](bool short_slot, const Resources& resources) {
    needed += resources;
    if (agent != nullptr && !take(agent->pools[short_slot ? 1 : 0], resources)) fits = false;
  };
  if (!run.command_task && agent != nullptr) {
    const auto [at, added] = agent->executors.try_emplace(
        {run.framework->id, run.executor.id}, BookTask{run.role, run.executor.resources});
    if (added) use(false, run.executor.resources);
  }
  for (const TaskSpec& task : run.tasks) {
    use(run.short_slots, task.resources);
    if (agent == nullptr) continue;
    agent->tasks[{run.framework->id, task.id}] = {run.role, task.resources, run.short_slots};
  }
  tell([&](BookListener& listener) { listener.on_run(reign, agent, answer, run, needed, fits); });
  if (answer != nullptr && answer->left.contains(needed)) answer->left -= needed;
}

void Books::shut_down(Reign& reign, BookAgent& agent, const FrameworkId& framework) {
  const auto of_it = [&](const auto& entry) { return entry.first.first == framework; };
  std::erase_if(agent.tasks, of_it);
  std::erase_if(agent.executors, of_it);
  settle(reign, agent);
}

// --- pools

bool Books::take(BookPool& pool, const Resources& resources) {
  if (!pool.left || !pool.left->contains(resources)) {
    pool.left.reset();
    return resources.empty();
  }
  *pool.left -= resources;
  return true;
}

void Books::give_back(const Reign& reign, BookAgent& agent, bool short_slot,
                      const Resources& resources) {
  BookPool& pool = agent.pools[short_slot ? 1 : 0];
  if (!pool.left) return settle(reign, agent);
  *pool.left += resources;
}

void Books::settle(const Reign& reign, BookAgent& agent) {
  agent.pools[0].total = agent.info.resources;
  agent.pools[1].total = agent.info.short_slots;
  for (BookPool& pool : agent.pools) pool.left = pool.total;
  for (const auto& [key, task] : agent.tasks) {
    take(agent.pools[task.short_slot ? 1 : 0], task.resources);
  }
  for (const auto& [key, executor] : agent.executors) take(agent.pools[0], executor.resources);
  for (const OfferId& id : agent.offers) {
    const BookOffer& offer = reign.offers.at(id);
    take(agent.pools[offer.short_slots ? 1 : 0], offer.resources);
  }
}

}  // namespace souk::sim
