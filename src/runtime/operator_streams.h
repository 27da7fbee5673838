// The streams of operators that listen to a master. Each begins with a view of the machine, which
// another thread renders meanwhile; what happens after that view waits behind it. An event is
// encoded once for each encoding, and those of one batch are one buffer, which all streams share.
//
// Of the machine's thread. What a stream may hold up is bounded: its events while its view is
// rendered, and how many different large views those keep alive that have not read theirs yet. Who
// goes beyond is cut off; the server does it for one that does not read on.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "protocol/operator_events.h"
#include "runtime/http_server.h"
#include "wire/content_type.h"

namespace souk::runtime {

class OperatorStreams {
 public:
  // Of views that streams have not read: beyond, those with the oldest are cut off.
  static constexpr std::size_t kMaxUnreadViews = 4;
  static constexpr std::size_t kLargeView = std::size_t{1} << 20;  // smaller ones do not count

  explicit OperatorStreams(std::size_t max_held_bytes) : max_held_(max_held_bytes) {}

  // It hears nothing yet.
  void open(ConnectionId id, wire::ContentType type);
  // Its view is of this moment: it hears what is said from now on. REQUIRES: between two batches.
  void pin(ConnectionId id);
  // Its view is rendered, as a whole chunk. Those that are cut off for it are added to `lost`.
  void begin(ConnectionId id, const SharedBytes& view, HttpServer::Batch& out,
             std::vector<ConnectionId>& lost);
  // No matter if there is none.
  void forget(ConnectionId id);

  void say(const protocol::OperatorEvent& event);
  // Hands out what was said in this batch.
  void flush(HttpServer::Batch& out, std::vector<ConnectionId>& lost);

 private:
  enum class State : uint8_t { kOpened, kPinned, kBegun };
  struct Stream {
    ConnectionId id;
    wire::ContentType type;
    State state = State::kOpened;
    std::vector<SharedBytes> held;
    std::size_t held_bytes = 0;
    std::weak_ptr<const std::string> view;  // as long as it has not read it
  };
  static constexpr std::size_t kEncodings = 2;

  std::vector<Stream>::iterator find(ConnectionId id);
  void cut_off(ConnectionId id, const char* why, HttpServer::Batch& out,
               std::vector<ConnectionId>& lost);
  void cut_off_oldest_views(HttpServer::Batch& out, std::vector<ConnectionId>& lost);

  const std::size_t max_held_;
  std::vector<Stream> streams_;  // in the order in which they begin
  std::array<std::size_t, kEncodings> listening_{};
  std::array<std::string, kEncodings> said_;
  std::string record_;
};

}  // namespace souk::runtime
