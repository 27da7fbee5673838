// The texts of HTTP that the APIs give a meaning to: content types, paths, queries. Pure functions
// without sockets; string_views that are returned point into the arguments.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "wire/content_type.h"

namespace souk::wire {

// --- encodings

// Of a request's body: exactly one of the two types and nothing else, or 415.
std::optional<ContentType> parse_content_type(std::string_view header);

// From an Accept header: JSON if it is acceptable (an absent header accepts all), else protobuf,
// else nothing: 406. A client that prefers protobuf by q-values while accepting JSON gets JSON, as
// from Mesos.
std::optional<ContentType> negotiate(std::optional<std::string_view> accept);

// --- request targets

// More parameters than any endpoint has; the rest of a query is refused.
inline constexpr std::size_t kMaxQueryParameters = 100;

using Query = std::vector<std::pair<std::string, std::string>>;  // in the order given

// %xx decoded; with `plus_is_space` as forms and queries have it. Nothing if an escape is broken.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);
// All but letters, digits and "-_.~/" as %xx.
std::string percent_encode(std::string_view text);

// "a=1&b" without the question mark.
Result<Query> parse_query(std::string_view text);

// The first value of a parameter.
std::optional<std::string_view> find_parameter(const Query& query, std::string_view name);

struct Target {
  std::string path;  // percent-decoded, starts with '/'
  Query query;
};
// The target of a request line: "/path?query", or a whole URL as proxies send. Fails on anything
// else, on broken escapes and on control characters.
Result<Target> parse_target(std::string_view target);

// --- routes

enum class Side : uint8_t { kMaster, kAgent };

// The one spelling of a path: no empty segments, no slash at the end, without the prefix that
// Mesos's processes put before all they serve ("/master/state" is "/state"; on an agent,
// "/slave(1)/state").
std::string normalize_path(std::string_view path, Side side);

// Finds the handler of a path: the route that is its longest prefix in whole segments, so that
// "/slaves/S1" is served by "/slaves". A last segment may carry ".json", as before Mesos 1.8. The
// route "/" serves itself only.
class RouteTable {
 public:
  // REQUIRES routes as normalize_path() gives them.
  explicit RouteTable(std::vector<std::string> routes);

  struct Match {
    std::size_t route;      // its index
    std::string_view rest;  // of the path, behind the route: "" or "/..."
  };
  // Takes a normalized path.
  std::optional<Match> find(std::string_view path) const;

 private:
  std::optional<std::size_t> exactly(std::string_view path) const;

  std::vector<std::pair<std::string, std::size_t>> routes_;  // sorted
};

}  // namespace souk::wire
