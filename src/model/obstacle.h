// What can stand between a framework and what is free on an agent. Told by the allocator
// (explain()), rendered for people by wire/explain_text.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace souk {

// Why a framework, in one of its roles, is not offered what is free on an agent: the first thing
// that stands in its way, in the order of this list.
enum class Obstacle : uint8_t {
  kNone,               // nothing: the next allocate() may grant it
  kOffered,            // all that is free to it is in an open offer to this very framework
  kInactiveFramework,  // not connected
  kSuppressed,         // asked for no offers in this role
  kInactiveAgent,      // not connected, or draining
  kShortSlots,         // slots for short tasks, and the framework did not ask for these
  kGpus,               // the agent has GPUs, the framework lacks GPU_RESOURCES
  kRegion,             // the agent is in another region, the framework lacks REGION_AWARE
  kConstraint,         // its own offer constraints
  kTaken,              // nothing is free: others use it or were before it in the order
  kReserved,           // all that is free is reserved for other roles
  kRevocable,          // the rest is revocable, and the framework lacks REVOCABLE_RESOURCES
  kShared,             // the rest is shared, and the framework lacks SHARED_RESOURCES
  kLimit,              // the rest is above the quota limit of its role
  kHeadroom,           // the rest is held back for guarantees of other roles
  kBelowMinimum,       // the rest is less than the minimum offer size (§4.6)
  kRefused,            // it refused this, and that holds until `until`
};

// The codes by which readers know them, in the order above.
inline constexpr std::array<std::string_view, 17> kObstacleCodes = {
    "none",   "offered", "inactive_framework", "suppressed",    "inactive_agent", "short_slots",
    "gpus",   "region",  "constraint",         "taken",         "reserved",       "revocable",
    "shared", "limit",   "headroom",           "below_minimum", "refused"};
inline constexpr std::size_t kObstacles = kObstacleCodes.size();
static_assert(static_cast<std::size_t>(Obstacle::kRefused) + 1 == kObstacles);

constexpr std::string_view to_string(Obstacle obstacle) {
  return kObstacleCodes.at(static_cast<std::size_t>(obstacle));
}

constexpr std::optional<Obstacle> parse_obstacle(std::string_view code) {
  for (std::size_t i = 0; i < kObstacles; ++i) {
    if (kObstacleCodes[i] == code) return static_cast<Obstacle>(i);
  }
  return std::nullopt;
}

}  // namespace souk
