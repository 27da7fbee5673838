// The queries of /souk/v1/explain and /souk/v1/frameworks/<id>/share. Pure.
#pragma once

#include <expected>

#include "master/events.h"
#include "runtime/http_types.h"
#include "runtime/master_routes.h"

namespace souk::runtime {

// Agents, times roles, that are listed unless `limit` says otherwise; and the most that it may say.
inline constexpr std::size_t kDefaultExplained = 1'000;
inline constexpr std::size_t kMostExplained = 50'000;

// ?framework=F[&agent=A][&reason=CODE][&limit=N]. An error is the answer to give. The connection is
// the caller's to set.
std::expected<master::ExplainRequested, HttpReply> parse_explain(const MasterTarget& target);

// "/<framework>/share"
std::expected<master::ShareRequested, HttpReply> parse_share(const MasterTarget& target);

}  // namespace souk::runtime
