// Request targets and the headers that choose an encoding. The first line is a target, the rest a
// header's value.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/http_text.h"

namespace {

using namespace souk;

void route(std::string_view path, wire::Side side) {
  static const wire::RouteTable table({"/", "/api/v1", "/api/v1/scheduler", "/slaves", "/state"});
  const std::string normal = wire::normalize_path(path, side);
  if (!normal.starts_with('/') || normal.find("//") != std::string::npos) std::abort();
  const auto match = table.find(normal);
  if (match && !normal.ends_with(match->rest)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view line = text.substr(0, text.find('\n'));
  const std::string_view header = text.substr(std::min(line.size() + 1, text.size()));
  if (const auto target = wire::parse_target(line)) {
    if (target->query.size() > wire::kMaxQueryParameters) std::abort();
    route(target->path, wire::Side::kMaster);
    route(target->path, wire::Side::kAgent);
  }
  (void)wire::negotiate(header);
  (void)wire::parse_content_type(header);
  return 0;
}
