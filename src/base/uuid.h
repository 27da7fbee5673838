// A random (version 4) UUID: 16 bytes, drawn from the injected generator.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/rng.h"

namespace souk {

struct Uuid {
  std::array<uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;

  static Uuid random(Rng& rng);
  // The 16 raw bytes as they stand on the wire; nothing if there are not exactly 16.
  static std::optional<Uuid> from_bytes(std::string_view raw);

  std::string to_bytes() const;
  std::string to_string() const;  // 8-4-4-4-12 hexadecimal digits
};

}  // namespace souk
