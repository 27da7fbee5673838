// Frameworks: subscribing, failing over, leaving; the checks before every call.
#include "master/test_support.h"

namespace souk::master {
namespace {

namespace call = protocol::call;
namespace event = protocol::event;

TEST(MasterFramework, IsSubscribedWithAnIdAndAHeartbeat) {
  World world;
  const ConnectionId stream = world.subscribe(make_framework("f"));
  EXPECT_EQ(world.framework_of(stream), FrameworkId("m-0000"));
  const auto subscribed = world.take<event::Subscribed>(stream);
  ASSERT_EQ(subscribed.size(), 1u);
  EXPECT_EQ(subscribed[0].heartbeat_interval, 5s);
  EXPECT_EQ(subscribed[0].master.id, "m");
  EXPECT_EQ(world.take<event::Heartbeat>(stream).size(), 1u);
  world.pass(16s);
  EXPECT_EQ(world.take<event::Heartbeat>(stream).size(), 3u);
}

TEST(MasterFramework, GetsTheNextNumberAndKeepsAnIdOfItsOwn) {
  World world;
  EXPECT_EQ(world.framework_of(world.subscribe(make_framework("a"))), FrameworkId("m-0000"));
  EXPECT_EQ(world.framework_of(world.subscribe(make_framework("b"))), FrameworkId("m-0001"));
  FrameworkInfo info = make_framework("c");
  info.id = FrameworkId("mine");  // of a master that is gone: taken as it is
  EXPECT_EQ(world.framework_of(world.subscribe(info)), FrameworkId("mine"));
}

TEST(MasterFramework, AnswersServiceUnavailableBeforeItRecovered) {
  World world({}, {}, false);
  const ConnectionId stream = world.subscribe(make_framework("f"));
  EXPECT_EQ(world.answers[stream].status, 503);
  EXPECT_EQ(world.answers[stream].body, "Master has not finished recovery");
  EXPECT_EQ(world.call_as(FrameworkId("x"), "s", call::Teardown{}), 503);
}

TEST(MasterFramework, RefusesBadOnesByAnErrorEvent) {
  World world;
  const auto error_of = [&](const FrameworkInfo& info) {
    const ConnectionId stream = world.subscribe(info);
    const auto errors = world.take<event::Error>(stream);
    EXPECT_EQ(world.closed_streams.back(), stream);
    return errors.empty() ? std::string() : errors[0].message;
  };
  FrameworkInfo info = make_framework("f");
  info.id = FrameworkId("a/b");
  EXPECT_EQ(error_of(info), "'a/b' contains invalid characters");
  info = make_framework("f");
  info.roles = {"/bad"};
  EXPECT_NE(error_of(info), "");
  info = make_framework("f");
  info.failover_timeout = -1s;
  EXPECT_NE(error_of(info).find("failover_timeout"), std::string::npos);
  info = make_framework("f");
  info.role_error = "both role and roles";
  EXPECT_EQ(error_of(info), "both role and roles");
}

TEST(MasterFramework, ChecksEveryCallInOrder) {
  World world;
  const ConnectionId stream = world.subscribe(make_framework("f"));
  const FrameworkId id = world.framework_of(stream);
  EXPECT_EQ(world.call_as(FrameworkId("nobody"), "s", call::Revive{}), 400);
  EXPECT_EQ(world.call_as(id, "", call::Revive{}), 400);
  EXPECT_EQ(world.call_as(id, "another", call::Revive{}), 400);
  EXPECT_EQ(world.call(stream, call::Revive{}), 202);
  EXPECT_EQ(world.call(stream, call::Suppress{}), 202);
  EXPECT_EQ(world.call(stream, call::Suppress{}), 202);
  EXPECT_EQ(world.call(stream, call::Request{}), 202);
  EXPECT_EQ(world.call(stream, call::Decline{{OfferId("stale")}, {}}), 202);
  world.step(ConnectionClosed{stream});
  world.batch();
  EXPECT_EQ(world.call_as(id, World::stream_of(stream), call::Revive{}), 403);
}

TEST(MasterFramework, NewerSubscriptionWins) {
  World world;
  FrameworkInfo info = make_framework("f");
  info.failover_timeout = 60s;
  const ConnectionId first = world.subscribe(info);
  info.id = world.framework_of(first);
  const ConnectionId second = world.subscribe(info);
  const auto errors = world.take<event::Error>(first);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].message, "Framework failed over");
  EXPECT_EQ(world.closed_streams, std::vector{first});
  EXPECT_EQ(world.framework_of(second), info.id);
  // The end of the old connection comes late and changes nothing.
  world.step(ConnectionClosed{first});
  EXPECT_EQ(world.call(second, call::Revive{}), 202);
}

TEST(MasterFramework, KeepsUserAndCheckpointAndItsPrincipal) {
  World world;
  FrameworkInfo info = make_framework("f");
  info.principal = "p";
  info.failover_timeout = 60s;
  const ConnectionId first = world.subscribe(info);
  info.id = world.framework_of(first);
  info.user = "other";
  info.checkpoint = true;
  world.subscribe(info);
  EXPECT_EQ(world.machine().view().frameworks[0].info.user, "nobody");
  EXPECT_FALSE(world.machine().view().frameworks[0].info.checkpoint);
  info.principal = "q";
  const ConnectionId third = world.subscribe(info);
  const auto errors = world.take<event::Error>(third);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].message, "Changing framework's principal is not allowed.");
}

TEST(MasterFramework, ComesBackWithinItsFailoverTimeout) {
  World world;
  const ConnectionId link = world.register_agent("a");
  FrameworkInfo info = make_framework("f");
  info.failover_timeout = 60s;
  const ConnectionId first = world.subscribe(info);
  info.id = world.framework_of(first);
  const auto offers = world.offers(first);
  ASSERT_EQ(offers.size(), 1u);
  world.launch(first, offers[0], {make_task("t", world.agent_of(link))});
  world.update(link, info.id, "t", TaskState::kRunning);
  world.step(ConnectionClosed{first});
  world.pass(59s);
  const ConnectionId second = world.subscribe(info);
  // It is told at once what it has not acknowledged.
  const auto updates = world.updates(second);
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].state, TaskState::kRunning);
  world.pass(600s);
  EXPECT_EQ(world.machine().view().frameworks.size(), 1u);
}

TEST(MasterFramework, IsRemovedAfterItsFailoverTimeout) {
  World world;
  const ConnectionId link = world.register_agent("a");
  FrameworkInfo info = make_framework("f");
  info.failover_timeout = 60s;
  const ConnectionId stream = world.subscribe(info);
  info.id = world.framework_of(stream);
  const auto offers = world.offers(stream);
  world.launch(stream, offers.at(0), {make_task("t", world.agent_of(link))});
  world.step(ConnectionClosed{stream});
  world.pass(61s);
  EXPECT_EQ(world.heard<protocol::to_agent::ShutdownFramework>(link).size(), 1u);
  const auto view = world.machine().view();
  EXPECT_TRUE(view.frameworks.empty());
  ASSERT_EQ(view.completed_frameworks.size(), 1u);
  ASSERT_EQ(view.completed_frameworks[0].completed_tasks.size(), 1u);
  EXPECT_EQ(view.completed_frameworks[0].completed_tasks[0]->state, TaskState::kKilled);
  // And may not return.
  const ConnectionId again = world.subscribe(info);
  const auto errors = world.take<event::Error>(again);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].message, "Framework has been removed");
}

TEST(MasterFramework, TeardownFreesItsResourcesAndEndsItsStream) {
  World world;
  const ConnectionId link = world.register_agent("a");
  const ConnectionId stream = world.subscribe(make_framework("f"));
  const auto offers = world.offers(stream);
  world.launch(stream, offers.at(0), {make_task("t", world.agent_of(link), "cpus:4;mem:4096")});
  EXPECT_EQ(world.call(stream, call::Teardown{}), 202);
  EXPECT_EQ(world.closed_streams, std::vector{stream});
  const ConnectionId other = world.subscribe(make_framework("g"));
  const auto more = world.offers(other);
  ASSERT_EQ(more.size(), 1u);
  EXPECT_EQ(more[0].resources.scalar("cpus"), Scalar{4000});
}

TEST(MasterFramework, RemembersOnlySoManyCompletedOnes) {
  Options options;
  options.max_completed_frameworks = 2;
  World world(options);
  for (int i = 0; i < 5; ++i) {
    world.call(world.subscribe(make_framework("f")), call::Teardown{});
  }
  EXPECT_EQ(world.machine().view().completed_frameworks.size(), 2u);
}

TEST(MasterFramework, UpdateMayNotChangeWhoItIs) {
  World world;
  FrameworkInfo info = make_framework("f");
  const ConnectionId stream = world.subscribe(info);
  info.id = world.framework_of(stream);
  FrameworkInfo changed = info;
  changed.name = "g";
  EXPECT_EQ(world.call(stream, call::UpdateFramework{changed, {}}), 200);
  EXPECT_EQ(world.machine().view().frameworks[0].info.name, "g");
  changed.user = "root";
  EXPECT_EQ(world.call(stream, call::UpdateFramework{changed, {}}), 400);
  changed = info;
  changed.checkpoint = true;
  EXPECT_EQ(world.call(stream, call::UpdateFramework{changed, {}}), 400);
  changed = info;
  changed.id = FrameworkId("x");
  EXPECT_EQ(world.call(stream, call::UpdateFramework{changed, {}}), 400);
}

}  // namespace
}  // namespace souk::master
