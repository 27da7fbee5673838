#include "sim/master_process.h"

#include <algorithm>

#include "allocator/modules.h"
#include "base/check.h"
#include "sim/leadership.h"
#include "sim/names.h"
#include "wire/explain_json.h"

namespace souk::sim {
namespace {

// Above the numbers of all wires.
constexpr uint64_t kFirstConnection = uint64_t{1} << 62;

}  // namespace

MasterProcess::MasterProcess(ProcessId id, std::string name, MasterProcessOptions options,
                             Services& services, Rng rng)
    : Process(id, std::move(name)),
      options_(std::move(options)),
      services_(services),
      rng_(rng),
      timer_(services, *this, [this] { wake(); }) {
  disk_.cluster_id = options_.cluster_id;
}

MasterProcess::~MasterProcess() = default;

// --- its life

void MasterProcess::start() {
  begin_life();
  if (options_.zoo) {
    leadership_ =
        std::make_unique<Leadership>(*this, services_, *options_.zoo, options_.zoo_session,
                                     options_.machine.switches, rng_.fork("leadership"));
    leadership_->start();
  } else {
    load_disk();
  }
}

void MasterProcess::load_disk() {
  services_.after(*this, options_.load, [this] {
    ++disk_.epoch;
    lead(disk_.epoch, disk_);
  });
}

void MasterProcess::lead(uint64_t epoch, protocol::Registry registry) {
  epoch_ = epoch;
  Rng life = rng_.fork(fmt::format("life {}", life_number_++));
  Rng ids = life.fork("id");
  master::Options options = options_.machine;
  options.info.id = Uuid::random(ids).to_string();
  options.info.hostname = name();
  options.info.ip = kHost;
  options.info.port = static_cast<uint16_t>(id().value);
  auto allocator =
      allocator::make_module(options_.allocator, options_.allocation, life.fork("allocator"));
  SOUK_CHECK(allocator.has_value(), "the allocation module is one of the built-in ones");
  machine_ = std::make_unique<master::Machine>(std::move(options), std::move(*allocator),
                                               life.fork("master"));
  services_.observer().on_leads(*this, epoch);
  take(master::Recovered{std::move(registry)});
}

void MasterProcess::crash(bool silently) {
  if (!up()) return;
  services_.observer().on_crash(*this);
  services_.network().died(*this, silently);
  end_life();
  timer_.arm(std::nullopt);
  leadership_.reset();
  machine_.reset();
  deadline_.reset();
  batch_waits_ = false;
  paused_ = false;
  waiting_.clear();
  leadership_waits_.clear();
  inputs_.clear();
  to_store_.clear();
  connections_.clear();
  connections_of_.clear();
}

void MasterProcess::exit(std::string_view why) {
  if (!up()) return;
  services_.observer().on_note(*this, why);
  machine_.reset();  // it says nothing more
  // The rest not from within a step of its own.
  services_.after(*this, 0ns, [this] {
    crash();
    services_.queue().at(services_.queue().now() + 1s, [this] {
      if (!up()) start();
    });
  });
}

void MasterProcess::pause(Duration length, bool with_its_clocks) {
  if (!up() || std::exchange(paused_, true)) return;
  services_.after(*this, length, [this, length, with_its_clocks] {
    if (with_its_clocks) clock().stood_still(length);
    resume();
  });
}

void MasterProcess::resume() {
  paused_ = false;
  const bool first = rng_.below(2) == 0;
  const uint32_t this_life = life();
  for (const bool leadership : {first, !first}) {
    auto& waiting = leadership ? leadership_waits_ : waiting_;
    for (Action& action : std::exchange(waiting, {})) {
      if (life() == this_life) action();
    }
    // Its own thread is as quick as those that look after its leadership.
    if (!leadership && life() == this_life && !inputs_.empty()) run_batch();
  }
}

void MasterProcess::unless_paused(Action action) {
  if (paused_) {
    leadership_waits_.push_back(std::move(action));
  } else {
    action();
  }
}

// --- input

bool MasterProcess::call(protocol::OperatorCall call) {
  if (!leads()) return false;
  take(master::OperatorCalled{
      ConnectionId(kFirstConnection + ++last_connection_), std::move(call), {}});
  return true;
}

std::string MasterProcess::explain(const FrameworkId& framework) {
  if (!leads()) return {};
  master::Effects effects;
  machine_->step(
      services_.now(*this),
      master::ExplainRequested{
          .connection = ConnectionId(kFirstConnection), .framework = framework.value, .limit = 20},
      effects);
  machine_->step(services_.now(*this), master::BatchEnded{}, effects);
  for (const master::Effect& effect : effects) {
    if (const auto* answer = std::get_if<master::RespondDocument>(&effect)) {
      return wire::render(*answer->document);
    }
  }
  return {};
}

void MasterProcess::on_dialled(Wire wire, bool ok) {
  unless_paused([this, wire, ok] {
    if (leadership_) leadership_->on_dialled(wire, ok);
  });
}

bool MasterProcess::on_accepted(Wire, ProcessId) { return true; }

void MasterProcess::on_message(Wire wire, Message&& message) {
  if (!paused_) return heard(wire, std::move(message));
  auto& waiting = leadership_ && leadership_->owns(wire) ? leadership_waits_ : waiting_;
  waiting.emplace_back(
      [this, wire, message = std::move(message)]() mutable { heard(wire, std::move(message)); });
}

void MasterProcess::heard(Wire wire, Message&& message) {
  if (leadership_ && leadership_->owns(wire)) {
    return leadership_->on_message(wire, std::move(message));
  }
  if (auto* said = std::get_if<protocol::AgentMessage>(&message)) {
    if (leads()) return take(master::AgentSaid{ConnectionId(wire.value), std::move(*said)});
    // As an Upgrade is answered by who does not lead.
    services_.network().send(*this, wire, answer_of_a_standby(0));
    services_.network().close(*this, wire);
  } else if (auto* asked = std::get_if<Request>(&message)) {
    if (leads()) return request(wire, std::move(*asked));
    services_.network().send(*this, wire, answer_of_a_standby(asked->number));
  }
}

Answer MasterProcess::answer_of_a_standby(uint64_t number) const {
  const std::string leader = leadership_ ? leadership_->leader() : std::string();
  if (leader.empty() || leader == address_of(id())) {
    return {.number = number, .status = 503, .body = "No leader elected"};
  }
  return {.number = number, .status = 307, .location = leader};
}

void MasterProcess::on_closed(Wire wire) {
  if (!paused_) return heard_closed(wire);
  auto& waiting = leadership_ && leadership_->owns(wire) ? leadership_waits_ : waiting_;
  waiting.emplace_back([this, wire] { heard_closed(wire); });
}

void MasterProcess::heard_closed(Wire wire) {
  if (leadership_ && leadership_->owns(wire)) return leadership_->on_closed(wire);
  if (leads()) forget(wire);
}

void MasterProcess::forget(Wire wire) {
  take(master::LinkClosed{ConnectionId(wire.value)});
  const auto at = connections_of_.find(wire);
  if (at == connections_of_.end()) return;
  for (const uint64_t connection : at->second) {
    if (connections_.erase(connection) != 0) {
      take(master::ConnectionClosed{ConnectionId(connection)});
    }
  }
  connections_of_.erase(at);
}

void MasterProcess::request(Wire wire, Request&& request) {
  const uint64_t connection = kFirstConnection + ++last_connection_;
  connections_[connection] = {wire, request.number};
  connections_of_[wire].push_back(connection);
  master::SchedulerCalled called{.connection = ConnectionId(connection),
                                 .call = std::move(request.call),
                                 .stream_id = std::move(request.stream_id)};
  called.has_stream_id = !called.stream_id.empty();
  if (std::holds_alternative<protocol::call::Subscribe>(called.call.body)) {
    called.stream_id = Uuid::random(rng_).to_string();
  }
  take(std::move(called));
}

// --- batches

void MasterProcess::take(master::Event event) {
  inputs_.push_back(std::move(event));
  wake();
}

void MasterProcess::wake() {
  if (std::exchange(batch_waits_, true)) return;
  services_.after(*this, options_.batch, [this] { run_batch(); });
}

void MasterProcess::run_batch() {
  if (paused_) {
    waiting_.emplace_back([this] { run_batch(); });
    return;
  }
  batch_waits_ = false;
  if (leadership_) leadership_->mind_silence();
  for (master::Event& event : std::exchange(inputs_, {})) step(std::move(event));
  if (deadline_ && *deadline_ <= services_.now(*this).mono) step(master::TimerFired{});
  step(master::BatchEnded{});
  store();
  timer_.arm(deadline_);
}

void MasterProcess::step(master::Event event) {
  if (!machine_) return;
  Observer& observer = services_.observer();
  observer.on_event(*this, event);
  effects_.clear();
  machine_->step(services_.now(*this), std::move(event), effects_);
  observer.on_effects(*this, effects_);
  for (master::Effect& effect : effects_) {
    std::visit([this](auto&& one) { carry_out(std::forward<decltype(one)>(one)); },
               std::move(effect));
  }
}

// --- storage

void MasterProcess::store() {
  if (to_store_.empty()) return;
  std::vector<protocol::Ticket> tickets;
  std::vector<protocol::RegistryOperation> operations;
  for (master::Persist& persist : std::exchange(to_store_, {})) {
    tickets.push_back(persist.ticket);
    operations.push_back(std::move(persist.operation));
  }
  if (leadership_) return leadership_->store(epoch_, std::move(tickets), std::move(operations));
  services_.after(*this, options_.store,
                  [this, tickets = std::move(tickets), operations = std::move(operations)] {
                    if (!disk_broken_) {
                      for (const auto& operation : operations) protocol::apply(disk_, operation);
                    }
                    stored(tickets, !disk_broken_, disk_broken_ ? "the disk is full" : "");
                  });
}

void MasterProcess::stored(const std::vector<protocol::Ticket>& tickets, bool ok,
                           const std::string& why) {
  for (const protocol::Ticket ticket : tickets) take(master::Persisted{ticket, ok, why});
}

// --- effects

void MasterProcess::carry_out(master::Respond&& effect) {
  const auto at = connections_.find(effect.connection.value);
  if (at == connections_.end()) return;
  const Pending pending = at->second;
  connections_.erase(at);
  if (const auto of = connections_of_.find(pending.wire); of != connections_of_.end()) {
    std::erase(of->second, effect.connection.value);
  }
  services_.network().send(*this, pending.wire,
                           Answer{.number = pending.number,
                                  .status = effect.answer.status,
                                  .body = std::move(effect.answer.body)});
}

// Nobody asks, and nobody listens.
void MasterProcess::carry_out(master::RespondDocument&&) {}
void MasterProcess::carry_out(master::OpenOperatorStream&&) {}
void MasterProcess::carry_out(master::SendToOperators&&) {}

void MasterProcess::carry_out(master::OpenStream&& effect) {
  const auto at = connections_.find(effect.connection.value);
  if (at == connections_.end()) return;
  at->second.stream = true;
  services_.network().send(*this, at->second.wire, StreamBegins{std::move(effect.stream_id)});
}

void MasterProcess::carry_out(master::SendToFramework&& effect) {
  const auto at = connections_.find(effect.connection.value);
  if (at == connections_.end()) return;
  services_.network().send(*this, at->second.wire, std::move(effect.event));
}

void MasterProcess::carry_out(master::CloseStream&& effect) {
  const auto at = connections_.find(effect.connection.value);
  if (at == connections_.end()) return;
  const Wire wire = at->second.wire;
  connections_.erase(at);
  connections_of_.erase(wire);
  services_.network().close(*this, wire);
}

void MasterProcess::carry_out(master::SendToAgent&& effect) {
  services_.network().send(*this, Wire(effect.link.value), std::move(effect.frame));
}

void MasterProcess::carry_out(master::CloseLink&& effect) {
  services_.network().close(*this, Wire(effect.link.value));
  take(master::LinkClosed{effect.link});
}

void MasterProcess::carry_out(master::Persist&& effect) { to_store_.push_back(std::move(effect)); }

void MasterProcess::carry_out(master::ArmTimer&& effect) {
  deadline_ = effect.at;
  timer_.arm(deadline_);
}

void MasterProcess::carry_out(master::Log&& effect) {
  services_.observer().on_note(*this, effect.text);
}

}  // namespace souk::sim
