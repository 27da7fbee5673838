#include "sim/describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "protocol/scheduler_api.h"

namespace souk::sim {
namespace {

namespace supervisor = protocol::supervisor;
namespace to_master = protocol::to_master;
namespace to_agent = protocol::to_agent;

// A struct, so that each may use those below it.
struct Words {
  // For what has no words of its own.
  template <class T>
  static std::string words(const T&) {
    return {};
  }

  static std::string words(const TaskStatus& s) {
    return fmt::format("{} is {}{}{}", s.task_id, to_string(s.state),
                       s.reason ? fmt::format(" ({})", to_string(*s.reason)) : "",
                       s.uuid ? fmt::format(" #{:.8}", s.uuid->to_string()) : "");
  }

  template <class... Alternatives>
  static std::string words_of(const std::variant<Alternatives...>& value) {
    return std::visit([](const auto& one) { return words(one); }, value);
  }

  // --- the link

  static std::string words(const to_master::Hello&) { return "Hello"; }
  static std::string words(const to_master::Register& m) {
    return fmt::format("Register {} with {} tasks",
                       m.agent.id.empty() ? "a new agent" : m.agent.id.value, m.tasks.size());
  }
  static std::string words(const to_master::StatusUpdate& m) {
    return "update: " + words(m.status);
  }
  static std::string words(const to_master::ExecutorTerminated& m) {
    return fmt::format("executor {} terminated", m.executor_id);
  }
  static std::string words(const to_master::Unregister&) { return "Unregister"; }
  static std::string words(const to_agent::Welcome&) { return "Welcome"; }
  static std::string words(const to_agent::Refused& m) { return "Refused: " + m.reason; }
  static std::string words(const to_agent::Registered& m) {
    return fmt::format("Registered {}", m.agent_id);
  }
  static std::string words(const to_agent::RunTasks& m) {
    std::string ids;
    for (const TaskSpec& task : m.tasks) ids += " " + task.id.value;
    return "RunTasks" + ids;
  }
  static std::string words(const to_agent::KillTask& m) {
    return fmt::format("KillTask {}", m.task_id);
  }
  static std::string words(const to_agent::ShutdownFramework& m) {
    return fmt::format("ShutdownFramework {}", m.framework_id);
  }
  static std::string words(const to_agent::ShutdownExecutor& m) {
    return fmt::format("ShutdownExecutor {}", m.executor_id);
  }
  static std::string words(const to_agent::Acknowledge& m) {
    return fmt::format("Acknowledge {} #{:.8}", m.task_id, m.uuid.to_string());
  }
  static std::string words(const to_agent::Shutdown& m) { return "Shutdown: " + m.reason; }
  static std::string words(const protocol::MasterFrame& frame) {
    const std::string text = words_of(frame.message);
    return text.empty() ? text : fmt::format("{} (epoch {})", text, frame.epoch);
  }

  // --- the scheduler API

  static std::string words(const protocol::SchedulerCall& call) {
    std::string text(protocol::name_of(call.body));
    if (const auto* accept = std::get_if<protocol::call::Accept>(&call.body)) {
      for (const OfferId& id : accept->offers) text += " " + id.value;
      for (const protocol::OfferOperation& operation : accept->operations) {
        const auto* launch = std::get_if<protocol::Launch>(&operation.body);
        if (launch == nullptr) continue;
        for (const TaskSpec& task : launch->tasks) text += fmt::format(", launch {}", task.id);
      }
    } else if (const auto* decline = std::get_if<protocol::call::Decline>(&call.body)) {
      for (const OfferId& id : decline->offers) text += " " + id.value;
    } else if (const auto* kill = std::get_if<protocol::call::Kill>(&call.body)) {
      text += " " + kill->task.value;
    } else if (const auto* ack = std::get_if<protocol::call::Acknowledge>(&call.body)) {
      text += fmt::format(" {} #{:.8}", ack->task, ack->uuid.to_string());
    }
    return text;
  }
  static std::string words(const protocol::SchedulerEvent& event) {
    if (const auto* update = std::get_if<protocol::event::Update>(&event)) {
      return "UPDATE " + words(*update->status);
    }
    std::string text(protocol::name_of(event));
    if (text == "HEARTBEAT") return {};
    if (const auto* offers = std::get_if<protocol::event::Offers>(&event)) {
      for (const Offer& offer : offers->offers) {
        text += fmt::format(" {} of {}", offer.id, offer.hostname);
      }
    } else if (const auto* rescind = std::get_if<protocol::event::Rescind>(&event)) {
      text += " " + rescind->offer.value;
    } else if (const auto* error = std::get_if<protocol::event::Error>(&event)) {
      text += ": " + error->message;
    } else if (const auto* subscribed = std::get_if<protocol::event::Subscribed>(&event)) {
      text += " " + subscribed->framework.value;
    }
    return text;
  }

  // --- masters

  static std::string words(const master::Recovered& e) {
    return fmt::format("leads, epoch {}, {} agents admitted", e.registry.epoch,
                       e.registry.admitted.size());
  }
  static std::string words(const master::SchedulerCalled& e) {
    return fmt::format("hears {} of {}", words(e.call),
                       e.call.framework.empty() ? "a new framework" : e.call.framework.value);
  }
  static std::string words(const master::AgentSaid& e) {
    const std::string text = words_of(e.message);
    return text.empty() ? text : fmt::format("hears over link {}: {}", e.link.value, text);
  }
  static std::string words(const master::LinkClosed& e) {
    return fmt::format("link {} closed", e.link.value);
  }
  static std::string words(const master::Persisted& e) {
    return e.ok ? "" : "could not store: " + e.why;
  }
  static std::string words(const master::OperatorCalled&) { return "hears an operator"; }
  static std::string words(const master::SendToAgent& e) {
    const std::string text = words(e.frame);
    return text.empty() ? text : fmt::format("says over link {}: {}", e.link.value, text);
  }
  static std::string words(const master::SendToFramework& e) {
    const std::string text = words(e.event);
    return text.empty() ? text : "says " + text;
  }
  static std::string words(const master::Respond& e) {
    return e.answer.status < 300 ? std::string()
                                 : fmt::format("answers {} {}", e.answer.status, e.answer.body);
  }
  static std::string words(const master::CloseStream&) { return "closes a stream"; }
  static std::string words(const master::CloseLink& e) {
    return fmt::format("closes link {}", e.link.value);
  }

  // --- agents

  static std::string words(const supervisor::Started& m) { return m.name + " started"; }
  static std::string words(const supervisor::LaunchFailed& m) {
    return m.name + " could not start: " + m.why;
  }
  static std::string words(const supervisor::Killing& m) { return m.name + " is being killed"; }
  static std::string words(const supervisor::Exited& m) {
    return fmt::format("{} exited, status {:#x}", m.name, m.status);
  }
  static std::string words(const agent::event::Started&) { return "starts"; }
  static std::string words(const agent::event::LinkOpened&) { return "link opened"; }
  static std::string words(const agent::event::LinkClosed& e) { return "link closed: " + e.why; }
  static std::string words(const agent::event::MasterSaid& e) {
    const std::string text = words(e.frame);
    return text.empty() ? text : "hears " + text;
  }
  static std::string words(const agent::event::SupervisorConnected& e) {
    return fmt::format("container {:.8} dialled in", e.container.value);
  }
  static std::string words(const agent::event::SupervisorSaid& e) {
    return fmt::format("container {:.8}: {}", e.container.value, words_of(e.report.what));
  }
  static std::string words(const agent::event::SupervisorGone& e) {
    return fmt::format("container {:.8} is gone", e.container.value);
  }
  static std::string words(const agent::event::LaunchFailed& e) {
    return "launch failed: " + e.why;
  }
  static std::string words(const agent::event::Persisted& e) {
    return e.ok ? "" : "could not store: " + e.why;
  }
  static std::string words(const agent::effect::SendToMaster& e) {
    const std::string text = words_of(e.message);
    return text.empty() ? text : "says " + text;
  }
  static std::string words(const agent::effect::LaunchContainer& e) {
    return fmt::format("launches container {:.8} for {}", e.sandbox.container.value, e.executor.id);
  }
  static std::string words(const agent::effect::KillContainer& e) {
    return fmt::format("kills container {:.8}", e.container.value);
  }
  static std::string words(const agent::effect::Stop& e) { return "stops: " + e.text; }

  // --- schedulers

  static std::string words(const scheduler::StreamSaid& e) {
    const std::string text = words(e.event);
    return text.empty() ? text : "hears " + text;
  }
  static std::string words(const scheduler::StreamRefused& e) {
    return fmt::format("refused: {} {}", e.status, e.body);
  }
  static std::string words(const scheduler::StreamEnded& e) { return "stream ended: " + e.why; }
  static std::string words(const scheduler::CallAnswered& e) {
    return e.status >= 200 && e.status < 300
               ? std::string()
               : fmt::format("a call was answered {} {}", e.status, e.body);
  }
  static std::string words(const scheduler::Connect& e) { return "connects to " + e.master; }
  static std::string words(const scheduler::Send& e) { return "says " + words(e.call); }
  static std::string words(const scheduler::End& e) {
    return "ends: " + e.error.value_or("as asked");
  }
};

}  // namespace

std::string describe(const master::Event& event) { return Words::words_of(event); }
std::string describe(const master::Effect& effect) { return Words::words_of(effect); }
std::string describe(const agent::Event& event) { return Words::words_of(event); }
std::string describe(const agent::Effect& effect) { return Words::words_of(effect); }
std::string describe(const scheduler::Event& event) { return Words::words_of(event); }
std::string describe(const scheduler::Effect& effect) { return Words::words_of(effect); }

}  // namespace souk::sim
