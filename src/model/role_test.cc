#include "model/role.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "base/text.h"

namespace souk {
namespace {

TEST(Role, Accepts) {
  for (const char* role : {"*", "eng", "eng/web", "a/b/c/d", "a.b", ".a", "...", "a-", "a-b", "A_1",
                           "a*", "\xc3\xa4", "a:b", "(x)"}) {
    const auto valid = validate_role(role);
    EXPECT_TRUE(valid) << role << ": " << (valid ? "" : valid.error().message);
  }
  EXPECT_TRUE(validate_role(std::string(kMaxRoleBytes, 'r')));
}

TEST(Role, Refuses) {
  for (const char* role :
       {"",     "/",    "/a",   "a/",   "a//b", "//",   ".",     "..",    "a/.", "a/../b",
        "./a",  "-",    "-a",   "a/-b", "a/*",  "*/a",  "a/*/b", "a b",   " a",  "a ",
        "a\tb", "a\nb", "a\rb", "a\vb", "a\fb", "a\bb", "a\x7f", "a\x01", " "}) {
    EXPECT_FALSE(validate_role(role)) << '"' << role << '"';
  }
  EXPECT_FALSE(validate_role(std::string_view("a\0b", 3)));
  EXPECT_FALSE(validate_role(std::string(kMaxRoleBytes + 1, 'r')));
}

TEST(Role, RefusalsSayWhy) {
  EXPECT_EQ(validate_role("/a").error().message, "role '/a' must not start with '/'");
  EXPECT_EQ(validate_role("a/").error().message, "role 'a/' must not end with '/'");
  EXPECT_EQ(validate_role("a/..").error().message, "role 'a/..' must not contain '..' as a part");
  EXPECT_EQ(validate_role("a/-b").error().message,
            "role 'a/-b' has a part that starts with '-': '-b'");
  EXPECT_EQ(validate_role("a/*").error().message,
            "role 'a/*' must not contain '*' as a part: '*' alone is the default role");
  EXPECT_EQ(validate_role("a b").error().message,
            "role 'a b' must not contain white space or control characters");
  // Hostile input does not fill the log.
  EXPECT_LT(validate_role(std::string(1'000'000, 'r')).error().message.size(), 200u);
}

TEST(Role, Ancestors) {
  EXPECT_TRUE(is_ancestor("a", "a/b"));
  EXPECT_TRUE(is_ancestor("a", "a/b/c"));
  EXPECT_TRUE(is_ancestor("a/b", "a/b/c"));
  EXPECT_FALSE(is_ancestor("a", "a"));
  EXPECT_FALSE(is_ancestor("a/b", "a"));
  EXPECT_FALSE(is_ancestor("a", "ab"));
  EXPECT_FALSE(is_ancestor("a", "ab/c"));
  EXPECT_FALSE(is_ancestor("*", "a"));
  EXPECT_FALSE(is_ancestor("a", "*"));
  EXPECT_FALSE(is_ancestor("*", "*"));
  EXPECT_FALSE(is_ancestor("", "a"));
  EXPECT_FALSE(is_ancestor("a", ""));
}

std::string draw_role() {
  const auto parts = *rc::gen::nonEmpty(
      rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>("a", "b", "ab")));
  std::string role = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) role += '/' + parts[i];
  return role;
}

// An ancestor is a proper prefix of the list of components.
RC_GTEST_PROP(Role, AncestorsAreShorterPaths, ()) {
  const std::string a = draw_role();
  const std::string b = draw_role();
  const auto of_a = split(a, '/');
  const auto of_b = split(b, '/');
  const bool above =
      of_a.size() < of_b.size() && std::equal(of_a.begin(), of_a.end(), of_b.begin());
  RC_ASSERT(validate_role(a).has_value());
  RC_ASSERT(is_ancestor(a, b) == above);
  RC_ASSERT(is_ancestor(a, a + "/" + b));
}

RC_GTEST_PROP(Role, AcceptedRolesAreClean, ()) {
  const auto role = *rc::gen::container<std::string>(
      rc::gen::element('a', '/', '.', '-', '*', ' ', '\n', '\x7f'));
  if (!validate_role(role)) return;
  if (role == "*") return;
  for (const std::string_view part : split(role, '/')) {
    RC_ASSERT(!part.empty() && part != "." && part != ".." && part != "*" && part.front() != '-');
    RC_ASSERT(part.find_first_of(" \n\x7f") == std::string_view::npos);
  }
}

}  // namespace
}  // namespace souk
