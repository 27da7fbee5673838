// Bytes on the socket between agent and souk-executor: framed, decoded as either side would, and
// what decodes must encode to the same bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocol/supervisor.h"

namespace {

namespace supervisor = souk::protocol::supervisor;

template <class Message>
void encode_again(const Message& message, std::string_view frame) {
  std::string bytes;
  if (!supervisor::append_frame(bytes, message)) std::abort();
  if (std::string_view(bytes).substr(4) != frame) std::abort();
}

void decode(std::string_view frame) {
  if (const auto to = supervisor::decode_to_supervisor(frame)) encode_again(*to, frame);
  if (const auto from = supervisor::decode_from_supervisor(frame)) encode_again(*from, frame);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  decode(bytes);
  supervisor::FrameReader reader;
  const size_t half = size / 2;
  for (const std::string_view piece : {bytes.substr(0, half), bytes.substr(half)}) {
    reader.feed(piece);
    while (const auto frame = reader.next()) decode(*frame);
  }
  return 0;
}
