#include "wire/codec_executor.h"

#include "mesos/v1/executor/executor.pb.h"
#include "wire/codec_model.h"
#include "wire/message_codec.h"

namespace souk::wire {
namespace {

using protocol::ExecutorCall;
using protocol::ExecutorEvent;
using protocol::HttpAnswer;
using PbCall = pb::executor::Call;
using PbEvent = pb::executor::Event;

constexpr int kBadRequest = 400;
constexpr int kNotImplemented = 501;

std::unexpected<HttpAnswer> absent(std::string_view field) {
  return std::unexpected(HttpAnswer{
      kBadRequest,
      fmt::format("Failed to validate executor::Call: Expecting '{}' to be present", field)});
}

TaskSpec decode_copy(pb::TaskInfo task) { return decode_task(task); }

std::vector<TaskSpec> decode_tasks(const Repeated<pb::TaskInfo>& in) {
  std::vector<TaskSpec> tasks;
  tasks.reserve(static_cast<std::size_t>(in.size()));
  for (const auto& each : in) tasks.push_back(decode_copy(each));
  return tasks;
}

protocol::executor_call::Subscribe decode_subscribe(const PbCall::Subscribe& in) {
  protocol::executor_call::Subscribe body;
  body.unacknowledged_tasks = decode_tasks(in.unacknowledged_tasks());
  for (const auto& each : in.unacknowledged_updates()) {
    body.unacknowledged_updates.push_back(decode_status(each.status()));
  }
  return body;
}

protocol::executor_call::Update decode_update(const PbCall::Update& in) {
  protocol::executor_call::Update body;
  body.status = decode_status(in.status());
  body.has_uuid = body.status.uuid.has_value();
  body.has_source = in.status().has_source() && body.status.source == StatusSource::kExecutor;
  return body;
}

std::expected<decltype(ExecutorCall::body), HttpAnswer> decode_body(PbCall& in) {
  switch (in.type()) {
    case PbCall::SUBSCRIBE:
      return decode_subscribe(in.subscribe());
    case PbCall::UPDATE:
      if (!in.has_update()) return absent("update");
      return decode_update(in.update());
    case PbCall::MESSAGE:
      if (!in.has_message()) return absent("message");
      return protocol::executor_call::Message{
          Blob(std::move(*in.mutable_message()->mutable_data()))};
    case PbCall::HEARTBEAT:
      return protocol::executor_call::Heartbeat{};
    case PbCall::UNKNOWN:
      break;
  }
  return std::unexpected(HttpAnswer{kNotImplemented, "A call of type UNKNOWN is not implemented"});
}

// --- events out

void encode_event(const protocol::executor_event::Subscribed& event, PbEvent& out) {
  out.set_type(PbEvent::SUBSCRIBED);
  auto& body = *out.mutable_subscribed();
  auto& executor = *body.mutable_executor_info();
  encode_executor(event.executor, executor);
  if (!executor.has_framework_id()) {
    executor.mutable_framework_id()->set_value(event.framework.id.value);
  }
  encode_framework(event.framework, *body.mutable_framework_info());
  encode_agent(event.agent, *body.mutable_agent_info());
  if (!event.container.empty()) body.mutable_container_id()->set_value(event.container.value);
}

void encode_event(const protocol::executor_event::Launch& event, PbEvent& out) {
  out.set_type(PbEvent::LAUNCH);
  encode_task(event.task, *out.mutable_launch()->mutable_task());
}

void encode_event(const protocol::executor_event::LaunchGroup& event, PbEvent& out) {
  out.set_type(PbEvent::LAUNCH_GROUP);
  auto& group = *out.mutable_launch_group()->mutable_task_group();
  for (const TaskSpec& task : event.tasks) encode_task(task, *group.add_tasks());
}

void encode_event(const protocol::executor_event::Kill& event, PbEvent& out) {
  out.set_type(PbEvent::KILL);
  auto& body = *out.mutable_kill();
  body.mutable_task_id()->set_value(event.task.value);
  if (event.grace) {
    body.mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(event.grace->count());
  }
}

void encode_event(const protocol::executor_event::Acknowledged& event, PbEvent& out) {
  out.set_type(PbEvent::ACKNOWLEDGED);
  out.mutable_acknowledged()->mutable_task_id()->set_value(event.task.value);
  out.mutable_acknowledged()->set_uuid(event.uuid.to_bytes());
}

void encode_event(const protocol::executor_event::Message& event, PbEvent& out) {
  out.set_type(PbEvent::MESSAGE);
  out.mutable_message()->set_data(event.data.view().data(), event.data.size());
}

void encode_event(const protocol::executor_event::Shutdown&, PbEvent& out) {
  out.set_type(PbEvent::SHUTDOWN);
}

void encode_event(const protocol::executor_event::Error& event, PbEvent& out) {
  out.set_type(PbEvent::ERROR);
  out.mutable_error()->set_message(event.message);
}

void encode_event(const protocol::executor_event::Heartbeat&, PbEvent& out) {
  out.set_type(PbEvent::HEARTBEAT);
}

// --- calls out

void encode_call(const protocol::executor_call::Subscribe& call, PbCall& out) {
  out.set_type(PbCall::SUBSCRIBE);
  auto& body = *out.mutable_subscribe();
  for (const TaskSpec& task : call.unacknowledged_tasks) {
    encode_task(task, *body.add_unacknowledged_tasks());
  }
  for (const TaskStatus& status : call.unacknowledged_updates) {
    encode_status(status, *body.add_unacknowledged_updates()->mutable_status());
  }
}

void encode_call(const protocol::executor_call::Update& call, PbCall& out) {
  out.set_type(PbCall::UPDATE);
  encode_status(call.status, *out.mutable_update()->mutable_status());
}

void encode_call(const protocol::executor_call::Message& call, PbCall& out) {
  out.set_type(PbCall::MESSAGE);
  out.mutable_message()->set_data(call.data.view().data(), call.data.size());
}

void encode_call(const protocol::executor_call::Heartbeat&, PbCall& out) {
  out.set_type(PbCall::HEARTBEAT);
}

// --- events in

using DecodedEvent = Result<std::optional<ExecutorEvent>>;

DecodedEvent absent_in_event(std::string_view field) {
  return fail("the event has no '{}', which its type demands", field);
}

DecodedEvent decode_acknowledged(const PbEvent::Acknowledged& in) {
  const auto uuid = Uuid::from_bytes(in.uuid());
  if (!uuid) return fail("'acknowledged.uuid' must be 16 bytes, not {}", in.uuid().size());
  return protocol::executor_event::Acknowledged{TaskId(in.task_id().value()), *uuid};
}

protocol::executor_event::Kill decode_kill(const PbEvent::Kill& in) {
  protocol::executor_event::Kill kill{TaskId(in.task_id().value()), std::nullopt};
  if (in.kill_policy().has_grace_period()) {
    kill.grace = decode_span(in.kill_policy().grace_period());
  }
  return kill;
}

DecodedEvent decode_event(PbEvent& in) {
  switch (in.type()) {
    case PbEvent::SUBSCRIBED:
      if (!in.has_subscribed()) return absent_in_event("subscribed");
      return protocol::executor_event::Subscribed{
          decode_executor(in.subscribed().executor_info()).spec,
          decode_framework(in.subscribed().framework_info()),
          decode_agent(in.subscribed().agent_info()),
          ContainerId(in.subscribed().container_id().value())};
    case PbEvent::LAUNCH:
      if (!in.has_launch()) return absent_in_event("launch");
      return protocol::executor_event::Launch{decode_copy(in.launch().task())};
    case PbEvent::LAUNCH_GROUP:
      if (!in.has_launch_group()) return absent_in_event("launch_group");
      return protocol::executor_event::LaunchGroup{
          decode_tasks(in.launch_group().task_group().tasks())};
    case PbEvent::KILL:
      if (!in.has_kill()) return absent_in_event("kill");
      return decode_kill(in.kill());
    case PbEvent::ACKNOWLEDGED:
      if (!in.has_acknowledged()) return absent_in_event("acknowledged");
      return decode_acknowledged(in.acknowledged());
    case PbEvent::MESSAGE:
      if (!in.has_message()) return absent_in_event("message");
      return protocol::executor_event::Message{
          Blob(std::move(*in.mutable_message()->mutable_data()))};
    case PbEvent::SHUTDOWN:
      return protocol::executor_event::Shutdown{};
    case PbEvent::ERROR:
      if (!in.has_error()) return absent_in_event("error");
      return protocol::executor_event::Error{in.error().message()};
    case PbEvent::HEARTBEAT:
      return protocol::executor_event::Heartbeat{};
    case PbEvent::UNKNOWN:
      break;
  }
  return std::nullopt;
}

}  // namespace

std::expected<ExecutorCall, HttpAnswer> decode_executor_call(std::string_view body,
                                                             ContentType type) {
  ScratchArena arena;
  auto& in = arena.create<PbCall>();
  if (auto parsed = parse_message(body, type, in); !parsed) {
    return std::unexpected(HttpAnswer{
        kBadRequest, "Failed to parse body into Call protobuf: " + parsed.error().message});
  }
  if (!in.has_type()) return absent("type");
  auto decoded = decode_body(in);
  if (!decoded) return std::unexpected(decoded.error());
  return ExecutorCall{FrameworkId(in.framework_id().value()), ExecutorId(in.executor_id().value()),
                      std::move(*decoded)};
}

void append_executor_event(std::string& out, const ExecutorEvent& event, ContentType type) {
  ScratchArena arena;
  auto& message = arena.create<PbEvent>();
  std::visit([&](const auto& body) { encode_event(body, message); }, event);
  append_message(out, message, type);
}

std::string encode_executor_call(const ExecutorCall& call, ContentType type) {
  ScratchArena arena;
  auto& message = arena.create<PbCall>();
  message.mutable_framework_id()->set_value(call.framework.value);
  message.mutable_executor_id()->set_value(call.executor.value);
  std::visit([&](const auto& body) { encode_call(body, message); }, call.body);
  std::string bytes;
  append_message(bytes, message, type);
  return bytes;
}

Result<std::optional<ExecutorEvent>> decode_executor_event(std::string_view record,
                                                           ContentType type) {
  ScratchArena arena;
  auto& message = arena.create<PbEvent>();
  if (auto parsed = parse_message(record, type, message); !parsed) {
    return std::unexpected(parsed.error());
  }
  return decode_event(message);
}

}  // namespace souk::wire
