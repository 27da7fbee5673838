#include "master/validate_quota.h"

#include <gtest/gtest.h>

namespace souk::master {
namespace {

using protocol::RoleQuota;

Quantities amounts(std::string_view text) { return parse_quota_amounts(text).value(); }
RoleQuota guaranteed(std::string role, std::string_view guarantee, std::string_view limit = "") {
  return {std::move(role), {amounts(guarantee), amounts(limit)}};
}
RoleQuota limited(std::string role, std::string_view limit) {
  return guaranteed(std::move(role), "", limit);
}
std::string why(const Result<void>& result) { return result ? "" : result.error().message; }
std::string why(const std::vector<RoleQuota>& updates, const RoleQuotas& current = {}) {
  return why(validate_quotas(updates, current));
}
Totals totals(std::string_view text) {
  Totals sum;
  add_to(sum, Resources::parse(text).value());
  return sum;
}

TEST(ValidateQuota, OnlyFirmScalarsCount) {
  std::vector<Resource> items = Resources::parse("cpus:1;cpus(a):2;ports:[1-9]").value().items();
  items.push_back({.name = "cpus", .value = Scalar{4000}, .revocable = true});
  Totals sum;
  add_to(sum, Resources(std::move(items)));
  EXPECT_EQ(sum.size(), 1u);
  EXPECT_TRUE(sum["cpus"] == 3000);
}

TEST(ValidateQuota, Weights) {
  const RoleWeights current{{"a", Scalar{1}}};
  EXPECT_EQ(why(validate_weights({{"a", Scalar{1}}, {"*", Scalar{5}}}, current)), "");
  EXPECT_EQ(why(validate_weights({}, {})), "");
  EXPECT_EQ(why(validate_weights({{"a", Scalar{0}}}, current)),
            "the weight of role 'a' must be above zero");
  EXPECT_NE(why(validate_weights({{"a", Scalar{-1}}}, current)), "");
  EXPECT_EQ(why(validate_weights({{"a", Scalar{1}}, {"a", Scalar{1}}}, {})),
            "role 'a' is there twice");
  for (const char* role : {"", "/", "a//b", "-a", "a b", "a/*", ".."}) {
    EXPECT_NE(why(validate_weights({{role, Scalar{1}}}, {})), "") << role;
  }
}

TEST(ValidateQuota, RolesAreBounded) {
  RoleWeights weights;
  RoleQuotas quotas;
  for (std::size_t i = 0; i < kMaxConfiguredRoles; ++i) {
    weights[fmt::format("r{}", i)] = Scalar{1};
    quotas[fmt::format("r{}", i)] = limited("", "cpus:1").quota;
  }
  EXPECT_EQ(why(validate_weights({{"r7", Scalar{2}}}, weights)), "");
  EXPECT_NE(why(validate_weights({{"new", Scalar{2}}}, weights)).find("at most 100000"),
            std::string::npos);
  EXPECT_EQ(why({limited("r7", "cpus:2")}, quotas), "");
  EXPECT_NE(why({limited("new", "cpus:2")}, quotas).find("at most 100000"), std::string::npos);
  EXPECT_EQ(why({limited("new", "cpus:2"), {"r7", {}}}, quotas), "");
}

TEST(ValidateQuota, GuaranteesOfChildrenArePartOfTheirParents) {
  const RoleQuotas current{{"a", guaranteed("", "cpus:3").quota},
                           {"a/x", guaranteed("", "cpus:2").quota}};
  EXPECT_EQ(why({guaranteed("a/y", "cpus:1")}, current), "");
  EXPECT_EQ(
      why({guaranteed("a/y", "cpus:1.5")}, current),
      "the roles directly below 'a' are guaranteed 3.5 of cpus together, which is above the 3 "
      "that is guaranteed to 'a' itself");
  EXPECT_NE(why({guaranteed("a", "cpus:1")}, current), "");
  EXPECT_NE(why({{"a", {}}}, current), "");
  EXPECT_EQ(why({{"a", {}}, {"a/x", {}}}, current), "");
  // All of an update counts together, in whatever order.
  EXPECT_EQ(why({guaranteed("a/y", "cpus:5"), guaranteed("a", "cpus:7")}, current), "");
  // A role in between that has nothing guarantees nothing.
  EXPECT_NE(why({guaranteed("b", "cpus:3"), guaranteed("b/c/d", "cpus:1")}), "");
  // Neighbours by name are none in the tree.
  EXPECT_EQ(why({guaranteed("a-b", "cpus:9"), guaranteed("ab", "cpus:9")}, current), "");
}

TEST(ValidateQuota, LimitsAreNotAboveThoseAbove) {
  const RoleQuotas current{{"a", limited("", "cpus:3").quota}};
  EXPECT_EQ(why({limited("a/b/c", "cpus:3;mem:99")}, current), "");
  EXPECT_EQ(why({limited("a/b/c", "cpus:4")}, current),
            "the limit of 4 of cpus for role 'a/b/c' is above the limit of 3 for 'a'");
  EXPECT_NE(why({limited("a", "cpus:1"), limited("a/b", "cpus:2")}, current), "");
  // The sum of the children's may be above their parent's.
  EXPECT_EQ(why({limited("a/b", "cpus:3"), limited("a/c", "cpus:3")}, current), "");
}

TEST(ValidateQuota, SumsStayInsideInt64) {
  std::vector<RoleQuota> many;
  for (int i = 0; i < 1000; ++i) {
    many.push_back({fmt::format("r{}", i), {{{"cpus", Scalar{kMaxQuotaAmount}}}, {}}});
  }
  EXPECT_EQ(why(many), "");
  many.push_back({"more", {{{"cpus", Scalar{1}}}, {}}});
  EXPECT_NE(why(many).find("must not be above"), std::string::npos);
}

TEST(ValidateQuota, CapacityIsThatOfTheCluster) {
  const RoleQuotas current{{"a", guaranteed("", "cpus:3;mem:10").quota},
                           {"a/x", guaranteed("", "cpus:2").quota}};
  const auto with = [&](const std::vector<RoleQuota>& updates, std::string_view capacity) {
    return why(check_capacity(updates, current, totals(capacity)));
  };
  EXPECT_EQ(with({guaranteed("b", "cpus:1")}, "cpus:4;mem:10"), "");
  EXPECT_EQ(with({guaranteed("b", "cpus:1.5;mem:1")}, "cpus:4;mem:10"),
            "the guarantees cannot all be met at once: together they are 4.5 of cpus, where the "
            "cluster has 4 (0.5 too many); 11 of mem, where the cluster has 10 (1 too many). Say "
            "force to set them all the same");
  EXPECT_NE(with({guaranteed("b", "gpus:1")}, "cpus:4"), "");
  // What is not raised stays, also when agents are gone.
  EXPECT_EQ(with({guaranteed("a", "cpus:2.5;mem:10")}, "cpus:1"), "");
  EXPECT_EQ(with({{"a/x", {}}, limited("c", "cpus:1")}, "cpus:1"), "");
  EXPECT_EQ(with({guaranteed("a", "cpus:2;mem:10"), guaranteed("b", "cpus:1")}, "cpus:1"), "");
}

TEST(ValidateQuota, ConsumptionIsThatOfTheWholeSubtree) {
  const RoleQuotas current{{"a", limited("", "cpus:2").quota}};
  const std::map<std::string, Totals> used{
      {"a", totals("cpus:1")}, {"a/b", totals("cpus:2;mem:5")}, {"a-b", totals("cpus:50")}};
  const auto with = [&](const RoleQuota& update) {
    return why(check_consumption({update}, current, used));
  };
  EXPECT_EQ(with(limited("a/b", "cpus:2")), "");
  EXPECT_EQ(with(limited("a/b", "cpus:1.5")),
            "role 'a/b' uses 2 of cpus, 0.5 more than the limit of 1.5. Say force to set it all "
            "the same");
  EXPECT_NE(with(limited("a", "cpus:1.999")), "");
  EXPECT_EQ(with(limited("a", "cpus:2;mem:5")), "");  // exceeded already, and no lower
  EXPECT_NE(with(limited("a", "cpus:2;mem:4")), "");
  EXPECT_EQ(with(limited("nobody", "cpus:0")), "");
  EXPECT_EQ(with({"a", {}}), "");
}

}  // namespace
}  // namespace souk::master
