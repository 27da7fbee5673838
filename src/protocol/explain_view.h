// Why a framework is offered what it is offered, and what it has a right to: copied out of a master
// at one moment, for people. Plain values, immutable from then on; wire/explain_json.h renders
// them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "model/ids.h"
#include "model/obstacle.h"
#include "model/resources.h"

namespace souk::protocol {

// Of a framework, as the allocator sees it. `used` and `total` are thousandths.
struct ShareView {
  FrameworkId framework;
  std::string name;
  std::vector<std::string> roles;
  std::string dominant;  // the resource of which it holds the largest part; empty: holds nothing
  int64_t used = 0;      // of it, offered or in use
  int64_t total = 0;     // of it in the cluster
  Quantities held;       // offered or in use
  Quantities offered;    // of these
  Quantities guaranteed;
  int64_t fair_millionths = 0;  // of every resource; zero: it wants no offers
};

// Somebody who holds a part of an agent.
struct HolderView {
  FrameworkId framework;
  std::string name;
  OfferId offer;  // the open offer by which it holds it; empty: in use
};

// Who holds an agent of which nothing is free, or too little.
struct TakenView {
  Resources total;
  Resources used;
  Resources offered;
  std::size_t users = 0;            // frameworks that use some of it
  std::size_t offers = 0;           // open offers of it
  std::vector<HolderView> holders;  // the first kMaxNamedHolders of each kind: users, then offers
};
inline constexpr std::size_t kMaxNamedHolders = 3;

// One agent, or its slots for short tasks, and one role of the framework.
struct ExplainedAgent {
  AgentId agent;
  std::string hostname;
  std::string role;
  Obstacle obstacle = Obstacle::kNone;
  Resources free;
  Resources offerable;  // but for the obstacle
  // kRefused: until when, and the offer by whose answer; empty: none in particular.
  std::optional<WallTime> until;
  OfferId refused_offer;
  std::string detail;                        // as in allocator::Explanation
  std::optional<Duration> short_slot_limit;  // set: slots for tasks that run no longer
  bool connected = true;                     // the agent
  std::string region;                        // of the agent
  std::vector<OfferId> open_offers;          // kOffered: the first kMaxNamedHolders
  std::optional<TakenView> taken;            // kTaken, kBelowMinimum
};

struct ExplainView {
  WallTime now;
  ShareView share;
  bool connected = false;
  bool recovered = false;  // known from agents only: it has not subscribed with this master
  std::vector<std::string> suppressed_roles;
  std::optional<WallTime> last_offer;  // by this master
  std::size_t open_offers = 0;
  std::string master_region;
  bool all_agents = true;                        // or the one that was asked for
  std::size_t pairs = 0;                         // looked at: agents (and short slots) times roles
  std::array<std::size_t, kObstacles> counts{};  // of the pairs, by obstacle
  std::optional<Obstacle> only;                  // rows of this obstacle
  std::vector<ExplainedAgent> rows;              // by agent and role
  std::size_t left_out = 0;                      // rows beyond the limit
};

// What a request may be answered with, to be rendered off the machine's thread.
using Document = std::variant<ShareView, ExplainView>;

}  // namespace souk::protocol
