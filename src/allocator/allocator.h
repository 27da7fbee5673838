// The allocation module (§3.3): decides how many free resources to offer to which framework.
// Pluggable: the master knows only this interface; docs/WRITING_AN_ALLOCATOR.md tells how to write
// one. Pure and deterministic: facts in, decisions out; it owns no clock, and what it shuffles is
// seeded. Used by one thread. Nothing fails: the master has checked what it passes on.
//
// The books: what is granted counts as allocated at once, whether or not the framework has accepted
// it yet (§3.5), until recovered() gives it back. The master tells what it learns otherwise (tasks
// that a re-registering agent reports) by allocated().
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "base/switches.h"
#include "base/time.h"
#include "model/agent.h"
#include "model/constraints.h"
#include "model/framework.h"
#include "model/ids.h"
#include "model/obstacle.h"
#include "model/quota.h"
#include "model/resources.h"

namespace souk::allocator {

// An agent; or the slots for short tasks that one sets aside (§4.4), which are an agent of their
// own here, with a key of their own.
struct AgentFacts {
  AgentKey key;
  AgentId id;
  std::string hostname;
  Resources total;
  std::vector<Attribute> attributes;
  FaultDomain domain;
  // Set: only to frameworks that take short slots; quota does not count them. Whether it is set
  // never changes.
  std::optional<Duration> max_task_duration;
};

struct FrameworkFacts {
  FrameworkKey key;
  FrameworkId id;
  std::vector<std::string> roles;
  Capabilities capabilities;
  // By role. Absent: the options' minimum holds, nothing is constrained.
  std::map<std::string, std::vector<Quantities>> min_allocatable;
  std::map<std::string, OfferConstraints> constraints;
  bool takes_short_slots = false;
  bool rigid = false;  // asks to lose tasks last (§4.2: it can't use less than it has)
};

// A task that holds resources; told only for the sake of revocation (§3.3).
struct TaskFacts {
  FrameworkKey framework;
  TaskId id;
  std::string role;
  AgentKey agent;
  Resources resources;
  MonoTime since;  // when it was launched, or learned of
};

// That a framework does not want what it gives back.
struct Refusal {
  // Not implicit from a number, but from a time: most refusals are of no particular offer.
  Refusal(Duration how_long, uint64_t of_offer = 0)  // NOLINT(google-explicit-constructor)
      : length(how_long), offer(of_offer) {}
  Duration length;
  uint64_t offer;  // the offer's number, for explain(); 0: none
};

// One offer to be made: all that is free on this agent and usable by this framework in this role.
struct Grant {
  FrameworkKey framework;
  std::string role;
  AgentKey agent;
  Resources resources;
};

// All open offers of this agent to this framework in this role are to be taken back.
struct Rescind {
  FrameworkKey framework;
  std::string role;
  AgentKey agent;
};

// This task is to be killed at the deadline, unless it has ended by then (§3.3).
struct Revocation {
  FrameworkKey framework;
  TaskId task;
  AgentKey agent;
  MonoTime deadline;
  FrameworkKey in_favour_of;
};

// In the order in which they were decided. Rescinds first: what they set free is decided on in the
// next allocate().
struct Decisions {
  std::vector<Rescind> rescinds;
  std::vector<Grant> grants;
  std::vector<Revocation> revocations;
};

// What a framework has, and what it has a right to (§3.3, §3.7 getGuaranteedShare). Exact fractions
// have their terms in thousandths of the resource.
struct Share {
  std::string dominant;   // resource name; empty: holds nothing
  int64_t used = 0;       // thousandths held of it, offered or in use
  int64_t total = 0;      // thousandths of it in the cluster
  Quantities held;        // offered or in use
  Quantities offered;     // of these
  Quantities guaranteed;  // its equal part of what is guaranteed to its roles
  // What its weights entitle it to of every resource, among those that want offers now.
  int64_t fair_millionths = 0;
};

// Why a framework is not offered what is free on an agent: model/obstacle.h lists the reasons.
using souk::Obstacle;

struct Explanation {
  FrameworkKey framework;
  std::string role;
  AgentKey agent;
  Obstacle obstacle = Obstacle::kNone;
  Resources free;       // on the agent
  Resources offerable;  // what it could be offered but for the obstacle; empty where that takes all
  // kRefused: until when, and by declining which offer (its number; 0: none in particular).
  std::optional<MonoTime> until;
  uint64_t offer = 0;
  // kConstraint: the constraint; kReserved: the roles; kLimit: the role whose limit it is;
  // kBelowMinimum: the minimum. Else empty.
  std::string detail;
};

// What a regular expression of an offer constraint may cost.
struct ConstraintLimits {
  int64_t re2_max_mem = 4096;      // bytes
  int re2_max_program_size = 100;  // instructions
};

struct Options {
  // No offer below one of these alternatives (§4.6).
  std::vector<Quantities> min_allocatable;
  std::map<std::string, Scalar> role_weights;  // absent: 1
  bool filter_gpu_resources = true;            // agents with GPUs only to GPU_RESOURCES frameworks
  std::set<std::string> excluded_from_share;   // names that do not count in shares
  FaultDomain domain;  // the master's; said: other regions only to REGION_AWARE frameworks
  ConstraintLimits constraint_limits;
  // `fair`: the resource that is shared.
  std::string fair_resource = std::string(kCpus);
  // `priority`: levels of top-level roles, higher first; absent: 0.
  std::map<std::string, int64_t> role_priorities;
  // How long a framework below its guarantee or fair share may wait for offers before tasks of
  // others are revoked, and how long these have to end. Nothing: never.
  std::optional<Duration> revocation_delay;
  Duration revocation_grace = 30s;
  // What --allocator_options says, for modules of their own.
  std::map<std::string, std::string> parameters;
  Switches switches;  // for tests
};

// Bounds what a framework's declines can grow: beyond it the filters of each of its roles collapse
// into one that holds for every agent until the latest of them expires.
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

  // --- roles, whether or not they have frameworks
  virtual void set_weight(const std::string& role, Scalar weight) = 0;
  // Replaces the role's quota; an empty one: no guarantees, no limits.
  virtual void set_quota(const std::string& role, const Quota& quota) = 0;

  // --- resources
  // Learned, not granted: counts from now on. The sum over frameworks may exceed the agent's total
  // (an agent that shrank): then nothing is free there.
  virtual void allocated(FrameworkKey framework, const std::string& role, AgentKey agent,
                         const Resources& resources) = 0;
  // Out of an offer and into use. REQUIRES that it was granted.
  virtual void accepted(FrameworkKey framework, const std::string& role, AgentKey agent,
                        const Resources& resources) = 0;
  // Given back. Without `refusal`: out of use, because a task or executor ended. With it: out of an
  // offer (declined, rescinded, or left over by an accept), and the same framework, in this role,
  // is not offered a subset of it on this agent again before `now + length`; zero (a rescinded
  // offer, say): no filter, but others have their turn first. REQUIRES that it was granted or
  // allocated; of an agent that was removed it is ignored.
  virtual void recovered(FrameworkKey framework, const std::string& role, AgentKey agent,
                         const Resources& resources, std::optional<Refusal> refusal, Now now) = 0;
  // What could be revoked. Resources are not booked by these.
  virtual void task_started(const TaskFacts& task) { static_cast<void>(task); }
  virtual void task_ended(FrameworkKey framework, const TaskId& task) {
    static_cast<void>(framework);
    static_cast<void>(task);
  }

  // --- offer constraints, before they are passed on in FrameworkFacts
  // Why a framework may not have these; nothing: it may. A module that evaluates none refuses all.
  virtual std::optional<std::string> check(const OfferConstraints& constraints) const {
    static_cast<void>(constraints);
    return "the allocation module of this master evaluates no offer constraints";
  }

  // --- decisions
  // Makes all that can be made now, at a cost that follows what changed since the last call.
  virtual void allocate(Now now, Decisions& decisions) = 0;
  // When allocate() should be called though no fact has changed: a filter expires, somebody has
  // waited long enough. Nothing: never.
  virtual std::optional<MonoTime> next_deadline() const = 0;

  // --- for people
  virtual Share share(FrameworkKey framework) const = 0;
  // One for each role of the framework on each agent (or the one named), by agent and role. Right
  // after allocate(): what it says is what allocate() did.
  virtual void explain(FrameworkKey framework, std::optional<AgentKey> agent,
                       std::vector<Explanation>& explanations) const = 0;
};

// Dominant resource fairness over a tree of roles and then frameworks, with quota: the "drf"
// module.
std::unique_ptr<Allocator> make_drf(Options options, Rng rng);

}  // namespace souk::allocator
