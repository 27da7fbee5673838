#include "runtime/explain_routes.h"

#include <charconv>

#include "base/text.h"

namespace souk::runtime {
namespace {

std::unexpected<HttpReply> bad(std::string text) {
  return std::unexpected(HttpReply::text(400, std::move(text)));
}

}  // namespace

std::expected<master::ExplainRequested, HttpReply> parse_explain(const MasterTarget& target) {
  if (!target.rest.empty()) {
    return std::unexpected(
        HttpReply::text(404, "Explanations are at /souk/v1/explain?framework=ID"));
  }
  master::ExplainRequested event;
  event.limit = kDefaultExplained;
  for (const auto& [name, value] : target.query) {
    if (name == "framework") {
      event.framework = value;
    } else if (name == "agent") {
      event.agent = value;
    } else if (name == "reason") {
      event.reason = parse_obstacle(value);
      if (!event.reason) {
        return bad(
            fmt::format("'reason={}' is not one of {}", value, fmt::join(kObstacleCodes, ", ")));
      }
    } else if (name == "limit") {
      const char* end = value.data() + value.size();
      const auto [rest, error] = std::from_chars(value.data(), end, event.limit);
      if (error != std::errc() || rest != end || event.limit > kMostExplained) {
        return bad(fmt::format("'limit={}' is not a number from 0 to {}", value, kMostExplained));
      }
    } else {
      return bad(fmt::format("There is no parameter {}: framework, agent, reason and limit are",
                             quote(name)));
    }
  }
  if (event.framework.empty()) {
    return bad("Expecting 'framework=ID' in query, or the framework's name");
  }
  return event;
}

std::expected<master::ShareRequested, HttpReply> parse_share(const MasterTarget& target) {
  constexpr std::string_view kShare = "/share";
  const std::string_view rest = target.rest;
  // "/<framework>/share"
  if (!rest.ends_with(kShare) || rest.size() < kShare.size() + 2) {
    return std::unexpected(
        HttpReply::text(404, "A framework's share is at /souk/v1/frameworks/<framework id>/share"));
  }
  return master::ShareRequested{
      .connection = {}, .framework = std::string(rest.substr(1, rest.size() - kShare.size() - 1))};
}

}  // namespace souk::runtime
