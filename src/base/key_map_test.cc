#include "base/key_map.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "base/strong.h"

namespace souk {
namespace {

using Key = Strong<struct KeyTag, uint32_t>;

TEST(KeyMap, FindsWhatIsThere) {
  KeyMap<Key, int> map;
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.find(Key(7)), map.end());
  map[Key(7)] = 70;
  map[Key(700)] = 7000;
  EXPECT_EQ(map.at(Key(7)), 70);
  EXPECT_EQ(map.find(Key(700))->second, 7000);
  EXPECT_FALSE(map.contains(Key(8)));
  EXPECT_FALSE(map.contains(Key(100'000)));
  map.erase(Key(7));
  map.erase(Key(8));
  EXPECT_EQ(map.size(), 1u);
  EXPECT_EQ(map.begin()->first, Key(700));
}

TEST(KeyMap, ReferencesStayGood) {
  KeyMap<Key, int> map;
  int& first = map[Key(1)];
  first = 1;
  for (uint32_t i = 2; i < 10'000; ++i) map[Key(i)] = 0;
  EXPECT_EQ(&map.at(Key(1)), &first);
}

RC_GTEST_PROP(KeyMap, IsAMapInTheOrderOfKeys, ()) {
  KeyMap<Key, int> map;
  std::map<Key, int> model;
  const int steps = *rc::gen::inRange(0, 200);
  for (int i = 0; i < steps; ++i) {
    const Key key(*rc::gen::inRange(0u, 2000u));
    if (*rc::gen::inRange(0, 3) == 0) {
      map.erase(key);
      model.erase(key);
    } else {
      map[key] = i;
      model[key] = i;
    }
  }
  RC_ASSERT(map.size() == model.size());
  auto at = map.begin();
  for (const auto& [key, value] : model) {
    RC_ASSERT(at != map.end());
    RC_ASSERT(at->first == key);
    RC_ASSERT(at->second == value);
    ++at;
  }
  RC_ASSERT(at == map.end());
}

}  // namespace
}  // namespace souk
