// Tasks, executors and states of mesos.v1 <-> model/task.h.
#include <algorithm>

#include "base/text.h"
#include "wire/codec_model.h"
#include "wire/message_codec.h"

namespace souk::wire {
namespace {

// A container is asked for as soon as anything but "of type MESOS" is said of it, even by fields
// that this version does not know. Volumes are named on their own.
void find_container_features(const pb::ContainerInfo& in, Features& features) {
  if (!in.volumes().empty()) features.add(Feature::kVolumes);
  if (in.type() != pb::ContainerInfo::MESOS) return features.add(Feature::kContainer);
  pb::ContainerInfo rest = in;
  rest.clear_type();
  rest.clear_volumes();
  if (rest.has_mesos() && rest.mesos().ByteSizeLong() == 0) rest.clear_mesos();
  if (rest.ByteSizeLong() > 0) features.add(Feature::kContainer);
}

void find_command_features(const pb::CommandInfo& in, Features& features) {
  if (!in.uris().empty()) features.add(Feature::kUris);
  for (const auto& variable : in.environment().variables()) {
    if (variable.has_secret() || variable.type() == pb::Environment::Variable::SECRET) {
      features.add(Feature::kSecrets);
    }
  }
}

void find_resource_features(const Resources& resources, Features& features) {
  for (const Resource& resource : resources.items()) {
    if (!resource.disk.empty()) features.add(Feature::kDisk);
    if (resource.name == kGpus) features.add(Feature::kGpus);
    if (resource.revocable) features.add(Feature::kRevocable);
    if (resource.shared) features.add(Feature::kShared);
    if (!resource.reservations->empty()) features.add(Feature::kReservation);
  }
}

void find_task_features(const pb::TaskInfo& in, TaskSpec& task) {
  if (in.has_command()) find_command_features(in.command(), task.features);
  if (in.has_container()) find_container_features(in.container(), task.features);
  if (in.has_health_check()) task.features.add(Feature::kHealthCheck);
  if (in.has_check()) task.features.add(Feature::kCheck);
  if (!in.limits().empty()) task.features.add(Feature::kLimits);
  find_resource_features(task.resources, task.features);
}

void set_span(std::optional<Duration> span, bool has, const pb::DurationInfo& there,
              auto mutable_span) {
  if (span && (!has || decode_span(there) != *span)) {
    mutable_span()->set_nanoseconds(span->count());
  }
}

void lay_resources(const Resources& resources, std::string_view allocation_role,
                   Repeated<pb::Resource>& out) {
  if (!out.empty() && decode_resources(out).resources == resources) return;
  out.Clear();
  encode_resources(resources, ReservationFormat::kStack, allocation_role, out);
}

// What decode_status() puts into fields of its own, away; the rest is TaskStatus::raw.
std::string serialize_rest(pb::TaskStatus& status) {
  status.clear_task_id();
  status.clear_state();
  status.clear_message();
  status.clear_source();
  status.clear_reason();
  status.clear_agent_id();
  status.clear_executor_id();
  status.clear_timestamp();
  status.clear_uuid();
  status.clear_healthy();
  status.clear_labels();
  status.clear_unreachable_time();
  if (status.has_container_status()) {
    auto& container = *status.mutable_container_status();
    // The parent of a nested container has no other place.
    if (!container.container_id().has_parent()) container.clear_container_id();
    if (container.ByteSizeLong() == 0) status.clear_container_status();
  }
  return serialize(status);
}

WallTime decode_wall_seconds(double seconds) { return WallTime(decode_span(seconds)); }

template <class Enum>
std::optional<Enum> checked_enum(uint32_t number, Enum last) {
  if (number > static_cast<uint32_t>(last)) return std::nullopt;
  return static_cast<Enum>(number);
}

}  // namespace

std::optional<TaskState> task_state(uint32_t number) {
  return checked_enum(number, TaskState::kUnknown);
}
std::optional<StatusSource> status_source(uint32_t number) {
  return checked_enum(number, StatusSource::kExecutor);
}
std::optional<Reason> reason(uint32_t number) {
  return checked_enum(number, Reason::kAgentDraining);
}

DecodedExecutor decode_executor(const pb::ExecutorInfo& in) {
  DecodedExecutor out;
  ExecutorSpec& spec = out.spec;
  spec.id.value = in.executor_id().value();
  spec.framework_id.value = in.framework_id().value();
  spec.type = static_cast<ExecutorSpec::Type>(in.type());
  spec.has_command = in.has_command();
  spec.name = in.name();
  out.resources = decode_resources(in.resources());
  spec.resources = std::move(out.resources.resources);
  if (in.has_shutdown_grace_period()) spec.shutdown_grace = decode_span(in.shutdown_grace_period());
  if (in.has_command()) find_command_features(in.command(), spec.features);
  if (in.has_container()) find_container_features(in.container(), spec.features);
  find_resource_features(spec.resources, spec.features);
  spec.raw = Blob(serialize(in));
  return out;
}

void encode_executor(const ExecutorSpec& executor, pb::ExecutorInfo& out) {
  if (!executor.raw.empty() && !parse_binary(executor.raw.view(), out)) out.Clear();
  out.mutable_executor_id()->set_value(executor.id.value);
  if (!executor.framework_id.empty()) {
    out.mutable_framework_id()->set_value(executor.framework_id.value);
  }
  if (executor.type != ExecutorSpec::Type::kUnknown) {
    out.set_type(static_cast<pb::ExecutorInfo::Type>(executor.type));
  }
  if (out.name() != executor.name) out.set_name(executor.name);
  lay_resources(executor.resources, {}, *out.mutable_resources());
  set_span(executor.shutdown_grace, out.has_shutdown_grace_period(), out.shutdown_grace_period(),
           [&] { return out.mutable_shutdown_grace_period(); });
}

void add_executor_resources(TaskSpec& task, const ExecutorId& executor,
                            const DecodedResources& resources) {
  if (!task.resource_error && !resources.error.empty()) {
    task.resource_error = fmt::format("executor {}: {}", quote(executor.value), resources.error);
  }
  task.mixed_allocation_roles |= resources.mixed_allocation_roles;
  if (!resources.allocation_role) return;
  if (!task.allocation_role) {
    task.allocation_role = resources.allocation_role;
  } else if (*task.allocation_role != *resources.allocation_role) {
    task.mixed_allocation_roles = true;
  }
}

TaskSpec decode_task(pb::TaskInfo& in, Blob raw) {
  TaskSpec task;
  task.id.value = in.task_id().value();
  task.name = in.name();
  task.agent_id.own().value = in.agent_id().value();
  DecodedResources resources = decode_resources(in.resources());
  task.resources = std::move(resources.resources);
  task.allocation_role = std::move(resources.allocation_role);
  task.mixed_allocation_roles = resources.mixed_allocation_roles;
  if (!resources.error.empty()) task.resource_error = std::move(resources.error);
  if (in.has_executor()) {
    DecodedExecutor executor = decode_executor(in.executor());
    add_executor_resources(task, executor.spec.id, executor.resources);
    task.executor = std::move(executor.spec);
  }
  task.has_command = in.has_command();
  if (in.kill_policy().has_grace_period()) {
    task.kill_grace = decode_span(in.kill_policy().grace_period());
  }
  if (in.has_max_completion_time())
    task.max_completion_time = decode_span(in.max_completion_time());
  find_task_features(in, task);
  task.raw = raw.empty() ? Blob(serialize_rest(in)) : std::move(raw);
  return task;
}

// There may be a hundred thousand tasks, and this is half of what is said of most.
std::string serialize_rest(pb::TaskInfo& task) {
  task.clear_task_id();
  task.clear_name();
  task.clear_agent_id();
  return serialize(task);
}

void encode_task(const TaskSpec& task, pb::TaskInfo& out) {
  if (!task.raw.empty() && !parse_rest(task.raw.view(), out)) out.Clear();
  out.mutable_task_id()->set_value(task.id.value);
  out.set_name(task.name);
  out.mutable_agent_id()->set_value(task.agent_id->value);
  lay_resources(task.resources, task.allocation_role ? *task.allocation_role : std::string(),
                *out.mutable_resources());
  if (task.executor) encode_executor(*task.executor, *out.mutable_executor());
  set_span(task.kill_grace, out.kill_policy().has_grace_period(), out.kill_policy().grace_period(),
           [&] { return out.mutable_kill_policy()->mutable_grace_period(); });
  set_span(task.max_completion_time, out.has_max_completion_time(), out.max_completion_time(),
           [&] { return out.mutable_max_completion_time(); });
}

TaskStatus decode_status(const pb::TaskStatus& in) {
  TaskStatus out;
  out.task_id.value = in.task_id().value();
  out.state = static_cast<TaskState>(in.state());
  out.source = static_cast<StatusSource>(in.source());
  if (in.has_reason()) out.reason = static_cast<Reason>(in.reason());
  out.message = in.message();
  out.agent_id.value = in.agent_id().value();
  out.executor_id.value = in.executor_id().value();
  out.timestamp = decode_wall_seconds(in.timestamp());
  if (in.has_uuid()) out.uuid = Uuid::from_bytes(in.uuid());
  if (in.has_healthy()) out.healthy = in.healthy();
  if (in.has_unreachable_time()) {
    out.unreachable_time = WallTime(cut_span(Duration(in.unreachable_time().nanoseconds())));
  }
  out.labels = decode_labels(in.labels().labels());
  out.container_id.value = in.container_status().container_id().value();
  pb::TaskStatus rest = in;
  out.raw = Blob(serialize_rest(rest));
  return out;
}

void encode_status(const TaskStatus& status, pb::TaskStatus& out) {
  if (!status.raw.empty() && !parse_rest(status.raw.view(), out)) out.Clear();
  out.mutable_task_id()->set_value(status.task_id.value);
  out.set_state(static_cast<pb::TaskState>(status.state));
  out.set_source(static_cast<pb::TaskStatus::Source>(status.source));
  if (status.reason) out.set_reason(static_cast<pb::TaskStatus::Reason>(*status.reason));
  if (!status.message.empty()) out.set_message(status.message);
  if (!status.agent_id.empty()) out.mutable_agent_id()->set_value(status.agent_id.value);
  if (!status.executor_id.empty()) out.mutable_executor_id()->set_value(status.executor_id.value);
  if (status.timestamp != WallTime{}) out.set_timestamp(to_seconds(status.timestamp));
  if (status.uuid) out.set_uuid(status.uuid->to_bytes());
  if (status.healthy) out.set_healthy(*status.healthy);
  if (status.unreachable_time) {
    out.mutable_unreachable_time()->set_nanoseconds(
        status.unreachable_time->time_since_epoch().count());
  }
  if (!status.labels.empty()) encode_labels(status.labels, *out.mutable_labels()->mutable_labels());
  if (!status.container_id.empty()) {
    out.mutable_container_status()->mutable_container_id()->set_value(status.container_id.value);
  }
}

}  // namespace souk::wire
