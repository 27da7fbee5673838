// The link's messages as bytes, and its framing: a 4-byte big-endian length and that many bytes of
// one protobuf message of proto/souk/link.proto. Pure; a FrameCutter belongs to one connection and
// is not thread-safe.
//
// Versions that differ understand each other: what a decoder does not know it skips.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/link.h"

namespace souk::wire {

// Bounds what a peer can make us buffer. An agent's Register is the largest message: room for a
// hundred thousand tasks of some 600 bytes.
inline constexpr std::size_t kMaxLinkFrame = std::size_t{64} << 20;
inline constexpr std::size_t kLinkHeaderBytes = 4;
// A cutter gives memory beyond this back after the frame that needed it.
inline constexpr std::size_t kKeptFrameBytes = std::size_t{1} << 20;

// Appends one whole frame. Fails, with `out` as it was, if the message does not fit into
// kMaxLinkFrame.
Result<void> append_link_frame(std::string& out, const protocol::AgentMessage& message);
Result<void> append_link_frame(std::string& out, const protocol::MasterFrame& frame);

// Take the bytes of one frame without its length. Nothing: a message that this version does not
// know; log it and go on. An error: malformed; the peer is broken.
Result<std::optional<protocol::AgentMessage>> decode_agent_message(std::string_view bytes);
Result<std::optional<protocol::MasterFrame>> decode_master_frame(std::string_view bytes);

// Cuts a stream into frames: feed() bytes as they come, then take next() until there is none. After
// an error the stream is lost: close.
class FrameCutter {
 public:
  explicit FrameCutter(std::size_t max_frame = kMaxLinkFrame) : max_frame_(max_frame) {}

  void feed(std::string_view bytes);
  // The bytes of one frame, valid until the next call of feed(); nothing if more are needed.
  Result<std::optional<std::string_view>> next();

  // Whether the bytes so far end with a complete frame.
  bool at_boundary() const { return taken_ == buffer_.size(); }

 private:
  std::size_t max_frame_;
  std::string buffer_;
  std::size_t taken_ = 0;  // of buffer_, by frames that were handed out
};

}  // namespace souk::wire
