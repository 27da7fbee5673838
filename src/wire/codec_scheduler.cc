#include "wire/codec_scheduler.h"

#include "mesos/v1/scheduler/scheduler.pb.h"
#include "wire/codec_constraints.h"
#include "wire/codec_model.h"
#include "wire/message_codec.h"
#include "wire/overloaded.h"

namespace souk::wire {
namespace {

using protocol::HttpAnswer;
using protocol::OfferOperation;
using protocol::SchedulerCall;
using protocol::SchedulerCallBody;
using protocol::SchedulerEvent;
using PbCall = pb::scheduler::Call;
using PbEvent = pb::scheduler::Event;

using Decoded = std::expected<SchedulerCallBody, HttpAnswer>;

constexpr int kBadRequest = 400;
constexpr int kNotImplemented = 501;

template <class... Args>
std::unexpected<HttpAnswer> invalid(fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(HttpAnswer{
      kBadRequest,
      "Failed to validate scheduler::Call: " + fmt::format(format, std::forward<Args>(args)...)});
}

std::unexpected<HttpAnswer> absent(std::string_view field) {
  return invalid("Expecting '{}' to be present", field);
}

template <class Id, class PbId>
std::vector<Id> decode_ids(const Repeated<PbId>& in) {
  std::vector<Id> ids;
  ids.reserve(static_cast<std::size_t>(in.size()));
  for (const auto& each : in) ids.emplace_back(each.value());
  return ids;
}

std::vector<std::string> decode_texts(const Repeated<std::string>& in) {
  return {in.begin(), in.end()};
}

// What is no number counts as not said.
Filters decode_filters(const pb::Filters& in) {
  Filters filters;
  const double seconds = in.refuse_seconds();
  if (in.has_refuse_seconds() && seconds == seconds) filters.refuse = decode_span(seconds);
  return filters;
}

std::optional<Duration> decode_grace(const pb::KillPolicy& in) {
  if (!in.has_grace_period()) return std::nullopt;
  return decode_span(in.grace_period());
}

// --- operations

std::vector<TaskSpec> decode_tasks(Repeated<pb::TaskInfo>& in) {
  std::vector<TaskSpec> tasks;
  tasks.reserve(static_cast<std::size_t>(in.size()));
  for (auto& each : in) tasks.push_back(decode_task(each));
  return tasks;
}

protocol::LaunchGroup decode_launch_group(pb::Offer::Operation::LaunchGroup& in) {
  DecodedExecutor executor = decode_executor(in.executor());
  protocol::LaunchGroup group;
  group.tasks = decode_tasks(*in.mutable_task_group()->mutable_tasks());
  for (TaskSpec& task : group.tasks) {
    add_executor_resources(task, executor.spec.id, executor.resources);
  }
  group.executor = std::move(executor.spec);
  return group;
}

std::expected<OfferOperation, HttpAnswer> decode_operation(pb::Offer::Operation& in, int index) {
  OfferOperation operation;
  operation.id.value = in.id().value();
  switch (in.type()) {
    case pb::Offer::Operation::LAUNCH:
      if (!in.has_launch()) return absent(fmt::format("accept.operations[{}].launch", index));
      operation.body = protocol::Launch{decode_tasks(*in.mutable_launch()->mutable_task_infos())};
      break;
    case pb::Offer::Operation::LAUNCH_GROUP:
      if (!in.has_launch_group()) {
        return absent(fmt::format("accept.operations[{}].launch_group", index));
      }
      operation.body = decode_launch_group(*in.mutable_launch_group());
      break;
    default:
      operation.body = protocol::UnsupportedOperation{pb::Offer::Operation::Type_Name(in.type())};
  }
  return operation;
}

// --- calls, by type

// An error in them is for the framework to hear as an event, where the call is SUBSCRIBE.
void decode_constraints_of(const auto& in, auto& body) {
  if (auto constraints = decode_constraints(in.offer_constraints())) {
    body.offer_constraints = std::move(*constraints);
  } else {
    body.offer_constraints_error = std::move(constraints.error().message);
  }
}

Decoded decode_subscribe(const PbCall& in) {
  if (!in.has_subscribe()) return absent("subscribe");
  const auto& subscribe = in.subscribe();
  const std::string& inner = subscribe.framework_info().id().value();
  if (in.has_framework_id() && !inner.empty() && inner != in.framework_id().value()) {
    return invalid("'framework_id' differs from 'subscribe.framework_info.id'");
  }
  protocol::call::Subscribe body;
  FrameworkInfo framework = decode_framework(subscribe.framework_info());
  if (in.has_framework_id()) framework.id.value = in.framework_id().value();
  body.framework = std::move(framework);
  body.suppressed_roles = decode_texts(subscribe.suppressed_roles());
  decode_constraints_of(subscribe, body);
  return body;
}

Decoded decode_update_framework(const PbCall& in) {
  if (!in.has_update_framework()) return absent("update_framework");
  const auto& update = in.update_framework();
  const std::string& inner = update.framework_info().id().value();
  if (!inner.empty() && inner != in.framework_id().value()) {
    return invalid("'framework_id' differs from 'update_framework.framework_info.id'");
  }
  protocol::call::UpdateFramework body;
  FrameworkInfo framework = decode_framework(update.framework_info());
  framework.id.value = in.framework_id().value();
  body.framework = std::move(framework);
  body.suppressed_roles = decode_texts(update.suppressed_roles());
  decode_constraints_of(update, body);
  return body;
}

Decoded decode_accept(PbCall& in) {
  if (!in.has_accept()) return absent("accept");
  protocol::call::Accept body;
  body.offers = decode_ids<OfferId>(in.accept().offer_ids());
  body.filters = decode_filters(in.accept().filters());
  for (int i = 0; i < in.accept().operations_size(); ++i) {
    auto operation = decode_operation(*in.mutable_accept()->mutable_operations(i), i);
    if (!operation) return std::unexpected(operation.error());
    body.operations.push_back(std::move(*operation));
  }
  return body;
}

Decoded decode_kill(const PbCall& in) {
  if (!in.has_kill()) return absent("kill");
  return protocol::call::Kill{TaskId(in.kill().task_id().value()),
                              AgentId(in.kill().agent_id().value()),
                              decode_grace(in.kill().kill_policy())};
}

Decoded decode_shutdown(const PbCall& in) {
  if (!in.has_shutdown()) return absent("shutdown");
  return protocol::call::Shutdown{ExecutorId(in.shutdown().executor_id().value()),
                                  AgentId(in.shutdown().agent_id().value())};
}

Decoded decode_acknowledge(const PbCall& in) {
  if (!in.has_acknowledge()) return absent("acknowledge");
  const auto uuid = Uuid::from_bytes(in.acknowledge().uuid());
  if (!uuid) {
    return invalid("'acknowledge.uuid' must be 16 bytes, not {}", in.acknowledge().uuid().size());
  }
  return protocol::call::Acknowledge{AgentId(in.acknowledge().agent_id().value()),
                                     TaskId(in.acknowledge().task_id().value()), *uuid};
}

Decoded decode_acknowledge_operation(const PbCall& in) {
  if (!in.has_acknowledge_operation_status()) return absent("acknowledge_operation_status");
  const auto& acknowledge = in.acknowledge_operation_status();
  if (!Uuid::from_bytes(acknowledge.uuid())) {
    return invalid("'acknowledge_operation_status.uuid' must be 16 bytes, not {}",
                   acknowledge.uuid().size());
  }
  return protocol::call::AcknowledgeOperationStatus{
      OperationId(acknowledge.operation_id().value())};
}

Decoded decode_reconcile(const PbCall& in) {
  if (!in.has_reconcile()) return absent("reconcile");
  protocol::call::Reconcile body;
  for (const auto& task : in.reconcile().tasks()) {
    body.tasks.push_back({TaskId(task.task_id().value()), AgentId(task.agent_id().value())});
  }
  return body;
}

Decoded decode_reconcile_operations(const PbCall& in) {
  if (!in.has_reconcile_operations()) return absent("reconcile_operations");
  protocol::call::ReconcileOperations body;
  for (const auto& each : in.reconcile_operations().operations()) {
    body.operations.push_back(
        {OperationId(each.operation_id().value()), AgentId(each.agent_id().value())});
  }
  return body;
}

Decoded decode_message(PbCall& in) {
  if (!in.has_message()) return absent("message");
  return protocol::call::Message{AgentId(in.message().agent_id().value()),
                                 ExecutorId(in.message().executor_id().value()),
                                 Blob(std::move(*in.mutable_message()->mutable_data()))};
}

Decoded decode_body(PbCall& in) {
  switch (in.type()) {
    case PbCall::SUBSCRIBE:
      return decode_subscribe(in);
    case PbCall::TEARDOWN:
      return protocol::call::Teardown{};
    case PbCall::ACCEPT:
      return decode_accept(in);
    case PbCall::DECLINE:
      if (!in.has_decline()) return absent("decline");
      return protocol::call::Decline{decode_ids<OfferId>(in.decline().offer_ids()),
                                     decode_filters(in.decline().filters())};
    case PbCall::ACCEPT_INVERSE_OFFERS:
      if (!in.has_accept_inverse_offers()) return absent("accept_inverse_offers");
      return protocol::call::AcceptInverseOffers{
          decode_ids<OfferId>(in.accept_inverse_offers().inverse_offer_ids())};
    case PbCall::DECLINE_INVERSE_OFFERS:
      if (!in.has_decline_inverse_offers()) return absent("decline_inverse_offers");
      return protocol::call::DeclineInverseOffers{
          decode_ids<OfferId>(in.decline_inverse_offers().inverse_offer_ids())};
    case PbCall::REVIVE:
      return protocol::call::Revive{decode_texts(in.revive().roles())};
    case PbCall::SUPPRESS:
      return protocol::call::Suppress{decode_texts(in.suppress().roles())};
    case PbCall::KILL:
      return decode_kill(in);
    case PbCall::SHUTDOWN:
      return decode_shutdown(in);
    case PbCall::ACKNOWLEDGE:
      return decode_acknowledge(in);
    case PbCall::ACKNOWLEDGE_OPERATION_STATUS:
      return decode_acknowledge_operation(in);
    case PbCall::RECONCILE:
      return decode_reconcile(in);
    case PbCall::RECONCILE_OPERATIONS:
      return decode_reconcile_operations(in);
    case PbCall::MESSAGE:
      return decode_message(in);
    case PbCall::REQUEST:
      if (!in.has_request()) return absent("request");
      return protocol::call::Request{};
    case PbCall::UPDATE_FRAMEWORK:
      return decode_update_framework(in);
    case PbCall::UNKNOWN:
      break;
  }
  return std::unexpected(HttpAnswer{kNotImplemented, "A call of type UNKNOWN is not implemented"});
}

// --- events out

void encode_event(const protocol::event::Subscribed& event, PbEvent& out) {
  out.set_type(PbEvent::SUBSCRIBED);
  auto& body = *out.mutable_subscribed();
  body.mutable_framework_id()->set_value(event.framework.value);
  body.set_heartbeat_interval_seconds(to_seconds(event.heartbeat_interval));
  encode_master(event.master, *body.mutable_master_info());
}

void encode_event(const protocol::event::Offers& event, PbEvent& out) {
  out.set_type(PbEvent::OFFERS);
  const OfferFormat format{event.with_allocation_info, event.with_reservation_refinement
                                                           ? ReservationFormat::kStack
                                                           : ReservationFormat::kPlain};
  auto& offers = *out.mutable_offers()->mutable_offers();
  offers.Reserve(static_cast<int>(event.offers.size()));
  for (const Offer& offer : event.offers) encode_offer(offer, format, *offers.Add());
}

void encode_event(const protocol::event::Rescind& event, PbEvent& out) {
  out.set_type(PbEvent::RESCIND);
  out.mutable_rescind()->mutable_offer_id()->set_value(event.offer.value);
}

void encode_event(const protocol::event::InverseOffers& event, PbEvent& out) {
  out.set_type(PbEvent::INVERSE_OFFERS);
  const auto format =
      event.with_reservation_refinement ? ReservationFormat::kStack : ReservationFormat::kPlain;
  auto& offers = *out.mutable_inverse_offers()->mutable_inverse_offers();
  for (const InverseOffer& offer : event.offers) {
    encode_inverse_offer(offer, format, *offers.Add());
  }
}

void encode_event(const protocol::event::RescindInverseOffer& event, PbEvent& out) {
  out.set_type(PbEvent::RESCIND_INVERSE_OFFER);
  out.mutable_rescind_inverse_offer()->mutable_inverse_offer_id()->set_value(event.offer.value);
}

void encode_event(const protocol::event::Update& event, PbEvent& out) {
  out.set_type(PbEvent::UPDATE);
  encode_status(*event.status, *out.mutable_update()->mutable_status());
}

void encode_event(const protocol::event::UpdateOperationStatus& event, PbEvent& out) {
  out.set_type(PbEvent::UPDATE_OPERATION_STATUS);
  auto& status = *out.mutable_update_operation_status()->mutable_status();
  status.mutable_operation_id()->set_value(event.operation.value);
  status.set_state(event.unknown ? pb::OPERATION_UNKNOWN : pb::OPERATION_ERROR);
  status.set_message(event.message);
  if (!event.agent.empty()) status.mutable_agent_id()->set_value(event.agent.value);
}

void encode_event(const protocol::event::Message& event, PbEvent& out) {
  out.set_type(PbEvent::MESSAGE);
  auto& body = *out.mutable_message();
  body.mutable_agent_id()->set_value(event.agent.value);
  body.mutable_executor_id()->set_value(event.executor.value);
  body.set_data(event.data.view().data(), event.data.size());
}

void encode_event(const protocol::event::Failure& event, PbEvent& out) {
  out.set_type(PbEvent::FAILURE);
  auto& body = *out.mutable_failure();
  if (!event.agent.empty()) body.mutable_agent_id()->set_value(event.agent.value);
  if (!event.executor.empty()) body.mutable_executor_id()->set_value(event.executor.value);
  if (event.status) body.set_status(*event.status);
}

void encode_event(const protocol::event::Error& event, PbEvent& out) {
  out.set_type(PbEvent::ERROR);
  out.mutable_error()->set_message(event.message);
}

void encode_event(const protocol::event::Heartbeat&, PbEvent& out) {
  out.set_type(PbEvent::HEARTBEAT);
}

}  // namespace

std::expected<SchedulerCall, HttpAnswer> decode_scheduler_call(std::string_view body,
                                                               ContentType type) {
  ScratchArena arena;
  auto& in = arena.create<PbCall>();
  if (auto parsed = parse_message(body, type, in); !parsed) {
    return std::unexpected(HttpAnswer{
        kBadRequest, "Failed to parse body into Call protobuf: " + parsed.error().message});
  }
  // A type that this version does not know was dropped by the parser.
  if (!in.has_type()) return absent("type");
  if (in.type() != PbCall::SUBSCRIBE && in.type() != PbCall::UNKNOWN && !in.has_framework_id()) {
    return absent("framework_id");
  }
  auto decoded = decode_body(in);
  if (!decoded) return std::unexpected(decoded.error());
  SchedulerCall call{FrameworkId(in.framework_id().value()), std::move(*decoded)};
  if (const auto* subscribe = std::get_if<protocol::call::Subscribe>(&call.body)) {
    call.framework = subscribe->framework->id;
  }
  return call;
}

void append_scheduler_event(std::string& out, const SchedulerEvent& event, ContentType type) {
  ScratchArena arena;
  auto& message = arena.create<PbEvent>();
  std::visit([&](const auto& body) { encode_event(body, message); }, event);
  append_message(out, message, type);
}

}  // namespace souk::wire
