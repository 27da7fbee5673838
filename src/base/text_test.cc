#include "base/text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>

namespace souk {
namespace {

using Parts = std::vector<std::string_view>;

TEST(Text, SplitKeepsEmptyParts) {
  EXPECT_EQ(split("a,b", ','), (Parts{"a", "b"}));
  EXPECT_EQ(split(",a,,", ','), (Parts{"", "a", "", ""}));
  EXPECT_EQ(split("", ','), (Parts{""}));
  EXPECT_EQ(split("abc", ','), (Parts{"abc"}));
}

RC_GTEST_PROP(Text, SplitIsUndoneByJoining, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::element('a', 'b', ','));
  const Parts parts = split(text, ',');
  std::string joined(parts.front());
  for (std::size_t i = 1; i < parts.size(); ++i) joined.append(",").append(parts[i]);
  RC_ASSERT(joined == text);
}

TEST(Text, TrimTakesWhiteSpaceAtBothEndsOnly) {
  EXPECT_EQ(trim(" \t\r\n\v\fa b \n"), "a b");
  EXPECT_EQ(trim("a"), "a");
  EXPECT_EQ(trim(" \t "), "");
  EXPECT_EQ(trim(""), "");
  // A no-break space is two bytes above 0x7f: not ours to cut.
  EXPECT_EQ(trim("\xc2\xa0"), "\xc2\xa0");
}

TEST(Text, ToLowerChangesAsciiOnly) {
  EXPECT_EQ(to_lower("AZaz09@[`{"), "azaz09@[`{");
  EXPECT_EQ(to_lower("\xc3\x84"), "\xc3\x84");
}

TEST(Text, ControlCharacters) {
  EXPECT_TRUE(is_control('\0'));
  EXPECT_TRUE(is_control('\n'));
  EXPECT_TRUE(is_control('\x1f'));
  EXPECT_TRUE(is_control('\x7f'));
  EXPECT_FALSE(is_control(' '));
  EXPECT_FALSE(is_control('~'));
  EXPECT_FALSE(is_control('\xc3'));
}

TEST(Text, QuoteCutsAndReplaces) {
  EXPECT_EQ(quote("abc"), "'abc'");
  EXPECT_EQ(quote(""), "''");
  EXPECT_EQ(quote("a\x1b[31m\n"), "'a?[31m?'");
  EXPECT_EQ(quote("abcdef", 6), "'abcdef'");
  EXPECT_EQ(quote("abcdefg", 6), "'abcdef...'");
  // Two bytes a letter: the third byte is the first half of one.
  EXPECT_EQ(quote("\xc3\xa4\xc3\xa4", 3), "'\xc3\xa4...'");
  EXPECT_EQ(quote(std::string(1000, 'x')).size(), 80u + 5);
  // Continuation bytes only: nothing that could be shown.
  EXPECT_EQ(quote(std::string(100, '\x80'), 10), "'...'");
}

constexpr std::array<std::string_view, 8> kFlags = {
    "ip", "port", "work_dir", "resources", "hosts", "attributes", "hostname", "offer_timeout"};

std::string_view nearest(std::string_view word) {
  return nearest_match(word, kFlags).value_or("-");
}

TEST(Text, NearestMatchFindsSlips) {
  EXPECT_EQ(nearest("prot"), "port");   // swapped
  EXPECT_EQ(nearest("prt"), "port");    // left out
  EXPECT_EQ(nearest("portt"), "port");  // doubled
  EXPECT_EQ(nearest("pord"), "port");   // mistaken
  EXPECT_EQ(nearest("PORT"), "port");   // case
  EXPECT_EQ(nearest("work-dir"), "work_dir");
  EXPECT_EQ(nearest("workdir"), "work_dir");
  EXPECT_EQ(nearest("resorces"), "resources");
  EXPECT_EQ(nearest("timeout"), "offer_timeout");  // a part of it
  EXPECT_EQ(nearest("hostnam"), "hostname");       // nearer than hosts
}

TEST(Text, NearestMatchKeepsSilentWhenNothingIsNear) {
  EXPECT_EQ(nearest("xyz"), "-");
  EXPECT_EQ(nearest("a"), "-");
  EXPECT_EQ(nearest("quorum"), "-");
  EXPECT_EQ(nearest(""), "-");
  EXPECT_EQ(nearest(std::string(1000, 'p')), "-");
  EXPECT_EQ(nearest_match("port", {}), std::nullopt);
  const std::string huge(100'000, 'p');
  const std::array<std::string_view, 1> candidates = {huge};
  EXPECT_EQ(nearest_match("ppp", candidates), std::nullopt);
}

TEST(Text, NearestMatchOfEquallyNearTakesTheFirst) {
  constexpr std::array<std::string_view, 2> kEqual = {"bat", "cat"};
  EXPECT_EQ(nearest_match("aat", kEqual), "bat");
  EXPECT_EQ(nearest_match("cat", kEqual), "cat");
}

TEST(Text, NearestMatchAtTheLengthBound) {
  const std::string longest(64, 'p');
  const std::array<std::string_view, 1> candidates = {longest};
  EXPECT_EQ(nearest_match(std::string(63, 'p'), candidates), longest);
}

TEST(Text, HumanBytes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1.0 KiB");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(human_bytes(1023 * 1024), "1023.0 KiB");
  EXPECT_EQ(human_bytes(uint64_t{16} << 30), "16.0 GiB");
  EXPECT_EQ(human_bytes(UINT64_MAX), "16.0 EiB");
}

RC_GTEST_PROP(Text, HumanBytesIsWithinATwentiethOfItsUnit, (uint64_t bytes)) {
  const std::string text = human_bytes(bytes);
  constexpr std::array<std::string_view, 7> kUnits = {"B",   "KiB", "MiB", "GiB",
                                                      "TiB", "PiB", "EiB"};
  const std::size_t space = text.find(' ');
  const auto unit = std::find(kUnits.begin(), kUnits.end(), text.substr(space + 1));
  RC_ASSERT(unit != kUnits.end());
  long double value = std::stold(text.substr(0, space));
  long double scale = 1;
  for (auto at = kUnits.begin(); at != unit; ++at) scale *= 1024;
  RC_ASSERT(std::abs(value * scale - static_cast<long double>(bytes)) <= scale * 0.0501L);
}

}  // namespace
}  // namespace souk
