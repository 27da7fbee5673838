// Deadlines: offers that go stale, frameworks and agents that stay away.
#include <algorithm>

#include "base/check.h"
#include "master/master.h"

namespace souk::master {

void Machine::arm_timer() {
  std::optional<MonoTime> next = deadlines_.next();
  if (const auto other = allocator_->next_deadline(); other && (!next || *other < *next)) {
    next = other;
  }
  if (next == armed_) return;
  armed_ = next;
  out(ArmTimer{next});
}

void Machine::on(TimerFired&&) {
  if (const auto due = deadlines_.next(); due && now_.mono - *due > kPauseTolerance) {
    extend_liveness(now_.mono - *due);
  }
  while (const auto timer = deadlines_.pop_due(now_.mono)) fired(*timer);
}

// A master that was itself paused has not listened: the silence is not the others' fault.
void Machine::extend_liveness(Duration gap) {
  log(Log::Level::kWarning,
      fmt::format("this master was paused for {} ms: agents get that much longer",
                  std::chrono::duration_cast<std::chrono::milliseconds>(gap).count()));
  const auto extend = [&](Timer timer) {
    if (const auto at = deadlines_.of(timer)) deadlines_.set(timer, *at + gap);
  };
  for (const auto& [key, agent] : agents_) {
    extend({Timer::Kind::kPing, key.value});
    extend({Timer::Kind::kUnreachable, key.value});
  }
  for (const auto& [number, agent] : awaited_) extend({Timer::Kind::kReregister, number});
}

void Machine::fired(const Timer& timer) {
  const auto key = static_cast<uint32_t>(timer.number);
  switch (timer.kind) {
    case Timer::Kind::kOfferExpires:
      // Zero, not nothing: it counts as an answer, so that the others get their turn (§3.5).
      return rescind(timer.number, Duration::zero());
    case Timer::Kind::kRevocation:
      return deadline_of_inverse_offer(timer.number);
    case Timer::Kind::kHeartbeat: {
      Framework& framework = this->framework(FrameworkKey(key));
      send(framework, protocol::event::Heartbeat{});
      deadlines_.set(timer, now_.mono + options_.heartbeat_interval);
      return;
    }
    case Timer::Kind::kOperatorHeartbeat:
      out(SendToOperators{protocol::operator_event::Heartbeat{}});
      deadlines_.set(timer, now_.mono + options_.heartbeat_interval);
      return;
    case Timer::Kind::kFailover:
      return remove_framework(FrameworkKey(key), "its scheduler did not come back in time");
    case Timer::Kind::kPing:
      return ping(agent(AgentKey(key)));
    case Timer::Kind::kUnreachable:
      return start_unreachable(agent(AgentKey(key)));
    case Timer::Kind::kReregister: {
      Awaited& agent = awaited_.at(timer.number);
      agent.removing = true;
      persist(protocol::registry::MarkUnreachable{agent.id, now_.wall},
              PendingUnreachable{agent.id, now_.wall});
      return;
    }
  }
}

void Machine::ping(Agent& agent) {
  if (agent.missed_pings >= options_.max_missed_pings) {
    log(Log::Level::kWarning, fmt::format("agent {} ({}) left {} pings unanswered", agent.info.id,
                                          agent.info.hostname, agent.missed_pings));
    const ConnectionId link = *agent.link;
    agent_disconnected(agent);
    forget_link(link);
    out(CloseLink{link});
    return start_unreachable(agent);
  }
  ++agent.missed_pings;
  say(agent, protocol::to_agent::Ping{});
  deadlines_.set({Timer::Kind::kPing, agent.key.value}, now_.mono + options_.ping_interval);
}

}  // namespace souk::master
