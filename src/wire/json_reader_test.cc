#include "wire/json_reader.h"

#include <gtest/gtest.h>

namespace souk::wire {
namespace {

// "" if `text` is one JSON value, else the error.
std::string check(std::string_view text) {
  JsonReader reader(text);
  reader.skip_value();
  reader.finish();
  return reader.error();
}

std::string read_string(std::string_view text) {
  JsonReader reader(text);
  std::string value;
  if (!reader.read_string(value) || !reader.finish()) return "error: " + reader.error();
  return value;
}

TEST(JsonReader, AcceptsJson) {
  for (const char* text :
       {"{}", "[]", "\"\"", "0", "-0", "-1.5e+3", "1E9", "true", "false", "null",
        " [ 1 , {\"a\" : [ ] } ]\r\n\t", "{\"a\":{\"b\":[true,null,\"x\"]},\"a\":1}", "\"\x7f\""}) {
    EXPECT_EQ(check(text), "") << text;
  }
}

TEST(JsonReader, RefusesWhatIsNotJson) {
  for (const char* text : {"",          " ",           "{",
                           "[",         "]",           "}",
                           "{]",        "[}",          "{,}",
                           "[,]",       "[1,]",        "{\"a\":1,}",
                           "{\"a\"}",   "{\"a\":}",    "{a:1}",
                           "{1:1}",     "[1 2]",       "1 2",
                           "nul",       "nulll",       "True",
                           "NaN",       "Infinity",    "'a'",
                           "+1",        "01",          "-",
                           "-a",        "1.",          ".5",
                           "1e",        "1e+",         "0x1",
                           "1_000",     "\"",          "\"a",
                           "\"\\",      "\"\\\"",      "\"\\x\"",
                           "\"\\u12\"", "\"\\u12g4\"", "\"\n\"",
                           "[1]//",     "/**/1",       "\xEF\xBB\xBF{}"}) {
    EXPECT_NE(check(text), "") << text;
  }
  EXPECT_NE(check(std::string_view("\0", 1)), "");
  EXPECT_NE(check(std::string_view("\"\0\"", 3)), "");
}

TEST(JsonReader, SaysWhere) {
  EXPECT_EQ(check("{\"a\" 1}"), "byte 5: expected ':'");
  EXPECT_EQ(check("[1 2]"), "byte 3: expected ',' or ']'");
  EXPECT_EQ(check("[1,]"), "byte 3: expected a value");
  EXPECT_EQ(check("{} x"), "byte 3: text after the value");
}

TEST(JsonReader, BoundsTheDepth) {
  const std::string open(kMaxJsonDepth, '[');
  const std::string close(kMaxJsonDepth, ']');
  EXPECT_EQ(check(open + close), "");
  EXPECT_EQ(check("[" + open + close + "]"), "byte 65: nested deeper than 64");
  EXPECT_NE(check(std::string(1'000'000, '[')), "");
  // Siblings are not depth.
  std::string wide = "[";
  for (int i = 0; i < 1000; ++i) wide += "[{}],";
  EXPECT_EQ(check(wide + "[]]"), "");
}

TEST(JsonReader, UnescapesStrings) {
  EXPECT_EQ(read_string(R"("a\"\\\/\b\f\n\r\tz")"), "a\"\\/\b\f\n\r\tz");
  EXPECT_EQ(read_string(R"("\u0041\u00e9\u20AC\ud83d\ude00")"),
            "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(read_string(R"("\u0000")"), std::string(1, '\0'));
  EXPECT_EQ(read_string("\"\xC3\xA9\""), "\xC3\xA9");
}

TEST(JsonReader, RefusesHalvesOfSurrogatePairs) {
  for (const char* text :
       {R"("\ud83d")", R"("\ud83dx")", R"("\ud83d\n")", R"("\ud83d\ud83d")", R"("\ude00")"}) {
    EXPECT_NE(read_string(text).find("half of a surrogate pair"), std::string::npos) << text;
  }
}

TEST(JsonReader, RefusesBytesThatAreNotUtf8) {
  EXPECT_EQ(read_string("\"a\xff\""), "error: byte 2: invalid UTF-8 in a string");
  EXPECT_EQ(read_string("\"\xE2\x82\""), "error: byte 1: invalid UTF-8 in a string");
}

TEST(JsonReader, ErrorsStick) {
  JsonReader reader("]");
  EXPECT_FALSE(reader.enter_object());
  const std::string error = reader.error();
  std::string key;
  bool first = true;
  EXPECT_FALSE(reader.next_key(first, key));
  EXPECT_FALSE(reader.next_element(first));
  EXPECT_FALSE(reader.read_string(key));
  EXPECT_TRUE(reader.read_number().empty());
  EXPECT_EQ(reader.peek(), JsonKind::kNone);
  EXPECT_FALSE(reader.finish());
  EXPECT_EQ(reader.error(), error);
}

TEST(JsonReader, KnowsNumbers) {
  for (const char* text : {"0", "-0", "10", "1.5", "-1e9", "1E-2"})
    EXPECT_TRUE(is_json_number(text)) << text;
  for (const char* text : {"", " 1", "1 ", "+1", "01", "1.", ".1", "1e", "x", "--1", "1-"}) {
    EXPECT_FALSE(is_json_number(text)) << text;
  }
}

}  // namespace
}  // namespace souk::wire
