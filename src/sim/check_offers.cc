#include "sim/check_offers.h"

#include <algorithm>

namespace souk::sim {
namespace {

namespace effect = agent::effect;

// What an agent may do when it hears a master that it must not listen to: hang up, and say so.
bool is_harmless(const agent::Effect& one) {
  return std::holds_alternative<effect::CloseLink>(one) ||
         std::holds_alternative<effect::ArmTimer>(one) || std::holds_alternative<effect::Log>(one);
}

}  // namespace

OffersChecker::OffersChecker(const World& world, Books& books) : Checker(world) {
  books.add(*this);
}

// --- masters

void OffersChecker::on_offer(const Reign& reign, const BookAgent&, const BookOffer& offer, bool) {
  const auto at = reign.frameworks.find(offer.framework);
  if (at == reign.frameworks.end() || !at->second.stream) {
    ring(*reign.master, "offer {} is of framework {}, which is not subscribed", offer.id,
         offer.framework);
  }
}

void OffersChecker::on_run(const Reign& reign, const BookAgent* agent, const BookAnswer* answer,
                           const protocol::to_agent::RunTasks& run, const Resources& needed, bool) {
  const ExecutorId& what = run.executor.id;
  if (agent == nullptr) {
    return ring(*reign.master, "executor {} is to run on an agent that is not registered", what);
  }
  if (answer == nullptr) {
    return ring(*reign.master, "executor {} is to run, but no framework asked for it", what);
  }
  if (!answer->sound) {
    return ring(*reign.master,
                "executor {} is to run out of offers of which some are not open, or not of "
                "framework {}",
                what, run.framework->id);
  }
  const BookOffer& offer = answer->open.front();
  if (answer->framework->info.id != run.framework->id || offer.agent != agent->id ||
      offer.role != run.role || offer.short_slots != run.short_slots) {
    return ring(*reign.master,
                "executor {} of framework {} is to run on agent {} in role '{}', but offer {} was "
                "made to framework {} on agent {} in role '{}'",
                what, run.framework->id, agent->id, run.role, offer.id, offer.framework,
                offer.agent, offer.role);
  }
  if (answer->left.contains(needed)) return;
  ring(*reign.master, "executor {} is to run with {}, but of offer {} only {} is left", what,
       needed.to_string(), offer.id, answer->left.to_string());
}

void OffersChecker::on_step(const Reign& reign) {
  for (const AgentId& id : reign.unlinked) {
    const BookAgent& agent = reign.agents.at(id);
    if (agent.link || agent.offers.empty()) continue;
    ring(*reign.master, "agent {} is away, but offer {} of it stays open", id,
         *agent.offers.begin());
  }
}

// --- agents

void OffersChecker::on_event(const AgentProcess& agent, const agent::Event& event) {
  Host& host = hosts_[agent.id()];
  host.step = 0;
  if (std::holds_alternative<agent::event::Started>(event)) {
    // What was not stored is forgotten.
    host.seen = agent.disk().epoch;
    return;
  }
  const auto* said = std::get_if<agent::event::MasterSaid>(&event);
  if (said == nullptr) return;
  host.step = said->frame.epoch;
  if (std::holds_alternative<protocol::to_agent::Welcome>(said->frame.message)) {
    host.link_epoch = said->frame.epoch;
  }
}

void OffersChecker::on_effects(const AgentProcess& agent, const agent::Effects& effects) {
  Host& host = hosts_[agent.id()];
  const uint64_t highest = std::max(host.seen, host.promised);
  if (host.step != 0 && host.step < highest) {
    const auto at = std::ranges::find_if_not(effects, is_harmless);
    if (at != effects.end()) {
      ring(agent, "acts on a message of epoch {} (effect {}), but has heard of epoch {}", host.step,
           at->index(), highest);
    }
    return;
  }
  host.seen = std::max(host.seen, host.step);
  for (const agent::Effect& one : effects) {
    if (const auto* persist = std::get_if<effect::Persist>(&one)) {
      if (const auto* added = std::get_if<agent::checkpoint::ContainerAdded>(&persist->operation)) {
        host.ordered_by[added->sandbox.container] = host.step;
      } else if (const auto* ended =
                     std::get_if<agent::checkpoint::ContainerEnded>(&persist->operation)) {
        host.ordered_by.erase(ended->container);
      }
    } else if (const auto* send = std::get_if<effect::SendToMaster>(&one)) {
      // Its report is its word: what it runs, and that it runs nothing for those before any more.
      if (std::holds_alternative<protocol::to_master::Register>(send->message)) {
        host.promised = std::max(host.promised, host.link_epoch);
      }
    }
  }
}

void OffersChecker::on_crash(const sim::Process& process) {
  const auto at = hosts_.find(process.id());
  if (at != hosts_.end()) at->second.step = 0;
}

void OffersChecker::on_task_process(const AgentProcess& agent, const ContainerId& container,
                                    std::string_view name, bool began) {
  if (!began) return;
  Host& host = hosts_[agent.id()];
  const auto at = host.ordered_by.find(container);
  if (at == host.ordered_by.end() || at->second == 0) {
    ring(agent, "'{}' begins in container {}, which no master asked for", name, container);
  }
}

}  // namespace souk::sim
