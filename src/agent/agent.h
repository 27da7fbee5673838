// The agent: runs the tasks that a master sends it, in containers that outlive a restart of the
// agent, and reports their states until they are acknowledged. A pure, deterministic state machine:
// events in, effects out; no I/O, no clock. Used by one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/checkpoint.h"
#include "agent/effects.h"
#include "agent/events.h"
#include "agent/options.h"
#include "agent/state.h"
#include "base/rng.h"
#include "base/time.h"
#include "protocol/agent_view.h"

namespace souk::agent {

// What storage kept from the last run; empty at the first start.
struct Recovered {
  Checkpoint checkpoint;
};

class Machine {
 public:
  Machine(Options options, const Rng& rng, Recovered recovered)
      : Machine(std::make_shared<const Options>(std::move(options)), rng, std::move(recovered)) {}
  // For who keeps them, too: they are not changed.
  Machine(std::shared_ptr<const Options> options, const Rng& rng, Recovered recovered);

  // The first event must be Started. Appends to `effects`; they are to be performed in their order.
  void step(Now now, Event&& event, Effects& effects);

  // When TimerFired has to come at the latest; the same as ArmTimer says.
  std::optional<MonoTime> next_deadline() const { return state_.armed; }

  protocol::AgentView view() const;

  // For tests: what does not hold that always must; nothing if all is well.
  std::optional<std::string> broken_invariant() const;
  const State& state() const { return state_; }

 private:
  void arm_timer(Effects& effects);

  const std::shared_ptr<const Options> options_;
  State state_;
};

}  // namespace souk::agent
