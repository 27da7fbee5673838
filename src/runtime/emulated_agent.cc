#include "runtime/emulated_agent.h"

#include <charconv>
#include <csignal>
#include <deque>
#include <map>
#include <utility>

#include "agent/agent.h"
#include "base/hash_map.h"
#include "executor/machine.h"
#include "runtime/clock.h"
#include "runtime/log.h"
#include "wire/codec_link.h"
#include "wire/command.h"

namespace souk::runtime {

namespace effect = agent::effect;
namespace event = agent::event;
namespace supervisor = protocol::supervisor;

std::optional<Duration> sleep_length(std::string_view text) {
  constexpr std::string_view kSleep = "sleep ";
  if (!text.starts_with(kSleep)) return std::nullopt;
  text.remove_prefix(kSleep.size());
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  constexpr double kLongest = 365.0 * 24 * 3600;
  if (!(seconds >= 0) || seconds > kLongest) return std::nullopt;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

namespace {

std::optional<Duration> length_of_command(const TaskSpec& task) {
  const auto command = wire::task_command(task.raw);
  return command && command->shell ? sleep_length(command->value) : std::nullopt;
}

}  // namespace

struct EmulatedAgent::Impl {
  // What an executor of a framework's says of itself.
  struct Custom {
    FrameworkId framework;
    ExecutorId executor;
    ConnectionId stream;
    std::map<TaskId, TimerId> tasks;  // that run
  };
  // A souk-executor and its processes. If the one process is an executor of the framework's, it is
  // subscribed at once, and its tasks are timers as well.
  struct Container {
    explicit Container(executor::Options options) : machine(std::move(options)) {}
    executor::Machine machine;
    std::deque<executor::Event> events;
    std::map<std::string, Duration> lengths;   // of processes that have not begun
    std::map<std::string, TimerId> processes;  // that run
    TimerId timer = 0;
    std::optional<Custom> custom;
  };

  Impl(Loop& l, HttpClient& c, EmulatedAgentCounts& n, EmulatedAgentOptions o, const Rng& rng)
      : loop(l),
        client(c),
        counts(n),
        options(std::move(o)),
        machine(options.machine, rng, agent::Recovered{}),
        uuids(rng.fork("executors")) {}
  ~Impl();

  void tell(agent::Event event);
  void drain();
  void step(agent::Event event);
  void note_registered();
  void arm();

  void carry_out(effect::OpenLink&& order);
  void carry_out(effect::CloseLink&& order);
  void carry_out(effect::SendToMaster&& order);
  void carry_out(effect::LaunchContainer&& order);
  void carry_out(effect::LaunchProcesses&& order);
  void carry_out(effect::SendToSupervisor&& order);
  void carry_out(effect::KillContainer&& order);
  void carry_out(effect::OpenStream&&) {}  // an emulated executor is not far away
  void carry_out(effect::SendToExecutor&& order);
  void carry_out(effect::CloseStream&&) {}
  void carry_out(effect::Respond&&) {}
  void carry_out(effect::Persist&& order) { stored = order.ticket; }
  void carry_out(effect::RemoveSandbox&&) {}
  void carry_out(effect::ServeFile&& order);
  void carry_out(effect::ArmTimer&&) {}  // next_deadline() tells it
  void carry_out(effect::Log&& order);
  void carry_out(effect::Stop&& order);
  void hear(agent::LinkId id, std::span<const std::string_view> frames);
  void flush_link();
  void close_link();

  void step(const ContainerId& id, executor::Event event);
  void carry_out(const ContainerId& id, Container& container, executor::Effect&& effect);
  void begin(const ContainerId& id, Container& container, const std::string& name);
  void end(const ContainerId& id, const std::string& name, int status);
  void subscribe(const ContainerId& id, Container& container);
  void run_task(const ContainerId& id, Custom& custom, const TaskSpec& task);
  void end_task(const ContainerId& id, const TaskId& task, TaskState state);
  void say_state(const Custom& custom, const TaskId& task, TaskState state);
  void forget(const ContainerId& id);

  Loop& loop;
  HttpClient& client;
  EmulatedAgentCounts& counts;
  EmulatedAgentOptions options;
  agent::Machine machine;
  std::deque<agent::Event> events;
  bool stepping = false;
  bool registered = false;
  bool stopped = false;
  std::optional<agent::Ticket> stored;
  TimerId timer = 0;
  std::optional<MonoTime> timer_at;
  agent::LinkId link;
  HttpClient::StreamId stream = 0;
  std::string bytes;  // for the link
  std::size_t next_master = 0;
  int64_t last_pid = 0;
  uint64_t last_connection = 0;
  std::map<ConnectionId, ContainerId> streams;  // of executors of frameworks
  Rng uuids;
  std::map<ContainerId, std::unique_ptr<Container>> containers;
};

EmulatedAgent::Impl::~Impl() {
  loop.cancel(timer);
  if (stream != 0) client.close(stream);
  for (auto& [id, container] : containers) {
    loop.cancel(container->timer);
    for (const auto& [name, end] : container->processes) loop.cancel(end);
    if (!container->custom) continue;
    for (const auto& [task, end] : container->custom->tasks) loop.cancel(end);
  }
}

// --- the agent

void EmulatedAgent::Impl::tell(agent::Event event) {
  events.push_back(std::move(event));
  drain();
}

void EmulatedAgent::Impl::drain() {
  if (std::exchange(stepping, true)) return;
  while (!events.empty()) {
    agent::Event next = std::move(events.front());
    events.pop_front();
    step(std::move(next));
  }
  stepping = false;
  if (events.empty()) std::deque<agent::Event>().swap(events);
  flush_link();
  note_registered();
  arm();
}

void EmulatedAgent::Impl::step(agent::Event event) {
  if (stopped) return;
  agent::Effects effects;
  machine.step(now(), std::move(event), effects);
  for (agent::Effect& order : effects) {
    std::visit([this](auto&& one) { carry_out(std::forward<decltype(one)>(one)); },
               std::move(order));
  }
  if (stored) step(event::Persisted{*std::exchange(stored, std::nullopt), true, {}});
}

void EmulatedAgent::Impl::note_registered() {
  const bool is = !stopped && machine.state().link.stage == agent::Link::Stage::kRegistered;
  if (is == std::exchange(registered, is)) return;
  is ? ++counts.registered : --counts.registered;
  if (!is) ++counts.links_lost;
}

// Most deadlines move to a later time again and again: the timer stays where it is until it fires.
void EmulatedAgent::Impl::arm() {
  const std::optional<MonoTime> next = stopped ? std::nullopt : machine.next_deadline();
  if (!next || (timer_at && *timer_at <= *next)) return;
  loop.cancel(timer);
  timer_at = next;
  timer = loop.call_at(*next, [this] {
    timer_at.reset();
    const auto due = machine.next_deadline();
    if (due && *due <= mono_now()) return tell(event::TimerFired{});
    arm();
  });
}

void EmulatedAgent::Impl::carry_out(effect::OpenLink&& order) {
  close_link();
  link = order.link;
  const std::string& master = options.masters[next_master++ % options.masters.size()];
  auto url = parse_url("http://" + master + "/souk/v1/link");
  if (!url) return tell(event::LinkClosed{order.link, url.error().message});
  HttpClient::LinkCallbacks callbacks;
  callbacks.on_open = [this, id = order.link] { tell(event::LinkOpened{id}); };
  callbacks.on_frames = [this, id = order.link](std::span<const std::string_view> frames) {
    hear(id, frames);
  };
  callbacks.on_closed = [this, id = order.link](const std::string& why, const HttpAnswer*) {
    if (id == link) stream = 0;
    tell(event::LinkClosed{id, why});
  };
  stream = client.open_link(std::move(*url), "souk-link", std::move(callbacks), options.local_ip);
}

void EmulatedAgent::Impl::hear(agent::LinkId id, std::span<const std::string_view> frames) {
  // Frames that came together are answered together.
  for (const std::string_view frame : frames) {
    auto message = wire::decode_master_frame(frame);
    if (!message) {
      events.emplace_back(event::LinkClosed{id, message.error().message});
      if (id == link) close_link();
      break;
    }
    if (*message) events.emplace_back(event::MasterSaid{id, std::move(**message)});
  }
  drain();
}

void EmulatedAgent::Impl::carry_out(effect::CloseLink&& order) {
  if (order.link != link) return;
  flush_link();
  close_link();
}

void EmulatedAgent::Impl::close_link() {
  if (stream != 0) client.close(std::exchange(stream, 0));
  bytes.clear();
}

void EmulatedAgent::Impl::carry_out(effect::SendToMaster&& order) {
  if (order.link != link || stream == 0) return;
  if (auto done = wire::append_link_frame(bytes, order.message); !done) {
    log_error("a message for the master is too large and was not sent",
              {{"why", done.error().message}});
  }
}

void EmulatedAgent::Impl::flush_link() {
  if (!bytes.empty() && stream != 0) client.send(stream, std::exchange(bytes, {}));
}

void EmulatedAgent::Impl::carry_out(effect::ServeFile&& order) {
  tell(event::FileServed{order.link,
                         {.request = order.request.request,
                          .http_status = 404,
                          .body = "An emulated agent has no files",
                          .content_type = "text/plain"}});
}

void EmulatedAgent::Impl::carry_out(effect::Log&& order) {
  constexpr LogLevel kLevels[] = {LogLevel::kDebug, LogLevel::kDebug, LogLevel::kWarning,
                                  LogLevel::kError};
  log_line(kLevels[static_cast<std::size_t>(order.severity)], order.text);
}

void EmulatedAgent::Impl::carry_out(effect::Stop&&) {
  flush_link();
  stopped = true;
  ++counts.stopped;
}

// --- containers

void EmulatedAgent::Impl::carry_out(effect::LaunchContainer&& order) {
  const ContainerId& id = order.sandbox.container;
  const int64_t pid = ++last_pid;
  auto container =
      std::make_unique<Container>(executor::Options{.container = id.value, .pid = pid});
  if (order.kind == agent::ContainerKind::kCustom) {
    container->custom = {.framework = order.framework.id,
                         .executor = order.executor.id,
                         .stream = ConnectionId(++last_connection)};
    streams[container->custom->stream] = id;
  }
  containers.emplace(id, std::move(container));
  step(id, executor::AgentConnected{});
}

void EmulatedAgent::Impl::carry_out(effect::LaunchProcesses&& order) {
  const ContainerId id = order.sandbox.container;
  const auto at = containers.find(id);
  if (at == containers.end()) return;
  supervisor::Launch launch{.processes = {}, .group = order.group};
  if (at->second->custom) {
    launch.processes.push_back({.name = order.executor.id.value, .argv = {"executor"}});
  }
  for (const TaskSpec& task : order.tasks) {
    launch.processes.push_back({.name = task.id.value, .argv = {"sleep"}});
    at->second->lengths[task.id.value] = length_of_command(task).value_or(options.task_length);
  }
  step(id, executor::AgentSaid{std::move(launch)});
}

void EmulatedAgent::Impl::carry_out(effect::SendToSupervisor&& order) {
  if (containers.contains(order.container)) {
    step(order.container, executor::AgentSaid{std::move(order.message)});
  }
}

void EmulatedAgent::Impl::carry_out(effect::KillContainer&& order) {
  forget(order.container);
  tell(event::SupervisorGone{order.container, SIGKILL});
}

void EmulatedAgent::Impl::forget(const ContainerId& id) {
  const auto at = containers.find(id);
  if (at == containers.end()) return;
  loop.cancel(at->second->timer);
  Container& container = *at->second;
  for (const auto& [name, end] : container.processes) loop.cancel(end);
  if (container.custom) {
    for (const auto& [task, end] : container.custom->tasks) loop.cancel(end);
    counts.running -= container.custom->tasks.size();
    streams.erase(container.custom->stream);
  } else {
    counts.running -= container.processes.size();
  }
  containers.erase(at);
}

// What one souk-executor decides; an effect that is answered at once is so by a further event.
void EmulatedAgent::Impl::step(const ContainerId& container_id, executor::Event event) {
  // It may be part of what is erased. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
  const ContainerId id = container_id;
  Container* container = containers.at(id).get();
  container->events.push_back(std::move(event));
  if (container->events.size() > 1) return;
  while (!container->events.empty()) {
    executor::Effects effects;
    executor::Event next = std::move(container->events.front());
    container->machine.step(now(), std::move(next), effects);
    for (executor::Effect& effect : effects) {
      carry_out(id, *container, std::move(effect));
      if (!containers.contains(id)) return;
    }
    container->events.pop_front();
  }
}

void EmulatedAgent::Impl::carry_out(const ContainerId& id, Container& container,
                                    executor::Effect&& effect) {
  if (auto* say = std::get_if<executor::Say>(&effect)) {
    if (auto* hello = std::get_if<supervisor::Hello>(&say->message)) {
      tell(event::SupervisorConnected{id, hello->pid});
    } else {
      tell(event::SupervisorSaid{id, std::move(std::get<supervisor::Report>(say->message))});
    }
  } else if (auto* spawn = std::get_if<executor::Spawn>(&effect)) {
    begin(id, container, spawn->process.name);
  } else if (auto* signal = std::get_if<executor::Signal>(&effect)) {
    if (container.processes.contains(signal->name)) end(id, signal->name, signal->signal);
  } else if (auto* arm = std::get_if<executor::ArmTimer>(&effect)) {
    loop.cancel(container.timer);
    container.timer =
        arm->at ? loop.call_at(*arm->at, [this, id] { step(id, executor::TimerFired{}); }) : 0;
  } else if (std::holds_alternative<executor::Exit>(effect)) {
    forget(id);
    tell(event::SupervisorGone{id, 0});
  }
  // Sweep: there is nothing. DialAgain: its connection never breaks.
}

void EmulatedAgent::Impl::begin(const ContainerId& id, Container& container,
                                const std::string& name) {
  if (container.custom) return subscribe(id, container);
  Duration length = options.task_length;
  if (const auto at = container.lengths.find(name); at != container.lengths.end()) {
    length = at->second;
    container.lengths.erase(at);
  }
  ++counts.started;
  ++counts.running;
  // As the executor's rules say: before any other event.
  container.events.insert(container.events.begin() + 1, executor::ProcessStarted{name, ++last_pid});
  if (length > Duration::zero()) {
    container.processes[name] = loop.call_after(length, [this, id, name] { end(id, name, 0); });
    return;
  }
  container.processes[name] = 0;
  loop.post([this, id, name] { end(id, name, 0); });
}

void EmulatedAgent::Impl::end(const ContainerId& id, const std::string& name, int status) {
  const auto at = containers.find(id);
  if (at == containers.end()) return;
  const auto process = at->second->processes.extract(name);
  if (process.empty()) return;
  loop.cancel(process.mapped());
  if (!at->second->custom) {
    --counts.running;
    status == 0 ? ++counts.finished : ++counts.killed;
  }
  step(id, executor::ProcessExited{name, status});
}

// --- executors of frameworks

void EmulatedAgent::Impl::subscribe(const ContainerId& id, Container& container) {
  const Custom& custom = *container.custom;
  container.processes[custom.executor.value] = 0;
  container.events.insert(container.events.begin() + 1,
                          executor::ProcessStarted{custom.executor.value, ++last_pid});
  loop.post([this, id] {
    const auto at = containers.find(id);
    if (at == containers.end()) return;
    const Custom& it = *at->second->custom;
    tell(event::ExecutorSubscribed{it.stream, it.framework, it.executor, {}});
  });
}

void EmulatedAgent::Impl::carry_out(effect::SendToExecutor&& order) {
  namespace ev = protocol::executor_event;
  const auto stream = streams.find(order.connection);
  if (stream == streams.end()) return;
  const ContainerId id = stream->second;
  Custom& custom = *containers.at(id)->custom;
  if (auto* launch = std::get_if<ev::Launch>(&order.event)) {
    run_task(id, custom, launch->task);
  } else if (auto* group = std::get_if<ev::LaunchGroup>(&order.event)) {
    for (const TaskSpec& task : group->tasks) run_task(id, custom, task);
  } else if (auto* kill = std::get_if<ev::Kill>(&order.event)) {
    end_task(id, kill->task, TaskState::kKilled);
  } else if (std::holds_alternative<ev::Shutdown>(order.event)) {
    end(id, custom.executor.value, 0);
  }
}

void EmulatedAgent::Impl::run_task(const ContainerId& id, Custom& custom, const TaskSpec& task) {
  if (custom.tasks.contains(task.id)) return;
  ++counts.started;
  ++counts.running;
  say_state(custom, task.id, TaskState::kRunning);
  const Duration length = sleep_length(task.name).value_or(options.task_length);
  custom.tasks[task.id] = loop.call_after(
      length, [this, id, name = task.id] { end_task(id, name, TaskState::kFinished); });
}

void EmulatedAgent::Impl::end_task(const ContainerId& id, const TaskId& task, TaskState state) {
  const auto at = containers.find(id);
  if (at == containers.end()) return;
  Custom& custom = *at->second->custom;
  const auto timer_of_task = custom.tasks.extract(task);
  if (timer_of_task.empty()) return;
  loop.cancel(timer_of_task.mapped());
  --counts.running;
  state == TaskState::kFinished ? ++counts.finished : ++counts.killed;
  say_state(custom, task, state);
}

void EmulatedAgent::Impl::say_state(const Custom& custom, const TaskId& task, TaskState state) {
  protocol::executor_call::Update update;
  update.status.task_id = task;
  update.status.state = state;
  update.status.source = StatusSource::kExecutor;
  update.status.timestamp = wall_now();
  update.status.uuid = Uuid::random(uuids);
  update.has_uuid = update.has_source = true;
  tell(event::ExecutorCalled{ConnectionId(++last_connection),
                             {custom.framework, custom.executor, std::move(update)}});
}

// --- the class

EmulatedAgent::EmulatedAgent(Loop& loop, HttpClient& client, EmulatedAgentCounts& counts,
                             EmulatedAgentOptions options, const Rng& rng)
    : impl_(std::make_unique<Impl>(loop, client, counts, std::move(options), rng)) {}
EmulatedAgent::~EmulatedAgent() = default;

void EmulatedAgent::start() { impl_->tell(event::Started{}); }
void EmulatedAgent::leave() { impl_->tell(event::StopRequested{true}); }
void EmulatedAgent::drop_link() {
  impl_->close_link();
  impl_->tell(event::LinkClosed{impl_->link, "dropped"});
}

}  // namespace souk::runtime
