#include "agent/describe.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "base/text.h"

namespace souk::agent {
namespace {

namespace to_master = protocol::to_master;
namespace to_agent = protocol::to_agent;
namespace call = protocol::executor_call;
namespace ev = protocol::executor_event;
namespace supervisor = protocol::supervisor;

std::string_view name_of(ContainerKind kind) {
  switch (kind) {
    case ContainerKind::kCommand:
      return "command";
    case ContainerKind::kDefault:
      return "default";
    case ContainerKind::kCustom:
      return "custom";
  }
  return "?";
}

template <class Tasks, class Name>
std::string list(const Tasks& tasks, Name name) {
  std::string text;
  for (const auto& task : tasks) {
    if (!text.empty()) text += ' ';
    text += name(task);
  }
  return "[" + text + "]";
}

template <class Spec>  // TaskSpec, or a Piece of one
std::string list(const std::vector<Spec>& tasks) {
  return list(tasks, [](const TaskSpec& t) { return t.id.value; });
}

std::string grace_of(const std::optional<Duration>& grace) {
  return grace ? format_duration(*grace) : "default";
}

std::string describe(const TaskStatus& s) {
  std::string text = fmt::format("{} {} {}", s.task_id, to_string(s.state), to_string(s.source));
  if (s.reason) text += fmt::format(" {}", to_string(*s.reason));
  if (!s.message.empty()) text += fmt::format(" {}", quote(s.message, 400));
  if (!s.container_id.empty()) text += fmt::format(" container {}", s.container_id);
  for (const Label& label : s.labels) {
    text += fmt::format(" {}={}", label.key, label.value.value_or(""));
  }
  text += s.uuid ? fmt::format(" uuid {}", s.uuid->to_string()) : " no uuid";
  return text;
}

// --- what the master and the agent say

std::string said(const to_master::Hello& m) {
  return fmt::format("Hello cluster {}", quote(m.cluster_id));
}
std::string said(const to_master::Register& m) {
  return fmt::format(
      "Register {} frameworks {} executors {} tasks {}", quote(m.agent.id.value),
      list(m.frameworks, [](const FrameworkInfo& f) { return f.id.value; }),
      list(m.executors, [](const protocol::ExecutorRecord& e) { return e.spec.id.value; }),
      list(m.tasks, [](const protocol::TaskRecord& t) {
        return fmt::format("{}:{}{}", t.spec.id, to_string(t.state), t.short_slot ? ":short" : "");
      }));
}
std::string said(const to_master::StatusUpdate& m) {
  return fmt::format("StatusUpdate {} {} latest {}", m.framework_id, describe(m.status),
                     to_string(m.latest_state));
}
std::string said(const to_master::ExecutorTerminated& m) {
  return fmt::format("ExecutorTerminated {} {} status {}", m.framework_id, m.executor_id, m.status);
}
std::string said(const to_master::FrameworkMessage& m) {
  return fmt::format("FrameworkMessage {} {} {}", m.framework_id, m.executor_id,
                     quote(m.data.view()));
}
std::string said(const to_master::Pong&) { return "Pong"; }
std::string said(const to_master::Unregister&) { return "Unregister"; }
std::string said(const to_master::FileAnswer& m) {
  return fmt::format("FileAnswer {} {}", m.request, m.http_status);
}

std::string said(const to_agent::Welcome& m) {
  return fmt::format("Welcome cluster {}", quote(m.cluster_id));
}
std::string said(const to_agent::Refused& m) { return fmt::format("Refused {}", quote(m.reason)); }
std::string said(const to_agent::Registered& m) {
  return fmt::format("Registered {} ping {} x {}", quote(m.agent_id.value),
                     format_duration(m.ping_interval), m.max_missed_pings);
}
std::string said(const to_agent::RunTasks& m) {
  const std::string_view kind = m.command_task ? "commands" : m.group ? "group" : "tasks";
  return fmt::format("RunTasks {} executor {} {} {}{}", m.framework->id, m.executor.id, kind,
                     list(m.tasks), m.short_slots ? " in short slots" : "");
}
std::string said(const to_agent::KillTask& m) {
  return fmt::format("KillTask {} {} grace {}{}{}", m.framework_id, m.task_id, grace_of(m.grace),
                     m.reason ? " " : "", m.reason ? to_string(*m.reason) : "");
}
std::string said(const to_agent::ShutdownExecutor& m) {
  return fmt::format("ShutdownExecutor {} {}", m.framework_id, m.executor_id);
}
std::string said(const to_agent::ShutdownFramework& m) {
  return fmt::format("ShutdownFramework {}", m.framework_id);
}
std::string said(const to_agent::UpdateFramework& m) {
  return fmt::format("UpdateFramework {}", m.framework->id);
}
std::string said(const to_agent::Acknowledge& m) {
  return fmt::format("Acknowledge {} {} {}", *m.framework_id, m.task_id, m.uuid.to_string());
}
std::string said(const to_agent::FrameworkMessage& m) {
  return fmt::format("FrameworkMessage {} {} {}", m.framework_id, m.executor_id,
                     quote(m.data.view()));
}
std::string said(const to_agent::Ping&) { return "Ping"; }
std::string said(const to_agent::Shutdown& m) {
  return fmt::format("Shutdown {}", quote(m.reason));
}
std::string said(const to_agent::FileRequest& m) {
  return fmt::format("FileRequest {} {}", m.request, quote(m.path));
}

// --- souk-executors and custom executors

std::string said(const supervisor::Launch& m) {
  return fmt::format("Launch of {}", m.processes.size());
}
std::string said(const supervisor::Kill& m) {
  return fmt::format("Kill {} grace {}", m.name, format_duration(Duration(m.grace_ns)));
}
std::string said(const supervisor::Shutdown& m) {
  return fmt::format("Shutdown grace {}", format_duration(Duration(m.grace_ns)));
}
std::string said(const supervisor::Taken& m) { return fmt::format("Taken {}", m.number); }
std::string said(const supervisor::Started& m) {
  return fmt::format("Started {} pid {}", quote(m.name), m.pid);
}
std::string said(const supervisor::LaunchFailed& m) {
  return fmt::format("LaunchFailed {} {}", quote(m.name), quote(m.why));
}
std::string said(const supervisor::Killing& m) { return fmt::format("Killing {}", quote(m.name)); }
std::string said(const supervisor::Exited& m) {
  return fmt::format("Exited {} status {}{}", quote(m.name), m.status,
                     m.kill_asked ? " as asked" : "");
}

std::string said(const call::Subscribe& m) {
  return fmt::format("Subscribe tasks {} updates {}", list(m.unacknowledged_tasks),
                     m.unacknowledged_updates.size());
}
std::string said(const call::Update& m) { return fmt::format("Update {}", describe(m.status)); }
std::string said(const call::Message& m) { return fmt::format("Message {}", quote(m.data.view())); }
std::string said(const call::Heartbeat&) { return "Heartbeat"; }

std::string said(const ev::Subscribed& m) {
  return fmt::format("Subscribed {} of {} on {} container {}", m.executor.id, m.framework.id,
                     m.agent.id, m.container);
}
std::string said(const ev::Launch& m) { return fmt::format("Launch {}", m.task.id); }
std::string said(const ev::LaunchGroup& m) { return fmt::format("LaunchGroup {}", list(m.tasks)); }
std::string said(const ev::Kill& m) {
  return fmt::format("Kill {} grace {}", m.task, grace_of(m.grace));
}
std::string said(const ev::Acknowledged& m) {
  return fmt::format("Acknowledged {} {}", quote(m.task.value), m.uuid.to_string());
}
std::string said(const ev::Message& m) { return fmt::format("Message {}", quote(m.data.view())); }
std::string said(const ev::Shutdown&) { return "Shutdown"; }
std::string said(const ev::Error& m) { return fmt::format("Error {}", quote(m.message)); }
std::string said(const ev::Heartbeat&) { return "Heartbeat"; }

template <class Variant>
std::string any_said(const Variant& message) {
  return std::visit([](const auto& m) { return said(m); }, message);
}

// --- checkpoints

std::string stored(const checkpoint::ClusterMet& o) {
  return fmt::format("ClusterMet {}", quote(o.cluster_id));
}
std::string stored(const checkpoint::EpochSeen& o) { return fmt::format("EpochSeen {}", o.epoch); }
std::string stored(const checkpoint::Admitted& o) { return fmt::format("Admitted {}", o.agent); }
std::string stored(const checkpoint::FrameworkKnown& o) {
  return fmt::format("FrameworkKnown {}", o.info.id);
}
std::string stored(const checkpoint::FrameworkRemoving& o) {
  return fmt::format("FrameworkRemoving {}", o.framework);
}
std::string stored(const checkpoint::FrameworkForgotten& o) {
  return fmt::format("FrameworkForgotten {}", o.framework);
}
std::string stored(const checkpoint::ContainerAdded& o) {
  return fmt::format("ContainerAdded {} {} of {} {}", o.sandbox.container, name_of(o.kind),
                     o.sandbox.framework, o.sandbox.executor);
}
std::string stored(const checkpoint::ContainerStarted& o) {
  return fmt::format("ContainerStarted {} pid {}", o.container, o.pid);
}
std::string stored(const checkpoint::ContainerEnded& o) {
  return fmt::format("ContainerEnded {}", o.container);
}
std::string stored(const checkpoint::SandboxRemoved& o) {
  return fmt::format("SandboxRemoved {}", o.container);
}
std::string stored(const checkpoint::TasksAdded& o) {
  return fmt::format(
      "TasksAdded {} batch {}{} {}{}", o.container, o.batch, o.group ? " group" : "",
      list(o.tasks, [](const auto& t) { return t.spec.id.value; }),
      o.slot_limit > Duration::zero() ? " at most " + format_duration(o.slot_limit) : "");
}
std::string stored(const checkpoint::TaskRevoked& o) {
  return fmt::format("TaskRevoked {} {} grace {}", o.framework, o.task, format_duration(o.grace));
}
std::string stored(const checkpoint::UpdatePending& o) {
  return fmt::format("UpdatePending {} {}", o.framework, describe(o.status));
}
std::string stored(const checkpoint::UpdateAcknowledged& o) {
  return fmt::format("UpdateAcknowledged {} {} {}", o.framework, o.task, o.uuid.to_string());
}
std::string stored(const checkpoint::TaskForgotten& o) {
  return fmt::format("TaskForgotten {} {}", o.framework, o.task);
}

// --- events

std::string line(const event::Started&) { return "Started"; }
std::string line(const event::LinkOpened& e) { return fmt::format("LinkOpened {}", e.link.value); }
std::string line(const event::LinkClosed& e) {
  return fmt::format("LinkClosed {} {}", e.link.value, quote(e.why));
}
std::string line(const event::MasterSaid& e) {
  return fmt::format("MasterSaid {} epoch {} {}", e.link.value, e.frame.epoch,
                     any_said(e.frame.message));
}
std::string line(const event::SupervisorConnected& e) {
  return fmt::format("SupervisorConnected {} pid {}", e.container, e.pid);
}
std::string line(const event::SupervisorSaid& e) {
  return fmt::format("SupervisorSaid {} {} {}", e.container, e.report.number,
                     any_said(e.report.what));
}
std::string line(const event::SupervisorGone& e) {
  return fmt::format("SupervisorGone {} {}", e.container,
                     e.status ? std::to_string(*e.status) : "no status");
}
std::string line(const event::LaunchFailed& e) {
  return fmt::format("LaunchFailed {} {}", e.container, quote(e.why));
}
std::string line(const event::ExecutorSubscribed& e) {
  return fmt::format("ExecutorSubscribed {} {} {} {}", e.connection.value, quote(e.framework.value),
                     quote(e.executor.value), said(e.call));
}
std::string line(const event::ExecutorCalled& e) {
  return fmt::format("ExecutorCalled {} {} {} {}", e.request.value, quote(e.call.framework.value),
                     quote(e.call.executor.value), any_said(e.call.body));
}
std::string line(const event::ExecutorDisconnected& e) {
  return fmt::format("ExecutorDisconnected {}", e.connection.value);
}
std::string line(const event::Persisted& e) {
  return fmt::format("Persisted {}{}", e.ticket, e.ok ? "" : " failed " + quote(e.why));
}
std::string line(const event::FileServed& e) {
  return fmt::format("FileServed {} {}", e.link.value, said(e.answer));
}
std::string line(const event::TimerFired&) { return "TimerFired"; }
std::string line(const event::StopRequested& e) {
  return e.leave ? "StopRequested for good" : "StopRequested";
}

// --- effects

std::string line(const effect::OpenLink& e) { return fmt::format("OpenLink {}", e.link.value); }
std::string line(const effect::CloseLink& e) { return fmt::format("CloseLink {}", e.link.value); }
std::string line(const effect::SendToMaster& e) {
  return fmt::format("SendToMaster {} {}", e.link.value, any_said(e.message));
}
std::string line(const effect::LaunchContainer& e) {
  return fmt::format("LaunchContainer {} {} {} {} role {}", e.sandbox.container, name_of(e.kind),
                     e.framework.id, e.executor.id, e.role);
}
std::string line(const effect::LaunchProcesses& e) {
  return fmt::format("LaunchProcesses {} {} {} {}{} {}", e.sandbox.container, name_of(e.kind),
                     e.framework.id, e.executor.id, e.group ? " group" : "", list(e.tasks));
}
std::string line(const effect::SendToSupervisor& e) {
  return fmt::format("SendToSupervisor {} {}", e.container, any_said(e.message));
}
std::string line(const effect::KillContainer& e) {
  return fmt::format("KillContainer {}", quote(e.container.value));
}
std::string line(const effect::OpenStream& e) {
  return fmt::format("OpenStream {}", e.connection.value);
}
std::string line(const effect::SendToExecutor& e) {
  return fmt::format("SendToExecutor {} {}", e.connection.value, any_said(e.event));
}
std::string line(const effect::CloseStream& e) {
  return fmt::format("CloseStream {}", e.connection.value);
}
std::string line(const effect::Respond& e) {
  return fmt::format("Respond {} {} {}", e.request.value, e.answer.status, quote(e.answer.body));
}
std::string line(const effect::Persist& e) {
  return fmt::format("Persist {} {}", e.ticket,
                     std::visit([](const auto& o) { return stored(o); }, e.operation));
}
std::string line(const effect::RemoveSandbox& e) {
  return fmt::format("RemoveSandbox {}", e.sandbox.container);
}
std::string line(const effect::ServeFile& e) {
  return fmt::format("ServeFile {} {}", e.link.value, said(e.request));
}
std::string line(const effect::ArmTimer& e) {
  return fmt::format("ArmTimer {}", format_duration(e.at.time_since_epoch()));
}
std::string line(const effect::Log& e) {
  constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
  return fmt::format("Log {} {}", kNames[static_cast<std::size_t>(e.severity)], e.text);
}
std::string line(const effect::Stop& e) {
  return fmt::format("Stop {} {}", e.exit_status, quote(e.text, 600));
}

}  // namespace

std::string describe(const Event& event) {
  return std::visit([](const auto& e) { return line(e); }, event);
}

std::string describe(const Effect& effect) {
  return std::visit([](const auto& e) { return line(e); }, effect);
}

}  // namespace souk::agent
