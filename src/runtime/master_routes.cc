#include "runtime/master_routes.h"

#include <charconv>
#include <optional>
#include <vector>

#include "wire/codec_operator.h"

namespace souk::runtime {
namespace {

// In the order of MasterRoute.
const wire::RouteTable& routes() {
  static const wire::RouteTable table({"/api/v1/scheduler",
                                       "/api/v1",
                                       "/health",
                                       "/redirect",
                                       "/version",
                                       "/flags",
                                       "/metrics/snapshot",
                                       "/metrics",
                                       "/state",
                                       "/state-summary",
                                       "/slaves",
                                       "/frameworks",
                                       "/tasks",
                                       "/roles",
                                       "/weights",
                                       "/quota",
                                       "/souk/v1/agents",
                                       "/souk/v1/explain",
                                       "/souk/v1/frameworks",
                                       "/souk/v1/link",
                                       "/souk/v1/local",
                                       "/"});
  return table;
}

std::optional<int64_t> parse_number(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::expected<MasterTarget, HttpReply> route_master(std::string_view target) {
  auto parsed = wire::parse_target(target);
  if (!parsed) return std::unexpected(HttpReply::text(400, parsed.error().message));
  const std::string path = wire::normalize_path(parsed->path, wire::Side::kMaster);
  const auto match = routes().find(path);
  if (!match) {
    return std::unexpected(HttpReply::text(
        404, fmt::format("There is nothing at '{}'. A master serves /state, /slaves, /frameworks, "
                         "/tasks, /roles, /weights, /quota, /metrics, /health and the APIs at "
                         "/api/v1/scheduler and /api/v1",
                         path)));
  }
  return MasterTarget{static_cast<MasterRoute>(match->route), std::string(match->rest),
                      std::move(parsed->query)};
}

std::expected<wire::ContentType, HttpReply> check_api_request(const HttpRequest& request) {
  if (request.method != "POST") {
    HttpReply reply = HttpReply::text(
        405, fmt::format("Expecting one of {{ 'POST' }}, but received '{}'", request.method));
    reply.headers.add("Allow", "POST");
    return std::unexpected(std::move(reply));
  }
  if (!request.headers.has("Content-Type")) {
    return std::unexpected(HttpReply::text(400, "Expecting 'Content-Type' to be present"));
  }
  const auto type = wire::parse_content_type(request.headers.get("Content-Type"));
  if (!type) {
    return std::unexpected(HttpReply::text(
        415, "Expecting 'Content-Type' of application/json or application/x-protobuf"));
  }
  return *type;
}

std::expected<wire::ContentType, HttpReply> check_accept(const HttpRequest& request) {
  std::optional<std::string_view> accept;
  if (request.headers.has("Accept")) accept = request.headers.get("Accept");
  const auto type = wire::negotiate(accept);
  if (!type) {
    return std::unexpected(HttpReply::text(
        406, "Expecting 'Accept' to allow application/json or application/x-protobuf"));
  }
  return *type;
}

std::expected<std::optional<protocol::OperatorCall>, HttpReply> parse_configure(
    const HttpRequest& request, const MasterTarget& target) {
  using Asked = std::optional<protocol::OperatorCall>;
  if (request.method == "GET" || request.method == "HEAD") return Asked();
  const auto changed = [](wire::DecodedChange change) -> std::expected<Asked, HttpReply> {
    if (change) return Asked(std::move(*change));
    return std::unexpected(HttpReply::text(change.error().status, change.error().body));
  };
  const bool weights = target.route == MasterRoute::kWeights;
  if (weights && request.method == "PUT") return changed(wire::decode_weights(request.body));
  if (!weights && request.method == "POST") {
    return changed(wire::decode_quota_request(request.body));
  }
  if (!weights && request.method == "DELETE") {
    if (target.rest.size() <= 1) {
      return std::unexpected(HttpReply::text(400, "Expecting a role: DELETE /quota/ROLE"));
    }
    return Asked(protocol::operator_call::RemoveQuota{target.rest.substr(1)});
  }
  HttpReply reply = HttpReply::text(
      405, fmt::format("Expecting one of {{ {} }}, but received '{}'",
                       weights ? "'GET', 'PUT'" : "'GET', 'POST', 'DELETE'", request.method));
  reply.headers.add("Allow", weights ? "GET, PUT" : "GET, POST, DELETE");
  return std::unexpected(std::move(reply));
}

std::expected<AgentFilesTarget, HttpReply> parse_files_query(
    const wire::Query& query, protocol::to_agent::FileRequest::Kind kind) {
  const auto bad = [](std::string text) {
    return std::unexpected(HttpReply::text(400, std::move(text)));
  };
  AgentFilesTarget files;
  files.kind = kind;
  // Without an offset, /files/read tells the size as it does in Mesos; raw bytes are all meant.
  if (kind == protocol::to_agent::FileRequest::Kind::kRaw) files.offset = 0;
  const auto path = wire::find_parameter(query, "path");
  if (!path || path->empty()) return bad("Expecting 'path=value' in query.");
  files.path = *path;
  for (const auto& [name, field] :
       {std::pair("offset", &files.offset), std::pair("length", &files.length)}) {
    const auto text = wire::find_parameter(query, name);
    if (!text || text->empty()) continue;
    const auto number = parse_number(*text);
    if (!number || *number < -1) {
      return bad(fmt::format("'{}={}' is not a number from -1 on", name, *text));
    }
    *field = *number;
  }
  return files;
}

std::expected<AgentFilesTarget, HttpReply> parse_agent_files(const MasterTarget& target) {
  using Kind = protocol::to_agent::FileRequest::Kind;
  // "/<agent>/files/<what>"
  const std::string_view rest = std::string_view(target.rest).substr(target.rest.empty() ? 0 : 1);
  const std::size_t slash = rest.find('/');
  const std::string_view what = slash == std::string_view::npos ? "" : rest.substr(slash);
  std::optional<Kind> kind;
  if (what == "/files/browse") kind = Kind::kBrowse;
  if (what == "/files/read") kind = Kind::kRead;
  if (what == "/files/raw") kind = Kind::kRaw;
  if (!kind) {
    return std::unexpected(HttpReply::text(
        404,
        "Files of an agent are at /souk/v1/agents/<agent id>/files/{read,raw,browse}?path=..."));
  }
  auto files = parse_files_query(target.query, *kind);
  if (files) files->agent = std::string(rest.substr(0, slash));
  return files;
}

}  // namespace souk::runtime
