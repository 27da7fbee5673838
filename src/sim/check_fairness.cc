#include "sim/check_fairness.h"

#include <algorithm>

namespace souk::sim {
namespace {

// More than clocks of masters that are a little slow make of it.
constexpr Duration kLeeway = 1s;

bool is_plain(const BookAgent& agent) {
  return agent.info.domain == FaultDomain{} &&
         agent.info.resources == agent.info.resources.unreserved() &&
         agent.info.resources.scalar(kGpus).thousandths == 0;
}

}  // namespace

FairnessChecker::FairnessChecker(const World& world, Books& books) : Checker(world) {
  books.add(*this);
}

void FairnessChecker::on_reign(const Reign& reign) { seen_[reign.master->id()] = {}; }

void FairnessChecker::on_report(const Reign& reign, const BookAgent& agent) {
  seen_[reign.master->id()].spells.erase(agent.id);
}

void FairnessChecker::on_run(const Reign& reign, const BookAgent* agent, const BookAnswer*,
                             const protocol::to_agent::RunTasks&, const Resources&, bool) {
  if (agent != nullptr) seen_[reign.master->id()].spells.erase(agent->id);
}

void FairnessChecker::on_answer(const Reign& reign, const BookAnswer& answer) {
  const Duration refuse = refuse_duration(answer.filters);
  for (const BookOffer& offer : answer.open) {
    MonoTime& until = seen_[reign.master->id()].refused[{offer.framework, offer.agent}];
    until = std::max(until, reign.now + refuse + refuse / 100 + kLeeway);
  }
}

bool FairnessChecker::could_get(const Reign& reign, const BookFramework& framework,
                                const AgentId& agent, MonoTime since) const {
  if (!framework.stream || framework.constrained || framework.info.roles.size() != 1) return false;
  if (!framework.suppressed.empty() || framework.wants_since >= since) return false;
  const auto& refused = seen_.at(reign.master->id()).refused;
  const auto at = refused.find({framework.info.id, agent});
  return at == refused.end() || at->second < since;
}

void FairnessChecker::on_offer(const Reign& reign, const BookAgent& agent, const BookOffer& offer,
                               bool) {
  Seen& seen = seen_[reign.master->id()];
  if (!reign.quotas.empty()) return seen.spells.clear();
  if (offer.short_slots || offer.resources != agent.info.resources || !is_plain(agent)) return;
  Spell& spell = seen.spells[agent.id];
  Turn& turn = spell.turns[offer.framework];
  const Turn before = std::exchange(turn, Turn{++last_turn_, reign.now});
  if (before.number == 0) return;
  for (const auto& [id, framework] : reign.frameworks) {
    if (id == offer.framework || !could_get(reign, framework, agent.id, before.at)) continue;
    ++judged_;
    const auto at = spell.turns.find(id);
    if (at != spell.turns.end() && at->second.number > before.number) continue;
    ring(*reign.master,
         "framework {} is offered agent {} again, since {:.6f}s unused, and framework {}, which "
         "could have had it, was not",
         offer.framework, agent.id, to_seconds(before.at.time_since_epoch()), id);
  }
}

}  // namespace souk::sim
