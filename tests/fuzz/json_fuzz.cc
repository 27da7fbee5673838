// JSON as an arbitrary scheduler would send it. What is accepted must print as one line of ASCII,
// and that must be accepted again and print the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mesos/v1/master/master.pb.h"
#include "mesos/v1/scheduler/scheduler.pb.h"
#include "wire/json.h"

namespace {

void demand(bool condition) {
  if (!condition) std::abort();
}

template <class T>
void check(std::string_view text) {
  T message;
  if (const auto parsed = souk::wire::from_json(text, message); !parsed) {
    demand(!parsed.error().message.empty());
    return;
  }
  demand(message.IsInitialized());
  const std::string printed = souk::wire::to_json(message);
  for (const char c : printed) demand(c >= 0x20 && c < 0x7F);
  T again;
  demand(souk::wire::from_json(printed, again).has_value());
  demand(souk::wire::to_json(again) == printed);
  T from_bytes;
  demand(from_bytes.ParseFromString(message.SerializeAsString()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check<mesos::v1::scheduler::Call>(text);
  check<mesos::v1::master::Call>(text);
  return 0;
}
