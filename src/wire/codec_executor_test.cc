#include "wire/codec_executor.h"

#include <gtest/gtest.h>

#include <array>

#include "mesos/v1/executor/executor.pb.h"
#include "wire/codec_model.h"
#include "wire/command.h"
#include "wire/json.h"
#include "wire/message_codec.h"

namespace souk::wire {
namespace {

using protocol::ExecutorCall;
using protocol::ExecutorEvent;
using protocol::HttpAnswer;
namespace call = protocol::executor_call;
namespace event = protocol::executor_event;

constexpr std::array kBoth = {ContentType::kJson, ContentType::kProtobuf};

std::string with_ids(std::string_view rest) {
  return R"({"framework_id":{"value":"F"},"executor_id":{"value":"e"},)" + std::string(rest) + "}";
}

template <class Body>
Body decode(std::string_view json) {
  const auto decoded = decode_executor_call(json, ContentType::kJson);
  EXPECT_TRUE(decoded) << json;
  if (!decoded) return {};
  EXPECT_EQ(decoded->framework, FrameworkId("F"));
  EXPECT_EQ(decoded->executor, ExecutorId("e"));
  const auto* body = std::get_if<Body>(&decoded->body);
  EXPECT_NE(body, nullptr) << json;
  return body != nullptr ? *body : Body{};
}

HttpAnswer refusal(std::string_view body, ContentType type = ContentType::kJson) {
  const auto decoded = decode_executor_call(body, type);
  EXPECT_FALSE(decoded) << body;
  return decoded ? HttpAnswer{} : decoded.error();
}

constexpr std::string_view kUuid = "AAECAwQFBgcICQoLDA0ODw==";

// --- calls

TEST(ExecutorCalls, SubscribeMayHaveNoBody) {
  const auto none = decode<call::Subscribe>(with_ids(R"("type":"SUBSCRIBE")"));
  EXPECT_TRUE(none.unacknowledged_tasks.empty());
  EXPECT_TRUE(none.unacknowledged_updates.empty());
}

TEST(ExecutorCalls, Subscribe) {
  const auto body = decode<call::Subscribe>(with_ids(
      R"("type":"SUBSCRIBE","subscribe":{"unacknowledged_tasks":
           [{"name":"n","task_id":{"value":"t"},"agent_id":{"value":"S"}}],
         "unacknowledged_updates":
           [{"status":{"task_id":{"value":"t"},"state":"TASK_RUNNING"}}]})"));
  ASSERT_EQ(body.unacknowledged_tasks.size(), 1u);
  EXPECT_EQ(body.unacknowledged_tasks[0].id, TaskId("t"));
  ASSERT_EQ(body.unacknowledged_updates.size(), 1u);
  EXPECT_EQ(body.unacknowledged_updates[0].state, TaskState::kRunning);
}

TEST(ExecutorCalls, UpdateTellsWhatWasSaid) {
  const auto update = [](std::string_view fields) {
    return decode<call::Update>(with_ids(
        R"("type":"UPDATE","update":{"status":{"task_id":{"value":"t"},"state":"TASK_FINISHED")" +
        std::string(fields) + "}}"));
  };
  const std::string uuid = R"(,"uuid":")" + std::string(kUuid) + R"(")";
  const auto whole = update(uuid + R"(,"source":"SOURCE_EXECUTOR","data":"aGk=")");
  EXPECT_TRUE(whole.has_uuid);
  EXPECT_TRUE(whole.has_source);
  EXPECT_EQ(whole.status.state, TaskState::kFinished);
  EXPECT_FALSE(whole.status.raw.empty());
  EXPECT_FALSE(update("").has_uuid);
  EXPECT_FALSE(update("").has_source);
  EXPECT_FALSE(update(R"(,"uuid":"AAEC")").has_uuid);
  EXPECT_FALSE(update(R"(,"source":"SOURCE_AGENT")").has_source);
}

TEST(ExecutorCalls, SaysWhatIsWrong) {
  const std::string expecting = "Failed to validate executor::Call: Expecting '";
  EXPECT_EQ(refusal(with_ids(R"("type":null)")).body, expecting + "type' to be present");
  EXPECT_EQ(refusal(with_ids(R"("type":"UPDATE")")).body, expecting + "update' to be present");
  EXPECT_EQ(refusal(with_ids(R"("type":"MESSAGE")")).body, expecting + "message' to be present");
  EXPECT_EQ(refusal(with_ids(R"("type":"UNKNOWN")")).status, 501);
  for (const std::string_view body : {"", "{}", "[", R"({"type":"SUBSCRIBE"})"}) {
    EXPECT_EQ(refusal(body).status, 400);
    EXPECT_TRUE(refusal(body).body.starts_with("Failed to parse body into Call protobuf: "));
  }
  EXPECT_EQ(refusal("\x01", ContentType::kProtobuf).status, 400);
  const HttpAnswer state = refusal(with_ids(
      R"("type":"UPDATE","update":{"status":{"task_id":{"value":"t"},"state":"TASK_GREAT"}})"));
  EXPECT_EQ(state.status, 400);
  EXPECT_NE(state.body.find("TASK_GREAT"), std::string::npos) << state.body;
}

TEST(ExecutorCalls, EveryKindRoundTripsInBothEncodings) {
  TaskStatus status;
  status.task_id = TaskId("t");
  status.state = TaskState::kRunning;
  status.source = StatusSource::kExecutor;
  status.uuid = Uuid{{1}};
  TaskSpec task;
  task.id = TaskId("t");
  task.agent_id = AgentId("S");
  const std::vector<decltype(ExecutorCall::body)> bodies = {
      call::Subscribe{{task}, {status}}, call::Update{status, true, true},
      call::Message{Blob(std::string("\0\xff", 2))}, call::Heartbeat{}};
  ASSERT_EQ(bodies.size(), std::variant_size_v<decltype(ExecutorCall::body)>);
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    ASSERT_EQ(bodies[i].index(), i);
    const ExecutorCall before{FrameworkId("F"), ExecutorId("e"), bodies[i]};
    for (const ContentType type : kBoth) {
      const auto back = decode_executor_call(encode_executor_call(before, type), type);
      ASSERT_TRUE(back) << back.error().body;
      EXPECT_EQ(back->body.index(), i);
      EXPECT_EQ(encode_executor_call(*back, ContentType::kJson),
                encode_executor_call(before, ContentType::kJson));
    }
  }
}

TEST(ExecutorCalls, CutAtEveryByte) {
  const std::string json = with_ids(
      R"("type":"UPDATE","update":{"status":{"task_id":{"value":"t"},"state":"TASK_FINISHED"}})");
  for (std::size_t cut = 0; cut < json.size(); ++cut) {
    EXPECT_FALSE(decode_executor_call(json.substr(0, cut), ContentType::kJson));
  }
  pb::executor::Call message;
  ASSERT_TRUE(from_json(json, message));
  const std::string bytes = serialize(message);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(decode_executor_call(bytes.substr(0, cut), ContentType::kProtobuf)) << cut;
  }
}

// --- events

std::string text_of(const ExecutorEvent& event) {
  std::string out;
  append_executor_event(out, event, ContentType::kJson);
  return out;
}

event::Subscribed subscribed() {
  event::Subscribed event;
  event.executor = with_command(
      ExecutorSpec{.id = ExecutorId("e"), .type = ExecutorSpec::Type::kCustom}, {.value = "x"});
  event.framework.id = FrameworkId("F");
  event.framework.user = "u";
  event.framework.name = "n";
  event.framework.roles = {"*"};
  event.agent = {.id = AgentId("S"), .hostname = "h", .port = 5051};
  event.agent.resources = *Resources::parse("cpus:4");
  event.container = ContainerId("c");
  return event;
}

TEST(ExecutorEvents, SubscribedHasAllIdsFilledIn) {
  EXPECT_EQ(text_of(subscribed()),
            R"({"type":"SUBSCRIBED","subscribed":{"executor_info":{"type":"CUSTOM",)"
            R"("executor_id":{"value":"e"},"framework_id":{"value":"F"},)"
            R"("command":{"shell":true,"value":"x"}},)"
            R"("framework_info":{"user":"u","name":"n","id":{"value":"F"},)"
            R"("failover_timeout":0.0,"checkpoint":false},)"
            R"("agent_info":{"hostname":"h","port":5051,"resources":[{"name":"cpus",)"
            R"("type":"SCALAR","scalar":{"value":4.0},"role":"*"}],"id":{"value":"S"}},)"
            R"("container_id":{"value":"c"}}})");
}

TEST(ExecutorEvents, EveryKindRoundTripsInBothEncodings) {
  TaskSpec task;
  task.id = TaskId("t");
  task.name = "t";
  task.agent_id = AgentId("S");
  task.resources = *Resources::parse("cpus:1");
  task = with_command(task, {.value = "true"});
  const std::vector<ExecutorEvent> events = {
      subscribed(),
      event::Launch{task},
      event::LaunchGroup{{task, task}},
      event::Kill{TaskId("t"), 3s},
      event::Acknowledged{TaskId("t"), Uuid{{7}}},
      event::Message{Blob(std::string("\0\xff", 2))},
      event::Shutdown{},
      event::Error{"text"},
      event::Heartbeat{},
  };
  ASSERT_EQ(events.size(), std::variant_size_v<ExecutorEvent>);
  for (std::size_t i = 0; i < events.size(); ++i) {
    ASSERT_EQ(events[i].index(), i);
    for (const ContentType type : kBoth) {
      std::string record;
      append_executor_event(record, events[i], type);
      const auto back = decode_executor_event(record, type);
      ASSERT_TRUE(back) << back.error().message;
      ASSERT_TRUE(*back);
      EXPECT_EQ((*back)->index(), i);
      EXPECT_EQ(text_of(**back), text_of(events[i]));
    }
  }
}

TEST(ExecutorEvents, OfTypesNotKnownAreSkippedAndMalformedOnesErrors) {
  const auto unknown = decode_executor_event(R"({"type":"FROM_THE_FUTURE"})", ContentType::kJson);
  ASSERT_TRUE(unknown);
  EXPECT_FALSE(*unknown);
  for (const std::string type :
       {"SUBSCRIBED", "LAUNCH", "LAUNCH_GROUP", "KILL", "ACKNOWLEDGED", "MESSAGE", "ERROR"}) {
    EXPECT_FALSE(decode_executor_event(R"({"type":")" + type + R"("})", ContentType::kJson))
        << type;
  }
  EXPECT_FALSE(decode_executor_event(
      R"({"type":"ACKNOWLEDGED","acknowledged":{"task_id":{"value":"t"},"uuid":"AAEC"}})",
      ContentType::kJson));
  EXPECT_FALSE(decode_executor_event("\xff", ContentType::kProtobuf));
}

}  // namespace
}  // namespace souk::wire
