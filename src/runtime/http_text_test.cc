#include "runtime/http_text.h"

#include <gtest/gtest.h>

#include "runtime/clock.h"

namespace souk::runtime {
namespace {

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
