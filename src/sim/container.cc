#include "sim/container.h"

#include <charconv>
#include <csignal>
#include <utility>

#include "sim/agent_process.h"
#include "sim/custom_executor.h"
#include "sim/draw.h"
#include "sim/sleep_task.h"

namespace souk::sim {
namespace {

namespace supervisor = protocol::supervisor;

// Between processes of one host.
constexpr Duration kSocket = 20us;
// From a fork to a running program.
constexpr Duration kExec = 500us;
// What a program takes to die of a signal.
constexpr Duration kDeath = 200us;
constexpr int32_t kExitStatusOne = 1 << 8;  // as waitpid gives it

executor::Options options_of(const agent::effect::LaunchContainer& order, int64_t pid,
                             Switches switches) {
  executor::Options options;
  options.container = order.sandbox.container.value;
  options.pid = pid;
  options.switches = switches;
  if (order.kind == agent::ContainerKind::kDefault) options.linger = 1s;
  return options;
}

}  // namespace

Container::Container(AgentProcess& host, Services& services,
                     const agent::effect::LaunchContainer& order, int64_t pid, Rng rng)
    : host_(host),
      services_(services),
      id_(order.sandbox.container),
      framework_(order.sandbox.framework),
      executor_(order.sandbox.executor),
      kind_(order.kind),
      pid_(pid),
      rng_(rng),
      machine_(options_of(order, pid, host.options().machine.switches)) {}

Container::~Container() { *alive_ = false; }

template <class F>
void Container::later(Duration delay, F action) {
  services_.queue().at(services_.queue().now() + delay,
                       [alive = alive_, action = std::move(action)]() mutable {
                         if (*alive) action();
                       });
}

void Container::connect() {
  if (connected_ || exited_) return;
  connected_ = true;
  step(executor::AgentConnected{});
}

void Container::disconnect() {
  if (custom_) custom_->disconnected();
  if (!std::exchange(connected_, false)) return;
  step(executor::AgentDisconnected{});
}

void Container::hear(supervisor::ToSupervisor message) {
  if (!connected_) return;
  later(kSocket, [this, life = host_.life(), message = std::move(message)]() mutable {
    if (connected_ && host_.life() == life) step(executor::AgentSaid{std::move(message)});
  });
}

void Container::end_process(std::string_view name, int32_t status) {
  const std::string ended(name);  // which may be of what ends now
  if (processes_.erase(ended) == 0) return;
  // Not at once: it may be its own call.
  if (custom_) later(0ns, [gone = std::shared_ptr<CustomExecutor>(std::move(custom_))] {});
  services_.observer().on_task_process(host_, id(), ended, false);
  step(executor::ProcessExited{ended, status});
}

void Container::step(executor::Event event) {
  auto effects = services_.executor_effects.lend();
  machine_.step(services_.now(host_), std::move(event), *effects);
  for (executor::Effect& effect : *effects) {
    std::visit([this](auto&& one) { carry_out(std::forward<decltype(one)>(one)); },
               std::move(effect));
  }
}

void Container::carry_out(executor::Say&& effect) {
  if (!connected_) return;
  later(kSocket, [this, life = host_.life(), message = std::move(effect.message)]() mutable {
    if (host_.life() != life || !connected_) return;
    if (auto* report = std::get_if<supervisor::Report>(&message)) {
      host_.step(agent::event::SupervisorSaid{id(), std::move(*report)});
    } else {
      host_.step(agent::event::SupervisorConnected{id(), pid_});
    }
  });
}

void Container::carry_out(executor::Spawn&& effect) {
  const std::string name = effect.process.name;
  if (!effect.process.refusal.empty()) {
    return step(executor::ProcessLaunchFailed{name, effect.process.refusal});
  }
  const uint64_t run = ++last_run_;
  processes_[name] = run;
  services_.observer().on_task_process(host_, id(), name, true);
  step(executor::ProcessStarted{name, pid_ + static_cast<int64_t>(run)});
  if (kind_ == agent::ContainerKind::kCustom) {
    custom_ = std::make_unique<CustomExecutor>(
        CustomExecutor::Context{
            .host = host_,
            .framework = framework_,
            .executor = executor_,
            .later =
                [this, run, name](Duration delay, Action action) {
                  later(delay, [this, run, name, action = std::move(action)]() mutable {
                    const auto at = processes_.find(name);
                    if (at != processes_.end() && at->second == run) action();
                  });
                },
            .exit = [this, name](int32_t status) { end_process(name, status); }},
        rng_.fork(name));
    return custom_->start();
  }
  // As AgentProcess::process_of() put it there.
  int64_t ns = 0;
  const std::string& text = effect.process.argv.back();
  std::from_chars(text.data(), text.data() + text.size(), ns);
  Duration length{ns};
  int32_t status = 0;
  if (draw_chance(rng_, host_.tuning().task_crashes)) {
    length = draw_between(rng_, 0ns, length);
    status = draw_chance(rng_, 500'000) ? kExitStatusOne : SIGSEGV;
  }
  later(kExec + length, [this, name, run, status] {
    const auto at = processes_.find(name);
    if (at != processes_.end() && at->second == run) end_process(name, status);
  });
}

void Container::carry_out(executor::Signal&& effect) {
  const auto at = processes_.find(effect.name);
  if (at == processes_.end()) return;
  const bool deaf = effect.signal == SIGTERM && draw_chance(rng_, host_.tuning().deaf_to_sigterm);
  if (deaf) return;
  later(kDeath, [this, name = effect.name, run = at->second, signal = effect.signal] {
    const auto now = processes_.find(name);
    if (now != processes_.end() && now->second == run) end_process(name, signal);
  });
}

void Container::carry_out(executor::ArmTimer&& effect) {
  deadline_ = effect.at;
  if (!deadline_) return;
  later(host_.clock().when(*deadline_) - services_.queue().now(), [this, at = *deadline_] {
    if (deadline_ != at) return;
    deadline_.reset();
    step(executor::TimerFired{});
  });
}

void Container::carry_out(executor::DialAgain&&) {
  later(kSocket, [this] {
    if (connected_ || exited_) return;
    if (host_.up()) {
      connect();
    } else {
      step(executor::AgentDisconnected{});
    }
  });
}

void Container::carry_out(executor::Exit&&) {
  exited_ = true;
  later(kDeath, [this] { host_.container_gone(id(), 0); });
}

}  // namespace souk::sim
