// Run-time switches of the machines, for tests and the simulator: off in production, where nobody
// sets them. Planted bugs show that the simulator's checkers ring.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace souk {

enum class Switch : uint8_t {
  // Planted bugs.
  kNone = 0,
};

class Switches {
 public:
  void set(Switch s) { bits_ |= bit(s); }
  bool on(Switch s) const { return (bits_ & bit(s)) != 0; }
  bool any() const { return bits_ != 0; }

 private:
  static uint64_t bit(Switch s) { return uint64_t{1} << static_cast<uint8_t>(s); }
  uint64_t bits_ = 0;
};

}  // namespace souk
