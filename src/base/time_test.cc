#include "base/time.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>

namespace souk {
namespace {

Duration parsed(std::string_view text) {
  const auto result = parse_duration(text);
  EXPECT_TRUE(result) << text << ": " << (result ? "" : result.error().message);
  return result.value_or(Duration::min());
}

TEST(Time, SecondsAsClientsGiveThem) {
  EXPECT_EQ(from_seconds(1.5), 1500ms);
  EXPECT_EQ(from_seconds(0), 0s);
  EXPECT_EQ(from_seconds(-2), -2s);
  EXPECT_EQ(from_seconds(1e-9), 1ns);
  EXPECT_EQ(from_seconds(4e-10), 0ns);
  EXPECT_EQ(from_seconds(std::nan("")), 0s);
  EXPECT_EQ(from_seconds(std::numeric_limits<double>::infinity()), Duration::max());
  EXPECT_EQ(from_seconds(-std::numeric_limits<double>::infinity()), Duration::min());
  EXPECT_EQ(from_seconds(1e300), Duration::max());
  EXPECT_EQ(from_seconds(9.3e9), Duration::max());
  EXPECT_EQ(from_seconds(-9.3e9), Duration::min());
}

TEST(Time, ToSeconds) {
  EXPECT_DOUBLE_EQ(to_seconds(Duration(1500ms)), 1.5);
  EXPECT_DOUBLE_EQ(to_seconds(WallTime(2s)), 2.0);
}

TEST(Time, ParsesEveryUnit) {
  EXPECT_EQ(parsed("1ns"), 1ns);
  EXPECT_EQ(parsed("2us"), 2us);
  EXPECT_EQ(parsed("500ms"), 500ms);
  EXPECT_EQ(parsed("15secs"), 15s);
  EXPECT_EQ(parsed("1mins"), 60s);
  EXPECT_EQ(parsed("2hrs"), 2h);
  EXPECT_EQ(parsed("1days"), 24h);
  EXPECT_EQ(parsed("1weeks"), 7 * 24h);
  for (const char* text : {"1s", "1sec"}) EXPECT_EQ(parsed(text), 1s) << text;
  for (const char* text : {"1m", "1min"}) EXPECT_EQ(parsed(text), 60s) << text;
  for (const char* text : {"1h", "1hr"}) EXPECT_EQ(parsed(text), 1h) << text;
  for (const char* text : {"1d", "1day"}) EXPECT_EQ(parsed(text), 24h) << text;
  for (const char* text : {"1w", "1week"}) EXPECT_EQ(parsed(text), 7 * 24h) << text;
}

TEST(Time, ParsesFractionsZeroAndSigns) {
  EXPECT_EQ(parsed("1.5mins"), 90s);
  EXPECT_EQ(parsed("0.1secs"), 100ms);
  EXPECT_EQ(parsed("0"), 0s);
  EXPECT_EQ(parsed("0.0"), 0s);
  EXPECT_EQ(parsed("0secs"), 0s);
  EXPECT_EQ(parsed("-5secs"), -5s);
  EXPECT_EQ(parsed("-0.5secs"), -500ms);
}

TEST(Time, ParseCutsWhatDoesNotFit) {
  EXPECT_EQ(parsed("9223372036854775807ns"), Duration::max());
  EXPECT_EQ(parsed("9223372036854775806ns"), Duration::max() - 1ns);
  EXPECT_EQ(parsed("100000000weeks"), Duration::max());
  EXPECT_EQ(parsed("-100000000weeks"), Duration::min());
  EXPECT_EQ(parsed("99999999999999999999999999secs"), Duration::max());
}

TEST(Time, ParseRefuses) {
  for (const char* text :
       {"",       " ",       "x",      "secs",     "5",       "5.5",    "5 secs",  " 5secs",
        "5secs ", "5 ",      "5sec s", "5Secs",    "--5secs", "+5secs", "1e3secs", "infsecs",
        "inf",    "nansecs", "nan",    "0x10secs", "5secs\n", "."}) {
    const auto result = parse_duration(text);
    ASSERT_FALSE(result) << text;
    EXPECT_NE(result.error().message.find('\''), std::string::npos) << result.error().message;
  }
  EXPECT_FALSE(parse_duration(std::string("5secs\0", 6)));
}

TEST(Time, ParseErrorsSayWhatToWrite) {
  EXPECT_EQ(parse_duration("x").error().message,
            "'x' is not a duration: write a number and a unit, as in 15secs, 500ms or 2hrs");
  EXPECT_EQ(parse_duration("5").error().message,
            "'5' has no known unit: use ns, us, ms, secs, mins, hrs, days or weeks");
}

TEST(Time, FormatTakesTheLargestUnitThatDivides) {
  EXPECT_EQ(format_duration(0ns), "0ns");
  EXPECT_EQ(format_duration(15s), "15secs");
  EXPECT_EQ(format_duration(90s), "90secs");
  EXPECT_EQ(format_duration(250ms), "250ms");
  EXPECT_EQ(format_duration(2h), "2hrs");
  EXPECT_EQ(format_duration(14 * 24h), "2weeks");
  EXPECT_EQ(format_duration(-60s), "-1mins");
  EXPECT_EQ(format_duration(1us + 1ns), "1001ns");
}

TEST(Time, Rfc3339) {
  EXPECT_EQ(format_rfc3339(WallTime{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(WallTime(1'700'000'000s + 1'999'999ns)), "2023-11-14T22:13:20.001Z");
  EXPECT_EQ(format_rfc3339(WallTime(951'782'400s)), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(WallTime(-1ms)), "1969-12-31T23:59:59.999Z");
}

RC_GTEST_PROP(Time, FormatIsReadBack, (int64_t nanoseconds)) {
  const Duration d(nanoseconds);
  RC_ASSERT((parse_duration(format_duration(d)) == Result<Duration>(d)));
}

RC_GTEST_PROP(Time, ParseNeverFailsBadly, (const std::string& text)) {
  const auto result = parse_duration(text);
  RC_ASSERT(result.has_value() || !result.error().message.empty());
}

}  // namespace
}  // namespace souk
