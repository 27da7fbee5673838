#include "sim/leadership.h"

#include <utility>

#include "sim/master_process.h"
#include "sim/names.h"

namespace souk::sim {

Leadership::Leadership(MasterProcess& master, Services& services, ProcessId zoo,
                       Duration session_timeout, Switches switches, Rng rng)
    : master_(master),
      services_(services),
      zoo_(zoo),
      session_timeout_(session_timeout),
      candidate_({.switches = switches}, address_of(master.id()), rng.fork("candidate")) {}

Leadership::~Leadership() { *alive_ = false; }

void Leadership::start() { step(election::Started{}); }

std::string Leadership::leader() const {
  return candidate_.leader() ? candidate_.leader()->data : std::string();
}

void Leadership::later(Duration delay, Action action) {
  services_.queue().at(services_.queue().now() + delay,
                       [this, alive = alive_, action = std::move(action)]() mutable {
                         if (!*alive) return;
                         master_.unless_paused([alive, action = std::move(action)]() mutable {
                           if (*alive) action();
                         });
                       });
}

void Leadership::step(election::Event event) {
  election::Effects effects;
  candidate_.step(services_.now(master_), std::move(event), effects);
  for (election::Effect& effect : effects) {
    std::visit([this](auto&& one) { carry_out(std::forward<decltype(one)>(one)); },
               std::move(effect));
  }
}

// --- the session

void Leadership::carry_out(election::OpenSession&& effect) {
  if (wire_) services_.network().close(master_, *std::exchange(wire_, std::nullopt));
  connected_ = false;
  session_ = effect.session;
  zoo_session_ = 0;
  dial();
}

void Leadership::carry_out(election::CloseSession&& effect) {
  if (effect.session != session_) return;
  session_ = 0;
  if (!wire_) return;
  if (connected_) services_.network().send(master_, *wire_, ZooGoodbye{});
  services_.network().close(master_, *std::exchange(wire_, std::nullopt));
  connected_ = false;
  asked_.clear();
}

void Leadership::dial() { wire_ = services_.network().dial(master_, zoo_); }

void Leadership::on_dialled(Wire wire, bool ok) {
  if (wire_ != wire) return;
  if (!ok) return on_closed(wire);
  pings_.assign(1, services_.now(master_).mono);
  services_.network().send(master_, wire, ZooHello{zoo_session_, session_timeout_});
  const uint64_t connection = ++connection_;
  // Nobody answers: once more.
  later(session_timeout_ / 3, [this, connection] {
    if (connection == connection_ && !connected_) lost();
  });
}

void Leadership::on_closed(Wire wire) {
  if (wire_ == wire) lost();
}

void Leadership::lost() {
  if (wire_) services_.network().close(master_, *std::exchange(wire_, std::nullopt));
  ++connection_;
  const bool was_connected = std::exchange(connected_, false);
  storing_ = false;
  const auto unanswered = std::exchange(asked_, {});
  if (was_connected && session_ != 0) step(election::SessionSuspended{session_, heard_});
  for (const auto& [number, what] : unanswered) fail(what.first, what.second);
  if (session_ == 0) return;
  later(200ms, [this, session = session_] {
    if (session == session_ && !wire_) dial();
  });
}

void Leadership::welcomed(const ZooWelcome& message) {
  if (message.expired) {
    services_.network().close(master_, *std::exchange(wire_, std::nullopt));
    ++connection_;
    return step(election::SessionExpired{std::exchange(session_, 0)});
  }
  connected_ = true;
  heard_ = pings_.front();
  pings_.clear();
  const bool fresh = std::exchange(zoo_session_, message.session) == 0;
  keep_alive();
  if (fresh) {
    step(election::SessionOpened{session_, session_timeout_});
  } else {
    step(election::SessionResumed{session_});
  }
  if (epoch_) load();
  store_next();
}

// As ZooKeeper's client does, after two thirds of the timeout.
void Leadership::mind_silence() {
  if (connected_ && services_.now(master_).mono - heard_ > session_timeout_ * 2 / 3) lost();
}

void Leadership::keep_alive() {
  mind_silence();
  if (!connected_) return;
  pings_.push_back(services_.now(master_).mono);
  services_.network().send(master_, *wire_, ZooPing{});
  later(session_timeout_ / 6, [this, connection = connection_] {
    if (connection == connection_) keep_alive();
  });
}

void Leadership::on_message(Wire wire, Message&& message) {
  if (wire_ != wire) return;
  if (const auto* welcome = std::get_if<ZooWelcome>(&message)) {
    welcomed(*welcome);
  } else if (std::holds_alternative<ZooPong>(message)) {
    if (pings_.empty()) return;
    heard_ = pings_.front();
    pings_.pop_front();
  } else if (std::holds_alternative<ZooChanged>(message)) {
    step(election::ChildrenChanged{});
  } else if (auto* answer = std::get_if<ZooAnswer>(&message)) {
    answered(std::move(*answer));
  }
}

// --- requests

template <class Body>
void Leadership::ask(Asked what, uint64_t request, Body body) {
  if (!connected_) {
    return later(0ns, [this, what, request] { fail(what, request); });
  }
  body.number = ++last_number_;
  asked_[body.number] = {what, request};
  services_.network().send(master_, *wire_, std::move(body));
}

void Leadership::fail(Asked what, uint64_t request) {
  const std::string why = "the connection was lost";
  switch (what) {
    case Asked::kCreate:
      return step(election::CreateFailed{request, why});
    case Asked::kList:
      return step(election::ListFailed{request, why});
    case Asked::kRead:
      return step(election::ReadFailed{request, why});
    case Asked::kLoad:
    case Asked::kStore:
      return;  // once more when it is back
  }
}

void Leadership::answered(ZooAnswer&& answer) {
  const auto at = asked_.find(answer.number);
  if (at == asked_.end()) return;
  const auto [what, request] = at->second;
  asked_.erase(at);
  switch (what) {
    case Asked::kCreate:
      return step(election::NodeCreated{request, std::move(answer.text), answer.epoch});
    case Asked::kList:
      return step(election::ChildrenListed{request, std::move(answer.names)});
    case Asked::kRead:
      return step(election::NodeRead{
          request, answer.ok ? std::optional(std::move(answer.text)) : std::nullopt});
    case Asked::kLoad:
      if (!answer.ok) return master_.exit(answer.text);
      return master_.lead(*std::exchange(epoch_, std::nullopt), std::move(*answer.registry));
    case Asked::kStore: {
      storing_ = false;
      const Store done = std::move(stores_.front());
      stores_.pop_front();
      if (!answer.ok) return master_.exit(answer.text);
      master_.stored(done.tickets, true, {});
      return store_next();
    }
  }
}

void Leadership::carry_out(election::CreateNode&& effect) {
  ask(Asked::kCreate, effect.request, ZooCreate{.data = std::move(effect.data)});
}
void Leadership::carry_out(election::ListChildren&& effect) {
  ask(Asked::kList, effect.request, ZooList{});
}
void Leadership::carry_out(election::ReadNode&& effect) {
  ask(Asked::kRead, effect.request, ZooRead{.name = std::move(effect.name)});
}

// --- leading

void Leadership::carry_out(election::Lead&& effect) {
  epoch_ = effect.epoch;
  load();
}

void Leadership::load() { ask(Asked::kLoad, 0, ZooLoadRegistry{.epoch = *epoch_}); }

void Leadership::store(uint64_t epoch, std::vector<protocol::Ticket> tickets,
                       std::vector<protocol::RegistryOperation> operations) {
  stores_.push_back({epoch, std::move(tickets), std::move(operations)});
  store_next();
}

// Said again after a lost connection: storing something twice changes nothing.
void Leadership::store_next() {
  if (storing_ || stores_.empty() || !connected_) return;
  storing_ = true;
  ask(Asked::kStore, 0,
      ZooStoreRegistry{.epoch = stores_.front().epoch, .operations = stores_.front().operations});
}

void Leadership::carry_out(election::StopLeading&& effect) { master_.exit(effect.why); }

void Leadership::carry_out(election::ArmTimer&& effect) {
  armed_ = effect.at;
  if (armed_) wait_until(*armed_);
}

void Leadership::wait_until(MonoTime at) {
  later(master_.clock().when(at) - services_.queue().now(), [this, at] {
    if (armed_ != at) return;
    // The clock may have stood still meanwhile.
    if (services_.now(master_).mono < at) return wait_until(at);
    armed_.reset();
    step(election::TimerFired{});
  });
}

void Leadership::carry_out(election::Log&& effect) {
  services_.observer().on_note(master_, effect.text);
}

}  // namespace souk::sim
