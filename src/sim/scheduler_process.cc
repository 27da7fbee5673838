#include "sim/scheduler_process.h"

#include <utility>

#include "sim/names.h"

namespace souk::sim {

namespace call = protocol::call;

SchedulerProcess::SchedulerProcess(ProcessId id, std::string name, SchedulerProcessOptions options,
                                   std::unique_ptr<workloads::Workload> workload,
                                   Services& services, Rng rng)
    : Process(id, std::move(name)),
      options_(std::move(options)),
      services_(services),
      rng_(rng),
      workload_(std::move(workload)),
      timer_(services, *this, [this] { step(scheduler::TimerFired{}); }),
      workload_timer_(services, *this, [this] {
        consult([this](workloads::Context& context) { workload_->on_deadline(context); });
      }) {}

// --- its life

void SchedulerProcess::start() {
  if (up() || ended_) return;
  begin_life();
  scheduler::Options options = options_.machine;
  options.framework = workload_->info();
  options.framework.id = framework_;
  options.suppressed_roles = options_.suppressed_roles;
  for (const ProcessId master : options_.masters) options.masters.push_back(address_of(master));
  machine_ = std::make_unique<scheduler::Machine>(std::move(options),
                                                  rng_.fork(fmt::format("life {}", lives_++)));
  reconciled_ = lives_ == 1;
  step(scheduler::Started{});
}

void SchedulerProcess::crash(bool silently) {
  if (!up()) return;
  services_.observer().on_crash(*this);
  services_.network().died(*this, silently);
  end_life();
  timer_.arm(std::nullopt);
  workload_timer_.arm(std::nullopt);
  machine_.reset();
  stream_.reset();
  calls_.reset();
  calls_open_ = false;
  unsent_.clear();
  unanswered_.clear();
  // Its offers are void: the workload hears it as it would from the library.
  Calls dropped;
  workloads::Context context(services_.now(*this), maker_, dropped);
  workload_->on_disconnected(context);
}

void SchedulerProcess::tear_down() {
  if (up()) step(scheduler::StopAsked{true});
}

void SchedulerProcess::ask(protocol::SchedulerCallBody call) {
  if (up()) pass_on({std::move(call)});
}

void SchedulerProcess::step(scheduler::Event event) {
  if (!machine_) return;
  Observer& observer = services_.observer();
  observer.on_event(*this, event);
  scheduler::Effects effects;
  machine_->step(services_.now(*this), std::move(event), effects);
  observer.on_effects(*this, effects);
  for (scheduler::Effect& effect : effects) {
    if (!machine_) return;
    std::visit([this](auto&& one) { carry_out(std::forward<decltype(one)>(one)); },
               std::move(effect));
  }
}

// --- the workload

template <class Call>
void SchedulerProcess::consult(Call&& call) {
  Calls calls;
  workloads::Context context(services_.now(*this), maker_, calls);
  call(context);
  if (!calls.empty()) {
    services_.after(*this, options_.think,
                    [this, calls = std::move(calls)]() mutable { pass_on(std::move(calls)); });
  }
  arm_workload();
}

void SchedulerProcess::arm_workload() { workload_timer_.arm(workload_->next_deadline()); }

void SchedulerProcess::pass_on(Calls calls) {
  for (protocol::SchedulerCallBody& one : calls) {
    if (options_.style != TaskStyle::kCommand) restyle(one);
    note(one);
    step(scheduler::Asked{std::move(one)});
  }
}

void SchedulerProcess::restyle(protocol::SchedulerCallBody& body) {
  auto* accept = std::get_if<call::Accept>(&body);
  if (accept == nullptr) return;
  for (protocol::OfferOperation& operation : accept->operations) {
    auto* launch = std::get_if<protocol::Launch>(&operation.body);
    if (launch == nullptr) continue;
    if (options_.style == TaskStyle::kCustomExecutor) {
      for (TaskSpec& task : launch->tasks) task = on_executor(std::move(task));
    } else {
      const ExecutorId id(fmt::format("group.{}", groups_++));
      operation.body = protocol::LaunchGroup{default_executor(id), std::move(launch->tasks)};
    }
  }
}

// What the framework stores before it launches.
void SchedulerProcess::note(const protocol::SchedulerCallBody& body) {
  const auto* accept = std::get_if<call::Accept>(&body);
  if (accept == nullptr) return;
  const auto note = [this](const std::vector<TaskSpec>& tasks) {
    for (const TaskSpec& task : tasks) open_tasks_[task.id] = task.agent_id;
  };
  for (const protocol::OfferOperation& operation : accept->operations) {
    if (const auto* one = std::get_if<protocol::Launch>(&operation.body)) note(one->tasks);
    if (const auto* group = std::get_if<protocol::LaunchGroup>(&operation.body)) note(group->tasks);
  }
}

void SchedulerProcess::tell(protocol::SchedulerEvent&& event) {
  namespace ev = protocol::event;
  consult([this, &event](workloads::Context& context) {
    if (auto* offers = std::get_if<ev::Offers>(&event)) {
      workload_->on_offers(context, std::move(offers->offers));
    } else if (const auto* update = std::get_if<ev::Update>(&event)) {
      if (is_terminal(update->status->state)) open_tasks_.erase(update->status->task_id);
      workload_->on_update(context, update->status);
    } else if (const auto* rescind = std::get_if<ev::Rescind>(&event)) {
      workload_->on_rescinded(context, rescind->offer);
    } else if (auto* inverse = std::get_if<ev::InverseOffers>(&event)) {
      workload_->on_inverse_offers(context, std::move(inverse->offers));
    } else if (const auto* subscribed = std::get_if<ev::Subscribed>(&event)) {
      framework_ = subscribed->framework;
      workload_->on_subscribed(context);
    }
  });
  if (std::holds_alternative<ev::Subscribed>(event)) reconcile_after_restart();
}

// The library of an earlier life knew of these; the new one does not.
void SchedulerProcess::reconcile_after_restart() {
  if (std::exchange(reconciled_, true) || open_tasks_.empty()) return;
  call::Reconcile reconcile;
  for (const auto& [task, agent] : open_tasks_) reconcile.tasks.push_back({task, agent});
  step(scheduler::Asked{std::move(reconcile)});
}

// --- the connection

void SchedulerProcess::carry_out(scheduler::Connect&& effect) {
  attempt_ = effect.attempt;
  master_ = process_at(effect.master);
  subscribe_ = std::move(effect.call);
  stream_ = services_.network().dial(*this, *master_);
}

void SchedulerProcess::carry_out(scheduler::Disconnect&&) {
  if (stream_) services_.network().close(*this, *std::exchange(stream_, std::nullopt));
  if (calls_) services_.network().close(*this, *std::exchange(calls_, std::nullopt));
  calls_open_ = false;
  unsent_.clear();
  unanswered_.clear();
}

void SchedulerProcess::carry_out(scheduler::Send&& effect) {
  Request request{.number = ++last_request_,
                  .call = std::move(effect.call),
                  .stream_id = std::move(effect.stream_id)};
  unanswered_[request.number] = std::holds_alternative<call::Teardown>(request.call.body);
  unsent_.push_back(std::move(request));
  if (!calls_) {
    calls_ = services_.network().dial(*this, *master_);
  } else if (calls_open_) {
    flush_requests();
  }
}

void SchedulerProcess::flush_requests() {
  for (Request& request : std::exchange(unsent_, {})) {
    services_.network().send(*this, *calls_, std::move(request));
  }
}

void SchedulerProcess::on_dialled(Wire wire, bool ok) {
  if (stream_ == wire) {
    if (ok) {
      services_.network().send(*this, wire, Request{.call = std::move(*subscribe_)});
    } else {
      stream_.reset();
      step(scheduler::StreamEnded{attempt_, "connection refused"});
    }
  } else if (calls_ == wire) {
    calls_open_ = ok;
    if (ok) return flush_requests();
    on_closed(wire);
  }
}

void SchedulerProcess::on_message(Wire wire, Message&& message) {
  if (stream_ == wire) {
    if (auto* begins = std::get_if<StreamBegins>(&message)) {
      step(scheduler::StreamOpened{attempt_, std::move(begins->stream_id)});
    } else if (auto* event = std::get_if<protocol::SchedulerEvent>(&message)) {
      step(scheduler::StreamSaid{attempt_, std::move(*event)});
    } else if (auto* answer = std::get_if<Answer>(&message)) {
      step(scheduler::StreamRefused{attempt_, answer->status, answer->location, answer->body});
    }
  } else if (calls_ == wire) {
    const auto* answer = std::get_if<Answer>(&message);
    if (answer == nullptr) return;
    const auto at = unanswered_.find(answer->number);
    if (at == unanswered_.end()) return;
    const bool teardown = at->second;
    unanswered_.erase(at);
    step(scheduler::CallAnswered{attempt_, teardown, answer->status, answer->body});
  }
}

void SchedulerProcess::on_closed(Wire wire) {
  if (stream_ == wire) {
    stream_.reset();
    step(scheduler::StreamEnded{attempt_, "connection closed"});
  } else if (calls_ == wire) {
    calls_.reset();
    calls_open_ = false;
    unsent_.clear();
    for (const auto& [number, teardown] : std::exchange(unanswered_, {})) {
      step(scheduler::CallAnswered{attempt_, teardown, 0, "connection closed"});
    }
  }
}

// --- the rest

void SchedulerProcess::carry_out(scheduler::Tell&& effect) { tell(std::move(effect.event)); }

void SchedulerProcess::carry_out(scheduler::TellDisconnected&&) {
  consult([this](workloads::Context& context) { workload_->on_disconnected(context); });
}

void SchedulerProcess::carry_out(scheduler::ArmTimer&& effect) { timer_.arm(effect.at); }

void SchedulerProcess::carry_out(scheduler::End&& effect) {
  ended_ = effect.error.value_or("");
  services_.observer().on_note(*this, *ended_);
  services_.after(*this, 0ns, [this] {
    const std::optional<std::string> why = ended_;
    crash();
    ended_ = why;
  });
}

}  // namespace souk::sim
