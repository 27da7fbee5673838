#include "wire/document_parts.h"

#include <algorithm>
#include <array>
#include <map>
#include <variant>

#include "base/hash_map.h"
#include "base/version.h"
#include "wire/codec_model.h"
#include "wire/json.h"
#include "wire/message_codec.h"
#include "wire/overloaded.h"

namespace souk::wire {
namespace {

using Value = std::variant<Scalar, Ranges, NameSet>;

// Those that are always shown, in this order.
constexpr std::array<std::string_view, 4> kShown = {kCpus, kGpus, kMem, kDisk};

std::string text_of(const Ranges& ranges) {
  std::string text = "[";
  for (const Range& range : ranges.ranges()) {
    if (text.size() > 1) text += ", ";
    fmt::format_to(std::back_inserter(text), "{}-{}", range.begin, range.end);
  }
  return text + "]";
}

std::string text_of(const NameSet& set) {
  return fmt::format("{{{}}}", fmt::join(set.names(), ", "));
}

void write_value(JsonWriter& out, const Value& value) {
  std::visit(Overloaded{[&](const Scalar& scalar) { out.value(scalar.to_double()); },
                        [&](const auto& several) { out.value(text_of(several)); }},
             value);
}

void add(Value& sum, const Value& value) {
  // Of two types under one name, which can only be "x_revocable" and a revocable "x", the first
  // is shown.
  if (sum.index() != value.index()) return;
  std::visit(
      Overloaded{[&](Scalar& scalar) { scalar.thousandths += std::get<Scalar>(value).thousandths; },
                 [&](Ranges& ranges) { ranges += std::get<Ranges>(value); },
                 [&](NameSet& set) { set += std::get<NameSet>(value); }},
      sum);
}

std::map<std::string_view, Resources> by_role(const Resources& total) {
  std::map<std::string_view, std::vector<Resource>> items;
  for (const Resource& item : total.items()) {
    if (!item.reservations->empty()) items[item.reserved_role()].push_back(item);
  }
  std::map<std::string_view, Resources> reserved;
  for (auto& [role, list] : items) reserved.emplace(role, Resources(std::move(list)));
  return reserved;
}

}  // namespace

void write_resources(JsonWriter& out, const Resources& resources) {
  std::array<Scalar, kShown.size()> shown{};
  std::map<std::string, Value, std::less<>> others;
  for (const Resource& item : resources.items()) {
    const auto at = std::ranges::find(kShown, item.name.view());
    const auto* scalar = std::get_if<Scalar>(&item.value);
    if (at != kShown.end() && scalar != nullptr && !item.revocable) {
      shown[static_cast<std::size_t>(at - kShown.begin())].thousandths += scalar->thousandths;
      continue;
    }
    const auto [other, added] = others.try_emplace(
        item.revocable ? item.name.text() + "_revocable" : item.name.text(), item.value);
    if (!added) add(other->second, item.value);
  }
  out.begin_object();
  for (std::size_t i = 0; i < kShown.size(); ++i) out.field(kShown[i], shown[i].to_double());
  for (const auto& [name, value] : others) {
    out.key(name);
    write_value(out, value);
  }
  out.end_object();
}

void write_resources_full(JsonWriter& out, const Resources& resources) {
  pb::TaskInfo holder;
  encode_resources(resources, ReservationFormat::kPlain, {}, *holder.mutable_resources());
  out.begin_array();
  for (const auto& resource : holder.resources()) append_json(out.before_value(), resource);
  out.end_array();
}

void write_reserved_fields(JsonWriter& out, const Resources& total) {
  out.key("reserved_resources");
  out.begin_object();
  for (const auto& [role, resources] : by_role(total)) {
    out.key(role);
    write_resources(out, resources);
  }
  out.end_object();
  out.key("unreserved_resources");
  write_resources(out, total.unreserved());
}

void write_reserved_full_fields(JsonWriter& out, const Resources& total) {
  out.key("reserved_resources_full");
  out.begin_object();
  for (const auto& [role, resources] : by_role(total)) {
    out.key(role);
    write_resources_full(out, resources);
  }
  out.end_object();
  out.key("unreserved_resources_full");
  write_resources_full(out, total.unreserved());
}

void write_attributes(JsonWriter& out, const std::vector<Attribute>& attributes) {
  HashMap<std::string_view, const Attribute*> last;
  for (const Attribute& attribute : attributes) last[attribute.name] = &attribute;
  out.begin_object();
  for (const Attribute& attribute : attributes) {
    if (last[attribute.name] != &attribute) continue;
    out.key(attribute.name);
    std::visit(Overloaded{[&](const Scalar& scalar) { out.value(scalar.to_double()); },
                          [&](const std::string& text) { out.value(text); },
                          [&](const auto& several) { out.value(text_of(several)); }},
               attribute.value);
  }
  out.end_object();
}

void write_labels(JsonWriter& out, const Labels& labels) {
  out.begin_array();
  for (const Label& label : labels) {
    out.begin_object();
    out.field("key", label.key);
    if (label.value) out.field("value", *label.value);
    out.end_object();
  }
  out.end_array();
}

void write_version_fields(JsonWriter& out) {
  out.field("version", kMesosVersion);
  out.field("souk_version", kVersion);
  // Builds can be repeated, so nothing here says when, where and by whom.
  out.field("build_date", "");
  out.field("build_time", 0.0);
  out.field("build_user", "");
}

std::string_view find_flag(const DocumentContext& context, std::string_view name) {
  for (const auto& [flag, value] : context.flags) {
    if (flag == name) return value;
  }
  return {};
}

void write_flags(JsonWriter& out, const DocumentContext& context) {
  out.begin_object();
  for (const auto& [flag, value] : context.flags) out.field(flag, value);
  out.end_object();
}

void write_flags_fields(JsonWriter& out, const DocumentContext& context) {
  if (const auto log_dir = find_flag(context, "log_dir"); !log_dir.empty()) {
    out.field("log_dir", log_dir);
  }
  out.key("flags");
  write_flags(out, context);
}

std::string agent_pid(const AgentInfo& agent) {
  return fmt::format("slave(1)@{}:{}", agent.ip, agent.port);
}

void write_domain_field(JsonWriter& out, const FaultDomain& domain) {
  if (domain == FaultDomain{}) return;
  pb::DomainInfo message;
  encode_domain(domain, message);
  out.key("domain");
  append_json(out.before_value(), message);
}

void write_agent_fields(JsonWriter& out, const AgentInfo& agent) {
  out.field("id", agent.id.value);
  out.field("hostname", agent.hostname);
  out.field("port", agent.port);
  out.key("attributes");
  write_attributes(out, agent.attributes);
  write_domain_field(out, agent.domain);
  out.field("pid", agent_pid(agent));
  out.key("capabilities");
  out.begin_array();
  for (const auto capability : kAgentCapabilities) {
    out.value(pb::AgentInfo::Capability::Type_Name(capability));
  }
  out.end_array();
}

void write_framework_fields(JsonWriter& out, const FrameworkInfo& framework) {
  out.field("user", framework.user);
  out.field("failover_timeout", to_seconds(framework.failover_timeout));
  out.field("checkpoint", framework.checkpoint);
  if (!framework.principal.empty()) out.field("principal", framework.principal);
  if (framework.has(Capability::kMultiRole)) {
    out.key("roles");
    out.begin_array();
    for (const std::string& role : framework.roles) out.value(role);
    out.end_array();
  } else if (!framework.roles.empty()) {
    out.field("role", framework.roles.front());
  }
}

void write_network_infos(JsonWriter& out, std::string_view ip) {
  out.begin_array();
  out.begin_object();
  out.key("ip_addresses");
  out.begin_array();
  out.begin_object();
  out.field("protocol", ip.find(':') == std::string_view::npos ? "IPv4" : "IPv6");
  out.field("ip_address", ip);
  out.end_object();
  out.end_array();
  out.end_object();
  out.end_array();
}

pb::ExecutorInfo parse_executor(const ExecutorSpec& executor) {
  pb::ExecutorInfo info;
  if (!executor.raw.empty() && !parse_binary(executor.raw.view(), info)) info.Clear();
  return info;
}

void parse_task(const TaskSpec& task, pb::TaskInfo& info) {
  if (task.raw.empty() || !parse_rest(task.raw.view(), info)) info.Clear();
}

std::string_view user_of(const pb::TaskInfo& info, std::string_view framework_user) {
  if (info.command().has_user()) return info.command().user();
  if (info.executor().command().has_user()) return info.executor().command().user();
  return framework_user;
}

void TaskWriter::write(const TaskRow& row) {
  parse_task(row.spec, info_);
  out_.begin_object();
  out_.field("id", row.spec.id.value);
  out_.field("name", row.spec.name);
  out_.field("framework_id", row.framework_id);
  out_.field("executor_id", row.executor_id);
  out_.field("slave_id", row.agent_id);
  out_.field("state", to_string(row.state));
  out_.key("resources");
  write_resources(out_, row.spec.resources);
  if (!row.role.empty()) out_.field("role", row.role);
  write_statuses(row);
  write_rest(row);
  out_.end_object();
}

void TaskWriter::write_statuses(const TaskRow& row) {
  out_.key("statuses");
  out_.begin_array();
  for (const protocol::StatusView& status : row.statuses) {
    out_.begin_object();
    out_.field("state", to_string(status.state));
    out_.field("timestamp", to_seconds(status.timestamp));
    if (!status.labels->empty()) {
      out_.key("labels");
      write_labels(out_, status.labels);
    }
    if (!status.container_id.empty()) {
      write_container_status(status.container_id.view(), row.agent_ip);
    }
    if (status.healthy) out_.field("healthy", *status.healthy);
    out_.end_object();
  }
  out_.end_array();
}

void TaskWriter::write_container_status(std::string_view container, std::string_view agent_ip) {
  out_.key("container_status");
  out_.begin_object();
  out_.key("container_id");
  out_.begin_object();
  out_.field("value", container);
  out_.end_object();
  if (!agent_ip.empty()) {
    out_.key("network_infos");
    write_network_infos(out_, agent_ip);
  }
  out_.end_object();
}

void TaskWriter::write_rest(const TaskRow& row) {
  const auto message = [&](std::string_view name, const google::protobuf::Message& content) {
    out_.key(name);
    append_json(out_.before_value(), content);
  };
  const std::string_view framework_user =
      row.framework == nullptr ? std::string_view() : row.framework->user;
  if (const auto user = user_of(info_, framework_user); !user.empty()) out_.field("user", user);
  if (info_.has_labels()) {
    out_.key("labels");
    write_labels(out_, decode_labels(info_.labels().labels()));
  }
  if (info_.has_discovery()) message("discovery", info_.discovery());
  if (info_.has_container()) message("container", info_.container());
  if (info_.has_health_check()) message("health_check", info_.health_check());
  if (info_.limits().empty()) return;
  // Sorted: the map's own order is none.
  std::map<std::string_view, double> limits;
  for (const auto& [name, scalar] : info_.limits()) limits.emplace(name, scalar.value());
  out_.key("limits");
  out_.begin_object();
  for (const auto& [name, amount] : limits) out_.field(name, amount);
  out_.end_object();
}

}  // namespace souk::wire
