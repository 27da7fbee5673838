#include <utility>

#include "agent/containers.h"
#include "agent/handlers.h"
#include "agent/kills.h"
#include "agent/link.h"
#include "agent/recovery.h"
#include "agent/status_updates.h"
#include "agent/time_limit.h"

namespace souk::agent {
namespace {

void on_task_timer(Context& c, const TimerKey& key) {
  Framework* framework = find_framework(c.state, key.framework);
  Task* task = framework ? find_task(*framework, TaskId(key.id)) : nullptr;
  if (task == nullptr) return;
  switch (key.kind) {
    case TimerKind::kResend:
      resend(c, *task);
      return;
    case TimerKind::kKill:
      kill_overdue(c, *framework, *task);
      return;
    case TimerKind::kCompletion:
      end_overlong(c, *task);
      return;
    default:
      return;
  }
}

void on_registration_timeout(Context& c, Container& container) {
  warn(c, "executor {} of framework {} did not register in time", container.sandbox.executor,
       container.sandbox.framework);
  end_container(c, container, -1,
                {.state = TaskState::kFailed,
                 .reason = Reason::kExecutorRegistrationTimeout,
                 .message = "The executor did not register in time"},
                false);
}

void on_container_timer(Context& c, const TimerKey& key) {
  Container* container = find_container(c.state, ContainerId(key.id));
  if (container == nullptr) return;
  switch (key.kind) {
    case TimerKind::kRegistration:
      on_registration_timeout(c, *container);
      return;
    case TimerKind::kResubscribe:
      end_container(c, *container, -1, reregistration_timeout(), false);
      return;
    case TimerKind::kShutdown:
      escalate(c, *container);
      return;
    case TimerKind::kHeartbeat:
      if (!container->stream) return;
      c.emit(effect::SendToExecutor{*container->stream, protocol::executor_event::Heartbeat{}});
      c.state.timers.set(key, c.now.mono + c.options.executor_heartbeat);
      return;
    default:
      return;
  }
}

void fire(Context& c, const TimerKey& key) {
  switch (key.kind) {
    case TimerKind::kDial:
      dial(c);
      return;
    case TimerKind::kSilence:
      warn(c, "the master is silent: the link is dropped");
      drop_link(c);
      return;
    case TimerKind::kRecovery:
      end_recovery(c);
      return;
    case TimerKind::kStop:
      give_up_waiting(c);
      return;
    case TimerKind::kSandbox:
      remove_sandboxes(c);
      return;
    case TimerKind::kResend:
    case TimerKind::kCompletion:
    case TimerKind::kKill:
      on_task_timer(c, key);
      return;
    default:
      on_container_timer(c, key);
      return;
  }
}

}  // namespace

void on(Context& c, event::TimerFired&&) {
  c.state.armed.reset();
  while (const auto key = c.state.timers.pop_due(c.now.mono)) {
    fire(c, *key);
    if (c.state.stopped) return;
  }
}

}  // namespace souk::agent
