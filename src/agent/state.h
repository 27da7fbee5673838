// The agent's memory. Tasks belong to frameworks; containers are found by their id, and an executor
// is what a container of kind default or custom runs. A task outlives its container until its
// terminal state is acknowledged.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "agent/checkpoint.h"
#include "agent/effects.h"
#include "agent/events.h"
#include "agent/options.h"
#include "base/deadlines.h"
#include "base/fifo.h"
#include "base/rng.h"
#include "base/time.h"
#include "base/uuid.h"
#include "model/framework.h"
#include "model/ids.h"
#include "model/task.h"
#include "protocol/agent_view.h"
#include "protocol/link.h"

namespace souk::agent {

// --- time

enum class TimerKind : uint8_t {
  kDial,
  kSilence,       // the master said nothing for too long
  kRecovery,      // souk-executors had their time to dial in
  kStop,          // enough waited for containers to end
  kSandbox,       // the oldest sandbox is due
  kResend,        // of a task
  kCompletion,    // a task reached its max_completion_time, or its slot's limit
  kKill,          // a task's kill takes too long
  kRegistration,  // of a container
  kResubscribe,   // of a container
  kShutdown,      // of a container: the next step of its escalation
  kHeartbeat,     // to a container's executor
};

struct TimerKey {
  TimerKind kind = TimerKind::kDial;
  FrameworkId framework;  // of a task
  std::string id;         // of the task or container
  auto operator<=>(const TimerKey&) const = default;
};

// --- what waits for storage

namespace held {

struct SendRegister {
  LinkId link;
};
// The tasks of a batch are checkpointed: start their container, or hand them over.
struct StartBatch {
  ContainerId container;
  uint64_t batch = 0;
};
// The pid of its souk-executor is checkpointed: tell it what to run.
struct Deliver {
  ContainerId container;
};
// A status that nobody acknowledges.
struct SayOnce {
  FrameworkId framework;
  TaskStatus status;
};
struct OfferUpdate {
  FrameworkId framework;
  TaskId task;
  Uuid uuid;
};
// That this update is acknowledged is checkpointed: on with the next one.
struct NextUpdate {
  FrameworkId framework;
  TaskId task;
  Uuid acknowledged;
};
struct TakeReport {
  ContainerId container;
  uint64_t number = 0;
};
// That the task is revoked is checkpointed: kill it.
struct KillRevoked {
  FrameworkId framework;
  TaskId task;
};
struct AcknowledgeExecutor {
  ContainerId container;
  TaskId task;
  Uuid uuid;
};
struct TellExecutorTerminated {
  LinkId link;  // over which the master has been told of it; 0: over none that is still there
  FrameworkId framework;
  ExecutorId executor;
  int32_t status = 0;
};
// Nothing runs in it any more: let its souk-executor go.
struct EndSupervisor {
  ContainerId container;
};

}  // namespace held

using Held =
    std::variant<held::SendRegister, held::StartBatch, held::Deliver, held::SayOnce,
                 held::OfferUpdate, held::NextUpdate, held::TakeReport, held::KillRevoked,
                 held::AcknowledgeExecutor, held::TellExecutorTerminated, held::EndSupervisor>;

// --- tasks and containers

// How a task that does not end by itself is reported.
struct Ending {
  TaskState state = TaskState::kKilled;
  std::optional<Reason> reason;
  std::string message;
};

struct PendingUpdate {
  TaskStatus status;
  bool durable = false;       // may be sent
  bool acknowledged = false;  // which is being checkpointed
};

struct Task {
  protocol::TaskRecord record;  // its state is the latest
  ContainerId container;
  WallTime added;
  Duration slot_limit{0};  // of the slot for short tasks that it runs in; 0: in none
  std::optional<TaskStatus> last;
  // Its kill was asked for: the shortest grace so far, said again when a connection comes back.
  std::optional<Duration> kill;
  std::optional<Ending> ending;     // why this agent ends it
  std::optional<Duration> revoked;  // the grace of its revocation, as checkpointed
  bool killing = false;  // its souk-executor has begun to, or its own executor was told to

  // The first one is in flight once it is durable and a link is there; the others wait.
  Fifo<PendingUpdate> pending;
  Duration resend_delay{0};
  std::vector<Uuid> acknowledged;  // the latest few: an executor may say them again
};

// What one RunTasks brought: handed over together.
struct Batch {
  uint64_t number = 0;
  bool group = false;
  bool durable = false;
  bool delivered = false;  // and none of it is known to have started
  std::vector<TaskId> tasks;
};

struct Container {
  enum class Stage : uint8_t {
    kPersisting,  // not launched yet
    kStarting,    // its souk-executor has not dialled in yet
    kRunning,
    kEnding,  // told to shut down
    kEnded,   // nothing runs in it any more; its souk-executor lingers
    kGone,    // to be erased at the end of the step
  };
  enum class Escalation : uint8_t { kNone, kExecutorTold, kSupervisorTold, kKilled };

  Sandbox sandbox;
  ContainerKind kind = ContainerKind::kCommand;
  std::string role;
  ExecutorSpec executor;
  Stage stage = Stage::kPersisting;
  int64_t pid = 0;
  bool connected = false;  // its souk-executor is
  std::set<TaskId> live;   // not terminal, handed over or not
  Fifo<Batch> batches;
  // Numbers of its souk-executor's reports: the highest handled, and the highest taken.
  uint64_t reported = 0;
  uint64_t taken = 0;

  std::optional<Duration> shutdown;  // the grace of a shutdown under way
  Escalation escalation = Escalation::kNone;
  std::optional<Ending> ending;  // of the tasks that the shutdown ends

  // Custom executors.
  bool launched = false;         // its process was ordered, in this or an earlier life of the agent
  bool process_started = false;  // and is known to have started, in this life
  bool subscribed_once = false;
  std::optional<ConnectionId> stream;
};

struct Framework {
  FrameworkInfo info;
  bool removing = false;
  std::map<TaskId, Task> tasks;
  std::map<ExecutorId, ContainerId> executors;  // default and custom ones that have not ended
  std::set<ContainerId> containers;             // of all kinds and stages
};

// --- the whole

struct Link {
  enum class Stage : uint8_t { kDown, kDialing, kGreeted, kRegistering, kRegistered };
  Stage stage = Stage::kDown;
  LinkId id;  // of the latest attempt
  Duration backoff{0};
  Duration silence{0};           // longer without a frame means that the link is dead; 0: never
  bool registered_once = false;  // since the agent started
  bool register_sent = false;    // over this link
  std::size_t file_requests = 0;
  // Ended while registering, when the master had been told of them and could not yet be told more.
  std::vector<protocol::to_master::ExecutorTerminated> terminated;
};

struct EndedSandbox {
  Sandbox sandbox;
  WallTime at;
  MonoTime due;
};

struct Stopping {
  int exit_status = kExitDone;
  std::string text;
  bool unregister = false;
};

struct State {
  State(Rng uuids, Rng jitter) : uuid_rng(uuids), jitter_rng(jitter) {}

  Rng uuid_rng;
  Rng jitter_rng;

  AgentId agent_id;
  std::string cluster_id;
  uint64_t epoch = 0;
  Link link;
  bool started = false;
  bool recovering = true;
  std::set<ContainerId> awaited;  // recovered ones that nothing was heard of yet
  std::optional<Stopping> stopping;
  bool stopped = false;

  std::map<FrameworkId, Framework> frameworks;
  std::map<ContainerId, Container> containers;
  std::map<ConnectionId, ContainerId> streams;
  Fifo<EndedSandbox> sandboxes;  // oldest first
  std::size_t task_count = 0;
  uint64_t last_batch = 0;

  Ticket last_ticket = 0;
  Ticket durable = 0;
  Fifo<std::pair<Ticket, Held>> held;  // by ticket

  Deadlines<TimerKey> timers;
  std::optional<MonoTime> armed;

  // To be erased at the end of the step, when no handler holds a reference any more.
  std::vector<Checkpoint::TaskKey> forgotten;
  std::vector<ContainerId> gone;
  std::set<FrameworkId> touched;

  // For the view.
  MonoTime started_mono;
  WallTime started_at;
  std::optional<WallTime> registered_at;
  Duration recovery_time{0};
  Fifo<protocol::AgentView::Task> completed;
  protocol::AgentCounters counters;
};

// What a handler works with during one step.
struct Context {
  const Options& options;
  State& state;
  const Now now;
  Effects& out;

  template <class E>
  void emit(E effect) {
    out.emplace_back(std::move(effect));
  }
};

Framework* find_framework(State& state, const FrameworkId& id);
Container* find_container(State& state, const ContainerId& id);
Task* find_task(Framework& framework, const TaskId& id);
// REQUIRES that the container is in the state: its framework always is then.
Framework& framework_of(State& state, const Container& container);

inline TimerKey timer_of(TimerKind kind) { return {.kind = kind}; }
inline TimerKey timer_of(TimerKind kind, const Container& container) {
  return {.kind = kind, .id = container.sandbox.container.value};
}
inline TimerKey timer_of(TimerKind kind, const Task& task) {
  return {.kind = kind, .framework = task.record.framework_id, .id = task.record.spec.id.value};
}

}  // namespace souk::agent
