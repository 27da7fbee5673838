#include "model/quota.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace souk {
namespace {

Quantities amounts(std::string_view text) {
  auto parsed = parse_quota_amounts(text);
  EXPECT_TRUE(parsed.has_value()) << text << ": " << (parsed ? "" : parsed.error().message);
  return parsed.value_or(Quantities());
}

std::string why(const Result<void>& result) { return result ? "fine" : result.error().message; }

TEST(Quota, ReadsAmountsAndShowsThem) {
  EXPECT_EQ(amounts(" mem : 1000.5 ; cpus:10;"),
            (Quantities{{"cpus", Scalar{10'000}}, {"mem", Scalar{1'000'500}}}));
  EXPECT_EQ(amounts(""), Quantities());
  for (const char* text : {"", "cpus:0", "cpus:10;mem:1000.5", "cpus:0.001;gpus:0.25"}) {
    EXPECT_EQ(to_string(amounts(text)), text);
  }
}

TEST(Quota, RefusesWhatIsNoAmount) {
  for (const char* text : {"cpus", "cpus:", "cpus:x", "cpus:-1", "cpus:1e3", "cpus:nan", ":1",
                           "cpus:1;cpus:2", "ports:5", "cpus:1000000000001", "cpus:0x10"}) {
    EXPECT_FALSE(parse_quota_amounts(text).has_value()) << text;
  }
}

TEST(Quota, AmountsAreBounded) {
  EXPECT_EQ(quota_amount(0.0004)->thousandths, 0);
  EXPECT_EQ(quota_amount(1e12)->thousandths, kMaxQuotaAmount);
  for (const double bad : {-0.001, 1e12 + 1, std::nan(""), std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::infinity(), 1e300}) {
    EXPECT_FALSE(quota_amount(bad).has_value()) << bad;
  }
}

TEST(Quota, LooksUpByName) {
  const Quantities some = amounts("cpus:1;mem:0");
  EXPECT_EQ(amount_of(some, "cpus").thousandths, 1000);
  EXPECT_EQ(amount_of(some, "disk").thousandths, 0);
  EXPECT_NE(find_amount(some, "mem"), nullptr);
  EXPECT_EQ(find_amount(some, "disk"), nullptr);
  EXPECT_EQ(find_amount({}, "disk"), nullptr);
}

TEST(Quota, GuaranteesStayWithinLimits) {
  EXPECT_EQ(why(validate_quota({amounts("cpus:2;mem:1"), amounts("cpus:2;disk:1")})), "fine");
  EXPECT_EQ(why(validate_quota({{}, amounts("cpus:0")})), "fine");
  EXPECT_EQ(why(validate_quota({amounts("cpus:2.5"), amounts("cpus:2")})),
            "the guarantee of 2.5 of cpus is above the limit of 2");
}

TEST(Quota, NamesAreThoseOfScalarsAndNotTooMany) {
  const auto with = [](std::string name) {
    return why(validate_quota({{{std::move(name), Scalar{1}}}, {}}));
  };
  EXPECT_EQ(with("fpgas"), "fine");
  for (const std::string& bad :
       {std::string(), std::string("a\nb"), std::string("\0", 1), std::string(256, 'x')}) {
    EXPECT_NE(with(bad).find("no name of a resource"), std::string::npos) << bad;
  }
  EXPECT_NE(with("ports").find("only scalars"), std::string::npos);
  EXPECT_NE(why(validate_quota({{}, {{"a", {}}, {"a", {}}}})).find("twice"), std::string::npos);
  Quantities many;
  for (std::size_t i = 0; i <= kMaxQuotaNames; ++i)
    many.emplace_back(fmt::format("r{:03}", i), Scalar{1});
  EXPECT_NE(why(validate_quota({{}, many})).find("at most 64"), std::string::npos);
  many.pop_back();
  EXPECT_EQ(why(validate_quota({many, many})), "fine");
}

}  // namespace
}  // namespace souk
