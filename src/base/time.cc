#include "base/time.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace souk {
namespace {

struct Unit {
  std::string_view name;
  int64_t nanoseconds;
};

constexpr int64_t kSecond = 1'000'000'000;

// Largest first: the first eight are the names that format_duration prints.
constexpr std::array kUnits = {
    Unit{"weeks", 7 * 24 * 3600 * kSecond},
    Unit{"days", 24 * 3600 * kSecond},
    Unit{"hrs", 3600 * kSecond},
    Unit{"mins", 60 * kSecond},
    Unit{"secs", kSecond},
    Unit{"ms", 1'000'000},
    Unit{"us", 1'000},
    Unit{"ns", 1},
};

constexpr std::array kAliases = {
    Unit{"w", 7 * 24 * 3600 * kSecond},
    Unit{"d", 24 * 3600 * kSecond},
    Unit{"h", 3600 * kSecond},
    Unit{"m", 60 * kSecond},
    Unit{"s", kSecond},
    Unit{"sec", kSecond},
    Unit{"min", 60 * kSecond},
    Unit{"hr", 3600 * kSecond},
    Unit{"day", 24 * 3600 * kSecond},
    Unit{"week", 7 * 24 * 3600 * kSecond},
};

int64_t unit_nanoseconds(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return unit.nanoseconds;
  }
  for (const Unit& unit : kAliases) {
    if (unit.name == name) return unit.nanoseconds;
  }
  return 0;
}

}  // namespace

Duration from_seconds(double seconds) {
  if (std::isnan(seconds)) return Duration::zero();
  constexpr double kMax = 9.2e9;  // int64 nanoseconds end at 9.22e9 s
  if (seconds >= kMax) return Duration::max();
  if (seconds <= -kMax) return Duration::min();
  return Duration(std::llround(seconds * 1e9));
}

Result<Duration> parse_duration(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number)) {
    return fail("{} is not a duration: write a number and a unit, as in 15secs, 500ms or 2hrs",
                quote(text));
  }
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (unit.empty() && number == 0) return Duration::zero();
  const int64_t scale = unit_nanoseconds(unit);
  if (scale == 0) {
    return fail("{} has no known unit: use ns, us, ms, secs, mins, hrs, days or weeks",
                quote(text));
  }
  // Whole numbers are kept exactly, also beyond the 53 bits of a double.
  int64_t whole = 0;
  const auto read = std::from_chars(text.data(), end, whole);
  int64_t nanoseconds = 0;
  if (read.ec == std::errc() && read.ptr == rest &&
      !__builtin_mul_overflow(whole, scale, &nanoseconds)) {
    return Duration(nanoseconds);
  }
  return from_seconds(number * static_cast<double>(scale) / 1e9);
}

std::string format_duration(Duration d) {
  const int64_t n = d.count();
  if (n == 0) return "0ns";
  for (const Unit& unit : kUnits) {
    if (n % unit.nanoseconds == 0) return fmt::format("{}{}", n / unit.nanoseconds, unit.name);
  }
  return fmt::format("{}ns", n);
}

std::string format_rfc3339(WallTime t) {
  const auto since = std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch());
  const std::chrono::sys_time<std::chrono::milliseconds> moment(since);
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(moment - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

}  // namespace souk
