#include "runtime/http_io_thread.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "runtime/clock.h"
#include "runtime/file_table.h"
#include "runtime/http_text.h"
#include "runtime/log.h"
#include "runtime/tcp.h"

namespace souk::runtime {
namespace {

constexpr std::size_t kScratchBytes = std::size_t{64} << 10;
constexpr int kMaxAcceptsAtOnce = 64;
constexpr Duration kAcceptRetry = 100ms;
constexpr Duration kQuietAfterComplaint = 10s;
// Of a table of open files: what is no connection of this thread.
constexpr uint64_t kOtherFiles = 256;

constexpr unsigned kSlotShift = kIoThreadBits;
constexpr unsigned kGenerationShift = 32;
constexpr uint32_t kMaxSlots = 1u << (kGenerationShift - kSlotShift);

uint32_t slot_of(ConnectionId id) {
  return static_cast<uint32_t>(id.value >> kSlotShift) & (kMaxSlots - 1);
}

constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    "Content-Length: 38\r\n\r\nThe server has too many connections.\r\n";

}  // namespace

HttpIoThread::HttpIoThread(const HttpServer::Options& options, HttpHandler& handler, unsigned index)
    : options_(options), handler_(handler), index_(index), scratch_(kScratchBytes) {
  const std::size_t share = (options.max_connections + options.threads - 1) / options.threads;
  max_connections_ = std::clamp<std::size_t>(share, 1, kMaxSlots);
}

HttpIoThread::~HttpIoThread() { stop(); }

Result<uint16_t> HttpIoThread::start(uint16_t port) {
  std::promise<Result<uint16_t>> listening;
  std::future<Result<uint16_t>> told = listening.get_future();
  thread_ = std::thread([this, port, listening = std::move(listening)]() mutable {
    run(port, std::move(listening));
  });
  Result<uint16_t> result = told.get();
  if (!result) thread_.join();
  return result;
}

void HttpIoThread::run(uint16_t port, std::promise<Result<uint16_t>> listening) {
  pthread_setname_np(pthread_self(), fmt::format("souk-io-{}", index_).c_str());
  loop_ = std::make_unique<Loop>();
  take_file_table();
  const Result<TcpAddress> address = make_tcp_address(options_.ip, port);
  if (!address) return listening.set_value(std::unexpected(address.error()));
  const PortSharing sharing = options_.threads == 1 ? PortSharing::kAlone
                              : index_ == 0         ? PortSharing::kFirst
                                                    : PortSharing::kJoin;
  const Result<TcpListener> listener = tcp_listen(*address, sharing);
  if (!listener) return listening.set_value(std::unexpected(listener.error()));
  listener_ = Watch(*loop_, listener->fd, *this);
  listener_.arm_read();
  loop_->after_batch([this] { finish_batch(); });
  listening.set_value(listener->port);
  loop_->run();
  close_all();
}

// After the loop, which others wake up by a descriptor that both tables have.
void HttpIoThread::take_file_table() {
  const uint64_t limit = open_files_limit();
  if (options_.max_connections + kOtherFiles <= limit) return;
  if (options_.own_file_tables && options_.threads > 1) {
    const Result<void> own = own_file_table();
    if (own) {
      max_connections_ = std::min<std::size_t>(max_connections_, limit - kOtherFiles);
      return;
    }
    log_warning("I/O threads share one table of open files: no more connections than it holds",
                {{"limit", limit}, {"why", own.error().message}});
  }
}

void HttpIoThread::stop() {
  if (!thread_.joinable()) return;
  loop_->post([this] { stopping_ = true; });
  loop_->stop();
  thread_.join();
}

void HttpIoThread::close_all() {
  listener_.close();
  connections_.clear();
}

void HttpIoThread::submit(std::vector<Command>&& commands) {
  {
    const std::lock_guard lock(mutex_);
    mailbox_.push_back(std::move(commands));
    if (mailbox_.size() > 1) return;
  }
  loop_->post([this] { serve_mailbox(); });
}

void HttpIoThread::after_input(Task done) {
  loop_->post([this, done = std::move(done)]() mutable { loop_->when_idle(std::move(done)); });
}

void HttpIoThread::serve_mailbox() {
  std::vector<std::vector<Command>> batches;
  {
    const std::lock_guard lock(mutex_);
    batches.swap(mailbox_);
  }
  for (std::vector<Command>& batch : batches) {
    for (Command& command : batch) {
      const uint32_t slot = slot_of(command.id);
      if (slot >= connections_.size() || connections_[slot] == nullptr) continue;
      connections_[slot]->apply(std::move(command));
    }
  }
}

// Writes each touched connection once, however many commands and requests touched it.
void HttpIoThread::finish_batch() {
  while (!to_settle_.empty()) {
    settling_.swap(to_settle_);
    for (HttpConnection* connection : settling_) {
      connection->settling = false;
      connection->settle();
    }
    settling_.clear();
  }
  for (const uint32_t slot : graveyard_) {
    deadlines_.cancel(slot);
    connections_[slot].reset();
    free_slots_.push_back(slot);
    open_.fetch_sub(1, std::memory_order_relaxed);
  }
  graveyard_.clear();
  arm_timer();
  if (!stopping_) handler_.on_drained(index_);
}

// --- connections

void HttpIoThread::on_readable() {
  for (int i = 0; i < kMaxAcceptsAtOnce; ++i) {
    if (!accept_one()) return;
  }
  listener_.arm_read();
}

// False when the queue is empty or the machine has no descriptor left; the next wake-up is arranged
// then.
bool HttpIoThread::accept_one() {
  TcpAddress peer;
  peer.size = sizeof peer.storage;
  const int fd = accept4(listener_.fd(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    accepted_.fetch_add(1, std::memory_order_relaxed);
    if (open_.load(std::memory_order_relaxed) >= max_connections_) {
      turn_away(fd);
    } else {
      add_connection(fd, peer.to_string());
    }
    return true;
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    listener_.arm_read();
    return false;
  }
  if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) return true;
  if (mono_now() >= quiet_until_) {
    quiet_until_ = mono_now() + kQuietAfterComplaint;
    log_error(
        "cannot accept connections: raise the limit of open files (ulimit -n), or give each "
        "of several I/O threads a table of its own (--io_threads)",
        {{"error", std::strerror(errno)}});
  }
  loop_->call_after(kAcceptRetry, [this] { listener_.arm_read(); });
  return false;
}

void HttpIoThread::turn_away(int fd) {
  // Best effort: a client that sees a reset instead is turned away as well.
  (void)!send(fd, kFull.data(), kFull.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::close(fd);
  if (mono_now() < quiet_until_) return;
  quiet_until_ = mono_now() + kQuietAfterComplaint;
  log_warning("turned away a client: too many connections", {{"most", max_connections_}});
}

void HttpIoThread::add_connection(int fd, std::string peer) {
  set_tcp_options(fd);
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(connections_.size()));
    connections_.emplace_back();
  }
  const uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  HttpThreadContext& context = *this;
  connections_[slot] = std::make_unique<HttpConnection>(context, *loop_, slot, fd, std::move(peer));
  open_.fetch_add(1, std::memory_order_relaxed);
  connections_[slot]->start();
}

ConnectionId HttpIoThread::next_id(uint32_t slot) {
  return ConnectionId(uint64_t{++generation_} << kGenerationShift | uint64_t{slot} << kSlotShift |
                      index_);
}

void HttpIoThread::settle_later(HttpConnection& connection) {
  if (std::exchange(connection.settling, true)) return;
  to_settle_.push_back(&connection);
}

void HttpIoThread::bury(HttpConnection& connection) {
  if (std::exchange(connection.buried, true)) return;
  graveyard_.push_back(connection.slot());
}

// --- time and figures

// Deadlines are moved later far more often than they come: only an earlier one touches the order.
void HttpIoThread::set_deadline(HttpConnection& connection, MonoTime when) {
  if (connection.armed_deadline && *connection.armed_deadline <= when) return;
  connection.armed_deadline = when;
  deadlines_.set(connection.slot(), when);
}

void HttpIoThread::arm_timer() {
  const std::optional<MonoTime> next = deadlines_.next();
  if (!next || (timer_at_ && *timer_at_ <= *next)) return;
  loop_->cancel(timer_);
  timer_at_ = next;
  timer_ = loop_->call_at(*next, [this] { on_timer(); });
}

void HttpIoThread::on_timer() {
  timer_at_.reset();
  const MonoTime now = mono_now();
  while (const std::optional<uint32_t> slot = deadlines_.pop_due(now)) {
    HttpConnection& connection = *connections_[*slot];
    connection.armed_deadline.reset();
    connection.on_deadline(now);
  }
}

std::string_view HttpIoThread::date() {
  const WallTime now = wall_now();
  const int64_t second = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  if (std::exchange(date_second_, second) != second) date_ = http_date(now);
  return date_;
}

// What most calls of schedulers are answered: the same bytes for a second.
std::string_view HttpIoThread::accepted() {
  const std::string_view now = date();
  if (std::exchange(accepted_second_, date_second_) != date_second_) {
    accepted_answer_ =
        fmt::format("HTTP/1.1 202 Accepted\r\nDate: {}\r\nContent-Length: 0\r\n\r\n", now);
  }
  return accepted_answer_;
}

void HttpIoThread::note_bytes(std::size_t in, std::size_t out) {
  bytes_in_.fetch_add(in, std::memory_order_relaxed);
  bytes_out_.fetch_add(out, std::memory_order_relaxed);
}

void HttpIoThread::add_to(HttpServer::Stats& stats) const {
  stats.accepted += accepted_.load(std::memory_order_relaxed);
  stats.requests += requests_.load(std::memory_order_relaxed);
  stats.bad_requests += bad_requests_.load(std::memory_order_relaxed);
  stats.cut_off += cut_off_.load(std::memory_order_relaxed);
  stats.connections += open_.load(std::memory_order_relaxed);
  stats.bytes_in += bytes_in_.load(std::memory_order_relaxed);
  stats.bytes_out += bytes_out_.load(std::memory_order_relaxed);
}

}  // namespace souk::runtime
