#include "election/candidate.h"

#include <gtest/gtest.h>

#include "election/test_support.h"

namespace souk::election {
namespace {

Bench<Candidate> candidate(Options options = {}) { return Bench(Candidate(options, "me", Rng(1))); }

// Has a session and is about to have a node.
Bench<Candidate> creating() {
  Bench<Candidate> bench = candidate();
  bench.step(Started{});
  bench.open();
  return bench;
}

Bench<Candidate> standing_by() {
  Bench<Candidate> bench = creating();
  bench.create(node(5), 50);
  bench.list({node(4), node(5)});
  bench.read("other");
  return bench;
}

Bench<Candidate> leading() {
  Bench<Candidate> bench = creating();
  bench.create(node(5), 50);
  bench.list({node(5)});
  return bench;
}

bool leads(Bench<Candidate>& bench) { return bench.machine().leads(bench.now()); }

// It has stopped, and nothing but Started moves it.
void expect_over(Bench<Candidate>& bench, const Effects& effects) {
  ASSERT_EQ(only<StopLeading>(effects).size(), 1u);
  ASSERT_EQ(only<LeaderChanged>(effects).size(), 1u);
  EXPECT_EQ(only<LeaderChanged>(effects)[0].leader, std::nullopt);
  EXPECT_TRUE(has<CloseSession>(effects));  // so that the others need not wait for its end
  EXPECT_FALSE(leads(bench));
  EXPECT_EQ(bench.delay(), std::nullopt);
  EXPECT_TRUE(bench.resume().empty());
  EXPECT_TRUE(bench.list({node(5)}).empty());
  EXPECT_TRUE(bench.step(ChildrenChanged{}).empty());
  EXPECT_TRUE(bench.expire().empty());
  EXPECT_TRUE(bench.step(StopAsked{}).empty());
}

TEST(Candidate, LeadsByTheLowestNode) {
  Bench<Candidate> bench = candidate();
  EXPECT_TRUE(has<OpenSession>(bench.step(Started{})));
  Effects effects = bench.open();
  ASSERT_EQ(only<CreateNode>(effects).size(), 1u);
  EXPECT_EQ(only<CreateNode>(effects)[0].data, "me");
  EXPECT_FALSE(has<ListChildren>(effects));  // only a list made after its node proves anything
  EXPECT_FALSE(has<ListChildren>(bench.step(ChildrenChanged{})));
  effects = bench.create(node(5), 50);
  EXPECT_TRUE(has<ListChildren>(effects));
  effects = bench.list({node(9), "log_replicas", node(5), "json.info_1"});
  ASSERT_EQ(only<Lead>(effects).size(), 1u);
  EXPECT_EQ(only<Lead>(effects)[0].epoch, 50u);
  ASSERT_EQ(only<LeaderChanged>(effects).size(), 1u);
  EXPECT_EQ(only<LeaderChanged>(effects)[0].leader, (Leader{node(5), "me", 50}));
  EXPECT_FALSE(has<ReadNode>(effects));
  EXPECT_TRUE(leads(bench));
  EXPECT_EQ(bench.delay(), std::nullopt);
}

TEST(Candidate, StandsByAndSucceeds) {
  Bench<Candidate> bench = standing_by();
  EXPECT_FALSE(leads(bench));
  EXPECT_EQ(bench.machine().leader(), (Leader{node(4), "other"}));
  bench.step(ChildrenChanged{});
  const Effects effects = bench.list({node(5), node(6)});
  EXPECT_TRUE(has<Lead>(effects));
  EXPECT_EQ(only<LeaderChanged>(effects).size(), 1u);
}

TEST(Candidate, ALeaderStaysWhenOthersComeAndGo) {
  Bench<Candidate> bench = leading();
  bench.step(ChildrenChanged{});
  Effects effects = bench.list({node(5), node(6)});
  EXPECT_FALSE(has<Lead>(effects));
  EXPECT_FALSE(has<LeaderChanged>(effects));
  EXPECT_TRUE(leads(bench));
}

TEST(Candidate, StopsAtOnceWhenItsSessionExpired) {
  Bench<Candidate> bench = leading();
  const Effects effects = bench.expire();
  expect_over(bench, effects);
  EXPECT_EQ(only<StopLeading>(effects)[0].why, "its session expired");
}

TEST(Candidate, StopsBeforeTheServiceCanLetAnotherLead) {
  Bench<Candidate> bench = leading();
  EXPECT_FALSE(has<StopLeading>(bench.suspend(4s)));  // heard 4 s ago: dead in 6 s, maybe
  EXPECT_TRUE(leads(bench));
  EXPECT_EQ(bench.delay(), 5s);
  EXPECT_FALSE(has<StopLeading>(bench.wait(5s - 1ns)));
  EXPECT_TRUE(leads(bench));
  expect_over(bench, bench.wait(1ns));
}

TEST(Candidate, StopsAtOnceIfItHearsOfItTooLate) {
  Bench<Candidate> bench = leading();
  expect_over(bench, bench.suspend(9s));
}

TEST(Candidate, DoesNotBelieveThatItWasHeardInTheFuture) {
  Bench<Candidate> bench = leading();
  bench.suspend(-5s);
  EXPECT_EQ(bench.delay(), 9s);
}

TEST(Candidate, LeadsNoLongerThanItsTimeEvenIfTheTimerIsLate) {
  Bench<Candidate> bench = leading();
  bench.suspend();
  bench.oversleep(9s);
  EXPECT_FALSE(leads(bench));
  expect_over(bench, bench.resume());  // though nobody else has led
}

TEST(Candidate, LeadsOnIfTheConnectionComesBackInTime) {
  Bench<Candidate> bench = leading();
  bench.suspend(3s);
  bench.wait(5s);
  const Effects effects = bench.resume();
  EXPECT_FALSE(has<StopLeading>(effects));
  EXPECT_TRUE(has<ListChildren>(effects));
  EXPECT_FALSE(has<Lead>(bench.list({node(5), node(8)})));
  EXPECT_FALSE(has<StopLeading>(bench.wait(1h)));
  EXPECT_TRUE(leads(bench));
}

TEST(Candidate, TheBoundFollowsFromWhatTheServiceGrants) {
  for (const auto& [timeout, bound] :
       std::vector<std::pair<Duration, Duration>>{{10s, 9s}, {40s, 39s}, {4s, 3s}, {2s, 1500ms}}) {
    Bench<Candidate> bench = candidate();
    bench.step(Started{});
    bench.open(timeout);
    bench.create(node(5), 50);
    bench.list({node(5)});
    bench.suspend();
    EXPECT_EQ(bench.delay(), bound);
  }
}

TEST(Candidate, DoesNotLeadByAListThatIsTooOld) {
  Bench<Candidate> bench = creating();
  bench.create(node(5), 50);
  bench.oversleep(9s);  // the process was paused
  EXPECT_FALSE(has<Lead>(bench.list({node(5)})));
  EXPECT_FALSE(leads(bench));
  EXPECT_TRUE(has<ListChildren>(bench.wait(100ms)));
  EXPECT_TRUE(has<Lead>(bench.list({node(5)})));
}

TEST(Candidate, DoesNotLeadByWhatItHearsWhileSuspended) {
  Bench<Candidate> bench = creating();
  bench.create(node(5), 50);
  bench.suspend();
  EXPECT_TRUE(bench.list({node(5)}).empty());
}

TEST(Candidate, GivesUpTheSessionOfALostCreate) {
  Bench<Candidate> bench = creating();
  const Request lost = bench.request;
  EXPECT_FALSE(has<CloseSession>(bench.suspend()));
  EXPECT_TRUE(bench.step(CreateFailed{lost, "connection lost"}).empty());
  EXPECT_TRUE(bench.step(NodeCreated{lost, node(5), 50}).empty());
  const Effects effects = bench.resume();  // now the service hears that the session ends
  ASSERT_EQ(only<CloseSession>(effects).size(), 1u);
  EXPECT_EQ(only<CloseSession>(effects)[0].session, 1u);
  EXPECT_FALSE(has<ListChildren>(effects));
  EXPECT_TRUE(has<OpenSession>(bench.wait(100ms)));
  EXPECT_TRUE(has<CreateNode>(bench.open()));
  // The orphan may stand until then; it is not taken for the own node.
  bench.create(node(6), 60);
  EXPECT_FALSE(has<Lead>(bench.list({node(5), node(6)})));
}

TEST(Candidate, ALostCreateWithoutAConnectionGoesWithItsSession) {
  Bench<Candidate> bench = creating();
  bench.suspend();
  bench.expire();
  EXPECT_TRUE(has<OpenSession>(bench.wait(100ms)));
  EXPECT_TRUE(has<CreateNode>(bench.open()));
}

TEST(Candidate, GivesUpTheSessionOfAFailedCreate) {
  Bench<Candidate> bench = creating();
  EXPECT_TRUE(bench.step(CreateFailed{bench.request + 1, "?"}).empty());
  const Effects effects = bench.step(CreateFailed{bench.request, "not allowed"});
  EXPECT_TRUE(has<CloseSession>(effects));
  EXPECT_FALSE(has<CreateNode>(effects));
  EXPECT_LE(bench.delay(), 100ms);
}

TEST(Candidate, BacksOffWhileCreatesFail) {
  Bench<Candidate> bench = creating();
  for (int i = 0; i < 10; ++i) {
    bench.step(CreateFailed{bench.request, "not allowed"});
    bench.wait(5s);
    bench.open();
  }
  bench.step(CreateFailed{bench.request, "not allowed"});
  EXPECT_GE(bench.delay(), 2500ms);
}

TEST(Candidate, GivesUpTheSessionOfACreateThatIsNeverAnswered) {
  Bench<Candidate> bench = creating();
  const Effects effects = bench.wait(9s);
  EXPECT_TRUE(has<CloseSession>(effects));
  EXPECT_TRUE(bench.create(node(5), 50).empty());
}

TEST(Candidate, DoesNotTakeAnyNameForItsNode) {
  Bench<Candidate> bench = creating();
  EXPECT_TRUE(has<CloseSession>(bench.create("/mesos/json.info_0000000005", 50)));
}

TEST(Candidate, StopsWhenItsNodeIsDeleted) {
  Bench<Candidate> bench = leading();
  bench.step(ChildrenChanged{});
  expect_over(bench, bench.list({node(6)}));
}

TEST(Candidate, MakesAnotherNodeWhenItsIsDeletedWhileItStandsBy) {
  Bench<Candidate> bench = standing_by();
  bench.step(ChildrenChanged{});
  EXPECT_TRUE(has<CloseSession>(bench.list({node(4)})));
  bench.wait(100ms);
  EXPECT_TRUE(has<CreateNode>(bench.open()));
}

TEST(Candidate, StopsWhenALowerNodeAppears) {
  Bench<Candidate> bench = leading();
  bench.step(ChildrenChanged{});
  expect_over(bench, bench.list({node(0), node(5)}));
}

TEST(Candidate, ALeaderIsNotOverthrownByAFailedLook) {
  Bench<Candidate> bench = leading();
  bench.step(ChildrenChanged{});
  bench.step(ListFailed{bench.request, "busy"});
  bench.wait(100ms);
  bench.list(std::vector<std::string>(kMaxChildren + 1, node(6)));
  EXPECT_TRUE(leads(bench));
}

TEST(Candidate, StandsByAgainAfterItsSessionExpired) {
  Bench<Candidate> bench = standing_by();
  Effects effects = bench.expire();
  EXPECT_FALSE(has<StopLeading>(effects));
  EXPECT_FALSE(has<LeaderChanged>(effects));
  EXPECT_TRUE(has<OpenSession>(bench.wait(100ms)));
  EXPECT_TRUE(has<CreateNode>(bench.open()));
  bench.create(node(8), 80);
  EXPECT_TRUE(has<Lead>(bench.list({node(8)})));
  EXPECT_EQ(bench.machine().leader(), (Leader{node(8), "me", 80}));
}

TEST(Candidate, StopsWhenAsked) {
  Bench<Candidate> bench = leading();
  expect_over(bench, bench.step(StopAsked{}));
  Bench<Candidate> other = standing_by();
  const Effects effects = other.step(StopAsked{});
  EXPECT_TRUE(has<CloseSession>(effects));
  EXPECT_FALSE(has<StopLeading>(effects));
}

TEST(Candidate, LeadsAgainOnlyInANewLife) {
  Bench<Candidate> bench = leading();
  bench.expire();
  const Session first = bench.session;
  EXPECT_TRUE(has<OpenSession>(bench.step(Started{})));
  EXPECT_GT(bench.session, first);
  bench.open();
  bench.create(node(9), 90);
  bench.list({node(7), node(9)});
  bench.read("other");
  bench.step(ChildrenChanged{});
  const auto leads = only<Lead>(bench.list({node(9)}));
  ASSERT_EQ(leads.size(), 1u);
  EXPECT_EQ(leads[0].epoch, 90u);
}

TEST(Candidate, DoesNothingBeforeItIsStarted) {
  Bench<Candidate> bench = candidate();
  EXPECT_TRUE(bench.open().empty());
  EXPECT_TRUE(bench.create(node(1), 1).empty());
  EXPECT_TRUE(bench.list({node(1)}).empty());
  EXPECT_TRUE(bench.expire().empty());
  EXPECT_TRUE(bench.step(TimerFired{}).empty());
}

}  // namespace
}  // namespace souk::election
