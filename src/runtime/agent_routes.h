// The paths that an agent serves, and its documents.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "protocol/agent_view.h"
#include "runtime/http_types.h"
#include "runtime/master_routes.h"
#include "wire/http_text.h"

namespace souk::runtime {

enum class AgentRoute : uint8_t {
  kExecutor,
  kOperator,
  kHealth,
  kVersion,
  kFlags,
  kMetricsSnapshot,
  kPrometheus,
  kState,
  kStatistics,
  kContainers,
  kFiles,
  kHome,
};

struct AgentTarget {
  AgentRoute route;
  std::string rest;
  wire::Query query;
};

// An error is the answer to give.
std::expected<AgentTarget, HttpReply> route_agent(std::string_view target);

// "/read?path=..." and "/browse?path=...", also "/download": of kFiles.
std::expected<AgentFilesTarget, HttpReply> parse_agent_local_files(const AgentTarget& target);

// Not thread-safe.
class AgentDocuments {
 public:
  AgentDocuments(std::vector<std::pair<std::string, std::string>> flags, WallTime started)
      : flags_(std::move(flags)), started_(started) {}

  HttpReply render(const AgentTarget& target, const protocol::AgentView& view) const;

 private:
  std::vector<std::pair<std::string, std::string>> flags_;
  WallTime started_;
};

}  // namespace souk::runtime
