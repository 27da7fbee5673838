#include "wire/codec_operator_events.h"

#include "wire/message_codec.h"
#include "wire/message_parts.h"
#include "wire/operator_messages.h"

namespace souk::wire {
namespace {

using PbEvent = pb::master::Event;
using PbSubscribed = PbEvent::Subscribed;
namespace event = protocol::operator_event;

void encode(const event::TaskAdded& in, PbEvent& out) {
  out.set_type(PbEvent::TASK_ADDED);
  TaskEncoder().encode(*in.task, in.user, {}, *out.mutable_task_added()->mutable_task());
}

void encode(const event::TaskUpdated& in, PbEvent& out) {
  out.set_type(PbEvent::TASK_UPDATED);
  auto& body = *out.mutable_task_updated();
  body.mutable_framework_id()->set_value(in.framework.value);
  encode_status(in.status, *body.mutable_status());
  body.set_state(static_cast<pb::TaskState>(in.state));
}

void encode(const event::AgentAdded& in, PbEvent& out) {
  out.set_type(PbEvent::AGENT_ADDED);
  encode_agent_summary(in.agent, *out.mutable_agent_added()->mutable_agent());
}

void encode(const event::AgentRemoved& in, PbEvent& out) {
  out.set_type(PbEvent::AGENT_REMOVED);
  out.mutable_agent_removed()->mutable_agent_id()->set_value(in.agent.value);
}

void encode(const event::FrameworkAdded& in, PbEvent& out) {
  out.set_type(PbEvent::FRAMEWORK_ADDED);
  encode_framework_header(*in.framework, *out.mutable_framework_added()->mutable_framework());
}

void encode(const event::FrameworkUpdated& in, PbEvent& out) {
  out.set_type(PbEvent::FRAMEWORK_UPDATED);
  encode_framework_header(*in.framework, *out.mutable_framework_updated()->mutable_framework());
}

void encode(const event::FrameworkRemoved& in, PbEvent& out) {
  out.set_type(PbEvent::FRAMEWORK_REMOVED);
  encode_framework(in.framework, *out.mutable_framework_removed()->mutable_framework_info());
}

void encode(const event::Heartbeat&, PbEvent& out) { out.set_type(PbEvent::HEARTBEAT); }

}  // namespace

std::string render_subscribed(const protocol::MasterView& view, Duration heartbeat_interval,
                              ContentType type) {
  std::string out;
  MessageParts parts(out, type);
  parts.set_enum(field_of<PbEvent>(PbEvent::kTypeFieldNumber), PbEvent::SUBSCRIBED);
  parts.begin(field_of<PbEvent>(PbEvent::kSubscribedFieldNumber));
  parts.begin(field_of<PbSubscribed>(PbSubscribed::kGetStateFieldNumber));
  StateParts(parts, view).state();
  parts.end();
  parts.set_double(field_of<PbSubscribed>(PbSubscribed::kHeartbeatIntervalSecondsFieldNumber),
                   to_seconds(heartbeat_interval));
  parts.end();
  parts.finish();
  return out;
}

void append_operator_event(std::string& out, const protocol::OperatorEvent& event,
                           ContentType type) {
  ScratchArena arena;
  auto& message = arena.create<PbEvent>();
  std::visit([&](const auto& one) { encode(one, message); }, event);
  append_message(out, message, type);
}

}  // namespace souk::wire
