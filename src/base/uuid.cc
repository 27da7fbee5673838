#include "base/uuid.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace souk {

Uuid Uuid::random(Rng& rng) {
  Uuid uuid;
  for (std::size_t half = 0; half < 2; ++half) {
    const uint64_t word = rng.next();
    for (std::size_t i = 0; i < 8; ++i) {
      uuid.bytes[half * 8 + i] = static_cast<uint8_t>(word >> (8 * i));
    }
  }
  uuid.bytes[6] = static_cast<uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);
  uuid.bytes[8] = static_cast<uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return uuid;
}

std::optional<Uuid> Uuid::from_bytes(std::string_view raw) {
  if (raw.size() != 16) return std::nullopt;
  Uuid uuid;
  std::copy(raw.begin(), raw.end(), uuid.bytes.begin());
  return uuid;
}

std::string Uuid::to_bytes() const { return {bytes.begin(), bytes.end()}; }

std::string Uuid::to_string() const {
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    fmt::format_to(std::back_inserter(text), "{:02x}", bytes[i]);
  }
  return text;
}

}  // namespace souk
