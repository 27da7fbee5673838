#include "wire/codec_operator_events.h"

#include <gtest/gtest.h>

#include "mesos/v1/master/master.pb.h"
#include "wire/message_codec.h"
#include "wire/test_support.h"
#include "wire/test_view.h"

namespace souk::wire {
namespace {

namespace event = protocol::operator_event;
using PbEvent = pb::master::Event;

// In both encodings, which must say the same.
PbEvent encoded(const protocol::OperatorEvent& event) {
  std::string json;
  append_operator_event(json, event, ContentType::kJson);
  expect_sound(json);
  std::string bytes;
  append_operator_event(bytes, event, ContentType::kProtobuf);
  PbEvent message;
  const auto parsed = parse_binary(bytes, message);
  EXPECT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(to_json(message), json);
  return message;
}

std::string text(const protocol::OperatorEvent& event) { return to_json(encoded(event)); }

TaskStatus status() {
  TaskStatus status;
  status.task_id = TaskId("t");
  status.state = TaskState::kRunning;
  status.source = StatusSource::kExecutor;
  status.message = "up\n";
  status.agent_id = AgentId("M-S0");
  status.timestamp = at(7);
  return status;
}

TEST(OperatorEvents, Subscribed) {
  const protocol::MasterView view = sample();
  PbEvent message;
  ASSERT_TRUE(parse_binary(render_subscribed(view, 2500ms, ContentType::kProtobuf), message));
  EXPECT_EQ(to_json(message), render_subscribed(view, 2500ms, ContentType::kJson));
  EXPECT_EQ(message.type(), PbEvent::SUBSCRIBED);
  EXPECT_EQ(message.subscribed().heartbeat_interval_seconds(), 2.5);
  EXPECT_EQ(message.subscribed().get_state().get_agents().agents_size(), 2);
}

TEST(OperatorEvents, Tasks) {
  const PbEvent added = encoded(event::TaskAdded{rich_task(), "bob"});
  EXPECT_EQ(added.type(), PbEvent::TASK_ADDED);
  EXPECT_EQ(added.task_added().task().task_id().value(), "web.1");
  EXPECT_EQ(added.task_added().task().statuses_size(), 2);
  EXPECT_EQ(text(event::TaskUpdated{FrameworkId("F"), status(), TaskState::kFinished}),
            R"({"type":"TASK_UPDATED","task_updated":{"framework_id":{"value":"F"},)"
            R"("status":{"task_id":{"value":"t"},"state":"TASK_RUNNING","message":"up\n",)"
            R"("source":"SOURCE_EXECUTOR","agent_id":{"value":"M-S0"},"timestamp":7.0},)"
            R"("state":"TASK_FINISHED"}})");
}

TEST(OperatorEvents, Agents) {
  const PbEvent added = encoded(event::AgentAdded{sample().agents[0]});
  EXPECT_EQ(added.type(), PbEvent::AGENT_ADDED);
  EXPECT_EQ(added.agent_added().agent().agent_info().hostname(), "a1.example");
  EXPECT_EQ(text(event::AgentRemoved{AgentId("M-S0")}),
            R"({"type":"AGENT_REMOVED","agent_removed":{"agent_id":{"value":"M-S0"}}})");
}

TEST(OperatorEvents, Frameworks) {
  const protocol::FrameworkView framework = multi_role_framework();
  const PbEvent added = encoded(event::FrameworkAdded{framework});
  EXPECT_EQ(added.type(), PbEvent::FRAMEWORK_ADDED);
  EXPECT_EQ(added.framework_added().framework().framework_info().name(), "mara thon");
  EXPECT_TRUE(added.framework_added().framework().active());
  EXPECT_EQ(encoded(event::FrameworkUpdated{framework}).type(), PbEvent::FRAMEWORK_UPDATED);
  const PbEvent removed = encoded(event::FrameworkRemoved{framework.info});
  EXPECT_EQ(removed.type(), PbEvent::FRAMEWORK_REMOVED);
  EXPECT_EQ(removed.framework_removed().framework_info().id().value(), "F1");
}

TEST(OperatorEvents, Heartbeat) { EXPECT_EQ(text(event::Heartbeat{}), R"({"type":"HEARTBEAT"})"); }

}  // namespace
}  // namespace souk::wire
