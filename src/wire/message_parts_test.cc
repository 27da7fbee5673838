#include "wire/message_parts.h"

#include <gtest/gtest.h>

#include "mesos/v1/master/master.pb.h"
#include "wire/codec_model.h"
#include "wire/message_codec.h"

namespace souk::wire {
namespace {

using PbEvent = pb::master::Event;
using PbSubscribed = PbEvent::Subscribed;
using PbGetState = pb::master::Response::GetState;
using PbGetTasks = pb::master::Response::GetTasks;
using PbGetAgents = pb::master::Response::GetAgents;

PbEvent whole(int tasks, int unreachable, std::size_t name_size) {
  PbEvent event;
  event.set_type(PbEvent::SUBSCRIBED);
  auto& subscribed = *event.mutable_subscribed();
  auto& state = *subscribed.mutable_get_state();
  const auto fill = [&](pb::Task& task) {
    task.set_name(std::string(name_size, 'x'));
    task.mutable_task_id()->set_value("t");
    task.mutable_framework_id()->set_value("f\n\xC3\xA9");
    task.mutable_agent_id()->set_value("a");
    task.set_state(pb::TASK_RUNNING);
  };
  state.mutable_get_tasks();
  for (int i = 0; i < tasks; ++i) fill(*state.mutable_get_tasks()->add_tasks());
  for (int i = 0; i < unreachable; ++i) {
    fill(*state.mutable_get_tasks()->add_unreachable_tasks());
  }
  state.mutable_get_agents()->add_recovered_agents()->set_hostname("h");
  subscribed.set_heartbeat_interval_seconds(12.5);
  return event;
}

std::string in_parts(const PbEvent& event, ContentType type) {
  std::string out = "before";
  MessageParts parts(out, type);
  const auto& state = event.subscribed().get_state();
  parts.set_enum(field_of<PbEvent>(PbEvent::kTypeFieldNumber), event.type());
  parts.begin(field_of<PbEvent>(PbEvent::kSubscribedFieldNumber));
  parts.begin(field_of<PbSubscribed>(PbSubscribed::kGetStateFieldNumber));
  parts.begin(field_of<PbGetState>(PbGetState::kGetTasksFieldNumber));
  for (const auto& task : state.get_tasks().tasks()) {
    parts.add(field_of<PbGetTasks>(PbGetTasks::kTasksFieldNumber), task);
  }
  for (const auto& task : state.get_tasks().unreachable_tasks()) {
    parts.add(field_of<PbGetTasks>(PbGetTasks::kUnreachableTasksFieldNumber), task);
  }
  parts.end();
  parts.begin(field_of<PbGetState>(PbGetState::kGetAgentsFieldNumber));
  for (const auto& agent : state.get_agents().recovered_agents()) {
    parts.add(field_of<PbGetAgents>(PbGetAgents::kRecoveredAgentsFieldNumber), agent);
  }
  parts.end();
  parts.end();
  parts.set_double(field_of<PbSubscribed>(PbSubscribed::kHeartbeatIntervalSecondsFieldNumber),
                   event.subscribed().heartbeat_interval_seconds());
  parts.end();
  parts.finish();
  return out;
}

// Lengths of one, two, three and four bytes.
TEST(MessageParts, EqualTheWholeInBothEncodings) {
  for (const auto& [tasks, unreachable, name_size] :
       {std::tuple(0, 0, 0u), std::tuple(1, 0, 0u), std::tuple(0, 1, 10u), std::tuple(3, 2, 100u),
        std::tuple(2, 1, 20'000u), std::tuple(3, 0, 1'000'000u)}) {
    const PbEvent event = whole(tasks, unreachable, name_size);
    for (const ContentType type : {ContentType::kJson, ContentType::kProtobuf}) {
      std::string expected = "before";
      append_message(expected, event, type);
      EXPECT_TRUE(in_parts(event, type) == expected)
          << tasks << " " << unreachable << " " << name_size << " " << mime_type(type);
    }
  }
}

}  // namespace
}  // namespace souk::wire
