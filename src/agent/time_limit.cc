#include "agent/time_limit.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/kills.h"

namespace souk::agent {
namespace {

bool slot_decides(const Task& task) {
  if (task.slot_limit <= Duration::zero()) return false;
  const auto& own = task.record.spec.max_completion_time;
  return !own || task.slot_limit <= *own;
}

}  // namespace

std::optional<Duration> time_limit(const Task& task) {
  if (slot_decides(task)) return task.slot_limit;
  return task.record.spec.max_completion_time;
}

void watch_time(Context& c, const Task& task, Duration spent) {
  const auto limit = time_limit(task);
  const TimerKey timer = timer_of(TimerKind::kCompletion, task);
  if (!limit || c.state.timers.of(timer)) return;
  const Duration wait = std::clamp<Duration>(*limit, Duration::zero(), 365 * 24h) - spent;
  c.state.timers.set(timer, c.now.mono + std::max(wait, Duration::zero()));
}

void end_overlong(Context& c, Task& task) {
  std::optional<Duration> grace;
  // Others wait for the slot: a long grace of the task's own must not stretch the limit.
  if (slot_decides(task)) {
    grace =
        std::min(task.record.spec.kill_grace.value_or(c.options.kill_grace), c.options.kill_grace);
  }
  kill_task(c, task, grace, over_time(task));
}

Ending over_time(const Task& task) {
  return {.state = TaskState::kFailed,
          .reason = Reason::kMaxCompletionTimeReached,
          .message = slot_decides(task)
                         ? fmt::format("The task ran longer than the {} that its slot for short "
                                       "tasks allows",
                                       format_duration(task.slot_limit))
                         : "The task reached its max_completion_time"};
}

}  // namespace souk::agent
