#include "sim/zoo.h"

#include <fmt/format.h>

#include <utility>

#include "sim/draw.h"

namespace souk::sim {

Zoo::Zoo(ProcessId id, ZooOptions options, Services& services, Rng rng)
    : Process(id, "zookeeper"), options_(std::move(options)), services_(services), rng_(rng) {
  registry_.cluster_id = options_.cluster_id;
}

void Zoo::start() { begin_life(); }

void Zoo::crash() {
  services_.observer().on_crash(*this);
  services_.network().died(*this, false);
  session_of_.clear();
  clients_.clear();
  for (auto& [id, session] : sessions_) session.wire.reset();
  end_life();
}

void Zoo::restart() {
  begin_life();
  for (auto& [id, session] : sessions_) {
    session.heard = services_.queue().now();
    watch_expiry(id);
  }
}

bool Zoo::on_accepted(Wire wire, ProcessId from) {
  clients_[wire] = from;
  return true;
}

void Zoo::on_closed(Wire wire) {
  clients_.erase(wire);
  if (Session* session = session_of(wire)) session->wire.reset();
  session_of_.erase(wire);
}

void Zoo::on_message(Wire wire, Message&& message) {
  std::visit(
      [this, wire](auto&& m) {
        if constexpr (requires { on(wire, std::forward<decltype(m)>(m)); }) {
          on(wire, std::forward<decltype(m)>(m));
        }
      },
      std::move(message));
}

Zoo::Session* Zoo::session_of(Wire wire) {
  const auto at = session_of_.find(wire);
  if (at == session_of_.end()) return nullptr;
  const auto session = sessions_.find(at->second);
  return session == sessions_.end() ? nullptr : &session->second;
}

void Zoo::answer(Wire wire, ZooAnswer answer) {
  services_.after(*this, options_.work, [this, wire, answer = std::move(answer)]() mutable {
    services_.network().send(*this, wire, std::move(answer));
  });
}

// --- sessions

void Zoo::on(Wire wire, ZooHello&& message) {
  if (message.session != 0 && !sessions_.contains(message.session)) {
    services_.network().send(*this, wire, ZooWelcome{message.session, true});
    return;
  }
  const uint64_t id = message.session != 0 ? message.session : ++last_session_;
  Session& session = sessions_[id];
  if (session.wire) session_of_.erase(*session.wire);
  session.timeout = message.timeout;
  session.heard = services_.queue().now();
  session.wire = wire;
  session.client = clients_.at(wire);
  session.watches = false;
  session_of_[wire] = id;
  if (message.session == 0) watch_expiry(id);
  services_.network().send(*this, wire, ZooWelcome{id, false});
}

void Zoo::on(Wire wire, ZooPing&&) {
  Session* session = session_of(wire);
  if (session == nullptr) return services_.network().close(*this, wire);
  session->heard = services_.queue().now();
  services_.network().send(*this, wire, ZooPong{});
}

void Zoo::on(Wire wire, ZooGoodbye&&) {
  if (const auto at = session_of_.find(wire); at != session_of_.end()) expire(at->second);
}

void Zoo::watch_expiry(uint64_t id) {
  const Session& session = sessions_.at(id);
  const MonoTime due = session.heard + session.timeout;
  services_.after(*this, due - services_.queue().now(), [this, id] {
    const auto at = sessions_.find(id);
    if (at == sessions_.end()) return;
    if (at->second.heard + at->second.timeout > services_.queue().now()) return watch_expiry(id);
    expire(id);
  });
}

void Zoo::expire(uint64_t id) {
  const auto at = sessions_.find(id);
  if (at == sessions_.end()) return;
  const std::optional<Wire> wire = at->second.wire;
  sessions_.erase(at);
  if (wire) {
    session_of_.erase(*wire);
    services_.network().close(*this, *wire);
  }
  if (std::erase_if(nodes_, [id](const auto& node) { return node.second.session == id; }) != 0) {
    ++last_change_;
    changed();
  }
}

void Zoo::expire_session_of(ProcessId client) {
  std::set<uint64_t> due;
  for (const auto& [id, session] : sessions_) {
    if (session.client == client) due.insert(id);
  }
  for (const uint64_t id : due) expire(id);
}

// --- nodes

void Zoo::changed() {
  for (auto& [id, session] : sessions_) {
    if (!std::exchange(session.watches, false)) continue;
    const Duration late = draw_between(rng_, 0ns, options_.watch_delay_most);
    services_.after(*this, late, [this, id = id] {
      const auto at = sessions_.find(id);
      if (at == sessions_.end() || !at->second.wire) return;  // lost with its connection
      services_.network().send(*this, *at->second.wire, ZooChanged{});
    });
  }
}

void Zoo::on(Wire wire, ZooCreate&& message) {
  const auto session = session_of_.find(wire);
  if (session == session_of_.end()) return;
  const std::string name = fmt::format("json.info_{:010}", next_sequence_++);
  nodes_[name] = {std::move(message.data), session->second, ++last_change_};
  changed();
  answer(wire, {.number = message.number, .text = name, .epoch = last_change_});
}

void Zoo::on(Wire wire, ZooDelete&& message) {
  if (session_of(wire) == nullptr) return;
  const bool was_there = nodes_.erase(message.name) != 0;
  if (was_there) {
    ++last_change_;
    changed();
  }
  answer(wire, {.number = message.number, .ok = was_there});
}

void Zoo::on(Wire wire, ZooList&& message) {
  Session* session = session_of(wire);
  if (session == nullptr) return;
  session->watches = true;
  ZooAnswer list{.number = message.number};
  for (const auto& [name, node] : nodes_) list.names.push_back(name);
  list.names.emplace_back("log_replicas");  // as Mesos has it there
  answer(wire, std::move(list));
}

void Zoo::on(Wire wire, ZooRead&& message) {
  if (session_of(wire) == nullptr) return;
  const auto at = nodes_.find(message.name);
  const bool there = at != nodes_.end();
  answer(wire, {.number = message.number,
                .ok = there,
                .text = there ? at->second.data : std::string(),
                .epoch = there ? at->second.epoch : 0});
}

// --- the registry

void Zoo::on(Wire wire, ZooLoadRegistry&& message) {
  if (session_of(wire) == nullptr) return;
  const bool ok = message.epoch >= registry_.epoch;
  if (ok) registry_.epoch = message.epoch;
  ZooAnswer loaded{.number = message.number, .ok = ok};
  if (ok) {
    loaded.registry = registry_;
  } else {
    loaded.text = fmt::format("a master of epoch {} leads", registry_.epoch);
  }
  answer(wire, std::move(loaded));
}

void Zoo::on(Wire wire, ZooStoreRegistry&& message) {
  if (session_of(wire) == nullptr) return;
  const bool ok = message.epoch == registry_.epoch;
  if (ok) {
    for (const auto& operation : message.operations) protocol::apply(registry_, operation);
  }
  answer(wire, {.number = message.number,
                .ok = ok,
                .text = ok ? "" : fmt::format("a master of epoch {} leads", registry_.epoch)});
}

}  // namespace souk::sim
