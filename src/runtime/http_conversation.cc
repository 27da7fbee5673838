#include "runtime/http_conversation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/clock.h"
#include "runtime/http_text.h"

namespace souk::runtime {
namespace {

// Of the text with which a server refuses a link.
constexpr std::size_t kMaxRefusal = std::size_t{64} << 10;

}  // namespace

OutBuffer request_bytes(const ClientRequest& request, std::string_view upgrade_to) {
  std::string head = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.url.target);
  append_header(head, "Host", request.url.authority());
  append_headers(head, request.headers);
  if (!upgrade_to.empty()) {
    append_header(head, "Connection", "Upgrade");
    append_header(head, "Upgrade", upgrade_to);
  }
  const std::size_t size = request.body ? request.body->size() : 0;
  if (size > 0 || request.method == "POST" || request.method == "PUT") {
    fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", size);
  }
  head.append("\r\n");
  OutBuffer bytes;
  bytes.append(std::move(head));
  bytes.append(request.body);
  return bytes;
}

// --- plain requests

ClientChannel::ClientChannel(Loop& loop, const HttpClient::Options& options, HttpUrl origin)
    : loop_(loop), options_(options), origin_(std::move(origin)), parser_(*this) {}

void ClientChannel::request(const ClientRequest& request, HttpClient::OnAnswer done) {
  Pending pending;
  pending.done = std::move(done);
  if (queued_.size() >= options_.max_queued) {
    std::deque<Pending> one;
    one.push_back(std::move(pending));
    loop_.post([one = std::move(one),
                why = fmt::format("too many requests wait for {}", origin_.authority())]() mutable {
      one.front().done(souk::fail("{}", why));
    });
    return;
  }
  pending.bytes = request_bytes(request);
  pending.head_only = request.method == "HEAD";
  pending.deadline = options_.answer_timeout == Duration::zero()
                         ? MonoTime::max()
                         : mono_now() + options_.answer_timeout;
  queued_.push_back(std::move(pending));
  pump();
}

void ClientChannel::pump() {
  if (closed_) return;
  if (socket_ == nullptr && !queued_.empty()) {
    socket_ = std::make_unique<ClientSocket>(loop_, static_cast<ClientSocket::Listener&>(*this));
    socket_->connect(origin_.host, origin_.port, options_.connect_timeout);
  }
  while (socket_ && socket_->connected() && !queued_.empty() &&
         in_flight_.size() < options_.max_pipelined) {
    Pending pending = std::move(queued_.front());
    queued_.pop_front();
    socket_->out().append(std::move(pending.bytes));
    if (in_flight_.empty()) parser_.reset(pending.head_only);
    in_flight_.push_back(std::move(pending));
  }
  arm_timer();
}

std::size_t ClientChannel::on_bytes(std::string_view bytes) {
  std::size_t consumed = 0;
  while (consumed < bytes.size() && socket_ != nullptr && !closed_) {
    if (in_flight_.empty()) {
      // An answer that nobody asked for.
      drop_connection();
      break;
    }
    const RequestParser::Step step = parser_.feed(bytes.substr(consumed));
    consumed += step.consumed;
    if (body_too_long_ || step.state == ParseState::kBad) {
      const std::string why = body_too_long_ ? "the answer is too long" : parser_.bad_text();
      drop_connection();
      fail_in_flight(why);
      break;
    }
    if (step.state == ParseState::kNeedMore) return consumed;
    finish_front();
  }
  pump();
  return bytes.size();
}

void ClientChannel::on_body(std::string_view bytes) {
  if (body_too_long_) return;
  answer_.body.append(bytes);
  body_too_long_ = answer_.body.size() > kMaxAnswerBody;
}

void ClientChannel::finish_front() {
  Pending done = std::move(in_flight_.front());
  in_flight_.pop_front();
  HttpAnswer answer = std::exchange(answer_, {});
  const bool goes_on = parser_.keep_alive();
  parser_.reset(!in_flight_.empty() && in_flight_.front().head_only);
  if (!goes_on) {
    drop_connection();
    fail_in_flight("the server closed the connection before this request");
  }
  idle_since_ = mono_now();
  if (!closed_) done.done(std::move(answer));
}

// The socket is in the midst of a call to us: it is destroyed afterwards.
void ClientChannel::drop_connection() {
  if (socket_ == nullptr) return;
  socket_->close();
  loop_.post([socket = std::move(socket_)] {});
  answer_ = {};
  body_too_long_ = false;
}

void ClientChannel::on_disconnected(const std::string& why, bool ended) {
  const bool was_waiting = !in_flight_.empty();
  // An answer without a length ends with its connection.
  if (ended && was_waiting && parser_.started() && parser_.feed_end() == ParseState::kDone) {
    finish_front();
  }
  drop_connection();
  if (was_waiting || ended) {
    fail_in_flight(fmt::format("{} before it answered", why));
  } else {
    // The connection was not made, or broke while nothing was asked: nobody else will answer
    // either.
    fail_all(std::exchange(queued_, {}), why);
  }
  pump();
}

void ClientChannel::fail_in_flight(const std::string& why) {
  fail_all(std::exchange(in_flight_, {}), fmt::format("{}: {}", origin_.authority(), why));
}

void ClientChannel::fail_all(std::deque<Pending> pending, const std::string& why) {
  for (Pending& one : pending) {
    if (closed_) return;
    one.done(souk::fail("{}", why));
  }
}

void ClientChannel::arm_timer() {
  if (closed_ || socket_ == nullptr) return;
  MonoTime next = idle_since_ + options_.idle_timeout;
  if (!queued_.empty()) next = queued_.front().deadline;
  if (!in_flight_.empty()) next = in_flight_.front().deadline;
  if (timer_at_ && *timer_at_ <= next) return;
  loop_.cancel(timer_);
  timer_at_ = next;
  timer_ = loop_.call_at(next, [this] { on_timer(); });
}

void ClientChannel::on_timer() {
  timer_ = 0;
  timer_at_.reset();
  const MonoTime now = mono_now();
  if (!in_flight_.empty() && in_flight_.front().deadline <= now) {
    drop_connection();
    fail_in_flight("no answer in time");
  } else if (in_flight_.empty() && !queued_.empty() && queued_.front().deadline <= now) {
    std::deque<Pending> late;
    while (!queued_.empty() && queued_.front().deadline <= now) {
      late.push_back(std::move(queued_.front()));
      queued_.pop_front();
    }
    fail_all(std::move(late), fmt::format("{}: no answer in time", origin_.authority()));
  } else if (in_flight_.empty() && queued_.empty() && idle_since_ + options_.idle_timeout <= now) {
    drop_connection();
  }
  pump();
}

void ClientChannel::close() {
  closed_ = true;
  loop_.cancel(timer_);
  if (socket_) socket_->close();
  queued_.clear();
  in_flight_.clear();
}

// --- streams and links

ClientConversation::ClientConversation(Loop& loop, const HttpClient::Options& options, OnOver over)
    : loop_(loop),
      options_(options),
      over_(std::move(over)),
      socket_(loop, static_cast<ClientSocket::Listener&>(*this)),
      parser_(*this) {}

void ClientConversation::start(const ClientRequest& request, std::string_view upgrade_to) {
  parser_.reset(request.method == "HEAD");
  socket_.out().append(request_bytes(request, upgrade_to));
  socket_.connect(request.url.host, request.url.port, options_.connect_timeout);
  if (options_.answer_timeout == Duration::zero()) return;
  timer_ = loop_.call_after(options_.answer_timeout, [this] {
    timer_ = 0;
    fail("no answer in time");
  });
}

void ClientConversation::head_came() { loop_.cancel(std::exchange(timer_, 0)); }

void ClientConversation::close() {
  closed_ = true;
  loop_.cancel(std::exchange(timer_, 0));
  socket_.close();
}

void ClientConversation::finish() {
  close();
  over_();
}

std::size_t ClientStream::on_bytes(std::string_view bytes) {
  const RequestParser::Step step = parser_.feed(bytes);
  if (closed_ || step.state == ParseState::kNeedMore) return step.consumed;
  if (step.state == ParseState::kBad) {
    end(souk::fail("{}", parser_.bad_text()));
  } else {
    end({});
  }
  return bytes.size();
}

void ClientStream::on_head(HttpAnswer&& head) {
  head_came();
  if (!closed_ && callbacks_.on_headers) callbacks_.on_headers(head);
}

void ClientStream::on_body(std::string_view bytes) {
  if (!closed_ && callbacks_.on_bytes) callbacks_.on_bytes(bytes);
}

void ClientStream::on_disconnected(const std::string& why, bool ended) {
  if (ended && parser_.started() && parser_.feed_end() == ParseState::kDone) return end({});
  end(souk::fail("{}", why));
}

void ClientStream::fail(const std::string& why) { end(souk::fail("{}", why)); }

void ClientStream::end(Result<void> how) {
  if (closed_) return;
  finish();
  if (callbacks_.on_end) callbacks_.on_end(std::move(how));
}

void ClientLink::send(std::string bytes) {
  if (closed_) return;
  OutBuffer& out = open_ ? socket_.out() : early_;
  out.append(std::move(bytes));
  if (out.size() <= options_.max_send_buffer) return;
  loop_.post([this] { fail("the other end does not read"); });
}

std::size_t ClientLink::on_bytes(std::string_view bytes) {
  if (open_) return take_frames(bytes);
  const RequestParser::Step step = parser_.feed(bytes);
  if (step.state == ParseState::kNeedMore) return step.consumed;
  if (step.state == ParseState::kBad) {
    fail(parser_.bad_text());
    return bytes.size();
  }
  if (answer_.status != 101) {
    finish();
    if (callbacks_.on_closed) {
      callbacks_.on_closed(fmt::format("the server answered {}", answer_.status), &answer_);
    }
    return bytes.size();
  }
  head_came();
  open_ = true;
  socket_.out().append(std::move(early_));
  if (callbacks_.on_open) callbacks_.on_open();
  if (closed_) return bytes.size();
  return step.consumed + take_frames(bytes.substr(step.consumed));
}

std::size_t ClientLink::take_frames(std::string_view bytes) {
  frames_.clear();
  const wire::LinkFrameCut cut = wire::cut_link_frames(bytes, options_.max_frame, frames_);
  if (!frames_.empty() && callbacks_.on_frames) callbacks_.on_frames(frames_);
  if (cut.too_long) fail("a frame of the link is too long");
  return cut.consumed;
}

void ClientLink::on_body(std::string_view bytes) {
  answer_.body.append(bytes.substr(0, kMaxRefusal - std::min(kMaxRefusal, answer_.body.size())));
}

void ClientLink::on_disconnected(const std::string& why, bool) { fail(why); }

void ClientLink::fail(const std::string& why) {
  if (closed_) return;
  finish();
  if (callbacks_.on_closed) callbacks_.on_closed(why, nullptr);
}

}  // namespace souk::runtime
