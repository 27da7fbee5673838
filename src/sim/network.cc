#include "sim/network.h"

#include <algorithm>

#include "sim/draw.h"

namespace souk::sim {

Network::Network(NetworkOptions options, Queue& queue, Rng rng, Find find)
    : options_(options), queue_(queue), rng_(rng), find_(std::move(find)) {}

Network::Ends* Network::find(Wire wire) {
  const auto at = wires_.find(wire.value);
  return at == wires_.end() ? nullptr : &at->second;
}

Duration Network::delay() { return draw_between(rng_, options_.delay_least, options_.delay_most); }

void Network::remember(ProcessId process, Wire wire) {
  if (wires_of_.size() <= process.value) wires_of_.resize(process.value + 1);
  std::vector<Wire>& list = wires_of_[process.value];
  if (list.size() >= 8 && list.size() == list.capacity()) {
    std::erase_if(list, [this](Wire w) { return find(w) == nullptr; });
  }
  list.push_back(wire);
}

void Network::forget(Wire wire) {
  wires_.erase(wire.value);
  if (waiting_.empty()) return;
  for (const int end : {0, 1}) waiting_.erase(number_of(wire, end));
}

// --- what is on the way

template <class F>
void Network::travel(Wire wire, int to, F arrival) {
  End& end = (*find(wire))[static_cast<std::size_t>(to)];
  MonoTime when = queue_.now() + delay();
  if (!slow_.empty()) {
    if (const auto slow = slow_.find(end.process.value); slow != slow_.end()) {
      when = std::max(when, end.last_arrival) + slow->second;
    }
  }
  end.last_arrival = std::max(end.last_arrival, when);
  most_on_the_way_ = std::max<std::size_t>(most_on_the_way_, ++end.on_the_way);
  schedule(end.last_arrival, wire, to, std::move(arrival));
}

template <class F>
void Network::schedule(MonoTime when, Wire wire, int to, F arrival) {
  // As small as an Action can hold without memory of its own.
  queue_.at(when, [this, end = number_of(wire, to), arrival = std::move(arrival)]() mutable {
    arrive(Wire(end / 2), static_cast<int>(end % 2), std::move(arrival));
  });
}

template <class F>
void Network::arrive(Wire wire, int to, F arrival) {
  Ends* ends = find(wire);
  if (ends == nullptr) return;
  End& end = (*ends)[static_cast<std::size_t>(to)];
  if (blocked((*ends)[0].process, (*ends)[1].process)) {
    waiting_[number_of(wire, to)].push_back(std::move(arrival));
    return;
  }
  --end.on_the_way;
  arrival(*this, wire, to);
}

// --- opening

Wire Network::dial(const Process& from, ProcessId to) {
  const Wire wire{++last_};
  Ends& ends = wires_[wire.value];
  ends[0].process = from.id();
  ends[0].open = true;
  ends[1].process = to;
  remember(from.id(), wire);
  if (blocked(from.id(), to)) {
    refuse(wire, options_.connect_timeout);
  } else {
    queue_.at(queue_.now() + delay(), [this, wire] { accept(wire); });
  }
  return wire;
}

void Network::accept(Wire wire) {
  Ends* ends = find(wire);
  if (ends == nullptr) return;
  const ProcessId from = (*ends)[0].process;
  Process* server = find_((*ends)[1].process);
  if (blocked(from, (*ends)[1].process)) return refuse(wire, options_.connect_timeout);
  if (server == nullptr || !server->up()) return refuse(wire, delay());
  (*ends)[1].open = true;
  remember(server->id(), wire);
  const bool taken = server->on_accepted(wire, from);
  ends = find(wire);
  if (ends == nullptr) return;
  if (!taken) {
    (*ends)[1].open = false;
    return refuse(wire, delay());
  }
  travel(wire, 0, [](Network& network, Wire dialled, int) {
    const Ends* now = network.find(dialled);
    if (now == nullptr || !(*now)[0].open) return;
    network.find_((*now)[0].process)->on_dialled(dialled, true);
  });
}

void Network::refuse(Wire wire, Duration after) {
  queue_.at(queue_.now() + after, [this, wire] {
    const Ends* ends = find(wire);
    if (ends == nullptr) return;
    const bool waits = (*ends)[0].open;
    Process* dialler = find_((*ends)[0].process);
    forget(wire);
    if (waits) dialler->on_dialled(wire, false);
  });
}

// --- messages

void Network::send(const Process& from, Wire wire, Message&& message) {
  Ends* ends = find(wire);
  if (ends == nullptr) return;
  const int me = (*ends)[0].process == from.id() ? 0 : 1;
  if (!(*ends)[static_cast<std::size_t>(me)].open) return;
  const int to = 1 - me;
  if ((*ends)[static_cast<std::size_t>(to)].on_the_way >= options_.max_on_the_way) {
    // It is told on both sides, and what was on the way is lost.
    tell_closed(wire, me);
    return hear_closed(wire, to);
  }
  if (pass_) pass_(message);
  travel(wire, to,
         [sent = std::make_unique<Message>(std::move(message))](Network& network, Wire over,
                                                                int at) mutable {
           network.deliver(over, at, std::move(*sent));
         });
}

void Network::deliver(Wire wire, int to, Message&& message) {
  Ends* ends = find(wire);
  if (ends == nullptr) return;
  const End& end = (*ends)[static_cast<std::size_t>(to)];
  const End& other = (*ends)[static_cast<std::size_t>(1 - to)];
  Process* process = find_(end.process);
  if (!end.open) {
    // The sender is told, unless the whole host is gone.
    if (other.open && process->up()) tell_closed(wire, 1 - to);
    return;
  }
  if (watch_) watch_(*find_(other.process), *process, message);
  process->on_message(wire, std::move(message));
}

// --- closing

void Network::close(const Process& from, Wire wire) {
  Ends* ends = find(wire);
  if (ends == nullptr) return;
  const int me = (*ends)[0].process == from.id() ? 0 : 1;
  End& mine = (*ends)[static_cast<std::size_t>(me)];
  if (!mine.open) return;
  mine.open = false;
  tell_closed(wire, 1 - me);
}

// Behind what was sent before.
void Network::tell_closed(Wire wire, int to) {
  travel(wire, to, [](Network& network, Wire over, int at) { network.hear_closed(over, at); });
}

void Network::hear_closed(Wire wire, int at) {
  Ends* ends = find(wire);
  if (ends == nullptr) return;
  End& end = (*ends)[static_cast<std::size_t>(at)];
  const bool was_open = std::exchange(end.open, false);
  Process* process = find_(end.process);
  forget_if_over(wire, *ends);
  if (was_open && process->up()) process->on_closed(wire);
}

void Network::forget_if_over(Wire wire, const Ends& ends) {
  if (!ends[0].open && !ends[1].open) forget(wire);
}

void Network::died(const Process& process, bool silently) {
  if (wires_of_.size() <= process.id().value) return;
  std::vector<Wire>& list = wires_of_[process.id().value];
  for (const Wire wire : list) {
    Ends* ends = find(wire);
    if (ends == nullptr) continue;
    const int me = (*ends)[0].process == process.id() ? 0 : 1;
    End& mine = (*ends)[static_cast<std::size_t>(me)];
    if (!mine.open) continue;
    mine.open = false;
    if (!silently) {
      tell_closed(wire, 1 - me);
    } else {
      forget_if_over(wire, *ends);
    }
  }
  // The others stay known: a partition may hold up the word of their end.
  std::erase_if(list, [this](Wire wire) { return find(wire) == nullptr; });
}

// --- faults

void Network::block(ProcessId a, ProcessId b) { blocked_.insert(pair_of(a, b)); }

void Network::unblock(ProcessId a, ProcessId b) {
  if (blocked_.erase(pair_of(a, b)) != 0) release(a, b);
}

void Network::unblock_all() {
  while (!blocked_.empty()) {
    const auto [a, b] = *blocked_.begin();
    unblock(a, b);
  }
}

std::vector<Wire> Network::wires_between(ProcessId a, ProcessId b) const {
  std::vector<Wire> between;
  if (wires_of_.size() <= std::min(a.value, b.value)) return between;
  // The one with fewer: a master has one for each agent.
  const auto list_of = [this](ProcessId p) {
    return p.value < wires_of_.size() ? &wires_of_[p.value] : nullptr;
  };
  const auto* list = list_of(a);
  if (const auto* other = list_of(b); list == nullptr || (other && other->size() < list->size())) {
    list = other;
  }
  for (const Wire wire : *list) {
    const auto at = wires_.find(wire.value);
    if (at == wires_.end()) continue;
    if (pair_of(at->second[0].process, at->second[1].process) == pair_of(a, b)) {
      between.push_back(wire);
    }
  }
  std::ranges::sort(between);
  between.erase(std::ranges::unique(between).begin(), between.end());
  return between;
}

void Network::release(ProcessId a, ProcessId b) {
  for (const Wire wire : wires_between(a, b)) {
    for (const int to : {0, 1}) {
      Ends* ends = find(wire);
      if (ends == nullptr) break;
      End& end = (*ends)[static_cast<std::size_t>(to)];
      // In their order, and before what is sent from now on.
      MonoTime when = queue_.now() + delay();
      if (const auto waiting = waiting_.find(number_of(wire, to)); waiting != waiting_.end()) {
        for (Arrival& arrival : waiting->second) schedule(when, wire, to, std::move(arrival));
        waiting_.erase(waiting);
      }
      end.last_arrival = std::max(end.last_arrival, when);
    }
  }
}

void Network::cut(ProcessId a, ProcessId b) {
  for (const Wire wire : wires_between(a, b)) {
    hear_closed(wire, 0);
    hear_closed(wire, 1);
  }
}

void Network::slow_down(ProcessId process, Duration more) {
  if (more == Duration::zero()) {
    slow_.erase(process.value);
  } else {
    slow_[process.value] = more;
  }
}

}  // namespace souk::sim
