#include "wire/domain.h"

#include <gtest/gtest.h>

namespace souk::wire {
namespace {

TEST(Domain, HasARegionAndAZone) {
  const auto domain =
      parse_domain(R"({"fault_domain": {"region": {"name": "eu"}, "zone": {"name": "eu-1"}}})");
  ASSERT_TRUE(domain) << domain.error().message;
  EXPECT_EQ(*domain, (FaultDomain{"eu", "eu-1"}));
}

TEST(Domain, AnythingElseIsAnError) {
  for (const char* bad :
       {"", "eu", "{", "{}", "[]", R"({"fault_domain":{}})", R"({"fault_domain":null})",
        R"({"fault_domain":{"region":{"name":"eu"}}})",
        R"({"fault_domain":{"zone":{"name":"eu-1"}}})",
        R"({"fault_domain":{"region":"eu","zone":"eu-1"}})",
        R"({"fault_domain":{"region":{"name":""},"zone":{"name":"eu-1"}}})",
        R"({"fault_domain":{"region":{"name":"eu"},"zone":{"name":""}}})"}) {
    EXPECT_FALSE(parse_domain(bad)) << bad;
  }
  EXPECT_EQ(
      parse_domain("{}").error().message,
      R"(a region and a zone need a name each, as in {"fault_domain":{"region":{"name":"eu"},)"
      R"("zone":{"name":"eu-1"}}})");
}

}  // namespace
}  // namespace souk::wire
