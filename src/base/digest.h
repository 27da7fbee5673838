// A running 64-bit digest (FNV-1a with a final mix): tells whether two runs did the same, not who
// wrote them.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace souk {

class Digest {
 public:
  Digest& add(std::string_view bytes) {
    add(static_cast<uint64_t>(bytes.size()));
    for (const char c : bytes) add_byte(static_cast<uint8_t>(c));
    return *this;
  }

  template <std::integral T>
  Digest& add(T number) {
    const auto n = static_cast<uint64_t>(number);
    for (int shift = 0; shift < 64; shift += 8) add_byte(static_cast<uint8_t>(n >> shift));
    return *this;
  }

  uint64_t value() const {
    uint64_t z = hash_;
    z = (z ^ (z >> 33)) * 0xff51afd7ed558ccdu;
    z = (z ^ (z >> 33)) * 0xc4ceb9fe1a85ec53u;
    return z ^ (z >> 33);
  }

  std::string hex() const;

 private:
  void add_byte(uint8_t byte) { hash_ = (hash_ ^ byte) * 0x100000001b3u; }

  uint64_t hash_ = 0xcbf29ce484222325u;
};

}  // namespace souk
