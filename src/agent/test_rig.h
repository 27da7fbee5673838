// For tests: a machine with a storage that answers at once (or when told), a clock, and the effects
// since the last look. Invariants are checked after every step.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "agent/describe.h"

namespace souk::agent::testing {

namespace to_agent = protocol::to_agent;
namespace to_master = protocol::to_master;
namespace supervisor = protocol::supervisor;
namespace executor_call = protocol::executor_call;
namespace executor_event = protocol::executor_event;

inline Options rig_options() {
  Options options;
  options.agent.hostname = "host";
  options.agent.resources = *Resources::parse("cpus:4;mem:1024");
  options.work_dir = "/var/lib/souk";
  options.version = "0.1.0";
  return options;
}

inline FrameworkInfo framework(const std::string& id = "F",
                               const std::vector<Capability>& capabilities = {}) {
  FrameworkInfo info;
  info.id = FrameworkId(id);
  info.user = "root";
  info.name = id;
  info.roles = {"*"};
  for (const Capability c : capabilities) info.capabilities.add(c);
  return info;
}

inline TaskSpec task_spec(const std::string& id) {
  TaskSpec spec;
  spec.id = TaskId(id);
  spec.name = id;
  spec.has_command = true;
  spec.resources = *Resources::parse("cpus:1;mem:32");
  return spec;
}

inline to_agent::RunTasks commands(FrameworkInfo f, const std::vector<TaskSpec>& tasks) {
  to_agent::RunTasks run{.framework = std::move(f), .role = "*", .command_task = true};
  run.executor.id = ExecutorId(tasks.empty() ? "none" : tasks[0].id.value);
  run.tasks.assign(tasks.begin(), tasks.end());
  return run;
}

inline to_agent::RunTasks on_executor(FrameworkInfo f, ExecutorSpec::Type type, bool group,
                                      const std::string& executor,
                                      const std::vector<std::string>& tasks) {
  to_agent::RunTasks run{.framework = std::move(f), .role = "*", .group = group};
  run.executor.id = ExecutorId(executor);
  run.executor.type = type;
  run.executor.has_command = type == ExecutorSpec::Type::kCustom;
  for (const std::string& id : tasks) run.tasks.emplace_back(task_spec(id));
  return run;
}

inline to_agent::RunTasks custom(const std::string& executor, const std::vector<std::string>& tasks,
                                 bool group = false) {
  return on_executor(framework(), ExecutorSpec::Type::kCustom, group, executor, tasks);
}

inline to_agent::RunTasks group(const std::string& executor,
                                const std::vector<std::string>& tasks) {
  return on_executor(framework(), ExecutorSpec::Type::kDefault, true, executor, tasks);
}

// An agent that sets slots for short tasks aside.
inline Options slot_options(Duration limit = 60s) {
  Options options = rig_options();
  options.agent.short_slots = *Resources::parse("cpus:1;mem:256");
  options.agent.short_slot_limit = limit;
  return options;
}

// The same, in these slots.
inline to_agent::RunTasks in_slots(to_agent::RunTasks run) {
  run.short_slots = true;
  return run;
}

inline to_agent::KillTask revocation_of(const std::string& id,
                                        std::optional<Duration> grace = std::nullopt) {
  return {FrameworkId("F"), TaskId(id), grace, Reason::kContainerPreempted};
}

class Rig {
 public:
  explicit Rig(Options options = rig_options(), Checkpoint checkpoint = {}, uint64_t seed = 7)
      : stored(checkpoint), machine(std::move(options), Rng(seed), {std::move(checkpoint)}) {}

  // --- driving

  void step(Event event) {
    Effects effects;
    machine.step(now, std::move(event), effects);
    for (Effect& effect : effects) {
      if (const auto* persist = std::get_if<effect::Persist>(&effect)) {
        EXPECT_EQ(persist->ticket, ++tickets);
        unstored.push_back(*persist);
      }
      if (!std::holds_alternative<effect::Log>(effect)) seen.push_back(std::move(effect));
    }
    const auto broken = machine.broken_invariant();
    ASSERT_FALSE(broken.has_value()) << *broken;
    if (stores) store();
  }

  // Makes everything ordered so far durable, and says so once.
  void store() {
    if (unstored.empty()) return;
    Ticket last = 0;
    for (const effect::Persist& persist : std::exchange(unstored, {})) {
      souk::agent::apply(stored, persist.operation);
      last = persist.ticket;
    }
    step(event::Persisted{.ticket = last});
  }

  // Lets time pass; the timer fires exactly when it was armed for.
  void advance(Duration by) {
    const MonoTime end = now.mono + by;
    while (const auto next = machine.next_deadline()) {
      if (*next > end) break;
      pass(*next - now.mono);
      step(event::TimerFired{});
    }
    pass(end - now.mono);
  }

  void start() { step(event::Started{}); }
  LinkId link() const { return machine.state().link.id; }
  template <class Message>
  void master(Message message) {
    step(event::MasterSaid{link(), {.epoch = epoch, .message = std::move(message)}});
  }
  void register_agent() {
    step(event::LinkOpened{link()});
    master(to_agent::Welcome{.cluster_id = "C"});
    master(to_agent::Registered{
        .agent_id = AgentId("A"), .ping_interval = 15s, .max_missed_pings = 5});
  }
  // Started, registered, and what that took forgotten.
  void up() {
    start();
    register_agent();
    seen.clear();
  }

  void connect(const ContainerId& container, int64_t pid = 100) {
    step(event::SupervisorConnected{container, pid});
  }
  template <class Happening>
  void report(const ContainerId& container, Happening what) {
    step(event::SupervisorSaid{container, {.number = ++reports[container], .what = what}});
  }
  void subscribe(uint64_t connection, const std::string& executor,
                 executor_call::Subscribe call = {}) {
    step(event::ExecutorSubscribed{ConnectionId(connection), FrameworkId("F"), ExecutorId(executor),
                                   std::move(call)});
  }
  void call(uint64_t request, const std::string& executor,
            std::variant<executor_call::Subscribe, executor_call::Update, executor_call::Message,
                         executor_call::Heartbeat>
                body) {
    step(event::ExecutorCalled{ConnectionId(request),
                               {.framework = FrameworkId("F"),
                                .executor = ExecutorId(executor),
                                .body = std::move(body)}});
  }
  // An executor's word on a task; `n` makes its uuid.
  static executor_call::Update word(const std::string& task, TaskState state, uint8_t n) {
    executor_call::Update update{.has_uuid = true, .has_source = true};
    update.status.task_id = TaskId(task);
    update.status.state = state;
    update.status.message = "as the executor says";
    update.status.uuid = Uuid{{n, 0xee}};
    return update;
  }
  void executor_says(const std::string& executor, const std::string& task, TaskState state,
                     uint8_t n) {
    call(1000u + n, executor, word(task, state, n));
  }
  void acknowledge(const TaskStatus& status, const std::string& framework_id = "F") {
    master(to_agent::Acknowledge{FrameworkId(framework_id), status.task_id,
                                 status.uuid.value_or(Uuid{})});
  }
  // Acknowledges until nothing is left to.
  void acknowledge_all() {
    for (int i = 0; i < 1000; ++i) {
      bool any = false;
      std::vector<std::pair<FrameworkId, TaskStatus>> first;
      for (const auto& [id, f] : machine.state().frameworks) {
        for (const auto& [task_id, task] : f.tasks) {
          if (!task.pending.empty()) first.emplace_back(id, task.pending.front().status);
        }
      }
      for (const auto& [id, status] : first) {
        any = true;
        acknowledge(status, id.value);
      }
      if (!any) return;
    }
  }

  // A command task that runs; gives its container.
  ContainerId run_command(const std::string& id, FrameworkInfo f = framework()) {
    master(commands(std::move(f), {task_spec(id)}));
    const ContainerId container = container_of(id);
    connect(container);
    report(container, supervisor::Started{id, 4711});
    return container;
  }

  // --- looking

  // The effects of one kind since the last clear(), in order.
  template <class E>
  std::vector<E> all() const {
    std::vector<E> found;
    for (const Effect& effect : seen) {
      if (const E* e = std::get_if<E>(&effect)) found.push_back(*e);
    }
    return found;
  }
  template <class Message>
  std::vector<Message> to_the_master() const {
    std::vector<Message> found;
    for (const auto& e : all<effect::SendToMaster>()) {
      if (const auto* m = std::get_if<Message>(&e.message)) found.push_back(*m);
    }
    return found;
  }
  template <class Message>
  std::vector<Message> to_the_supervisor() const {
    std::vector<Message> found;
    for (const auto& e : all<effect::SendToSupervisor>()) {
      if (const auto* m = std::get_if<Message>(&e.message)) found.push_back(*m);
    }
    return found;
  }
  template <class Message>
  std::vector<Message> to_the_executor() const {
    std::vector<Message> found;
    for (const auto& e : all<effect::SendToExecutor>()) {
      if (const auto* m = std::get_if<Message>(&e.event)) found.push_back(*m);
    }
    return found;
  }
  std::vector<TaskStatus> updates() const {
    std::vector<TaskStatus> found;
    for (const auto& m : to_the_master<to_master::StatusUpdate>()) found.push_back(m.status);
    return found;
  }
  // "T1:TASK_STARTING T1:TASK_RUNNING": the updates sent, in order.
  std::string states() const {
    std::string text;
    for (const TaskStatus& s : updates()) {
      if (!text.empty()) text += ' ';
      text += s.task_id.value + ":" + std::string(to_string(s.state));
    }
    return text;
  }
  // Every state the task was given, sent or not.
  std::string history(const std::string& id) const {
    std::string text;
    for (const auto& e : all<effect::Persist>()) {
      const auto* o = std::get_if<checkpoint::UpdatePending>(&e.operation);
      if (o == nullptr || o->status.task_id.value != id) continue;
      if (!text.empty()) text += ' ';
      text += to_string(o->status.state);
    }
    return text;
  }
  std::optional<TaskStatus> last_status(const std::string& id) const {
    const Task* task = find(id);
    return task ? task->last : std::nullopt;
  }
  const Task* find(const std::string& id, const std::string& framework_id = "F") const {
    const auto f = machine.state().frameworks.find(FrameworkId(framework_id));
    if (f == machine.state().frameworks.end()) return nullptr;
    const auto t = f->second.tasks.find(TaskId(id));
    return t == f->second.tasks.end() ? nullptr : &t->second;
  }
  ContainerId container_of(const std::string& task) const {
    const Task* found = find(task);
    return found ? found->container : ContainerId();
  }
  const Container* container(const ContainerId& id) const {
    const auto at = machine.state().containers.find(id);
    return at == machine.state().containers.end() ? nullptr : &at->second;
  }
  std::string transcript() const {
    std::string text;
    for (const Effect& effect : seen) text += describe(effect) + "\n";
    return text;
  }
  void clear() { seen.clear(); }

  Checkpoint stored;  // what is durable
  bool stores = true;
  uint64_t epoch = 1;
  Now now{MonoTime(1000s), WallTime(1'700'000'000s)};
  std::vector<Effect> seen;  // without logs
  std::vector<effect::Persist> unstored;
  Ticket tickets = 0;
  std::map<ContainerId, uint64_t> reports;
  Machine machine;

 private:
  void pass(Duration by) {
    if (by <= Duration::zero()) return;
    now.mono += by;
    now.wall += by;
  }
};

}  // namespace souk::agent::testing
