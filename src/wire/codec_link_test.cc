#include "wire/codec_link.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "souk/link.pb.h"
#include "wire/command.h"

namespace souk::wire {
namespace {

using protocol::AgentMessage;
using protocol::MasterFrame;
using protocol::MasterMessage;
namespace up = protocol::to_master;
namespace down = protocol::to_agent;

template <class Message>
std::string frame(const Message& message) {
  std::string out;
  EXPECT_TRUE(append_link_frame(out, message));
  return out;
}

template <class Message>
std::string body(const Message& message) {
  return frame(message).substr(kLinkHeaderBytes);
}

// What the whole message says after a round trip.
template <class Body>
Body sent_up(const Body& before) {
  const auto back = decode_agent_message(body(AgentMessage(before)));
  EXPECT_TRUE(back) << back.error().message;
  EXPECT_TRUE(*back);
  EXPECT_EQ(body(**back), body(AgentMessage(before)));
  return std::get<Body>(**back);
}

template <class Body>
Body sent_down(const Body& before) {
  const auto back = decode_master_frame(body(MasterFrame{7, before}));
  EXPECT_TRUE(back) << back.error().message;
  EXPECT_TRUE(*back);
  EXPECT_EQ((*back)->epoch, 7u);
  EXPECT_EQ(body(**back), body(MasterFrame{7, before}));
  return std::get<Body>((*back)->message);
}

TaskSpec a_task() {
  TaskSpec task;
  task.id = TaskId("t");
  task.name = "n";
  task.agent_id = AgentId("S");
  task.resources = *Resources::parse("cpus:0.5;ports:[1-9]");
  task.kill_grace = 3s;
  return with_command(task, {.value = "true"});
}

ExecutorSpec an_executor() {
  ExecutorSpec executor{.id = ExecutorId("e"),
                        .framework_id = FrameworkId("F"),
                        .type = ExecutorSpec::Type::kCustom,
                        .name = "x",
                        .resources = *Resources::parse("mem:32")};
  return with_command(executor, {.value = "run"});
}

FrameworkInfo a_framework() {
  FrameworkInfo framework;
  framework.id = FrameworkId("F");
  framework.user = "u";
  framework.name = "n";
  framework.roles = {"a"};
  framework.failover_timeout = 60s;
  framework.capabilities.add(Capability::kPartitionAware);
  return framework;
}

FrameworkInfo without_raw(FrameworkInfo framework) {
  framework.raw = {};
  return framework;
}

TaskStatus a_status() {
  TaskStatus status;
  status.task_id = TaskId("t");
  status.state = TaskState::kFailed;
  status.source = StatusSource::kExecutor;
  status.reason = Reason::kContainerLimitationMemory;
  status.message = "m";
  status.agent_id = AgentId("S");
  status.executor_id = ExecutorId("e");
  status.timestamp = WallTime(1'700'000'000'123'456'789ns);
  status.uuid = Uuid{{1, 2, 3}};
  status.healthy = false;
  status.unreachable_time = WallTime(5ns);
  status.labels = {{"k", "v"}, {"k", std::nullopt}};
  status.container_id = ContainerId("c");
  status.raw = Blob("\x1a\x02hi");  // data
  return status;
}

// --- agent to master

TEST(LinkUp, HelloAndTheSmallOnes) {
  const auto hello = sent_up(up::Hello{1, 3, "0.1.0", "cluster"});
  EXPECT_EQ(hello.protocol_max, 3u);
  EXPECT_EQ(hello.version, "0.1.0");
  EXPECT_EQ(hello.cluster_id, "cluster");
  sent_up(up::Pong{});
  sent_up(up::Unregister{});
  const auto ended = sent_up(up::ExecutorTerminated{FrameworkId("F"), ExecutorId("e"), -1});
  EXPECT_EQ(ended.status, -1);
  EXPECT_EQ(ended.executor_id, ExecutorId("e"));
  const auto message = sent_up(
      up::FrameworkMessage{FrameworkId("F"), ExecutorId("e"), Blob(std::string("\0\xff", 2))});
  EXPECT_EQ(message.data.size(), 2u);
  const auto answer = sent_up(up::FileAnswer{9, 404, "no such file", "text/plain"});
  EXPECT_EQ(answer.request, 9u);
  EXPECT_EQ(answer.http_status, 404);
  EXPECT_EQ(answer.body, "no such file");
}

TEST(LinkUp, Register) {
  up::Register before;
  before.agent = {.id = AgentId("S"), .hostname = "h", .ip = "10.0.0.1", .port = 5051};
  before.agent.resources = *Resources::parse("cpus:4;mem(eng):1024;disks:{a,b}");
  before.agent.attributes = *parse_attributes("rack:a;gen:3");
  before.agent.domain = {"eu", "eu-1"};
  before.agent.version = "0.1.0";
  before.frameworks = {a_framework()};
  before.executors = {{FrameworkId("F"), "a", an_executor()}};
  before.tasks = {{FrameworkId("F"), ExecutorId("t"), "a", a_task(), TaskState::kRunning, true}};
  const auto after = sent_up(before);
  EXPECT_EQ(after.agent, before.agent);
  ASSERT_EQ(after.frameworks.size(), 1u);
  EXPECT_EQ(without_raw(after.frameworks[0]), before.frameworks[0]);
  ASSERT_EQ(after.executors.size(), 1u);
  EXPECT_EQ(after.executors[0].framework_id, FrameworkId("F"));
  EXPECT_EQ(after.executors[0].role, "a");
  EXPECT_EQ(after.executors[0].spec, an_executor());
  ASSERT_EQ(after.tasks.size(), 1u);
  EXPECT_EQ(after.tasks[0].spec, a_task());
  EXPECT_EQ(after.tasks[0].state, TaskState::kRunning);
  EXPECT_TRUE(after.tasks[0].command_task);
  EXPECT_EQ(after.tasks[0].role, "a");
}

TEST(LinkUp, ShortSlots) {
  up::Register before;
  before.agent.resources = *Resources::parse("cpus:3");
  before.agent.short_slots = *Resources::parse("cpus:1;ports:[5-9]");
  before.agent.short_slot_limit = 90s;
  before.tasks = {
      {FrameworkId("F"), ExecutorId("t"), "a", a_task(), TaskState::kRunning, true, true},
      {FrameworkId("F"), ExecutorId("t"), "a", a_task(), TaskState::kRunning, true}};
  const auto after = sent_up(before);
  EXPECT_EQ(after.agent, before.agent);
  ASSERT_EQ(after.tasks.size(), 2u);
  EXPECT_TRUE(after.tasks[0].short_slot);
  EXPECT_FALSE(after.tasks[1].short_slot);
}

TEST(LinkUp, ShortSlotsNeedALimit) {
  souk::link::AgentMessage message;
  auto& slots = *message.mutable_register_()->mutable_agent();
  auto& cpus = *slots.add_short_slots();
  cpus.set_name("cpus");
  cpus.set_type(mesos::v1::Value::SCALAR);
  cpus.mutable_scalar()->set_value(1);
  const auto without = decode_agent_message(message.SerializeAsString());
  ASSERT_FALSE(without);
  EXPECT_NE(without.error().message.find("limit"), std::string::npos) << without.error().message;
  slots.set_short_slot_limit_ns(-5);
  EXPECT_FALSE(decode_agent_message(message.SerializeAsString()));
  slots.set_short_slot_limit_ns(1);
  EXPECT_TRUE(decode_agent_message(message.SerializeAsString()));
  cpus.mutable_scalar()->set_value(-1);
  EXPECT_FALSE(decode_agent_message(message.SerializeAsString()));
}

TEST(LinkUp, StatusUpdate) {
  const auto after = sent_up(up::StatusUpdate{FrameworkId("F"), a_status(), TaskState::kFinished});
  EXPECT_EQ(after.status, a_status());
  EXPECT_EQ(after.latest_state, TaskState::kFinished);
  TaskStatus least;
  least.task_id = TaskId("t");
  EXPECT_EQ(sent_up(up::StatusUpdate{FrameworkId("F"), least, TaskState::kStaging}).status, least);
}

// --- master to agent

TEST(LinkDown, TheSmallOnes) {
  EXPECT_EQ(sent_down(down::Welcome{1, "c"}).cluster_id, "c");
  EXPECT_EQ(sent_down(down::Refused{"why"}).reason, "why");
  const auto registered = sent_down(down::Registered{AgentId("S"), 15s, 5});
  EXPECT_EQ(registered.ping_interval, 15s);
  EXPECT_EQ(registered.max_missed_pings, 5);
  EXPECT_EQ(sent_down(down::KillTask{FrameworkId("F"), TaskId("t"), 2s}).grace, 2s);
  const auto kill = sent_down(down::KillTask{FrameworkId("F"), TaskId("t"), {}});
  EXPECT_EQ(kill.grace, std::nullopt);
  EXPECT_EQ(kill.reason, std::nullopt);
  EXPECT_EQ(
      sent_down(down::KillTask{FrameworkId("F"), TaskId("t"), 0s, Reason::kContainerPreempted})
          .reason,
      Reason::kContainerPreempted);
  EXPECT_EQ(sent_down(down::ShutdownExecutor{FrameworkId("F"), ExecutorId("e")}).executor_id,
            ExecutorId("e"));
  EXPECT_EQ(sent_down(down::ShutdownFramework{FrameworkId("F")}).framework_id, FrameworkId("F"));
  EXPECT_EQ(sent_down(down::Acknowledge{FrameworkId("F"), TaskId("t"), Uuid{{5}}}).uuid, Uuid{{5}});
  EXPECT_EQ(
      sent_down(down::FrameworkMessage{FrameworkId("F"), ExecutorId("e"), Blob("d")}).data.view(),
      "d");
  sent_down(down::Ping{});
  EXPECT_EQ(sent_down(down::Shutdown{"why"}).reason, "why");
  const auto file = sent_down(down::FileRequest{3, down::FileRequest::Kind::kBrowse, "/p", 5, 10});
  EXPECT_EQ(file.kind, down::FileRequest::Kind::kBrowse);
  EXPECT_EQ(file.offset, 5);
  EXPECT_EQ(file.length, 10);
}

TEST(LinkDown, RunTasks) {
  down::RunTasks before{.framework = a_framework(),
                        .role = "a",
                        .group = true,
                        .executor = an_executor(),
                        .tasks = {a_task(), a_task()}};
  const auto after = sent_down(before);
  EXPECT_EQ(without_raw(after.framework), before.framework);
  EXPECT_EQ(after.executor, before.executor);
  EXPECT_EQ(after.tasks, before.tasks);
  EXPECT_TRUE(after.group);
  EXPECT_FALSE(after.command_task);
  EXPECT_FALSE(after.short_slots);
  before.short_slots = true;
  EXPECT_TRUE(sent_down(before).short_slots);
  EXPECT_FALSE(after.executor_runs);
  before.executor_runs = true;
  EXPECT_TRUE(sent_down(before).executor_runs);
}

TEST(LinkDown, TheExecutorOfACommandTaskIsItsIdOnly) {
  const down::RunTasks before{.framework = a_framework(),
                              .role = "a",
                              .command_task = true,
                              .executor = {.id = ExecutorId("t")},
                              .tasks = {a_task()}};
  EXPECT_EQ(sent_down(before).executor, before.executor);
}

TEST(LinkDown, SpecsWithoutRawBytesArriveWhole) {
  TaskSpec task = a_task();
  task.raw = {};
  task.has_command = false;
  ExecutorSpec executor = an_executor();
  executor.raw = {};
  executor.has_command = false;
  auto after =
      sent_down(down::RunTasks{.framework = a_framework(), .executor = executor, .tasks = {task}});
  after.tasks[0].own().raw = {};
  after.executor.raw = {};
  EXPECT_EQ(after.tasks[0], task);
  EXPECT_EQ(after.executor, executor);
}

TEST(LinkDown, TheFieldsOfAFrameworkCountNotItsRawBytes) {
  FrameworkInfo framework = sent_down(down::UpdateFramework{a_framework()}).framework;
  ASSERT_FALSE(framework.raw.empty());
  EXPECT_EQ(sent_down(down::UpdateFramework{framework}).framework, framework);
  framework.user = "kept";
  framework.checkpoint = true;
  const auto after = sent_down(down::UpdateFramework{framework}).framework;
  EXPECT_EQ(after->user, "kept");
  EXPECT_TRUE(after->checkpoint);
  EXPECT_EQ(after->id, framework.id);
}

// --- other versions, broken peers

TEST(Link, MessagesOfALaterVersionAreSkipped) {
  const std::string unknown = "\xfa\x01\x02hi";  // field 31, two bytes
  const auto message = decode_agent_message(unknown);
  ASSERT_TRUE(message);
  EXPECT_FALSE(*message);
  const auto of_master = decode_master_frame("\x08\x05" + unknown);
  ASSERT_TRUE(of_master);
  EXPECT_FALSE(*of_master);
  EXPECT_FALSE(*decode_agent_message(""));
  souk::link::MasterFrame later;
  later.mutable_file_request()->set_kind(17);
  const auto kind = decode_master_frame(later.SerializeAsString());
  ASSERT_TRUE(kind);
  EXPECT_FALSE(*kind);
}

TEST(Link, ReasonsOfALaterVersionAreNotSaid) {
  souk::link::MasterFrame later;
  later.mutable_kill_task()->set_task_id("t");
  later.mutable_kill_task()->set_reason(9999);
  const auto frame = decode_master_frame(later.SerializeAsString());
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ(std::get<down::KillTask>((*frame)->message).reason, std::nullopt);
}

TEST(Link, FieldsOfALaterVersionAreSkipped) {
  souk::link::AgentMessage later;
  auto& hello = *later.mutable_hello();
  hello.set_version("9");
  hello.GetReflection()->MutableUnknownFields(&hello)->AddVarint(99, 1);
  const auto message = decode_agent_message(later.SerializeAsString());
  ASSERT_TRUE(message && *message);
  EXPECT_EQ(std::get<up::Hello>(**message).version, "9");
  auto& status = *later.mutable_status_update()->mutable_status();
  status.set_reason(4711);
  status.set_source(99);
  const auto update = decode_agent_message(later.SerializeAsString());
  ASSERT_TRUE(update && *update);
  EXPECT_EQ(std::get<up::StatusUpdate>(**update).status.reason, std::nullopt);
  EXPECT_EQ(std::get<up::StatusUpdate>(**update).status.source, StatusSource::kAgent);
}

TEST(Link, MalformedMessagesAreErrors) {
  EXPECT_FALSE(decode_agent_message("\xff"));
  EXPECT_FALSE(decode_master_frame("\xff"));
  const auto refused = [](auto fill) {
    souk::link::AgentMessage message;
    fill(message);
    return !decode_agent_message(message.SerializeAsString());
  };
  EXPECT_TRUE(refused([](auto& m) { m.mutable_status_update()->mutable_status()->set_state(14); }));
  EXPECT_TRUE(refused([](auto& m) { m.mutable_status_update()->set_latest_state(14); }));
  EXPECT_TRUE(refused([](auto& m) { m.mutable_status_update()->mutable_status()->set_uuid("x"); }));
  EXPECT_TRUE(refused([](auto& m) { m.mutable_register_()->mutable_agent()->set_port(70'000); }));
  EXPECT_TRUE(refused([](auto& m) { m.mutable_register_()->add_tasks(); }));
  EXPECT_TRUE(refused([](auto& m) { m.mutable_register_()->add_frameworks(); }));
  EXPECT_TRUE(refused(
      [](auto& m) { m.mutable_register_()->add_executors()->mutable_spec()->set_info("\xff"); }));
  souk::link::MasterFrame frame;
  frame.mutable_acknowledge()->set_uuid("short");
  EXPECT_FALSE(decode_master_frame(frame.SerializeAsString()));
  frame.mutable_run_tasks();
  EXPECT_FALSE(decode_master_frame(frame.SerializeAsString()));
  frame.mutable_update_framework();
  EXPECT_FALSE(decode_master_frame(frame.SerializeAsString()));
}

TEST(Link, TimesOfABrokenPeerAreCut) {
  souk::link::MasterFrame frame;
  frame.mutable_kill_task()->set_grace_ns(INT64_MAX);
  const auto decoded = decode_master_frame(frame.SerializeAsString());
  ASSERT_TRUE(decoded && *decoded);
  EXPECT_LT(*std::get<down::KillTask>((*decoded)->message).grace, Duration::max() / 2);
}

TEST(Link, CutAtEveryByteNothingBreaks) {
  const std::string up_bytes =
      body(AgentMessage(up::StatusUpdate{FrameworkId("F"), a_status(), TaskState::kFinished}));
  const std::string down_bytes = body(MasterFrame{
      1,
      down::RunTasks{.framework = a_framework(), .executor = an_executor(), .tasks = {a_task()}}});
  for (std::size_t cut = 0; cut < up_bytes.size(); ++cut) {
    const auto decoded = decode_agent_message(std::string_view(up_bytes).substr(0, cut));
    EXPECT_TRUE(cut == 0 || !decoded) << cut;
  }
  for (std::size_t cut = 3; cut < down_bytes.size(); ++cut) {
    EXPECT_FALSE(decode_master_frame(std::string_view(down_bytes).substr(0, cut))) << cut;
  }
}

// --- framing

TEST(CodecLink, TheLengthIsBigEndian) {
  const std::string bytes = frame(AgentMessage(up::Pong{}));
  ASSERT_EQ(bytes.size(), 6u);
  EXPECT_EQ(bytes.substr(0, 4), std::string("\0\0\0\x02", 4));
}

TEST(CodecLink, FramesAreAppended) {
  std::string out = "before";
  ASSERT_TRUE(append_link_frame(out, MasterFrame{1, down::Ping{}}));
  EXPECT_TRUE(out.starts_with("before"));
  EXPECT_EQ(out.substr(6), frame(MasterFrame{1, down::Ping{}}));
}

TEST(CodecLink, AMessageThatIsTooLongIsNotSent) {
  std::string out = "before";
  const AgentMessage huge = up::FileAnswer{1, 200, std::string(kMaxLinkFrame, 'x'), "text/plain"};
  EXPECT_FALSE(append_link_frame(out, huge));
  EXPECT_EQ(out, "before");
}

}  // namespace
}  // namespace souk::wire
