// What readers see of a master.
#include "master/master.h"

namespace souk::master {

Piece<protocol::AgentSummary> Machine::view_of(const Agent& agent) const {
  if (!agent.is_shown) {
    agent.shown = summary_of(agent);
    agent.is_shown = true;
  }
  return agent.shown;
}

protocol::AgentSummary Machine::summary_of(const Agent& agent) const {
  return {.info = agent.info,
          .active = agent.link.has_value(),
          .registered_at = agent.registered_at,
          .reregistered_at = agent.reregistered_at,
          .used = agent.ordinary.used + agent.short_slots.used,
          .offered = agent.ordinary.offered + agent.short_slots.offered,
          .short_used = agent.short_slots.used,
          .short_offered = agent.short_slots.offered};
}

protocol::FrameworkView Machine::header_of(const Framework& framework) const {
  protocol::FrameworkView view;
  view.info = framework.info;
  view.active = framework.active();
  view.connected = framework.active();
  view.recovered = framework.recovered;
  view.suppressed_roles.assign(framework.suppressed_roles.begin(),
                               framework.suppressed_roles.end());
  view.offer_constraints = framework.offer_constraints;
  view.registered_at = framework.registered_at;
  view.reregistered_at = framework.reregistered_at;
  return view;
}

protocol::FrameworkView Machine::view_of(const Framework& framework) const {
  protocol::FrameworkView view = header_of(framework);
  view.tasks.reserve(framework.tasks.size());
  for (const Task& task : framework.tasks.each()) view.tasks.push_back(task.shown);
  for (const auto& [id, task] : framework.unreachable_tasks) view.unreachable_tasks.push_back(task);
  view.completed_tasks.assign(framework.completed_tasks.begin(), framework.completed_tasks.end());
  for (const uint64_t number : framework.offers) {
    const OpenOffer& offer = offers_.at(number);
    view.offers.push_back(
        {offer_id(number), agents_.at(offer.agent).info.id, offer.role, offer.resources});
    view.offered += offer.resources;
  }
  for (const auto& [id, number] : framework.inverse_offers) {
    const OpenInverseOffer& offer = inverse_offers_.at(number);
    view.inverse_offers.push_back({.id = id,
                                   .agent_id = agents_.at(offer.agent).info.id,
                                   .tasks = {offer.tasks.begin(), offer.tasks.end()},
                                   .resources = inverse_offer(offer).resources,
                                   .start = offer.start,
                                   .answer = offer.answer});
  }
  const allocator::Share share = allocator_->share(framework.key);
  view.dominant_resource = share.dominant;
  view.share_used = share.used;
  view.share_total = share.total;
  view.counters = framework.counters;
  return view;
}

protocol::MasterView Machine::view() const {
  protocol::MasterView view = unfinished_view();
  protocol::finish_view(view);
  return view;
}

protocol::MasterView Machine::unfinished_view() const {
  protocol::MasterView view;
  view.info = options_.info;
  view.cluster = options_.cluster;
  view.cluster_id = registry_.cluster_id;
  view.epoch = registry_.epoch;
  view.recovered = recovered_;
  view.elected_at = elected_at_;
  for (const auto& [key, framework] : frameworks_) view.frameworks.push_back(view_of(framework));
  std::map<FrameworkKey, std::size_t> index;
  for (const auto& [key, framework] : frameworks_) index.emplace(key, index.size());
  view.agents.reserve(agents_.size());
  for (const auto& [key, agent] : agents_) {
    view.agents.push_back(view_of(agent));
    for (const auto& [id, executor] : agent.executors) {
      protocol::FrameworkView& framework = view.frameworks[index.at(id.first)];
      framework.executors.push_back({executor.spec, agent.info.id, executor.role});
    }
  }
  view.completed_frameworks.assign(completed_frameworks_.begin(), completed_frameworks_.end());
  for (const auto& [number, agent] : awaited_) {
    const auto at = registry_.admitted.find(agent.id);
    view.recovered_agents[agent.id] = at == registry_.admitted.end() ? "" : at->second.hostname;
  }
  view.unreachable_agents = registry_.unreachable;
  view.roles = role_settings();
  view.counters = counters_;
  return view;
}

}  // namespace souk::master
