#include "agent/view.h"

#include <set>

namespace souk::agent {

using protocol::AgentView;
using Stage = Container::Stage;

namespace {

AgentView::Executor::Stage stage_of(const Container& container) {
  if (container.stage >= Stage::kEnding) return AgentView::Executor::Stage::kTerminating;
  const bool there = container.kind == ContainerKind::kCustom
                         ? container.subscribed_once || container.stream
                         : container.stage == Stage::kRunning;
  return there ? AgentView::Executor::Stage::kRunning : AgentView::Executor::Stage::kRegistering;
}

void count(AgentView& view, TaskState state) {
  switch (state) {
    case TaskState::kStaging:
      ++view.tasks_staging;
      return;
    case TaskState::kStarting:
      ++view.tasks_starting;
      return;
    case TaskState::kRunning:
      ++view.tasks_running;
      return;
    case TaskState::kKilling:
      ++view.tasks_killing;
      return;
    default:
      return;
  }
}

void count(AgentView& view, AgentView::Executor::Stage stage) {
  switch (stage) {
    case AgentView::Executor::Stage::kRegistering:
      ++view.executors_registering;
      return;
    case AgentView::Executor::Stage::kRunning:
      ++view.executors_running;
      return;
    case AgentView::Executor::Stage::kTerminating:
      ++view.executors_terminating;
      return;
  }
}

void add_waiting(std::set<TaskId>& waiting, const Container& container) {
  for (const Batch& batch : container.batches) {
    if (!batch.delivered) waiting.insert(batch.tasks.begin(), batch.tasks.end());
  }
}

AgentView::Framework framework_view(AgentView& view, const State& state,
                                    const Framework& framework) {
  AgentView::Framework result{.info = framework.info};
  std::set<TaskId> waiting;
  for (const ContainerId& id : framework.containers) {
    const Container& container = state.containers.at(id);
    if (container.stage >= Stage::kEnded) continue;
    add_waiting(waiting, container);
    const auto stage = stage_of(container);
    count(view, stage);
    if (container.kind != ContainerKind::kCommand) view.used += container.executor.resources;
    result.executors.push_back({.id = container.sandbox.executor,
                                .kind = container.kind,
                                .stage = stage,
                                .role = container.role,
                                .spec = container.executor,
                                .container = id,
                                .pid = container.pid});
  }
  for (const auto& [id, task] : framework.tasks) {
    if (!is_terminal(task.record.state)) {
      count(view, task.record.state);
      view.used += task.record.spec.resources;
    }
    result.tasks.push_back({.record = task.record,
                            .container = task.container,
                            .last_status = task.last,
                            .queued = waiting.contains(id)});
  }
  return result;
}

}  // namespace

AgentView make_view(const Options& options, const State& state) {
  AgentView view{.agent = options.agent,
                 .cluster_id = state.cluster_id,
                 .epoch = state.epoch,
                 .recovering = state.recovering,
                 .registered = state.link.stage == Link::Stage::kRegistered,
                 .started = state.started_at,
                 .registered_at = state.registered_at,
                 .recovery_time = state.recovery_time,
                 .completed = {state.completed.begin(), state.completed.end()},
                 .sandboxes_kept = state.sandboxes.size(),
                 .counters = state.counters};
  view.agent.id = state.agent_id;
  for (const auto& [id, framework] : state.frameworks) {
    view.frameworks.push_back(framework_view(view, state, framework));
  }
  return view;
}

}  // namespace souk::agent
