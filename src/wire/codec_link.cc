#include "wire/codec_link.h"

#include <limits>

#include "souk/link.pb.h"
#include "wire/codec_model.h"
#include "wire/message_codec.h"
#include "wire/overloaded.h"

namespace souk::wire {
namespace {

namespace lp = ::souk::link;
using protocol::AgentMessage;
using protocol::MasterFrame;
using protocol::MasterMessage;

// --- what both directions carry

void encode(const FrameworkInfo& framework, lp::Framework& out) {
  out.set_id(framework.id.value);
  ScratchArena arena;
  auto& info = arena.create<pb::FrameworkInfo>();
  // The fields count, not `raw` alone: a master may keep an older value of one.
  encode_framework_but_id(framework, info);
  out.set_info(serialize(info));
}

Result<FrameworkInfo> decode(const lp::Framework& in) {
  ScratchArena arena;
  auto& info = arena.create<pb::FrameworkInfo>();
  if (auto parsed = parse_binary(in.info(), info); !parsed) {
    return fail("framework: {}", parsed.error().message);
  }
  FrameworkInfo framework = decode_framework(info);
  framework.id.value = in.id();
  return framework;
}

bool only_ids(const ExecutorSpec& executor) {
  ExecutorSpec ids;
  ids.id = executor.id;
  ids.framework_id = executor.framework_id;
  return executor == ids;
}

void encode(const ExecutorSpec& executor, lp::Executor& out) {
  out.set_id(executor.id.value);
  if (!executor.framework_id.empty()) out.set_framework_id(executor.framework_id.value);
  if (!executor.raw.empty()) {
    out.set_info(executor.raw.view().data(), executor.raw.size());
  } else if (!only_ids(executor)) {
    ScratchArena arena;
    auto& info = arena.create<pb::ExecutorInfo>();
    encode_executor(executor, info);
    out.set_info(serialize(info));
  }
}

Result<ExecutorSpec> decode(const lp::Executor& in) {
  ExecutorSpec executor;
  if (in.has_info()) {
    ScratchArena arena;
    auto& info = arena.create<pb::ExecutorInfo>();
    if (auto parsed = parse_binary(in.info(), info); !parsed) {
      return fail("executor: {}", parsed.error().message);
    }
    executor = decode_executor(info).spec;
  }
  executor.id.value = in.id();
  executor.framework_id.value = in.framework_id();
  return executor;
}

void encode(const TaskSpec& task, lp::Task& out) {
  out.set_id(task.id.value);
  out.set_name(task.name);
  out.set_agent_id(task.agent_id->value);
  if (!task.raw.empty()) {
    out.set_info(task.raw.view().data(), task.raw.size());
    return;
  }
  ScratchArena arena;
  auto& info = arena.create<pb::TaskInfo>();
  encode_task(task, info);
  out.set_info(serialize_rest(info));
}

Result<TaskSpec> decode(lp::Task& in) {
  ScratchArena arena;
  auto& info = arena.create<pb::TaskInfo>();
  auto parsed = parse_rest(in.info(), info);
  if (in.has_id()) info.mutable_task_id()->set_value(std::move(*in.mutable_id()));
  if (in.has_name()) info.set_name(std::move(*in.mutable_name()));
  if (in.has_agent_id()) info.mutable_agent_id()->set_value(std::move(*in.mutable_agent_id()));
  if (parsed) parsed = check_required(info);
  if (!parsed) return fail("task: {}", parsed.error().message);
  return decode_task(info, Blob(in.info()));
}

void encode(const AgentInfo& agent, lp::Agent& out) {
  out.set_id(agent.id.value);
  out.set_hostname(agent.hostname);
  out.set_ip(agent.ip);
  out.set_port(agent.port);
  encode_resources(agent.resources, ReservationFormat::kStack, {}, *out.mutable_resources());
  for (const Attribute& each : agent.attributes) encode_attribute(each, *out.add_attributes());
  out.set_region(agent.domain.region);
  out.set_zone(agent.domain.zone);
  out.set_version(agent.version);
  if (agent.short_slots.empty()) return;
  encode_resources(agent.short_slots, ReservationFormat::kStack, {}, *out.mutable_short_slots());
  out.set_short_slot_limit_ns(agent.short_slot_limit.count());
}

Result<AgentInfo> decode(const lp::Agent& in) {
  AgentInfo agent;
  agent.id.value = in.id();
  agent.hostname = in.hostname();
  agent.ip = in.ip();
  if (in.port() > std::numeric_limits<uint16_t>::max()) return fail("{} is no port", in.port());
  agent.port = static_cast<uint16_t>(in.port());
  DecodedResources resources = decode_resources(in.resources());
  if (!resources.error.empty()) return fail("{}", resources.error);
  agent.resources = std::move(resources.resources);
  for (const auto& each : in.attributes()) {
    auto attribute = decode_attribute(each);
    if (!attribute) return std::unexpected(attribute.error());
    agent.attributes.push_back(std::move(*attribute));
  }
  agent.domain = {in.region(), in.zone()};
  agent.version = in.version();
  DecodedResources short_slots = decode_resources(in.short_slots());
  if (!short_slots.error.empty()) return fail("short slots: {}", short_slots.error);
  agent.short_slots = std::move(short_slots.resources);
  agent.short_slot_limit = cut_span(Duration(in.short_slot_limit_ns()));
  if (!agent.short_slots.empty() && agent.short_slot_limit <= Duration::zero()) {
    return fail("short slots need a limit above 0, not {} ns", in.short_slot_limit_ns());
  }
  return agent;
}

void encode(const TaskStatus& status, lp::Status& out) {
  out.set_task_id(status.task_id.value);
  out.set_state(static_cast<uint32_t>(status.state));
  out.set_source(static_cast<uint32_t>(status.source));
  if (status.reason) out.set_reason(static_cast<uint32_t>(*status.reason));
  if (!status.message.empty()) out.set_message(status.message);
  out.set_agent_id(status.agent_id.value);
  if (!status.executor_id.empty()) out.set_executor_id(status.executor_id.value);
  out.set_timestamp_ns(status.timestamp.time_since_epoch().count());
  if (status.uuid) out.set_uuid(status.uuid->to_bytes());
  if (status.healthy) out.set_healthy(*status.healthy);
  if (status.unreachable_time) {
    out.set_unreachable_ns(status.unreachable_time->time_since_epoch().count());
  }
  encode_labels(status.labels, *out.mutable_labels());
  if (!status.container_id.empty()) out.set_container_id(status.container_id.value);
  if (!status.raw.empty()) out.set_rest(status.raw.view().data(), status.raw.size());
}

Result<TaskState> decode_state(uint32_t number) {
  const auto state = task_state(number);
  if (!state) return fail("{} is no state of a task that this version knows", number);
  return *state;
}

Result<TaskStatus> decode(lp::Status& in) {
  TaskStatus status;
  status.task_id.value = in.task_id();
  const auto state = decode_state(in.state());
  if (!state) return std::unexpected(state.error());
  status.state = *state;
  status.source = status_source(in.source()).value_or(StatusSource::kAgent);
  if (in.has_reason()) status.reason = reason(in.reason());
  status.message = in.message();
  status.agent_id.value = in.agent_id();
  status.executor_id.value = in.executor_id();
  status.timestamp = WallTime(cut_span(Duration(in.timestamp_ns())));
  if (in.has_uuid()) {
    status.uuid = Uuid::from_bytes(in.uuid());
    if (!status.uuid) return fail("a uuid has 16 bytes, not {}", in.uuid().size());
  }
  if (in.has_healthy()) status.healthy = in.healthy();
  if (in.has_unreachable_ns())
    status.unreachable_time = WallTime(cut_span(Duration(in.unreachable_ns())));
  status.labels = decode_labels(in.labels());
  status.container_id.value = in.container_id();
  status.raw = Blob(std::move(*in.mutable_rest()));
  return status;
}

template <class Message>
void encode_message(const Message& message, lp::FrameworkMessage& out) {
  out.set_framework_id(message.framework_id.value);
  out.set_executor_id(message.executor_id.value);
  out.set_data(message.data.view().data(), message.data.size());
}

template <class Message>
Message decode_message(lp::FrameworkMessage& in) {
  return {FrameworkId(in.framework_id()), ExecutorId(in.executor_id()),
          Blob(std::move(*in.mutable_data()))};
}

// --- agent to master

void encode(const protocol::TaskRecord& record, lp::TaskRecord& out) {
  out.set_framework_id(record.framework_id.value);
  out.set_executor_id(record.executor_id.value);
  out.set_role(record.role);
  encode(record.spec, *out.mutable_spec());
  out.set_state(static_cast<uint32_t>(record.state));
  out.set_command_task(record.command_task);
  if (record.short_slot) out.set_short_slot(true);
}

Result<protocol::TaskRecord> decode(lp::TaskRecord& in) {
  auto spec = decode(*in.mutable_spec());
  if (!spec) return std::unexpected(spec.error());
  const auto state = decode_state(in.state());
  if (!state) return std::unexpected(state.error());
  return protocol::TaskRecord{FrameworkId(in.framework_id()),
                              ExecutorId(in.executor_id()),
                              in.role(),
                              std::move(*spec),
                              *state,
                              in.command_task(),
                              in.short_slot()};
}

void encode(const protocol::ExecutorRecord& record, lp::ExecutorRecord& out) {
  out.set_framework_id(record.framework_id.value);
  out.set_role(record.role);
  encode(record.spec, *out.mutable_spec());
}

Result<protocol::ExecutorRecord> decode(const lp::ExecutorRecord& in) {
  auto spec = decode(in.spec());
  if (!spec) return std::unexpected(spec.error());
  return protocol::ExecutorRecord{FrameworkId(in.framework_id()), in.role(), std::move(*spec)};
}

// Decodes each element into `out`; the first error ends it.
template <class Out>
Result<void> decode_all(auto& in, std::vector<Out>& out) {
  out.reserve(static_cast<std::size_t>(in.size()));
  for (auto& each : in) {
    auto decoded = decode(each);
    if (!decoded) return std::unexpected(decoded.error());
    out.push_back(std::move(*decoded));
  }
  return {};
}

void encode(const protocol::to_master::Register& message, lp::AgentMessage::Register& out) {
  encode(message.agent, *out.mutable_agent());
  for (const auto& each : message.frameworks) encode(each, *out.add_frameworks());
  for (const auto& each : message.executors) encode(each, *out.add_executors());
  for (const auto& each : message.tasks) encode(each, *out.add_tasks());
}

void encode(const protocol::to_master::FileAnswer& answer, lp::AgentMessage::FileAnswer& out) {
  out.set_request(answer.request);
  out.set_http_status(answer.http_status);
  out.set_body(answer.body);
  out.set_content_type(answer.content_type);
}

void encode(const AgentMessage& message, lp::AgentMessage& out) {
  using namespace protocol::to_master;
  std::visit(Overloaded{
                 [&](const Hello& hello) {
                   auto& body = *out.mutable_hello();
                   body.set_protocol_min(hello.protocol_min);
                   body.set_protocol_max(hello.protocol_max);
                   body.set_version(hello.version);
                   body.set_cluster_id(hello.cluster_id);
                 },
                 [&](const Register& body) { encode(body, *out.mutable_register_()); },
                 [&](const StatusUpdate& update) {
                   auto& body = *out.mutable_status_update();
                   body.set_framework_id(update.framework_id.value);
                   encode(update.status, *body.mutable_status());
                   body.set_latest_state(static_cast<uint32_t>(update.latest_state));
                 },
                 [&](const ExecutorTerminated& terminated) {
                   auto& body = *out.mutable_executor_terminated();
                   body.set_framework_id(terminated.framework_id.value);
                   body.set_executor_id(terminated.executor_id.value);
                   body.set_status(terminated.status);
                 },
                 [&](const FrameworkMessage& body) {
                   encode_message(body, *out.mutable_framework_message());
                 },
                 [&](const Pong&) { out.mutable_pong(); },
                 [&](const Unregister&) { out.mutable_unregister(); },
                 [&](const FileAnswer& body) { encode(body, *out.mutable_file_answer()); },
             },
             message);
}

using DecodedAgent = Result<std::optional<AgentMessage>>;

DecodedAgent decode_register(lp::AgentMessage::Register& in) {
  auto agent = decode(in.agent());
  if (!agent) return fail("register: {}", agent.error().message);
  protocol::to_master::Register out;
  out.agent = std::move(*agent);
  if (auto all = decode_all(*in.mutable_frameworks(), out.frameworks); !all) {
    return std::unexpected(all.error());
  }
  if (auto all = decode_all(*in.mutable_executors(), out.executors); !all) {
    return std::unexpected(all.error());
  }
  if (auto all = decode_all(*in.mutable_tasks(), out.tasks); !all) {
    return std::unexpected(all.error());
  }
  return out;
}

DecodedAgent decode_update(lp::AgentMessage::StatusUpdate& in) {
  auto status = decode(*in.mutable_status());
  if (!status) return fail("status update: {}", status.error().message);
  const auto latest = decode_state(in.latest_state());
  if (!latest) return fail("status update: {}", latest.error().message);
  return protocol::to_master::StatusUpdate{FrameworkId(in.framework_id()), std::move(*status),
                                           *latest};
}

DecodedAgent decode_body(lp::AgentMessage& in) {
  using namespace protocol::to_master;
  switch (in.body_case()) {
    case lp::AgentMessage::kHello:
      return Hello{in.hello().protocol_min(), in.hello().protocol_max(), in.hello().version(),
                   in.hello().cluster_id()};
    case lp::AgentMessage::kRegister:
      return decode_register(*in.mutable_register_());
    case lp::AgentMessage::kStatusUpdate:
      return decode_update(*in.mutable_status_update());
    case lp::AgentMessage::kExecutorTerminated:
      return ExecutorTerminated{FrameworkId(in.executor_terminated().framework_id()),
                                ExecutorId(in.executor_terminated().executor_id()),
                                in.executor_terminated().status()};
    case lp::AgentMessage::kFrameworkMessage:
      return decode_message<FrameworkMessage>(*in.mutable_framework_message());
    case lp::AgentMessage::kPong:
      return Pong{};
    case lp::AgentMessage::kUnregister:
      return Unregister{};
    case lp::AgentMessage::kFileAnswer:
      return FileAnswer{in.file_answer().request(), in.file_answer().http_status(),
                        std::move(*in.mutable_file_answer()->mutable_body()),
                        in.file_answer().content_type()};
    case lp::AgentMessage::BODY_NOT_SET:
      break;
  }
  return std::nullopt;
}

// --- master to agent

void encode(const protocol::to_agent::RunTasks& run, lp::MasterFrame::RunTasks& out) {
  encode(run.framework, *out.mutable_framework());
  out.set_role(run.role);
  out.set_command_task(run.command_task);
  out.set_group(run.group);
  encode(run.executor, *out.mutable_executor());
  for (const TaskSpec& task : run.tasks) encode(task, *out.add_tasks());
  if (run.short_slots) out.set_short_slots(true);
  if (run.executor_runs) out.set_executor_runs(true);
}

void encode(const protocol::to_agent::KillTask& kill, lp::MasterFrame::KillTask& out) {
  out.set_framework_id(kill.framework_id.value);
  out.set_task_id(kill.task_id.value);
  if (kill.grace) out.set_grace_ns(kill.grace->count());
  if (kill.reason) out.set_reason(static_cast<uint32_t>(*kill.reason));
}

void encode(const protocol::to_agent::FileRequest& file, lp::MasterFrame::FileRequest& out) {
  out.set_request(file.request);
  out.set_kind(static_cast<uint32_t>(file.kind));
  out.set_path(file.path);
  out.set_offset(file.offset);
  out.set_length(file.length);
}

void encode(const MasterMessage& message, lp::MasterFrame& out) {
  using namespace protocol::to_agent;
  std::visit(
      Overloaded{
          [&](const Welcome& welcome) {
            out.mutable_welcome()->set_protocol(welcome.protocol);
            out.mutable_welcome()->set_cluster_id(welcome.cluster_id);
          },
          [&](const Refused& refused) { out.mutable_refused()->set_reason(refused.reason); },
          [&](const Registered& registered) {
            auto& body = *out.mutable_registered();
            body.set_agent_id(registered.agent_id.value);
            body.set_ping_interval_ns(registered.ping_interval.count());
            body.set_max_missed_pings(registered.max_missed_pings);
          },
          [&](const RunTasks& run) { encode(run, *out.mutable_run_tasks()); },
          [&](const KillTask& kill) { encode(kill, *out.mutable_kill_task()); },
          [&](const ShutdownExecutor& shutdown) {
            auto& body = *out.mutable_shutdown_executor();
            body.set_framework_id(shutdown.framework_id.value);
            body.set_executor_id(shutdown.executor_id.value);
          },
          [&](const ShutdownFramework& shutdown) {
            out.mutable_shutdown_framework()->set_framework_id(shutdown.framework_id.value);
          },
          [&](const UpdateFramework& update) {
            encode(update.framework, *out.mutable_update_framework()->mutable_framework());
          },
          [&](const Acknowledge& acknowledge) {
            auto& body = *out.mutable_acknowledge();
            body.set_framework_id(acknowledge.framework_id->value);
            body.set_task_id(acknowledge.task_id.value);
            body.set_uuid(acknowledge.uuid.to_bytes());
          },
          [&](const FrameworkMessage& body) {
            encode_message(body, *out.mutable_framework_message());
          },
          [&](const Ping&) { out.mutable_ping(); },
          [&](const Shutdown& shutdown) { out.mutable_shutdown()->set_reason(shutdown.reason); },
          [&](const FileRequest& file) { encode(file, *out.mutable_file_request()); },
      },
      message);
}

using DecodedMaster = Result<std::optional<MasterMessage>>;

DecodedMaster decode_run_tasks(lp::MasterFrame::RunTasks& in) {
  auto framework = decode(in.framework());
  if (!framework) return fail("run tasks: {}", framework.error().message);
  auto executor = decode(in.executor());
  if (!executor) return fail("run tasks: {}", executor.error().message);
  protocol::to_agent::RunTasks out{
      std::move(*framework), in.role(), in.command_task(), in.group(),
      std::move(*executor),  {},        in.short_slots(),  in.executor_runs()};
  if (auto all = decode_all(*in.mutable_tasks(), out.tasks); !all) {
    return fail("run tasks: {}", all.error().message);
  }
  return out;
}

DecodedMaster decode_update_framework(const lp::MasterFrame::UpdateFramework& in) {
  auto framework = decode(in.framework());
  if (!framework) return fail("update framework: {}", framework.error().message);
  return protocol::to_agent::UpdateFramework{std::move(*framework)};
}

DecodedMaster decode_acknowledge(const lp::MasterFrame::Acknowledge& in) {
  const auto uuid = Uuid::from_bytes(in.uuid());
  if (!uuid) return fail("acknowledge: a uuid has 16 bytes, not {}", in.uuid().size());
  return protocol::to_agent::Acknowledge{FrameworkId(in.framework_id()), TaskId(in.task_id()),
                                         *uuid};
}

DecodedMaster decode_file_request(const lp::MasterFrame::FileRequest& in) {
  using Kind = protocol::to_agent::FileRequest::Kind;
  if (in.kind() > static_cast<uint32_t>(Kind::kRaw)) return std::nullopt;
  return protocol::to_agent::FileRequest{in.request(), static_cast<Kind>(in.kind()), in.path(),
                                         in.offset(), in.length()};
}

protocol::to_agent::KillTask decode_kill(const lp::MasterFrame::KillTask& in) {
  protocol::to_agent::KillTask kill{FrameworkId(in.framework_id()), TaskId(in.task_id()), {}, {}};
  if (in.has_grace_ns()) kill.grace = cut_span(Duration(in.grace_ns()));
  if (in.has_reason()) kill.reason = reason(in.reason());
  return kill;
}

DecodedMaster decode_body(lp::MasterFrame& in) {
  using namespace protocol::to_agent;
  switch (in.body_case()) {
    case lp::MasterFrame::kWelcome:
      return Welcome{in.welcome().protocol(), in.welcome().cluster_id()};
    case lp::MasterFrame::kRefused:
      return Refused{in.refused().reason()};
    case lp::MasterFrame::kRegistered:
      return Registered{AgentId(in.registered().agent_id()),
                        cut_span(Duration(in.registered().ping_interval_ns())),
                        in.registered().max_missed_pings()};
    case lp::MasterFrame::kRunTasks:
      return decode_run_tasks(*in.mutable_run_tasks());
    case lp::MasterFrame::kKillTask:
      return decode_kill(in.kill_task());
    case lp::MasterFrame::kShutdownExecutor:
      return ShutdownExecutor{FrameworkId(in.shutdown_executor().framework_id()),
                              ExecutorId(in.shutdown_executor().executor_id())};
    case lp::MasterFrame::kShutdownFramework:
      return ShutdownFramework{FrameworkId(in.shutdown_framework().framework_id())};
    case lp::MasterFrame::kUpdateFramework:
      return decode_update_framework(in.update_framework());
    case lp::MasterFrame::kAcknowledge:
      return decode_acknowledge(in.acknowledge());
    case lp::MasterFrame::kFrameworkMessage:
      return decode_message<FrameworkMessage>(*in.mutable_framework_message());
    case lp::MasterFrame::kPing:
      return Ping{};
    case lp::MasterFrame::kShutdown:
      return Shutdown{in.shutdown().reason()};
    case lp::MasterFrame::kFileRequest:
      return decode_file_request(in.file_request());
    case lp::MasterFrame::BODY_NOT_SET:
      break;
  }
  return std::nullopt;
}

// --- frames

Result<void> append_frame(std::string& out, const google::protobuf::MessageLite& message) {
  const std::size_t size = message.ByteSizeLong();
  if (size > kMaxLinkFrame) {
    return fail("a message of {} bytes does not fit into a frame of the link: at most {} do", size,
                kMaxLinkFrame);
  }
  const std::size_t start = out.size();
  out.resize(start + kLinkHeaderBytes + size);
  for (std::size_t i = 0; i < kLinkHeaderBytes; ++i) {
    out[start + i] = static_cast<char>(size >> (8 * (kLinkHeaderBytes - 1 - i)));
  }
  message.SerializeWithCachedSizesToArray(
      reinterpret_cast<uint8_t*>(out.data() + start + kLinkHeaderBytes));
  return {};
}

}  // namespace

Result<void> append_link_frame(std::string& out, const AgentMessage& message) {
  ScratchArena arena;
  auto& encoded = arena.create<lp::AgentMessage>();
  encode(message, encoded);
  return append_frame(out, encoded);
}

Result<void> append_link_frame(std::string& out, const MasterFrame& frame) {
  ScratchArena arena;
  auto& encoded = arena.create<lp::MasterFrame>();
  encoded.set_epoch(frame.epoch);
  encode(frame.message, encoded);
  return append_frame(out, encoded);
}

Result<std::optional<AgentMessage>> decode_agent_message(std::string_view bytes) {
  ScratchArena arena;
  auto& message = arena.create<lp::AgentMessage>();
  if (auto parsed = parse_binary(bytes, message); !parsed) return std::unexpected(parsed.error());
  return decode_body(message);
}

Result<std::optional<MasterFrame>> decode_master_frame(std::string_view bytes) {
  ScratchArena arena;
  auto& frame = arena.create<lp::MasterFrame>();
  if (auto parsed = parse_binary(bytes, frame); !parsed) return std::unexpected(parsed.error());
  auto message = decode_body(frame);
  if (!message) return std::unexpected(message.error());
  if (!*message) return std::nullopt;
  return MasterFrame{frame.epoch(), std::move(**message)};
}

}  // namespace souk::wire
