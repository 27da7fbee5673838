#include "scheduler/machine.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <limits>

#include "base/digest.h"

namespace souk::scheduler {
namespace {

namespace call = protocol::call;
namespace event = protocol::event;

template <class T>
std::vector<T> only(const Effects& effects) {
  std::vector<T> found;
  for (const Effect& effect : effects) {
    if (const T* t = std::get_if<T>(&effect)) found.push_back(*t);
  }
  return found;
}

template <class T>
std::vector<T> sent(const Effects& effects) {
  std::vector<T> found;
  for (const Send& send : only<Send>(effects)) {
    if (const T* t = std::get_if<T>(&send.call.body)) found.push_back(*t);
  }
  return found;
}

template <class T>
std::vector<T> told(const Effects& effects) {
  std::vector<T> found;
  for (const Tell& tell : only<Tell>(effects)) {
    if (const T* t = std::get_if<T>(&tell.event)) found.push_back(*t);
  }
  return found;
}

std::optional<std::string> ended_with(const Effects& effects) {
  const auto ends = only<End>(effects);
  return ends.empty() ? std::nullopt : ends.front().error;
}

Options options(std::vector<std::string> masters = {"a:1", "b:2"}) {
  Options options;
  options.framework.name = "test";
  options.framework.user = "root";
  options.framework.roles = {"r1", "r2"};
  options.masters = std::move(masters);
  return options;
}

TaskSpec task(const std::string& id) {
  TaskSpec spec;
  spec.id = TaskId(id);
  spec.agent_id = AgentId("A");
  return spec;
}

call::Accept launch(const std::vector<std::string>& ids, bool group = false) {
  std::vector<TaskSpec> tasks;
  for (const std::string& id : ids) tasks.push_back(task(id));
  call::Accept accept{{OfferId("o")}, {}, {}};
  if (group) {
    accept.operations.push_back({{}, protocol::LaunchGroup{{}, std::move(tasks)}});
  } else {
    accept.operations.push_back({{}, protocol::Launch{std::move(tasks)}});
  }
  return accept;
}

event::Update update(const std::string& id, TaskState state, std::optional<uint8_t> uuid = {}) {
  TaskStatus status;
  status.task_id = TaskId(id);
  status.agent_id = AgentId("A");
  status.state = state;
  if (uuid) status.uuid = Uuid{{*uuid}};
  return {std::move(status)};
}

// A machine with a clock and a master's side; the invariants are checked after every step.
class Bench {
 public:
  explicit Bench(Options options = scheduler::options(), uint64_t seed = 1)
      : machine_(std::move(options), Rng(seed)) {}

  Effects step(Event event) {
    Effects effects;
    machine_.step(Now{MonoTime(elapsed_), WallTime(elapsed_)}, std::move(event), effects);
    EXPECT_EQ(machine_.broken_invariant(), std::nullopt);
    for (const Effect& effect : effects) {
      if (const auto* arm = std::get_if<ArmTimer>(&effect)) armed_ = arm->at;
      if (const auto* connect = std::get_if<Connect>(&effect)) last_ = *connect;
    }
    return effects;
  }
  // The timer fires whenever it is due on the way.
  Effects wait(Duration d) {
    Effects all;
    const Duration until = elapsed_ + d;
    while (armed_ && armed_->time_since_epoch() <= until) {
      elapsed_ = std::max(elapsed_, armed_->time_since_epoch());
      armed_.reset();
      for (Effect& effect : step(TimerFired{})) all.push_back(std::move(effect));
    }
    elapsed_ = until;
    return all;
  }

  Effects open() { return step(StreamOpened{attempt(), "stream-" + std::to_string(attempt())}); }
  Effects say(protocol::SchedulerEvent event) {
    return step(StreamSaid{attempt(), std::move(event)});
  }
  Effects ask(protocol::SchedulerCallBody body) { return step(Asked{std::move(body)}); }
  Effects lose() { return step(StreamEnded{attempt(), "reset"}); }
  Effects refuse(int status, std::string location = "") {
    return step(StreamRefused{attempt(), status, std::move(location), "no"});
  }
  // Whatever it takes to be subscribed.
  Effects subscribe(Duration heartbeat = 5s) {
    if (!last_) step(Started{});
    if (armed_ && !machine_.subscribed() && waits_) wait(10s);
    open();
    waits_ = true;
    return say(event::Subscribed{FrameworkId("F"), heartbeat, {}});
  }

  Attempt attempt() const { return last_ ? last_->attempt : 0; }
  const Connect& last() const { return *last_; }
  const call::Subscribe& subscribe_call() const {
    return std::get<call::Subscribe>(last_->call.body);
  }
  std::optional<Duration> delay() const {
    if (!armed_) return std::nullopt;
    return armed_->time_since_epoch() - elapsed_;
  }
  Machine& machine() { return machine_; }

 private:
  Machine machine_;
  Duration elapsed_{1h};
  std::optional<MonoTime> armed_;
  std::optional<Connect> last_;
  bool waits_ = false;  // a later subscription begins with a back-off
};

// --- getting in

TEST(Scheduler, Subscribes) {
  Bench bench;
  const auto connects = only<Connect>(bench.step(Started{}));
  ASSERT_EQ(connects.size(), 1u);
  EXPECT_EQ(connects[0].master, "a:1");
  EXPECT_TRUE(connects[0].call.framework.empty());
  EXPECT_EQ(bench.subscribe_call().framework->name, "test");
  EXPECT_EQ(bench.delay(), 15s);
  EXPECT_FALSE(bench.machine().subscribed());
  EXPECT_TRUE(bench.open().empty());
  const Effects effects = bench.say(event::Subscribed{FrameworkId("F"), 5s, {}});
  ASSERT_EQ(told<event::Subscribed>(effects).size(), 1u);
  EXPECT_TRUE(only<Send>(effects).empty());  // nothing to reconcile
  EXPECT_TRUE(bench.machine().subscribed());
  EXPECT_EQ(bench.machine().framework_id(), FrameworkId("F"));
  EXPECT_EQ(bench.delay(), 20s);
}

TEST(Scheduler, NeedsAMaster) {
  Bench bench(options({}));
  EXPECT_EQ(ended_with(bench.step(Started{})), "no master was given");
  EXPECT_TRUE(bench.step(Started{}).empty());
}

TEST(Scheduler, BeginsOnce) {
  Bench bench;
  bench.step(Started{});
  EXPECT_TRUE(bench.step(Started{}).empty());
}

TEST(Scheduler, TakesOverByItsId) {
  Options with_id = options();
  with_id.framework.id = FrameworkId("old");
  Bench bench(with_id);
  bench.step(Started{});
  EXPECT_EQ(bench.last().call.framework, FrameworkId("old"));
  EXPECT_EQ(bench.subscribe_call().framework->id, FrameworkId("old"));
}

TEST(Scheduler, FollowsARedirectAtOnce) {
  Bench bench;
  bench.step(Started{});
  const Effects effects = bench.refuse(307, "leader:5050");
  EXPECT_EQ(only<Connect>(effects).size(), 1u);
  EXPECT_EQ(bench.last().master, "leader:5050");
  EXPECT_TRUE(only<TellDisconnected>(effects).empty());
}

TEST(Scheduler, MastersThatPointAtEachOtherAreAskedSlowly) {
  Bench bench;
  bench.step(Started{});
  bench.refuse(307, "b:2");
  EXPECT_TRUE(only<Connect>(bench.refuse(307, "a:1")).empty());
  EXPECT_EQ(only<Connect>(bench.wait(50ms)).size(), 1u);
  EXPECT_EQ(bench.last().master, "a:1");
  EXPECT_TRUE(only<Connect>(bench.refuse(307, "b:2")).empty());
}

TEST(Scheduler, ARedirectToItselfOrToNowhereIsAFailure) {
  for (const char* where : {"a:1", ""}) {
    Bench bench;
    bench.step(Started{});
    EXPECT_TRUE(only<Connect>(bench.refuse(307, where)).empty());
    bench.wait(50ms);
    EXPECT_EQ(bench.last().master, "b:2");
  }
}

TEST(Scheduler, SomeRefusalsAreFinal) {
  for (const int status : {400, 401, 403, 406, 415}) {
    Bench bench;
    bench.step(Started{});
    const Effects effects = bench.refuse(status);
    EXPECT_EQ(ended_with(effects),
              fmt::format("master a:1 refused the subscription ({}): no", status));
    EXPECT_EQ(bench.delay(), std::nullopt);
    EXPECT_TRUE(bench.step(StopAsked{}).empty());
  }
}

TEST(Scheduler, OtherRefusalsMeanTheNextMaster) {
  for (const int status : {404, 408, 500, 503}) {
    Bench bench;
    bench.step(Started{});
    EXPECT_TRUE(only<End>(bench.refuse(status)).empty());
    EXPECT_EQ(only<Connect>(bench.wait(50ms)).size(), 1u) << status;
    EXPECT_EQ(bench.last().master, "b:2");
  }
}

TEST(Scheduler, BacksOffWithJitter) {
  bool differ = false;
  for (uint64_t seed = 1; seed < 40; ++seed) {
    Bench bench(options(), seed);
    bench.step(Started{});
    Duration full = 50ms;
    for (int i = 0; i < 12; ++i) {
      bench.refuse(503);
      const Duration delay = bench.delay().value();
      EXPECT_GT(delay, full / 2);
      EXPECT_LE(delay, full);
      differ = differ || delay != full;
      bench.wait(delay);
      full = std::min<Duration>(full * 2, 5s);
    }
  }
  EXPECT_TRUE(differ);
}

TEST(Scheduler, TellsOnceThatItCannotConnect) {
  Bench bench;
  bench.step(Started{});
  EXPECT_EQ(only<TellDisconnected>(bench.refuse(503)).size(), 1u);
  bench.wait(50ms);
  EXPECT_TRUE(only<TellDisconnected>(bench.refuse(503)).empty());
  bench.wait(100ms);
  bench.open();
  EXPECT_TRUE(only<TellDisconnected>(bench.lose()).empty());
  bench.wait(200ms);
  bench.open();
  bench.say(event::Subscribed{FrameworkId("F"), 5s, {}});
  EXPECT_EQ(only<TellDisconnected>(bench.lose()).size(), 1u);
}

TEST(Scheduler, TheBackOffBeginsAnewOnceSubscribed) {
  Bench bench;
  bench.step(Started{});
  for (int i = 0; i < 8; ++i) {
    bench.refuse(503);
    bench.wait(5s);
  }
  bench.subscribe();
  bench.lose();
  EXPECT_LE(bench.delay(), 50ms);
}

TEST(Scheduler, AMasterThatSaysNothingIsLeft) {
  Bench bench;
  bench.step(Started{});
  bench.open();
  EXPECT_TRUE(only<Disconnect>(bench.wait(15s - 1ns)).empty());
  EXPECT_EQ(only<Disconnect>(bench.wait(1ns)).size(), 1u);
  bench.wait(50ms);
  EXPECT_EQ(bench.last().master, "b:2");
}

TEST(Scheduler, NothingCountsBeforeSubscribed) {
  Bench bench;
  bench.step(Started{});
  EXPECT_TRUE(bench.say(event::Subscribed{FrameworkId("F"), 5s, {}}).empty());  // no stream yet
  bench.open();
  EXPECT_TRUE(bench.say(event::Offers{}).empty());
  EXPECT_TRUE(bench.say(update("t", TaskState::kRunning, 1)).empty());
  EXPECT_TRUE(bench.say(event::Heartbeat{}).empty());
  EXPECT_EQ(bench.machine().open_tasks(), 0u);
}

TEST(Scheduler, InverseOffersAreTold) {
  Bench bench;
  bench.subscribe(5s);
  const auto told = only<Tell>(bench.say(event::InverseOffers{{{.id = OfferId("o")}}}));
  ASSERT_EQ(told.size(), 1u);
  const auto* offers = std::get_if<event::InverseOffers>(&told[0].event);
  ASSERT_NE(offers, nullptr);
  EXPECT_EQ(offers->offers.at(0).id, OfferId("o"));
  const auto ended = only<Tell>(bench.say(event::RescindInverseOffer{OfferId("o")}));
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<event::RescindInverseOffer>(ended[0].event));
}

// --- staying in

TEST(Scheduler, HeartbeatsKeepItAndSilenceEndsIt) {
  Bench bench;
  bench.subscribe(5s);
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(only<Disconnect>(bench.wait(19s)).empty());
    EXPECT_TRUE(only<Tell>(bench.say(event::Heartbeat{})).empty());
  }
  bench.wait(19s);
  bench.say(event::Offers{});  // counts as well
  EXPECT_TRUE(only<Disconnect>(bench.wait(20s - 1ns)).empty());
  const Effects effects = bench.wait(1ns);
  ASSERT_EQ(only<TellDisconnected>(effects).size(), 1u);
  EXPECT_EQ(only<TellDisconnected>(effects)[0].why, "no heartbeat from the master");
  EXPECT_EQ(only<Disconnect>(effects).size(), 1u);
  EXPECT_FALSE(bench.machine().subscribed());
}

TEST(Scheduler, AbsurdHeartbeatIntervalsAreBounded) {
  const auto patience = [](Duration interval) {
    Bench bench;
    bench.subscribe(interval);
    return bench.delay();
  };
  EXPECT_EQ(patience(Duration::max()), 4 * kMaxHeartbeatInterval);
  EXPECT_EQ(patience(Duration::min()), 4s);
  EXPECT_EQ(patience(0s), 4s);
}

TEST(Scheduler, WhatComesOfEarlierAttemptsIsIgnored) {
  Bench bench;
  bench.subscribe();
  const Attempt old = bench.attempt();
  bench.lose();
  bench.wait(50ms);
  const Attempt next = bench.attempt();
  ASSERT_NE(old, next);
  EXPECT_TRUE(bench.step(StreamOpened{old, "late"}).empty());
  EXPECT_TRUE(bench.step(StreamSaid{old, event::Error{"late"}}).empty());
  EXPECT_TRUE(bench.step(StreamRefused{old, 403, "", "late"}).empty());
  EXPECT_TRUE(bench.step(StreamEnded{old, "late"}).empty());
  EXPECT_TRUE(bench.step(CallAnswered{old, false, 403, "late"}).empty());
  bench.open();
  bench.say(event::Subscribed{FrameworkId("F"), 5s, {}});
  EXPECT_TRUE(bench.step(CallAnswered{old, false, 503, "late"}).empty());
  EXPECT_TRUE(bench.step(StreamEnded{old, "late"}).empty());
  EXPECT_TRUE(bench.machine().subscribed());
  EXPECT_EQ(only<Send>(bench.ask(call::Request{})).at(0).stream_id,
            "stream-" + std::to_string(next));
}

TEST(Scheduler, CallsCarryTheStream) {
  Bench bench;
  bench.subscribe();
  const auto sends = only<Send>(bench.ask(call::Revive{}));
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_EQ(sends[0].master, "a:1");
  EXPECT_EQ(sends[0].stream_id, "stream-1");
  EXPECT_EQ(sends[0].call.framework, FrameworkId("F"));
}

TEST(Scheduler, ACallThatFoundNoStreamMeansToComeBack) {
  for (const int status : {0, 307, 403, 503}) {
    Bench bench;
    bench.subscribe();
    const Effects effects = bench.step(CallAnswered{bench.attempt(), false, status, "gone"});
    EXPECT_EQ(only<TellDisconnected>(effects).size(), 1u) << status;
    // Those that were under way besides are of the attempt that is over.
    EXPECT_TRUE(bench.step(CallAnswered{bench.attempt(), false, status, "gone"}).empty());
  }
}

TEST(Scheduler, ABadCallIsTold) {
  Bench bench;
  bench.subscribe();
  EXPECT_TRUE(bench.step(CallAnswered{bench.attempt(), false, 202, ""}).empty());
  const auto errors =
      told<event::Error>(bench.step(CallAnswered{bench.attempt(), false, 400, "what?"}));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].message, "the master refused a call (400): what?");
  EXPECT_TRUE(bench.machine().subscribed());
}

TEST(Scheduler, AnErrorEndsIt) {
  Bench bench;
  bench.subscribe();
  const Effects effects = bench.say(event::Error{"Framework has been removed"});
  EXPECT_EQ(told<event::Error>(effects).size(), 1u);
  EXPECT_EQ(only<Disconnect>(effects).size(), 1u);
  EXPECT_EQ(ended_with(effects), "Framework has been removed");
  EXPECT_EQ(bench.delay(), std::nullopt);
  EXPECT_TRUE(bench.wait(1h).empty());
}

TEST(Scheduler, AnErrorBeforeSubscribedEndsItToo) {
  Bench bench;
  bench.step(Started{});
  bench.open();
  EXPECT_EQ(ended_with(bench.say(event::Error{"no such role"})), "no such role");
}

// --- tasks

TEST(Scheduler, AcknowledgesOnceItWasTold) {
  Bench bench;
  bench.subscribe();
  const Effects effects = bench.say(update("t", TaskState::kRunning, 7));
  ASSERT_EQ(effects.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<Tell>(effects[0]));
  const auto acks = sent<call::Acknowledge>(effects);
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0].task, TaskId("t"));
  EXPECT_EQ(acks[0].agent, AgentId("A"));
  EXPECT_EQ(acks[0].uuid, (Uuid{{7}}));
  // What the master says by itself has no uuid.
  EXPECT_TRUE(only<Send>(bench.say(update("t", TaskState::kRunning))).empty());
}

TEST(Scheduler, LeavesAcknowledgingToTheFrameworkIfItWants) {
  Options explicit_acks = options();
  explicit_acks.acknowledge = false;
  Bench bench(explicit_acks);
  bench.subscribe();
  EXPECT_TRUE(only<Send>(bench.say(update("t", TaskState::kRunning, 7))).empty());
  EXPECT_EQ(
      sent<call::Acknowledge>(bench.ask(call::Acknowledge{AgentId("A"), TaskId("t"), Uuid{{7}}}))
          .size(),
      1u);
}

TEST(Scheduler, ReconcilesWhatItLeftOpen) {
  Bench bench;
  bench.subscribe();
  bench.ask(launch({"t1", "t2", "t3"}));
  bench.ask(launch({"g1"}, true));
  bench.say(update("t1", TaskState::kRunning, 1));
  bench.say(update("t2", TaskState::kFinished, 2));
  bench.say(update("t3", TaskState::kUnreachable));  // nobody knows: still open
  bench.say(update("earlier", TaskState::kRunning, 3));
  EXPECT_EQ(bench.machine().open_tasks(), 4u);
  bench.lose();
  const auto asked = sent<call::Reconcile>(bench.subscribe());
  ASSERT_EQ(asked.size(), 1u);
  std::vector<std::string> names;
  for (const auto& one : asked[0].tasks) {
    names.push_back(one.id.value);
    EXPECT_EQ(one.agent, AgentId("A"));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"earlier", "g1", "t1", "t3"}));
  for (const char* id : {"t1", "t3", "g1", "earlier"}) bench.say(update(id, TaskState::kLost));
  EXPECT_EQ(bench.machine().open_tasks(), 0u);
  bench.lose();
  EXPECT_TRUE(only<Send>(bench.subscribe()).empty());
}

TEST(Scheduler, RepeatsKillsAfterItCameBack) {
  Bench bench;
  bench.subscribe();
  bench.ask(launch({"t1", "t2", "t3"}));
  EXPECT_EQ(sent<call::Kill>(bench.ask(call::Kill{TaskId("t1"), AgentId("A"), 3s})).size(), 1u);
  bench.lose();
  EXPECT_TRUE(bench.ask(call::Kill{TaskId("t2"), AgentId(), std::nullopt}).empty());
  EXPECT_TRUE(bench.ask(call::Kill{TaskId("stranger"), AgentId(), std::nullopt}).empty());
  const Effects effects = bench.subscribe();
  EXPECT_EQ(sent<call::Reconcile>(effects).size(), 1u);
  const auto kills = sent<call::Kill>(effects);
  ASSERT_EQ(kills.size(), 2u);
  EXPECT_EQ(kills[0].task, TaskId("t1"));
  EXPECT_EQ(kills[0].grace, 3s);
  EXPECT_EQ(kills[1].task, TaskId("t2"));
  EXPECT_EQ(kills[1].agent, AgentId("A"));
  bench.say(update("t1", TaskState::kKilled, 1));
  bench.say(update("t2", TaskState::kKilled, 2));
  bench.lose();
  EXPECT_TRUE(sent<call::Kill>(bench.subscribe()).empty());
}

TEST(Scheduler, LaunchesWhileAwayComeBackAsDropped) {
  Options aware = options();
  aware.framework.capabilities.add(Capability::kPartitionAware);
  for (const auto& [given, state] :
       {std::pair(aware, TaskState::kDropped), std::pair(options(), TaskState::kLost)}) {
    Bench bench(given);
    bench.subscribe();
    bench.lose();
    for (const bool group : {false, true}) {
      const Effects effects = bench.ask(launch({"t1", "t2"}, group));
      EXPECT_TRUE(only<Send>(effects).empty());
      const auto updates = told<event::Update>(effects);
      ASSERT_EQ(updates.size(), 2u);
      EXPECT_EQ(updates[1].status->task_id, TaskId("t2"));
      EXPECT_EQ(updates[1].status->state, state);
      EXPECT_EQ(updates[1].status->reason, Reason::kMasterDisconnected);
      EXPECT_EQ(updates[1].status->source, StatusSource::kMaster);
      EXPECT_EQ(updates[1].status->agent_id, AgentId("A"));
      EXPECT_FALSE(updates[1].status->uuid);
    }
    EXPECT_EQ(bench.machine().open_tasks(), 0u);
  }
}

TEST(Scheduler, OtherCallsWhileAwayAreVoid) {
  Bench bench;
  bench.subscribe();
  bench.lose();
  EXPECT_TRUE(bench.ask(call::Decline{{OfferId("o")}, {}}).empty());
  EXPECT_TRUE(bench.ask(call::Reconcile{}).empty());
  EXPECT_TRUE(bench.ask(call::Message{}).empty());
  EXPECT_TRUE(only<Send>(bench.subscribe()).empty());
}

// --- roles

TEST(Scheduler, RemembersSuppressedRoles) {
  Options given = options();
  given.suppressed_roles = {"r2"};
  Bench bench(given);
  bench.step(Started{});
  EXPECT_EQ(bench.subscribe_call().suppressed_roles, std::vector<std::string>{"r2"});
  const auto after = [&](protocol::SchedulerCallBody body, bool away) {
    bench.subscribe();
    if (away) bench.lose();
    bench.ask(std::move(body));
    if (!away) bench.lose();
    bench.wait(10s);
    return bench.subscribe_call().suppressed_roles;
  };
  using Roles = std::vector<std::string>;
  for (const bool away : {false, true}) {
    EXPECT_EQ(after(call::Suppress{{"r1"}}, away), (Roles{"r1", "r2"}));
    EXPECT_EQ(after(call::Revive{{"r2"}}, away), Roles{"r1"});
    EXPECT_EQ(after(call::Revive{}, away), Roles{});
    EXPECT_EQ(after(call::Suppress{}, away), (Roles{"r1", "r2"}));
    EXPECT_EQ(after(call::Revive{{"r1"}}, away), Roles{"r2"});
  }
}

// It was lost once: the master answered to a SUBSCRIBE that was out of date by then.
TEST(Scheduler, SaysWhatChangedWhileItSubscribed) {
  Options given = options();
  given.suppressed_roles = {"r2"};
  Bench bench(given);
  bench.step(Started{});
  bench.open();
  bench.ask(call::Revive{{"r2"}});
  bench.ask(call::Suppress{{"r1"}});
  const Effects effects = bench.say(event::Subscribed{FrameworkId("F"), 5s, {}});
  ASSERT_EQ(sent<call::Revive>(effects).size(), 1u);
  EXPECT_EQ(sent<call::Revive>(effects)[0].roles, std::vector<std::string>{"r2"});
  ASSERT_EQ(sent<call::Suppress>(effects).size(), 1u);
  EXPECT_EQ(sent<call::Suppress>(effects)[0].roles, std::vector<std::string>{"r1"});
  EXPECT_EQ(told<event::Subscribed>(effects).size(), 1u);
}

TEST(Scheduler, SaysHowTheFrameworkChangedWhileItSubscribed) {
  Bench bench;
  bench.step(Started{});
  bench.open();
  call::UpdateFramework change{options().framework, {"r1"}};
  change.framework.own().webui_url = "http://here";
  bench.ask(change);
  const auto updates =
      sent<call::UpdateFramework>(bench.say(event::Subscribed{FrameworkId("F"), 5s, {}}));
  ASSERT_EQ(updates.size(), 1u);
  EXPECT_EQ(updates[0].framework->webui_url, "http://here");
  EXPECT_EQ(updates[0].framework->id, FrameworkId("F"));
  EXPECT_EQ(updates[0].suppressed_roles, std::vector<std::string>{"r1"});
}

TEST(Scheduler, RemembersOfferConstraints) {
  const OfferConstraints one{{{{.attribute = "rack"}}}};
  const OfferConstraints other{{{{.attribute = "ssd"}}}};
  Options given = options();
  given.offer_constraints = {{"r1", one}};
  Bench bench(given);
  bench.subscribe();
  EXPECT_EQ(bench.subscribe_call().offer_constraints, given.offer_constraints);
  call::UpdateFramework change;
  change.framework.own().roles = {"r2"};
  change.offer_constraints = {{"r2", other}};
  bench.ask(change);
  bench.lose();
  bench.wait(10s);
  EXPECT_EQ(bench.subscribe_call().offer_constraints, change.offer_constraints);
}

TEST(Scheduler, AnUpdateOfTheFrameworkKeepsItsId) {
  Bench bench;
  bench.subscribe();
  call::UpdateFramework change;
  change.framework.own().name = "renamed";
  change.framework.own().roles = {"r9"};
  change.suppressed_roles = {"r9"};
  const auto sends = only<Send>(bench.ask(change));
  ASSERT_EQ(sends.size(), 1u);
  EXPECT_EQ(sends[0].call.framework, FrameworkId("F"));
  bench.lose();
  bench.wait(50ms);
  EXPECT_EQ(bench.last().call.framework, FrameworkId("F"));
  EXPECT_EQ(bench.subscribe_call().framework->name, "renamed");
  EXPECT_EQ(bench.subscribe_call().framework->id, FrameworkId("F"));
  EXPECT_EQ(bench.subscribe_call().suppressed_roles, std::vector<std::string>{"r9"});
}

// --- the end

TEST(Scheduler, TearsDownAndWaitsForTheAnswer) {
  Bench bench;
  bench.subscribe();
  const Effects effects = bench.step(StopAsked{});
  EXPECT_EQ(sent<call::Teardown>(effects).size(), 1u);
  EXPECT_TRUE(only<End>(effects).empty());
  EXPECT_TRUE(bench.ask(call::Revive{}).empty());
  EXPECT_TRUE(bench.say(update("t", TaskState::kKilled, 1)).empty());
  EXPECT_TRUE(bench.step(StopAsked{}).empty());
  // Of another call.
  EXPECT_TRUE(bench.step(CallAnswered{bench.attempt(), false, 403, ""}).empty());
  const Effects end = bench.step(CallAnswered{bench.attempt(), true, 202, ""});
  ASSERT_EQ(only<End>(end).size(), 1u);
  EXPECT_EQ(ended_with(end), std::nullopt);
}

TEST(Scheduler, ATeardownHasATimeout) {
  Bench bench;
  bench.subscribe();
  bench.step(StopAsked{});
  EXPECT_TRUE(bench.wait(3s - 1ns).empty());
  EXPECT_EQ(only<End>(bench.wait(1ns)).size(), 1u);
}

TEST(Scheduler, ATeardownIsOverWhenTheStreamIs) {
  Bench bench;
  bench.subscribe();
  bench.step(StopAsked{});
  const Effects effects = bench.lose();
  ASSERT_EQ(only<End>(effects).size(), 1u);
  EXPECT_EQ(ended_with(effects), std::nullopt);
  EXPECT_TRUE(only<Connect>(effects).empty());
}

TEST(Scheduler, StopsAtOnceIfThereIsNothingToSay) {
  Bench idle;
  EXPECT_EQ(only<End>(idle.step(StopAsked{})).size(), 1u);
  EXPECT_TRUE(idle.step(Started{}).empty());
  Bench away;
  away.step(Started{});
  away.refuse(503);
  EXPECT_EQ(only<End>(away.step(StopAsked{})).size(), 1u);
  EXPECT_TRUE(away.wait(1h).empty());
  Bench leaving;
  leaving.subscribe();
  const Effects effects = leaving.step(StopAsked{.teardown = false});
  EXPECT_TRUE(only<Send>(effects).empty());
  EXPECT_EQ(only<Disconnect>(effects).size(), 1u);
  EXPECT_EQ(only<End>(effects).size(), 1u);
}

// --- whatever happens, in whatever order

// Checks what the world may rely on, from the effects alone.
class Witness {
 public:
  void see(const Effects& effects) {
    for (const Effect& effect : effects) {
      RC_ASSERT(!ended_);
      digest_.add(effect.index());
      std::visit([this](const auto& e) { on(e); }, effect);
    }
  }
  bool ended() const { return ended_; }
  uint64_t digest() const { return digest_.value(); }

 private:
  void on(const Connect& connect) {
    RC_ASSERT(connect.attempt > attempt_);
    RC_ASSERT(!connect.master.empty());
    attempt_ = connect.attempt;
    digest_.add(connect.master).add(connect.attempt);
  }
  void on(const Disconnect&) {}
  void on(const Send& send) {
    RC_ASSERT(subscribed_);
    RC_ASSERT(send.attempt == attempt_);
    RC_ASSERT(!send.call.framework.empty());
    digest_.add(send.call.body.index());
  }
  void on(const Tell& tell) {
    if (std::holds_alternative<event::Subscribed>(tell.event)) {
      subscribed_ = true;
      told_away_ = false;
    }
    if (std::holds_alternative<event::Offers>(tell.event)) RC_ASSERT(subscribed_);
    digest_.add(tell.event.index());
  }
  void on(const TellDisconnected& tell) {
    RC_ASSERT(!told_away_);  // once, until it is subscribed again
    told_away_ = true;
    subscribed_ = false;
    digest_.add(tell.why);
  }
  void on(const ArmTimer& arm) { digest_.add(arm.at ? arm.at->time_since_epoch().count() : -1); }
  void on(const End&) { ended_ = true; }

  Attempt attempt_ = 0;
  bool subscribed_ = false;
  bool told_away_ = false;
  bool ended_ = false;
  Digest digest_;
};

protocol::SchedulerEvent random_saying(Rng& rng) {
  const auto id = "t" + std::to_string(rng.below(6));
  const auto state = static_cast<TaskState>(rng.below(14));
  switch (rng.below(8)) {
    case 0:
    case 1:
      return event::Subscribed{FrameworkId("F"), Duration(rng.next() >> rng.below(64)), {}};
    case 2:
      return event::Offers{};
    case 3:
      if (rng.below(3) == 0) return event::RescindInverseOffer{OfferId("o")};
      return event::Heartbeat{};
    case 4:
      if (rng.below(30) == 0) return event::Error{"enough"};
      if (rng.below(3) == 0) return event::InverseOffers{};
      return event::Rescind{OfferId("o")};
    default:
      return update(id, state, rng.below(2) == 0 ? std::optional<uint8_t>(3) : std::nullopt);
  }
}

protocol::SchedulerCallBody random_call(Rng& rng) {
  const auto id = "t" + std::to_string(rng.below(6));
  switch (rng.below(7)) {
    case 0:
    case 1:
      return launch({id, "u"}, rng.below(2) == 0);
    case 2:
      return call::Kill{TaskId(id), AgentId(), std::nullopt};
    case 3:
      return call::Suppress{};
    case 4:
      return call::Revive{{"r1"}};
    case 5:
      return call::UpdateFramework{};
    default:
      return call::Decline{};
  }
}

Event random_event(Rng& rng, Attempt latest) {
  const Attempt attempt = rng.below(8) == 0 ? rng.below(latest + 3) : latest;
  static constexpr int kStatuses[] = {0, 202, 307, 307, 403, 404, 500, 503};
  const int status = kStatuses[rng.below(std::size(kStatuses))];
  switch (rng.below(16)) {
    case 0:
      return Started{};
    case 1:
    case 2:
      return StreamOpened{attempt, "s"};
    case 3:
      // Final refusals are the tests' above.
      return StreamRefused{attempt, status == 403 ? 503 : status, "c:3", ""};
    case 4:
      return StreamEnded{attempt, "end"};
    case 5:
    case 6:
    case 7:
      return Asked{random_call(rng)};
    case 8:
      return CallAnswered{attempt, rng.below(2) == 0, status, ""};
    case 9:
      if (rng.below(20) == 0) return StopAsked{rng.below(2) == 0};
      return TimerFired{};
    default:
      return StreamSaid{attempt, random_saying(rng)};
  }
}

uint64_t random_life(uint64_t seed, int events) {
  Rng rng(seed);
  Bench bench(options(), seed);
  Witness witness;
  witness.see(bench.step(Started{}));
  for (int i = 0; i < events && !witness.ended(); ++i) {
    witness.see(bench.step(random_event(rng, bench.attempt())));
    if (rng.below(4) == 0) witness.see(bench.wait(Duration(1ms) * (1 << rng.below(16))));
  }
  if (witness.ended()) return witness.digest();
  // A sound master at last: whatever came before, it gets in, and gets out.
  for (int i = 0; i < 10 && !bench.machine().subscribed(); ++i) {
    witness.see(bench.open());
    witness.see(bench.say(event::Subscribed{FrameworkId("F"), 5s, {}}));
    if (witness.ended()) return witness.digest();
    if (!bench.machine().subscribed()) witness.see(bench.wait(5s));
  }
  witness.see(bench.step(StopAsked{}));
  witness.see(bench.wait(3s));
  RC_ASSERT(witness.ended());
  return witness.digest();
}

RC_GTEST_PROP(Scheduler, HoldsWhateverHappens, (uint64_t seed)) {
  const int events = *rc::gen::inRange(0, 200);
  RC_ASSERT(random_life(seed, events) == random_life(seed, events));
}

}  // namespace
}  // namespace souk::scheduler
