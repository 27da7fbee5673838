#include "wire/json_writer.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "wire/json_reader.h"

namespace souk::wire {
namespace {

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

template <class T>
std::string number(T value) {
  std::string out;
  append_json_number(out, value);
  return out;
}

TEST(JsonWriter, PutsCommasBetweenValues) {
  std::string out = "x=";
  JsonWriter json(out);
  json.begin_object();
  json.field("name", "souk");
  json.field("on", true);
  json.field("count", 3U);
  json.field("load", 0.5);
  json.key("list");
  json.begin_array();
  json.value(-1);
  json.begin_object();
  json.end_object();
  json.begin_array();
  json.end_array();
  json.null();
  json.raw("{\"a\":1}");
  json.end_array();
  json.field("last", std::string("z"));
  json.end_object();
  EXPECT_EQ(out,
            "x={\"name\":\"souk\",\"on\":true,\"count\":3,\"load\":0.5,"
            "\"list\":[-1,{},[],null,{\"a\":1}],\"last\":\"z\"}");
}

TEST(JsonWriter, EscapesAllButPrintableAscii) {
  EXPECT_EQ(json_string("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(json_string("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(json_string(std::string_view("\0\x1f\x7f", 3)), R"("\u0000\u001f\u007f")");
  EXPECT_EQ(json_string("\xC3\xA9\xE2\x82\xAC"), R"("\u00e9\u20ac")");
  EXPECT_EQ(json_string("\xF0\x9F\x98\x80"), R"("\ud83d\ude00")");
}

TEST(JsonWriter, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(json_string("a\xff"
                        "b"),
            R"("a\ufffdb")");
  EXPECT_EQ(json_string("\xE2\x82"), R"("\ufffd\ufffd")");
  EXPECT_EQ(json_string("\xED\xA0\x80x"), R"("\ufffd\ufffd\ufffdx")");
}

TEST(JsonWriter, WritesIntegersWhole) {
  EXPECT_EQ(number(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(number(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
}

TEST(JsonWriter, WritesDoublesShortButNeverAsIntegers) {
  EXPECT_EQ(number(0.0), "0.0");
  EXPECT_EQ(number(-0.0), "-0.0");
  EXPECT_EQ(number(5.0), "5.0");
  EXPECT_EQ(number(0.1), "0.1");
  EXPECT_EQ(number(1e300), "1e+300");
  EXPECT_EQ(number(1700000000.25), "1700000000.25");
  EXPECT_EQ(number(-std::numeric_limits<double>::denorm_min()), "-5e-324");
  EXPECT_EQ(number(0.1F), "0.1");
}

TEST(JsonWriter, WritesNullForWhatJsonHasNoNumberFor) {
  EXPECT_EQ(number(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(number(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(number(-std::numeric_limits<double>::infinity()), "null");
}

RC_GTEST_PROP(JsonWriter, StringsAreOneLineOfAsciiAndReadable, (const std::string& bytes)) {
  const std::string text = json_string(bytes);
  for (const char c : text) RC_ASSERT(c >= 0x20 && c < 0x7F);
  JsonReader reader(text);
  std::string back;
  RC_ASSERT(reader.read_string(back));
  RC_ASSERT(reader.finish());
  RC_ASSERT(json_string(back) == text);
}

RC_GTEST_PROP(JsonWriter, DoublesComeBack, (std::uint64_t bits)) {
  const double value = std::bit_cast<double>(bits);
  const std::string text = number(value);
  if (!std::isfinite(value)) {
    RC_ASSERT(text == "null");
    return;
  }
  RC_ASSERT(is_json_number(text));
  double back = 0;
  std::from_chars(text.data(), text.data() + text.size(), back);
  RC_ASSERT(std::bit_cast<std::uint64_t>(back) == bits);
}

}  // namespace
}  // namespace souk::wire
