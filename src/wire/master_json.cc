#include "wire/master_json.h"

#include <algorithm>

#include "wire/codec_model.h"
#include "wire/document_parts.h"
#include "wire/json_writer.h"
#include "wire/master_rows.h"

namespace souk::wire {
namespace {

using protocol::AgentSummary;
using protocol::MasterView;

void write_agent_counts(JsonWriter& out, const MasterView& view) {
  const auto active = std::ranges::count_if(view.agents, &AgentSummary::active);
  out.field("activated_slaves", active);
  out.field("deactivated_slaves", static_cast<std::ptrdiff_t>(view.agents.size()) - active);
  out.field("unreachable_slaves", view.unreachable_agents.size());
}

void write_leader(JsonWriter& out, const MasterInfo& info, std::string_view pid) {
  out.field("leader", pid);
  out.key("leader_info");
  out.begin_object();
  out.field("id", info.id);
  out.field("pid", pid);
  out.field("port", info.port);
  out.field("hostname", info.hostname);
  out.end_object();
}

void write_agents(JsonWriter& out, MasterRows& rows, const MasterView& view) {
  out.key("slaves");
  out.begin_array();
  for (const AgentSummary& agent : view.agents) {
    out.begin_object();
    rows.agent_fields(agent);
    out.end_object();
  }
  out.end_array();
}

// What only Souk tells.
void write_extras(JsonWriter& out, const MasterView& view) {
  out.field("souk_cluster_id", view.cluster_id);
  out.field("souk_epoch", view.epoch);
  out.key("souk_unreachable_slaves");
  out.begin_array();
  for (const auto& [id, since] : view.unreachable_agents) {
    out.begin_object();
    out.field("id", id.value);
    out.field("since", to_seconds(since));
    out.end_object();
  }
  out.end_array();
}

}  // namespace

std::string render_state(const MasterView& view, const DocumentContext& context) {
  std::string text;
  JsonWriter out(text);
  MasterRows rows(out, view);
  const std::string pid = fmt::format("master@{}:{}", view.info.ip, view.info.port);
  out.begin_object();
  write_version_fields(out);
  out.field("start_time", to_seconds(context.started));
  if (view.elected_at != WallTime{}) out.field("elected_time", to_seconds(view.elected_at));
  out.field("id", view.info.id);
  out.field("pid", pid);
  out.field("hostname", view.info.hostname);
  out.key("capabilities");
  out.begin_array();
  out.end_array();
  write_agent_counts(out, view);
  write_domain_field(out, view.info.domain);
  write_leader(out, view.info, pid);
  if (!view.cluster.empty()) out.field("cluster", view.cluster);
  write_flags_fields(out, context);
  write_agents(out, rows, view);
  rows.recovered_agents_field({});
  rows.frameworks_fields({});
  out.key("orphan_tasks");
  out.begin_array();
  out.end_array();
  write_extras(out, view);
  out.end_object();
  return text;
}

std::string render_slaves(const MasterView& view, std::string_view agent_id) {
  std::string text;
  JsonWriter out(text);
  MasterRows rows(out, view);
  out.begin_object();
  out.key("slaves");
  out.begin_array();
  for (const AgentSummary& agent : view.agents) {
    if (!agent_id.empty() && agent.info.id.value != agent_id) continue;
    out.begin_object();
    rows.agent_fields(agent);
    write_reserved_full_fields(out, agent.total());
    out.key("used_resources_full");
    write_resources_full(out, agent.used);
    out.key("offered_resources_full");
    write_resources_full(out, agent.offered);
    out.end_object();
  }
  out.end_array();
  rows.recovered_agents_field(agent_id);
  out.end_object();
  return text;
}

std::string render_frameworks(const MasterView& view, std::string_view framework_id) {
  std::string text;
  JsonWriter out(text);
  MasterRows rows(out, view);
  out.begin_object();
  rows.frameworks_fields(framework_id);
  out.end_object();
  return text;
}

std::string render_version(const DocumentContext& context) {
  std::string text;
  JsonWriter out(text);
  out.begin_object();
  write_version_fields(out);
  out.field("souk_start_time", to_seconds(context.started));
  out.end_object();
  return text;
}

std::string render_flags(const DocumentContext& context) {
  std::string text;
  JsonWriter out(text);
  out.begin_object();
  out.key("flags");
  write_flags(out, context);
  out.end_object();
  return text;
}

}  // namespace souk::wire
