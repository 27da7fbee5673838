#include "runtime/http_server.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "runtime/http_command.h"
#include "runtime/http_io_thread.h"

namespace souk::runtime {
namespace {

constexpr std::size_t kUsualCommands = 16;  // of a batch for one thread

}  // namespace

// --- batches

std::vector<HttpServer::Batch::Command>& HttpServer::Batch::of(ConnectionId id) {
  ++size_;
  if (by_thread_.size() <= io_thread_of(id)) by_thread_.resize(io_thread_of(id) + 1);
  std::vector<Command>& commands = by_thread_[io_thread_of(id)];
  // It is handed over whole, so there is no room left from the last time.
  if (commands.empty()) commands.reserve(kUsualCommands);
  return commands;
}

void HttpServer::Batch::respond(ConnectionId id, HttpReply reply) {
  of(id).push_back({id, std::move(reply)});
}

void HttpServer::Batch::open_stream(ConnectionId id, std::string content_type,
                                    HttpHeaders headers) {
  of(id).push_back({id, command::OpenStream{std::move(content_type), std::move(headers)}});
}

void HttpServer::Batch::accept_upgrade(ConnectionId id, HttpHeaders headers) {
  of(id).push_back({id, command::AcceptUpgrade{std::move(headers)}});
}

void HttpServer::Batch::send(ConnectionId id, std::string bytes) {
  of(id).push_back({id, std::move(bytes)});
}

void HttpServer::Batch::send(ConnectionId id, SharedBytes bytes) {
  of(id).push_back({id, std::move(bytes)});
}

void HttpServer::Batch::go_on(ConnectionId link) { of(link).push_back({link, command::GoOn{}}); }

void HttpServer::Batch::close(ConnectionId id) { of(id).push_back({id, command::Close{}}); }

HttpServer::Batch::Batch() = default;
HttpServer::Batch::~Batch() = default;
HttpServer::Batch::Batch(Batch&&) noexcept = default;
HttpServer::Batch& HttpServer::Batch::operator=(Batch&&) noexcept = default;

// --- the server

struct HttpServer::Impl {
  Options options;
  uint16_t port = 0;
  std::vector<std::unique_ptr<HttpIoThread>> threads;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::start(Options options, HttpHandler& handler) {
  constexpr unsigned kMaxThreads = 1u << kIoThreadBits;
  options.threads = std::clamp(options.threads, 1u, kMaxThreads);
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  impl->port = impl->options.port;
  for (unsigned i = 0; i < impl->options.threads; ++i) {
    auto thread = std::make_unique<HttpIoThread>(impl->options, handler, i);
    const Result<uint16_t> port = thread->start(impl->port);
    if (!port) return std::unexpected(port.error());
    impl->port = *port;
    impl->threads.push_back(std::move(thread));
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

uint16_t HttpServer::port() const { return impl_->port; }
const std::string& HttpServer::ip() const { return impl_->options.ip; }

void HttpServer::submit(Batch& batch) {
  for (std::size_t i = 0; i < batch.by_thread_.size(); ++i) {
    std::vector<Batch::Command>& commands = batch.by_thread_[i];
    if (commands.empty()) continue;
    if (i < impl_->threads.size()) impl_->threads[i]->submit(std::exchange(commands, {}));
    commands.clear();
  }
  batch.size_ = 0;
}

void HttpServer::respond(ConnectionId id, HttpReply reply) {
  Batch batch;
  batch.respond(id, std::move(reply));
  submit(batch);
}

void HttpServer::after_input(Task done) {
  struct Waiting {
    std::atomic<std::size_t> threads;
    Task done;
  };
  const auto waiting = std::make_shared<Waiting>(impl_->threads.size(), std::move(done));
  for (const auto& thread : impl_->threads) {
    thread->after_input([waiting] {
      if (--waiting->threads == 0) waiting->done();
    });
  }
}

HttpServer::Stats HttpServer::stats() const {
  Stats stats;
  for (const auto& thread : impl_->threads) thread->add_to(stats);
  return stats;
}

void HttpServer::stop() {
  for (const auto& thread : impl_->threads) thread->stop();
}

}  // namespace souk::runtime
