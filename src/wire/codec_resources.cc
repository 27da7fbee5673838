// Resources and attributes of mesos.v1 <-> model/resources.h.
#include "base/text.h"
#include "model/role.h"
#include "wire/codec_model.h"
#include "wire/message_codec.h"
#include "wire/overloaded.h"

// `role` is deprecated in the protocol since `roles` and `reservations`, not in the clients in use.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace souk::wire {
namespace {

Result<Ranges> decode_ranges(const pb::Value::Ranges& in) {
  std::vector<Range> ranges;
  ranges.reserve(static_cast<std::size_t>(in.range_size()));
  for (const auto& range : in.range()) ranges.push_back({range.begin(), range.end()});
  return Ranges::checked(std::move(ranges));
}

Result<NameSet> decode_set(const pb::Value::Set& in) {
  return NameSet::checked({in.item().begin(), in.item().end()});
}

void encode_ranges(const Ranges& ranges, pb::Value::Ranges& out) {
  for (const Range& range : ranges.ranges()) {
    auto& added = *out.add_range();
    added.set_begin(range.begin);
    added.set_end(range.end);
  }
}

void encode_set(const NameSet& set, pb::Value::Set& out) {
  for (const std::string& name : set.names()) out.add_item(name);
}

// `Value` is the variant to fill; In a Resource or an Attribute, which name their parts alike.
template <class Value, class In>
Result<Value> decode_value(const In& in) {
  const auto given = [](auto decoded) -> Result<Value> {
    if (!decoded) return std::unexpected(decoded.error());
    return Value(std::move(*decoded));
  };
  switch (in.type()) {
    case pb::Value::SCALAR:
      if (!in.has_scalar()) return fail("its type is SCALAR, but 'scalar' is not set");
      return given(Scalar::from_double(in.scalar().value()));
    case pb::Value::RANGES:
      if (!in.has_ranges()) return fail("its type is RANGES, but 'ranges' is not set");
      return given(decode_ranges(in.ranges()));
    case pb::Value::SET:
      if (!in.has_set()) return fail("its type is SET, but 'set' is not set");
      return given(decode_set(in.set()));
    case pb::Value::TEXT:
      break;
  }
  return fail("the type {} is none for it", pb::Value::Type_Name(in.type()));
}

template <class Out>
auto value_encoder(Out& out) {
  return Overloaded{
      [&](Scalar scalar) {
        out.set_type(pb::Value::SCALAR);
        out.mutable_scalar()->set_value(scalar.to_double());
      },
      [&](const Ranges& ranges) {
        out.set_type(pb::Value::RANGES);
        encode_ranges(ranges, *out.mutable_ranges());
      },
      [&](const NameSet& set) {
        out.set_type(pb::Value::SET);
        encode_set(set, *out.mutable_set());
      },
  };
}

Reservation decode_owner(const pb::Resource::ReservationInfo& in) {
  Reservation reservation;
  if (in.has_principal()) reservation.principal = in.principal();
  reservation.labels = decode_labels(in.labels().labels());
  return reservation;
}

Result<std::vector<Reservation>> decode_stack(const pb::Resource& in) {
  if (in.has_reservation() || (in.has_role() && in.role() != kDefaultRole)) {
    return fail("'reservations' excludes 'role' and 'reservation'");
  }
  std::vector<Reservation> stack;
  for (const auto& info : in.reservations()) {
    if (info.type() != pb::Resource::ReservationInfo::STATIC &&
        info.type() != pb::Resource::ReservationInfo::DYNAMIC) {
      return fail("a reservation needs its 'type', STATIC or DYNAMIC");
    }
    Reservation level = decode_owner(info);
    level.type = static_cast<Reservation::Type>(info.type());
    level.role = info.role();
    stack.push_back(std::move(level));
  }
  return stack;
}

// The older form: a role makes a static reservation, with `reservation` a dynamic one.
Result<std::vector<Reservation>> decode_plain(const pb::Resource& in) {
  std::vector<Reservation> stack;
  if (in.role() == kDefaultRole) {
    if (in.has_reservation()) return fail("'reservation' needs a 'role' other than \"*\"");
    return stack;
  }
  Reservation level;
  if (in.has_reservation()) {
    const auto& info = in.reservation();
    if (info.has_role() && info.role() != in.role()) {
      return fail("'reservation.role' and 'role' differ");
    }
    level = decode_owner(info);
    level.type = Reservation::Type::kDynamic;
  }
  level.role = in.role();
  stack.push_back(std::move(level));
  return stack;
}

void encode_reservation(const Reservation& reservation, bool whole,
                        pb::Resource::ReservationInfo& out) {
  if (whole) {
    out.set_type(static_cast<pb::Resource::ReservationInfo::Type>(reservation.type));
    out.set_role(reservation.role);
  }
  if (reservation.principal) out.set_principal(*reservation.principal);
  if (!reservation.labels.empty()) {
    encode_labels(reservation.labels, *out.mutable_labels()->mutable_labels());
  }
}

void encode_reservations(const std::vector<Reservation>& stack, ReservationFormat format,
                         pb::Resource& out) {
  if (format == ReservationFormat::kPlain && stack.size() <= 1) {
    // Set although it is the default: clients look for it.
    out.set_role(stack.empty() ? std::string(kDefaultRole) : stack.front().role);
    if (!stack.empty() && stack.front().type == Reservation::Type::kDynamic) {
      encode_reservation(stack.front(), false, *out.mutable_reservation());
    }
    return;
  }
  for (const Reservation& level : stack) encode_reservation(level, true, *out.add_reservations());
}

void encode_resource(const Resource& resource, ReservationFormat format,
                     std::string_view allocation_role, pb::Resource& out) {
  out.set_name(resource.name);
  std::visit(value_encoder(out), resource.value);
  encode_reservations(resource.reservations, format, out);
  if (!allocation_role.empty()) {
    out.mutable_allocation_info()->set_role(std::string(allocation_role));
  }
  if (!resource.disk.empty()) {
    const auto parsed = parse_binary(resource.disk.view(), *out.mutable_disk());
    if (!parsed) out.clear_disk();
  }
  if (resource.revocable) out.mutable_revocable();
  if (resource.shared) out.mutable_shared();
}

void note_allocation_role(const pb::Resource& in, DecodedResources& decoded) {
  if (!in.has_allocation_info() || in.allocation_info().role().empty()) return;
  const std::string& role = in.allocation_info().role();
  if (!decoded.allocation_role) {
    decoded.allocation_role = role;
  } else if (*decoded.allocation_role != role) {
    decoded.mixed_allocation_roles = true;
  }
}

}  // namespace

Result<Resource> decode_resource(const pb::Resource& in) {
  Resource resource;
  resource.name = in.name();
  auto value = decode_value<decltype(Resource::value)>(in);
  if (!value) return fail("resource {}: {}", quote(in.name()), value.error().message);
  resource.value = std::move(*value);
  auto reservations = in.reservations().empty() ? decode_plain(in) : decode_stack(in);
  if (!reservations) return fail("resource {}: {}", quote(in.name()), reservations.error().message);
  if (!reservations->empty()) resource.reservations = std::move(*reservations);
  if (in.has_provider_id()) {
    return fail("resource {}: resource providers are not supported", quote(in.name()));
  }
  if (in.has_disk()) resource.disk = Blob(serialize(in.disk()));
  resource.revocable = in.has_revocable();
  resource.shared = in.has_shared();
  return resource;
}

DecodedResources decode_resources(const Repeated<pb::Resource>& in) {
  DecodedResources decoded;
  std::vector<Resource> items;
  items.reserve(std::min<std::size_t>(static_cast<std::size_t>(in.size()), kMaxResourceItems));
  for (const auto& each : in) {
    note_allocation_role(each, decoded);
    auto item = decode_resource(each);
    if (!item) {
      decoded.error = std::move(item.error().message);
      return decoded;
    }
    items.push_back(std::move(*item));
  }
  auto checked = Resources::checked(std::move(items));
  if (checked) {
    decoded.resources = std::move(*checked);
  } else {
    decoded.error = std::move(checked.error().message);
  }
  return decoded;
}

void encode_resources(const Resources& resources, ReservationFormat format,
                      std::string_view allocation_role, Repeated<pb::Resource>& out) {
  out.Reserve(out.size() + static_cast<int>(resources.items().size()));
  for (const Resource& resource : resources.items()) {
    encode_resource(resource, format, allocation_role, *out.Add());
  }
}

Result<Attribute> decode_attribute(const pb::Attribute& in) {
  Attribute attribute;
  attribute.name = in.name();
  if (in.type() == pb::Value::TEXT) {
    if (!in.has_text()) {
      return fail("attribute {}: its type is TEXT, but 'text' is not set", quote(in.name()));
    }
    attribute.value = in.text().value();
    return attribute;
  }
  auto value = decode_value<decltype(Attribute::value)>(in);
  if (!value) return fail("attribute {}: {}", quote(in.name()), value.error().message);
  attribute.value = std::move(*value);
  return attribute;
}

void encode_attribute(const Attribute& attribute, pb::Attribute& out) {
  out.set_name(attribute.name);
  std::visit(Overloaded{value_encoder(out),
                        [&](const std::string& text) {
                          out.set_type(pb::Value::TEXT);
                          out.mutable_text()->set_value(text);
                        }},
             attribute.value);
}

}  // namespace souk::wire
