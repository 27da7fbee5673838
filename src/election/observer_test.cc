#include "election/observer.h"

#include <gtest/gtest.h>

#include "election/test_support.h"

namespace souk::election {
namespace {

Bench<Observer> observer(uint64_t seed = 1) { return Bench(Observer(Options{}, Rng(seed))); }

Bench<Observer> watching() {
  Bench<Observer> bench = observer();
  bench.step(Started{});
  bench.open();
  return bench;
}

Bench<Observer> following(const std::string& name = node(3)) {
  Bench<Observer> bench = watching();
  bench.list({name});
  bench.read("M");
  return bench;
}

TEST(Observer, FindsTheLeader) {
  Bench<Observer> bench = observer();
  EXPECT_EQ(only<OpenSession>(bench.step(Started{})).size(), 1u);
  EXPECT_TRUE(bench.step(Started{}).empty());
  Effects effects = bench.open();
  EXPECT_EQ(only<ListChildren>(effects).size(), 1u);
  EXPECT_FALSE(has<CreateNode>(effects));
  effects = bench.list({node(12), "log_replicas", node(7), "info_0000000001", node(9)});
  ASSERT_EQ(only<ReadNode>(effects).size(), 1u);
  EXPECT_EQ(only<ReadNode>(effects)[0].name, node(7));
  EXPECT_EQ(bench.machine().leader(), std::nullopt);
  effects = bench.read("M7");
  ASSERT_EQ(only<LeaderChanged>(effects).size(), 1u);
  EXPECT_EQ(only<LeaderChanged>(effects)[0].leader, (Leader{node(7), "M7"}));
  EXPECT_EQ(bench.machine().leader(), (Leader{node(7), "M7"}));
  EXPECT_EQ(bench.delay(), std::nullopt);  // nothing ticks
}

TEST(Observer, CandidatesAreNamedByAPrefixAndTenDigits) {
  EXPECT_TRUE(is_candidate("json.info_0000000000"));
  EXPECT_TRUE(is_candidate("json.info_2147483647"));
  for (const char* other :
       {"", "json.info_", "json.info_1", "json.info_00000000001", "json.info_-214748364",
        "json.info_00000000x1", "info_0000000001", "log_replicas", "xjson.info_0000000001",
        "JSON.INFO_0000000001", "json.info_0000000001 "}) {
    EXPECT_FALSE(is_candidate(other)) << other;
  }
}

TEST(Observer, NobodyLeadsWhereThereIsNoCandidate) {
  Bench<Observer> bench = watching();
  EXPECT_FALSE(has<LeaderChanged>(bench.list({"log_replicas"})));  // as it was
  bench.step(ChildrenChanged{});
  bench.list({node(1)});
  EXPECT_TRUE(has<LeaderChanged>(bench.read("M")));
  bench.step(ChildrenChanged{});
  const auto changes = only<LeaderChanged>(bench.list({}));
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].leader, std::nullopt);
}

TEST(Observer, ToldOnceOfALeaderThatStays) {
  Bench<Observer> bench = following();
  bench.step(ChildrenChanged{});
  EXPECT_TRUE(has<ReadNode>(bench.list({node(3), node(4)})));
  EXPECT_FALSE(has<LeaderChanged>(bench.read("M")));
}

TEST(Observer, SeesANewNodeOfTheSameName) {
  Bench<Observer> bench = following(node(0));
  bench.step(ChildrenChanged{});  // the folder was removed and made anew
  bench.list({node(0)});
  EXPECT_EQ(only<LeaderChanged>(bench.read("N")).size(), 1u);
  EXPECT_EQ(bench.machine().leader(), (Leader{node(0), "N"}));
}

TEST(Observer, ChangesWhileItLooksMakeItLookOnceMore) {
  Bench<Observer> bench = watching();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(has<ListChildren>(bench.step(ChildrenChanged{})));
  EXPECT_FALSE(has<ListChildren>(bench.list({node(1)})));
  EXPECT_FALSE(has<ListChildren>(bench.step(ChildrenChanged{})));
  const Effects effects = bench.read("M");
  EXPECT_TRUE(has<LeaderChanged>(effects));
  EXPECT_EQ(only<ListChildren>(effects).size(), 1u);
  bench.list({node(1)});
  EXPECT_FALSE(has<ListChildren>(bench.read("M")));
}

TEST(Observer, AnswersToEarlierRequestsComeTooLate) {
  Bench<Observer> bench = watching();
  const Request first = bench.request;
  bench.step(ListFailed{first, "busy"});
  bench.wait(1s);
  ASSERT_NE(bench.request, first);
  EXPECT_TRUE(bench.step(ChildrenListed{first, {node(1)}}).empty());
  EXPECT_TRUE(bench.step(ListFailed{first, "busy"}).empty());
  EXPECT_TRUE(bench.step(NodeRead{0, "M"}).empty());
  EXPECT_TRUE(bench.step(ChildrenListed{0, {node(1)}}).empty());
  EXPECT_TRUE(has<ReadNode>(bench.list({node(2)})));
}

TEST(Observer, TriesAgainWithAGrowingBackOff) {
  Bench<Observer> bench = watching();
  Duration longest{0};
  for (int i = 0; i < 12; ++i) {
    EXPECT_FALSE(has<ListChildren>(bench.step(ListFailed{bench.request, "busy"})));
    ASSERT_TRUE(bench.delay());
    const Duration delay = *bench.delay();
    const Duration full = std::min<Duration>(100ms * (1 << i), 5s);
    EXPECT_LE(delay, full);
    EXPECT_GE(delay, full / 2);
    longest = std::max(longest, delay);
    EXPECT_TRUE(has<ListChildren>(bench.wait(delay)));
  }
  EXPECT_GT(longest, 2s);
  bench.list({});  // which it is over with
  bench.step(ChildrenChanged{});
  bench.step(ListFailed{bench.request, "busy"});
  EXPECT_LE(bench.delay(), 100ms);
}

TEST(Observer, JitterDependsOnTheSeed) {
  const auto delay = [](uint64_t seed) {
    Bench<Observer> bench = observer(seed);
    bench.step(Started{});
    bench.expire();
    return bench.delay();
  };
  EXPECT_EQ(delay(1), delay(1));
  EXPECT_NE(delay(1), delay(2));
}

TEST(Observer, AChangeDoesNotWaitForTheBackOff) {
  Bench<Observer> bench = watching();
  bench.step(ListFailed{bench.request, "busy"});
  EXPECT_TRUE(has<ListChildren>(bench.step(ChildrenChanged{})));
}

TEST(Observer, ANodeThatIsGoneIsLookedForAgain) {
  Bench<Observer> bench = watching();
  bench.list({node(1), node(2)});
  EXPECT_FALSE(has<LeaderChanged>(bench.read(std::nullopt)));
  EXPECT_TRUE(has<ListChildren>(bench.wait(100ms)));
  // And at once if the change was told before.
  bench.list({node(1), node(2)});
  bench.step(ChildrenChanged{});
  EXPECT_TRUE(has<ListChildren>(bench.read(std::nullopt)));
}

TEST(Observer, WhatIsNeverAnsweredIsAskedAgain) {
  Bench<Observer> bench = watching();
  EXPECT_FALSE(has<ListChildren>(bench.wait(9s - 1ns)));
  EXPECT_TRUE(has<ListChildren>(bench.wait(101ms)));
  bench.list({node(1)});
  EXPECT_TRUE(has<ListChildren>(bench.wait(10s)));
}

TEST(Observer, TooManyChildrenAreNotLookedAt) {
  Bench<Observer> bench = following();
  bench.step(ChildrenChanged{});
  std::vector<std::string> names(kMaxChildren + 1, "other");
  EXPECT_TRUE(has<Log>(bench.list(names)));
  EXPECT_EQ(bench.machine().leader(), (Leader{node(3), "M"}));
  EXPECT_TRUE(has<ListChildren>(bench.wait(100ms)));
  names.pop_back();
  EXPECT_TRUE(has<LeaderChanged>(bench.list(names)));
}

TEST(Observer, DataThatAreTooLongAreNotLookedAt) {
  Bench<Observer> bench = watching();
  bench.list({node(1)});
  EXPECT_FALSE(has<LeaderChanged>(bench.read(std::string(kMaxData + 1, 'x'))));
  bench.wait(100ms);
  bench.list({node(1)});
  EXPECT_TRUE(has<LeaderChanged>(bench.read(std::string(kMaxData, 'x'))));
}

TEST(Observer, KeepsItsLeaderWhileTheServiceIsAway) {
  Bench<Observer> bench = following();
  EXPECT_FALSE(has<LeaderChanged>(bench.suspend()));
  EXPECT_FALSE(has<LeaderChanged>(bench.wait(1h)));
  EXPECT_EQ(bench.machine().leader(), (Leader{node(3), "M"}));
}

TEST(Observer, LooksAgainWhenTheConnectionIsBack) {
  Bench<Observer> bench = following();
  bench.suspend();
  EXPECT_FALSE(has<ListChildren>(bench.step(ChildrenChanged{})));
  EXPECT_TRUE(has<ListChildren>(bench.resume()));  // the watch may be lost
  EXPECT_EQ(bench.delay(), 9s);
}

TEST(Observer, AskedForNothingThatTheConnectionTookAlong) {
  Bench<Observer> bench = watching();
  const Request first = bench.request;
  bench.suspend();
  EXPECT_TRUE(bench.step(ListFailed{first, "connection lost"}).empty());
  EXPECT_TRUE(bench.step(ChildrenListed{first, {node(1)}}).empty());
  EXPECT_TRUE(has<ListChildren>(bench.resume()));
}

TEST(Observer, OpensAnotherSessionWhenItsIsGone) {
  Bench<Observer> bench = following();
  const Session first = bench.session;
  EXPECT_FALSE(has<OpenSession>(bench.expire()));  // a cluster must not come back in step
  EXPECT_TRUE(has<OpenSession>(bench.wait(100ms)));
  EXPECT_GT(bench.session, first);
  EXPECT_TRUE(bench.step(SessionResumed{first}).empty());
  EXPECT_TRUE(bench.step(SessionOpened{first, 10s}).empty());
  EXPECT_TRUE(has<ListChildren>(bench.open()));
  EXPECT_TRUE(bench.step(SessionExpired{first}).empty());
  EXPECT_TRUE(bench.step(SessionSuspended{first, bench.now()}).empty());
}

TEST(Observer, GivesUpASessionThatMustHaveExpired) {
  Bench<Observer> bench = following();
  bench.suspend(4s);
  EXPECT_FALSE(has<CloseSession>(bench.wait(6s - 1ns)));
  EXPECT_TRUE(has<CloseSession>(bench.wait(1ns)));
  EXPECT_TRUE(has<OpenSession>(bench.wait(100ms)));
}

TEST(Observer, GivesUpWaitingForASession) {
  Bench<Observer> bench = observer();
  bench.step(Started{});
  const Effects effects = bench.wait(15s);
  ASSERT_EQ(only<CloseSession>(effects).size(), 1u);
  EXPECT_EQ(only<CloseSession>(effects)[0].session, 1u);
  const auto opened = only<OpenSession>(bench.wait(100ms));
  ASSERT_EQ(opened.size(), 1u);
  EXPECT_EQ(opened[0].session, 2u);
}

TEST(Observer, Stops) {
  Bench<Observer> bench = observer();
  EXPECT_TRUE(bench.step(StopAsked{}).empty());
  bench.step(Started{});
  bench.open();
  const Effects effects = bench.step(StopAsked{});
  EXPECT_TRUE(has<CloseSession>(effects));
  EXPECT_FALSE(has<StopLeading>(effects));
  EXPECT_EQ(bench.delay(), std::nullopt);
  EXPECT_TRUE(bench.list({node(1)}).empty());
  EXPECT_TRUE(bench.step(ChildrenChanged{}).empty());
  EXPECT_TRUE(has<OpenSession>(bench.step(Started{})));
}

TEST(Observer, ATimerThatFiresTooEarlyIsArmedAgain) {
  Bench<Observer> bench = observer();
  bench.step(Started{});
  const auto arms = only<ArmTimer>(bench.step(TimerFired{}));
  ASSERT_EQ(arms.size(), 1u);
  EXPECT_EQ(arms[0].at, bench.now() + 15s);
}

}  // namespace
}  // namespace souk::election
