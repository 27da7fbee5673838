// The paths that a master serves, and the checks of a request that come before its body is looked
// at.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/link.h"
#include "protocol/operator_api.h"
#include "runtime/http_types.h"
#include "wire/content_type.h"
#include "wire/http_text.h"

namespace souk::runtime {

enum class MasterRoute : uint8_t {
  kScheduler,
  kOperator,
  kHealth,
  kRedirect,
  kVersion,
  kFlags,
  kMetricsSnapshot,
  kPrometheus,
  kState,
  kStateSummary,
  kSlaves,
  kFrameworks,
  kTasks,
  kRoles,
  kWeights,
  kQuota,
  kAgentFiles,
  kExplain,
  kFrameworkShare,
  kLink,
  kLocal,
  kHome,
};

struct MasterTarget {
  MasterRoute route;
  std::string rest;  // of the path
  wire::Query query;
};

// An error is the answer to give.
std::expected<MasterTarget, HttpReply> route_master(std::string_view target);

// The checks of POST /api/v1/scheduler and /api/v1/executor: method, then Content-Type.
std::expected<wire::ContentType, HttpReply> check_api_request(const HttpRequest& request);

// The Accept header of a SUBSCRIBE: 406 if nothing fits.
std::expected<wire::ContentType, HttpReply> check_accept(const HttpRequest& request);

// What a request to /weights or /quota asks to change; nothing: it only asks what is set.
std::expected<std::optional<protocol::OperatorCall>, HttpReply> parse_configure(
    const HttpRequest& request, const MasterTarget& target);

// "/<agent>/files/read?path=...": of kAgentFiles.
struct AgentFilesTarget {
  std::string agent;
  protocol::to_agent::FileRequest::Kind kind = protocol::to_agent::FileRequest::Kind::kRead;
  std::string path;
  int64_t offset = -1;
  int64_t length = -1;
};
std::expected<AgentFilesTarget, HttpReply> parse_agent_files(const MasterTarget& target);

// `path`, `offset` and `length` of a query, as /files/read and /files/browse take them.
std::expected<AgentFilesTarget, HttpReply> parse_files_query(
    const wire::Query& query, protocol::to_agent::FileRequest::Kind kind);

}  // namespace souk::runtime
