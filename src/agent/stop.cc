// The end of an agent: by a restart that its tasks outlive, or for good.
#include <utility>

#include "agent/containers.h"
#include "agent/handlers.h"
#include "agent/kills.h"
#include "agent/link.h"

namespace souk::agent {

void stop(Context& c, const Stopping& how) {
  if (c.state.stopped) return;
  if (how.unregister) send(c, protocol::to_master::Unregister{});
  if (c.state.link.stage != Link::Stage::kDown) c.emit(effect::CloseLink{c.state.link.id});
  c.emit(effect::Stop{how.exit_status, how.text});
  c.state.stopped = true;
}

void leave(Context& c, Stopping how) {
  if (c.state.stopping) return;
  info(c, "leaving for good: {} containers have to end", c.state.containers.size());
  c.state.stopping = std::move(how);
  const Ending ending{.state = TaskState::kKilled,
                      .reason = Reason::kAgentRemoved,
                      .message = "The agent leaves the cluster"};
  Duration longest{0};
  for (const auto& [id, container] : c.state.containers) {
    longest = std::max(longest, shutdown_grace(c, container));
  }
  for (auto& [id, framework] : c.state.frameworks) shut_down_framework(c, framework, ending);
  // SIGTERM, SIGKILL, and the agent's own SIGKILL have each had their time by then.
  c.state.timers.set(timer_of(TimerKind::kStop), c.now.mono + longest + 3 * c.options.kill_margin);
}

void give_up_waiting(Context& c) {
  if (!c.state.stopping) return;
  warn(c, "{} containers did not end in time", c.state.containers.size());
  stop(c, *c.state.stopping);
}

void on(Context& c, event::StopRequested&& e) {
  if (!e.leave) {
    stop(c, {});
    return;
  }
  leave(c, {.exit_status = kExitDone, .text = "", .unregister = true});
}

}  // namespace souk::agent
