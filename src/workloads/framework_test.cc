#include "workloads/framework.h"

#include "workloads/idle.h"
#include "workloads/test_cluster.h"

namespace souk::workloads {
namespace {

namespace call = protocol::call;

// Takes one slot of each offer, for a minute.
class Simple final : public Framework {
 public:
  explicit Simple(FrameworkOptions options) : Framework(std::move(options)) {}

  std::vector<std::pair<uint64_t, bool>> ended;  // tag, finished
  int ups = 0;
  using Framework::ask_again;
  using Framework::kill;
  using Framework::want_offers;

 private:
  void offered(Context& context, std::vector<Offer>&& offers) override {
    for (const Offer& offer : offers) {
      launch(context, offer, {Plan{resources("cpus:1"), 60s, totals().launched}}, 7s);
    }
  }
  void task_up(Context&, const Task&) override { ++ups; }
  void task_ended(Context&, const Task& task, bool finished) override {
    ended.emplace_back(task.tag, finished);
  }
};

struct FrameworkTest : ::testing::Test {
  Simple simple{{.name = "simple"}};
  Hand hand{simple};

  TaskId launch_one() {
    hand.offer({make_offer("o", "h1", "cpus:4")});
    return hand.launched.back().id;
  }
};

TEST_F(FrameworkTest, SubscribesAsAsked) {
  const Simple other({.name = "x", .role = "r", .short_slots = true, .rigid = true});
  const FrameworkInfo info = other.info();
  EXPECT_EQ(info.roles, std::vector<std::string>{"r"});
  EXPECT_TRUE(info.has(Capability::kPartitionAware));
  EXPECT_EQ(info.labels, (Labels{{"souk.short_slots", "true"}, {"souk.rigid", "true"}}));
  EXPECT_TRUE(simple.info().labels.empty());
}

TEST_F(FrameworkTest, FillsInTasksAndNumbersThem) {
  hand.subscribe();
  const auto calls =
      hand.offer({make_offer("o1", "h1", "cpus:4"), make_offer("o2", "h2", "cpus:4")});
  const auto accepts = Hand::of<call::Accept>(calls);
  ASSERT_EQ(accepts.size(), 2u);
  EXPECT_EQ(accepts[1].offers, std::vector<OfferId>{OfferId("o2")});
  EXPECT_EQ(accepts[1].filters.refuse, Duration(7s));
  ASSERT_EQ(hand.launched.size(), 2u);
  EXPECT_EQ(hand.launched[0].id.value, "simple.0");
  EXPECT_EQ(hand.launched[1].id.value, "simple.1");
  EXPECT_EQ(hand.launched[1].agent_id->value, "agent-h2");
  EXPECT_EQ(hand.launched[1].resources, resources("cpus:1"));
  EXPECT_EQ(hand.maker.lengths, (std::vector<Duration>{60s, 60s}));
}

TEST_F(FrameworkTest, ATaskEndsOnce) {
  hand.subscribe();
  const TaskId id = launch_one();
  hand.update(id, TaskState::kRunning);
  hand.update(id, TaskState::kRunning);
  EXPECT_EQ(simple.ups, 1);
  hand.update(id, TaskState::kFinished);
  hand.update(id, TaskState::kFinished);
  hand.update(id, TaskState::kLost);
  EXPECT_EQ(simple.ended, (std::vector<std::pair<uint64_t, bool>>{{0, true}}));
  EXPECT_EQ(simple.totals().finished, 1u);
  EXPECT_EQ(simple.totals().lost, 0u);
  EXPECT_EQ(simple.running(), 0u);
}

TEST_F(FrameworkTest, EveryOtherEndIsALoss) {
  hand.subscribe();
  const std::vector<TaskState> ends = {
      TaskState::kFailed,         TaskState::kKilled,      TaskState::kError,
      TaskState::kLost,           TaskState::kDropped,     TaskState::kGone,
      TaskState::kGoneByOperator, TaskState::kUnreachable, TaskState::kUnknown};
  for (const TaskState end : ends) hand.update(launch_one(), end);
  EXPECT_EQ(simple.ended.size(), ends.size());
  EXPECT_EQ(simple.totals().lost, ends.size());
  EXPECT_EQ(simple.running(), 0u);
}

TEST_F(FrameworkTest, KillsWhatComesBackAfterItWasGivenUp) {
  hand.subscribe();
  const TaskId id = launch_one();
  EXPECT_TRUE(hand.update(id, TaskState::kUnreachable).empty());
  const auto kills = Hand::of<call::Kill>(hand.update(id, TaskState::kRunning));
  ASSERT_EQ(kills.size(), 1u);
  EXPECT_EQ(kills[0].task, id);
  EXPECT_EQ(kills[0].agent.value, "agent");
  EXPECT_TRUE(hand.update(id, TaskState::kUnreachable).empty());
  EXPECT_TRUE(hand.update(id, TaskState::kKilled).empty());
  EXPECT_EQ(simple.ended.size(), 1u);
}

TEST_F(FrameworkTest, AsksAboutWhatItGaveUpLessAndLessOften) {
  hand.subscribe();
  const TaskId id = launch_one();
  hand.update(id, TaskState::kRunning);
  hand.update(id, TaskState::kUnreachable);
  for (const Duration wait : {30s, 30s, 60s, 120s, 240s, 480s, 960s, 960s}) {
    EXPECT_TRUE(hand.wait(wait - 1s).empty());
    const auto asked = Hand::of<call::Reconcile>(hand.wait(1s));
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_EQ(asked[0].tasks.at(0).id, id);
    hand.update(id, TaskState::kUnreachable);
  }
  hand.subscribe();
  EXPECT_EQ(Hand::of<call::Reconcile>(hand.wait(30s)).size(), 1u);
  hand.update(id, TaskState::kGone);
  EXPECT_TRUE(hand.wait(1h).empty());
}

TEST_F(FrameworkTest, IgnoresWhatIsNotItsOwn) {
  hand.subscribe();
  for (const char* id : {"", "simple", "simple.", "simple.x", "simple.1x", "simple.-1", "other.0",
                         "simple.99999999999999999999999"}) {
    EXPECT_TRUE(hand.update(TaskId(id), TaskState::kRunning).empty()) << id;
  }
}

TEST_F(FrameworkTest, AsksAboutTasksUntilItHearsOfThem) {
  hand.subscribe();
  const TaskId heard = launch_one();
  const TaskId unheard = launch_one();
  hand.update(heard, TaskState::kStarting);
  EXPECT_TRUE(hand.wait(29s).empty());
  for (int i = 0; i < 2; ++i) {
    const auto asked = Hand::of<call::Reconcile>(hand.wait(30s));
    ASSERT_EQ(asked.size(), 1u);
    ASSERT_EQ(asked[0].tasks.size(), 1u);
    EXPECT_EQ(asked[0].tasks[0].id, unheard);
    EXPECT_EQ(asked[0].tasks[0].agent.value, "agent-h1");
  }
  hand.update(unheard, TaskState::kRunning);
  EXPECT_TRUE(hand.wait(1h).empty());
}

TEST_F(FrameworkTest, AsksAgainAfterItComesBack) {
  hand.subscribe();
  const TaskId id = launch_one();
  hand.update(id, TaskState::kRunning);
  hand.act([&](Context& c) { simple.on_disconnected(c); });
  hand.subscribe();
  EXPECT_EQ(Hand::of<call::Reconcile>(hand.wait(31s)).size(), 1u);
}

TEST_F(FrameworkTest, KillsOnceAndAgainIfNothingComesOfIt) {
  hand.subscribe();
  const TaskId id = launch_one();
  hand.update(id, TaskState::kRunning);
  const auto kill = [&] {
    return Hand::of<call::Kill>(hand.act([&](Context& c) { simple.kill(c, 0); }));
  };
  ASSERT_EQ(kill().size(), 1u);
  EXPECT_TRUE(kill().empty());
  hand.update(id, TaskState::kKilling);
  EXPECT_EQ(Hand::of<call::Kill>(hand.wait(31s)).size(), 1u);
  hand.update(id, TaskState::kKilled);
  EXPECT_EQ(simple.totals().killed, 1u);
  EXPECT_EQ(simple.totals().lost, 0u);
  EXPECT_TRUE(hand.wait(1h).empty());
}

TEST_F(FrameworkTest, SuppressesAndRevivesOnceForEachChange) {
  hand.subscribe();
  const auto want = [&](bool wanted) {
    return hand.act([&](Context& c) { simple.want_offers(c, wanted); });
  };
  EXPECT_TRUE(want(true).empty());
  EXPECT_EQ(Hand::of<call::Suppress>(want(false)).size(), 1u);
  EXPECT_TRUE(want(false).empty());
  EXPECT_EQ(Hand::of<call::Revive>(want(true)).size(), 1u);
  EXPECT_TRUE(want(true).empty());
}

TEST_F(FrameworkTest, RevivesForNewNeedsOnlyIfSomethingWasRefused) {
  hand.subscribe();
  const auto ask = [&] { return hand.act([&](Context& c) { simple.ask_again(c); }); };
  EXPECT_TRUE(ask().empty());
  launch_one();
  EXPECT_EQ(Hand::of<call::Revive>(ask()).size(), 1u);
  EXPECT_TRUE(ask().empty());
}

TEST(Decliner, DeclinesAllForAsLongAsAsked) {
  Decliner decliner({}, 0s);
  Hand hand(decliner);
  hand.subscribe();
  const auto declines = Hand::of<call::Decline>(
      hand.offer({make_offer("a", "h1", "cpus:1"), make_offer("b", "h2", "cpus:1")}));
  ASSERT_EQ(declines.size(), 1u);
  EXPECT_EQ(declines[0].offers, (std::vector{OfferId("a"), OfferId("b")}));
  EXPECT_EQ(declines[0].filters.refuse, Duration(0));
  EXPECT_EQ(decliner.totals().declined, 2u);
}

TEST(Sitter, AnswersNothingAndForgetsWhatIsTakenBack) {
  Sitter sitter({});
  Hand hand(sitter);
  hand.subscribe();
  EXPECT_TRUE(
      hand.offer({make_offer("a", "h1", "cpus:1"), make_offer("b", "h2", "cpus:1")}).empty());
  EXPECT_TRUE(hand.offer({make_offer("c", "h3", "cpus:1")}).empty());
  EXPECT_EQ(sitter.holds(), 3u);
  hand.act([&](Context& c) { sitter.on_rescinded(c, OfferId("b")); });
  EXPECT_EQ(sitter.holds(), 2u);
  hand.act([&](Context& c) { sitter.on_disconnected(c); });
  EXPECT_EQ(sitter.holds(), 0u);
}

}  // namespace
}  // namespace souk::workloads
