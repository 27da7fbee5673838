// What the master says. Links and kills are in files of their own.
#include <algorithm>
#include <set>
#include <utility>

#include "agent/containers.h"
#include "agent/handlers.h"
#include "agent/kills.h"
#include "agent/link.h"
#include "agent/status_updates.h"
#include "agent/storage.h"
#include "base/text.h"

namespace souk::agent {

namespace to_agent = protocol::to_agent;
using Stage = Container::Stage;

namespace {

struct Refusal {
  Reason reason;
  std::string text;
};

bool ids_are_valid(const to_agent::RunTasks& run) {
  if (!validate_id(run.framework->id.value) || !validate_id(run.executor.id.value)) return false;
  return std::ranges::all_of(run.tasks,
                             [](const TaskSpec& t) { return validate_id(t.id.value).has_value(); });
}

// The running executor that the tasks are for; null: a container has to be made.
const Container* executor_for(const State& state, const to_agent::RunTasks& run) {
  const auto framework = state.frameworks.find(run.framework->id);
  if (run.command_task || framework == state.frameworks.end()) return nullptr;
  const auto executor = framework->second.executors.find(run.executor.id);
  if (executor == framework->second.executors.end()) return nullptr;
  return &state.containers.at(executor->second);
}

// Why none of these tasks can run here; the master should have known most of this.
std::optional<Refusal> refuse(const Context& c, const to_agent::RunTasks& run) {
  const State& state = c.state;
  if (!ids_are_valid(run)) return Refusal{Reason::kTaskInvalid, "An id can't name a folder"};
  if (state.stopping) return Refusal{Reason::kAgentRemoved, "The agent is leaving"};
  if (state.task_count + run.tasks.size() > c.options.max_tasks) {
    return Refusal{Reason::kContainerLaunchFailed,
                   fmt::format("The agent holds {} tasks and may hold {}", state.task_count,
                               c.options.max_tasks)};
  }
  if (run.short_slots && c.options.agent.short_slots.empty()) {
    return Refusal{Reason::kResourcesUnknown, "The agent has no slots for short tasks"};
  }
  const auto framework = state.frameworks.find(run.framework->id);
  if (framework != state.frameworks.end() && framework->second.removing) {
    return Refusal{Reason::kFrameworkRemoved, "The framework is shutting down"};
  }
  if (const Container* executor = executor_for(state, run)) {
    if (executor->stage != Stage::kEnding) return std::nullopt;
    return Refusal{Reason::kExecutorTerminated, "The executor is shutting down"};
  }
  if (run.executor_runs) return Refusal{Reason::kExecutorTerminated, "The executor has ended"};
  const std::size_t more = run.command_task ? run.tasks.size() : 1;
  if (state.containers.size() + more <= c.options.max_containers) return std::nullopt;
  return Refusal{Reason::kContainerLaunchFailed,
                 fmt::format("The agent has {} containers and may have {}", state.containers.size(),
                             c.options.max_containers)};
}

void drop(Context& c, const to_agent::RunTasks& run, const Refusal& refusal) {
  warn(c, "dropped {} tasks of framework {}: {}", run.tasks.size(), quote(run.framework->id.value),
       refusal.text);
  for (const TaskSpec& task : run.tasks) {
    say_once(c, run.framework->id,
             {.task_id = task.id,
              .state = dropped_state(run.framework),
              .source = StatusSource::kAgent,
              .reason = refusal.reason,
              .message = refusal.text,
              .agent_id = c.state.agent_id,
              .executor_id = run.executor.id,
              .timestamp = c.now.wall});
  }
}

// A second task of one id would make two terminal states of one task: it is left out without a
// word, for every word would be taken as one about the first.
void leave_out_duplicates(Context& c, to_agent::RunTasks& run) {
  std::set<TaskId> seen;
  Framework* framework = find_framework(c.state, run.framework->id);
  const auto duplicate = [&](const TaskSpec& task) {
    return !seen.insert(task.id).second ||
           (framework != nullptr && find_task(*framework, task.id) != nullptr);
  };
  const std::size_t before = run.tasks.size();
  std::erase_if(run.tasks, duplicate);
  if (run.tasks.size() == before) return;
  warn(c, "framework {} launched {} tasks whose ids are in use here: not run", run.framework->id,
       before - run.tasks.size());
  if (run.group) run.tasks.clear();
}

Framework& remember(Context& c, const FrameworkInfo& info) {
  Framework& framework = c.state.frameworks[info.id];
  if (framework.info != info) {
    framework.info = info;
    persist(c, checkpoint::FrameworkKnown{info});
  }
  return framework;
}

// `run`: without its tasks.
void add_batch(Context& c, Framework& framework, Container& container,
               const to_agent::RunTasks& run, std::vector<Piece<TaskSpec>> specs) {
  checkpoint::TasksAdded added{.container = container.sandbox.container,
                               .batch = ++c.state.last_batch,
                               .group = run.group,
                               .at = c.now.wall};
  if (run.short_slots) added.slot_limit = c.options.agent.short_slot_limit;
  Batch& batch = container.batches.emplace_back();
  batch.number = added.batch;
  batch.group = run.group;
  for (Piece<TaskSpec>& spec : specs) {
    const TaskId id = spec->id;
    Task& task = framework.tasks[id];
    task.record = {.framework_id = framework.info.id,
                   .executor_id = container.sandbox.executor,
                   .role = run.role,
                   .spec = std::move(spec.own()),
                   .state = TaskState::kStaging,
                   .command_task = run.command_task,
                   .short_slot = run.short_slots};
    task.container = container.sandbox.container;
    task.added = c.now.wall;
    task.slot_limit = added.slot_limit;
    batch.tasks.push_back(id);
    container.live.insert(id);
    added.tasks.push_back(task.record);
  }
  c.state.task_count += added.tasks.size();
  const held::StartBatch start{container.sandbox.container, added.batch};
  persist(c, std::move(added));
  after_stored(c, start);
}

void run_commands(Context& c, Framework& framework, to_agent::RunTasks& run) {
  for (Piece<TaskSpec>& spec : run.tasks) {
    ExecutorSpec executor = run.executor;
    executor.id = ExecutorId(spec->id.value);
    Container& container = add_container(c, framework, ContainerKind::kCommand, run.role, executor);
    add_batch(c, framework, container, run, {std::move(spec)});
  }
}

void on_message(Context& c, to_agent::RunTasks&& run) {
  leave_out_duplicates(c, run);
  if (run.tasks.empty()) return;
  if (const auto refusal = refuse(c, run)) {
    drop(c, run, *refusal);
    return;
  }
  Framework& framework = remember(c, run.framework);
  if (run.command_task) {
    run_commands(c, framework, run);
    return;
  }
  const auto at = framework.executors.find(run.executor.id);
  const bool custom = run.executor.type != ExecutorSpec::Type::kDefault;
  Container& container =
      at != framework.executors.end()
          ? c.state.containers.at(at->second)
          : add_container(c, framework, custom ? ContainerKind::kCustom : ContainerKind::kDefault,
                          run.role, run.executor);
  add_batch(c, framework, container, run, std::exchange(run.tasks, {}));
}

void on_message(Context& c, to_agent::UpdateFramework&& m) {
  if (find_framework(c.state, m.framework->id) != nullptr) remember(c, m.framework);
}

void on_message(Context& c, to_agent::Acknowledge&& m) { acknowledge(c, m); }

void on_message(Context& c, to_agent::FrameworkMessage&& m) {
  Framework* framework = find_framework(c.state, m.framework_id);
  const auto at = framework ? framework->executors.find(m.executor_id)
                            : std::map<ExecutorId, ContainerId>::iterator{};
  const Container* container = framework != nullptr && at != framework->executors.end()
                                   ? find_container(c.state, at->second)
                                   : nullptr;
  if (container == nullptr || !container->stream) {
    ++c.state.counters.invalid_framework_messages;
    return;  // best effort
  }
  ++c.state.counters.valid_framework_messages;
  c.emit(effect::SendToExecutor{*container->stream,
                                protocol::executor_event::Message{std::move(m.data)}});
}

void on_message(Context& c, to_agent::Ping&&) { send(c, protocol::to_master::Pong{}); }

void on_message(Context& c, to_agent::Shutdown&& m) {
  leave(c, {.exit_status = kExitShutByMaster,
            .text = fmt::format("the master gave this agent up: {}. To let the machine join the "
                                "cluster as a new agent, remove the work directory {}",
                                quote(m.reason, 400), quote(c.options.work_dir, 300))});
}

void on_message(Context& c, to_agent::FileRequest&& m) {
  Link& link = c.state.link;
  if (link.file_requests >= c.options.max_file_requests) {
    send(c, protocol::to_master::FileAnswer{.request = m.request,
                                            .http_status = 503,
                                            .body = "The agent has too many file requests to "
                                                    "answer; try again",
                                            .content_type = "text/plain"});
    return;
  }
  ++link.file_requests;
  c.emit(effect::ServeFile{link.id, std::move(m)});
}

template <class Message>
constexpr bool kBeforeRegistered =
    std::is_same_v<Message, to_agent::Welcome> || std::is_same_v<Message, to_agent::Refused> ||
    std::is_same_v<Message, to_agent::Registered> || std::is_same_v<Message, to_agent::Shutdown>;

}  // namespace

void on(Context& c, event::MasterSaid&& e) {
  const Link& link = c.state.link;
  if (e.link != link.id || link.stage < Link::Stage::kGreeted) return;  // of an older link
  protocol::MasterMessage& message = e.frame.message;
  if (std::holds_alternative<to_agent::Refused>(message)) {
    on_message(c, std::move(std::get<to_agent::Refused>(message)));
    return;
  }
  if (const auto* welcome = std::get_if<to_agent::Welcome>(&message)) {
    if (!accept_cluster(c, welcome->cluster_id)) return;
  } else if (link.stage == Link::Stage::kGreeted) {
    warn(c, "the master did not begin with Welcome: the link is dropped");
    drop_link(c);
    return;
  }
  if (!accept_epoch(c, e.frame.epoch)) return;
  heard(c);
  std::visit(
      [&]<class Message>(Message& m) {
        if (!kBeforeRegistered<Message> && !registered(c.state)) return;
        on_message(c, std::move(m));
      },
      message);
}

void on(Context& c, event::FileServed&& e) {
  Link& link = c.state.link;
  if (e.link != link.id || !registered(c.state)) return;
  if (link.file_requests > 0) --link.file_requests;
  send(c, std::move(e.answer));
}

}  // namespace souk::agent
