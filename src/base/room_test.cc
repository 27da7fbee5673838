#include "base/room.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/hash_map.h"

namespace souk {
namespace {

TEST(ClearKeeping, GivesBackWhatIsTooMuch) {
  std::vector<std::string> many(1000, "x");
  clear_keeping(many, 100);
  EXPECT_TRUE(many.empty());
  EXPECT_EQ(many.capacity(), 0U);
  std::string text(10'000, 'x');
  clear_keeping(text, 100);
  EXPECT_TRUE(text.empty());
  EXPECT_LE(text.capacity(), 100U);
}

TEST(ClearKeeping, KeepsWhatIsNot) {
  std::vector<int> few(100);
  const int* room = few.data();
  clear_keeping(few, 100);
  EXPECT_TRUE(few.empty());
  EXPECT_EQ(few.capacity(), 100U);
  EXPECT_EQ(few.data(), room);
}

TEST(GiveBackRoom, KeepsWhatIsInUseAndGivesBackTheRest) {
  HashMap<int, int> table;
  for (int i = 0; i < 100'000; ++i) table[i] = i;
  const std::size_t full = table.bucket_count();
  for (int i = 0; i < 99'990; ++i) {
    table.erase(i);
    give_back_room(table);
  }
  EXPECT_LT(table.bucket_count(), full / 16);
  ASSERT_EQ(table.size(), 10U);
  for (int i = 99'990; i < 100'000; ++i) EXPECT_EQ(table.at(i), i);
}

TEST(GiveBackRoom, LeavesSmallAndFullTablesAlone) {
  HashMap<int, int> table;
  table.reserve(500);
  const std::size_t small = table.bucket_count();
  give_back_room(table);
  EXPECT_EQ(table.bucket_count(), small);
  for (int i = 0; i < 100'000; ++i) table[i] = i;
  const std::size_t full = table.bucket_count();
  give_back_room(table);
  EXPECT_EQ(table.bucket_count(), full);
}

}  // namespace
}  // namespace souk
