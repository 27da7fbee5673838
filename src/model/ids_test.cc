#include "model/ids.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <type_traits>
#include <unordered_set>

#include "base/hash_map.h"

namespace souk {
namespace {

TEST(Ids, Accepts) {
  for (const char* id : {"a", "task.1", "...", "-", "a b", ".a", "\xc3\xa4", "a:b", "%2e"}) {
    EXPECT_TRUE(validate_id(id)) << id;
  }
  EXPECT_TRUE(validate_id(std::string(255, 'x')));
}

// Ids become folders: nothing that leaves its parent.
TEST(Ids, Refuses) {
  for (const char* id : {"", ".", "..", "/", "a/b", "../a", "a\\b", "a\n", "\t", "a\x7f", "\x01"}) {
    EXPECT_FALSE(validate_id(id)) << id;
  }
  EXPECT_FALSE(validate_id(std::string_view("a\0b", 3)));
  EXPECT_FALSE(validate_id(std::string(256, 'x')));
}

RC_GTEST_PROP(Ids, AcceptedIdsAreFolderNames, (const std::string& id)) {
  if (!validate_id(id)) return;
  RC_ASSERT(!id.empty() && id.size() <= 255u && id != "." && id != "..");
  for (const char c : id) RC_ASSERT(c != '/' && c != '\\' && c != '\0' && c != '\n');
}

TEST(Ids, DifferentThingsDoNotMix) {
  static_assert(!std::is_convertible_v<AgentId, FrameworkId>);
  static_assert(!std::is_convertible_v<std::string, AgentId>);
  static_assert(!std::is_constructible_v<AgentId, FrameworkId>);
  static_assert(!std::is_convertible_v<AgentKey, uint32_t>);
}

TEST(Ids, CompareHashAndPrint) {
  const AgentId a("a");
  const AgentId b("b");
  EXPECT_LT(a, b);
  EXPECT_EQ(a, AgentId("a"));
  EXPECT_TRUE(AgentId().empty());
  EXPECT_FALSE(a.empty());
  EXPECT_STREQ(a.c_str(), "a");
  EXPECT_EQ(fmt::format("<{}> <{:>3}>", a, b), "<a> <  b>");

  std::unordered_set<AgentId> standard = {a, b, a};
  EXPECT_EQ(standard.size(), 2u);
  HashMap<AgentId, int> flat;
  flat[a] = 1;
  flat[b] = 2;
  EXPECT_EQ(flat.at(AgentId("a")), 1);
  HashSet<AgentKey> keys = {AgentKey(1), AgentKey(2), AgentKey(1)};
  EXPECT_EQ(keys.size(), 2u);
}

}  // namespace
}  // namespace souk
