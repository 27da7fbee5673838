#include "wire/codec_operator.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/text.h"
#include "mesos/v1/master/master.pb.h"
#include "mesos/v1/quota/quota.pb.h"
#include "wire/codec_model.h"
#include "wire/json.h"
#include "wire/json_reader.h"
#include "wire/master_json.h"
#include "wire/message_codec.h"
#include "wire/message_parts.h"
#include "wire/operator_messages.h"
#include "wire/role_sums.h"

namespace souk::wire {
namespace {

using protocol::HttpAnswer;
using PbCall = pb::master::Call;
using PbResponse = pb::master::Response;
namespace operator_call = protocol::operator_call;

constexpr int kBadRequest = 400;
constexpr int kNotImplemented = 501;

template <class... Args>
std::unexpected<HttpAnswer> invalid(fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(HttpAnswer{
      kBadRequest,
      "Failed to validate master::Call: " + fmt::format(format, std::forward<Args>(args)...)});
}

std::unexpected<HttpAnswer> absent(std::string_view field) {
  return invalid("Expecting '{}' to be present", field);
}

// --- calls that change something

DecodedChange decode_weight_infos(const Repeated<pb::WeightInfo>& in) {
  operator_call::UpdateWeights call;
  for (const pb::WeightInfo& info : in) {
    if (!info.has_role()) return invalid("a weight has no 'role'");
    const auto weight = Scalar::from_double(info.weight());
    if (!weight || info.weight() <= 0) {
      return invalid("role {}: {} is no weight: weights must be positive, and at most {}",
                     quote(info.role()), info.weight(), kMaxScalar / 1000);
    }
    if (weight->thousandths == 0) {
      return invalid("role {}: the weight {} is too small: at least 0.001", quote(info.role()),
                     info.weight());
    }
    call.weights.push_back({info.role(), *weight});
  }
  return call;
}

DecodedChange decode_update_weights(const PbCall& in) {
  if (!in.has_update_weights()) return absent("update_weights");
  return decode_weight_infos(in.update_weights().weight_infos());
}

using PbAmounts = google::protobuf::Map<std::string, pb::Value_Scalar>;

Result<Quantities> decode_amounts(const PbAmounts& in) {
  Quantities amounts;
  for (const auto& [name, scalar] : in) {
    const auto amount = quota_amount(scalar.value());
    if (!amount) return fail("{}: {}", quote(name), amount.error().message);
    amounts.emplace_back(name, *amount);
  }
  std::sort(amounts.begin(), amounts.end());
  return amounts;
}

DecodedChange decode_update_quota(const PbCall& in) {
  if (!in.has_update_quota()) return absent("update_quota");
  operator_call::UpdateQuota call;
  call.force = in.update_quota().force();
  for (const pb::quota::QuotaConfig& config : in.update_quota().quota_configs()) {
    const auto bad = [&](std::string_view what, const Error& error) {
      return invalid("the {} of role {}: {}", what, quote(config.role()), error.message);
    };
    auto guarantees = decode_amounts(config.guarantees());
    if (!guarantees) return bad("guarantees", guarantees.error());
    auto limits = decode_amounts(config.limits());
    if (!limits) return bad("limits", limits.error());
    call.quotas.push_back({config.role(), {std::move(*guarantees), std::move(*limits)}});
  }
  return call;
}

Result<Scalar> decode_guarantee(const pb::Resource& in) {
  if (in.type() != pb::Value::SCALAR || !in.has_scalar()) return fail("it is not a scalar");
  const bool reserved =
      in.reservations_size() > 0 || in.has_reservation() || (in.has_role() && in.role() != "*");
  if (reserved) return fail("a guarantee must not be reserved");
  if (in.has_disk()) return fail("a guarantee must not name a disk");
  if (in.has_revocable()) return fail("a guarantee must not be revocable");
  if (in.has_shared()) return fail("a guarantee must not be shared");
  return quota_amount(in.scalar().value());
}

DecodedChange decode_request(const pb::quota::QuotaRequest& in) {
  if (!in.has_role()) return absent("role");
  if (in.guarantee().empty()) return invalid("'guarantee' must not be empty");
  operator_call::SetQuota call{in.role(), {}, in.force()};
  for (const pb::Resource& resource : in.guarantee()) {
    const auto amount = decode_guarantee(resource);
    if (!amount) {
      return invalid("the guarantee {}: {}", quote(resource.name()), amount.error().message);
    }
    call.guarantee.emplace_back(resource.name(), *amount);
  }
  std::sort(call.guarantee.begin(), call.guarantee.end());
  return call;
}

DecodedChange decode_set_quota(const PbCall& in) {
  if (!in.has_set_quota()) return absent("set_quota");
  return decode_request(in.set_quota().quota_request());
}

DecodedChange decode_remove_quota(const PbCall& in) {
  if (!in.has_remove_quota()) return absent("remove_quota");
  return operator_call::RemoveQuota{in.remove_quota().role()};
}

struct ChangeRow {
  PbCall::Type type;
  DecodedChange (*decode)(const PbCall&);
};
constexpr std::array kChanges = {
    ChangeRow{PbCall::UPDATE_WEIGHTS, decode_update_weights},
    ChangeRow{PbCall::UPDATE_QUOTA, decode_update_quota},
    ChangeRow{PbCall::SET_QUOTA, decode_set_quota},
    ChangeRow{PbCall::REMOVE_QUOTA, decode_remove_quota},
};

// --- calls that ask

void fill_health(const OperatorContext&, PbResponse& out) {
  out.mutable_get_health()->set_healthy(true);
}

void fill_flags(const OperatorContext& context, PbResponse& out) {
  auto& body = *out.mutable_get_flags();
  for (const auto& [name, value] : context.document.flags) {
    auto& flag = *body.add_flags();
    flag.set_name(name);
    flag.set_value(value);
  }
}

void fill_version(const OperatorContext&, PbResponse& out) {
  out.mutable_get_version()->mutable_version_info()->set_version(std::string(kMesosVersion));
}

void fill_metrics(const OperatorContext& context, PbResponse& out) {
  auto& body = *out.mutable_get_metrics();
  for (const auto& [name, value] : master_metrics(context.view, context.system)) {
    auto& metric = *body.add_metrics();
    metric.set_name(name);
    metric.set_value(value);
  }
}

void fill_master(const OperatorContext& context, PbResponse& out) {
  auto& body = *out.mutable_get_master();
  encode_master(context.view.info, *body.mutable_master_info());
  body.set_start_time(to_seconds(context.document.started));
  if (context.view.elected_at != WallTime{}) {
    body.set_elected_time(to_seconds(context.view.elected_at));
  }
}

void fill_roles(const OperatorContext& context, PbResponse& out) {
  auto& body = *out.mutable_get_roles();
  for (const auto& [name, sum] : sum_roles(context.view)) {
    auto& role = *body.add_roles();
    role.set_name(std::string(name));
    role.set_weight(sum.weight);
    for (const std::string_view id : sum.frameworks) {
      role.add_frameworks()->set_value(std::string(id));
    }
    // Allocated to this role or to one below it: no allocation_info would be right.
    encode_resources(sum.allocated + sum.offered, ReservationFormat::kStack, {},
                     *role.mutable_resources());
  }
}

void encode_weights(const protocol::MasterView& view, Repeated<pb::WeightInfo>& out) {
  for (const auto& [role, weight] : view.roles->weights) {
    auto& info = *out.Add();
    info.set_role(role);
    info.set_weight(weight.to_double());
  }
}

void fill_weights(const OperatorContext& context, PbResponse& out) {
  encode_weights(context.view, *out.mutable_get_weights()->mutable_weight_infos());
}

void encode_quotas(const protocol::MasterView& view, pb::quota::QuotaStatus& out) {
  for (const auto& [role, quota] : view.roles->quotas) {
    auto& info = *out.add_infos();
    auto& config = *out.add_configs();
    info.set_role(role);
    config.set_role(role);
    for (const auto& [name, amount] : quota.guarantees) {
      auto& resource = *info.add_guarantee();
      resource.set_name(name);
      resource.set_type(pb::Value::SCALAR);
      resource.mutable_scalar()->set_value(amount.to_double());
      (*config.mutable_guarantees())[name].set_value(amount.to_double());
    }
    for (const auto& [name, amount] : quota.limits) {
      (*config.mutable_limits())[name].set_value(amount.to_double());
    }
  }
}

void fill_quota(const OperatorContext& context, PbResponse& out) {
  encode_quotas(context.view, *out.mutable_get_quota()->mutable_status());
}

struct QuestionRow {
  PbCall::Type type;
  PbResponse::Type response;
  void (*fill)(const OperatorContext&, PbResponse&);
};
constexpr std::array kQuestions = {
    QuestionRow{PbCall::GET_HEALTH, PbResponse::GET_HEALTH, fill_health},
    QuestionRow{PbCall::GET_FLAGS, PbResponse::GET_FLAGS, fill_flags},
    QuestionRow{PbCall::GET_VERSION, PbResponse::GET_VERSION, fill_version},
    QuestionRow{PbCall::GET_METRICS, PbResponse::GET_METRICS, fill_metrics},
    QuestionRow{PbCall::GET_MASTER, PbResponse::GET_MASTER, fill_master},
    QuestionRow{PbCall::GET_ROLES, PbResponse::GET_ROLES, fill_roles},
    QuestionRow{PbCall::GET_WEIGHTS, PbResponse::GET_WEIGHTS, fill_weights},
    QuestionRow{PbCall::GET_QUOTA, PbResponse::GET_QUOTA, fill_quota},
};

// Those whose answers are too large to be held as one message.
struct StateRow {
  PbCall::Type type;
  PbResponse::Type response;
  int field;  // of the response
  void (StateParts::*write)();
};
constexpr std::array kStateQuestions = {
    StateRow{PbCall::GET_STATE, PbResponse::GET_STATE, PbResponse::kGetStateFieldNumber,
             &StateParts::state},
    StateRow{PbCall::GET_AGENTS, PbResponse::GET_AGENTS, PbResponse::kGetAgentsFieldNumber,
             &StateParts::agents},
    StateRow{PbCall::GET_FRAMEWORKS, PbResponse::GET_FRAMEWORKS,
             PbResponse::kGetFrameworksFieldNumber, &StateParts::frameworks},
    StateRow{PbCall::GET_EXECUTORS, PbResponse::GET_EXECUTORS, PbResponse::kGetExecutorsFieldNumber,
             &StateParts::executors},
    StateRow{PbCall::GET_TASKS, PbResponse::GET_TASKS, PbResponse::kGetTasksFieldNumber,
             &StateParts::tasks},
};

// Null if there is none.
template <class Rows>
auto find_row(const Rows& rows, int type) -> decltype(rows.data()) {
  const auto row = std::ranges::find(rows, type, [](const auto& each) { return each.type; });
  return row == rows.end() ? nullptr : &*row;
}

std::string answer_from_state(const StateRow& row, const protocol::MasterView& view,
                              ContentType type) {
  std::string out;
  MessageParts parts(out, type);
  parts.set_enum(field_of<PbResponse>(PbResponse::kTypeFieldNumber), row.response);
  parts.begin(field_of<PbResponse>(row.field));
  StateParts state(parts, view);
  (state.*row.write)();
  parts.end();
  parts.finish();
  return out;
}

std::unexpected<HttpAnswer> unparsable(std::string_view what, const std::string& why) {
  return std::unexpected(
      HttpAnswer{kBadRequest, fmt::format("Failed to parse body into {}: {}", what, why)});
}

}  // namespace

std::expected<DecodedOperatorCall, HttpAnswer> decode_operator_call(std::string_view body,
                                                                    ContentType type) {
  ScratchArena arena;
  auto& in = arena.create<PbCall>();
  if (auto parsed = parse_message(body, type, in); !parsed) {
    return unparsable("Call protobuf", parsed.error().message);
  }
  // A type that this version does not know was dropped by the parser.
  if (!in.has_type()) return absent("type");
  if (in.type() == PbCall::SUBSCRIBE) return OperatorSubscribe{};
  if (find_row(kQuestions, in.type()) != nullptr ||
      find_row(kStateQuestions, in.type()) != nullptr) {
    return OperatorQuestion{in.type()};
  }
  if (const ChangeRow* row = find_row(kChanges, in.type())) {
    auto change = row->decode(in);
    if (!change) return std::unexpected(std::move(change.error()));
    return std::move(*change);
  }
  return std::unexpected(HttpAnswer{kNotImplemented, fmt::format("The call {} is not supported yet",
                                                                 PbCall::Type_Name(in.type()))});
}

bool is_shared(OperatorQuestion question) {
  return find_row(kStateQuestions, question.type) != nullptr;
}

std::string answer_operator_question(OperatorQuestion question, const OperatorContext& context,
                                     ContentType type) {
  if (const StateRow* row = find_row(kStateQuestions, question.type)) {
    return answer_from_state(*row, context.view, type);
  }
  const QuestionRow* row = find_row(kQuestions, question.type);
  SOUK_CHECK(row != nullptr, "a question that was never decoded");
  PbResponse response;
  response.set_type(row->response);
  row->fill(context, response);
  std::string out;
  append_message(out, response, type);
  return out;
}

std::string render_weights(const protocol::MasterView& view) {
  Repeated<pb::WeightInfo> infos;
  encode_weights(view, infos);
  std::string out = "[";
  for (const pb::WeightInfo& info : infos) {
    if (out.size() > 1) out += ',';
    append_json(out, info);
  }
  return out + "]";
}

std::string render_quota(const protocol::MasterView& view) {
  pb::quota::QuotaStatus status;
  encode_quotas(view, status);
  return to_json(status);
}

DecodedChange decode_weights(std::string_view body) {
  JsonReader json(body);
  if (json.peek() != JsonKind::kArray) {
    return unparsable("weights", "expected an array, as in [{\"role\":\"eng\",\"weight\":2.0}]");
  }
  if (!json.skip_value() || !json.finish()) return unparsable("weights", json.error());
  pb::master::Call::UpdateWeights in;
  if (auto parsed = from_json(fmt::format("{{\"weight_infos\":{}}}", body), in); !parsed) {
    return unparsable("weights", parsed.error().message);
  }
  return decode_weight_infos(in.weight_infos());
}

DecodedChange decode_quota_request(std::string_view body) {
  pb::quota::QuotaRequest in;
  if (auto parsed = from_json(body, in); !parsed) {
    return unparsable("a quota request", parsed.error().message);
  }
  return decode_request(in);
}

}  // namespace souk::wire
