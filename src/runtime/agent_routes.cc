#include "runtime/agent_routes.h"

#include "runtime/metrics.h"
#include "runtime/system_facts.h"
#include "wire/agent_json.h"
#include "wire/master_json.h"

namespace souk::runtime {
namespace {

// In the order of AgentRoute.
const wire::RouteTable& routes() {
  static const wire::RouteTable table({"/api/v1/executor", "/api/v1", "/health", "/version",
                                       "/flags", "/metrics/snapshot", "/metrics", "/state",
                                       "/monitor/statistics", "/containers", "/files", "/"});
  return table;
}

HttpReply prometheus(const protocol::AgentView& view, WallTime started) {
  std::vector<MetricFamily> families;
  for (const auto& [name, value] : wire::agent_metrics(view, system_facts(started))) {
    families.push_back({.name = "souk_" + name, .help = name, .samples = {{{}, value}}});
  }
  HttpReply reply = HttpReply::text(200, prometheus_text(families));
  reply.content_type = kPrometheusContentType;
  return reply;
}

}  // namespace

std::expected<AgentTarget, HttpReply> route_agent(std::string_view target) {
  auto parsed = wire::parse_target(target);
  if (!parsed) return std::unexpected(HttpReply::text(400, parsed.error().message));
  const std::string path = wire::normalize_path(parsed->path, wire::Side::kAgent);
  const auto match = routes().find(path);
  if (!match) {
    return std::unexpected(HttpReply::text(
        404, fmt::format("There is nothing at '{}'. An agent serves /state, /containers, "
                         "/monitor/statistics, /metrics, /files, /health and the API at "
                         "/api/v1/executor",
                         path)));
  }
  return AgentTarget{static_cast<AgentRoute>(match->route), std::string(match->rest),
                     std::move(parsed->query)};
}

std::expected<AgentFilesTarget, HttpReply> parse_agent_local_files(const AgentTarget& target) {
  using Kind = protocol::to_agent::FileRequest::Kind;
  if (target.rest == "/read") return parse_files_query(target.query, Kind::kRead);
  if (target.rest == "/browse") return parse_files_query(target.query, Kind::kBrowse);
  if (target.rest == "/raw") return parse_files_query(target.query, Kind::kRaw);
  return std::unexpected(HttpReply::text(
      404, "Files are at /files/read?path=..., /files/raw?path=... and /files/browse?path=..."));
}

HttpReply AgentDocuments::render(const AgentTarget& target, const protocol::AgentView& view) const {
  const wire::DocumentContext document{flags_, started_};
  switch (target.route) {
    case AgentRoute::kOperator:
      return HttpReply::text(501,
                             "The operator API is not supported yet; /state, /containers and "
                             "/monitor/statistics are");
    case AgentRoute::kFlags:
      return HttpReply::json(wire::render_flags(document));
    case AgentRoute::kMetricsSnapshot:
      return HttpReply::json(snapshot_json(wire::agent_metrics(view, system_facts(started_))));
    case AgentRoute::kPrometheus:
      return prometheus(view, started_);
    case AgentRoute::kState:
      return HttpReply::json(wire::render_agent_state(view, document));
    case AgentRoute::kStatistics:
      return HttpReply::json(wire::render_monitor_statistics(view));
    case AgentRoute::kContainers:
      return HttpReply::json(wire::render_containers(view));
    default:
      return HttpReply::json(wire::render_version(document));
  }
}

}  // namespace souk::runtime
