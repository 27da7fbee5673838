#include "workloads/elastic.h"

#include "workloads/test_cluster.h"

namespace souk::workloads {
namespace {

namespace call = protocol::call;

ElasticOptions options() {
  ElasticOptions options;
  options.demand = resources("cpus:1;mem:512");
  options.lengths = Lengths::constant(2s);
  return options;
}

constexpr std::string_view kFour = "cpus:4;mem:4096";

TEST(Elastic, TakesAllThatFits) {
  Elastic elastic(options(), Rng(1));
  Hand hand(elastic);
  hand.subscribe();
  hand.offer({make_offer("a", "h1", kFour), make_offer("b", "h2", "cpus:8;mem:600")});
  EXPECT_EQ(hand.launched.size(), 5u);
  EXPECT_EQ(elastic.running(), 5u);
  EXPECT_FALSE(elastic.done());
}

TEST(Elastic, DeclinesWhatIsTooSmallOrElsewhere) {
  auto o = options();
  o.hosts = {"h1", "h2"};
  o.refuse = 9s;
  Elastic elastic(o, Rng(1));
  Hand hand(elastic);
  hand.subscribe();
  const auto calls =
      hand.offer({make_offer("a", "h1", "cpus:4;mem:100"), make_offer("b", "h3", kFour),
                  make_offer("c", "h2", "cpus:1;mem:512")});
  const auto declines = Hand::of<call::Decline>(calls);
  ASSERT_EQ(declines.size(), 1u);
  EXPECT_EQ(declines[0].offers, (std::vector{OfferId("a"), OfferId("b")}));
  EXPECT_EQ(declines[0].filters.refuse, Duration(9s));
  EXPECT_EQ(hand.launched.size(), 1u);
}

TEST(Elastic, StopsAtItsSlotsAndTellsWhenItHadThem) {
  auto o = options();
  o.slots_max = 3;
  Elastic elastic(o, Rng(1));
  Hand hand(elastic);
  hand.subscribe();
  hand.now += 1s;
  EXPECT_TRUE(
      Hand::of<call::Suppress>(hand.offer({make_offer("a", "h1", "cpus:2;mem:4096")})).empty());
  EXPECT_FALSE(elastic.ramped_up());
  hand.now += 4s;
  EXPECT_EQ(Hand::of<call::Suppress>(hand.offer({make_offer("b", "h2", kFour)})).size(), 1u);
  EXPECT_EQ(hand.launched.size(), 3u);
  EXPECT_EQ(elastic.ramped_up(), MonoTime(5s));
  // An offer that was on its way.
  EXPECT_EQ(Hand::of<call::Decline>(hand.offer({make_offer("c", "h3", kFour)})).size(), 1u);
  const auto calls = hand.update(hand.launched[0].id, TaskState::kFinished);
  EXPECT_EQ(Hand::of<call::Revive>(calls).size(), 1u);
  hand.offer({make_offer("d", "h1", kFour)});
  EXPECT_EQ(hand.launched.size(), 4u);
  EXPECT_EQ(elastic.ramped_up(), MonoTime(5s));
}

TEST(Elastic, RunsOnlyAsManyTasksAsAreLeft) {
  auto o = options();
  o.tasks = 3;
  Elastic elastic(o, Rng(1));
  Hand hand(elastic);
  hand.subscribe();
  hand.offer({make_offer("a", "h1", kFour)});
  ASSERT_EQ(hand.launched.size(), 3u);
  hand.update(hand.launched[0].id, TaskState::kFinished);
  EXPECT_FALSE(elastic.wants_offers());
  hand.update(hand.launched[1].id, TaskState::kLost);
  EXPECT_TRUE(elastic.wants_offers());
  hand.offer({make_offer("b", "h1", kFour)});
  ASSERT_EQ(hand.launched.size(), 4u);
  hand.update(hand.launched[2].id, TaskState::kFinished);
  EXPECT_FALSE(elastic.done());
  hand.update(hand.launched[3].id, TaskState::kFinished);
  EXPECT_TRUE(elastic.done());
}

TEST(Elastic, TakesNoMoreThanItsPartOfAnOffer) {
  auto o = options();
  o.max_tasks_per_offer = 1;
  Elastic elastic(o, Rng(1));
  Hand hand(elastic);
  hand.subscribe();
  hand.offer({make_offer("a", "h1", kFour), make_offer("b", "h2", kFour)});
  EXPECT_EQ(hand.launched.size(), 2u);
}

Offer short_slot(const std::string& id, int64_t seconds) {
  Offer offer = make_offer(id, "h1", "cpus:1;mem:512");
  offer.attributes.push_back({std::string(kMaxTaskDurationAttribute), Scalar{seconds * 1000}});
  return offer;
}

TEST(ShortJobs, TakeOnlyShortSlotsAndFitIntoThem) {
  auto o = options();
  o.framework.short_slots = true;
  o.lengths = Lengths::list({5s, 60s});
  Elastic elastic(o, Rng(1));
  Hand hand(elastic);
  hand.subscribe();
  const auto calls =
      hand.offer({make_offer("a", "h1", kFour), short_slot("b", 10), short_slot("c", 10)});
  EXPECT_EQ(Hand::of<call::Decline>(calls).size(), 1u);
  EXPECT_EQ(hand.maker.lengths, (std::vector<Duration>{5s, 9s}));
}

TEST(Elastic, LeavesShortSlotsToOthers) {
  Elastic elastic(options(), Rng(1));
  Hand hand(elastic);
  hand.subscribe();
  hand.offer({short_slot("a", 10)});
  EXPECT_TRUE(hand.launched.empty());
}

TEST(Holder, FillsItsHostsForEver) {
  Elastic elastic(holder({.name = "holder"}, resources("cpus:1"), Lengths::constant(2s), {"h1"}),
                  Rng(1));
  TestCluster cluster(elastic, {.agents = 2, .each = "cpus:2"});
  EXPECT_FALSE(cluster.run(100s));
  EXPECT_EQ(cluster.live_by_host(), (std::map<std::string, std::size_t>{{"h1", 2}}));
}

TEST(Elastic, FinishesItsTasksAndNoMore) {
  auto o = options();
  o.tasks = 100;
  Elastic elastic(o, Rng(1));
  TestCluster cluster(elastic, {});
  ASSERT_TRUE(cluster.run(1h));
  EXPECT_EQ(elastic.totals().launched, 100u);
  EXPECT_EQ(cluster.finished(), 100u);
  EXPECT_EQ(cluster.most_live(), 16u);
}

TEST(Elastic, FinishesItsTasksUnderFaults) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    auto o = options();
    o.tasks = 400;
    o.lengths = Lengths::exponential(5s);
    Elastic elastic(o, Rng(seed));
    TestCluster cluster(elastic, {.faults = Faults::all(), .seed = seed});
    ASSERT_TRUE(cluster.run(2h)) << "seed " << seed;
    EXPECT_EQ(elastic.totals().finished, 400u);
    EXPECT_EQ(elastic.totals().launched, 400 + elastic.totals().lost + elastic.running());
    EXPECT_GT(cluster.faults_done(), 20u);
    EXPECT_LE(cluster.most_live(), 16u);
  }
}

TEST(Elastic, DoesTheSameAgain) {
  const auto run = [](uint64_t seed) {
    auto o = options();
    o.tasks = 50;
    o.lengths = Lengths::exponential(5s);
    Elastic elastic(o, Rng(seed));
    TestCluster cluster(elastic, {.faults = Faults::all()});
    cluster.run(2h);
    return cluster.digest();
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

}  // namespace
}  // namespace souk::workloads
