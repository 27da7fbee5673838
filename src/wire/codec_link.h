// The link's messages as bytes: in each frame (wire/link_frame.h) one protobuf message of
// proto/souk/link.proto. Pure functions.
//
// Versions that differ understand each other: what a decoder does not know it skips.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/link.h"
#include "wire/link_frame.h"

namespace souk::wire {

// Appends one whole frame. Fails, with `out` as it was, if the message does not fit into
// kMaxLinkFrame.
Result<void> append_link_frame(std::string& out, const protocol::AgentMessage& message);
Result<void> append_link_frame(std::string& out, const protocol::MasterFrame& frame);

// Take the bytes of one frame without its length. Nothing: a message that this version does not
// know; log it and go on. An error: malformed; the peer is broken.
Result<std::optional<protocol::AgentMessage>> decode_agent_message(std::string_view bytes);
Result<std::optional<protocol::MasterFrame>> decode_master_frame(std::string_view bytes);

}  // namespace souk::wire
