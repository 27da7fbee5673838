#include "wire/codec_model.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/text.h"
#include "model/role.h"
#include "wire/message_codec.h"

// `role` is deprecated in the protocol since `roles` and `reservations`, not in the clients in use.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace souk::wire {
namespace {

constexpr uint32_t kFirstCapability = 1;
constexpr uint32_t kLastCapability = 8;

// The role of a framework that is not MULTI_ROLE, the roles of one that is; `role_error` says what
// does not fit.
void decode_roles(const pb::FrameworkInfo& in, FrameworkInfo& out) {
  if (!out.has(Capability::kMultiRole)) {
    if (!in.roles().empty()) {
      out.role_error =
          "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable";
    }
    out.roles.push_back(in.role());
    return;
  }
  if (in.has_role()) {
    out.role_error =
        "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable";
  }
  std::set<std::string_view> seen;
  for (const std::string& role : in.roles()) {
    if (seen.insert(role).second) {
      out.roles.push_back(role);
    } else {
      out.role_error =
          fmt::format("'FrameworkInfo.roles' cannot contain duplicate items: {}", quote(role));
    }
  }
}

Result<Quantities> decode_quantities(const pb::OfferFilters::ResourceQuantities& in) {
  Quantities quantities;
  for (const auto& [name, scalar] : in.quantities()) {
    const auto amount = Scalar::from_double(scalar.value());
    if (!amount) return fail("{}: {}", quote(name), amount.error().message);
    if (amount->thousandths > 0) quantities.emplace_back(name, *amount);
  }
  std::sort(quantities.begin(), quantities.end());
  return quantities;
}

// Present but without alternatives means: no minimum at all.
void decode_offer_filters(const pb::FrameworkInfo& in, FrameworkInfo& out) {
  for (const auto& [role, filters] : in.offer_filters()) {
    if (!filters.has_min_allocatable_resources()) continue;
    std::vector<Quantities> alternatives;
    for (const auto& each : filters.min_allocatable_resources().quantities()) {
      auto quantities = decode_quantities(each);
      if (!quantities) {
        out.role_error = fmt::format("'FrameworkInfo.offer_filters' of role {}: {}", quote(role),
                                     quantities.error().message);
        return;
      }
      alternatives.push_back(std::move(*quantities));
    }
    if (alternatives.empty()) alternatives.emplace_back();
    out.min_allocatable.emplace(role, std::move(alternatives));
  }
}

void encode_roles(const FrameworkInfo& framework, pb::FrameworkInfo& out) {
  if (framework.has(Capability::kMultiRole)) {
    out.clear_role();
    out.mutable_roles()->Assign(framework.roles.begin(), framework.roles.end());
    return;
  }
  out.clear_roles();
  if (framework.roles.empty()) {
    out.clear_role();
  } else if (out.role() != framework.roles.front()) {
    out.set_role(framework.roles.front());
  }
}

void encode_capabilities(const Capabilities& capabilities, pb::FrameworkInfo& out) {
  Capabilities there;
  for (const auto& each : out.capabilities()) {
    if (each.type() != pb::FrameworkInfo::Capability::UNKNOWN) {
      there.add(static_cast<Capability>(1 << each.type()));
    }
  }
  if (there == capabilities) return;
  out.clear_capabilities();
  for (uint32_t number = kFirstCapability; number <= kLastCapability; ++number) {
    if (!capabilities.has(static_cast<Capability>(1 << number))) continue;
    out.add_capabilities()->set_type(static_cast<pb::FrameworkInfo::Capability::Type>(number));
  }
}

void encode_offer_filters(const FrameworkInfo& framework, pb::FrameworkInfo& out) {
  if (!out.offer_filters().empty()) return;
  for (const auto& [role, alternatives] : framework.min_allocatable) {
    auto& minimum = *(*out.mutable_offer_filters())[role].mutable_min_allocatable_resources();
    for (const Quantities& quantities : alternatives) {
      auto& map = *minimum.add_quantities()->mutable_quantities();
      for (const auto& [name, amount] : quantities) map[name].set_value(amount.to_double());
    }
  }
}

// Where the agent of an offer, or of an inverse one, is reached.
void encode_agent_url(const auto& offer, pb::URL& url) {
  url.set_scheme("http");
  url.set_path("/slave(1)");
  url.mutable_address()->set_hostname(offer.hostname);
  url.mutable_address()->set_ip(offer.ip);
  url.mutable_address()->set_port(offer.port);
}

}  // namespace

Duration decode_span(double seconds) { return cut_span(from_seconds(seconds)); }

Duration decode_span(const pb::DurationInfo& span) {
  return cut_span(Duration(span.nanoseconds()));
}

Labels decode_labels(const Repeated<pb::Label>& labels) {
  Labels decoded;
  decoded.reserve(static_cast<std::size_t>(labels.size()));
  for (const auto& label : labels) {
    decoded.push_back(
        {label.key(), label.has_value() ? std::optional(label.value()) : std::nullopt});
  }
  return decoded;
}

void encode_labels(const Labels& labels, Repeated<pb::Label>& out) {
  for (const Label& label : labels) {
    auto& added = *out.Add();
    added.set_key(label.key);
    if (label.value) added.set_value(*label.value);
  }
}

uint32_t encode_ipv4(std::string_view ip) {
  const auto parts = split(ip, '.');
  if (parts.size() != 4) return 0;
  uint32_t number = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    uint8_t byte = 0;
    const char* end = parts[i].data() + parts[i].size();
    const auto [rest, error] = std::from_chars(parts[i].data(), end, byte);
    if (error != std::errc() || rest != end) return 0;
    number |= static_cast<uint32_t>(byte) << (8 * i);
  }
  return number;
}

std::string decode_ipv4(uint32_t number) {
  return fmt::format("{}.{}.{}.{}", number & 0xff, number >> 8 & 0xff, number >> 16 & 0xff,
                     number >> 24);
}

FrameworkInfo decode_framework(const pb::FrameworkInfo& in) {
  FrameworkInfo out;
  out.id.value = in.id().value();
  out.user = in.user();
  out.name = in.name();
  out.failover_timeout = decode_span(in.failover_timeout());
  out.checkpoint = in.checkpoint();
  out.hostname = in.hostname();
  out.principal = in.principal();
  out.webui_url = in.webui_url();
  for (const auto& each : in.capabilities()) {
    if (each.type() != pb::FrameworkInfo::Capability::UNKNOWN) {
      out.capabilities.add(static_cast<Capability>(1 << each.type()));
    }
  }
  out.labels = decode_labels(in.labels().labels());
  decode_roles(in, out);
  decode_offer_filters(in, out);
  out.raw = Blob(serialize(in));
  return out;
}

void encode_framework(const FrameworkInfo& framework, pb::FrameworkInfo& out) {
  encode_framework_but_id(framework, out);
  if (!framework.id.empty()) out.mutable_id()->set_value(framework.id.value);
}

void encode_framework_but_id(const FrameworkInfo& framework, pb::FrameworkInfo& out) {
  // What does not parse is not passed on; the fields below make a whole message all the same.
  if (!framework.raw.empty() && !parse_binary(framework.raw.view(), out)) out.Clear();
  out.set_user(framework.user);
  out.set_name(framework.name);
  if (decode_span(out.failover_timeout()) != framework.failover_timeout) {
    out.set_failover_timeout(to_seconds(framework.failover_timeout));
  }
  if (out.checkpoint() != framework.checkpoint) out.set_checkpoint(framework.checkpoint);
  if (out.hostname() != framework.hostname) out.set_hostname(framework.hostname);
  if (out.principal() != framework.principal) out.set_principal(framework.principal);
  if (out.webui_url() != framework.webui_url) out.set_webui_url(framework.webui_url);
  encode_capabilities(framework.capabilities, out);
  encode_roles(framework, out);
  if (decode_labels(out.labels().labels()) != framework.labels) {
    out.clear_labels();
    encode_labels(framework.labels, *out.mutable_labels()->mutable_labels());
  }
  encode_offer_filters(framework, out);
}

FaultDomain decode_domain(const pb::DomainInfo& in) {
  if (!in.has_fault_domain()) return {};
  return {in.fault_domain().region().name(), in.fault_domain().zone().name()};
}

void encode_domain(const FaultDomain& domain, pb::DomainInfo& out) {
  out.mutable_fault_domain()->mutable_region()->set_name(domain.region);
  out.mutable_fault_domain()->mutable_zone()->set_name(domain.zone);
}

AgentInfo decode_agent(const pb::AgentInfo& in) {
  AgentInfo out;
  out.id.value = in.id().value();
  out.hostname = in.hostname();
  out.port = static_cast<uint16_t>(in.port());
  out.resources = decode_resources(in.resources()).resources;
  for (const auto& each : in.attributes()) {
    if (auto attribute = decode_attribute(each)) out.attributes.push_back(std::move(*attribute));
  }
  out.domain = decode_domain(in.domain());
  return out;
}

void encode_agent(const AgentInfo& agent, pb::AgentInfo& out) {
  if (!agent.id.empty()) out.mutable_id()->set_value(agent.id.value);
  out.set_hostname(agent.hostname);
  out.set_port(agent.port);
  encode_resources(agent.resources, ReservationFormat::kPlain, {}, *out.mutable_resources());
  for (const Attribute& each : agent.attributes) encode_attribute(each, *out.add_attributes());
  if (agent.domain != FaultDomain{}) encode_domain(agent.domain, *out.mutable_domain());
}

MasterInfo decode_master(const pb::MasterInfo& in) {
  return {.id = in.id(),
          .hostname = in.hostname(),
          .ip = in.address().ip(),
          .port = static_cast<uint16_t>(in.port()),
          .domain = decode_domain(in.domain())};
}

void encode_master(const MasterInfo& master, pb::MasterInfo& out) {
  out.set_id(master.id);
  out.set_ip(encode_ipv4(master.ip));
  out.set_port(master.port);
  out.set_pid(fmt::format("master@{}:{}", master.ip, master.port));
  out.set_hostname(master.hostname);
  out.set_version(std::string(kMesosVersion));
  auto& address = *out.mutable_address();
  address.set_hostname(master.hostname);
  address.set_ip(master.ip);
  address.set_port(master.port);
  if (master.domain != FaultDomain{}) encode_domain(master.domain, *out.mutable_domain());
}

Offer decode_offer(const pb::Offer& in) {
  Offer out;
  out.id.value = in.id().value();
  out.framework_id.value = in.framework_id().value();
  out.agent_id.value = in.agent_id().value();
  out.hostname = in.hostname();
  out.ip = in.url().address().ip();
  out.port = static_cast<uint16_t>(in.url().address().port());
  out.domain = decode_domain(in.domain());
  out.role = in.allocation_info().role();
  out.resources = decode_resources(in.resources()).resources;
  for (const auto& each : in.attributes()) {
    if (auto attribute = decode_attribute(each)) out.attributes.push_back(std::move(*attribute));
  }
  for (const auto& each : in.executor_ids()) out.executor_ids.emplace_back(each.value());
  return out;
}

void encode_offer(const Offer& offer, OfferFormat format, pb::Offer& out) {
  out.mutable_id()->set_value(offer.id.value);
  out.mutable_framework_id()->set_value(offer.framework_id.value);
  out.mutable_agent_id()->set_value(offer.agent_id.value);
  out.set_hostname(offer.hostname);
  encode_agent_url(offer, *out.mutable_url());
  if (offer.domain != FaultDomain{}) encode_domain(offer.domain, *out.mutable_domain());
  const std::string_view role = format.with_allocation_info ? offer.role : std::string_view();
  if (!role.empty()) out.mutable_allocation_info()->set_role(offer.role);
  encode_resources(offer.resources, format.reservations, role, *out.mutable_resources());
  for (const Attribute& each : offer.attributes) encode_attribute(each, *out.add_attributes());
  for (const ExecutorId& each : offer.executor_ids) out.add_executor_ids()->set_value(each.value);
}

InverseOffer decode_inverse_offer(const pb::InverseOffer& in) {
  InverseOffer out;
  out.id.value = in.id().value();
  out.framework_id.value = in.framework_id().value();
  out.agent_id.value = in.agent_id().value();
  out.hostname = in.url().address().hostname();
  out.ip = in.url().address().ip();
  out.port = static_cast<uint16_t>(in.url().address().port());
  out.start = WallTime(Duration(in.unavailability().start().nanoseconds()));
  out.resources = decode_resources(in.resources()).resources;
  return out;
}

void encode_inverse_offer(const InverseOffer& offer, ReservationFormat format,
                          pb::InverseOffer& out) {
  out.mutable_id()->set_value(offer.id.value);
  out.mutable_framework_id()->set_value(offer.framework_id.value);
  out.mutable_agent_id()->set_value(offer.agent_id.value);
  encode_agent_url(offer, *out.mutable_url());
  out.mutable_unavailability()->mutable_start()->set_nanoseconds(
      offer.start.time_since_epoch().count());
  encode_resources(offer.resources, format, {}, *out.mutable_resources());
}

}  // namespace souk::wire
