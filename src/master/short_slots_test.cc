// Slots for short tasks (§4.4): resources of an agent that are offered on their own, with a limit.
#include <algorithm>

#include "master/test_support.h"

namespace souk::master {
namespace {

namespace call = protocol::call;
namespace event = protocol::event;
namespace to_agent = protocol::to_agent;
namespace to_master = protocol::to_master;

FrameworkInfo hurried(const std::string& name) {
  FrameworkInfo info = make_framework(name);
  info.failover_timeout = 1h;
  info.labels = {{std::string(kShortSlotsLabel), "true"}};
  return info;
}

const Attribute* limit_of(const Offer& offer) {
  const auto at = std::ranges::find(offer.attributes, kMaxTaskDurationAttribute, &Attribute::name);
  return at == offer.attributes.end() ? nullptr : &*at;
}

// An agent with both kinds of slots, and a framework that takes both.
struct Cluster : World {
  Cluster() {
    link = register_agent("a", "cpus:4;mem:4096", "cpus:1;mem:512;ports:[1-2]", 90s);
    agent = agent_of(link);
    stream = subscribe(hurried("f"));
    framework = framework_of(stream);
    for (Offer& offer : offers(stream)) {
      (limit_of(offer) != nullptr ? brief : ordinary) = std::move(offer);
    }
  }
  protocol::AgentSummary summary() { return machine().view().agents.at(0); }
  AgentKey pool() { return allocator().key_of(agent, true); }
  std::vector<to_agent::RunTasks> runs() { return heard<to_agent::RunTasks>(link); }
  // What the agent says when its link was lost.
  to_master::Register report(bool short_slot) {
    to_master::Register message;
    message.agent = summary().info;
    message.frameworks = {hurried("f")};
    message.frameworks[0].id = framework;
    message.tasks = {{.framework_id = framework,
                      .executor_id = ExecutorId("t"),
                      .role = "*",
                      .spec = make_task("t", agent),
                      .state = TaskState::kRunning,
                      .command_task = true,
                      .short_slot = short_slot}};
    return message;
  }

  ConnectionId link;
  AgentId agent;
  ConnectionId stream;
  FrameworkId framework;
  Offer ordinary, brief;
};

TEST(MasterShortSlots, AreOfferedOnTheirOwn) {
  Cluster world;
  EXPECT_EQ(world.ordinary.resources.to_string(), "cpus:4;mem:4096");
  EXPECT_EQ(limit_of(world.ordinary), nullptr);
  EXPECT_EQ(world.brief.resources.to_string(), "cpus:1;mem:512;ports:[1-2]");
  ASSERT_NE(limit_of(world.brief), nullptr);
  EXPECT_EQ(std::get<Scalar>(limit_of(world.brief)->value), Scalar{90'000});
  EXPECT_EQ(world.brief.agent_id, world.agent);
  EXPECT_EQ(world.brief.hostname, "a");
  const auto& facts = world.allocator().agents.at(world.pool());
  EXPECT_EQ(facts.id, world.agent);
  EXPECT_EQ(facts.total.to_string(), "cpus:1;mem:512;ports:[1-2]");
  EXPECT_EQ(facts.max_task_duration, 90s);
  EXPECT_NE(world.pool(), world.allocator().key_of(world.agent));
}

TEST(MasterShortSlots, TheOrdinaryOnesAreAsBefore) {
  World world;
  const ConnectionId link = world.register_agent("a");
  EXPECT_EQ(world.allocator().agents.size(), 1u);
  EXPECT_EQ(world.allocator().key_of(world.agent_of(link), true), AgentKey());
  EXPECT_EQ(world.allocator().agents.begin()->second.max_task_duration, std::nullopt);
}

TEST(MasterShortSlots, TasksOfThemAreMarkedAndBookedThere) {
  Cluster world;
  world.launch(world.stream, world.brief, {make_task("t", world.agent)}, 100s);
  ASSERT_EQ(world.runs().size(), 1u);
  EXPECT_TRUE(world.runs()[0].short_slots);
  const auto& task = world.allocator().tasks.begin()->second;
  EXPECT_EQ(task.agent, world.pool());
  EXPECT_EQ(world.summary().short_used.to_string(), "cpus:1;mem:128");
  EXPECT_EQ(world.summary().used.to_string(), "cpus:1;mem:128");
  EXPECT_TRUE(world.summary().short_offered.empty());
  EXPECT_EQ(world.summary().offered.to_string(), "cpus:4;mem:4096");
  EXPECT_EQ(world.summary().total().to_string(), "cpus:5;mem:4608;ports:[1-2]");
  world.launch(world.stream, world.ordinary, {make_task("u", world.agent)}, 100s);
  EXPECT_FALSE(world.runs()[1].short_slots);
  EXPECT_EQ(world.summary().used.to_string(), "cpus:2;mem:256");
  EXPECT_EQ(world.summary().short_used.to_string(), "cpus:1;mem:128");
  // What ends goes back to where it came from.
  world.update(world.link, world.framework, "t", TaskState::kFinished);
  world.call(world.stream, call::Revive{});
  const auto offers = world.offers(world.stream);
  const auto brief = std::ranges::find_if(offers, [](const Offer& o) { return limit_of(o); });
  ASSERT_NE(brief, offers.end());
  EXPECT_EQ(brief->resources.to_string(), "cpus:1;mem:512;ports:[1-2]");
}

TEST(MasterShortSlots, AnAcceptTakesOneKindOnly) {
  Cluster world;
  call::Accept accept;
  accept.offers = {world.ordinary.id, world.brief.id};
  accept.operations.push_back({{}, protocol::Launch{{make_task("t", world.agent)}}});
  EXPECT_EQ(world.call(world.stream, std::move(accept)), 202);
  EXPECT_TRUE(world.runs().empty());
  const auto updates = world.updates(world.stream);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].state, TaskState::kLost);
  EXPECT_EQ(updates[0].reason, Reason::kInvalidOffers);
  EXPECT_NE(updates[0].message.find("short tasks"), std::string::npos) << updates[0].message;
  EXPECT_TRUE(world.summary().offered.empty());  // both are used up
}

TEST(MasterShortSlots, NoExecutorOutlivesThem) {
  Cluster world;
  TaskSpec task = make_task("t", world.agent, "cpus:0.1;mem:32");
  task.has_command = false;
  task.executor = make_executor("e");
  call::Accept accept;
  accept.offers = {world.brief.id};
  accept.operations.push_back({{}, protocol::Launch{{task}}});
  accept.operations.push_back(
      {{},
       protocol::LaunchGroup{make_executor("g", ExecutorSpec::Type::kDefault),
                             {make_task("u", world.agent, "cpus:0.1;mem:32")}}});
  world.call(world.stream, std::move(accept));
  EXPECT_TRUE(world.runs().empty());
  const auto updates = world.updates(world.stream);
  ASSERT_EQ(updates.size(), 2u);
  EXPECT_EQ(updates[0].state, TaskState::kError);
  EXPECT_EQ(updates[0].reason, Reason::kTaskInvalid);
  EXPECT_EQ(updates[0].message,
            "Executor 'e' would outlive the limit of the slots for short tasks (90secs): launch it "
            "from an ordinary offer, or without resources of its own");
  EXPECT_EQ(updates[1].state, TaskState::kError);
  EXPECT_EQ(updates[1].reason, Reason::kTaskGroupInvalid);
}

TEST(MasterShortSlots, AnExecutorThatTakesNothingThereIsFine) {
  Cluster world;
  TaskSpec first = make_task("t", world.agent, "cpus:0.1;mem:32");
  first.has_command = false;
  first.executor = make_executor("e");
  TaskSpec second = first;
  second.id = TaskId("u");
  TaskSpec third = first;
  third.id = TaskId("v");
  third.executor = make_executor("bare", ExecutorSpec::Type::kCustom, "");
  world.launch(world.stream, world.ordinary, {first}, 100s);
  // e runs already, on ordinary resources.
  world.launch(world.stream, world.brief, {second, third}, 100s);
  EXPECT_TRUE(world.updates(world.stream).empty());
  ASSERT_EQ(world.runs().size(), 3u);
  EXPECT_TRUE(world.runs()[1].short_slots);
  EXPECT_EQ(world.summary().short_used.to_string(), "cpus:0.2;mem:64");
  EXPECT_EQ(world.summary().used.to_string(), "cpus:0.4;mem:128");
  for (const char* executor : {"e", "bare"}) {
    world.step(AgentSaid{world.link,
                         to_master::ExecutorTerminated{world.framework, ExecutorId(executor), 0}});
  }
  EXPECT_EQ(world.summary().used.to_string(), "cpus:0.3;mem:96");
}

TEST(MasterShortSlots, ANewMasterLearnsOfTheirTasks) {
  Cluster world;
  world.launch(world.stream, world.brief, {make_task("t", world.agent)}, 100s);
  World other({}, {}, false);
  protocol::Registry registry;
  registry.admitted[world.agent] = {"a"};
  other.step(Recovered{registry});
  other.register_as(world.report(true));
  const protocol::AgentSummary agent = other.machine().view().agents.at(0);
  EXPECT_EQ(agent.short_used.to_string(), "cpus:1;mem:128");
  EXPECT_EQ(other.allocator().tasks.begin()->second.agent,
            other.allocator().key_of(world.agent, true));
}

TEST(MasterShortSlots, WhatAnAgentNoLongerSetsAsideIsHeldUntilItsTasksEnd) {
  Cluster world;
  world.launch(world.stream, world.brief, {make_task("t", world.agent)}, 100s);
  world.step(LinkClosed{world.link});
  to_master::Register message = world.report(true);
  message.agent.short_slots = {};
  message.agent.short_slot_limit = Duration::zero();
  world.link = world.register_as(message);
  EXPECT_EQ(world.summary().short_used.to_string(), "cpus:1;mem:128");
  EXPECT_TRUE(world.allocator().agents.at(world.pool()).total.empty());
  world.update(world.link, world.framework, "t", TaskState::kFinished);
  EXPECT_TRUE(world.summary().short_used.empty());
  world.call(world.stream, call::Revive{});
  for (const Offer& offer : world.offers(world.stream)) EXPECT_EQ(limit_of(offer), nullptr);
}

TEST(MasterShortSlots, AnAgentMaySetThemAsideLater) {
  World world;
  ConnectionId link = world.register_agent("a", "cpus:4;mem:4096");
  const AgentId agent = world.agent_of(link);
  const ConnectionId stream = world.subscribe(hurried("f"));
  ASSERT_EQ(world.offers(stream).size(), 1u);
  world.step(LinkClosed{link});
  to_master::Register message;
  message.agent = world.machine().view().agents.at(0)->info;
  message.agent.short_slots = Resources::parse("cpus:1;mem:64").value();
  message.agent.short_slot_limit = 1500ms;
  link = world.register_as(std::move(message));
  const auto offers = world.offers(stream);
  ASSERT_EQ(offers.size(), 2u);
  const auto brief = std::ranges::find_if(offers, [](const Offer& o) { return limit_of(o); });
  ASSERT_NE(brief, offers.end());
  EXPECT_EQ(std::get<Scalar>(limit_of(*brief)->value), Scalar{1'500});
  EXPECT_NE(world.allocator().key_of(agent, true), AgentKey());
}

TEST(MasterShortSlots, ATaskThatSaysItIsShortIsBelieved) {
  World world;
  to_master::Register message;
  message.agent.hostname = "a";
  message.agent.resources = Resources::parse("cpus:4;mem:4096").value();
  message.frameworks = {hurried("f")};
  message.frameworks[0].id = FrameworkId("F");
  message.tasks = {{.framework_id = FrameworkId("F"),
                    .executor_id = ExecutorId("t"),
                    .role = "*",
                    .spec = make_task("t", AgentId("m-S0")),
                    .state = TaskState::kRunning,
                    .command_task = true,
                    .short_slot = true}};
  const ConnectionId link = world.register_as(message);
  EXPECT_EQ(world.machine().view().agents.at(0)->short_used.to_string(), "cpus:1;mem:128");
  world.update(link, FrameworkId("F"), "t", TaskState::kFinished);
  EXPECT_TRUE(world.machine().view().agents.at(0)->used.empty());
}

TEST(MasterShortSlots, GoWithTheirAgent) {
  Cluster world;
  world.launch(world.stream, world.brief, {make_task("t", world.agent)}, 100s);
  world.step(LinkClosed{world.link});
  EXPECT_EQ(world.take<event::Rescind>(world.stream).size(), 1u);  // of the ordinary ones
  world.pass(80s);
  EXPECT_TRUE(world.machine().view().agents.empty());
  EXPECT_TRUE(world.allocator().agents.empty());
  EXPECT_TRUE(world.allocator().tasks.empty());
  // Back with its task, in the slots that it was in.
  world.link = world.register_as([&] {
    to_master::Register message;
    message.agent.id = world.agent;
    message.agent.hostname = "a";
    message.agent.resources = Resources::parse("cpus:4;mem:4096").value();
    message.agent.short_slots = Resources::parse("cpus:1;mem:512").value();
    message.agent.short_slot_limit = 90s;
    message.frameworks = {hurried("f")};
    message.frameworks[0].id = world.framework;
    message.tasks = {{.framework_id = world.framework,
                      .executor_id = ExecutorId("t"),
                      .role = "*",
                      .spec = make_task("t", world.agent),
                      .state = TaskState::kRunning,
                      .command_task = true,
                      .short_slot = true}};
    return message;
  }());
  EXPECT_EQ(world.summary().short_used.to_string(), "cpus:1;mem:128");
}

TEST(MasterShortSlots, ARescindOfOneKindLeavesTheOther) {
  Cluster world;
  TestAllocator& allocator = world.allocator();
  allocator.extra.rescinds.push_back({allocator.key_of(world.framework), "*", world.pool()});
  world.batch();
  const auto rescinds = world.take<event::Rescind>(world.stream);
  ASSERT_EQ(rescinds.size(), 1u);
  EXPECT_EQ(rescinds[0].offer, world.brief.id);
}

TEST(MasterShortSlots, TheirTasksAreRevokedLikeOthers) {
  Cluster world;
  world.launch(world.stream, world.brief, {make_task("t", world.agent)}, 100s);
  world.launch(world.stream, world.ordinary, {make_task("u", world.agent)}, 100s);
  for (const char* task : {"t", "u"}) {
    world.allocator().revoke(world.framework, task, world.now().mono + 10s);
  }
  world.batch();
  const auto events = world.take<event::InverseOffers>(world.stream);
  ASSERT_EQ(events.size(), 1u);
  ASSERT_EQ(events[0].offers.size(), 1u);  // it is one agent
  EXPECT_EQ(events[0].offers[0].resources.to_string(), "cpus:2;mem:256");
  world.pass(10s);
  EXPECT_EQ(world.heard<to_agent::KillTask>(world.link).size(), 2u);
}

TEST(MasterShortSlots, AnAgentThatMakesNoSenseOfThemIsRefused) {
  World world;
  const auto refusal = [&](const std::string& resources, const std::string& slots, Duration limit) {
    const ConnectionId link = world.register_agent("a", resources, slots, limit);
    const auto refused = world.heard<to_agent::Refused>(link);
    return refused.empty() ? std::string() : refused[0].reason;
  };
  EXPECT_NE(refusal("cpus:1", "cpus:1", 0s).find("limit above zero"), std::string::npos);
  EXPECT_NE(refusal("cpus:1", "cpus:1", -1s).find("limit above zero"), std::string::npos);
  EXPECT_NE(refusal("ports:[1-10]", "cpus:1;ports:[10-12]", 1s).find("ports"), std::string::npos);
  EXPECT_EQ(refusal("ports:[1-9]", "cpus:1;ports:[10-12]", 1s), "");
  EXPECT_EQ(refusal("cpus:1", "", 0s), "");
}

TEST(MasterShortSlots, TheLongestLimitFitsAnAttribute) {
  World world;
  const ConnectionId link =
      world.register_agent("a", "cpus:1;mem:64", "cpus:1;mem:64", Duration::max());
  const ConnectionId stream = world.subscribe(hurried("f"));
  for (const Offer& offer : world.offers(stream)) {
    if (const Attribute* limit = limit_of(offer)) {
      EXPECT_EQ(std::get<Scalar>(limit->value), Scalar{kMaxScalar});
    }
  }
  EXPECT_FALSE(world.agent_of(link).empty());
}

}  // namespace
}  // namespace souk::master
