#include "base/digest.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>

namespace souk {
namespace {

// Digests stand in reports and golden files: they must never change. Computed apart from this code.
TEST(Digest, IsStable) {
  EXPECT_EQ(Digest().hex(), "efd01f60ba992926");
  EXPECT_EQ(Digest().add("souk").add(7).hex(), "055f7f7ce3295756");
  EXPECT_EQ(Digest().add(-1).value(), Digest().add(UINT64_MAX).value());
}

TEST(Digest, HexHasSixteenDigits) {
  EXPECT_EQ(Digest().add("").hex().size(), 16u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Digest().add(i).hex().size(), 16u);
}

TEST(Digest, TellsWhereOneTextEndsAndTheNextBegins) {
  EXPECT_NE(Digest().add("ab").add("c").value(), Digest().add("a").add("bc").value());
  EXPECT_NE(Digest().add("").value(), Digest().value());
  EXPECT_NE(Digest().add("a").add("b").value(), Digest().add("b").add("a").value());
}

TEST(Digest, ReadingDoesNotChangeIt) {
  Digest digest;
  digest.add("a");
  const uint64_t before = digest.value();
  EXPECT_EQ(digest.value(), before);
  EXPECT_EQ(digest.add("b").value(), Digest().add("a").add("b").value());
}

RC_GTEST_PROP(Digest, OneBitFlipsManyOthers, (uint64_t number)) {
  const int bit = *rc::gen::inRange(0, 64);
  const uint64_t other = number ^ (uint64_t{1} << bit);
  const int flipped = std::popcount(Digest().add(number).value() ^ Digest().add(other).value());
  RC_ASSERT(flipped >= 4);
}

}  // namespace
}  // namespace souk
