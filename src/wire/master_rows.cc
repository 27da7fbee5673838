#include "wire/master_rows.h"

#include <array>

#include "wire/codec_constraints.h"
#include "wire/codec_model.h"
#include "wire/json.h"

namespace souk::wire {

using protocol::AgentSummary;
using protocol::ExecutorView;
using protocol::FrameworkView;
using protocol::InverseOfferView;
using protocol::MasterView;
using protocol::OfferView;
using protocol::TaskView;

MasterRows::MasterRows(JsonWriter& out, const MasterView& view)
    : out_(out), view_(view), tasks_(out) {
  for (const AgentSummary& agent : view.agents) agent_ips_[agent.info.id.value] = agent.info.ip;
}

void MasterRows::task(const FrameworkView& framework, const TaskView& task) {
  const auto ip = agent_ips_.find(task.agent_id->value);
  tasks_.write({.spec = *task.spec,
                .framework = &framework.info,
                .framework_id = task.framework_id->value,
                .executor_id = task.executor_id->value,
                .agent_id = task.agent_id->value,
                .agent_ip = ip == agent_ips_.end() ? std::string_view() : ip->second,
                .role = *task.role,
                .state = task.state,
                .statuses = task.statuses});
}

void MasterRows::framework_summary(const FrameworkView& framework) {
  out_.field("id", framework.info.id.value);
  out_.field("name", framework.info.name);
  // Without "pid": readers take a framework that has one for a libprocess peer.
  out_.key("used_resources");
  write_resources(out_, framework.used);
  out_.key("offered_resources");
  write_resources(out_, framework.offered);
  out_.key("capabilities");
  out_.begin_array();
  for (int number = 1; number <= pb::FrameworkInfo::Capability::Type_MAX; ++number) {
    if (!framework.info.has(static_cast<Capability>(1 << number))) continue;
    out_.value(pb::FrameworkInfo::Capability::Type_Name(number));
  }
  out_.end_array();
  out_.field("hostname", framework.info.hostname);
  out_.field("webui_url", framework.info.webui_url);
  out_.field("active", framework.active);
  out_.field("connected", framework.connected);
  out_.field("recovered", framework.recovered);
  out_.key("souk_share");
  out_.begin_object();
  out_.field("resource", framework.dominant_resource);
  out_.field("used", Scalar{framework.share_used}.to_double());
  out_.field("total", Scalar{framework.share_total}.to_double());
  out_.end_object();
}

void MasterRows::framework(const FrameworkView& framework) {
  out_.begin_object();
  framework_summary(framework);
  write_framework_fields(out_, framework.info);
  out_.field("registered_time", to_seconds(framework.registered_at));
  out_.field("unregistered_time", to_seconds(framework.unregistered_at.value_or(WallTime{})));
  if (framework.reregistered_at) {
    out_.field("reregistered_time", to_seconds(*framework.reregistered_at));
  }
  out_.key("resources");
  write_resources(out_, framework.used + framework.offered);
  tasks_field("tasks", framework, framework.tasks);
  tasks_field("unreachable_tasks", framework, framework.unreachable_tasks);
  tasks_field("completed_tasks", framework, framework.completed_tasks);
  offers_field(framework);
  if (!framework.inverse_offers.empty()) inverse_offers_field(framework);
  executors_field(framework);
  if (!framework.info.labels.empty()) {
    out_.key("labels");
    write_labels(out_, framework.info.labels);
  }
  if (!framework.offer_constraints.empty()) {
    ::mesos::v1::scheduler::OfferConstraints constraints;
    encode_constraints(framework.offer_constraints, constraints);
    out_.key("offer_constraints");
    append_json(out_.before_value(), constraints);
  }
  out_.end_object();
}

void MasterRows::tasks_field(std::string_view name, const FrameworkView& framework,
                             const std::vector<Piece<TaskView>>& tasks) {
  out_.key(name);
  out_.begin_array();
  for (const TaskView& each : tasks) task(framework, each);
  out_.end_array();
}

void MasterRows::inverse_offers_field(const FrameworkView& framework) {
  static constexpr std::array<std::string_view, 3> kAnswers = {"none", "accepted", "declined"};
  out_.key("souk_inverse_offers");
  out_.begin_array();
  for (const InverseOfferView& offer : framework.inverse_offers) {
    out_.begin_object();
    out_.field("id", offer.id.value);
    out_.field("slave_id", offer.agent_id.value);
    out_.field("deadline", to_seconds(offer.start));
    out_.field("answer", kAnswers[static_cast<std::size_t>(offer.answer)]);
    out_.key("resources");
    write_resources(out_, offer.resources);
    out_.key("tasks");
    out_.begin_array();
    for (const TaskId& task : offer.tasks) out_.value(task.value);
    out_.end_array();
    out_.end_object();
  }
  out_.end_array();
}

void MasterRows::offers_field(const FrameworkView& framework) {
  out_.key("offers");
  out_.begin_array();
  for (const OfferView& offer : framework.offers) {
    out_.begin_object();
    out_.field("id", offer.id.value);
    out_.field("framework_id", framework.info.id.value);
    out_.key("allocation_info");
    out_.begin_object();
    out_.field("role", offer.role);
    out_.end_object();
    out_.field("slave_id", offer.agent_id.value);
    out_.key("resources");
    write_resources(out_, offer.resources);
    out_.end_object();
  }
  out_.end_array();
}

void MasterRows::executors_field(const FrameworkView& framework) {
  out_.key("executors");
  out_.begin_array();
  for (const ExecutorView& executor : framework.executors) {
    const pb::ExecutorInfo info = parse_executor(*executor.spec);
    out_.begin_object();
    out_.field("executor_id", executor.spec->id.value);
    out_.field("name", executor.spec->name);
    out_.field("framework_id", framework.info.id.value);
    out_.key("command");
    append_json(out_.before_value(), info.command());
    out_.key("resources");
    write_resources(out_, executor.spec->resources);
    if (!executor.role.empty()) out_.field("role", executor.role);
    if (info.has_labels()) {
      out_.key("labels");
      write_labels(out_, decode_labels(info.labels().labels()));
    }
    if (info.has_type()) out_.field("type", pb::ExecutorInfo::Type_Name(info.type()));
    out_.field("slave_id", executor.agent_id.value);
    out_.end_object();
  }
  out_.end_array();
}

void MasterRows::agent_fields(const AgentSummary& agent) {
  const AgentInfo& info = agent.info;
  write_agent_fields(out_, info);
  out_.field("registered_time", to_seconds(agent.registered_at));
  if (agent.reregistered_at) {
    out_.field("reregistered_time", to_seconds(*agent.reregistered_at));
  }
  const Resources total = agent.total();
  out_.key("resources");
  write_resources(out_, total);
  out_.key("used_resources");
  write_resources(out_, agent.used);
  out_.key("offered_resources");
  write_resources(out_, agent.offered);
  write_reserved_fields(out_, total);
  out_.field("active", agent.active);
  out_.field("deactivated", false);
  out_.field("version", kMesosVersion);
  out_.field("souk_version", info.version);
  if (!info.short_slots.empty()) short_slots_field(agent);
}

// Of the resources above, those that are set aside.
void MasterRows::short_slots_field(const AgentSummary& agent) {
  out_.key("souk_short_slots");
  out_.begin_object();
  out_.field("max_task_duration", to_seconds(agent.info.short_slot_limit));
  out_.key("resources");
  write_resources(out_, agent.info.short_slots);
  out_.key("used_resources");
  write_resources(out_, agent.short_used);
  out_.key("offered_resources");
  write_resources(out_, agent.short_offered);
  out_.end_object();
}

void MasterRows::frameworks_fields(std::string_view only_id) {
  const auto list = [&](std::string_view name, const std::vector<FrameworkView>& frameworks) {
    out_.key(name);
    out_.begin_array();
    for (const FrameworkView& each : frameworks) {
      if (only_id.empty() || each.info.id.value == only_id) framework(each);
    }
    out_.end_array();
  };
  list("frameworks", view_.frameworks);
  list("completed_frameworks", view_.completed_frameworks);
  out_.key("unregistered_frameworks");
  out_.begin_array();
  out_.end_array();
}

void MasterRows::recovered_agents_field(std::string_view only_id) {
  out_.key("recovered_slaves");
  out_.begin_array();
  for (const auto& [id, hostname] : view_.recovered_agents) {
    if (!only_id.empty() && id.value != only_id) continue;
    out_.begin_object();
    out_.field("id", id.value);
    out_.field("hostname", hostname);
    out_.end_object();
  }
  out_.end_array();
}

}  // namespace souk::wire
