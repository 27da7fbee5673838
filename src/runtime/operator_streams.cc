#include "runtime/operator_streams.h"

#include <algorithm>
#include <utility>

#include "runtime/log.h"
#include "wire/codec_operator_events.h"
#include "wire/recordio.h"

namespace souk::runtime {
namespace {

std::size_t index_of(wire::ContentType type) { return static_cast<std::size_t>(type); }

// The same bytes, with a count of holders of its own: whether this one stream has let go of them.
SharedBytes held_by_one(const SharedBytes& bytes) {
  return {std::make_shared<SharedBytes>(bytes), bytes.get()};
}

}  // namespace

std::vector<OperatorStreams::Stream>::iterator OperatorStreams::find(ConnectionId id) {
  return std::ranges::find(streams_, id, &Stream::id);
}

void OperatorStreams::open(ConnectionId id, wire::ContentType type) {
  Stream& stream = streams_.emplace_back();
  stream.id = id;
  stream.type = type;
}

void OperatorStreams::pin(ConnectionId id) {
  const auto at = find(id);
  if (at == streams_.end() || at->state != State::kOpened) return;
  at->state = State::kPinned;
  ++listening_[index_of(at->type)];
}

void OperatorStreams::begin(ConnectionId id, const SharedBytes& view, HttpServer::Batch& out,
                            std::vector<ConnectionId>& lost) {
  const auto at = find(id);
  if (at == streams_.end()) return;  // it went away meanwhile
  Stream& stream = *at;
  stream.state = State::kBegun;
  SharedBytes mine = held_by_one(view);
  stream.view = mine;
  out.send(id, std::move(mine));
  std::string heartbeat;
  record_.clear();
  wire::append_operator_event(record_, protocol::operator_event::Heartbeat{}, stream.type);
  wire::append_chunk(heartbeat, record_);
  out.send(id, std::move(heartbeat));
  for (SharedBytes& bytes : std::exchange(stream.held, {})) out.send(id, std::move(bytes));
  std::rotate(at, at + 1, streams_.end());
  if (view->size() >= kLargeView) cut_off_oldest_views(out, lost);
}

void OperatorStreams::forget(ConnectionId id) {
  const auto at = find(id);
  if (at == streams_.end()) return;
  if (at->state != State::kOpened) --listening_[index_of(at->type)];
  streams_.erase(at);
}

void OperatorStreams::say(const protocol::OperatorEvent& event) {
  for (const auto type : {wire::ContentType::kJson, wire::ContentType::kProtobuf}) {
    if (listening_[index_of(type)] == 0) continue;
    record_.clear();
    wire::append_operator_event(record_, event, type);
    wire::append_chunk(said_[index_of(type)], record_);
  }
}

void OperatorStreams::flush(HttpServer::Batch& out, std::vector<ConnectionId>& lost) {
  std::array<SharedBytes, kEncodings> said;
  bool any = false;
  for (std::size_t i = 0; i < kEncodings; ++i) {
    if (said_[i].empty()) continue;
    said[i] = std::make_shared<const std::string>(std::exchange(said_[i], {}));
    any = true;
  }
  if (!any) return;
  std::vector<ConnectionId> behind;
  for (Stream& stream : streams_) {
    const SharedBytes& bytes = said[index_of(stream.type)];
    if (!bytes || stream.state == State::kOpened) continue;
    if (stream.state == State::kBegun) {
      out.send(stream.id, bytes);
      continue;
    }
    stream.held.push_back(bytes);
    stream.held_bytes += bytes->size();
    if (stream.held_bytes > max_held_) behind.push_back(stream.id);
  }
  for (const ConnectionId id : behind) {
    cut_off(id, "more has happened than it may hold up while its view is rendered", out, lost);
  }
}

void OperatorStreams::cut_off(ConnectionId id, const char* why, HttpServer::Batch& out,
                              std::vector<ConnectionId>& lost) {
  log_warning("cut off an operator that listens", {{"why", why}});
  forget(id);
  out.close(id);
  lost.push_back(id);
}

void OperatorStreams::cut_off_oldest_views(HttpServer::Batch& out,
                                           std::vector<ConnectionId>& lost) {
  std::vector<const std::string*> views;  // the newest first
  std::vector<ConnectionId> late;
  for (auto at = streams_.rbegin(); at != streams_.rend(); ++at) {
    const auto view = at->view.lock();
    if (!view || view->size() < kLargeView) continue;
    if (std::ranges::find(views, view.get()) == views.end()) views.push_back(view.get());
    if (views.size() > kMaxUnreadViews) late.push_back(at->id);
  }
  for (const ConnectionId id : late) {
    cut_off(id, "it has not read its first event, and others have begun with later ones", out,
            lost);
  }
}

}  // namespace souk::runtime
