#include "model/ids.h"

namespace souk {

Result<void> validate_id(std::string_view id) {
  if (id.empty()) return fail("an id must not be empty");
  if (id.size() > 255) return fail("an id must have at most 255 bytes, this one has {}", id.size());
  if (id == "." || id == "..") return fail("'{}' is disallowed as an id", id);
  for (const char c : id) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '/' || c == '\\') {
      return fail("'{}' contains invalid characters", id);
    }
  }
  return {};
}

}  // namespace souk
