#include "runtime/master_node.h"

#include <atomic>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "base/hash_map.h"
#include "base/room.h"
#include "base/uuid.h"
#include "master/master.h"
#include "runtime/allocator_loader.h"
#include "runtime/clock.h"
#include "runtime/driver.h"
#include "runtime/explain_routes.h"
#include "runtime/http_server.h"
#include "runtime/http_text.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/master_documents.h"
#include "runtime/master_routes.h"
#include "runtime/operator_streams.h"
#include "runtime/registry_sqlite.h"
#include "wire/codec_link.h"
#include "wire/codec_operator.h"
#include "wire/codec_scheduler.h"
#include "wire/explain_json.h"
#include "wire/recordio.h"

namespace souk::runtime {
namespace {

souk::ConnectionId machine_id(ConnectionId id) { return souk::ConnectionId(id.value); }
ConnectionId server_id(souk::ConnectionId id) { return ConnectionId(id.value); }

// After a snapshot the next one waits for so many times as long as it took the machine's thread:
// readers get a tenth of that at most.
constexpr int kSnapshotRest = 9;

// Messages of one agent on their way to the machine's thread: one that floods waits for its turn.
constexpr std::size_t kMaxLinkFrames = 256;

constexpr std::size_t kCopied = std::size_t{64} << 10;

constexpr std::string_view kSchedulerTarget = "/api/v1/scheduler";

// What the I/O threads hand to the machine's thread.
struct Input {
  master::Event event;
  wire::ContentType accept = wire::ContentType::kJson;  // of a SUBSCRIBE
  // No event: this link waits until all that it said before is dealt with.
  ConnectionId full_link;
};

}  // namespace

// Three kinds of threads: the I/O threads parse and post; the machine's thread steps, stores and
// encodes; the documents' thread renders.
struct MasterNode::Impl final : HttpHandler {
  using Event = Input;  // for the Driver

  // What one I/O thread gathers until it has drained its sockets.
  struct IoThread {
    explicit IoThread(Rng r) : rng(r) {}
    Rng rng;
    std::vector<Input> inputs;
    std::size_t bytes = 0;
  };

  explicit Impl(MasterNodeOptions o)
      : options(std::move(o)), driver(loop, *this), trail("master") {}
  ~Impl() { stop(); }

  Result<void> start();
  void stop();

  // --- I/O threads
  void on_request(HttpRequest&& request) override;
  void on_upgrade(HttpRequest&& request) override;
  void on_frames(ConnectionId link, std::span<const std::string_view> frames) override;
  void on_link_full(ConnectionId link) override;
  void on_closed(ConnectionId id) override;
  void on_drained(unsigned thread) override;
  void scheduler_call(HttpRequest&& request);
  void operator_call(HttpRequest&& request);
  void configure(HttpRequest&& request, MasterTarget&& target);
  void read_document(ConnectionId id, MasterTarget&& target);
  void agent_files(const HttpRequest& request, const MasterTarget& target);
  void explain(const HttpRequest& request, const MasterTarget& target);
  void framework_share(const HttpRequest& request, const MasterTarget& target);
  HttpReply local_call(const HttpRequest& request, const MasterTarget& target);
  void post(ConnectionId id, master::Event event, std::size_t bytes = 0,
            wire::ContentType accept = wire::ContentType::kJson);

  // --- the machine's thread
  void on_event(const Now& now, Input&& input);
  void on_deadline(const Now& now);
  void on_batch_end(const Now& now);
  std::optional<MonoTime> next_deadline() const { return deadline; }
  void step(const Now& now, master::Event&& event);
  void store(const Now& now);
  void carry_out(master::Effect&& effect);
  void carry_out_one(master::Respond&& effect);
  void carry_out_one(master::RespondDocument&& effect);
  void carry_out_one(master::OpenStream&& effect);
  void carry_out_one(master::SendToFramework&& effect);
  void carry_out_one(master::OpenOperatorStream&& effect);
  void carry_out_one(master::SendToOperators&& effect);
  void carry_out_one(master::CloseStream&& effect);
  void carry_out_one(master::SendToAgent&& effect);
  void carry_out_one(master::CloseLink&& effect);
  void carry_out_one(master::Persist&& effect);
  void carry_out_one(master::ArmTimer&& effect);
  void carry_out_one(master::Log&& effect);

  void begin_operator_stream(ConnectionId id, const SharedBytes& view);
  void forget_operators(const std::vector<ConnectionId>& lost);

  std::shared_ptr<const protocol::MasterView> snapshot(const std::vector<ConnectionId>& beginning);

  MasterNodeOptions options;
  Rng rng{random_seed()};
  std::unique_ptr<SqliteRegistry> registry;

  Loop loop;
  Driver<Impl> driver;
  std::unique_ptr<master::Machine> machine;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<MasterDocuments> documents;
  std::vector<IoThread> io;
  std::string url;
  // Set once all of the above is there: the server serves before its maker knows its port.
  std::atomic<bool> ready = false;
  std::jthread thread;

  // Of the machine's thread.
  EventTrail trail;
  master::Effects effects;
  std::optional<MonoTime> deadline;
  std::vector<master::Persist> to_store;
  HttpServer::Batch out;
  HashMap<uint64_t, wire::ContentType> streams;
  OperatorStreams operators{options.max_stream_buffer};
  // Consecutive events for one stream or link leave as one buffer.
  uint64_t gathered_for = 0;
  std::string gathered;
  std::string record;
  void gather_for(uint64_t connection);
  void flush_gathered();
  uint64_t version = 0;

  // The latest view, and of which version it is: it serves all who ask until something changes. Of
  // one thread that asks at a time.
  std::mutex viewing;
  uint64_t view_version = 0;
  std::shared_ptr<const protocol::MasterView> latest_view;
  MonoTime next_view_at;
};

Result<void> MasterNode::Impl::start() {
  // First, because it needs nothing and its errors are the operator's.
  auto allocator = make_allocator(options.allocator, options.allocation, rng.fork("allocator"));
  if (!allocator) return std::unexpected(allocator.error());

  std::error_code error;
  std::filesystem::create_directories(options.work_dir, error);
  if (error) {
    return fail("cannot make --work_dir '{}': {}", options.work_dir, error.message());
  }
  Rng registry_rng = rng.fork("registry");
  auto opened = SqliteRegistry::open(options.work_dir, registry_rng);
  if (!opened) return std::unexpected(opened.error());
  registry = std::move(*opened);

  const unsigned threads = std::max(1u, options.io_threads);
  for (unsigned i = 0; i < threads; ++i) io.emplace_back(rng.fork(fmt::format("io {}", i)));

  // Requests may come as soon as the server listens; the loop takes them up once the machine is
  // there.
  HttpServer::Options server_options{.ip = options.ip,
                                     .port = options.port,
                                     .threads = threads,
                                     .max_connections = options.max_connections,
                                     .own_file_tables = !options.drop_agent,
                                     .max_send_buffer = options.max_stream_buffer,
                                     .max_link_frames = kMaxLinkFrames};
  auto listening = HttpServer::start(server_options, *this);
  if (!listening) return std::unexpected(listening.error());
  server = std::move(*listening);
  url = fmt::format("http://{}:{}", server->ip(), server->port());

  Rng id_rng = rng.fork("master id");
  options.machine.info = {.id = Uuid::random(id_rng).to_string(),
                          .hostname = options.hostname.empty() ? server->ip() : options.hostname,
                          .ip = server->ip(),
                          .port = server->port(),
                          .domain = options.allocation.domain};
  options.machine.role_weights = options.allocation.role_weights;
  machine =
      std::make_unique<master::Machine>(options.machine, std::move(*allocator), rng.fork("master"));
  MasterDocuments::Context context{
      .view = [this](const auto& streams) { return snapshot(streams); },
      .heartbeat_interval = options.machine.heartbeat_interval,
      .http = [this] { return server->stats(); },
      .flags = options.flags,
      .started = wall_now()};
  documents = std::make_unique<MasterDocuments>(std::move(context));
  driver.post({master::Recovered{registry->initial()}});
  ready = true;
  ready.notify_all();
  thread = std::jthread([this] { loop.run(); });
  log_info("master is serving", {{"url", url},
                                 {"id", options.machine.info.id},
                                 {"cluster", registry->initial().cluster_id},
                                 {"epoch", registry->initial().epoch}});
  return {};
}

void MasterNode::Impl::stop() {
  ready = true;
  ready.notify_all();
  if (documents) documents->stop();
  driver.close();
  loop.stop();
  if (thread.joinable()) thread.join();
  if (server) server->stop();
}

// --- I/O threads

void MasterNode::Impl::post(ConnectionId id, master::Event event, std::size_t bytes,
                            wire::ContentType accept) {
  IoThread& mine = io[io_thread_of(id)];
  mine.inputs.push_back({std::move(event), accept});
  mine.bytes += bytes;
}

void MasterNode::Impl::on_drained(unsigned thread) {
  IoThread& mine = io[thread];
  driver.post_all(mine.inputs, std::exchange(mine.bytes, 0));
}

void MasterNode::Impl::on_request(HttpRequest&& request) {
  ready.wait(false);
  if (!documents) return;  // the start failed
  // Nearly all of them: there is no need to take that apart.
  if (request.target == kSchedulerTarget) return scheduler_call(std::move(request));
  auto target = route_master(request.target);
  if (!target) return server->respond(request.id, std::move(target.error()));
  switch (target->route) {
    case MasterRoute::kScheduler:
      return scheduler_call(std::move(request));
    case MasterRoute::kOperator:
      return operator_call(std::move(request));
    case MasterRoute::kWeights:
    case MasterRoute::kQuota:
      return configure(std::move(request), std::move(*target));
    case MasterRoute::kHealth:
      return server->respond(request.id, HttpReply::empty(200));
    case MasterRoute::kRedirect: {
      HttpReply reply = HttpReply::empty(307);
      reply.headers.add("Location", url.substr(url.find(':') + 1));
      return server->respond(request.id, std::move(reply));
    }
    case MasterRoute::kAgentFiles:
      return agent_files(request, *target);
    case MasterRoute::kExplain:
      return explain(request, *target);
    case MasterRoute::kFrameworkShare:
      return framework_share(request, *target);
    case MasterRoute::kLocal:
      return server->respond(request.id, local_call(request, *target));
    case MasterRoute::kLink:
      return server->respond(
          request.id, HttpReply::text(426, "Agents connect here, by an Upgrade to souk-link"));
    default:
      return read_document(request.id, std::move(*target));
  }
}

void MasterNode::Impl::read_document(ConnectionId id, MasterTarget&& target) {
  documents->ask(std::move(target),
                 [this, id](HttpReply reply) { server->respond(id, std::move(reply)); });
}

// Questions are answered from a snapshot; what changes something goes to the machine.
void MasterNode::Impl::operator_call(HttpRequest&& request) {
  const auto type = check_api_request(request);
  if (!type) return server->respond(request.id, type.error());
  auto call = wire::decode_operator_call(request.body, *type);
  if (!call) {
    return server->respond(request.id, HttpReply::text(call.error().status, call.error().body));
  }
  if (auto* change = std::get_if<protocol::OperatorCall>(&*call)) {
    return post(request.id, master::OperatorCalled{machine_id(request.id), std::move(*change), {}},
                request.body.size());
  }
  const auto accept = check_accept(request);
  if (!accept) return server->respond(request.id, accept.error());
  if (std::holds_alternative<wire::OperatorSubscribe>(*call)) {
    return post(request.id, master::OperatorSubscribed{machine_id(request.id)}, 0, *accept);
  }
  documents->ask(
      std::get<wire::OperatorQuestion>(*call), *accept,
      [this, id = request.id](HttpReply reply) { server->respond(id, std::move(reply)); });
}

// /weights and /quota, from before the operator API.
void MasterNode::Impl::configure(HttpRequest&& request, MasterTarget&& target) {
  auto call = parse_configure(request, target);
  if (!call) return server->respond(request.id, std::move(call.error()));
  if (!*call) return read_document(request.id, std::move(target));
  post(request.id, master::OperatorCalled{machine_id(request.id), std::move(**call), {}},
       request.body.size());
}

void MasterNode::Impl::scheduler_call(HttpRequest&& request) {
  const auto type = check_api_request(request);
  if (!type) return server->respond(request.id, type.error());
  auto call = wire::decode_scheduler_call(request.body, *type);
  if (!call)
    return server->respond(request.id, HttpReply::text(call.error().status, call.error().body));
  wire::ContentType accept = wire::ContentType::kJson;
  master::SchedulerCalled event{.connection = machine_id(request.id),
                                .call = std::move(*call),
                                .stream_id = std::string(request.headers.get("Mesos-Stream-Id")),
                                .has_stream_id = request.headers.has("Mesos-Stream-Id"),
                                .principal = {}};
  if (std::holds_alternative<protocol::call::Subscribe>(event.call.body)) {
    const auto acceptable = check_accept(request);
    if (!acceptable) return server->respond(request.id, acceptable.error());
    accept = *acceptable;
    event.stream_id = Uuid::random(io[io_thread_of(request.id)].rng).to_string();
  }
  post(request.id, std::move(event), request.body.size(), accept);
}

void MasterNode::Impl::agent_files(const HttpRequest& request, const MasterTarget& target) {
  auto files = parse_agent_files(target);
  if (!files) return server->respond(request.id, std::move(files.error()));
  post(request.id, master::FileRequested{machine_id(request.id),
                                         AgentId(files->agent),
                                         {.request = 0,
                                          .kind = files->kind,
                                          .path = files->path,
                                          .offset = files->offset,
                                          .length = files->length}});
}

void MasterNode::Impl::explain(const HttpRequest& request, const MasterTarget& target) {
  auto event = parse_explain(target);
  if (!event) return server->respond(request.id, std::move(event.error()));
  event->connection = machine_id(request.id);
  post(request.id, std::move(*event));
}

void MasterNode::Impl::framework_share(const HttpRequest& request, const MasterTarget& target) {
  auto event = parse_share(target);
  if (!event) return server->respond(request.id, std::move(event.error()));
  event->connection = machine_id(request.id);
  post(request.id, std::move(*event));
}

// POST /souk/v1/local/drop/<agent id>
HttpReply MasterNode::Impl::local_call(const HttpRequest& request, const MasterTarget& target) {
  constexpr std::string_view kDrop = "/drop/";
  if (!options.drop_agent || !target.rest.starts_with(kDrop)) {
    return HttpReply::text(404, "Only `souk local` has this: POST /souk/v1/local/drop/<agent id>");
  }
  if (request.method != "POST") return HttpReply::text(405, "Expecting one of { 'POST' }");
  const auto dropped = options.drop_agent(target.rest.substr(kDrop.size()));
  return dropped ? HttpReply::empty(202) : HttpReply::text(404, dropped.error().message);
}

void MasterNode::Impl::on_upgrade(HttpRequest&& request) {
  ready.wait(false);
  if (!documents) return;  // the start failed
  const auto target = route_master(request.target);
  if (!target || target->route != MasterRoute::kLink) {
    return server->respond(request.id, HttpReply::text(400, "Agents upgrade at /souk/v1/link"));
  }
  HttpServer::Batch batch;
  batch.accept_upgrade(request.id);
  server->submit(batch);
}

void MasterNode::Impl::on_frames(ConnectionId link, std::span<const std::string_view> frames) {
  for (const std::string_view frame : frames) {
    auto message = wire::decode_agent_message(frame);
    if (!message) {
      log_warning("closed the link of an agent that sent a malformed message",
                  {{"why", message.error().message}});
      post(link, master::LinkClosed{machine_id(link)});
      HttpServer::Batch batch;
      batch.close(link);
      return server->submit(batch);
    }
    if (!*message) continue;  // of a newer version
    post(link, master::AgentSaid{machine_id(link), std::move(**message)}, frame.size());
  }
}

void MasterNode::Impl::on_link_full(ConnectionId link) {
  io[io_thread_of(link)].inputs.push_back({.event = {}, .full_link = link});
}

void MasterNode::Impl::on_closed(ConnectionId id) {
  // The machine knows which of the two it was.
  post(id, master::LinkClosed{machine_id(id)});
  post(id, master::ConnectionClosed{machine_id(id)});
}

// --- the machine's thread

void MasterNode::Impl::on_event(const Now& now, Input&& input) {
  if (input.full_link != ConnectionId()) return out.go_on(input.full_link);
  if (auto* called = std::get_if<master::SchedulerCalled>(&input.event)) {
    trail.note(now, protocol::name_of(called->call.body), called->call.framework.value);
    if (std::holds_alternative<protocol::call::Subscribe>(called->call.body)) {
      streams[called->connection.value] = input.accept;
    }
  } else if (auto* subscribed = std::get_if<master::OperatorSubscribed>(&input.event)) {
    streams[subscribed->connection.value] = input.accept;
  } else if (auto* closed = std::get_if<master::ConnectionClosed>(&input.event)) {
    streams.erase(closed->connection.value);
    operators.forget(server_id(closed->connection));
  }
  step(now, std::move(input.event));
}

void MasterNode::Impl::on_deadline(const Now& now) { step(now, master::TimerFired{}); }

void MasterNode::Impl::on_batch_end(const Now& now) {
  store(now);
  step(now, master::BatchEnded{});
  flush_gathered();
  std::vector<ConnectionId> lost;
  operators.flush(out, lost);
  forget_operators(lost);
  server->submit(out);
}

void MasterNode::Impl::step(const Now& now, master::Event&& event) {
  const bool idle = std::holds_alternative<master::BatchEnded>(event);
  // The launch of a thousand tasks would leave its room behind for ever.
  constexpr std::size_t kKeptEffects = 1024;
  clear_keeping(effects, kKeptEffects);
  machine->step(now, std::move(event), effects);
  if (!idle || !effects.empty()) ++version;
  for (master::Effect& effect : effects) carry_out(std::move(effect));
}

// What was asked to be kept is stored in one transaction; being told so, the machine may ask again.
void MasterNode::Impl::store(const Now& now) {
  while (!to_store.empty()) {
    const std::vector<master::Persist> batch = std::exchange(to_store, {});
    std::vector<protocol::RegistryOperation> operations;
    operations.reserve(batch.size());
    for (const master::Persist& persist : batch) operations.push_back(persist.operation);
    const Result<void> stored = registry->store(operations);
    for (const master::Persist& persist : batch) {
      step(now, master::Persisted{persist.ticket, stored.has_value(),
                                  stored ? std::string() : stored.error().message});
    }
  }
}

void MasterNode::Impl::carry_out(master::Effect&& effect) {
  std::visit([this](auto&& one) { carry_out_one(std::forward<decltype(one)>(one)); },
             std::move(effect));
}

void MasterNode::Impl::carry_out_one(master::Respond&& effect) {
  streams.erase(effect.connection.value);
  protocol::HttpAnswer& answer = effect.answer;
  HttpReply reply = answer.body.empty() ? HttpReply::empty(answer.status)
                                        : HttpReply::text(answer.status, std::move(answer.body));
  if (!effect.content_type.empty()) reply.content_type = std::move(effect.content_type);
  out.respond(server_id(effect.connection), std::move(reply));
}

void MasterNode::Impl::carry_out_one(master::RespondDocument&& effect) {
  documents->render([document = std::move(effect.document)] { return wire::render(*document); },
                    [this, id = server_id(effect.connection)](HttpReply reply) {
                      server->respond(id, std::move(reply));
                    });
}

void MasterNode::Impl::carry_out_one(master::OpenStream&& effect) {
  const auto at = streams.find(effect.connection.value);
  const wire::ContentType type = at == streams.end() ? wire::ContentType::kJson : at->second;
  out.open_stream(server_id(effect.connection), std::string(wire::mime_type(type)),
                  {{"Mesos-Stream-Id", effect.stream_id}});
}

void MasterNode::Impl::gather_for(uint64_t connection) {
  if (connection == gathered_for) return;
  flush_gathered();
  gathered_for = connection;
}

void MasterNode::Impl::flush_gathered() {
  const ConnectionId connection(std::exchange(gathered_for, 0));
  if (gathered.empty()) return;
  // Small ones are copied into what they need, and the room stays for the next.
  if (gathered.size() > kCopied) return out.send(connection, std::exchange(gathered, {}));
  out.send(connection, std::string(gathered));
  gathered.clear();
}

void MasterNode::Impl::carry_out_one(master::SendToFramework&& effect) {
  const auto at = streams.find(effect.connection.value);
  if (at == streams.end()) return;  // it went away meanwhile
  gather_for(effect.connection.value);
  record.clear();
  wire::append_scheduler_event(record, effect.event, at->second);
  wire::append_chunk(gathered, record);
}

void MasterNode::Impl::carry_out_one(master::OpenOperatorStream&& effect) {
  const ConnectionId id = server_id(effect.connection);
  const auto at = streams.find(effect.connection.value);
  if (at == streams.end()) return;  // it went away meanwhile
  const wire::ContentType type = at->second;
  out.open_stream(id, std::string(wire::mime_type(type)));
  operators.open(id, type);
  documents->subscribe(id, type, [this, id](const SharedBytes& view) {
    loop.post([this, id, view] { begin_operator_stream(id, view); });
  });
}

void MasterNode::Impl::begin_operator_stream(ConnectionId id, const SharedBytes& view) {
  HttpServer::Batch batch;
  std::vector<ConnectionId> lost;
  if (view) {
    operators.begin(id, view, batch, lost);
  } else {
    log_warning("an operator cannot listen: too many readers wait");
    operators.forget(id);
    batch.close(id);
    lost.push_back(id);
  }
  server->submit(batch);
  forget_operators(lost);
}

// The server does not tell of ends that we made.
void MasterNode::Impl::forget_operators(const std::vector<ConnectionId>& lost) {
  for (const ConnectionId id : lost) driver.post({master::ConnectionClosed{machine_id(id)}});
}

void MasterNode::Impl::carry_out_one(master::SendToOperators&& effect) {
  operators.say(effect.event);
}

void MasterNode::Impl::carry_out_one(master::CloseStream&& effect) {
  flush_gathered();
  streams.erase(effect.connection.value);
  operators.forget(server_id(effect.connection));
  out.close(server_id(effect.connection));
}

void MasterNode::Impl::carry_out_one(master::SendToAgent&& effect) {
  gather_for(effect.link.value);
  if (auto done = wire::append_link_frame(gathered, effect.frame); !done) {
    log_error("a message for an agent is too large and was not sent",
              {{"why", done.error().message}});
  }
}

void MasterNode::Impl::carry_out_one(master::CloseLink&& effect) {
  flush_gathered();
  out.close(server_id(effect.link));
  // The server does not tell of ends that we made; frames that were read before may still be
  // queued.
  driver.post({master::LinkClosed{effect.link}});
}

void MasterNode::Impl::carry_out_one(master::Persist&& effect) {
  to_store.push_back(std::move(effect));
}

void MasterNode::Impl::carry_out_one(master::ArmTimer&& effect) { deadline = effect.at; }

void MasterNode::Impl::carry_out_one(master::Log&& effect) {
  switch (effect.level) {
    case master::Log::Level::kInfo:
      return log_info(effect.text);
    case master::Log::Level::kWarning:
      return log_warning(effect.text);
    case master::Log::Level::kError:
      return log_error(effect.text);
  }
}

// Begun on the machine's thread, finished on the one that asks.
std::shared_ptr<const protocol::MasterView> MasterNode::Impl::snapshot(
    const std::vector<ConnectionId>& beginning) {
  const std::lock_guard lock(viewing);
  std::this_thread::sleep_for(next_view_at - mono_now());
  std::promise<std::unique_ptr<protocol::MasterView>> promise;
  auto made = promise.get_future();
  loop.post([this, &promise, &beginning] {
    const MonoTime start = mono_now();
    std::unique_ptr<protocol::MasterView> view;
    if (!latest_view || view_version != version) {
      view = std::make_unique<protocol::MasterView>(machine->unfinished_view());
      view_version = version;
      const MonoTime end = mono_now();
      next_view_at = end + kSnapshotRest * (end - start);
    }
    // Between two batches: what was said before has been handed out.
    for (const ConnectionId id : beginning) operators.pin(id);
    promise.set_value(std::move(view));
  });
  if (auto view = made.get()) {
    protocol::finish_view(*view);
    latest_view = std::move(view);
  }
  return latest_view;
}

// --- the node

MasterNode::MasterNode(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MasterNode::~MasterNode() = default;

Result<std::unique_ptr<MasterNode>> MasterNode::start(MasterNodeOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (auto started = impl->start(); !started) return std::unexpected(started.error());
  return std::unique_ptr<MasterNode>(new MasterNode(std::move(impl)));
}

const std::string& MasterNode::ip() const { return impl_->server->ip(); }
uint16_t MasterNode::port() const { return impl_->server->port(); }
std::string MasterNode::url() const { return impl_->url; }
std::shared_ptr<const protocol::MasterView> MasterNode::view() { return impl_->snapshot({}); }

}  // namespace souk::runtime
