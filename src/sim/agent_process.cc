#include "sim/agent_process.h"

#include <utility>

#include "sim/custom_executor.h"
#include "sim/draw.h"
#include "sim/names.h"
#include "sim/sleep_task.h"

namespace souk::sim {

namespace effect = agent::effect;
namespace event = agent::event;
namespace supervisor = protocol::supervisor;

namespace {

constexpr int64_t kPidsOfAContainer = 100;
// After which the host starts an agent again that has exited by itself.
constexpr Duration kRestart = 10s;

}  // namespace

AgentProcess::AgentProcess(ProcessId id, std::string name, AgentProcessOptions options,
                           Services& services, Rng rng)
    : Process(id, std::move(name)),
      options_(std::make_shared<const AgentProcessOptions>(std::move(options))),
      services_(services),
      rng_(rng),
      timer_(services, *this, [this] { step(event::TimerFired{}); }) {}

AgentProcess::~AgentProcess() = default;

// --- its life

void AgentProcess::start() {
  if (up() || !powered_) return;
  begin_life();
  exit_status_.reset();
  machine_ = std::make_unique<agent::Machine>(
      std::shared_ptr<const agent::Options>(options_, &options_->machine),
      rng_.fork(fmt::format("life {}", lives_++)), agent::Recovered{disk_});
  // Of what the host no longer runs, the pid is stale.
  for (const auto& [id, known] : disk_.containers) {
    if (known.pid == 0 || find(id) != nullptr) continue;
    services_.after(*this, 1ms, [this, id = id] { step(event::SupervisorGone{id, {}}); });
  }
  step(event::Started{});
}

void AgentProcess::end(bool silently) {
  services_.observer().on_crash(*this);
  services_.network().died(*this, silently);
  end_life();
  timer_.arm(std::nullopt);
  machine_.reset();
  wire_.reset();
  established_ = false;
  redirect_.reset();
  to_store_.clear();
  storing_ = false;
  streams_.clear();
}

void AgentProcess::crash() {
  if (!up()) return;
  end(false);
  for (const auto& [id, container] : containers_) container->disconnect();
}

void AgentProcess::lose_power() {
  for (const auto& [id, container] : containers_) {
    for (const auto& [name, run] : container->processes()) {
      services_.observer().on_task_process(*this, id, name, false);
    }
  }
  containers_.clear();
  powered_ = false;
  if (up()) end(true);
}

void AgentProcess::restore_power() {
  powered_ = true;
  start();
}

Container* AgentProcess::find(const ContainerId& id) {
  const auto at = containers_.find(id);
  return at == containers_.end() ? nullptr : at->second.get();
}

void AgentProcess::step(agent::Event event) {
  if (!machine_) return;
  Observer& observer = services_.observer();
  observer.on_event(*this, event);
  auto effects = services_.agent_effects.lend();
  machine_->step(services_.now(*this), std::move(event), *effects);
  observer.on_effects(*this, *effects);
  for (agent::Effect& one : *effects) {
    if (!machine_) return;  // it stopped
    std::visit([this](auto&& e) { carry_out(std::forward<decltype(e)>(e)); }, std::move(one));
  }
  store();
}

// --- the link

void AgentProcess::on_dialled(Wire wire, bool ok) {
  if (wire_ != wire) return;
  if (ok) {
    established_ = true;
    return step(event::LinkOpened{link_});
  }
  wire_.reset();
  step(event::LinkClosed{link_, "connection refused"});
}

void AgentProcess::on_message(Wire wire, Message&& message) {
  if (wire_ != wire) return;
  if (auto* frame = std::get_if<protocol::MasterFrame>(&message)) {
    step(event::MasterSaid{link_, std::move(*frame)});
  } else if (const auto* answer = std::get_if<Answer>(&message)) {
    redirect_ = process_at(answer->location);
  }
}

void AgentProcess::on_closed(Wire wire) {
  if (wire_ != wire) return;
  wire_.reset();
  step(event::LinkClosed{link_, "connection closed"});
}

void AgentProcess::drop_wire() {
  if (wire_) services_.network().close(*this, *std::exchange(wire_, std::nullopt));
  established_ = false;
}

void AgentProcess::carry_out(effect::OpenLink&& order) {
  drop_wire();
  link_ = order.link;
  const ProcessId master = redirect_ ? *std::exchange(redirect_, std::nullopt)
                                     : options_->masters[next_master_++ % options_->masters.size()];
  services_.observer().on_note(*this, fmt::format("dials process {}", master.value));
  wire_ = services_.network().dial(*this, master);
}

void AgentProcess::carry_out(effect::CloseLink&& order) {
  if (order.link == link_) drop_wire();
}

void AgentProcess::carry_out(effect::SendToMaster&& order) {
  if (order.link != link_ || !wire_) return;
  services_.network().send(*this, *wire_, std::move(order.message));
}

// --- storage

void AgentProcess::carry_out(effect::Persist&& order) { to_store_.push_back(std::move(order)); }

void AgentProcess::store() {
  if (storing_ || to_store_.empty()) return;
  storing_ = true;
  services_.after(*this, options_->store, [this] {
    storing_ = false;
    const std::vector<effect::Persist> batch = std::exchange(to_store_, {});
    const agent::Ticket last = batch.back().ticket;
    if (disk_broken_)
      return step(event::Persisted{batch.front().ticket, false, "the disk is full"});
    for (const effect::Persist& persist : batch) agent::apply(disk_, persist.operation);
    step(event::Persisted{last, true, {}});
  });
}

// --- containers

void AgentProcess::carry_out(effect::LaunchContainer&& order) {
  const ContainerId id = order.sandbox.container;
  if (draw_chance(rng_, tuning_.launch_fails)) {
    return services_.after(*this, tuning_.launch, [this, id] {
      step(event::LaunchFailed{id, "fork: Resource temporarily unavailable"});
    });
  }
  last_pid_ += kPidsOfAContainer;
  containers_[id] =
      std::make_unique<Container>(*this, services_, order, last_pid_, rng_.fork(id.value));
  services_.after(*this, tuning_.launch, [this, id] {
    if (Container* container = find(id)) container->connect();
  });
}

supervisor::Process AgentProcess::process_of(const effect::LaunchProcesses& order,
                                             const TaskSpec* task) {
  supervisor::Process process;
  if (task == nullptr) {
    process.name = order.executor.id.value;
    process.argv = {"executor"};
    return process;
  }
  process.name = task->id.value;
  const auto length = length_of(*task);
  if (!length) {
    process.refusal = "only tasks that sleep are simulated";
    return process;
  }
  process.argv = {"sleep", fmt::format("{}", length->count())};
  return process;
}

void AgentProcess::carry_out(effect::LaunchProcesses&& order) {
  Container* container = find(order.sandbox.container);
  if (container == nullptr) return;
  supervisor::Launch launch{{}, order.group};
  if (order.kind == agent::ContainerKind::kCustom) {
    launch.processes.push_back(process_of(order, nullptr));
  } else {
    for (const TaskSpec& task : order.tasks) launch.processes.push_back(process_of(order, &task));
  }
  container->hear(std::move(launch));
}

void AgentProcess::carry_out(effect::SendToSupervisor&& order) {
  if (Container* container = find(order.container)) container->hear(std::move(order.message));
}

void AgentProcess::carry_out(effect::KillContainer&& order) { kill_container(order.container); }

void AgentProcess::kill_container(const ContainerId& id) {
  services_.queue().at(services_.queue().now() + 1ms, [this, id] {
    Container* container = find(id);
    if (container == nullptr) {
      if (up()) step(event::SupervisorGone{id, {}});
      return;
    }
    container_gone(id, 9);
  });
}

void AgentProcess::container_gone(const ContainerId& id, std::optional<int32_t> status) {
  const auto at = containers_.find(id);
  if (at == containers_.end()) return;
  for (const auto& [name, run] : at->second->processes()) {
    services_.observer().on_task_process(*this, id, name, false);
  }
  std::erase_if(streams_, [&](const auto& stream) {
    if (stream.second != id) return false;
    services_.after(*this, 0ns, [this, connection = stream.first] {
      step(event::ExecutorDisconnected{connection});
    });
    return true;
  });
  // What it said last is on its socket still, and is read before its end is noticed.
  services_.after(*this, 50us, [this, id, status] { step(event::SupervisorGone{id, status}); });
  // Not now: it may be the container itself that calls.
  services_.queue().at(services_.queue().now() + 30us, [this, id] { containers_.erase(id); });
}

// --- custom executors

void AgentProcess::executor_subscribes(const FrameworkId& framework, const ExecutorId& executor,
                                       protocol::executor_call::Subscribe call) {
  services_.after(
      *this, 100us,
      [this, framework, executor, call = std::move(call),
       connection = ConnectionId(++last_connection_)]() mutable {
        step(event::ExecutorSubscribed{connection, framework, executor, std::move(call)});
      });
}

void AgentProcess::executor_calls(protocol::ExecutorCall call) {
  if (!up()) return;
  services_.after(
      *this, 100us,
      [this, call = std::move(call), request = ConnectionId(++last_connection_)]() mutable {
        step(event::ExecutorCalled{request, std::move(call)});
      });
}

void AgentProcess::carry_out(effect::OpenStream&&) {}

void AgentProcess::carry_out(effect::SendToExecutor&& order) {
  // The first event tells whose stream it is.
  if (const auto* subscribed = std::get_if<protocol::executor_event::Subscribed>(&order.event)) {
    streams_[order.connection] = subscribed->container;
  }
  const auto at = streams_.find(order.connection);
  if (at == streams_.end()) return;
  services_.after(*this, 100us, [this, id = at->second, event = std::move(order.event)]() mutable {
    Container* container = find(id);
    if (container != nullptr && container->custom()) container->custom()->hear(std::move(event));
  });
}

void AgentProcess::carry_out(effect::CloseStream&& order) {
  const auto at = streams_.find(order.connection);
  if (at == streams_.end()) return;
  services_.after(*this, 100us, [this, id = at->second] {
    Container* container = find(id);
    if (container != nullptr && container->custom()) container->custom()->disconnected();
  });
  streams_.erase(at);
}

void AgentProcess::carry_out(effect::Respond&&) {}  // our executors ask again by themselves

// --- the rest

void AgentProcess::carry_out(effect::ServeFile&& order) {
  services_.after(*this, 100us, [this, order = std::move(order)] {
    step(event::FileServed{order.link,
                           {.request = order.request.request, .http_status = 404, .body = {}}});
  });
}

void AgentProcess::carry_out(effect::ArmTimer&& order) { timer_.arm(order.at); }

void AgentProcess::carry_out(effect::Log&& order) {
  services_.observer().on_note(*this, order.text);
}

void AgentProcess::carry_out(effect::Stop&& order) {
  services_.observer().on_note(*this, order.text);
  crash();
  exit_status_ = order.exit_status;
  services_.queue().at(services_.queue().now() + kRestart, [this] { start(); });
}

}  // namespace souk::sim
