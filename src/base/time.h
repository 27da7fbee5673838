// Time as the machines see it. Nothing here reads a clock: the runtime and the simulator pass Now
// in.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace souk {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

// Monotonic time, for deadlines. Its origin means nothing.
struct MonoClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonoClock>;
};
using MonoTime = MonoClock::time_point;

// Wall time since 1970 (UTC), for stamps that people and clients read.
struct WallClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<WallClock>;
};
using WallTime = WallClock::time_point;

struct Now {
  MonoTime mono;
  WallTime wall;
};

inline double to_seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
inline double to_seconds(WallTime t) { return to_seconds(t.time_since_epoch()); }

// Seconds as clients give them. Not a number counts as zero; what does not fit is cut to +-292 y.
Duration from_seconds(double seconds);

// "15secs", "1.5mins", "500ms", "1weeks": the units that operators of Mesos know (ns, us, ms, secs,
// mins, hrs, days, weeks), and s, m, h, d, w besides. A bare "0" is allowed, a minus sign too; what
// does not fit is cut as above.
Result<Duration> parse_duration(std::string_view text);

// The largest unit that divides the duration: "15secs", "250ms", "0ns".
std::string format_duration(Duration d);

// "2026-02-03T04:05:06.789Z" (RFC 3339), cut to milliseconds.
std::string format_rfc3339(WallTime t);

}  // namespace souk
