#include "runtime/http_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/room.h"
#include "runtime/clock.h"
#include "runtime/log.h"

namespace souk::runtime {
namespace {

// Requests of one connection handed over and not answered; the rest waits in the socket.
constexpr std::size_t kMaxPipelined = 256;
// A client that does not read its answers gets to ask no more than this.
constexpr std::size_t kMaxUnreadAnswers = std::size_t{1} << 20;
// Read behind requests that have to wait, to notice that the peer has gone.
constexpr std::size_t kMaxReadAhead = std::size_t{64} << 10;
constexpr int kMaxReadsAtOnce = 4;
constexpr Duration kDrainTimeout = 2s;
// Buffers may keep this much room while nothing is in them.
constexpr std::size_t kKeptRoom = 512;

bool may_have_body(int status) { return status / 100 != 1 && status != 204 && status != 304; }

}  // namespace

HttpConnection::HttpConnection(HttpThreadContext& thread, Loop& loop, uint32_t slot, int fd,
                               std::string peer)
    : thread_(thread), watch_(loop, fd, *this), slot_(slot), peer_(std::move(peer)) {}

void HttpConnection::start() {
  watch_.arm_read();
  update_deadline();
}

// --- what comes in

void HttpConnection::on_readable() {
  if (buried) return;
  const std::span<char> room = thread_.scratch();
  for (int i = 0; i < kMaxReadsAtOnce && !buried; ++i) {
    const ssize_t got = recv(watch_.fd(), room.data(), room.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (got < 0) return lose(std::strerror(errno));
    if (got == 0) return on_end_of_input();
    progressed_ = true;
    const auto size = static_cast<std::size_t>(got);
    thread_.note_bytes(size, 0);
    take_input({room.data(), size});
    if (size < room.size()) break;
  }
  if (buried) return;
  arm_read_if_wanted();
  thread_.settle_later(*this);
}

void HttpConnection::take_input(std::string_view bytes) {
  if (mode_ == Mode::kDraining || mode_ == Mode::kClosing || mode_ == Mode::kStream) return;
  if (in_.empty()) {
    bytes.remove_prefix(parse(bytes));
    // What a parse made of the mode decides whether the rest is still wanted.
    if (!buried && !bytes.empty()) in_.assign(bytes);
    return;
  }
  in_.append(bytes);
  const std::size_t consumed = parse(in_);
  in_.erase(0, consumed);
  if (in_.empty()) clear_keeping(in_, kKeptRoom);
}

std::size_t HttpConnection::parse(std::string_view bytes) {
  stalled_ = false;
  if (mode_ == Mode::kLink) return parse_frames(bytes);
  if (mode_ == Mode::kHttp && !deaf_) return parse_requests(bytes);
  return bytes.size();
}

bool HttpConnection::parsing_waits() const {
  return upgrade_pending_ || exchanges_.size() >= kMaxPipelined || out_.size() > kMaxUnreadAnswers;
}

std::size_t HttpConnection::parse_requests(std::string_view bytes) {
  std::size_t consumed = 0;
  while (consumed < bytes.size()) {
    if (deaf_ || mode_ != Mode::kHttp) return bytes.size();
    stalled_ = parsing_waits();
    if (stalled_) return consumed;
    if (parser_ == nullptr) {
      parser_ =
          std::make_unique<RequestParser>(thread_.options().max_header, thread_.options().max_body);
    }
    const RequestParser::Step step = parser_->feed(bytes.substr(consumed));
    consumed += step.consumed;
    if (step.state == ParseState::kBad) {
      refuse(parser_->bad_status(), parser_->bad_text());
      return bytes.size();
    }
    if (step.state == ParseState::kNeedMore) {
      if (parser_->header_done() && parser_->expects_continue()) send_continue();
      break;
    }
    hand_over_request();
  }
  return consumed;
}

void HttpConnection::hand_over_request() {
  Exchange exchange;
  exchange.id = thread_.next_id(slot_);
  exchange.http11 = parser_->is_http11();
  exchange.keep_alive = parser_->keep_alive();
  const bool wants_upgrade = parser_->wants_upgrade();
  HttpRequest request = parser_->take();
  parser_->reset();
  continue_sent_ = false;
  request.id = exchange.id;
  request.peer = peer_;
  exchange.head_only = request.method == "HEAD";
  exchange.gzip = has_token(request.headers.get("Accept-Encoding"), "gzip");
  exchange.upgrade =
      wants_upgrade && exchange.http11 &&
      equal_ignoring_case(request.headers.get("Upgrade"), thread_.options().upgrade_protocol);
  const bool upgrade = exchange.upgrade;
  upgrade_pending_ = upgrade;
  deaf_ = !exchange.keep_alive;
  // This request met its deadline; the next one has its own, a stream or link none.
  waiting_ = Waiting::kNothing;
  deadline_.reset();
  exchanges_.push_back(std::move(exchange));
  thread_.note_request();
  if (upgrade) {
    thread_.handler().on_upgrade(std::move(request));
  } else {
    thread_.handler().on_request(std::move(request));
  }
}

void HttpConnection::send_continue() {
  // Behind unanswered requests it would be taken for an answer to them; the client goes on without
  // it.
  if (std::exchange(continue_sent_, true) || !exchanges_.empty()) return;
  out_.append_copy("HTTP/1.1 100 Continue\r\n\r\n");
}

void HttpConnection::refuse(int status, std::string text) {
  thread_.note_bad_request();
  deaf_ = true;
  Exchange exchange;
  exchange.id = thread_.next_id(slot_);
  exchange.keep_alive = false;
  exchanges_.push_back(std::move(exchange));
  parser_.reset();
  HttpReply reply = HttpReply::text(status, std::move(text));
  answer(exchanges_[exchanges_.size() - 1], reply);
  thread_.settle_later(*this);
}

std::size_t HttpConnection::parse_frames(std::string_view bytes) {
  stalled_ = link_full_;
  if (link_full_) return 0;
  const std::size_t most = thread_.options().max_link_frames;
  std::vector<std::string_view>& frames = thread_.frames();
  frames.clear();
  const wire::LinkFrameCut cut = wire::cut_link_frames(
      bytes, thread_.options().max_frame, frames, most > 0 ? most - link_frames_ : bytes.size());
  if (!frames.empty()) thread_.handler().on_frames(link_, frames);
  if (cut.too_long) lose("a frame of the link is too long");
  link_frames_ += frames.size();
  if (most > 0 && link_frames_ == most && !buried) {
    link_full_ = stalled_ = true;
    thread_.handler().on_link_full(link_);
  }
  return cut.consumed;
}

void HttpConnection::on_end_of_input() {
  input_ended_ = true;
  progressed_ = true;
  // What a link said before its end is still to be heard.
  if (mode_ == Mode::kLink && stalled_) return thread_.settle_later(*this);
  if (mode_ == Mode::kStream || mode_ == Mode::kLink || mode_ == Mode::kDraining) {
    return lose("the peer closed the connection");
  }
  // Half-closed behind its last request: the answers are still wanted, unless there is none to
  // come.
  if (exchanges_.empty() && out_.empty()) return lose("the peer closed the connection");
  thread_.settle_later(*this);
}

void HttpConnection::arm_read_if_wanted() {
  if (input_ended_) return;
  const bool waits = mode_ == Mode::kLink ? link_full_ : mode_ == Mode::kHttp && parsing_waits();
  if (!waits || in_.size() < kMaxReadAhead) watch_.arm_read();
}

// --- what is to go out

void HttpConnection::apply(HttpServer::Batch::Command&& command) {
  if (buried) return;
  if (auto* bytes = std::get_if<std::string>(&command.what)) {
    OutBuffer buffer;
    buffer.append(std::move(*bytes));
    send(command.id, std::move(buffer));
  } else if (auto* shared = std::get_if<SharedBytes>(&command.what)) {
    OutBuffer buffer;
    buffer.append(std::move(*shared));
    send(command.id, std::move(buffer));
  } else if (std::holds_alternative<command::Close>(command.what)) {
    close(command.id);
  } else if (std::holds_alternative<command::GoOn>(command.what)) {
    if (mode_ != Mode::kLink || command.id != link_) return;
    link_full_ = false;
    link_frames_ = 0;
  } else if (Exchange* exchange = find(command.id);
             exchange != nullptr && !exchange->complete && !exchange->streaming) {
    if (auto* reply = std::get_if<HttpReply>(&command.what)) answer(*exchange, *reply);
    if (auto* open = std::get_if<command::OpenStream>(&command.what)) open_stream(*exchange, *open);
    if (auto* accept = std::get_if<command::AcceptUpgrade>(&command.what)) {
      accept_upgrade(*exchange, *accept);
    }
  }
  if (!buried) thread_.settle_later(*this);
}

HttpConnection::Exchange* HttpConnection::find(ConnectionId id) {
  const auto at = std::ranges::find(exchanges_, id, &Exchange::id);
  return at == exchanges_.end() ? nullptr : &*at;
}

OutBuffer& HttpConnection::target_of(const Exchange& exchange) {
  if (&exchange == &exchanges_.front()) return out_;
  return const_cast<Exchange&>(exchange).held;
}

void HttpConnection::write_head(std::string& head, const Exchange& exchange, int status) const {
  fmt::format_to(std::back_inserter(head), "HTTP/1.1 {} {}\r\nDate: {}\r\n", status,
                 reason_phrase(status), thread_.date());
  if (!exchange.keep_alive) {
    head.append("Connection: close\r\n");
  } else if (!exchange.http11) {
    head.append("Connection: keep-alive\r\n");
  }
}

void HttpConnection::answer(Exchange& exchange, HttpReply& reply) {
  constexpr int kAccepted = 202;
  if (reply.status == kAccepted && !reply.body && reply.headers.size() == 0 && exchange.http11 &&
      exchange.keep_alive && !exchange.upgrade) {
    target_of(exchange).append_copy(thread_.accepted());
    exchange.complete = true;
    return finish_exchanges();
  }
  SharedBytes body = may_have_body(reply.status) ? std::move(reply.body) : nullptr;
  const std::size_t plain_size = body ? body->size() : 0;
  bool compressed = false;
  if (exchange.gzip && plain_size >= kMinGzip && !reply.headers.has("Content-Encoding")) {
    if (reply.gzip_body == nullptr && plain_size <= kMaxInlineGzip && !exchange.head_only) {
      reply.gzip_body = std::make_shared<const std::string>(gzip(*body));
    }
    compressed = reply.gzip_body != nullptr;
    if (compressed) body = std::move(reply.gzip_body);
  }
  std::string head;
  write_head(head, exchange, reply.status);
  if (plain_size > 0 && !reply.content_type.empty()) {
    append_header(head, "Content-Type", reply.content_type);
  }
  if (compressed) append_header(head, "Content-Encoding", "gzip");
  append_headers(head, reply.headers);
  if (may_have_body(reply.status)) {
    fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", body ? body->size() : 0);
  }
  head.append("\r\n");
  OutBuffer& target = target_of(exchange);
  target.append(std::move(head));
  if (!exchange.head_only) target.append(std::move(body));
  exchange.complete = true;
  if (exchange.upgrade) upgrade_pending_ = false;
  finish_exchanges();
}

void HttpConnection::open_stream(Exchange& exchange, command::OpenStream& open) {
  if (!exchange.http11 || input_ended_) {
    // A client of HTTP/1.0 knows no chunks; one that has shut its end is about to go.
    const ConnectionId id = exchange.id;
    HttpReply reply = HttpReply::text(505, "A stream needs HTTP/1.1");
    exchange.keep_alive = false;
    answer(exchange, reply);
    thread_.handler().on_closed(id);
    return;
  }
  std::string head;
  write_head(head, exchange, 200);
  append_header(head, "Content-Type", open.content_type);
  append_headers(head, open.headers);
  head.append("Transfer-Encoding: chunked\r\n\r\n");
  target_of(exchange).append(std::move(head));
  exchange.streaming = true;
  if (&exchange == &exchanges_.front()) finish_exchanges();
}

void HttpConnection::accept_upgrade(Exchange& exchange, const command::AcceptUpgrade& accept) {
  if (!exchange.upgrade || &exchange != &exchanges_.front()) {
    HttpReply reply = HttpReply::text(400, "Ask for the upgrade on a connection of its own");
    exchange.keep_alive = false;
    const ConnectionId id = exchange.id;
    answer(exchange, reply);
    thread_.handler().on_closed(id);
    return;
  }
  std::string head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n";
  append_header(head, "Upgrade", thread_.options().upgrade_protocol);
  append_headers(head, accept.headers);
  head.append("\r\n");
  out_.append(std::move(head));
  link_ = exchange.id;
  mode_ = Mode::kLink;
  upgrade_pending_ = false;
  exchanges_ = {};
  parser_.reset();
}

void HttpConnection::send(ConnectionId id, OutBuffer&& bytes) {
  if (mode_ == Mode::kLink) {
    if (id == link_) out_.append(std::move(bytes));
    return;
  }
  const Exchange* exchange = find(id);
  if (exchange == nullptr || !exchange->streaming || exchange->complete) return;
  target_of(*exchange).append(std::move(bytes));
}

void HttpConnection::close(ConnectionId id) {
  if (mode_ == Mode::kLink) {
    if (id == link_) mode_ = Mode::kClosing;
    return;
  }
  Exchange* exchange = find(id);
  if (exchange == nullptr || exchange->complete) return;
  exchange->complete = true;
  exchange->keep_alive = false;
  if (exchange->streaming) target_of(*exchange).append_copy(kLastChunk);
  if (exchange->upgrade) upgrade_pending_ = false;
  finish_exchanges();
}

// Moves on past the exchanges that are wholly in the buffer.
void HttpConnection::finish_exchanges() {
  std::size_t done = 0;
  while (done < exchanges_.size() && exchanges_[done].complete && mode_ != Mode::kClosing) {
    if (!exchanges_[done].keep_alive) mode_ = Mode::kClosing;
    ++done;
    if (done < exchanges_.size() && mode_ != Mode::kClosing) {
      out_.append(std::move(exchanges_[done].held));
    }
  }
  for (std::size_t i = 0; i < done; ++i) exchanges_.pop_front();
  if (mode_ == Mode::kClosing) {
    // Nothing behind an answer that ends the connection will be answered.
    for (const Exchange& left : std::exchange(exchanges_, {})) {
      if (!left.complete) thread_.handler().on_closed(left.id);
    }
    in_ = {};
    return;
  }
  const bool streams = !exchanges_.empty() && exchanges_.front().streaming;
  mode_ = streams ? Mode::kStream : Mode::kHttp;
  if (streams) in_ = {};
}

// --- the end of a batch

void HttpConnection::settle() {
  if (buried) return;
  const bool goes_on =
      mode_ == Mode::kLink ? !link_full_ : mode_ == Mode::kHttp && !parsing_waits();
  if (stalled_ && goes_on) {
    const std::string waiting = std::exchange(in_, {});
    take_input(waiting);
    if (buried) return;
  }
  flush();
  if (buried) return;
  const bool nothing_to_come = mode_ == Mode::kHttp && exchanges_.empty() && out_.empty();
  const bool link_is_done = mode_ == Mode::kLink && !link_full_;
  if (input_ended_ && (nothing_to_come || link_is_done)) {
    return lose("the peer closed the connection");
  }
  arm_read_if_wanted();
  update_deadline();
}

void HttpConnection::on_writable() {
  write_armed_ = false;
  if (!buried) thread_.settle_later(*this);
}

void HttpConnection::flush() {
  if (!out_.empty() && !write_armed_) {
    const std::size_t before = out_.size();
    const OutBuffer::Written written = out_.write_to(watch_.fd());
    thread_.note_bytes(0, before - out_.size());
    if (out_.size() < before) progressed_ = true;
    if (written == OutBuffer::Written::kFailed) return lose(std::strerror(errno));
    if (written == OutBuffer::Written::kBlocked) {
      write_armed_ = true;
      watch_.arm_write();
    }
  }
  if (out_.empty() && mode_ == Mode::kClosing) return finish_closing();
  const bool endless = mode_ == Mode::kStream || mode_ == Mode::kLink;
  if (endless && out_.behind_first() > thread_.options().max_send_buffer) {
    thread_.note_cut_off();
    log_warning("cut off a client that does not read",
                {{"peer", peer_}, {"unread_bytes", out_.size()}});
    lose("it does not read");
  }
}

void HttpConnection::finish_closing() {
  if (input_ended_) return lose("closed");
  // Closing with unread input would reset the connection and could destroy our last answer on its
  // way.
  shutdown(watch_.fd(), SHUT_WR);
  mode_ = Mode::kDraining;
  parser_.reset();
  std::string().swap(in_);
}

void HttpConnection::lose(const char* why) {
  if (buried) return;
  if (log_enabled(LogLevel::kDebug)) {
    log_debug("connection ended", {{"peer", peer_}, {"why", why}});
  }
  const Mode was = std::exchange(mode_, Mode::kDraining);
  thread_.bury(*this);
  if (was == Mode::kLink) thread_.handler().on_closed(link_);
  for (const Exchange& left : std::exchange(exchanges_, {})) {
    if (!left.complete) thread_.handler().on_closed(left.id);
  }
}

// --- time

void HttpConnection::update_deadline() {
  const HttpServer::Options& options = thread_.options();
  Waiting waiting = Waiting::kNothing;
  Duration patience{};
  if (mode_ == Mode::kDraining) {
    waiting = Waiting::kDrain;
    patience = kDrainTimeout;
  } else if (mode_ == Mode::kStream || mode_ == Mode::kLink) {
    // Streams and links may be silent; what they do not read is bounded in bytes.
  } else if (!out_.empty()) {
    waiting = Waiting::kWrite;
    patience = options.write_timeout;
  } else if (exchanges_.empty()) {
    const bool begun = parser_ == nullptr || parser_->started();
    const bool in_body = begun && parser_ != nullptr && parser_->header_done();
    waiting = in_body ? Waiting::kBody : begun ? Waiting::kRequest : Waiting::kIdle;
    patience = waiting == Waiting::kIdle ? options.idle_timeout : options.request_timeout;
  }
  const bool goes_on =
      waiting == Waiting::kBody || waiting == Waiting::kWrite || waiting == Waiting::kIdle;
  const bool progressed = std::exchange(progressed_, false);
  if (waiting == waiting_ && !(goes_on && progressed)) return;
  waiting_ = waiting;
  if (waiting == Waiting::kNothing) {
    deadline_.reset();
    return;
  }
  deadline_ = mono_now() + patience;
  thread_.set_deadline(*this, *deadline_);
}

void HttpConnection::on_deadline(MonoTime now) {
  if (buried || !deadline_) return;
  if (*deadline_ > now) return thread_.set_deadline(*this, *deadline_);
  deadline_.reset();
  if (waiting_ == Waiting::kBody || (waiting_ == Waiting::kRequest && parser_ != nullptr)) {
    return refuse(408, "The request did not come to its end in time");
  }
  lose("timeout");
}

}  // namespace souk::runtime
