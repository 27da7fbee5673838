#include "wire/base64.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <algorithm>

namespace souk::wire {
namespace {

std::string encode(std::string_view bytes) {
  std::string out;
  append_base64(out, bytes);
  return out;
}

TEST(Base64, EncodesTheVectorsOfTheRfc) {
  EXPECT_EQ(encode(""), "");
  EXPECT_EQ(encode("f"), "Zg==");
  EXPECT_EQ(encode("fo"), "Zm8=");
  EXPECT_EQ(encode("foo"), "Zm9v");
  EXPECT_EQ(encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode("\xfb\xff"), "+/8=");
}

TEST(Base64, DecodesUrlSafeAndUnpadded) {
  EXPECT_EQ(decode_base64("-_8="), "\xfb\xff");
  EXPECT_EQ(decode_base64("-_8"), "\xfb\xff");
  EXPECT_EQ(decode_base64("Zg"), "f");
  EXPECT_EQ(decode_base64(""), "");
}

TEST(Base64, RefusesWhatIsNot) {
  for (const char* text :
       {"Z", "Zg=", "Zg===", "=", "====", "Zm9v!", "Zm 9v", "Zm9v\n", "Zg==Zg=="}) {
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  }
}

RC_GTEST_PROP(Base64, ComesBack, (const std::string& bytes)) {
  std::string text = encode(bytes);
  RC_ASSERT(decode_base64(text) == bytes);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  text.erase(std::min(text.find('='), text.size()));
  RC_ASSERT(decode_base64(text) == bytes);
}

}  // namespace
}  // namespace souk::wire
