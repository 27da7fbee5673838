#include "wire/http_text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace souk::wire {
namespace {

// --- encodings

TEST(HttpText, ContentTypesAreExact) {
  EXPECT_EQ(parse_content_type("application/json"), ContentType::kJson);
  EXPECT_EQ(parse_content_type("application/x-protobuf"), ContentType::kProtobuf);
  for (const char* other : {"", "application/json; charset=utf-8", "Application/JSON", "text/plain",
                            " application/json", "application/json,application/json",
                            "application/protobuf", "application/*"}) {
    EXPECT_EQ(parse_content_type(other), std::nullopt) << other;
  }
}

TEST(HttpText, AcceptPrefersJson) {
  using enum ContentType;
  EXPECT_EQ(negotiate(std::nullopt), kJson);
  for (const char* accept :
       {"", " ", "*", "*/*", "application/*", "application/json", "APPLICATION/JSON",
        "application/json; charset=utf-8", "application/x-protobuf, application/json",
        "application/json;q=0.1, application/x-protobuf;q=0.9", "text/html, */*;q=0.1",
        "application/json;q=nonsense", "*/*;q=0, application/json"}) {
    EXPECT_EQ(negotiate(accept), kJson) << accept;
  }
  for (const char* accept :
       {"application/x-protobuf", "text/html , application/x-protobuf;q=0.5",
        "application/json;q=0, application/x-protobuf", "*/*, application/json;q=0.0",
        "application/x-protobuf;level=1;q=0.3"}) {
    EXPECT_EQ(negotiate(accept), kProtobuf) << accept;
  }
  for (const char* accept : {"text/html", "application/recordio", "*/*;q=0", ",", ";",
                             "application/json;q=0", "text/*", "**"}) {
    EXPECT_EQ(negotiate(accept), std::nullopt) << accept;
  }
}

// --- targets

TEST(HttpText, PercentDecode) {
  EXPECT_EQ(percent_decode("a%20b%2Fc", false), "a b/c");
  EXPECT_EQ(percent_decode("a+b", false), "a+b");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  EXPECT_EQ(percent_decode("%C3%a4", false), "\xc3\xa4");
  EXPECT_EQ(percent_decode("%00", false), std::string(1, '\0'));
  for (const char* bad : {"%", "%1", "%g0", "%0g", "abc%", "%%20"}) {
    EXPECT_EQ(percent_decode(bad, false), std::nullopt) << bad;
  }
}

TEST(HttpText, PercentEncode) {
  EXPECT_EQ(percent_encode("/a b?\xc3\xbc"), "/a%20b%3F%C3%BC");
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  EXPECT_EQ(percent_decode(percent_encode(all), true), all);
}

TEST(HttpText, QueriesKeepTheirOrder) {
  const auto query = parse_query("path=%2Fa%26b&offset=-1&&flag&empty=&path=second&a=b=c");
  ASSERT_TRUE(query);
  const Query expected = {{"path", "/a&b"}, {"offset", "-1"},   {"flag", ""},
                          {"empty", ""},    {"path", "second"}, {"a", "b=c"}};
  EXPECT_EQ(*query, expected);
  EXPECT_EQ(find_parameter(*query, "path"), "/a&b");
  EXPECT_EQ(find_parameter(*query, "flag"), "");
  EXPECT_EQ(find_parameter(*query, "none"), std::nullopt);
  EXPECT_FALSE(parse_query("a=%"));
  EXPECT_FALSE(parse_query("%zz=1"));
}

TEST(HttpText, QueriesHaveABound) {
  std::string text;
  for (std::size_t i = 0; i < kMaxQueryParameters; ++i) text += "&a=b";
  ASSERT_TRUE(parse_query(text));
  EXPECT_EQ(parse_query(text)->size(), kMaxQueryParameters);
  EXPECT_FALSE(parse_query(text + "&a"));
}

TEST(HttpText, Targets) {
  const auto path_of = [](std::string_view target) {
    const auto parsed = parse_target(target);
    EXPECT_TRUE(parsed) << target;
    return parsed ? parsed->path : "";
  };
  EXPECT_EQ(path_of("/"), "/");
  EXPECT_EQ(path_of("/state?x=1"), "/state");
  EXPECT_EQ(path_of("/slave%281%29/state"), "/slave(1)/state");
  EXPECT_EQ(path_of("/a#fragment?no=query"), "/a");
  EXPECT_EQ(path_of("http://host:5050/state?x"), "/state");
  EXPECT_EQ(path_of("https://host"), "/");
  EXPECT_EQ(path_of("http://host?x=1"), "/");
  EXPECT_EQ(parse_target("/tasks/?limit=2&order=asc")->query,
            (Query{{"limit", "2"}, {"order", "asc"}}));
  for (const char* bad :
       {"", "*", "state", "?a=b", "host:80", "ftp://h/x", "/a%", "/%0a", "/a?b=%"}) {
    EXPECT_FALSE(parse_target(bad)) << bad;
  }
  EXPECT_FALSE(parse_target(std::string_view("/a\0b", 4)));
}

// --- routes

TEST(HttpText, PathsHaveOneSpelling) {
  using enum Side;
  EXPECT_EQ(normalize_path("/", kMaster), "/");
  EXPECT_EQ(normalize_path("", kMaster), "/");
  EXPECT_EQ(normalize_path("/state/", kMaster), "/state");
  EXPECT_EQ(normalize_path("//state///x//", kMaster), "/state/x");
  EXPECT_EQ(normalize_path("/master/state", kMaster), "/state");
  EXPECT_EQ(normalize_path("/master", kMaster), "/");
  EXPECT_EQ(normalize_path("/master/master", kMaster), "/master");
  EXPECT_EQ(normalize_path("/state/master", kMaster), "/state/master");
  EXPECT_EQ(normalize_path("/masters", kMaster), "/masters");
  EXPECT_EQ(normalize_path("/slave(1)/state", kAgent), "/state");
  EXPECT_EQ(normalize_path("/slave(1)/state", kMaster), "/slave(1)/state");
  EXPECT_EQ(normalize_path("/master/state", kAgent), "/master/state");
}

TEST(HttpText, RoutesAreFoundByTheirLongestPrefix) {
  const RouteTable table({"/state", "/slaves", "/api/v1", "/api/v1/scheduler", "/", "/files/read"});
  const auto found = [&](std::string_view path) {
    const auto match = table.find(path);
    return match ? std::to_string(match->route) + std::string(match->rest) : "none";
  };
  EXPECT_EQ(found("/state"), "0");
  EXPECT_EQ(found("/state.json"), "0");
  EXPECT_EQ(found("/slaves/S1"), "1/S1");
  EXPECT_EQ(found("/slaves/S1/x.json"), "1/S1/x.json");
  EXPECT_EQ(found("/api/v1"), "2");
  EXPECT_EQ(found("/api/v1/operator"), "2/operator");
  EXPECT_EQ(found("/api/v1/scheduler"), "3");
  EXPECT_EQ(found("/api/v1/scheduler/x/y"), "3/x/y");
  EXPECT_EQ(found("/files/read.json"), "5");
  EXPECT_EQ(found("/"), "4");
  EXPECT_EQ(found("/.json"), "4");
  EXPECT_EQ(found("/nothing"), "none");
  EXPECT_EQ(found("/stat"), "none");
  EXPECT_EQ(found("/states"), "none");
  EXPECT_EQ(found("/files"), "none");
  EXPECT_EQ(found("/state.json/x"), "none");
  EXPECT_EQ(found(""), "none");
}

RC_GTEST_PROP(HttpText, AnythingIsSafe, ()) {
  const auto text = *rc::gen::arbitrary<std::string>();
  (void)negotiate(text);
  const auto query = parse_query(text);
  RC_ASSERT(!query || query->size() <= kMaxQueryParameters);
  const auto target = parse_target("/" + text);
  const std::string normal = normalize_path(target ? target->path : text, Side::kMaster);
  RC_ASSERT(normal.starts_with('/'));
  RC_ASSERT(normal == "/" || !normal.ends_with('/'));
  (void)RouteTable({"/a", "/a/b"}).find(normal);
}

}  // namespace
}  // namespace souk::wire
