// What operators that listen are told. That it is all of it, whatever happens: random_test.cc.
#include "master/test_support.h"
#include "master/test_transcript.h"

namespace souk::master {
namespace {

using Lines = std::vector<std::string>;

class Watched : public World {
 public:
  explicit Watched(Options options = {}) : World(std::move(options)) {
    watch = [this](const Effect& effect) {
      if (std::holds_alternative<SendToOperators>(effect))
        told_.push_back(Transcript::line(effect));
      if (const auto* open = std::get_if<OpenOperatorStream>(&effect)) {
        opened.push_back(open->connection);
      }
    };
  }
  ConnectionId listen() {
    const ConnectionId connection(next_++);
    step(OperatorSubscribed{connection});
    return connection;
  }
  // Since it was asked last, without what all lines begin with.
  Lines told() {
    Lines lines;
    for (const std::string& line : std::exchange(told_, {})) {
      lines.push_back(line.substr(std::string_view("to operators ").size()));
    }
    return lines;
  }
  std::vector<ConnectionId> opened;

 private:
  std::vector<std::string> told_;
  uint64_t next_ = 1'000'000;
};

TEST(MasterWatch, NothingIsMadeForNobody) {
  Watched world;
  world.register_agent("a");
  world.subscribe(make_framework("f"));
  world.pass(1min);
  EXPECT_EQ(world.told(), Lines{});
  const ConnectionId operator_stream = world.listen();
  world.step(ConnectionClosed{operator_stream});
  world.register_agent("b");
  world.pass(1min);
  EXPECT_EQ(world.told(), Lines{});
}

TEST(MasterWatch, ATasksLife) {
  Watched world;
  world.listen();
  const ConnectionId link = world.register_agent("a");
  const ConnectionId stream = world.subscribe(make_framework("f"));
  const FrameworkId framework = world.framework_of(stream);
  const AgentId agent = world.agent_of(link);
  EXPECT_EQ(world.told(), (Lines{"AGENT_ADDED m-S0", "FRAMEWORK_ADDED m-0000"}));
  world.launch(stream, world.offers(stream).front(), {make_task("t", agent)});
  EXPECT_EQ(world.told(), Lines{"TASK_ADDED t"});
  const Uuid starting = world.update(link, framework, "t", TaskState::kStarting);
  world.call(stream, protocol::call::Acknowledge{agent, TaskId("t"), starting});
  const Uuid running = world.update(link, framework, "t", TaskState::kRunning);
  world.call(stream, protocol::call::Acknowledge{agent, TaskId("t"), running});
  EXPECT_EQ(world.told(), (Lines{"TASK_UPDATED t TASK_STARTING", "TASK_UPDATED t TASK_RUNNING"}));
  // The latest state is ahead of the update.
  const Uuid healthy =
      world.update(link, framework, "t", TaskState::kRunning, TaskState::kFinished);
  EXPECT_EQ(world.told(), Lines{"TASK_UPDATED t TASK_FINISHED"});
  world.call(stream, protocol::call::Acknowledge{agent, TaskId("t"), healthy});
  const Uuid finished = world.update(link, framework, "t", TaskState::kFinished);
  world.call(stream, protocol::call::Acknowledge{agent, TaskId("t"), finished});
  EXPECT_EQ(world.told(), Lines{"TASK_UPDATED t TASK_FINISHED"});
}

TEST(MasterWatch, AnUpdateThatComesAgainIsToldOnce) {
  Watched world;
  const ConnectionId link = world.register_agent("a");
  const ConnectionId stream = world.subscribe(make_framework("f"));
  world.launch(stream, world.offers(stream).front(), {make_task("t", world.agent_of(link))});
  world.listen();
  TaskStatus status;
  status.task_id = TaskId("t");
  status.state = TaskState::kRunning;
  status.agent_id = world.agent_of(link);
  status.uuid = Uuid::from_bytes("0123456789abcdef");
  for (int i = 0; i < 3; ++i) {
    world.step(AgentSaid{link, protocol::to_master::StatusUpdate{world.framework_of(stream), status,
                                                                 TaskState::kRunning}});
  }
  EXPECT_EQ(world.told(), Lines{"TASK_UPDATED t TASK_RUNNING"});
}

TEST(MasterWatch, AgentsAndFrameworksComeAndGo) {
  Watched world;
  FrameworkInfo info = make_framework("f");
  info.failover_timeout = 1h;
  info.capabilities.add(Capability::kPartitionAware);
  const ConnectionId stream = world.subscribe(info);
  info.id = world.framework_of(stream);
  const ConnectionId link = world.register_agent("a");
  world.launch(stream, world.offers(stream).front(), {make_task("t", world.agent_of(link))});
  world.listen();
  world.step(ConnectionClosed{stream});
  EXPECT_EQ(world.told(), Lines{"FRAMEWORK_UPDATED m-0000 inactive"});
  const ConnectionId again = world.subscribe(info);
  EXPECT_EQ(world.told(), Lines{"FRAMEWORK_UPDATED m-0000"});
  world.step(LinkClosed{link});
  world.pass(75s);
  Lines lines = world.told();
  std::erase(lines, "HEARTBEAT");
  EXPECT_EQ(lines, (Lines{"TASK_UPDATED t TASK_UNREACHABLE", "AGENT_REMOVED m-S0"}));
  world.register_agent("b");
  world.call(again, protocol::call::Teardown{});
  EXPECT_EQ(world.told(), (Lines{"AGENT_ADDED m-S1", "FRAMEWORK_REMOVED m-0000"}));
}

// The first of that name is gone, which is no news of the one that runs.
TEST(MasterWatch, ATaskThatTookTheIdOfALostOne) {
  Watched world;
  FrameworkInfo info = make_framework("f");
  info.capabilities.add(Capability::kPartitionAware);
  const ConnectionId stream = world.subscribe(info);
  const ConnectionId first = world.register_agent("a");
  AgentInfo agent;
  agent.id = world.agent_of(first);
  agent.hostname = "a";
  agent.resources = Resources::parse("cpus:4;mem:4096").value();
  world.launch(stream, world.offers(stream).front(), {make_task("t", agent.id)});
  world.step(LinkClosed{first});
  world.pass(75s);
  const ConnectionId second = world.register_agent("b");
  world.listen();
  world.launch(stream, world.offers(stream).front(), {make_task("t", world.agent_of(second))});
  EXPECT_EQ(world.told(), Lines{"TASK_ADDED t"});
  world.register_as(protocol::to_master::Register{agent, {}, {}, {}});
  EXPECT_EQ(world.told(), Lines{"AGENT_ADDED m-S0"});
}

TEST(MasterWatch, OneHeartbeatForAll) {
  Options options;
  options.heartbeat_interval = 2s;
  Watched world(options);
  world.listen();
  world.pass(1s);
  const ConnectionId second = world.listen();
  world.pass(3s);
  EXPECT_EQ(world.told(), (Lines{"HEARTBEAT", "HEARTBEAT"}));
  world.step(ConnectionClosed{second});
  world.pass(2s);
  EXPECT_EQ(world.told(), Lines{"HEARTBEAT"});
}

TEST(MasterWatch, TheFirstMakesRoom) {
  Options options;
  options.max_operator_streams = 2;
  Watched world(options);
  const ConnectionId first = world.listen();
  const ConnectionId second = world.listen();
  EXPECT_TRUE(world.closed_streams.empty());
  const ConnectionId third = world.listen();
  EXPECT_EQ(world.closed_streams, std::vector{first});
  world.step(ConnectionClosed{first});  // it had gone at the same time
  EXPECT_EQ(world.opened, (std::vector{first, second, third}));
  world.step(ConnectionClosed{second});
  world.step(ConnectionClosed{third});
  world.register_agent("a");
  EXPECT_EQ(world.told(), Lines{});
}

TEST(MasterWatch, NotBeforeItLeads) {
  World world({}, {}, /*recover=*/false);
  world.step(OperatorSubscribed{ConnectionId(77)});
  EXPECT_EQ(world.answers.at(ConnectionId(77)).status, 503);
}

}  // namespace
}  // namespace souk::master
