// What the documents of masters and agents have in common: each function writes one JSON value, or
// the fields of an object that is open. Internal to wire/: sees protobuf. Pure; a TaskWriter is not
// thread-safe.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mesos/v1/mesos.pb.h"
#include "model/agent.h"
#include "model/framework.h"
#include "model/task.h"
#include "protocol/master_view.h"
#include "wire/documents.h"
#include "wire/json_writer.h"

namespace souk::wire {

namespace pb = ::mesos::v1;

// {"cpus":1.0,"gpus":0.0,"mem":64.0,"disk":0.0,"ports":"[31000-32000]",...}: the four are always
// there, sums over all reservations; what is revocable stands apart as "cpus_revocable".
void write_resources(JsonWriter& out, const Resources& resources);
// The same as an array of Resource objects in the format of before refined reservations.
void write_resources_full(JsonWriter& out, const Resources& resources);
// "reserved_resources":{role:{}},"unreserved_resources":{}
void write_reserved_fields(JsonWriter& out, const Resources& total);
// "reserved_resources_full":{role:[]},"unreserved_resources_full":[]
void write_reserved_full_fields(JsonWriter& out, const Resources& total);

// A flat object. Readers don't like a key twice: of a name that repeats the last value counts.
void write_attributes(JsonWriter& out, const std::vector<Attribute>& attributes);
void write_labels(JsonWriter& out, const Labels& labels);

// "version", Souk's own, and what Mesos tells of its build, for readers that insist on it.
void write_version_fields(JsonWriter& out);
// An object of texts.
void write_flags(JsonWriter& out, const DocumentContext& context);
// "log_dir" if there is one, and "flags".
void write_flags_fields(JsonWriter& out, const DocumentContext& context);
// Empty if the process has no such flag.
std::string_view find_flag(const DocumentContext& context, std::string_view name);

inline constexpr std::array kAgentCapabilities = {pb::AgentInfo::Capability::MULTI_ROLE,
                                                  pb::AgentInfo::Capability::HIERARCHICAL_ROLE};
// "slave(1)@ip:port"
std::string agent_pid(const AgentInfo& agent);
// "domain", if there is one.
void write_domain_field(JsonWriter& out, const FaultDomain& domain);
// "id", "hostname", "port", "attributes", "domain", "pid", "capabilities".
void write_agent_fields(JsonWriter& out, const AgentInfo& agent);
// "failover_timeout", "checkpoint", "user", "principal" if there is one, "role" or "roles".
void write_framework_fields(JsonWriter& out, const FrameworkInfo& framework);

// Where containers are reached: none has a network of its own as long as Feature::kContainer is
// refused, so it is their agent's address, which readers look for here.
void write_network_infos(JsonWriter& out, std::string_view ip);

// Its raw bytes; empty if they are none.
pb::ExecutorInfo parse_executor(const ExecutorSpec& executor);
// The same; replaces what `info` held.
void parse_task(const TaskSpec& task, pb::TaskInfo& info);

// By whom the task is run, wherever it is said; `framework_user` if it is not said of the task.
std::string_view user_of(const pb::TaskInfo& info, std::string_view framework_user);

// One task as a row of a document.
struct TaskRow {
  const TaskSpec& spec;
  const FrameworkInfo* framework;  // null: unknown
  std::string_view framework_id;
  std::string_view executor_id;  // empty for command tasks
  std::string_view agent_id;
  std::string_view agent_ip;  // empty: unknown
  std::string_view role;
  TaskState state;
  std::span<const protocol::StatusView> statuses;
};

class TaskWriter {
 public:
  explicit TaskWriter(JsonWriter& out) : out_(out) {}
  void write(const TaskRow& row);

 private:
  void write_statuses(const TaskRow& row);
  void write_container_status(std::string_view container, std::string_view agent_ip);
  void write_rest(const TaskRow& row);

  JsonWriter& out_;
  pb::TaskInfo info_;  // of the row; kept, because parsing into it again costs few allocations
};

}  // namespace souk::wire
