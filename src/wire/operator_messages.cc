#include "wire/operator_messages.h"

#include "wire/codec_constraints.h"
#include "wire/document_parts.h"

namespace souk::wire {
namespace {

using protocol::AgentSummary;
using protocol::ExecutorView;
using protocol::FrameworkView;
using protocol::InverseOfferView;
using protocol::MasterView;
using protocol::OfferView;
using protocol::StatusView;
using protocol::TaskView;
using PbGetState = pb::master::Response::GetState;
using PbGetTasks = pb::master::Response::GetTasks;
using PbGetExecutors = pb::master::Response::GetExecutors;
using PbGetFrameworks = pb::master::Response::GetFrameworks;
using PbGetAgents = pb::master::Response::GetAgents;

void encode_time(WallTime time, pb::TimeInfo& out) {
  out.set_nanoseconds(time.time_since_epoch().count());
}

void encode_status_view(const StatusView& status, const TaskView& task, std::string_view agent_ip,
                        pb::TaskStatus& out) {
  out.mutable_task_id()->set_value(task.spec->id.value);
  out.set_state(static_cast<pb::TaskState>(status.state));
  out.mutable_agent_id()->set_value(task.agent_id->value);
  out.set_timestamp(to_seconds(status.timestamp));
  if (status.healthy) out.set_healthy(*status.healthy);
  if (!status.labels->empty()) {
    encode_labels(status.labels, *out.mutable_labels()->mutable_labels());
  }
  if (status.container_id.empty()) return;
  auto& container = *out.mutable_container_status();
  container.mutable_container_id()->set_value(std::string(status.container_id.view()));
  if (agent_ip.empty()) return;
  // None has a network of its own, as write_network_infos() says.
  auto& address = *container.add_network_infos()->add_ip_addresses();
  const bool is_v6 = agent_ip.find(':') != std::string_view::npos;
  address.set_protocol(is_v6 ? pb::NetworkInfo::IPv6 : pb::NetworkInfo::IPv4);
  address.set_ip_address(std::string(agent_ip));
}

}  // namespace

void encode_agent_summary(const AgentSummary& agent, PbAgent& out) {
  encode_agent(agent.info, *out.mutable_agent_info());
  out.set_active(agent.active);
  out.set_deactivated(false);
  out.set_version(std::string(kMesosVersion));
  out.set_pid(agent_pid(agent.info));
  encode_time(agent.registered_at, *out.mutable_registered_time());
  if (agent.reregistered_at) {
    encode_time(*agent.reregistered_at, *out.mutable_reregistered_time());
  }
  // Those in use are of several roles: no allocation_info would be right.
  encode_resources(agent.total(), ReservationFormat::kStack, {}, *out.mutable_total_resources());
  encode_resources(agent.used, ReservationFormat::kStack, {}, *out.mutable_allocated_resources());
  encode_resources(agent.offered, ReservationFormat::kStack, {}, *out.mutable_offered_resources());
  for (const auto capability : kAgentCapabilities) out.add_capabilities()->set_type(capability);
}

void encode_framework_header(const FrameworkView& framework, PbFramework& out) {
  encode_framework(framework.info, *out.mutable_framework_info());
  out.set_active(framework.active);
  out.set_connected(framework.connected);
  out.set_recovered(framework.recovered);
  encode_time(framework.registered_at, *out.mutable_registered_time());
  if (framework.reregistered_at) {
    encode_time(*framework.reregistered_at, *out.mutable_reregistered_time());
  }
  if (framework.unregistered_at) {
    encode_time(*framework.unregistered_at, *out.mutable_unregistered_time());
  }
  if (!framework.offer_constraints.empty()) {
    encode_constraints(framework.offer_constraints, *out.mutable_offer_constraints());
  }
}

void TaskEncoder::encode(const TaskView& task, std::string_view user, std::string_view agent_ip,
                         pb::Task& out) {
  const TaskSpec& spec = *task.spec;
  parse_task(spec, info_);
  out.set_name(spec.name);
  out.mutable_task_id()->set_value(spec.id.value);
  out.mutable_framework_id()->set_value(task.framework_id->value);
  if (!task.executor_id->empty()) out.mutable_executor_id()->set_value(task.executor_id->value);
  out.mutable_agent_id()->set_value(task.agent_id->value);
  out.set_state(static_cast<pb::TaskState>(task.state));
  encode_resources(spec.resources, ReservationFormat::kStack, *task.role, *out.mutable_resources());
  for (const StatusView& status : task.statuses) {
    encode_status_view(status, task, agent_ip, *out.add_statuses());
  }
  if (info_.has_labels()) *out.mutable_labels() = info_.labels();
  if (info_.has_discovery()) *out.mutable_discovery() = info_.discovery();
  if (info_.has_container()) *out.mutable_container() = info_.container();
  if (info_.has_health_check()) *out.mutable_health_check() = info_.health_check();
  if (info_.has_kill_policy()) *out.mutable_kill_policy() = info_.kill_policy();
  if (const auto name = user_of(info_, user); !name.empty()) out.set_user(std::string(name));
  *out.mutable_limits() = info_.limits();
}

StateParts::StateParts(MessageParts& out, const MasterView& view) : out_(out), view_(view) {
  agents_.reserve(view.agents.size());
  for (const AgentSummary& agent : view.agents) agents_[agent.info.id.value] = &agent.info;
}

std::string_view StateParts::ip_of(const AgentId& agent) const {
  const auto at = agents_.find(agent.value);
  return at == agents_.end() ? std::string_view() : std::string_view(at->second->ip);
}

void StateParts::state() {
  out_.begin(field_of<PbGetState>(PbGetState::kGetTasksFieldNumber));
  tasks();
  out_.end();
  out_.begin(field_of<PbGetState>(PbGetState::kGetExecutorsFieldNumber));
  executors();
  out_.end();
  out_.begin(field_of<PbGetState>(PbGetState::kGetFrameworksFieldNumber));
  frameworks();
  out_.end();
  out_.begin(field_of<PbGetState>(PbGetState::kGetAgentsFieldNumber));
  agents();
  out_.end();
}

void StateParts::tasks() {
  add_tasks(PbGetTasks::kTasksFieldNumber, &FrameworkView::tasks);
  add_tasks(PbGetTasks::kUnreachableTasksFieldNumber, &FrameworkView::unreachable_tasks);
  add_tasks(PbGetTasks::kCompletedTasksFieldNumber, &FrameworkView::completed_tasks);
}

void StateParts::add_tasks(int number, std::vector<Piece<TaskView>> FrameworkView::* list) {
  const auto* to = field_of<PbGetTasks>(number);
  pb::Task message;
  for (const auto* frameworks : {&view_.frameworks, &view_.completed_frameworks}) {
    for (const FrameworkView& framework : *frameworks) {
      for (const TaskView& task : framework.*list) {
        message.Clear();
        task_encoder_.encode(task, framework.info.user, ip_of(task.agent_id), message);
        out_.add(to, message);
      }
    }
  }
}

void StateParts::executors() {
  const auto* to = field_of<PbGetExecutors>(PbGetExecutors::kExecutorsFieldNumber);
  for (const FrameworkView& framework : view_.frameworks) {
    for (const ExecutorView& executor : framework.executors) {
      PbExecutor message;
      auto& info = *message.mutable_executor_info();
      encode_executor(*executor.spec, info);
      info.mutable_framework_id()->set_value(framework.info.id.value);
      info.clear_resources();
      encode_resources(executor.spec->resources, ReservationFormat::kStack, executor.role,
                       *info.mutable_resources());
      message.mutable_agent_id()->set_value(executor.agent_id.value);
      out_.add(to, message);
    }
  }
}

void StateParts::frameworks() {
  for (const FrameworkView& framework : view_.frameworks) {
    add_framework(PbGetFrameworks::kFrameworksFieldNumber, framework);
  }
  for (const FrameworkView& framework : view_.completed_frameworks) {
    add_framework(PbGetFrameworks::kCompletedFrameworksFieldNumber, framework);
  }
}

void StateParts::add_framework(int number, const FrameworkView& framework) {
  PbFramework message;
  encode_framework_header(framework, message);
  add_offers(framework, message);
  encode_resources(framework.used, ReservationFormat::kStack, {},
                   *message.mutable_allocated_resources());
  encode_resources(framework.offered, ReservationFormat::kStack, {},
                   *message.mutable_offered_resources());
  out_.add(field_of<PbGetFrameworks>(number), message);
}

void StateParts::add_offers(const FrameworkView& framework, PbFramework& out) const {
  static const AgentInfo kNoAgent;
  const auto agent_of = [&](const AgentId& id) -> const AgentInfo& {
    const auto at = agents_.find(id.value);
    return at == agents_.end() ? kNoAgent : *at->second;
  };
  for (const OfferView& each : framework.offers) {
    const AgentInfo& agent = agent_of(each.agent_id);
    const Offer offer{.id = each.id,
                      .framework_id = framework.info.id,
                      .agent_id = each.agent_id,
                      .hostname = agent.hostname,
                      .ip = agent.ip,
                      .port = agent.port,
                      .domain = agent.domain,
                      .role = each.role,
                      .resources = each.resources,
                      .attributes = agent.attributes,
                      .executor_ids = {}};
    encode_offer(offer, {true, ReservationFormat::kStack}, *out.add_offers());
  }
  for (const InverseOfferView& each : framework.inverse_offers) {
    const AgentInfo& agent = agent_of(each.agent_id);
    const InverseOffer offer{.id = each.id,
                             .framework_id = framework.info.id,
                             .agent_id = each.agent_id,
                             .hostname = agent.hostname,
                             .ip = agent.ip,
                             .port = agent.port,
                             .start = each.start,
                             .resources = each.resources};
    encode_inverse_offer(offer, ReservationFormat::kStack, *out.add_inverse_offers());
  }
}

void StateParts::agents() {
  for (const AgentSummary& agent : view_.agents) {
    PbAgent message;
    encode_agent_summary(agent, message);
    out_.add(field_of<PbGetAgents>(PbGetAgents::kAgentsFieldNumber), message);
  }
  for (const auto& [id, hostname] : view_.recovered_agents) {
    pb::AgentInfo message;
    message.mutable_id()->set_value(id.value);
    message.set_hostname(hostname);
    out_.add(field_of<PbGetAgents>(PbGetAgents::kRecoveredAgentsFieldNumber), message);
  }
}

}  // namespace souk::wire
