// The allocation module (§3.3): decides how many free resources to offer to which framework.
// Pluggable: the master knows only this interface. Pure and deterministic: facts in, grants out; it
// owns no clock, and what it shuffles is seeded. Used by one thread.
//
// The books: what is granted counts as allocated at once, whether or not the framework has accepted
// it yet (§3.5), until recovered() gives it back. The master tells what it learns otherwise (tasks
// that a re-registering agent reports) by allocated().
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/time.h"
#include "model/agent.h"
#include "model/framework.h"
#include "model/ids.h"
#include "model/resources.h"

namespace souk::allocator {

struct AgentFacts {
  AgentKey key;
  AgentId id;
  std::string hostname;
  Resources total;
  std::vector<Attribute> attributes;
  FaultDomain domain;
};

struct FrameworkFacts {
  FrameworkKey key;
  FrameworkId id;
  std::vector<std::string> roles;
  Capabilities capabilities;
  std::map<std::string, std::vector<Quantities>> min_allocatable;
};

// One offer to be made: all that is free on this agent and usable by this framework in this role.
struct Grant {
  FrameworkKey framework;
  std::string role;
  AgentKey agent;
  Resources resources;
};

// A framework's dominant share (§3.3, DRF) as an exact fraction, and of which resource.
struct Share {
  std::string dominant;  // resource name; empty: holds nothing
  int64_t used = 0;      // thousandths held of it, offered or in use
  int64_t total = 0;     // thousandths of it in the cluster
};

struct Options {
  // No offer below one of these alternatives (§4.6).
  std::vector<Quantities> min_allocatable;
  std::map<std::string, Scalar> role_weights;  // absent: 1
  bool filter_gpu_resources = true;            // agents with GPUs only to GPU_RESOURCES frameworks
};

// Bounds what a framework's declines can grow (decision 10): beyond it the filters of each of its
// roles collapse into one that holds for every agent until the latest of them expires.
inline constexpr std::size_t kMaxFiltersPerFramework = 100'000;

class Allocator {
 public:
  virtual ~Allocator() = default;

  // --- agents. An inactive agent gets no grants; what is allocated on it stays so.
  virtual void add_agent(const AgentFacts& agent) = 0;
  // Changes total and attributes.
  virtual void update_agent(const AgentFacts& agent) = 0;
  // Forgets the agent and all that was allocated on it.
  virtual void remove_agent(AgentKey agent) = 0;
  virtual void set_agent_active(AgentKey agent, bool active) = 0;

  // --- frameworks. An inactive framework (disconnected) gets no grants and keeps what it holds.
  virtual void add_framework(const FrameworkFacts& framework,
                             const std::vector<std::string>& suppressed_roles) = 0;
  virtual void update_framework(const FrameworkFacts& framework,
                                const std::vector<std::string>& suppressed_roles) = 0;
  // REQUIRES that all it held was recovered.
  virtual void remove_framework(FrameworkKey framework) = 0;
  virtual void set_framework_active(FrameworkKey framework, bool active) = 0;
  virtual void suppress(FrameworkKey framework, const std::vector<std::string>& roles) = 0;
  // Unsuppresses, and forgets the filters of these roles. Roles empty: all, in both.
  virtual void revive(FrameworkKey framework, const std::vector<std::string>& roles) = 0;

  // --- resources
  // Learned, not granted: counts from now on. The sum over frameworks may exceed the agent's total
  // (an agent that shrank): then nothing is free there.
  virtual void allocated(FrameworkKey framework, const std::string& role, AgentKey agent,
                         const Resources& resources) = 0;
  // Given back. Without `refuse`: out of use, because a task or executor ended. With it: out of an
  // offer (declined, rescinded, or left over by an accept), and the same framework, in this role,
  // is not offered a subset of it on this agent again before `now + refuse`; zero (a rescinded
  // offer, say): no filter, but others have their turn first. REQUIRES that it was granted or
  // allocated; of an agent that was removed it is ignored.
  virtual void recovered(FrameworkKey framework, const std::string& role, AgentKey agent,
                         const Resources& resources, std::optional<Duration> refuse, Now now) = 0;

  // --- decisions
  // Makes all grants that can be made now, at a cost that follows what changed since the last call.
  // Appended in the order in which they were decided.
  virtual void allocate(Now now, std::vector<Grant>& grants) = 0;
  // When allocate() should be called though no fact has changed: a filter expires. Nothing: never.
  virtual std::optional<MonoTime> next_deadline() const = 0;

  // --- for people
  virtual Share share(FrameworkKey framework) const = 0;
};

// Dominant resource fairness over roles and then frameworks (the "drf" module).
std::unique_ptr<Allocator> make_drf(Options options, Rng rng);

}  // namespace souk::allocator
