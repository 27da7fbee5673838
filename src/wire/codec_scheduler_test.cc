#include "wire/codec_scheduler.h"

#include <gtest/gtest.h>

#include <array>

#include "mesos/v1/scheduler/scheduler.pb.h"
#include "wire/codec_model.h"
#include "wire/command.h"
#include "wire/json.h"
#include "wire/message_codec.h"

namespace souk::wire {
namespace {

using protocol::HttpAnswer;
using protocol::SchedulerCall;
using protocol::SchedulerEvent;
namespace call = protocol::call;
namespace event = protocol::event;

constexpr std::array kBoth = {ContentType::kJson, ContentType::kProtobuf};

// The same call in the other encoding.
std::string binary(std::string_view json) {
  pb::scheduler::Call message;
  const auto parsed = from_json(json, message);
  EXPECT_TRUE(parsed) << parsed.error().message << "\n" << json;
  return serialize(message);
}

// Decodes in both encodings, which must agree; gives the one from JSON.
template <class Body>
Body decode(std::string_view json) {
  const std::string bytes = binary(json);
  const auto from_bytes = decode_scheduler_call(bytes, ContentType::kProtobuf);
  const auto from_text = decode_scheduler_call(json, ContentType::kJson);
  EXPECT_TRUE(from_bytes && from_text) << json;
  if (!from_bytes || !from_text) return {};
  EXPECT_EQ(encode_scheduler_call(*from_bytes, ContentType::kJson),
            encode_scheduler_call(*from_text, ContentType::kJson));
  const auto* body = std::get_if<Body>(&from_text->body);
  EXPECT_NE(body, nullptr) << json;
  return body != nullptr ? *body : Body{};
}

HttpAnswer refusal(std::string_view body, ContentType type = ContentType::kJson) {
  const auto decoded = decode_scheduler_call(body, type);
  EXPECT_FALSE(decoded) << body;
  return decoded ? HttpAnswer{} : decoded.error();
}

std::string with_id(std::string_view rest) {
  return R"({"framework_id":{"value":"F"},)" + std::string(rest) + "}";
}

// --- calls

TEST(SchedulerCalls, Subscribe) {
  const auto body = decode<call::Subscribe>(
      R"({"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"},
          "suppressed_roles":["a"],"offer_constraints":{"role_constraints":{"*":{}}}}})");
  EXPECT_EQ(body.framework->user, "u");
  EXPECT_TRUE(body.framework->id.empty());
  EXPECT_EQ(body.suppressed_roles, std::vector<std::string>{"a"});
  EXPECT_TRUE(body.offer_constraints.contains("*"));
}

TEST(SchedulerCalls, SubscribeTakesTheIdFromEitherPlace) {
  const auto id_of = [](std::string_view outer, std::string_view inner) {
    const std::string json =
        "{" + std::string(outer) +
        R"("type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n")" +
        std::string(inner) + "}}}";
    const auto decoded = decode_scheduler_call(json, ContentType::kJson);
    EXPECT_TRUE(decoded) << json;
    EXPECT_EQ(decoded->framework, std::get<call::Subscribe>(decoded->body).framework->id);
    return decoded->framework.value;
  };
  EXPECT_EQ(id_of("", ""), "");
  EXPECT_EQ(id_of(R"("framework_id":{"value":"F"},)", ""), "F");
  EXPECT_EQ(id_of("", R"(,"id":{"value":"F"})"), "F");
  EXPECT_EQ(id_of(R"("framework_id":{"value":"F"},)", R"(,"id":{"value":"F"})"), "F");
  const HttpAnswer differs = refusal(
      R"({"framework_id":{"value":"F"},"type":"SUBSCRIBE",
          "subscribe":{"framework_info":{"user":"u","name":"n","id":{"value":"G"}}}})");
  EXPECT_EQ(differs.status, 400);
  EXPECT_EQ(differs.body,
            "Failed to validate scheduler::Call: 'framework_id' differs from "
            "'subscribe.framework_info.id'");
}

TEST(SchedulerCalls, Accept) {
  const auto body = decode<call::Accept>(with_id(R"("type":"ACCEPT","accept":{
    "offer_ids":[{"value":"O1"},{"value":"O2"}],
    "operations":[
      {"type":"LAUNCH","id":{"value":"op"},"launch":{"task_infos":[
        {"name":"n","task_id":{"value":"t/.."},"agent_id":{"value":"S"},
         "resources":{"name":"cpus","type":"SCALAR","scalar":{"value":-1}}}]}},
      {"type":"LAUNCH_GROUP","launch_group":{
        "executor":{"type":"DEFAULT","executor_id":{"value":"e"},
                    "resources":{"name":"mem","type":"SCALAR"}},
        "task_group":{"tasks":{"name":"n","task_id":{"value":"g"},"agent_id":{"value":"S"}}}}},
      {"type":"RESERVE","reserve":{}},
      {"type":"A_LATER_ONE"}],
    "filters":{"refuse_seconds":2.5}})"));
  EXPECT_EQ(body.offers, (std::vector{OfferId("O1"), OfferId("O2")}));
  EXPECT_EQ(body.filters.refuse, 2500ms);
  ASSERT_EQ(body.operations.size(), 4u);
  EXPECT_EQ(body.operations[0].id, OperationId("op"));
  const auto& launch = std::get<protocol::Launch>(body.operations[0].body);
  ASSERT_EQ(launch.tasks.size(), 1u);
  EXPECT_EQ(launch.tasks[0].id, TaskId("t/.."));
  EXPECT_TRUE(launch.tasks[0].resource_error);
  const auto& group = std::get<protocol::LaunchGroup>(body.operations[1].body);
  EXPECT_EQ(group.executor.type, ExecutorSpec::Type::kDefault);
  ASSERT_EQ(group.tasks.size(), 1u);
  ASSERT_TRUE(group.tasks[0].resource_error);
  EXPECT_NE(group.tasks[0].resource_error->find("executor 'e'"), std::string::npos);
  EXPECT_EQ(std::get<protocol::UnsupportedOperation>(body.operations[2].body).type, "RESERVE");
  EXPECT_EQ(std::get<protocol::UnsupportedOperation>(body.operations[3].body).type, "UNKNOWN");
}

TEST(SchedulerCalls, AcceptTakesSingleObjectsForLists) {
  const auto body = decode<call::Accept>(with_id(
      R"("type":"ACCEPT","accept":{"offer_ids":{"value":"O1"},
         "operations":{"type":"LAUNCH","launch":{"task_infos":null}},"filters":null})"));
  EXPECT_EQ(body.offers.size(), 1u);
  EXPECT_EQ(body.operations.size(), 1u);
  EXPECT_FALSE(body.filters.refuse);
}

TEST(SchedulerCalls, Filters) {
  const auto refuse = [](std::string_view filters) {
    return decode<call::Decline>(
               with_id(R"("type":"DECLINE","decline":{"offer_ids":[],"filters":)" +
                       std::string(filters) + "}"))
        .filters;
  };
  EXPECT_EQ(refuse("{}").refuse, std::nullopt);
  EXPECT_EQ(refuse(R"({"refuse_seconds":0})").refuse, 0s);
  EXPECT_EQ(refuse_duration(refuse(R"({"refuse_seconds":-1})")), kDefaultRefuse);
  EXPECT_EQ(refuse_duration(refuse(R"({"refuse_seconds":1e300})")), kMaxRefuse);
  pb::scheduler::Call nan;
  ASSERT_TRUE(from_json(with_id(R"("type":"DECLINE","decline":{})"), nan));
  nan.mutable_decline()->mutable_filters()->set_refuse_seconds(std::nan(""));
  const auto decoded = decode_scheduler_call(serialize(nan), ContentType::kProtobuf);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(refuse_duration(std::get<call::Decline>(decoded->body).filters), kDefaultRefuse);
}

TEST(SchedulerCalls, TheSmallOnes) {
  decode<call::Teardown>(with_id(R"("type":"TEARDOWN")"));
  decode<call::Request>(with_id(R"("type":"REQUEST","request":{"requests":[{}]})"));
  EXPECT_EQ(
      decode<call::Decline>(with_id(R"("type":"DECLINE","decline":{"offer_ids":[{"value":"O"}]})"))
          .offers,
      std::vector{OfferId("O")});
  EXPECT_EQ(decode<call::AcceptInverseOffers>(with_id(R"("type":"ACCEPT_INVERSE_OFFERS",
                           "accept_inverse_offers":{"inverse_offer_ids":[{"value":"O"}]})"))
                .offers,
            std::vector{OfferId("O")});
  EXPECT_EQ(decode<call::DeclineInverseOffers>(with_id(R"("type":"DECLINE_INVERSE_OFFERS",
                           "decline_inverse_offers":{"inverse_offer_ids":[{"value":"O"}]})"))
                .offers,
            std::vector{OfferId("O")});
  EXPECT_TRUE(decode<call::Revive>(with_id(R"("type":"REVIVE")")).roles.empty());
  EXPECT_EQ(decode<call::Revive>(with_id(R"("type":"REVIVE","revive":{"roles":["a"]})")).roles,
            std::vector<std::string>{"a"});
  EXPECT_EQ(
      decode<call::Suppress>(with_id(R"("type":"SUPPRESS","suppress":{"roles":["a"]})")).roles,
      std::vector<std::string>{"a"});
  const auto message = decode<call::Message>(with_id(
      R"("type":"MESSAGE","message":
         {"agent_id":{"value":"S"},"executor_id":{"value":"e"},"data":"aGk="})"));
  EXPECT_EQ(message.data.view(), "hi");
  const auto shutdown = decode<call::Shutdown>(with_id(
      R"("type":"SHUTDOWN","shutdown":{"agent_id":{"value":"S"},"executor_id":{"value":"e"}})"));
  EXPECT_EQ(shutdown.agent, AgentId("S"));
  EXPECT_EQ(shutdown.executor, ExecutorId("e"));
}

TEST(SchedulerCalls, TasksAndTheirStates) {
  const auto kill = decode<call::Kill>(with_id(R"("type":"KILL","kill":{"task_id":{"value":"t"},
      "agent_id":null,"kill_policy":{"grace_period":{"nanoseconds":"5"}}})"));
  EXPECT_EQ(kill.task, TaskId("t"));
  EXPECT_TRUE(kill.agent.empty());
  EXPECT_EQ(kill.grace, 5ns);
  const auto ack = decode<call::Acknowledge>(with_id(
      R"("type":"ACKNOWLEDGE","acknowledge":{"agent_id":{"value":"S"},"task_id":{"value":"t"},
         "uuid":"AAECAwQFBgcICQoLDA0ODw=="})"));
  EXPECT_EQ(ack.uuid.bytes[1], 1);
  const auto reconcile = decode<call::Reconcile>(with_id(
      R"("type":"RECONCILE","reconcile":{"tasks":[{"task_id":{"value":"t"}},
         {"task_id":{"value":"u"},"agent_id":{"value":"S"}}]})"));
  ASSERT_EQ(reconcile.tasks.size(), 2u);
  EXPECT_TRUE(reconcile.tasks[0].agent.empty());
  EXPECT_EQ(reconcile.tasks[1].agent, AgentId("S"));
  EXPECT_TRUE(
      decode<call::Reconcile>(with_id(R"("type":"RECONCILE","reconcile":{})")).tasks.empty());
  const auto operations = decode<call::ReconcileOperations>(
      with_id(R"("type":"RECONCILE_OPERATIONS","reconcile_operations":{"operations":
                 {"operation_id":{"value":"op"},"agent_id":{"value":"S"}}})"));
  ASSERT_EQ(operations.operations.size(), 1u);
  EXPECT_EQ(operations.operations[0].id, OperationId("op"));
  EXPECT_EQ(decode<call::AcknowledgeOperationStatus>(
                with_id(R"("type":"ACKNOWLEDGE_OPERATION_STATUS","acknowledge_operation_status":
                {"operation_id":{"value":"op"},"uuid":"AAAAAAAAAAAAAAAAAAAAAA=="})"))
                .operation,
            OperationId("op"));
}

TEST(SchedulerCalls, UpdateFramework) {
  const auto body = decode<call::UpdateFramework>(with_id(
      R"("type":"UPDATE_FRAMEWORK","update_framework":{"framework_info":{"user":"u","name":"n"},
         "suppressed_roles":["*"]})"));
  EXPECT_EQ(body.framework->id, FrameworkId("F"));
  EXPECT_EQ(body.suppressed_roles.size(), 1u);
  EXPECT_TRUE(body.offer_constraints.empty());
}

TEST(SchedulerCalls, SaysWhichPartIsMissing) {
  const std::string expecting = "Failed to validate scheduler::Call: Expecting '";
  for (const std::string_view body : {"{}", R"({"type":null})", R"({"type":"FROM_THE_FUTURE"})"}) {
    EXPECT_EQ(refusal(body).status, 400);
    EXPECT_EQ(refusal(body).body, expecting + "type' to be present");
  }
  EXPECT_EQ(refusal("", ContentType::kProtobuf).body, expecting + "type' to be present");
  EXPECT_EQ(refusal(R"({"type":"SUBSCRIBE"})").body, expecting + "subscribe' to be present");
  EXPECT_EQ(refusal(R"({"type":"TEARDOWN"})").body, expecting + "framework_id' to be present");
  for (const std::string type :
       {"ACCEPT", "DECLINE", "ACCEPT_INVERSE_OFFERS", "DECLINE_INVERSE_OFFERS", "KILL", "SHUTDOWN",
        "ACKNOWLEDGE", "ACKNOWLEDGE_OPERATION_STATUS", "RECONCILE", "RECONCILE_OPERATIONS",
        "MESSAGE", "REQUEST", "UPDATE_FRAMEWORK"}) {
    std::string field = type;
    for (char& c : field) c = static_cast<char>(std::tolower(c));
    const HttpAnswer answer = refusal(with_id(R"("type":")" + type + R"(")"));
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body, expecting + field + "' to be present");
  }
  EXPECT_EQ(refusal(with_id(R"("type":"ACCEPT","accept":{"operations":[{"type":"LAUNCH"}]})")).body,
            expecting + "accept.operations[0].launch' to be present");
  EXPECT_EQ(
      refusal(with_id(R"("type":"ACCEPT","accept":{"operations":{"type":"LAUNCH_GROUP"}})")).body,
      expecting + "accept.operations[0].launch_group' to be present");
}

TEST(SchedulerCalls, UnknownIsNotImplemented) {
  EXPECT_EQ(refusal(R"({"type":"UNKNOWN"})").status, 501);
  EXPECT_EQ(refusal(std::string("\x10\x00", 2), ContentType::kProtobuf).status, 501);
}

TEST(SchedulerCalls, UuidsHave16Bytes) {
  const HttpAnswer answer = refusal(with_id(
      R"("type":"ACKNOWLEDGE","acknowledge":{"agent_id":{"value":"S"},"task_id":{"value":"t"},
         "uuid":"AAEC"})"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.body,
            "Failed to validate scheduler::Call: 'acknowledge.uuid' must be 16 bytes, not 3");
  EXPECT_EQ(refusal(with_id(
                        R"("type":"ACKNOWLEDGE_OPERATION_STATUS","acknowledge_operation_status":
                {"operation_id":{"value":"op"},"uuid":""})"))
                .status,
            400);
}

TEST(SchedulerCalls, WhatDoesNotParseIsA400) {
  const std::string text = "Failed to parse body into Call protobuf: ";
  for (const std::string_view body :
       {"", "x", "[]", "null", "{", R"({"type":"KILL","kill":{"task_id":{}}})",
        R"({"type":"KILL","kill":[1]})", R"({"framework_id":"F"})"}) {
    const HttpAnswer answer = refusal(body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_TRUE(answer.body.starts_with(text)) << answer.body;
  }
  const HttpAnswer answer = refusal("\xff\xff", ContentType::kProtobuf);
  EXPECT_EQ(answer.status, 400);
  EXPECT_TRUE(answer.body.starts_with(text)) << answer.body;
}

TEST(SchedulerCalls, CutAtEveryByte) {
  const std::string json = with_id(
      R"("type":"ACCEPT","accept":{"offer_ids":{"value":"O"},"operations":[{"type":"LAUNCH",
         "launch":{"task_infos":[{"name":"n","task_id":{"value":"t"},"agent_id":{"value":"S"},
         "executor":{"executor_id":{"value":"e"},"data":"aGk="},
         "resources":{"name":"ports","type":"RANGES",
                      "ranges":{"range":{"begin":1,"end":2}}}}]}}]})");
  const std::string bytes = binary(json);
  for (std::size_t cut = 0; cut < json.size(); ++cut) {
    EXPECT_FALSE(decode_scheduler_call(json.substr(0, cut), ContentType::kJson)) << cut;
  }
  // Where a cut falls between two fields, the rest may be a message of its own.
  int refused = 0;
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    refused += !decode_scheduler_call(bytes.substr(0, cut), ContentType::kProtobuf);
  }
  EXPECT_GT(refused, static_cast<int>(bytes.size()) - 4);
}

// --- calls of the SDK

std::vector<SchedulerCall> calls_of_all_kinds() {
  FrameworkInfo framework;
  framework.id = FrameworkId("F");
  framework.user = "u";
  framework.name = "n";
  framework.roles = {"*"};
  TaskSpec task;
  task.id = TaskId("t");
  task.name = "t";
  task.agent_id = AgentId("S");
  task.resources = *Resources::parse("cpus:1");
  task = with_command(task, {.value = "true", .environment = {{"A", "b"}}});
  TaskSpec bare = task;
  bare.raw = {};
  const ExecutorSpec executor{.id = ExecutorId("e"), .type = ExecutorSpec::Type::kDefault};
  const Uuid uuid{{1, 2, 3}};
  std::vector<protocol::SchedulerCallBody> bodies = {
      call::Subscribe{framework, {"*"}, {{"*", {{{AttributeConstraint{}}}}}}},
      call::Teardown{},
      call::Accept{{OfferId("O")},
                   {{OperationId("op"), protocol::Launch{{task, bare}}},
                    {OperationId(), protocol::LaunchGroup{executor, {task}}},
                    {OperationId("r"), protocol::UnsupportedOperation{"RESERVE"}}},
                   {1s}},
      call::Decline{{OfferId("O")}, {}},
      call::AcceptInverseOffers{{OfferId("O")}},
      call::DeclineInverseOffers{{OfferId("O")}},
      call::Revive{{"a"}},
      call::Suppress{},
      call::Kill{TaskId("t"), AgentId("S"), 3s},
      call::Shutdown{ExecutorId("e"), AgentId("S")},
      call::Acknowledge{AgentId("S"), TaskId("t"), uuid},
      call::AcknowledgeOperationStatus{OperationId("op")},
      call::Reconcile{{{TaskId("t"), AgentId()}}},
      call::ReconcileOperations{{{OperationId("op"), AgentId("S")}}},
      call::Message{AgentId("S"), ExecutorId("e"), Blob(std::string("\0\xff", 2))},
      call::Request{},
      call::UpdateFramework{framework, {}},
  };
  std::vector<SchedulerCall> calls;
  for (auto& body : bodies) calls.push_back({FrameworkId("F"), std::move(body)});
  return calls;
}

TEST(SchedulerCalls, EveryKindRoundTripsInBothEncodings) {
  const auto calls = calls_of_all_kinds();
  ASSERT_EQ(calls.size(), std::variant_size_v<protocol::SchedulerCallBody>);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    ASSERT_EQ(calls[i].body.index(), i);
    const std::string text = encode_scheduler_call(calls[i], ContentType::kJson);
    for (const ContentType type : kBoth) {
      const auto back = decode_scheduler_call(encode_scheduler_call(calls[i], type), type);
      ASSERT_TRUE(back) << back.error().body;
      EXPECT_EQ(back->framework, FrameworkId("F"));
      EXPECT_EQ(back->body.index(), i);
      EXPECT_EQ(encode_scheduler_call(*back, ContentType::kJson), text);
    }
  }
}

TEST(SchedulerCalls, TasksOfTheSdkKeepTheirCommand) {
  const auto calls = calls_of_all_kinds();
  const auto back = decode_scheduler_call(encode_scheduler_call(calls[2], ContentType::kProtobuf),
                                          ContentType::kProtobuf);
  ASSERT_TRUE(back);
  const auto& accept = std::get<call::Accept>(back->body);
  const TaskSpec& task = std::get<protocol::Launch>(accept.operations[0].body).tasks[0];
  EXPECT_TRUE(task.has_command);
  EXPECT_EQ(task.resources, *Resources::parse("cpus:1"));
  const auto command = task_command(task.raw);
  ASSERT_TRUE(command);
  EXPECT_EQ(command->value, "true");
}

// --- events

std::string text_of(const SchedulerEvent& event) {
  std::string out;
  append_scheduler_event(out, event, ContentType::kJson);
  return out;
}

std::vector<SchedulerEvent> events_of_all_kinds() {
  Offer offer{.id = OfferId("O"),
              .framework_id = FrameworkId("F"),
              .agent_id = AgentId("S"),
              .hostname = "h",
              .ip = "10.0.0.1",
              .port = 5051};
  offer.role = "r";
  offer.resources = *Resources::parse("cpus:1;mem(r):2");
  const InverseOffer inverse{.id = OfferId("O2"),
                             .framework_id = FrameworkId("F"),
                             .agent_id = AgentId("S"),
                             .hostname = "h",
                             .ip = "10.0.0.1",
                             .port = 5051,
                             .start = WallTime(1'700'000'000s + 1ns),
                             .resources = offer.resources};
  TaskStatus status;
  status.task_id = TaskId("t");
  status.agent_id = AgentId("S");
  status.state = TaskState::kFinished;
  status.timestamp = WallTime(1s);
  status.uuid = Uuid{{9}};
  return {
      event::Subscribed{FrameworkId("F"), 5s, {"M", "h", "10.0.0.1", 5050}},
      event::Offers{{offer}, true, true},
      event::Rescind{OfferId("O")},
      event::InverseOffers{{inverse}, true},
      event::RescindInverseOffer{OfferId("O")},
      event::Update{status},
      event::UpdateOperationStatus{OperationId("op"), "not supported yet", AgentId("S")},
      event::Message{AgentId("S"), ExecutorId("e"), Blob("hi")},
      event::Failure{AgentId("S"), ExecutorId("e"), 9},
      event::Error{"Framework failed over"},
      event::Heartbeat{},
  };
}

TEST(SchedulerEvents, EveryKindRoundTripsInBothEncodings) {
  const auto events = events_of_all_kinds();
  ASSERT_EQ(events.size(), std::variant_size_v<SchedulerEvent>);
  for (std::size_t i = 0; i < events.size(); ++i) {
    ASSERT_EQ(events[i].index(), i);
    for (const ContentType type : kBoth) {
      std::string record;
      append_scheduler_event(record, events[i], type);
      const auto back = decode_scheduler_event(record, type);
      ASSERT_TRUE(back) << back.error().message;
      ASSERT_TRUE(*back);
      EXPECT_EQ((*back)->index(), i);
      // Which format of reservations was used, the bytes do not say.
      SchedulerEvent again = **back;
      if (auto* offers = std::get_if<event::Offers>(&again)) {
        EXPECT_TRUE(offers->with_allocation_info);
        offers->with_reservation_refinement = true;
      }
      if (auto* inverse = std::get_if<event::InverseOffers>(&again)) {
        inverse->with_reservation_refinement = true;
      }
      EXPECT_EQ(text_of(again), text_of(events[i]));
    }
  }
}

TEST(SchedulerEvents, AreExactlyWhatMesosSends) {
  EXPECT_EQ(text_of(event::Heartbeat{}), R"({"type":"HEARTBEAT"})");
  EXPECT_EQ(text_of(event::Error{"Framework has been removed"}),
            R"({"type":"ERROR","error":{"message":"Framework has been removed"}})");
  EXPECT_EQ(text_of(event::Rescind{OfferId("O")}),
            R"({"type":"RESCIND","rescind":{"offer_id":{"value":"O"}}})");
  const InverseOffer inverse{.id = OfferId("O"),
                             .framework_id = FrameworkId("F"),
                             .agent_id = AgentId("S"),
                             .hostname = "h",
                             .ip = "10.0.0.1",
                             .port = 5051,
                             .start = WallTime(1s),
                             .resources = *Resources::parse("cpus:1")};
  EXPECT_EQ(text_of(event::InverseOffers{{inverse}}),
            R"({"type":"INVERSE_OFFERS","inverse_offers":{"inverse_offers":[{"id":{"value":"O"},)"
            R"("url":{"scheme":"http","address":{"hostname":"h","ip":"10.0.0.1","port":5051},)"
            R"-("path":"/slave(1)"},"framework_id":{"value":"F"},"agent_id":{"value":"S"},)-"
            R"("unavailability":{"start":{"nanoseconds":1000000000}},"resources":[{"name":"cpus",)"
            R"("type":"SCALAR","scalar":{"value":1.0},"role":"*"}]}]}})");
  EXPECT_EQ(text_of(event::RescindInverseOffer{OfferId("O")}),
            R"({"type":"RESCIND_INVERSE_OFFER","rescind_inverse_offer":)"
            R"({"inverse_offer_id":{"value":"O"}}})");
  EXPECT_EQ(text_of(event::Failure{AgentId("S"), {}, std::nullopt}),
            R"({"type":"FAILURE","failure":{"agent_id":{"value":"S"}}})");
  EXPECT_EQ(text_of(event::Subscribed{FrameworkId("F"), 5s, {"M", "h", "10.0.0.1", 5050}}),
            R"({"type":"SUBSCRIBED","subscribed":{"framework_id":{"value":"F"},)"
            R"("heartbeat_interval_seconds":5.0,"master_info":{"id":"M","ip":16777226,)"
            R"("port":5050,"pid":"master@10.0.0.1:5050","hostname":"h","version":"1.11.0",)"
            R"("address":{"hostname":"h","ip":"10.0.0.1","port":5050}}}})");
  EXPECT_EQ(text_of(event::UpdateOperationStatus{OperationId("op"), "no", AgentId("S")}),
            R"({"type":"UPDATE_OPERATION_STATUS","update_operation_status":{"status":)"
            R"({"operation_id":{"value":"op"},"state":"OPERATION_ERROR","message":"no",)"
            R"("agent_id":{"value":"S"}}}})");
  EXPECT_EQ(text_of(event::UpdateOperationStatus{OperationId("op"), "who?", {}, true}),
            R"({"type":"UPDATE_OPERATION_STATUS","update_operation_status":{"status":)"
            R"({"operation_id":{"value":"op"},"state":"OPERATION_UNKNOWN","message":"who?"}}})");
}

TEST(SchedulerEvents, AreAppended) {
  std::string out = "before ";
  append_scheduler_event(out, event::Heartbeat{}, ContentType::kJson);
  EXPECT_EQ(out, R"(before {"type":"HEARTBEAT"})");
}

TEST(SchedulerEvents, OfTypesNotKnownAreSkipped) {
  for (const std::string_view record : {"{}", R"({"type":"FROM_THE_FUTURE"})"}) {
    const auto decoded = decode_scheduler_event(record, ContentType::kJson);
    ASSERT_TRUE(decoded);
    EXPECT_FALSE(*decoded);
  }
}

TEST(SchedulerEvents, MalformedOnesAreErrors) {
  for (const std::string type :
       {"SUBSCRIBED", "OFFERS", "RESCIND", "INVERSE_OFFERS", "RESCIND_INVERSE_OFFER", "UPDATE",
        "UPDATE_OPERATION_STATUS", "MESSAGE", "FAILURE", "ERROR"}) {
    EXPECT_FALSE(decode_scheduler_event(R"({"type":")" + type + R"("})", ContentType::kJson))
        << type;
  }
  EXPECT_FALSE(decode_scheduler_event("", ContentType::kJson));
  EXPECT_FALSE(decode_scheduler_event("\xff", ContentType::kProtobuf));
}

}  // namespace
}  // namespace souk::wire
