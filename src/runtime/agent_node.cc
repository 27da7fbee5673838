#include "runtime/agent_node.h"

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>
#include <utility>

#include "agent/agent.h"
#include "base/hash_map.h"
#include "base/version.h"
#include "runtime/agent_routes.h"
#include "runtime/checkpoint_sqlite.h"
#include "runtime/clock.h"
#include "runtime/containers.h"
#include "runtime/detect.h"
#include "runtime/driver.h"
#include "runtime/http_client.h"
#include "runtime/http_server.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/master_routes.h"
#include "runtime/worker.h"
#include "wire/codec_executor.h"
#include "wire/codec_link.h"
#include "wire/recordio.h"

namespace souk::runtime {
namespace {

namespace effect = agent::effect;
namespace event = agent::event;

souk::ConnectionId machine_id(ConnectionId id) { return souk::ConnectionId(id.value); }
ConnectionId server_id(souk::ConnectionId id) { return ConnectionId(id.value); }

struct Input {
  agent::Event event;
  wire::ContentType accept = wire::ContentType::kJson;  // of a SUBSCRIBE
};

std::string beside_this_program(const char* name) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / name).string();
}

}  // namespace

struct AgentNode::Impl final : HttpHandler {
  using Event = Input;  // for the Driver

  explicit Impl(AgentNodeOptions o) : options(std::move(o)), driver(loop, *this), trail("agent") {}
  ~Impl();

  Result<void> start();
  Result<void> prepare();
  void start_containers();

  // --- the HTTP server's thread
  void on_request(HttpRequest&& request) override;
  void on_closed(ConnectionId id) override;
  void executor_call(HttpRequest&& request);

  // --- the loop's thread
  void on_event(const Now& now, Input&& input);
  void on_deadline(const Now& now) { step(now, event::TimerFired{}); }
  void on_batch_end(const Now& now);
  std::optional<MonoTime> next_deadline() const { return machine->next_deadline(); }
  void post(agent::Event event) { driver.post({std::move(event)}); }
  void step(const Now& now, agent::Event event);
  void store(const Now& now);

  void carry_out(effect::OpenLink&& order);
  void carry_out(effect::CloseLink&& order);
  void carry_out(effect::SendToMaster&& order);
  void carry_out(effect::LaunchContainer&& order) { containers->launch(order); }
  void carry_out(effect::LaunchProcesses&& order) { containers->launch_processes(order); }
  void carry_out(effect::SendToSupervisor&& order) {
    containers->send(order.container, order.message);
  }
  void carry_out(effect::KillContainer&& order) { containers->kill(order.container); }
  void carry_out(effect::OpenStream&& order);
  void carry_out(effect::SendToExecutor&& order);
  void carry_out(effect::CloseStream&& order);
  void carry_out(effect::Respond&& order);
  void carry_out(effect::Persist&& order);
  void carry_out(effect::RemoveSandbox&& order);
  void carry_out(effect::ServeFile&& order);
  void carry_out(effect::ArmTimer&&) {}  // next_deadline() tells it
  void carry_out(effect::Log&& order);
  void carry_out(effect::Stop&& order);
  void link_frames(agent::LinkId link, std::span<const std::string_view> frames);
  void flush_link();

  AgentNodeOptions options;
  Rng rng{random_seed()};
  std::unique_ptr<SqliteCheckpoint> checkpoint;
  std::unique_ptr<agent::Machine> machine;

  Loop loop;
  Driver<Impl> driver;
  std::unique_ptr<HttpClient> client;
  std::unique_ptr<Containers> containers;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<AgentDocuments> documents;
  std::atomic<bool> ready = false;  // all of the above is there

  // Of the loop's thread.
  EventTrail trail;
  std::vector<effect::Persist> to_store;
  HttpServer::Batch out;
  HashMap<uint64_t, wire::ContentType> streams;
  std::string record;
  agent::LinkId link;
  HttpClient::StreamId link_stream = 0;
  std::string link_bytes;
  std::size_t next_master = 0;
  std::string redirect;  // where a master that does not lead sent us
  bool stopped = false;

  std::unique_ptr<Worker> worker;
  std::jthread thread;
};

AgentNode::Impl::~Impl() {
  ready = true;
  ready.notify_all();
  worker.reset();
  driver.close();
  loop.stop();
  if (thread.joinable()) thread.join();
  if (server) server->stop();
}

Result<void> AgentNode::Impl::prepare() {
  std::error_code error;
  std::filesystem::create_directories(options.work_dir, error);
  if (error) return fail("cannot make --work_dir '{}': {}", options.work_dir, error.message());
  options.work_dir = std::filesystem::absolute(options.work_dir).lexically_normal().string();
  if (options.executor.empty()) options.executor = beside_this_program("souk-executor");
  if (!std::filesystem::exists(options.executor)) {
    return fail("there is no '{}': souk-executor belongs beside souk, or say --executor=PATH",
                options.executor);
  }
  if (options.masters.empty()) return fail("no master was given: say --master=HOST:PORT");
  auto resources = agent_resources(options.resources, options.work_dir);
  if (!resources) return std::unexpected(resources.error());
  const Duration short_limit = options.max_short_task_duration.value_or(Duration::zero());
  auto divided = set_aside(*resources, options.short_task_resources, short_limit);
  if (!divided) return std::unexpected(divided.error());
  auto attributes = parse_attributes(options.attributes);
  if (!attributes) return std::unexpected(attributes.error());

  AgentInfo& info = options.machine.agent;
  info.hostname = options.hostname.empty() ? host_name() : options.hostname;
  info.resources = std::move(divided->ordinary);
  info.short_slots = std::move(divided->short_slots);
  info.short_slot_limit = short_limit;
  info.attributes = std::move(*attributes);
  info.domain = options.domain;
  info.version = std::string(kVersion);
  options.machine.version = info.version;
  options.machine.work_dir = options.work_dir;
  return {};
}

Result<void> AgentNode::Impl::start() {
  if (auto prepared = prepare(); !prepared) return prepared;
  auto opened = SqliteCheckpoint::open(options.work_dir);
  if (!opened) return std::unexpected(opened.error());
  checkpoint = std::move(*opened);
  auto listening = HttpServer::start({.ip = options.ip, .port = options.port}, *this);
  if (!listening) return std::unexpected(listening.error());
  server = std::move(*listening);
  options.machine.agent.ip = server->ip();
  options.machine.agent.port = server->port();

  client = std::make_unique<HttpClient>(loop);
  worker = std::make_unique<Worker>();
  start_containers();
  if (auto listens = containers->listen(); !listens) return listens;
  containers->adopt(checkpoint->initial());
  machine = std::make_unique<agent::Machine>(options.machine, rng.fork("agent"),
                                             agent::Recovered{std::move(checkpoint->initial())});
  documents = std::make_unique<AgentDocuments>(options.flags, wall_now());
  ready = true;
  ready.notify_all();
  post(event::Started{});
  thread = std::jthread([this] { loop.run(); });
  log_info("agent is serving", {{"url", fmt::format("http://{}:{}", server->ip(), server->port())},
                                {"resources", options.machine.agent.resources.to_string()},
                                {"work_dir", options.work_dir}});
  return {};
}

void AgentNode::Impl::start_containers() {
  Containers::Options container_options{
      .work_dir = options.work_dir,
      .executor = options.executor,
      .switch_user = options.switch_user,
      .recovery_timeout = options.machine.recovery_timeout,
      .agent_endpoint = fmt::format("{}:{}", server->ip(), server->port()),
      .agent_ip = server->ip(),
      .after_calls = [this](Task task) {
        server->after_input(
            [this, task = std::move(task)]() mutable { loop.post(std::move(task)); });
      }};
  Containers::Callbacks callbacks{
      .connected = [this](const ContainerId& id,
                          int64_t pid) { post(event::SupervisorConnected{id, pid}); },
      .said =
          [this](const ContainerId& id, protocol::supervisor::Report report) {
            post(event::SupervisorSaid{id, std::move(report)});
          },
      .gone = [this](const ContainerId& id,
                     std::optional<int32_t> status) { post(event::SupervisorGone{id, status}); },
      .launch_failed = [this](const ContainerId& id,
                              std::string why) { post(event::LaunchFailed{id, std::move(why)}); }};
  containers =
      std::make_unique<Containers>(loop, std::move(container_options), std::move(callbacks));
}

// --- the HTTP server's thread

void AgentNode::Impl::on_request(HttpRequest&& request) {
  ready.wait(false);
  if (!documents) return;  // the start failed
  auto target = route_agent(request.target);
  if (!target) return server->respond(request.id, std::move(target.error()));
  if (target->route == AgentRoute::kExecutor) return executor_call(std::move(request));
  if (target->route == AgentRoute::kHealth) {
    return server->respond(request.id, HttpReply::empty(200));
  }
  if (target->route == AgentRoute::kFiles) {
    auto files = parse_agent_local_files(*target);
    if (!files) return server->respond(request.id, std::move(files.error()));
    return worker->post([this, id = request.id, files = std::move(*files)] {
      // The agent's own id only matters for virtual paths.
      std::promise<AgentId> own_id;
      auto answer = own_id.get_future();
      loop.post([this, &own_id] { own_id.set_value(machine->view().agent.id); });
      const auto served = containers->sandboxes().serve(
          answer.get(),
          {.kind = files.kind, .path = files.path, .offset = files.offset, .length = files.length});
      HttpReply reply = HttpReply::text(served.http_status, served.body);
      reply.content_type = served.content_type;
      server->respond(id, std::move(reply));
    });
  }
  // An agent's state is small: rendered where it is.
  loop.post([this, id = request.id, target = std::move(*target)] {
    server->respond(id, documents->render(target, machine->view()));
  });
}

void AgentNode::Impl::executor_call(HttpRequest&& request) {
  const auto type = check_api_request(request);
  if (!type) return server->respond(request.id, type.error());
  auto call = wire::decode_executor_call(request.body, *type);
  if (!call) {
    return server->respond(request.id, HttpReply::text(call.error().status, call.error().body));
  }
  auto* subscribe = std::get_if<protocol::executor_call::Subscribe>(&call->body);
  if (subscribe == nullptr) {
    return driver.post({event::ExecutorCalled{machine_id(request.id), std::move(*call)}},
                       request.body.size());
  }
  const auto accept = check_accept(request);
  if (!accept) return server->respond(request.id, accept.error());
  driver.post({event::ExecutorSubscribed{machine_id(request.id), std::move(call->framework),
                                         std::move(call->executor), std::move(*subscribe)},
               *accept},
              request.body.size());
}

// After what the executor may have said over other connections before it went.
void AgentNode::Impl::on_closed(ConnectionId id) {
  server->after_input([this, id] { driver.post({event::ExecutorDisconnected{machine_id(id)}}); });
}

// --- the loop's thread

void AgentNode::Impl::on_event(const Now& now, Input&& input) {
  if (const auto* subscribed = std::get_if<event::ExecutorSubscribed>(&input.event)) {
    streams[subscribed->connection.value] = input.accept;
  } else if (const auto* gone = std::get_if<event::ExecutorDisconnected>(&input.event)) {
    streams.erase(gone->connection.value);
  }
  step(now, std::move(input.event));
}

void AgentNode::Impl::on_batch_end(const Now& now) {
  store(now);
  flush_link();
  server->submit(out);
}

void AgentNode::Impl::step(const Now& now, agent::Event event) {
  if (stopped) return;
  agent::Effects effects;
  machine->step(now, std::move(event), effects);
  for (agent::Effect& order : effects) {
    std::visit([this](auto&& one) { carry_out(std::forward<decltype(one)>(one)); },
               std::move(order));
  }
}

void AgentNode::Impl::store(const Now& now) {
  while (!to_store.empty()) {
    const std::vector<effect::Persist> batch = std::exchange(to_store, {});
    std::vector<agent::CheckpointOperation> operations;
    operations.reserve(batch.size());
    for (const effect::Persist& persist : batch) operations.push_back(persist.operation);
    const Result<void> stored = checkpoint->store(operations);
    step(now, event::Persisted{batch.back().ticket, stored.has_value(),
                               stored ? std::string() : stored.error().message});
  }
}

void AgentNode::Impl::carry_out(effect::OpenLink&& order) {
  if (link_stream != 0) client->close(std::exchange(link_stream, 0));
  link_bytes.clear();
  link = order.link;
  const std::string master = redirect.empty()
                                 ? options.masters[next_master++ % options.masters.size()]
                                 : std::exchange(redirect, {});
  auto url = parse_url("http://" + master + "/souk/v1/link");
  if (!url) {
    return post(event::LinkClosed{order.link, url.error().message});
  }
  HttpClient::LinkCallbacks callbacks;
  callbacks.on_open = [this, id = order.link] { post(event::LinkOpened{id}); };
  callbacks.on_frames = [this, id = order.link](std::span<const std::string_view> frames) {
    link_frames(id, frames);
  };
  callbacks.on_closed = [this, id = order.link, master](const std::string& why,
                                                        const HttpAnswer* refusal) {
    if (id == link) link_stream = 0;
    if (refusal != nullptr && refusal->status == 307) {
      if (const auto to = parse_url(refusal->headers.get("Location"))) redirect = to->authority();
    }
    post(event::LinkClosed{id, fmt::format("{}: {}", master, why)});
  };
  link_stream = client->open_link(std::move(*url), "souk-link", std::move(callbacks));
}

void AgentNode::Impl::link_frames(agent::LinkId id, std::span<const std::string_view> frames) {
  for (const std::string_view bytes : frames) {
    auto frame = wire::decode_master_frame(bytes);
    if (!frame) {
      if (id == link && link_stream != 0) client->close(std::exchange(link_stream, 0));
      return post(event::LinkClosed{id, "malformed message: " + frame.error().message});
    }
    if (*frame) post(event::MasterSaid{id, std::move(**frame)});
  }
}

void AgentNode::Impl::carry_out(effect::CloseLink&& order) {
  if (order.link != link || link_stream == 0) return;
  flush_link();
  client->close(std::exchange(link_stream, 0));
}

void AgentNode::Impl::carry_out(effect::SendToMaster&& order) {
  if (order.link != link || link_stream == 0) return;
  if (auto done = wire::append_link_frame(link_bytes, order.message); !done) {
    log_error("a message for the master is too large and was not sent",
              {{"why", done.error().message}});
  }
}

void AgentNode::Impl::flush_link() {
  if (link_bytes.empty() || link_stream == 0) return;
  client->send(link_stream, std::exchange(link_bytes, {}));
}

void AgentNode::Impl::carry_out(effect::OpenStream&& order) {
  const auto at = streams.find(order.connection.value);
  const auto type = at == streams.end() ? wire::ContentType::kJson : at->second;
  out.open_stream(server_id(order.connection), std::string(wire::mime_type(type)));
}

void AgentNode::Impl::carry_out(effect::SendToExecutor&& order) {
  const auto at = streams.find(order.connection.value);
  if (at == streams.end()) return;
  record.clear();
  wire::append_executor_event(record, order.event, at->second);
  std::string chunk;
  wire::append_chunk(chunk, record);
  out.send(server_id(order.connection), std::move(chunk));
}

void AgentNode::Impl::carry_out(effect::CloseStream&& order) {
  streams.erase(order.connection.value);
  out.close(server_id(order.connection));
}

void AgentNode::Impl::carry_out(effect::Respond&& order) {
  streams.erase(order.request.value);
  HttpReply reply = order.answer.body.empty()
                        ? HttpReply::empty(order.answer.status)
                        : HttpReply::text(order.answer.status, std::move(order.answer.body));
  out.respond(server_id(order.request), std::move(reply));
}

void AgentNode::Impl::carry_out(effect::Persist&& order) { to_store.push_back(std::move(order)); }

void AgentNode::Impl::carry_out(effect::RemoveSandbox&& order) {
  worker->post([this, sandbox = std::move(order.sandbox)] {
    if (auto removed = containers->sandboxes().remove(sandbox); !removed) {
      log_warning(removed.error().message);
    }
  });
}

void AgentNode::Impl::carry_out(effect::ServeFile&& order) {
  worker->post([this, id = machine->view().agent.id, order = std::move(order)] {
    post(event::FileServed{order.link, containers->sandboxes().serve(id, order.request)});
  });
}

void AgentNode::Impl::carry_out(effect::Log&& order) {
  constexpr LogLevel kLevels[] = {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning,
                                  LogLevel::kError};
  log_line(kLevels[static_cast<std::size_t>(order.severity)], order.text);
}

void AgentNode::Impl::carry_out(effect::Stop&& order) {
  stopped = true;
  flush_link();
  if (options.on_stopped) {
    loop.post([this, order] { options.on_stopped(order.exit_status, order.text); });
  }
}

// --- the node

AgentNode::AgentNode(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AgentNode::~AgentNode() = default;

Result<std::unique_ptr<AgentNode>> AgentNode::start(AgentNodeOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (auto started = impl->start(); !started) return std::unexpected(started.error());
  return std::unique_ptr<AgentNode>(new AgentNode(std::move(impl)));
}

uint16_t AgentNode::port() const { return impl_->server->port(); }

std::string AgentNode::id() {
  std::promise<std::string> promise;
  auto id = promise.get_future();
  impl_->loop.post([&] { promise.set_value(impl_->machine->view().agent.id.value); });
  return id.get();
}

void AgentNode::stop(bool leave) { impl_->post(event::StopRequested{leave}); }

void AgentNode::crash() {
  std::promise<void> done;
  impl_->loop.post([&] {
    impl_->stopped = true;
    impl_->containers->kill_all();
    if (impl_->link_stream != 0) impl_->client->close(std::exchange(impl_->link_stream, 0));
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace souk::runtime
