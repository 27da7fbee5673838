#include "sim/custom_executor.h"

#include <utility>

#include "sim/agent_process.h"
#include "sim/sleep_task.h"

namespace souk::sim {

namespace call = protocol::executor_call;
namespace event = protocol::executor_event;

CustomExecutor::CustomExecutor(Context context, Rng rng)
    : context_(std::move(context)), rng_(rng) {}

void CustomExecutor::start() {
  context_.later(1ms, [this] { subscribe(); });
}

void CustomExecutor::subscribe() {
  if (subscribed_) return;
  call::Subscribe subscribe;
  for (const auto& [id, task] : tasks_) {
    if (!task.unacknowledged.empty()) subscribe.unacknowledged_tasks.push_back(task.spec);
    for (const TaskStatus& status : task.unacknowledged) {
      subscribe.unacknowledged_updates.push_back(status);
    }
  }
  context_.host.executor_subscribes(context_.framework, context_.executor, std::move(subscribe));
  // Refused, or nobody there: once more.
  context_.later(1s, [this] { this->subscribe(); });
}

void CustomExecutor::disconnected() {
  subscribed_ = false;
  context_.later(500ms, [this] { subscribe(); });
}

void CustomExecutor::hear(protocol::ExecutorEvent&& heard) {
  std::visit(
      [this](auto&& e) {
        if constexpr (requires { on(std::forward<decltype(e)>(e)); }) {
          on(std::forward<decltype(e)>(e));
        }
      },
      std::move(heard));
}

void CustomExecutor::on(event::Subscribed&&) { subscribed_ = true; }

void CustomExecutor::on(event::Launch&& e) { launch(std::move(e.task)); }

void CustomExecutor::on(event::LaunchGroup&& e) {
  for (TaskSpec& task : e.tasks) launch(std::move(task));
}

void CustomExecutor::launch(TaskSpec&& spec) {
  const auto [at, added] = tasks_.try_emplace(spec.id);
  if (!added) return;
  Task& task = at->second;
  task.spec = std::move(spec);
  update(task, TaskState::kRunning);
  const Duration length = length_of(task.spec).value_or(Duration::zero());
  context_.later(length, [this, id = task.spec.id] {
    const auto ended = tasks_.find(id);
    if (ended == tasks_.end() || ended->second.terminal) return;
    ended->second.terminal = true;
    update(ended->second, TaskState::kFinished);
  });
}

void CustomExecutor::update(Task& task, TaskState state) {
  TaskStatus status;
  status.task_id = task.spec.id;
  status.state = state;
  status.source = StatusSource::kExecutor;
  status.executor_id = context_.executor;
  status.timestamp = context_.host.wall();
  status.uuid = Uuid::random(rng_);
  task.unacknowledged.push_back(status);
  if (!subscribed_) return;
  context_.host.executor_calls(
      {context_.framework, context_.executor, call::Update{std::move(status), true, true}});
}

void CustomExecutor::on(event::Kill&& e) {
  const auto at = tasks_.find(e.task);
  if (at == tasks_.end() || std::exchange(at->second.terminal, true)) return;
  update(at->second, TaskState::kKilled);
}

void CustomExecutor::on(event::Acknowledged&& e) {
  const auto at = tasks_.find(e.task);
  if (at == tasks_.end()) return;
  Task& task = at->second;
  std::erase_if(task.unacknowledged, [&](const TaskStatus& s) { return s.uuid == e.uuid; });
  if (task.terminal && task.unacknowledged.empty()) tasks_.erase(at);
}

void CustomExecutor::on(event::Shutdown&&) {
  context_.later(1ms, [this] { context_.exit(0); });
}

}  // namespace souk::sim
