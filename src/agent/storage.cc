#include "agent/storage.h"

#include <utility>

#include "agent/handlers.h"
#include "base/text.h"

namespace souk::agent {

void persist(Context& c, CheckpointOperation operation) {
  c.emit(effect::Persist{++c.state.last_ticket, std::move(operation)});
}

void after_stored(Context& c, Held what) {
  if (c.state.durable == c.state.last_ticket) {
    std::visit([&](auto& h) { perform(c, std::move(h)); }, what);
    return;
  }
  c.state.held.emplace_back(c.state.last_ticket, std::move(what));
}

void on(Context& c, event::Persisted&& e) {
  State& state = c.state;
  if (!e.ok) {
    // Going on would promise what a restart forgets. The tasks run on under their souk-executors.
    stop(c, {.exit_status = kExitStorage,
             .text = fmt::format("cannot write the checkpoints of this agent: {}. Its tasks go on "
                                 "running; make room, or mend the disk, and start the agent again",
                                 quote(e.why, 400))});
    return;
  }
  if (e.ticket > state.last_ticket) return;
  state.durable = std::max(state.durable, e.ticket);
  while (!state.held.empty() && state.held.front().first <= state.durable) {
    Held what = std::move(state.held.front().second);
    state.held.pop_front();
    std::visit([&](auto& h) { perform(c, std::move(h)); }, what);
  }
}

}  // namespace souk::agent
