#include "wire/utf8.h"

#include <gtest/gtest.h>

namespace souk::wire {
namespace {

TEST(Utf8, EveryScalarValueComesBack) {
  for (char32_t value = 0; value <= 0x10FFFF; ++value) {
    if (value == 0xD800) value = 0xE000;
    std::string bytes = "x";
    append_utf8(bytes, value);
    const Utf8Step step = decode_utf8(bytes, 1);
    ASSERT_EQ(step.code_point, value);
    ASSERT_EQ(step.length, bytes.size() - 1);
  }
}

TEST(Utf8, RefusesMalformedSequences) {
  using namespace std::literals;
  for (const std::string_view bytes : {
           "\x80"sv,
           "\xBF"sv,  // A continuation without a lead.
           "\xC0\x80"sv,
           "\xC1\xBF"sv,  // Overlong.
           "\xE0\x80\x80"sv,
           "\xF0\x80\x80\x80"sv,  // Overlong.
           "\xED\xA0\x80"sv,
           "\xED\xBF\xBF"sv,  // Surrogates.
           "\xF4\x90\x80\x80"sv,
           "\xF5\x80\x80\x80"sv,  // Beyond U+10FFFF.
           "\xC3"sv,
           "\xE2\x82"sv,
           "\xF0\x9F\x98"sv,  // Cut off.
           "\xC3("sv,
           "\xE2\x28\xA1"sv,
           "\xFE"sv,
           "\xFF"sv,
       }) {
    EXPECT_EQ(decode_utf8(bytes, 0).length, 0U) << testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace souk::wire
