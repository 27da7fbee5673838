#include "base/blob.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace souk {
namespace {

TEST(Blob, EmptyIsNoBytes) {
  const Blob none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.size(), 0u);
  EXPECT_EQ(none.view(), "");
  EXPECT_EQ(none, Blob(""));
  EXPECT_TRUE(Blob("").empty());
}

RC_GTEST_PROP(Blob, ComparesByContent, (const std::string& a, const std::string& b)) {
  RC_ASSERT(Blob(a) == Blob(std::string(a)));
  RC_ASSERT((Blob(a) == Blob(b)) == (a == b));
  RC_ASSERT(Blob(a).view() == a);
  RC_ASSERT(Blob(a).size() == a.size());
}

TEST(Blob, CopiesShareTheBytes) {
  const Blob blob(std::string(1000, 'x'));
  const Blob copy = blob;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(copy.view().data(), blob.view().data());
}

TEST(Blob, OutlivesWhereItCameFrom) {
  Blob copy;
  {
    const Blob blob(std::string("a\0b", 3));
    copy = blob;
  }
  EXPECT_EQ(copy.view(), std::string_view("a\0b", 3));
}

TEST(Blob, MovedFromIsEmpty) {
  Blob from("abc");
  const Blob to = std::move(from);
  EXPECT_EQ(to.view(), "abc");
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): promised by shared_ptr
}

}  // namespace
}  // namespace souk
