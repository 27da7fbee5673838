// The registry: what must be stored before it holds (§3.6, and what the paper left to the agents).
#include <utility>

#include "base/check.h"
#include "master/master.h"

namespace souk::master {

void Machine::persist(protocol::RegistryOperation operation, std::optional<Pending> pending) {
  const protocol::Ticket ticket = next_ticket_++;
  pending_[ticket] = {operation, std::move(pending)};
  out(Persist{ticket, std::move(operation)});
}

void Machine::on(Persisted&& event) {
  const auto at = pending_.find(event.ticket);
  SOUK_CHECK(at != pending_.end(), "the runtime answers each ticket once");
  auto [operation, pending] = std::move(at->second);
  pending_.erase(at);
  if (event.ok) {
    protocol::apply(registry_, operation);
    if (pending)
      std::visit([this](auto&& p) { persisted(std::forward<decltype(p)>(p)); },
                 std::move(*pending));
    return;
  }
  log(Log::Level::kError, fmt::format("the registry did not take a change: {}", event.why));
  if (!pending) return;
  if (std::holds_alternative<PendingOperatorCall>(*pending)) {
    return end_operator_call(503,
                             fmt::format("The master could not write its registry: {}", event.why));
  }
  if (const auto* registration = std::get_if<PendingRegistration>(&*pending)) {
    if (links_.contains(registration->link)) {
      refuse_link(registration->link,
                  "the master could not write its registry; try again, and see the master's log");
    }
    return;
  }
  // Nobody may be told that an agent is unreachable before that is stored: try again later.
  const AgentId& id = std::get<PendingUnreachable>(*pending).agent;
  if (Agent* agent = find_agent(id); agent != nullptr) {
    agent->removing = false;
    if (!agent->link) {
      deadlines_.set({Timer::Kind::kUnreachable, agent->key.value},
                     now_.mono + options_.ping_interval);
    }
  } else if (const auto at = awaited_numbers_.find(id); at != awaited_numbers_.end()) {
    awaited_.at(at->second).removing = false;
    deadlines_.set({Timer::Kind::kReregister, at->second}, now_.mono + options_.ping_interval);
  }
}

void Machine::persisted(PendingRegistration&& pending) {
  // The link may be gone by now: the agent is admitted all the same, and will dial again.
  if (!links_.contains(pending.link)) return;
  // What it reports may be out of date when it has come over another link since.
  const auto latest = latest_links_.find(pending.message.agent.id.value);
  if (latest == latest_links_.end() || latest->second != pending.link) {
    forget_link(pending.link);
    out(CloseLink{pending.link});
    return;
  }
  admit(pending.link, std::move(pending.message), pending.returned);
}

void Machine::persisted(PendingUnreachable&& pending) {
  if (const Agent* agent = find_agent(pending.agent)) {
    return remove_agent(agent->key, Removal::kUnreachable, pending.since);
  }
  const auto at = awaited_numbers_.find(pending.agent);
  if (at == awaited_numbers_.end()) return;  // it has left meanwhile
  // Awaited since the failover, and never came: its tasks are known to their frameworks only.
  awaited_.erase(at->second);
  awaited_numbers_.erase(at);
  ++counters_.recovery_agent_removals;
  log(Log::Level::kWarning, fmt::format("agent {} did not come back to this master in time: it is "
                                        "unreachable",
                                        pending.agent));
  tell_removed(pending.agent);
  for (auto& [key, framework] : frameworks_) {
    send(framework, protocol::event::Failure{pending.agent, {}, std::nullopt});
  }
}

}  // namespace souk::master
