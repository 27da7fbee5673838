#include "wire/codec_constraints.h"

#include <gtest/gtest.h>

#include "wire/codec_scheduler.h"
#include "wire/json.h"

namespace souk::wire {
namespace {

using Selector = AttributeConstraint::Selector;
using Predicate = AttributeConstraint::Predicate;
using ByRole = std::map<std::string, OfferConstraints>;
using PbConstraints = ::mesos::v1::scheduler::OfferConstraints;

AttributeConstraint on(Selector selector, Predicate predicate, std::string text = {}) {
  return {.selector = selector,
          .attribute = selector == Selector::kAttribute ? "rack" : "",
          .predicate = predicate,
          .text = std::move(text)};
}

// Of one constraint, in role "r".
std::string with_constraint(std::string_view constraint) {
  return fmt::format(
      R"({{"role_constraints":{{"r":{{"groups":[{{"attribute_constraints":[{}]}}]}}}}}})",
      constraint);
}

Result<ByRole> decode(std::string_view json) {
  PbConstraints message;
  if (auto parsed = from_json(json, message); !parsed) return std::unexpected(parsed.error());
  return decode_constraints(message);
}

std::string error_of(std::string_view constraint) {
  const auto decoded = decode(with_constraint(constraint));
  return decoded ? std::string() : decoded.error().message;
}

TEST(CodecConstraints, EverySelectorAndPredicate) {
  const auto decoded = decode(R"({"role_constraints":{"a":{"groups":[
    {"attribute_constraints":[
      {"selector":{"attribute_name":"rack"},"predicate":{"exists":{}}},
      {"selector":{"pseudoattribute_type":"HOSTNAME"},"predicate":{"not_exists":{}}}]},
    {"attribute_constraints":[
      {"selector":{"pseudoattribute_type":"REGION"},"predicate":{"text_equals":{"value":"v"}}},
      {"selector":{"pseudoattribute_type":"ZONE"},"predicate":{"text_not_equals":{"value":"w"}}},
      {"selector":{"attribute_name":""},"predicate":{"text_matches":{"regex":"x"}}},
      {"selector":{"attribute_name":"rack"},"predicate":{"text_not_matches":{"regex":"y"}}}]}]},
    "b":{}}})");
  ASSERT_TRUE(decoded) << decoded.error().message;
  AttributeConstraint nameless = on(Selector::kAttribute, Predicate::kTextMatches, "x");
  nameless.attribute = "";
  const ByRole expected = {{"a",
                            {{{on(Selector::kAttribute, Predicate::kExists),
                               on(Selector::kHostname, Predicate::kNotExists)},
                              {on(Selector::kRegion, Predicate::kTextEquals, "v"),
                               on(Selector::kZone, Predicate::kTextNotEquals, "w"), nameless,
                               on(Selector::kAttribute, Predicate::kTextNotMatches, "y")}}}},
                           {"b", {}}};
  EXPECT_EQ(*decoded, expected);
}

TEST(CodecConstraints, RoundTripInBothEncodings) {
  ByRole all;
  for (const Selector selector :
       {Selector::kAttribute, Selector::kHostname, Selector::kRegion, Selector::kZone}) {
    for (const Predicate predicate :
         {Predicate::kExists, Predicate::kNotExists, Predicate::kTextEquals,
          Predicate::kTextNotEquals, Predicate::kTextMatches, Predicate::kTextNotMatches}) {
      const bool texts = predicate != Predicate::kExists && predicate != Predicate::kNotExists;
      all["a/b"].groups.push_back({on(selector, predicate, texts ? "t" : "")});
      all["c"].groups.resize(1);
      all["c"].groups.front().push_back(on(selector, predicate));
    }
  }
  FrameworkInfo framework;
  framework.user = "u";
  framework.name = "n";
  framework.roles = {"a/b"};
  for (const ContentType type : {ContentType::kJson, ContentType::kProtobuf}) {
    const auto subscribe = decode_scheduler_call(
        encode_scheduler_call({{}, protocol::call::Subscribe{framework, {}, all}}, type), type);
    ASSERT_TRUE(subscribe);
    EXPECT_EQ(std::get<protocol::call::Subscribe>(subscribe->body).offer_constraints, all);
    const auto update = decode_scheduler_call(
        encode_scheduler_call(
            {FrameworkId("F"), protocol::call::UpdateFramework{framework, {}, all}}, type),
        type);
    ASSERT_TRUE(update);
    EXPECT_EQ(std::get<protocol::call::UpdateFramework>(update->body).offer_constraints, all);
  }
}

TEST(CodecConstraints, ShapesThatSayNothingAreErrors) {
  EXPECT_EQ(error_of(R"({"selector":{},"predicate":{"exists":{}}})"),
            "constraint 0 in group 0 of role 'r': its 'selector' has neither 'attribute_name' nor "
            "a 'pseudoattribute_type' that is known");
  EXPECT_EQ(
      error_of(R"({"selector":{"pseudoattribute_type":"UNKNOWN"},"predicate":{"exists":{}}})"),
      "constraint 0 in group 0 of role 'r': its 'selector.pseudoattribute_type' must be "
      "HOSTNAME, REGION or ZONE");
  EXPECT_NE(error_of(R"({"selector":{"pseudoattribute_type":"RACK"},"predicate":{"exists":{}}})"),
            "");
  EXPECT_EQ(error_of(R"({"selector":{"attribute_name":"a"},"predicate":{}})"),
            "constraint 0 in group 0 of role 'r': its 'predicate' is none that is known");
  EXPECT_NE(error_of(R"({"selector":{"attribute_name":"a"},"predicate":{"of_later":{}}})"), "");
  // Missing altogether: no message.
  EXPECT_NE(error_of(R"({"predicate":{"exists":{}}})"), "");
  EXPECT_NE(error_of(R"({"selector":{"attribute_name":"a"},"predicate":{"text_equals":{}}})"), "");
  EXPECT_EQ(error_of(R"({"selector":{"attribute_name":"a"},"predicate":{"exists":{}}})"), "");
}

TEST(CodecConstraints, NamesTheOneThatIsWrong) {
  const std::string good = R"({"selector":{"attribute_name":"a"},"predicate":{"exists":{}}})";
  const std::string bad = R"({"selector":{},"predicate":{"exists":{}}})";
  const auto decoded = decode(
      fmt::format(R"({{"role_constraints":{{"z":{{"groups":[{{"attribute_constraints":[{1}]}}]}},
                      "b":{{"groups":[{{"attribute_constraints":[{0}]}},
                                      {{"attribute_constraints":[{0},{1}]}}]}}}}}})",
                  good, bad));
  ASSERT_FALSE(decoded);
  EXPECT_TRUE(decoded.error().message.starts_with("constraint 1 in group 1 of role 'b'"))
      << decoded.error().message;
}

// Of SUBSCRIBE they are an ERROR event, of UPDATE_FRAMEWORK a 400: the master says so.
TEST(CodecConstraints, ErrorsDoNotSpoilTheCall) {
  const std::string bad = with_constraint(R"({"selector":{},"predicate":{"exists":{}}})");
  const auto subscribe = decode_scheduler_call(
      R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"},
          "offer_constraints":)" +
          bad + "}}",
      ContentType::kJson);
  ASSERT_TRUE(subscribe);
  EXPECT_NE(std::get<protocol::call::Subscribe>(subscribe->body).offer_constraints_error, "");
  const auto update = decode_scheduler_call(
      R"({"type":"UPDATE_FRAMEWORK","framework_id":{"value":"F"},"update_framework":{
          "framework_info":{"user":"u","name":"n"},"offer_constraints":)" +
          bad + "}}",
      ContentType::kJson);
  ASSERT_TRUE(update);
  EXPECT_NE(std::get<protocol::call::UpdateFramework>(update->body).offer_constraints_error, "");
}

}  // namespace
}  // namespace souk::wire
