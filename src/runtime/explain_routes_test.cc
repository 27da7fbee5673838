#include "runtime/explain_routes.h"

#include <gtest/gtest.h>

namespace souk::runtime {
namespace {

MasterTarget target(std::string_view text) {
  auto routed = route_master(text);
  EXPECT_TRUE(routed) << text;
  return routed.value_or(MasterTarget{});
}

TEST(ExplainRoutes, Explain) {
  const MasterTarget plain = target("/souk/v1/explain?framework=M-0001");
  EXPECT_EQ(plain.route, MasterRoute::kExplain);
  const auto event = parse_explain(plain);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->framework, "M-0001");
  EXPECT_EQ(event->agent, "");
  EXPECT_EQ(event->limit, kDefaultExplained);
  EXPECT_EQ(event->reason, std::nullopt);

  const auto full = parse_explain(
      target("/souk/v1/explain?framework=my%20name&agent=S1&limit=0&reason=below_minimum"));
  ASSERT_TRUE(full);
  EXPECT_EQ(full->framework, "my name");
  EXPECT_EQ(full->agent, "S1");
  EXPECT_EQ(full->limit, 0U);
  EXPECT_EQ(full->reason, Obstacle::kBelowMinimum);
}

TEST(ExplainRoutes, BadExplain) {
  for (const auto& [text, status, part] :
       {std::tuple("/souk/v1/explain", 400, "framework=ID"),
        std::tuple("/souk/v1/explain?framework=", 400, "framework=ID"),
        std::tuple("/souk/v1/explain/M-1", 404, "/souk/v1/explain?framework"),
        std::tuple("/souk/v1/explain?framework=F&limit=-1", 400, "limit=-1"),
        std::tuple("/souk/v1/explain?framework=F&limit=10x", 400, "limit=10x"),
        std::tuple("/souk/v1/explain?framework=F&limit=", 400, "limit="),
        std::tuple("/souk/v1/explain?framework=F&limit=50001", 400, "50000"),
        std::tuple("/souk/v1/explain?framework=F&limit=99999999999999999999", 400, "limit="),
        std::tuple("/souk/v1/explain?framework=F&reason=bored", 400, "below_minimum"),
        std::tuple("/souk/v1/explain?framework=F&agnet=S", 400, "'agnet'")}) {
    const auto event = parse_explain(target(text));
    ASSERT_FALSE(event) << text;
    EXPECT_EQ(event.error().status, status) << text;
    EXPECT_NE(event.error().body->find(part), std::string::npos) << *event.error().body;
  }
}

TEST(ExplainRoutes, Share) {
  const MasterTarget plain = target("/souk/v1/frameworks/M-0001/share");
  EXPECT_EQ(plain.route, MasterRoute::kFrameworkShare);
  const auto event = parse_share(plain);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->framework, "M-0001");
  const auto slashed = parse_share(target("/souk/v1/frameworks/a%2Fb/share/"));
  ASSERT_TRUE(slashed);
  EXPECT_EQ(slashed->framework, "a/b");
  for (const std::string_view text : {"/souk/v1/frameworks", "/souk/v1/frameworks/share",
                                      "/souk/v1/frameworks/F", "/souk/v1/frameworks/F/shares"}) {
    const auto wrong = parse_share(target(text));
    ASSERT_FALSE(wrong) << text;
    EXPECT_EQ(wrong.error().status, 404);
  }
}

}  // namespace
}  // namespace souk::runtime
