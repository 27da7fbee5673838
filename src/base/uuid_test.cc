#include "base/uuid.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace souk {
namespace {

RC_GTEST_PROP(Uuid, RandomIsVersionFourOfTheRfc, (uint64_t seed)) {
  Rng rng(seed);
  const std::string text = Uuid::random(rng).to_string();
  RC_ASSERT(text.size() == 36u);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const std::string_view allowed = dash ? "-" : "0123456789abcdef";
    RC_ASSERT(allowed.find(text[i]) != std::string_view::npos);
  }
  RC_ASSERT(text[14] == '4');
  RC_ASSERT(std::string_view("89ab").find(text[19]) != std::string_view::npos);
}

TEST(Uuid, RandomComesFromTheGeneratorAlone) {
  Rng a(3);
  Rng b(3);
  EXPECT_EQ(Uuid::random(a), Uuid::random(b));
  std::set<Uuid> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(Uuid::random(a));
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(Uuid, TextShowsTheBytesInOrder) {
  const auto uuid =
      Uuid::from_bytes("\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10");
  ASSERT_TRUE(uuid);
  EXPECT_EQ(uuid->to_string(), "01234567-89ab-cdef-fedc-ba9876543210");
}

RC_GTEST_PROP(Uuid, BytesAreReadBack, (uint64_t seed)) {
  Rng rng(seed);
  const Uuid uuid = Uuid::random(rng);
  RC_ASSERT(uuid.to_bytes().size() == 16u);
  RC_ASSERT(Uuid::from_bytes(uuid.to_bytes()) == uuid);
}

TEST(Uuid, OtherLengthsAreNone) {
  for (const std::size_t size : {0, 1, 15, 17, 36}) {
    EXPECT_EQ(Uuid::from_bytes(std::string(size, 'x')), std::nullopt) << size;
  }
  // Not only version 4: what a client drew by other means is an id too.
  EXPECT_EQ(Uuid::from_bytes(std::string(16, '\0')), Uuid{});
}

}  // namespace
}  // namespace souk
