// The scheduler's own side of codec_scheduler.h: calls out, events in.
#include "mesos/v1/scheduler/scheduler.pb.h"
#include "wire/codec_constraints.h"
#include "wire/codec_model.h"
#include "wire/codec_scheduler.h"
#include "wire/message_codec.h"

namespace souk::wire {
namespace {

using protocol::SchedulerCall;
using protocol::SchedulerEvent;
using PbCall = pb::scheduler::Call;
using PbEvent = pb::scheduler::Event;

template <class Ids, class PbId>
void encode_ids(const Ids& ids, Repeated<PbId>& out) {
  for (const auto& id : ids) out.Add()->set_value(id.value);
}

void encode_texts(const std::vector<std::string>& texts, Repeated<std::string>& out) {
  out.Assign(texts.begin(), texts.end());
}

void encode_operation(const protocol::OfferOperation& operation, pb::Offer::Operation& out) {
  if (!operation.id.empty()) out.mutable_id()->set_value(operation.id.value);
  if (const auto* launch = std::get_if<protocol::Launch>(&operation.body)) {
    out.set_type(pb::Offer::Operation::LAUNCH);
    out.mutable_launch();
    for (const TaskSpec& task : launch->tasks) {
      encode_task(task, *out.mutable_launch()->add_task_infos());
    }
  } else if (const auto* group = std::get_if<protocol::LaunchGroup>(&operation.body)) {
    out.set_type(pb::Offer::Operation::LAUNCH_GROUP);
    encode_executor(group->executor, *out.mutable_launch_group()->mutable_executor());
    out.mutable_launch_group()->mutable_task_group();
    for (const TaskSpec& task : group->tasks) {
      encode_task(task, *out.mutable_launch_group()->mutable_task_group()->add_tasks());
    }
  } else if (const auto* other = std::get_if<protocol::UnsupportedOperation>(&operation.body)) {
    pb::Offer::Operation::Type type{};
    if (pb::Offer::Operation::Type_Parse(other->type, &type)) out.set_type(type);
  }
}

void encode_filters(const Filters& filters, auto& body) {
  if (filters.refuse) body.mutable_filters()->set_refuse_seconds(to_seconds(*filters.refuse));
}

void encode_subscription(const auto& call, auto& body) {
  encode_framework(call.framework, *body.mutable_framework_info());
  encode_texts(call.suppressed_roles, *body.mutable_suppressed_roles());
  if (!call.offer_constraints.empty()) {
    encode_constraints(call.offer_constraints, *body.mutable_offer_constraints());
  }
}

void encode_call(const protocol::call::Subscribe& call, PbCall& out) {
  out.set_type(PbCall::SUBSCRIBE);
  encode_subscription(call, *out.mutable_subscribe());
}

void encode_call(const protocol::call::Teardown&, PbCall& out) { out.set_type(PbCall::TEARDOWN); }

void encode_call(const protocol::call::Accept& call, PbCall& out) {
  out.set_type(PbCall::ACCEPT);
  auto& body = *out.mutable_accept();
  encode_ids(call.offers, *body.mutable_offer_ids());
  for (const auto& operation : call.operations) encode_operation(operation, *body.add_operations());
  encode_filters(call.filters, body);
}

void encode_call(const protocol::call::Decline& call, PbCall& out) {
  out.set_type(PbCall::DECLINE);
  encode_ids(call.offers, *out.mutable_decline()->mutable_offer_ids());
  encode_filters(call.filters, *out.mutable_decline());
}

void encode_call(const protocol::call::AcceptInverseOffers& call, PbCall& out) {
  out.set_type(PbCall::ACCEPT_INVERSE_OFFERS);
  encode_ids(call.offers, *out.mutable_accept_inverse_offers()->mutable_inverse_offer_ids());
}

void encode_call(const protocol::call::DeclineInverseOffers& call, PbCall& out) {
  out.set_type(PbCall::DECLINE_INVERSE_OFFERS);
  encode_ids(call.offers, *out.mutable_decline_inverse_offers()->mutable_inverse_offer_ids());
}

void encode_call(const protocol::call::Revive& call, PbCall& out) {
  out.set_type(PbCall::REVIVE);
  encode_texts(call.roles, *out.mutable_revive()->mutable_roles());
}

void encode_call(const protocol::call::Suppress& call, PbCall& out) {
  out.set_type(PbCall::SUPPRESS);
  encode_texts(call.roles, *out.mutable_suppress()->mutable_roles());
}

void encode_call(const protocol::call::Kill& call, PbCall& out) {
  out.set_type(PbCall::KILL);
  auto& body = *out.mutable_kill();
  body.mutable_task_id()->set_value(call.task.value);
  if (!call.agent.empty()) body.mutable_agent_id()->set_value(call.agent.value);
  if (call.grace) {
    body.mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(call.grace->count());
  }
}

void encode_call(const protocol::call::Shutdown& call, PbCall& out) {
  out.set_type(PbCall::SHUTDOWN);
  out.mutable_shutdown()->mutable_executor_id()->set_value(call.executor.value);
  out.mutable_shutdown()->mutable_agent_id()->set_value(call.agent.value);
}

void encode_call(const protocol::call::Acknowledge& call, PbCall& out) {
  out.set_type(PbCall::ACKNOWLEDGE);
  auto& body = *out.mutable_acknowledge();
  body.mutable_agent_id()->set_value(call.agent.value);
  body.mutable_task_id()->set_value(call.task.value);
  body.set_uuid(call.uuid.to_bytes());
}

// Souk's masters send no operation status with a uuid, so there is none to give back.
void encode_call(const protocol::call::AcknowledgeOperationStatus& call, PbCall& out) {
  out.set_type(PbCall::ACKNOWLEDGE_OPERATION_STATUS);
  auto& body = *out.mutable_acknowledge_operation_status();
  body.mutable_operation_id()->set_value(call.operation.value);
  body.set_uuid(Uuid{}.to_bytes());
}

void encode_call(const protocol::call::Reconcile& call, PbCall& out) {
  out.set_type(PbCall::RECONCILE);
  out.mutable_reconcile();
  for (const auto& task : call.tasks) {
    auto& added = *out.mutable_reconcile()->add_tasks();
    added.mutable_task_id()->set_value(task.id.value);
    if (!task.agent.empty()) added.mutable_agent_id()->set_value(task.agent.value);
  }
}

void encode_call(const protocol::call::ReconcileOperations& call, PbCall& out) {
  out.set_type(PbCall::RECONCILE_OPERATIONS);
  out.mutable_reconcile_operations();
  for (const auto& operation : call.operations) {
    auto& added = *out.mutable_reconcile_operations()->add_operations();
    added.mutable_operation_id()->set_value(operation.id.value);
    if (!operation.agent.empty()) added.mutable_agent_id()->set_value(operation.agent.value);
  }
}

void encode_call(const protocol::call::Message& call, PbCall& out) {
  out.set_type(PbCall::MESSAGE);
  auto& body = *out.mutable_message();
  body.mutable_agent_id()->set_value(call.agent.value);
  body.mutable_executor_id()->set_value(call.executor.value);
  body.set_data(call.data.view().data(), call.data.size());
}

void encode_call(const protocol::call::Request&, PbCall& out) {
  out.set_type(PbCall::REQUEST);
  out.mutable_request();
}

void encode_call(const protocol::call::UpdateFramework& call, PbCall& out) {
  out.set_type(PbCall::UPDATE_FRAMEWORK);
  encode_subscription(call, *out.mutable_update_framework());
}

using Decoded = Result<std::optional<SchedulerEvent>>;

Decoded absent(std::string_view field) {
  return fail("the event has no '{}', which its type demands", field);
}

protocol::event::Offers decode_offers(const PbEvent::Offers& in) {
  protocol::event::Offers offers;
  offers.offers.reserve(static_cast<std::size_t>(in.offers_size()));
  for (const auto& each : in.offers()) {
    offers.with_allocation_info |= each.has_allocation_info();
    offers.offers.push_back(decode_offer(each));
  }
  return offers;
}

protocol::event::InverseOffers decode_inverse_offers(const PbEvent::InverseOffers& in) {
  protocol::event::InverseOffers offers;
  offers.offers.reserve(static_cast<std::size_t>(in.inverse_offers_size()));
  for (const auto& each : in.inverse_offers()) offers.offers.push_back(decode_inverse_offer(each));
  return offers;
}

protocol::event::UpdateOperationStatus decode_operation_status(const pb::OperationStatus& in) {
  return {OperationId(in.operation_id().value()), in.message(), AgentId(in.agent_id().value())};
}

protocol::event::Failure decode_failure(const PbEvent::Failure& in) {
  protocol::event::Failure failure{AgentId(in.agent_id().value()),
                                   ExecutorId(in.executor_id().value()), std::nullopt};
  if (in.has_status()) failure.status = in.status();
  return failure;
}

Decoded decode_event(PbEvent& in) {
  switch (in.type()) {
    case PbEvent::SUBSCRIBED:
      if (!in.has_subscribed()) return absent("subscribed");
      return protocol::event::Subscribed{FrameworkId(in.subscribed().framework_id().value()),
                                         decode_span(in.subscribed().heartbeat_interval_seconds()),
                                         decode_master(in.subscribed().master_info())};
    case PbEvent::OFFERS:
      if (!in.has_offers()) return absent("offers");
      return decode_offers(in.offers());
    case PbEvent::RESCIND:
      if (!in.has_rescind()) return absent("rescind");
      return protocol::event::Rescind{OfferId(in.rescind().offer_id().value())};
    case PbEvent::INVERSE_OFFERS:
      if (!in.has_inverse_offers()) return absent("inverse_offers");
      return decode_inverse_offers(in.inverse_offers());
    case PbEvent::RESCIND_INVERSE_OFFER:
      if (!in.has_rescind_inverse_offer()) return absent("rescind_inverse_offer");
      return protocol::event::RescindInverseOffer{
          OfferId(in.rescind_inverse_offer().inverse_offer_id().value())};
    case PbEvent::UPDATE:
      if (!in.has_update()) return absent("update");
      return protocol::event::Update{decode_status(in.update().status())};
    case PbEvent::UPDATE_OPERATION_STATUS:
      if (!in.has_update_operation_status()) return absent("update_operation_status");
      return decode_operation_status(in.update_operation_status().status());
    case PbEvent::MESSAGE:
      if (!in.has_message()) return absent("message");
      return protocol::event::Message{AgentId(in.message().agent_id().value()),
                                      ExecutorId(in.message().executor_id().value()),
                                      Blob(std::move(*in.mutable_message()->mutable_data()))};
    case PbEvent::FAILURE:
      if (!in.has_failure()) return absent("failure");
      return decode_failure(in.failure());
    case PbEvent::ERROR:
      if (!in.has_error()) return absent("error");
      return protocol::event::Error{in.error().message()};
    case PbEvent::HEARTBEAT:
      return protocol::event::Heartbeat{};
    case PbEvent::UNKNOWN:
      break;
  }
  return std::nullopt;
}

}  // namespace

std::string encode_scheduler_call(const SchedulerCall& call, ContentType type) {
  ScratchArena arena;
  auto& message = arena.create<PbCall>();
  if (!call.framework.empty()) message.mutable_framework_id()->set_value(call.framework.value);
  std::visit([&](const auto& body) { encode_call(body, message); }, call.body);
  std::string bytes;
  append_message(bytes, message, type);
  return bytes;
}

Result<std::optional<SchedulerEvent>> decode_scheduler_event(std::string_view record,
                                                             ContentType type) {
  ScratchArena arena;
  auto& message = arena.create<PbEvent>();
  if (auto parsed = parse_message(record, type, message); !parsed) {
    return std::unexpected(parsed.error());
  }
  return decode_event(message);
}

}  // namespace souk::wire
