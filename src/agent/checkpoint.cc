#include "agent/checkpoint.h"

#include <algorithm>

namespace souk::agent {
namespace {

void fold(Checkpoint& value, const checkpoint::ClusterMet& o) { value.cluster_id = o.cluster_id; }

void fold(Checkpoint& value, const checkpoint::EpochSeen& o) {
  value.epoch = std::max(value.epoch, o.epoch);
}

void fold(Checkpoint& value, const checkpoint::Admitted& o) { value.agent_id = o.agent; }

void fold(Checkpoint& value, const checkpoint::FrameworkKnown& o) {
  value.frameworks[o.info.id].info = o.info;
}

void fold(Checkpoint& value, const checkpoint::FrameworkRemoving& o) {
  const auto at = value.frameworks.find(o.framework);
  if (at != value.frameworks.end()) at->second.removing = true;
}

void fold(Checkpoint& value, const checkpoint::FrameworkForgotten& o) {
  value.frameworks.erase(o.framework);
}

void fold(Checkpoint& value, const checkpoint::ContainerAdded& o) {
  value.containers[o.sandbox.container] = {
      .kind = o.kind, .sandbox = o.sandbox, .role = o.role, .executor = o.executor};
}

void fold(Checkpoint& value, const checkpoint::ContainerStarted& o) {
  const auto at = value.containers.find(o.container);
  if (at != value.containers.end()) at->second.pid = o.pid;
}

void fold(Checkpoint& value, const checkpoint::ContainerEnded& o) {
  const auto at = value.containers.find(o.container);
  if (at == value.containers.end()) return;
  value.ended[o.container] = {.sandbox = at->second.sandbox, .at = o.at};
  value.containers.erase(at);
}

void fold(Checkpoint& value, const checkpoint::SandboxRemoved& o) {
  value.ended.erase(o.container);
}

void fold(Checkpoint& value, const checkpoint::TasksAdded& o) {
  for (const protocol::TaskRecord& record : o.tasks) {
    value.tasks[{record.framework_id, record.spec.id}] = {.record = record,
                                                          .container = o.container,
                                                          .batch = o.batch,
                                                          .group = o.group,
                                                          .added = o.at,
                                                          .slot_limit = o.slot_limit};
  }
}

void fold(Checkpoint& value, const checkpoint::TaskRevoked& o) {
  const auto at = value.tasks.find({o.framework, o.task});
  if (at != value.tasks.end()) at->second.revoked = o.grace;
}

void fold(Checkpoint& value, const checkpoint::UpdatePending& o) {
  const auto at = value.tasks.find({o.framework, o.status.task_id});
  if (at == value.tasks.end()) return;
  at->second.record.state = o.status.state;
  at->second.pending.push_back(o.status);
}

void fold(Checkpoint& value, const checkpoint::UpdateAcknowledged& o) {
  const auto at = value.tasks.find({o.framework, o.task});
  if (at == value.tasks.end()) return;
  std::erase_if(at->second.pending, [&](const TaskStatus& s) { return s.uuid == o.uuid; });
}

void fold(Checkpoint& value, const checkpoint::TaskForgotten& o) {
  value.tasks.erase({o.framework, o.task});
}

}  // namespace

void apply(Checkpoint& value, const CheckpointOperation& operation) {
  std::visit([&](const auto& o) { fold(value, o); }, operation);
}

}  // namespace souk::agent
