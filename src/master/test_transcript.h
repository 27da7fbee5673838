// Effects of a master as lines of text: for golden scripts, and for digests that tell two runs
// apart.
#pragma once

#include <algorithm>
#include <string>

#include "master/effects.h"

namespace souk::master {

class Transcript {
 public:
  static std::string line(const Effect& effect) {
    return std::visit([](const auto& one) { return text(one); }, effect);
  }

 private:
  static std::string short_uuid(const std::optional<Uuid>& uuid) {
    return uuid ? " uuid " + uuid->to_string().substr(0, 4) : "";
  }
  static std::string quoted(const std::string& text) { return text.empty() ? "" : ": " + text; }
  static std::string text(const TaskStatus& status) {
    return fmt::format("{} {} by {}{}{}{}{}", status.task_id, to_string(status.state),
                       to_string(status.source),
                       status.reason ? fmt::format(" {}", to_string(*status.reason)) : "",
                       status.agent_id.empty() ? "" : " on " + status.agent_id.value,
                       short_uuid(status.uuid), quoted(status.message));
  }

  // --- to frameworks
  static std::string text(const protocol::event::Subscribed& event) {
    return fmt::format("SUBSCRIBED {} heartbeat {}", event.framework,
                       format_duration(event.heartbeat_interval));
  }
  static std::string text(const protocol::event::Offers& event) {
    std::string all = "OFFERS";
    for (const Offer& offer : event.offers) {
      const bool brief = std::ranges::any_of(offer.attributes, [](const auto& each) {
        return each.name == kMaxTaskDurationAttribute;
      });
      all += fmt::format(" [{} {} {} {}{}]", offer.id, offer.agent_id, offer.role,
                         offer.resources.to_string(), brief ? " short" : "");
    }
    return all;
  }
  static std::string text(const protocol::event::Rescind& event) {
    return fmt::format("RESCIND {}", event.offer);
  }
  static std::string text(const protocol::event::InverseOffers& event) {
    std::string all = "INVERSE_OFFERS";
    for (const InverseOffer& offer : event.offers) {
      all += fmt::format(" [{} {} {} at {}]", offer.id, offer.agent_id, offer.resources.to_string(),
                         format_duration(offer.start.time_since_epoch()));
    }
    return all;
  }
  static std::string text(const protocol::event::RescindInverseOffer& event) {
    return fmt::format("RESCIND_INVERSE_OFFER {}", event.offer);
  }
  static std::string text(const protocol::event::Update& event) {
    return "UPDATE " + text(*event.status);
  }
  static std::string text(const protocol::event::UpdateOperationStatus& event) {
    return fmt::format("UPDATE_OPERATION_STATUS {}: {}", event.operation, event.message);
  }
  static std::string text(const protocol::event::Message& event) {
    return fmt::format("MESSAGE {} {} '{}'", event.agent, event.executor, event.data.view());
  }
  static std::string text(const protocol::event::Failure& event) {
    return fmt::format("FAILURE {} {}{}", event.agent, event.executor,
                       event.status ? fmt::format("status {}", *event.status) : "");
  }
  static std::string text(const protocol::event::Error& event) { return "ERROR " + event.message; }
  static std::string text(const protocol::event::Heartbeat&) { return "HEARTBEAT"; }

  // --- to agents
  static std::string text(const protocol::to_agent::Welcome& message) {
    return fmt::format("Welcome to {}", message.cluster_id);
  }
  static std::string text(const protocol::to_agent::Refused& message) {
    return "Refused: " + message.reason;
  }
  static std::string text(const protocol::to_agent::Registered& message) {
    return fmt::format("Registered {}", message.agent_id);
  }
  static std::string text(const protocol::to_agent::RunTasks& message) {
    std::string all = fmt::format("RunTasks {} {}{}{} executor {} [", message.framework->id,
                                  message.role, message.group ? " group" : "",
                                  message.short_slots ? " short" : "", message.executor.id);
    for (const TaskSpec& task : message.tasks) {
      all += fmt::format("{} {} ", task.id, task.resources.to_string());
    }
    all.back() = ']';
    return all;
  }
  static std::string text(const protocol::to_agent::KillTask& message) {
    return fmt::format("KillTask {} {}{}", message.framework_id, message.task_id,
                       message.reason ? fmt::format(" {}", to_string(*message.reason)) : "");
  }
  static std::string text(const protocol::to_agent::ShutdownExecutor& message) {
    return fmt::format("ShutdownExecutor {} {}", message.framework_id, message.executor_id);
  }
  static std::string text(const protocol::to_agent::ShutdownFramework& message) {
    return fmt::format("ShutdownFramework {}", message.framework_id);
  }
  static std::string text(const protocol::to_agent::UpdateFramework& message) {
    return fmt::format("UpdateFramework {}", message.framework->id);
  }
  static std::string text(const protocol::to_agent::Acknowledge& message) {
    return fmt::format("Acknowledge {} {}{}", *message.framework_id, message.task_id,
                       short_uuid(message.uuid));
  }
  static std::string text(const protocol::to_agent::FrameworkMessage& message) {
    return fmt::format("FrameworkMessage {} {}", message.framework_id, message.executor_id);
  }
  static std::string text(const protocol::to_agent::Ping&) { return "Ping"; }
  static std::string text(const protocol::to_agent::Shutdown& message) {
    return "Shutdown: " + message.reason;
  }
  static std::string text(const protocol::to_agent::FileRequest& message) {
    return fmt::format("FileRequest {} {}", message.request, message.path);
  }

  // --- to the registry
  static std::string text(const protocol::registry::AdmitAgent& operation) {
    return fmt::format("AdmitAgent {} {}", operation.id, operation.hostname);
  }
  static std::string text(const protocol::registry::MarkUnreachable& operation) {
    return fmt::format("MarkUnreachable {}", operation.id);
  }
  static std::string text(const protocol::registry::MarkReachable& operation) {
    return fmt::format("MarkReachable {}", operation.id);
  }
  static std::string text(const protocol::registry::MarkGone& operation) {
    return fmt::format("MarkGone {}", operation.id);
  }
  static std::string text(const protocol::registry::RemoveAgent& operation) {
    return fmt::format("RemoveAgent {}", operation.id);
  }
  static std::string text(const protocol::registry::SetWeights& operation) {
    std::string all = "SetWeights";
    for (const auto& [role, weight] : operation.weights) {
      all += fmt::format(" {}={}", role, amount_text(weight));
    }
    return all;
  }
  static std::string text(const protocol::registry::SetQuotas& operation) {
    std::string all = "SetQuotas";
    for (const auto& [role, quota] : operation.quotas) {
      all +=
          fmt::format(" {} [{} | {}]", role, to_string(quota.guarantees), to_string(quota.limits));
    }
    return all;
  }

  // --- the effects themselves
  static std::string text(const Respond& effect) {
    return fmt::format("respond #{} {}{}", effect.connection.value, effect.answer.status,
                       quoted(effect.answer.body));
  }
  static std::string text(const RespondDocument& effect) {
    return fmt::format("respond #{} with a document", effect.connection.value);
  }
  static std::string text(const OpenStream& effect) {
    return fmt::format("open #{} {}", effect.connection.value, effect.stream_id);
  }
  static std::string text(const SendToFramework& effect) {
    return fmt::format("to #{} ", effect.connection.value) +
           std::visit([](const auto& event) { return text(event); }, effect.event);
  }
  static std::string text(const OpenOperatorStream& effect) {
    return fmt::format("open #{} of an operator", effect.connection.value);
  }
  static std::string text(const SendToOperators& effect) {
    return "to operators " +
           std::visit([](const auto& event) { return text(event); }, effect.event);
  }
  static std::string text(const protocol::operator_event::TaskAdded& event) {
    return fmt::format("TASK_ADDED {}", event.task->spec->id);
  }
  static std::string text(const protocol::operator_event::TaskUpdated& event) {
    return fmt::format("TASK_UPDATED {} {}", event.status.task_id, to_string(event.state));
  }
  static std::string text(const protocol::operator_event::AgentAdded& event) {
    return fmt::format("AGENT_ADDED {}", event.agent->info.id);
  }
  static std::string text(const protocol::operator_event::AgentRemoved& event) {
    return fmt::format("AGENT_REMOVED {}", event.agent);
  }
  static std::string text(const protocol::operator_event::FrameworkAdded& event) {
    return fmt::format("FRAMEWORK_ADDED {}", event.framework->info.id);
  }
  static std::string text(const protocol::operator_event::FrameworkUpdated& event) {
    return fmt::format("FRAMEWORK_UPDATED {}{}", event.framework->info.id,
                       event.framework->active ? "" : " inactive");
  }
  static std::string text(const protocol::operator_event::FrameworkRemoved& event) {
    return fmt::format("FRAMEWORK_REMOVED {}", event.framework->id);
  }
  static std::string text(const protocol::operator_event::Heartbeat&) { return "HEARTBEAT"; }
  static std::string text(const CloseStream& effect) {
    return fmt::format("close #{}", effect.connection.value);
  }
  static std::string text(const SendToAgent& effect) {
    return fmt::format("to #{} epoch {} ", effect.link.value, effect.frame.epoch) +
           std::visit([](const auto& message) { return text(message); }, effect.frame.message);
  }
  static std::string text(const CloseLink& effect) {
    return fmt::format("close link #{}", effect.link.value);
  }
  static std::string text(const Persist& effect) {
    return fmt::format("persist {} ", effect.ticket) +
           std::visit([](const auto& one) { return text(one); }, effect.operation);
  }
  static std::string text(const ArmTimer& effect) {
    return effect.at ? "arm " + format_duration(effect.at->time_since_epoch()) : "disarm";
  }
  static std::string text(const Log& effect) { return "log " + effect.text; }
};

}  // namespace souk::master
