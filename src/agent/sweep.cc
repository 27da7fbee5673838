// The last part of every step. Handlers only mark what has ended, so that nobody's reference
// dangles; here it is erased.
#include <utility>

#include "agent/containers.h"
#include "agent/handlers.h"
#include "agent/link.h"
#include "agent/storage.h"

namespace souk::agent {
namespace {

void forget_tasks(Context& c) {
  State& state = c.state;
  for (const auto& [framework_id, task_id] : std::exchange(state.forgotten, {})) {
    Framework* framework = find_framework(state, framework_id);
    Task* task = framework ? find_task(*framework, task_id) : nullptr;
    if (task == nullptr) continue;
    for (const TimerKind kind : {TimerKind::kResend, TimerKind::kCompletion, TimerKind::kKill}) {
      state.timers.cancel(timer_of(kind, *task));
    }
    state.completed.push_back({.record = std::move(task->record),
                               .container = std::move(task->container),
                               .last_status = std::move(task->last)});
    if (state.completed.size() > c.options.max_completed_tasks) state.completed.pop_front();
    framework->tasks.erase(task_id);
    --state.task_count;
    state.touched.insert(framework_id);
  }
}

void forget_containers(Context& c) {
  State& state = c.state;
  for (const ContainerId& id : std::exchange(state.gone, {})) {
    const auto at = state.containers.find(id);
    if (at == state.containers.end()) continue;
    Framework& framework = framework_of(state, at->second);
    const ExecutorId executor = at->second.sandbox.executor;
    framework.containers.erase(id);
    state.touched.insert(framework.info.id);
    state.containers.erase(at);
    // The next one of this executor may have waited for that.
    const auto next = framework.executors.find(executor);
    if (next != framework.executors.end()) start(c, state.containers.at(next->second));
  }
}

void forget_frameworks(Context& c) {
  State& state = c.state;
  for (const FrameworkId& id : std::exchange(state.touched, {})) {
    const Framework* framework = find_framework(state, id);
    if (framework == nullptr) continue;
    if (!framework->tasks.empty() || !framework->containers.empty()) continue;
    state.frameworks.erase(id);
    persist(c, checkpoint::FrameworkForgotten{id});
  }
}

void finish_recovery(Context& c) {
  State& state = c.state;
  if (!state.started || !state.recovering || !state.awaited.empty()) return;
  state.recovering = false;
  state.timers.cancel(timer_of(TimerKind::kRecovery));
  state.recovery_time = c.now.mono - state.started_mono;
  if (!state.stopping) dial(c);
}

}  // namespace

void sweep(Context& c) {
  if (c.state.stopped) return;
  forget_tasks(c);
  forget_containers(c);
  forget_frameworks(c);
  finish_recovery(c);
  if (c.state.stopping && c.state.containers.empty()) stop(c, *c.state.stopping);
}

}  // namespace souk::agent
