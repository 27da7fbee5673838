#include "allocator/constraints.h"

#include <gtest/gtest.h>

namespace souk::allocator {
namespace {

using Selector = AttributeConstraint::Selector;
using Predicate = AttributeConstraint::Predicate;

AttributeConstraint on(Selector selector, Predicate predicate, std::string text = {}) {
  return {.selector = selector, .attribute = {}, .predicate = predicate, .text = std::move(text)};
}

AttributeConstraint attribute(std::string name, Predicate predicate, std::string text = {}) {
  return {.selector = Selector::kAttribute,
          .attribute = std::move(name),
          .predicate = predicate,
          .text = std::move(text)};
}

AgentFacts agent() {
  AgentFacts facts;
  facts.hostname = "node-1";
  facts.attributes = parse_attributes("rack:r1;cores:8;ids:[1-3];tags:{a,b};rack:r2").value();
  facts.domain = {"eu", "eu-1"};
  return facts;
}

std::shared_ptr<const CompiledConstraints> compiled(const OfferConstraints& constraints) {
  auto result = CompiledConstraints::compile(constraints);
  EXPECT_TRUE(result.has_value()) << result.error().message;
  return result.value_or(nullptr);
}

bool holds(AttributeConstraint constraint, const AgentFacts& facts = agent()) {
  return compiled({{{std::move(constraint)}}})->allows(facts);
}

std::string error_of(const OfferConstraints& constraints, const ConstraintLimits& limits = {}) {
  const auto result = CompiledConstraints::compile(constraints, limits);
  return result ? std::string() : result.error().message;
}

// What each predicate says of a value that is `same`, of another one, of none, and of an attribute
// that is no text.
struct Row {
  Predicate predicate;
  std::string same;
  std::string other;
  bool of_same;
  bool of_other;
  bool of_none;
  bool of_no_text;
};

class EachPredicate : public ::testing::TestWithParam<Row> {};

TEST_P(EachPredicate, OnEachSelector) {
  const Row& row = GetParam();
  const auto say = [&](Selector selector, const std::string& text, const AgentFacts& facts) {
    return holds(on(selector, row.predicate, text), facts);
  };
  AgentFacts facts = agent();
  facts.hostname = "x1";
  facts.domain = {"x1", "x1"};
  AgentFacts bare;
  for (const Selector selector : {Selector::kHostname, Selector::kRegion, Selector::kZone}) {
    EXPECT_EQ(say(selector, row.same, facts), row.of_same);
    EXPECT_EQ(say(selector, row.other, facts), row.of_other);
    // There is always a hostname, if only an empty one.
    if (selector != Selector::kHostname) {
      EXPECT_EQ(say(selector, row.same, bare), row.of_none);
    }
  }
  facts.attributes = parse_attributes("a:x1").value();
  EXPECT_EQ(holds(attribute("a", row.predicate, row.same), facts), row.of_same);
  EXPECT_EQ(holds(attribute("a", row.predicate, row.other), facts), row.of_other);
  EXPECT_EQ(holds(attribute("b", row.predicate, row.same), facts), row.of_none);
  for (const char* no_text : {"a:1", "a:[1-2]", "a:{x1}"}) {
    facts.attributes = parse_attributes(no_text).value();
    EXPECT_EQ(holds(attribute("a", row.predicate, row.same), facts), row.of_no_text) << no_text;
    EXPECT_EQ(holds(attribute("a", row.predicate, row.other), facts), row.of_no_text) << no_text;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Constraints, EachPredicate,
    ::testing::Values(Row{Predicate::kExists, "", "", true, true, false, true},
                      Row{Predicate::kNotExists, "", "", false, false, true, false},
                      Row{Predicate::kTextEquals, "x1", "x", true, false, false, true},
                      Row{Predicate::kTextNotEquals, "x1", "x", false, true, true, true},
                      Row{Predicate::kTextMatches, "x[0-9]", "x", true, false, false, true},
                      Row{Predicate::kTextNotMatches, "x[0-9]", "x", false, true, true, true}));

TEST(Constraints, OfSeveralAttributesOfOneNameTheFirstCounts) {
  EXPECT_TRUE(holds(attribute("rack", Predicate::kTextEquals, "r1")));
  EXPECT_FALSE(holds(attribute("rack", Predicate::kTextEquals, "r2")));
  EXPECT_TRUE(holds(attribute("rack", Predicate::kTextNotEquals, "r2")));
}

TEST(Constraints, MatchTheWholeText) {
  EXPECT_FALSE(holds(on(Selector::kHostname, Predicate::kTextMatches, "node")));
  EXPECT_TRUE(holds(on(Selector::kHostname, Predicate::kTextMatches, "node.*")));
  EXPECT_TRUE(holds(on(Selector::kHostname, Predicate::kTextMatches, "(?i)NODE-\\d")));
  EXPECT_TRUE(holds(on(Selector::kHostname, Predicate::kTextMatches, "other|node-1")));
  EXPECT_FALSE(holds(on(Selector::kHostname, Predicate::kTextMatches, "")));
}

TEST(Constraints, AnyGroupOfWhichAllHold) {
  const auto rack = [](std::string name) {
    return attribute("rack", Predicate::kTextEquals, std::move(name));
  };
  const auto host = [](std::string name) {
    return on(Selector::kHostname, Predicate::kTextEquals, std::move(name));
  };
  EXPECT_TRUE(compiled({{{rack("r1"), host("node-1")}}})->allows(agent()));
  EXPECT_FALSE(compiled({{{rack("r1"), host("node-2")}}})->allows(agent()));
  EXPECT_TRUE(compiled({{{rack("r9")}, {rack("r1"), host("node-1")}}})->allows(agent()));
  EXPECT_TRUE(compiled({{{rack("r9")}, {host("node-1")}}})->allows(agent()));
  EXPECT_FALSE(compiled({{{rack("r9")}, {host("node-9")}}})->allows(agent()));
}

// §3.5: "only nodes from list L".
TEST(Constraints, AListOfNodes) {
  OfferConstraints list;
  for (std::size_t i = 0; i < kMaxConstraints; ++i) {
    list.groups.push_back(
        {on(Selector::kHostname, Predicate::kTextEquals, fmt::format("node-{}", i * 2))});
  }
  const auto constraints = compiled(list);
  AgentFacts facts;
  facts.hostname = "node-1998";
  EXPECT_TRUE(constraints->allows(facts));
  facts.hostname = "node-1999";
  EXPECT_FALSE(constraints->allows(facts));
  EXPECT_EQ(constraints->why_not(facts),
            "hostname must be 'node-0', or hostname must be 'node-2', or hostname must be "
            "'node-4', or one of 9997 more");
}

TEST(Constraints, SayWhyNot) {
  const auto constraints = compiled({{{attribute("rack", Predicate::kTextEquals, "r1"),
                                       on(Selector::kZone, Predicate::kTextNotEquals, "eu-1")},
                                      {on(Selector::kHostname, Predicate::kTextEquals, "node-2")},
                                      {attribute("ssd", Predicate::kExists)}}});
  EXPECT_EQ(constraints->why_not(agent()),
            "zone must not be 'eu-1', or hostname must be 'node-2', or attribute 'ssd' must exist");
  AgentFacts other = agent();
  other.hostname = "node-2";
  EXPECT_EQ(constraints->why_not(other), "");
  EXPECT_EQ(
      compiled({{{on(Selector::kRegion, Predicate::kTextMatches, "us.*")}}})->why_not(agent()),
      "region must match 'us.*'");
  EXPECT_EQ(
      compiled({{{on(Selector::kRegion, Predicate::kTextNotMatches, "e.*")}}})->why_not(agent()),
      "region must not match 'e.*'");
  EXPECT_EQ(compiled({{{attribute("cores", Predicate::kNotExists)}}})->why_not(agent()),
            "attribute 'cores' must not exist");
}

TEST(Constraints, WhyNotAndAllowsAgree) {
  for (const Predicate predicate :
       {Predicate::kExists, Predicate::kNotExists, Predicate::kTextEquals,
        Predicate::kTextNotEquals, Predicate::kTextMatches, Predicate::kTextNotMatches}) {
    for (const Selector selector :
         {Selector::kAttribute, Selector::kHostname, Selector::kRegion, Selector::kZone}) {
      const auto constraints = compiled({{{on(selector, predicate, "node-1")}}});
      for (const AgentFacts& facts : {agent(), AgentFacts()}) {
        EXPECT_EQ(constraints->allows(facts), constraints->why_not(facts).empty());
      }
    }
  }
}

TEST(Constraints, KeepWhatTheyWereMadeOf) {
  const OfferConstraints source{{{attribute("a", Predicate::kTextMatches, "x.*")}}};
  EXPECT_EQ(compiled(source)->source(), source);
}

TEST(Constraints, NoGroupsAndEmptyOnesAreErrors) {
  EXPECT_NE(error_of({}).find("no groups"), std::string::npos);
  EXPECT_NE(error_of({{{}}}).find("a group has no constraints"), std::string::npos);
  EXPECT_NE(error_of({{{attribute("a", Predicate::kExists)}, {}}}), "");
}

TEST(Constraints, BadExpressionsAreErrors) {
  for (const char* bad : {"(", "[", "a**", "\\", "a{1001}", "(?!x)", "\xff", "\\1"}) {
    for (const Predicate predicate : {Predicate::kTextMatches, Predicate::kTextNotMatches}) {
      const std::string error = error_of({{{on(Selector::kHostname, predicate, bad)}}});
      EXPECT_NE(error.find("is not one"), std::string::npos) << bad << ": " << error;
    }
    EXPECT_EQ(error_of({{{on(Selector::kHostname, Predicate::kTextEquals, bad)}}}), "") << bad;
  }
  EXPECT_EQ(error_of({{{on(Selector::kHostname, Predicate::kTextMatches, "(")}}}),
            "the regular expression '(' is not one: missing ): (");
}

TEST(Constraints, ExpressionsThatTakeTooMuchAreErrors) {
  const auto with = [](std::string expression) {
    return OfferConstraints{
        {{on(Selector::kHostname, Predicate::kTextMatches, std::move(expression))}}};
  };
  EXPECT_EQ(error_of(with(std::string(80, 'a'))), "");
  const std::string complex(110, 'a');
  EXPECT_NE(error_of(with(complex)).find("too complex"), std::string::npos);
  EXPECT_EQ(error_of(with(complex), {.re2_max_program_size = 200}), "");
  const std::string large = "(\\pL{30}){20}";
  EXPECT_NE(error_of(with(large)).find("too large"), std::string::npos);
  EXPECT_NE(error_of(with("((((((((a{100}){100}){100}){100}){100}){100}){100}){100})")), "");
  EXPECT_NE(error_of(with(std::string(400, '(') + std::string(400, ')'))), "");
  EXPECT_EQ(error_of(with("a{60}"), {.re2_max_mem = 1 << 20}), "");
  const std::string folded = "[" + std::string(998, 'a') + "]";
  EXPECT_EQ(error_of(with(folded)), "");
  EXPECT_NE(error_of(with(folded + "b")).find("too long: 1001 bytes, the limit is 1000"),
            std::string::npos);
  EXPECT_EQ(error_of(with(folded + "b"), {.re2_max_program_size = 101}), "");
}

TEST(Constraints, OnlyTheBeginningOfLongTextIsToldAgain) {
  const std::string error =
      error_of({{{on(Selector::kHostname, Predicate::kTextMatches, std::string(900, 'a'))}}});
  EXPECT_LT(error.size(), 500u);
  // Never half a character.
  const auto constraints = compiled(
      {{{on(Selector::kRegion, Predicate::kTextEquals, std::string(99, 'a') + "\xc3\xa9")}}});
  EXPECT_EQ(constraints->why_not(agent()), "region must be '" + std::string(99, 'a') + "...'");
}

TEST(Constraints, AreBounded) {
  const AttributeConstraint one = attribute("a", Predicate::kExists);
  OfferConstraints many;
  many.groups.assign(2, std::vector(kMaxConstraints / 2, one));
  EXPECT_EQ(error_of(many), "");
  many.groups.front().push_back(one);
  EXPECT_EQ(error_of(many), "10001 constraints, the limit is 10000");

  OfferConstraints expressions{
      {std::vector(kMaxConstraintExpressions, attribute("a", Predicate::kTextMatches, "x"))}};
  EXPECT_EQ(error_of(expressions), "");
  expressions.groups.push_back({attribute("a", Predicate::kTextNotMatches, "x")});
  EXPECT_EQ(error_of(expressions), "1001 regular expressions, the limit is 1000");

  const std::string longest(kMaxConstraintTextBytes, 'x');
  EXPECT_EQ(error_of({{{attribute(longest, Predicate::kTextEquals, longest)}}}), "");
  EXPECT_NE(error_of({{{attribute(longest + "x", Predicate::kExists)}}}), "");
  EXPECT_NE(error_of({{{attribute("a", Predicate::kTextEquals, longest + "x")}}}), "");
}

TEST(Constraints, HostileExpressionsMatchInLinearTime) {
  const auto constraints =
      compiled({{{on(Selector::kHostname, Predicate::kTextMatches, "(a*)*(a|aa)*b")}}});
  AgentFacts facts;
  facts.hostname = std::string(100'000, 'a');
  EXPECT_FALSE(constraints->allows(facts));
  facts.hostname += 'b';
  EXPECT_TRUE(constraints->allows(facts));
}

TEST(Constraints, TextThatIsNoUtf8MatchesNothingAndHarmsNothing) {
  AgentFacts facts;
  facts.hostname = "\xff\xfe";
  EXPECT_TRUE(holds(on(Selector::kHostname, Predicate::kTextNotMatches, "a.*"), facts));
}

TEST(Constraints, CheckGivesTheError) {
  EXPECT_EQ(check_constraints({{{attribute("a", Predicate::kExists)}}}, {}), std::nullopt);
  EXPECT_NE(check_constraints({}, {}), std::nullopt);
  EXPECT_NE(check_constraints({{{attribute("a", Predicate::kTextMatches, "abc")}}},
                              {.re2_max_program_size = 1}),
            std::nullopt);
}

}  // namespace
}  // namespace souk::allocator
