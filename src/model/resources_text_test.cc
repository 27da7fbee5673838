#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <ostream>
#include <set>

#include "model/resources.h"

namespace souk {

static std::ostream& operator<<(std::ostream& out, const Resources& r) {
  return out << r.to_string();
}
static std::ostream& operator<<(std::ostream& out, Scalar s) { return out << s.thousandths; }
static std::ostream& operator<<(std::ostream& out, const Attribute& a) {
  return out << to_string(a);
}

namespace {

constexpr auto kDynamic = Reservation::Type::kDynamic;

Resource scalar(std::string_view name, int64_t thousandths) {
  return {.name = name, .value = Scalar{thousandths}};
}

Resources parsed(std::string_view text) {
  const auto result = Resources::parse(text);
  EXPECT_TRUE(result) << text << ": " << (result ? "" : result.error().message);
  return result.value_or(Resources());
}

std::string refusal(std::string_view text) {
  const auto result = Resources::parse(text);
  return result ? "accepted: " + result->to_string() : result.error().message;
}

TEST(ResourcesParse, EveryForm) {
  Resource reserved = scalar("cpus", 2000);
  reserved.reservations = std::vector<Reservation>{{.role = "eng/web"}};
  EXPECT_EQ(parsed("cpus:4;mem:1024;ports:[31000-32000];disks:{a,b};cpus(eng/web):2"),
            Resources({scalar("cpus", 4000),
                       scalar("mem", 1024'000),
                       {.name = "ports", .value = Ranges({{31000, 32000}})},
                       {.name = "disks", .value = NameSet({"a", "b"})},
                       reserved}));
}

TEST(ResourcesParse, Numbers) {
  EXPECT_EQ(parsed("cpus:0.5").scalar("cpus"), Scalar{500});
  EXPECT_EQ(parsed("cpus:.5").scalar("cpus"), Scalar{500});
  EXPECT_EQ(parsed("cpus:0.001").scalar("cpus"), Scalar{1});
  EXPECT_EQ(parsed("cpus:2.0").scalar("cpus"), Scalar{2000});
  EXPECT_EQ(parsed("mem:1000000000").scalar("mem"), Scalar{kMaxScalar});
}

TEST(ResourcesParse, WhiteSpaceIsFree) {
  EXPECT_EQ(parsed("  cpus : 4 ;\n ports\t:\t[ 1 - 2 , 5 ] ; cpus ( eng ) : 1; disks: { a , b } ;"),
            parsed("cpus:4;ports:[1-2,5-5];cpus(eng):1;disks:{a,b}"));
}

TEST(ResourcesParse, EntriesOfOneKindAreJoined) {
  EXPECT_EQ(parsed("cpus:1;cpus:2;ports:[1-2];ports:[3-4]"), parsed("cpus:3;ports:[1-4]"));
  EXPECT_EQ(parsed("cpus(*):1;cpus:1"), parsed("cpus:2"));
  EXPECT_EQ(parsed("cpus(a):1;cpus:1;cpus(a):1").items().size(), 2u);
}

TEST(ResourcesParse, NothingIsNothing) {
  for (const char* text :
       {"", " ", ";", " ; ;\n", "cpus:0", "ports:[]", "disks:{ }", "mem:0.0001"}) {
    EXPECT_TRUE(parsed(text).empty()) << text;
  }
}

TEST(ResourcesParse, RefusalsShowWhatIsWrong) {
  EXPECT_EQ(refusal("mem:1;cpus:x"), "'x' is not a number in 'cpus:x'");
  EXPECT_EQ(refusal("cpus:"), "'' is not a number in 'cpus:'");
  EXPECT_EQ(refusal("cpus:-1"), "'cpus:-1': an amount must not be negative (-1)");
  EXPECT_EQ(refusal("mem:1000000001"),
            "'mem:1000000001': an amount must not be above 1000000000 (1000000001)");
  EXPECT_EQ(refusal("mem:600000000;mem:600000000"),
            "the amounts of 'mem' add up to more than 1000000000");
  EXPECT_EQ(refusal("cpus"),
            "'cpus' is not a resource: write name:value, as in cpus:4 or ports:[31000-32000]");
  EXPECT_EQ(refusal(":4"), "':4' has no proper name before its value, as in cpus:4");
  EXPECT_EQ(refusal("ports:[2-1]"), "'ports:[2-1]': range 2-1 ends before it begins");
  EXPECT_EQ(refusal("ports:[1-2"), "'ports:[1-2' has no ']' at its end");
  EXPECT_EQ(refusal("disks:{a"), "'disks:{a' has no '}' at its end");
  EXPECT_EQ(refusal("disks:{a,}"), "'disks:{a,}': a set must not contain an empty name");
  EXPECT_EQ(refusal("cpus(eng:4"), "'cpus(eng:4' has no ')'");
  EXPECT_EQ(refusal("ports:31000"), "'ports' must be ranges, as in ports:[31000-32000]");
  EXPECT_EQ(refusal("x:1;x:{a}"), "resource 'x' has values of different types");
  EXPECT_EQ(refusal("cpus():4"), "'cpus():4': a role must not be empty: '*' is the default role");
}

TEST(ResourcesParse, Refuses) {
  for (const char* text :
       {"cpus:1e3",       "cpus:0x10",     "cpus:inf",
        "cpus:nan",       "cpus:1 2",      "cpus:1,5",
        "cpus:+1",        "cpus:--1",      "cpus:4:5",
        "cpus=4",         "cpus4",         "(eng):4",
        "cpus(eng)4",     "cpus(eng):",    "cpus(a b):4",
        "cpus(a//b):4",   "cpus(-a):4",    "cpus(eng)x:4",
        "cpus(a)(a/b):4", "ports:[1-]",    "ports:[-1]",
        "ports:[a-b]",    "ports:[1-2-3]", "ports:[1-2,]",
        "ports:[,1-2]",   "ports:[1.5-2]", "ports:[",
        "ports:]",        "ports:[1-2]]",  "ports:[[1-2]]",
        "ports:[1-2]x",   "ports:[1--2]",  "ports:[18446744073709551616-18446744073709551617]",
        "ports:{1}",      "disks:{",       "disks:}",
        "disks:{{a}}",    "disks:{a}b",    "cpus:[1-2]",
        "cp{us:1",        "cp]us:1",       "c|pus:1",
        "c\x01pus:1",     "disks:{a\x02}", "[{\"name\":\"cpus\"}]"}) {
    EXPECT_FALSE(Resources::parse(text)) << text << " was " << refusal(text);
  }
}

TEST(ResourcesParse, TheLargestNumbersOfRanges) {
  EXPECT_EQ(parsed("x:[0-18446744073709551615]").ranges("x"), Ranges({{0, UINT64_MAX}}));
}

TEST(ResourcesParse, Bounds) {
  std::string ranges = "ports:[0-0";
  for (std::size_t n = 1; n < kMaxRanges; ++n) ranges += ',' + std::to_string(n * 2);
  EXPECT_TRUE(Resources::parse(ranges + ']'));
  EXPECT_NE(refusal(ranges + ",999999]").find("has more than 65536 ranges"), std::string::npos);

  std::string entries;
  for (std::size_t n = 0; n < kMaxResourceItems; ++n) entries += "x" + std::to_string(n) + ":1;";
  EXPECT_TRUE(Resources::parse(entries));
  EXPECT_EQ(refusal(entries + "y:1"), "10001 resources are too many: at most 10000 are allowed");

  std::string names = "disks:{x";
  for (std::size_t n = 0; n < kMaxNames; ++n) names += ',' + std::to_string(n);
  EXPECT_NE(refusal(names + '}').find("names in a set are too many"), std::string::npos);

  EXPECT_TRUE(Resources::parse(std::string(kMaxResourceText, ';')));
  EXPECT_EQ(refusal(std::string(kMaxResourceText + 1, ';')),
            "1048577 bytes of text are too many: at most 1048576 are allowed");
}

// However long and odd the input, the message stays short and printable.
RC_GTEST_PROP(ResourcesParse, AnyTextIsReadOrRefusedInAFewWords, ()) {
  const auto text = *rc::gen::container<std::string>(
      rc::gen::oneOf(rc::gen::element('c', 'p', ':', ';', '(', ')', '[', ']', '{', '}', ',', '-',
                                      '.', '1', ' ', '/'),
                     rc::gen::arbitrary<char>()));
  const std::string longer = text + std::string(10'000, 'x');
  for (const std::string& input : {text, longer}) {
    const auto result = Resources::parse(input);
    if (result) {
      RC_ASSERT((Resources::parse(result->to_string()) == result));
    } else {
      const std::string& why = result.error().message;
      RC_ASSERT(!why.empty() && why.size() < 400);
      RC_ASSERT(std::none_of(why.begin(), why.end(), [](char c) { return c >= 0 && c < ' '; }));
    }
  }
}

Resource draw_resource() {
  Resource r;
  switch (*rc::gen::inRange(0, 3)) {
    case 0:
      r.name = *rc::gen::element<std::string>("cpus", "mem", "gpus", "network bandwidth");
      r.value = Scalar{*rc::gen::inRange<int64_t>(0, kMaxScalar / 20)};
      break;
    case 1: {
      std::vector<Range> list;
      for (const auto& [a, b] : *rc::gen::arbitrary<std::vector<std::pair<uint64_t, uint64_t>>>()) {
        list.push_back({std::min(a, b), std::max(a, b)});
      }
      r.name = "ports";
      r.value = Ranges(list);
      break;
    }
    default:
      r.name = "disks";
      r.value = NameSet(*rc::gen::container<std::vector<std::string>>(
          rc::gen::element<std::string>("a", "b c", "sd-a", "\xc3\xa4", "[x]", "(", ":")));
  }
  const int chain = *rc::gen::inRange(0, 3);
  if (chain == 1) r.reservations = std::vector<Reservation>{{.role = "eng"}};
  if (chain == 2) r.reservations = std::vector<Reservation>{{.role = "eng/web.1_x"}};
  return r;
}

RC_GTEST_PROP(ResourcesParse, ReadsWhatToStringWrites, ()) {
  const int count = *rc::gen::inRange(0, 8);
  std::vector<Resource> items;
  items.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) items.push_back(draw_resource());
  const Resources resources(items);
  RC_ASSERT((Resources::parse(resources.to_string()) == Result<Resources>(resources)));
}

TEST(ResourcesToString, Golden) {
  EXPECT_EQ(Resources().to_string(), "");
  EXPECT_EQ(
      parsed("mem:1024;cpus:0.5;ports:[5,1-2];disks:{b,a};cpus(eng):1.25;x:0.007").to_string(),
      "cpus:0.5;cpus(eng):1.25;disks:{a,b};mem:1024;ports:[1-2,5-5];x:0.007");
}

TEST(ResourcesToString, ShowsWhatParseHasNoWordsFor) {
  Resource r = scalar("disk", 10'000);
  r.reservations = std::vector<Reservation>{
      {.role = "eng"},
      {.type = kDynamic, .role = "eng/web", .principal = "alice", .labels = {{"k", "v"}}}};
  r.disk = Blob("12345");
  r.revocable = true;
  r.shared = true;
  const Resources resources({r});
  EXPECT_EQ(resources.to_string(),
            "disk(eng)(dynamic eng/web by alice k=v){disk of 5 bytes}{revocable}{shared}:10");
  EXPECT_FALSE(Resources::parse(resources.to_string()));
}

std::string alternatives_refusal(std::string_view text) {
  const auto result = parse_alternatives(text);
  return result ? "accepted" : result.error().message;
}

TEST(Alternatives, EachIsAListOfAmounts) {
  EXPECT_EQ(parse_alternatives("cpus:0.01|mem:32").value(),
            (std::vector<Quantities>{{{"cpus", Scalar{10}}}, {{"mem", Scalar{32'000}}}}));
  EXPECT_EQ(parse_alternatives(" mem : 32 ; cpus:1 | gpus:1 ").value(),
            (std::vector<Quantities>{{{"cpus", Scalar{1000}}, {"mem", Scalar{32'000}}},
                                     {{"gpus", Scalar{1000}}}}));
  EXPECT_EQ(parse_alternatives("cpus:1;cpus:2").value(),
            (std::vector<Quantities>{{{"cpus", Scalar{3000}}}}));
}

TEST(Alternatives, NoneAndNothingAsked) {
  EXPECT_TRUE(parse_alternatives("").value().empty());
  EXPECT_TRUE(parse_alternatives(" \n").value().empty());
  EXPECT_EQ(parse_alternatives("cpus:0").value(), (std::vector<Quantities>{{}}));
}

TEST(Alternatives, Refuses) {
  EXPECT_EQ(alternatives_refusal("cpus:1|"),
            "an alternative is empty: write name:amount, as in cpus:0.01");
  EXPECT_EQ(alternatives_refusal("cpus:x"), "'x' is not a number in 'cpus:x'");
  EXPECT_EQ(alternatives_refusal("cpus"),
            "'cpus' is not an amount: write name:amount, as in cpus:0.01");
  for (const char* text : {"|", "||", ";", "cpus:1|;", "cpus(eng):1", "ports:[1-2]", "ports:1",
                           "disks:{a}", "cpus:-1", "cpus:1:2", ":1", "mem:1000000000;mem:1"}) {
    EXPECT_FALSE(parse_alternatives(text)) << text;
  }
  EXPECT_FALSE(parse_alternatives(std::string(kMaxResourceText + 1, ' ')));
}

std::vector<Attribute> attributes(std::string_view text) {
  const auto result = parse_attributes(text);
  EXPECT_TRUE(result) << text << ": " << (result ? "" : result.error().message);
  return result.value_or(std::vector<Attribute>());
}

TEST(Attributes, TheFourTypes) {
  EXPECT_EQ(attributes("rack:abc;gen:3;ports:[1-5];disks:{b,a}"),
            (std::vector<Attribute>{{"rack", std::string("abc")},
                                    {"gen", Scalar{3000}},
                                    {"ports", Ranges({{1, 5}})},
                                    {"disks", NameSet({"a", "b"})}}));
}

TEST(Attributes, WhatIsNoNumberIsText) {
  for (const char* text : {"1.2.3", "1e5", "0x1f", "nan", "inf", "-inf", "a:b", "http://h:80/p",
                           "a b", "(x)", "x]", "\xc3\xa4"}) {
    EXPECT_EQ(attributes(std::string("k:") + text),
              (std::vector<Attribute>{{"k", std::string(text)}}))
        << text;
  }
  // Numbers that a Scalar cannot hold are kept as written.
  for (const char* text : {"12345678901234567890", "-5"}) {
    EXPECT_EQ(attributes(std::string("k:") + text),
              (std::vector<Attribute>{{"k", std::string(text)}}))
        << text;
  }
}

TEST(Attributes, OrderAndRepetitionAreKept) {
  EXPECT_EQ(
      attributes(" z : 1 ;; a:x;\nz:2;"),
      (std::vector<Attribute>{{"z", Scalar{1000}}, {"a", std::string("x")}, {"z", Scalar{2000}}}));
  EXPECT_TRUE(attributes(" ; ").empty());
}

TEST(Attributes, Refuses) {
  EXPECT_EQ(parse_attributes("rack").error().message,
            "'rack' is not an attribute: write name:value, as in rack:abc");
  EXPECT_EQ(parse_attributes("rack: ").error().message, "attribute 'rack:' has no value");
  for (const char* text :
       {":a", "a(b):c", "a:[1-", "a:[x]", "a:{b", "a:{b}c", "a:[2-1]", "a:b\tc"}) {
    EXPECT_FALSE(parse_attributes(text)) << text;
  }
  EXPECT_FALSE(parse_attributes(std::string(kMaxResourceText + 1, ' ')));
}

RC_GTEST_PROP(Attributes, ReadsWhatToStringWrites, ()) {
  const auto text = *rc::gen::container<std::string>(
      rc::gen::element('a', 'b', ':', ';', '[', ']', '{', '}', ',', '-', '.', '1', ' ', '\t'));
  // Mostly refused as it stands, mostly accepted behind a name.
  for (const std::string& input : {text, "k:" + text, "k:x" + text}) {
    const auto read = parse_attributes(input);
    if (!read) continue;
    std::string written;
    for (const Attribute& attribute : *read) written += to_string(attribute) + ';';
    RC_ASSERT((parse_attributes(written) == read));
  }
}

}  // namespace
}  // namespace souk
