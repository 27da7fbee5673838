#include "wire/link_frame.h"

#include <cstdint>

namespace souk::wire {

void append_link_bytes(std::string& out, std::string_view bytes) {
  for (std::size_t i = 0; i < kLinkHeaderBytes; ++i) {
    out.push_back(static_cast<char>(bytes.size() >> (8 * (kLinkHeaderBytes - 1 - i))));
  }
  out.append(bytes);
}

LinkFrameCut cut_link_frames(std::string_view bytes, std::size_t max_frame,
                             std::vector<std::string_view>& frames, std::size_t most) {
  LinkFrameCut cut;
  for (; most > 0 && bytes.size() - cut.consumed >= kLinkHeaderBytes; --most) {
    const std::string_view rest = bytes.substr(cut.consumed);
    std::size_t size = 0;
    for (std::size_t i = 0; i < kLinkHeaderBytes; ++i) {
      size = size << 8 | static_cast<uint8_t>(rest[i]);
    }
    cut.too_long = size > max_frame;
    if (cut.too_long || rest.size() - kLinkHeaderBytes < size) break;
    frames.push_back(rest.substr(kLinkHeaderBytes, size));
    cut.consumed += kLinkHeaderBytes + size;
  }
  return cut;
}

}  // namespace souk::wire
