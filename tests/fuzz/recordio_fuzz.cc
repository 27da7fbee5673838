// A RecordIO stream: what is read must not depend on where it is cut, and written again must be
// read again. The first byte says where to cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "wire/recordio.h"

namespace {

constexpr std::size_t kMaxRecord = 1000;

struct Outcome {
  std::vector<std::string> records;
  std::string error;
  bool at_boundary = false;

  bool operator==(const Outcome&) const = default;
};

void demand(bool condition) {
  if (!condition) std::abort();
}

Outcome parse(std::string_view stream, std::size_t piece) {
  Outcome outcome;
  souk::wire::RecordParser parser(kMaxRecord);
  while (!stream.empty() && outcome.error.empty()) {
    const std::string_view bytes = stream.substr(0, piece);
    const auto fed =
        parser.feed(bytes, [&](std::string_view r) { outcome.records.emplace_back(r); });
    if (!fed) outcome.error = fed.error().message;
    stream.remove_prefix(bytes.size());
  }
  outcome.at_boundary = parser.at_boundary();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = parse(stream, stream.size());
  demand(parse(stream, 1) == whole);
  demand(parse(stream, std::max<std::size_t>(1, data[0])) == whole);

  std::string written;
  for (const std::string& record : whole.records) {
    demand(record.size() <= kMaxRecord);
    souk::wire::append_record(written, record);
  }
  const Outcome again = parse(written, std::max<std::size_t>(1, written.size()));
  demand(again.records == whole.records && again.error.empty());
  return 0;
}
