#include "election/machine.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace souk::election {

bool is_candidate(std::string_view name) {
  if (!name.starts_with(kNodePrefix)) return false;
  name.remove_prefix(kNodePrefix.size());
  return name.size() == kSequenceDigits &&
         std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
}

Machine::Machine(const Options& options, std::optional<std::string> data, Rng rng)
    : options_(options), data_(std::move(data)), rng_(rng) {
  SOUK_CHECK(!data_ || data_->size() <= kMaxData, "nobody would read such a node");
}

void Machine::step(Now now, Event&& event, Effects& effects) {
  now_ = now;
  effects_ = &effects;
  stop_if_due();  // whatever else has happened
  std::visit([this](auto&& e) { on(std::forward<decltype(e)>(e)); }, std::move(event));
  stop_if_due();
  arm();
  effects_ = nullptr;
}

bool Machine::leads(MonoTime now) const {
  const auto stop_at = deadlines_.of(Due::kStop);
  return leading() && (!stop_at || now < *stop_at);
}

void Machine::arm() {
  const auto next = deadlines_.next();
  if (next == armed_) return;
  armed_ = next;
  out(ArmTimer{next});
}

Duration Machine::lease() const { return timeout_ - std::min(options_.margin, timeout_ / 4); }

Duration Machine::next_backoff() {
  backoff_ = std::clamp(backoff_ * 2, options_.min_backoff, options_.max_backoff);
  // Half of it is jitter: all agents of a cluster lose the service at the same time.
  return backoff_ - Duration(rng_.below(static_cast<uint64_t>(backoff_.count()) / 2 + 1));
}

// --- the session

void Machine::on(Started&&) {
  if (state_ == State::kIdle) open();
}

void Machine::open() {
  state_ = State::kOpening;
  deadlines_.set(Due::kSession, now_.mono + options_.open_timeout);
  out(OpenSession{++session_});
}

void Machine::on(SessionOpened&& event) {
  if (event.session != session_ || state_ != State::kOpening) return;
  state_ = State::kOpen;
  timeout_ = event.timeout;
  deadlines_.cancel(Due::kSession);
  if (!data_) return look();
  create_ = ++last_request_;
  deadlines_.set(Due::kCreate, now_.mono + lease());
  out(CreateNode{create_, *data_});
}

void Machine::on(SessionSuspended&& event) {
  if (event.session != session_ || state_ != State::kOpen) return;
  state_ = State::kSuspended;
  if (std::exchange(create_, 0) != 0) create_lost_ = true;
  list_ = read_ = 0;
  deadlines_.cancel(Due::kCreate);
  deadlines_.cancel(Due::kLook);
  const MonoTime heard = std::min(event.heard, now_.mono);
  deadlines_.set(Due::kSession, heard + timeout_);
  const bool outstays = options_.switches.on(Switch::kLeaderOutstaysSession);
  if (leading() && !outstays) deadlines_.set(Due::kStop, heard + lease());
}

void Machine::on(SessionResumed&& event) {
  if (event.session != session_ || state_ != State::kSuspended) return;
  state_ = State::kOpen;
  deadlines_.cancel(Due::kSession);
  deadlines_.cancel(Due::kStop);
  // Only now, when closing the session takes the node away at once, if there is one.
  if (create_lost_) return renew("the connection was lost while its node was made");
  look();
}

void Machine::on(SessionExpired&& event) {
  if (event.session == session_ && has_session()) renew("its session expired");
}

void Machine::renew(const std::string& why) {
  if (leading() && options_.switches.on(Switch::kLeaderOutstaysSession)) return;
  if (leading()) return stop(why);
  log(Log::Level::kWarning, "Another session with the coordination service is needed: " + why);
  out(CloseSession{session_});
  forget_session();
  state_ = State::kWaiting;
  deadlines_.set(Due::kSession, now_.mono + next_backoff());
}

void Machine::forget_session() {
  create_ = list_ = read_ = 0;
  create_lost_ = changed_ = false;
  node_.reset();
  for (const Due due : {Due::kStop, Due::kSession, Due::kCreate, Due::kLook}) {
    deadlines_.cancel(due);
  }
}

void Machine::stop(const std::string& why) {
  if (leading()) {
    out(StopLeading{why});
    leader_.reset();
    out(LeaderChanged{});
  }
  if (has_session()) out(CloseSession{session_});
  forget_session();
  state_ = State::kIdle;
  backoff_ = Duration::zero();
}

void Machine::stop_if_due() {
  if (leading() && !leads(now_.mono)) stop("nothing is heard of the coordination service");
}

void Machine::on(StopAsked&&) {
  if (state_ != State::kIdle) stop("it was asked to");
}

// --- the own node

void Machine::on(NodeCreated&& event) {
  if (create_ == 0 || event.request != create_) return;
  create_ = 0;
  deadlines_.cancel(Due::kCreate);
  if (!is_candidate(event.name)) return renew("its node is called " + quote(event.name));
  node_ = Node{std::move(event.name), event.epoch};
  look();
}

void Machine::on(CreateFailed&& event) {
  if (create_ == 0 || event.request != create_) return;
  renew("its node could not be made: " + event.why);
}

// --- who leads

void Machine::look() {
  if (state_ != State::kOpen || (data_ && !node_)) return;
  changed_ = looking();
  if (changed_) return;
  list_ = ++last_request_;
  deadlines_.set(Due::kLook, now_.mono + lease());
  out(ListChildren{list_});
}

void Machine::on(ChildrenChanged&&) { look(); }

void Machine::on(ChildrenListed&& event) {
  if (list_ == 0 || event.request != list_) return;
  // So old that the session may have ended since.
  if (*deadlines_.of(Due::kLook) <= now_.mono) return look_failed("the answer came too late");
  if (event.names.size() > kMaxChildren) {
    return look_failed(fmt::format("{} children are more than can be", event.names.size()));
  }
  list_ = 0;
  const std::string* lowest = nullptr;
  bool own = false;
  for (const std::string& name : event.names) {
    if (!is_candidate(name)) continue;
    if (lowest == nullptr || name < *lowest) lowest = &name;
    own |= node_ && name == node_->name;
  }
  if (node_ && !own) return renew("its node was deleted");
  if (lowest == nullptr) return found(std::nullopt);
  if (node_ && *lowest == node_->name) return found(Leader{node_->name, *data_, node_->epoch});
  if (leading()) return stop(fmt::format("the node {} came before its own", *lowest));
  // Each time: a name says nothing of its node once the folder was made anew.
  read_ = ++last_request_;
  reading_ = *lowest;
  deadlines_.set(Due::kLook, now_.mono + lease());
  out(ReadNode{read_, reading_});
}

void Machine::on(ListFailed&& event) {
  if (list_ != 0 && event.request == list_) look_failed(event.why);
}

void Machine::on(NodeRead&& event) {
  if (read_ == 0 || event.request != read_) return;
  // A change that will be told of, too, and then there is no waiting.
  if (!event.data) return look_failed("the node of the leader is gone");
  if (event.data->size() > kMaxData) return look_failed("the leader's data are too long");
  read_ = 0;
  found(Leader{std::move(reading_), *std::move(event.data)});
}

void Machine::on(ReadFailed&& event) {
  if (read_ != 0 && event.request == read_) look_failed(event.why);
}

void Machine::look_failed(const std::string& why) {
  list_ = read_ = 0;
  log(Log::Level::kWarning, "Cannot tell who leads: " + why);
  if (changed_) return look();
  deadlines_.set(Due::kLook, now_.mono + next_backoff());
}

void Machine::found(std::optional<Leader> leader) {
  deadlines_.cancel(Due::kLook);
  backoff_ = Duration::zero();
  if (leader != leader_) {
    leader_ = std::move(leader);
    if (leading()) out(Lead{*leader_->epoch});
    out(LeaderChanged{leader_});
  }
  if (changed_) look();
}

// --- time

void Machine::on(TimerFired&&) {
  armed_.reset();
  while (const auto due = deadlines_.pop_due(now_.mono)) fire(*due);
}

void Machine::fire(Due due) {
  switch (due) {
    case Due::kStop:
      return;  // stop_if_due() comes first
    case Due::kSession:
      if (state_ == State::kWaiting) return open();
      return renew(state_ == State::kOpening ? "none is opened" : "it must have expired");
    case Due::kCreate:
      return renew("no answer to the making of its node");
    case Due::kLook:
      return looking() ? look_failed("no answer") : look();
  }
}

}  // namespace souk::election
