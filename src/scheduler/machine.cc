#include "scheduler/machine.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"

namespace souk::scheduler {

namespace call = protocol::call;
namespace event = protocol::event;

Machine::Machine(Options options, Rng rng)
    : options_(std::move(options)),
      rng_(rng),
      suppressed_(options_.suppressed_roles.begin(), options_.suppressed_roles.end()) {}

void Machine::step(Now now, Event&& event, Effects& effects) {
  now_ = now;
  effects_ = &effects;
  if (state_ != State::kEnded) {
    std::visit([this](auto&& e) { on(std::forward<decltype(e)>(e)); }, std::move(event));
  }
  effects_ = nullptr;
}

void Machine::arm(std::optional<MonoTime> at) {
  if (at == deadline_) return;
  deadline_ = at;
  out(ArmTimer{at});
}

void Machine::on(Started&&) {
  if (state_ != State::kIdle) return;
  if (options_.masters.empty()) return end("no master was given");
  connect();
}

void Machine::connect() {
  state_ = State::kConnecting;
  ++attempt_;
  stream_open_ = false;
  redirected_ = !redirect_.empty();
  if (!redirected_) {
    master_ = options_.masters[next_master_++ % options_.masters.size()];
  } else {
    master_ = std::exchange(redirect_, {});
  }
  said_suppressed_ = suppressed_;
  said_framework_ = true;
  call::Subscribe subscribe{
      options_.framework, {suppressed_.begin(), suppressed_.end()}, options_.offer_constraints};
  out(Connect{attempt_, master_, {options_.framework.id, std::move(subscribe)}});
  arm(now_.mono + options_.subscribe_timeout);
}

void Machine::reconnect(const std::string& why, bool at_once) {
  const bool was_subscribed = state_ == State::kSubscribed;
  out(Disconnect{attempt_});
  stream_open_ = false;
  ++attempt_;  // whatever else comes of it is too late
  if (was_subscribed) backoff_ = Duration::zero();
  // Once for each spell of trouble, the first attempt's included.
  if (!at_once && !told_) {
    told_ = true;
    out(TellDisconnected{why});
  }
  state_ = State::kWaiting;
  if (at_once) return connect();
  backoff_ = std::clamp(backoff_ * 2, options_.min_backoff, options_.max_backoff);
  // Half of it is jitter: a thousand frameworks must not come back in step.
  const auto jitter = static_cast<int64_t>(
      rng_.below(static_cast<uint64_t>(std::max<int64_t>(backoff_.count() / 2, 1))));
  arm(now_.mono + backoff_ - Duration(jitter));
}

void Machine::end(std::optional<std::string> error) {
  if (attempt_ > 0) out(Disconnect{attempt_});
  arm(std::nullopt);
  state_ = State::kEnded;
  out(End{std::move(error)});
}

void Machine::on(StreamOpened&& event) {
  if (event.attempt != attempt_ || state_ != State::kConnecting) return;
  stream_open_ = true;
  stream_id_ = std::move(event.stream_id);
}

void Machine::on(StreamRefused&& event) {
  if (event.attempt != attempt_ || state_ != State::kConnecting) return;
  if (event.status == 307 && !event.location.empty() && event.location != master_) {
    redirect_ = std::move(event.location);
    return reconnect("redirected", !redirected_);
  }
  // 400, 401, 403, 406, 415: asking again would bring the same answer.
  if (event.status >= 400 && event.status < 500 && event.status != 404 && event.status != 408) {
    return end(fmt::format("master {} refused the subscription ({}): {}", master_, event.status,
                           event.body));
  }
  reconnect(fmt::format("master {} answered {}: {}", master_, event.status, event.body), false);
}

void Machine::on(StreamEnded&& event) {
  if (event.attempt != attempt_) return;
  if (state_ == State::kStopping) return end(std::nullopt);
  if (state_ == State::kIdle || state_ == State::kWaiting) return;
  reconnect(event.why, false);
}

void Machine::on(StreamSaid&& event) {
  if (event.attempt != attempt_ || !stream_open_ || state_ == State::kStopping) return;
  if (state_ == State::kSubscribed) {
    arm(now_.mono + heartbeat_interval_ * options_.max_missed_heartbeats);
  }
  if (auto* subscribed = std::get_if<event::Subscribed>(&event.event)) {
    return subscribed_now(*subscribed);
  }
  if (std::holds_alternative<event::Heartbeat>(event.event)) return;
  if (auto* error = std::get_if<event::Error>(&event.event)) {
    const std::string text = error->message;
    out(Tell{std::move(event.event)});
    return end(text);
  }
  if (state_ != State::kSubscribed) return;  // nothing else comes before SUBSCRIBED
  if (auto* update = std::get_if<event::Update>(&event.event)) return hear_update(*update);
  out(Tell{std::move(event.event)});
}

void Machine::subscribed_now(const event::Subscribed& event) {
  state_ = State::kSubscribed;
  backoff_ = Duration::zero();
  told_ = false;
  options_.framework.id = event.framework;
  heartbeat_interval_ = std::clamp<Duration>(event.heartbeat_interval, 1s, kMaxHeartbeatInterval);
  arm(now_.mono + heartbeat_interval_ * options_.max_missed_heartbeats);
  out(Tell{event});
  catch_up();
  if (tasks_.empty()) return;
  call::Reconcile reconcile;
  for (const auto& [id, task] : tasks_) reconcile.tasks.push_back({id, task.agent});
  send(std::move(reconcile));
  for (const auto& [id, task] : tasks_) {
    if (task.kill_asked) send(call::Kill{id, task.agent, task.grace});
  }
}

void Machine::catch_up() {
  if (!said_framework_) {
    return send(call::UpdateFramework{
        options_.framework, {suppressed_.begin(), suppressed_.end()}, options_.offer_constraints});
  }
  call::Suppress suppress;
  std::ranges::set_difference(suppressed_, said_suppressed_, std::back_inserter(suppress.roles));
  call::Revive revive;
  std::ranges::set_difference(said_suppressed_, suppressed_, std::back_inserter(revive.roles));
  // Without roles they would mean all of them.
  if (!suppress.roles.empty()) send(std::move(suppress));
  if (!revive.roles.empty()) send(std::move(revive));
}

void Machine::hear_update(const event::Update& event) {
  const TaskStatus& status = event.status;
  if (is_terminal(status.state)) {
    tasks_.erase(status.task_id);
  } else if (const auto at = tasks_.find(status.task_id); at != tasks_.end()) {
    if (!status.agent_id.empty()) at->second.agent = status.agent_id;
  } else if (tasks_.size() < kMaxTasks) {
    tasks_[status.task_id].agent = status.agent_id;  // of an earlier life of this framework
  }
  out(Tell{event});
  if (options_.acknowledge && status.uuid) {
    send(call::Acknowledge{status.agent_id, status.task_id, *status.uuid});
  }
}

void Machine::on(Asked&& event) {
  if (state_ == State::kStopping) return;
  remember(event.call);
  if (state_ != State::kSubscribed) return ask_while_away(std::move(event.call));
  if (const auto* accept = std::get_if<call::Accept>(&event.call)) note_launches(*accept);
  send(std::move(event.call));
}

void Machine::remember(const protocol::SchedulerCallBody& body) {
  if (const auto* kill = std::get_if<call::Kill>(&body)) {
    if (const auto at = tasks_.find(kill->task); at != tasks_.end()) {
      at->second.kill_asked = true;
      at->second.grace = kill->grace;
    }
  } else if (const auto* suppress = std::get_if<call::Suppress>(&body)) {
    const auto& roles = suppress->roles.empty() ? options_.framework.roles : suppress->roles;
    suppressed_.insert(roles.begin(), roles.end());
  } else if (const auto* revive = std::get_if<call::Revive>(&body)) {
    if (revive->roles.empty()) suppressed_.clear();
    for (const std::string& role : revive->roles) suppressed_.erase(role);
  } else if (const auto* update = std::get_if<call::UpdateFramework>(&body)) {
    FrameworkId id = std::move(options_.framework.id);  // which the call may leave out
    options_.framework = update->framework;
    options_.framework.id = std::move(id);
    suppressed_ = {update->suppressed_roles.begin(), update->suppressed_roles.end()};
    options_.offer_constraints = update->offer_constraints;
    said_framework_ = false;
  }
}

void Machine::ask_while_away(protocol::SchedulerCallBody&& body) {
  // Its offers are void: what it meant to run does not run, and it has to hear so.
  if (const auto* accept = std::get_if<call::Accept>(&body)) lose_launches(*accept);
}

void Machine::note_launches(const call::Accept& accept) {
  const auto note = [&](const std::vector<TaskSpec>& tasks) {
    for (const TaskSpec& task : tasks) {
      if (tasks_.size() < kMaxTasks) tasks_[task.id] = {task.agent_id, false, std::nullopt};
    }
  };
  for (const protocol::OfferOperation& operation : accept.operations) {
    if (const auto* one = std::get_if<protocol::Launch>(&operation.body)) note(one->tasks);
    if (const auto* group = std::get_if<protocol::LaunchGroup>(&operation.body)) note(group->tasks);
  }
}

void Machine::lose_launches(const call::Accept& accept) {
  const bool aware = options_.framework.has(Capability::kPartitionAware);
  const auto lose = [&](const std::vector<TaskSpec>& tasks) {
    for (const TaskSpec& task : tasks) {
      TaskStatus status;
      status.task_id = task.id;
      status.state = aware ? TaskState::kDropped : TaskState::kLost;
      status.source = StatusSource::kMaster;
      status.reason = Reason::kMasterDisconnected;
      status.message = "Not launched: the framework was not connected to a master";
      status.agent_id = task.agent_id;
      status.timestamp = now_.wall;
      out(Tell{event::Update{std::move(status)}});
    }
  };
  for (const protocol::OfferOperation& operation : accept.operations) {
    if (const auto* one = std::get_if<protocol::Launch>(&operation.body)) lose(one->tasks);
    if (const auto* group = std::get_if<protocol::LaunchGroup>(&operation.body)) lose(group->tasks);
  }
}

void Machine::send(protocol::SchedulerCallBody body) {
  out(Send{attempt_, master_, stream_id_, {options_.framework.id, std::move(body)}});
}

void Machine::on(CallAnswered&& event) {
  if (event.teardown && state_ == State::kStopping) return end(std::nullopt);
  if (event.attempt != attempt_ || state_ != State::kSubscribed) return;
  // The stream is not what it was: a new master, or a successor of ours.
  if (event.status == 307 || event.status == 403 || event.status == 503 || event.status == 0) {
    reconnect(fmt::format("a call was answered {}: {}", event.status, event.body), false);
  } else if (event.status >= 400) {
    out(Tell{
        event::Error{fmt::format("the master refused a call ({}): {}", event.status, event.body)}});
  }
}

void Machine::on(StopAsked&& event) {
  if (state_ == State::kStopping) return;
  if (!event.teardown || state_ != State::kSubscribed) return end(std::nullopt);
  state_ = State::kStopping;
  send(call::Teardown{});
  arm(now_.mono + options_.teardown_timeout);
}

void Machine::on(TimerFired&&) {
  if (!deadline_ || *deadline_ > now_.mono) return;
  deadline_.reset();
  switch (state_) {
    case State::kWaiting:
      return connect();
    case State::kConnecting:
      return reconnect(fmt::format("no answer from master {}", master_), false);
    case State::kSubscribed:
      return reconnect("no heartbeat from the master", false);
    case State::kStopping:
      return end(std::nullopt);
    case State::kIdle:
    case State::kEnded:
      return;
  }
}

}  // namespace souk::scheduler
