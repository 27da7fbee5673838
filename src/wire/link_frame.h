// The framing of links: a 4-byte big-endian length, and that many bytes. Pure functions.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace souk::wire {

// Bounds what a peer can make us buffer. An agent's Register is the largest message: room for a
// hundred thousand tasks of some 600 bytes.
inline constexpr std::size_t kMaxLinkFrame = std::size_t{64} << 20;
inline constexpr std::size_t kLinkHeaderBytes = 4;

// REQUIRES at most kMaxLinkFrame bytes.
void append_link_bytes(std::string& out, std::string_view bytes);

// Adds the whole frames at the start of the bytes to `frames`, as views without their lengths; no
// more than `most`.
struct LinkFrameCut {
  std::size_t consumed = 0;
  bool too_long = false;  // the next one is longer than allowed: not to be followed further
};
LinkFrameCut cut_link_frames(std::string_view bytes, std::size_t max_frame,
                             std::vector<std::string_view>& frames,
                             std::size_t most = std::numeric_limits<std::size_t>::max());

}  // namespace souk::wire
