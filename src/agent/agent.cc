#include "agent/agent.h"

#include <utility>

#include "agent/handlers.h"
#include "agent/invariants.h"
#include "agent/view.h"

namespace souk::agent {

Machine::Machine(std::shared_ptr<const Options> options, const Rng& rng, Recovered recovered)
    : options_(std::move(options)), state_(rng.fork("agent uuids"), rng.fork("agent jitter")) {
  if (options_->switches.on(Switch::kAgentForgetsUpdates)) {
    for (auto& [key, task] : recovered.checkpoint.tasks) task.pending.clear();
  }
  restore(state_, std::move(recovered.checkpoint));
}

void Machine::step(Now now, Event&& event, Effects& effects) {
  if (state_.stopped) return;
  Context context{*options_, state_, now, effects};
  std::visit([&](auto& e) { on(context, std::move(e)); }, event);
  sweep(context);
  if (!state_.stopped) arm_timer(effects);
}

// A timer that fires early only finds nothing due: one that was cancelled or moved back is left
// alone, which spares an effect for every acknowledged update.
void Machine::arm_timer(Effects& effects) {
  const auto next = state_.timers.next();
  if (!next || (state_.armed && *state_.armed <= *next)) return;
  state_.armed = next;
  effects.emplace_back(effect::ArmTimer{*next});
}

protocol::AgentView Machine::view() const { return make_view(*options_, state_); }

std::optional<std::string> Machine::broken_invariant() const {
  return agent::broken_invariant(*options_, state_);
}

}  // namespace souk::agent
