// The clocks of one simulated machine: they run a little too fast or too slow, and stand still with
// a virtual machine that is stopped; the wall clock may also be set.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace souk::sim {

// A wall time to begin with, so that stamps look like stamps.
inline constexpr WallTime kWallStart{Duration{1'700'000'000'000'000'000}};

class Clock {
 public:
  // Parts in a million by which it is fast; between -100,000 and 100,000.
  void set_drift(int64_t parts) { drift_ = parts; }
  // Sets the wall clock forward, or back.
  void jump(Duration by) { wall_offset_ += by; }
  // They stood still for so long, up to now. Nobody read them meanwhile.
  void stood_still(Duration length) { stood_still_ += length; }

  Now read(MonoTime world) const {
    const Duration local = to_local(world.time_since_epoch() - stood_still_);
    return {MonoTime(local), kWallStart + local + wall_offset_};
  }

  // When it will read `local`, or a moment later.
  MonoTime when(MonoTime local) const {
    if (drift_ == 0) return local + stood_still_;
    // The first moment that is not too early: to_local() rounds down.
    const auto wide = static_cast<__int128>(local.time_since_epoch().count()) * kMillion;
    const int64_t rate = kMillion + drift_;
    return MonoTime(Duration(static_cast<int64_t>((wide + rate - 1) / rate) + 1) + stood_still_);
  }

 private:
  static constexpr int64_t kMillion = 1'000'000;

  Duration to_local(Duration world) const {
    if (drift_ == 0) return world;
    const auto wide = static_cast<__int128>(world.count()) * (kMillion + drift_);
    return Duration(static_cast<int64_t>(wide / kMillion));
  }

  int64_t drift_ = 0;
  Duration stood_still_{0};
  Duration wall_offset_{0};
};

}  // namespace souk::sim
