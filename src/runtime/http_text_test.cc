#include "runtime/http_text.h"

#include <gtest/gtest.h>

#include "runtime/clock.h"

namespace souk::runtime {
namespace {

TEST(HttpText, Chunks) {
  std::string out;
  append_chunk(out, "hello");
  append_chunk(out, "");  // would end the stream
  append_chunk(out, std::string(255, 'x'));
  EXPECT_EQ(out, "5\r\nhello\r\nff\r\n" + std::string(255, 'x') + "\r\n");
}

TEST(HttpText, LinkFrames) {
  std::string out;
  append_link_frame(out, "abc");
  append_link_frame(out, "");
  EXPECT_EQ(out, std::string("\0\0\0\3abc\0\0\0\0", 11));
  for (std::size_t size = 0; size <= out.size(); ++size) {
    std::vector<std::string_view> frames;
    const LinkFrameCut cut = cut_link_frames(std::string_view(out).substr(0, size), 3, frames);
    EXPECT_FALSE(cut.too_long);
    EXPECT_EQ(cut.consumed, size == 11 ? 11u : size >= 7 ? 7u : 0u);
    EXPECT_EQ(frames.size(), size == 11 ? 2u : size >= 7 ? 1u : 0u);
  }
  std::vector<std::string_view> frames;
  EXPECT_TRUE(cut_link_frames(out, 2, frames).too_long);
  EXPECT_TRUE(frames.empty());
}

TEST(HttpText, Gzip) {
  for (const std::string& text : {std::string(), std::string("x"), std::string(3'000'000, 'y')}) {
    EXPECT_EQ(gunzip(gzip(text), 4'000'000).value(), text);
  }
  EXPECT_FALSE(gunzip(gzip(std::string(1000, 'a')), 999).has_value());
  EXPECT_FALSE(gunzip("rubbish", 100).has_value());
  const std::string whole = gzip("some text");
  EXPECT_FALSE(gunzip(std::string_view(whole).substr(0, whole.size() - 1), 100).has_value());
}

TEST(HttpText, Date) {
  EXPECT_EQ(http_date(WallTime(784'887'151s)), "Tue, 15 Nov 1994 08:12:31 GMT");
}

TEST(HttpText, PercentCodes) {
  EXPECT_EQ(percent_decode("/a%20b%2F+").value(), "/a b/+");
  for (const char* bad : {"%", "%4", "%zz", "a%2"}) EXPECT_FALSE(percent_decode(bad).has_value());
  EXPECT_EQ(percent_encode("/a b?ü"), "/a%20b%3F%C3%BC");
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  EXPECT_EQ(percent_decode(percent_encode(all)).value(), all);
}

TEST(HttpHeaders, AreFoundWithoutCase) {
  HttpHeaders headers{{"Content-Type", "a"}, {"X", "1"}, {"x", "2"}};
  EXPECT_EQ(headers.get("CONTENT-type"), "a");
  EXPECT_EQ(headers.get("x"), "1");
  EXPECT_EQ(headers.get("none"), "");
  EXPECT_TRUE(headers.has("X"));
  EXPECT_FALSE(headers.has("Content-Typ"));
  EXPECT_EQ(headers.at(2).second, "2");
}

TEST(HttpHeaders, Tokens) {
  EXPECT_TRUE(has_token("keep-alive, Upgrade", "upgrade"));
  EXPECT_TRUE(has_token("deflate;q=1 , gzip ; q=0.5", "gzip"));
  EXPECT_FALSE(has_token("gzip;q=0", "gzip"));
  EXPECT_FALSE(has_token("gzip; q=0.000", "gzip"));
  EXPECT_FALSE(has_token("xgzip", "gzip"));
  EXPECT_FALSE(has_token("", "gzip"));
  EXPECT_FALSE(has_token(",,", "gzip"));
}

TEST(Clock, GoesOn) {
  const Now a = now();
  const Now b = now();
  EXPECT_GE(b.mono, a.mono);
  EXPECT_GT(a.wall.time_since_epoch(), 1'600'000'000s);
  EXPECT_NE(random_seed(), random_seed());
}

}  // namespace
}  // namespace souk::runtime
