// Streams of the link: cut into frames, each decoded as either side would. Cutting the stream into
// single bytes must give the same frames.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "wire/codec_link.h"

namespace {

using namespace souk;

constexpr std::size_t kMaxFrame = 1 << 16;

void decode_up(std::string_view bytes) {
  const auto message = wire::decode_agent_message(bytes);
  if (!message || !*message) return;
  std::string frame;
  if (!wire::append_link_frame(frame, **message)) std::abort();
  const auto again =
      wire::decode_agent_message(std::string_view(frame).substr(wire::kLinkHeaderBytes));
  if (!again || !*again || (*again)->index() != (*message)->index()) std::abort();
}

void decode_down(std::string_view bytes) {
  const auto message = wire::decode_master_frame(bytes);
  if (!message || !*message) return;
  std::string frame;
  if (!wire::append_link_frame(frame, **message)) std::abort();
  const auto again =
      wire::decode_master_frame(std::string_view(frame).substr(wire::kLinkHeaderBytes));
  if (!again || !*again || (*again)->epoch != (*message)->epoch) std::abort();
}

std::vector<std::string> cut(std::string_view stream, std::size_t piece) {
  std::vector<std::string> frames;
  std::string kept;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    kept += stream.substr(at, piece);
    std::vector<std::string_view> views;
    const wire::LinkFrameCut cut = wire::cut_link_frames(kept, kMaxFrame, views);
    frames.insert(frames.end(), views.begin(), views.end());
    if (cut.too_long) return frames;
    if (cut.consumed > kept.size()) std::abort();
    kept.erase(0, cut.consumed);
  }
  return frames;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view stream(reinterpret_cast<const char*>(data), size);
  if (stream.empty()) return 0;
  const auto frames = cut(stream, stream.size());
  if (frames != cut(stream, 1)) std::abort();
  for (const std::string& frame : frames) {
    decode_up(frame);
    decode_down(frame);
  }
  return 0;
}
