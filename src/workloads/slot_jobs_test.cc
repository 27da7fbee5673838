#include "workloads/slot_jobs.h"

#include "workloads/test_cluster.h"

namespace souk::workloads {
namespace {

namespace call = protocol::call;

SlotJobsOptions options(SlotMode mode, std::vector<SlotJob> jobs) {
  SlotJobsOptions options;
  options.demand = resources("cpus:1;mem:512");
  options.mode = mode;
  options.jobs = std::move(jobs);
  return options;
}

Offer slots(const std::string& id, const std::string& host, int many) {
  return make_offer(id, host, fmt::format("cpus:{};mem:{}", many, many * 512));
}

class Queue {
 public:
  explicit Queue(SlotJobsOptions options) : jobs(std::move(options)), hand(jobs) {
    hand.subscribe();
  }
  // All that was launched so far and not said to run yet does.
  void run_all() {
    for (; seen_ < hand.launched.size(); ++seen_) {
      hand.update(hand.launched[seen_].id, TaskState::kRunning);
    }
  }
  const TaskId& id(std::size_t n) const { return hand.launched.at(n).id; }

  SlotJobs jobs;
  Hand hand;

 private:
  std::size_t seen_ = 0;
};

TEST(ElasticSlots, WorkFromTheFirstSlotOn) {
  Queue q(options(SlotMode::kElastic, {{.slots = 4, .length = 10s}}));
  q.hand.offer({slots("a", "h1", 1)});
  q.run_all();
  q.hand.wait(10s);  // 10 of 40 slot seconds are done
  q.hand.offer({slots("b", "h2", 8)});
  EXPECT_EQ(q.hand.launched.size(), 4u);
  EXPECT_FALSE(q.jobs.wants_offers());
  q.run_all();
  EXPECT_TRUE(q.hand.wait(7s).empty());
  EXPECT_FALSE(q.jobs.done());
  EXPECT_EQ(Hand::of<call::Kill>(q.hand.wait(1s)).size(), 4u);
  EXPECT_TRUE(q.jobs.done());
  const SlotJobRecord& record = q.jobs.record(0);
  EXPECT_EQ(record.ramped_up, MonoTime(10s));
  EXPECT_EQ(record.done, MonoTime(17500ms));
  EXPECT_EQ(record.held, Duration(40s));
  EXPECT_EQ(record.worked, Duration(40s));
}

TEST(ElasticSlots, KeepTheWorkOfALostOne) {
  Queue q(options(SlotMode::kElastic, {{.slots = 2, .length = 10s}}));
  q.hand.offer({slots("a", "h1", 2)});
  q.run_all();
  q.hand.wait(5s);
  q.hand.update(q.id(0), TaskState::kLost);
  EXPECT_TRUE(q.jobs.wants_offers());
  q.hand.wait(10s);
  EXPECT_EQ(q.jobs.record(0).done, MonoTime(15s));
  EXPECT_EQ(q.jobs.record(0).restarts, 0u);
}

TEST(HoardingSlots, WaitForTheLast) {
  Queue q(options(SlotMode::kHoarding, {{.slots = 3, .length = 10s}}));
  q.hand.offer({slots("a", "h1", 2)});
  q.run_all();
  q.hand.wait(20s);
  q.hand.offer({slots("b", "h2", 2)});
  EXPECT_EQ(q.hand.launched.size(), 3u);
  q.hand.wait(1s);
  q.run_all();  // only now it starts
  q.hand.wait(9s);
  EXPECT_FALSE(q.jobs.done());
  EXPECT_EQ(Hand::of<call::Kill>(q.hand.wait(1s)).size(), 3u);
  const SlotJobRecord& record = q.jobs.record(0);
  EXPECT_EQ(record.first_slot, MonoTime(0s));
  EXPECT_EQ(record.ramped_up, MonoTime(21s));
  EXPECT_EQ(record.done, MonoTime(31s));
  EXPECT_EQ(record.held, Duration(2 * 31s + 11s));
  EXPECT_EQ(record.worked, Duration(30s));
}

TEST(HoardingSlots, WorkFromAnewAfterALoss) {
  Queue q(options(SlotMode::kHoarding, {{.slots = 2, .length = 10s}}));
  q.hand.offer({slots("a", "h1", 2)});
  q.run_all();
  q.hand.wait(9s);
  q.hand.update(q.id(1), TaskState::kUnreachable);
  q.hand.wait(9s);
  EXPECT_FALSE(q.jobs.done());
  q.hand.offer({slots("b", "h1", 1)});
  q.run_all();
  q.hand.wait(10s);
  EXPECT_EQ(q.jobs.record(0).done, MonoTime(28s));
  EXPECT_EQ(q.jobs.record(0).ramped_up, MonoTime(0s));
  EXPECT_EQ(q.jobs.record(0).restarts, 1u);
}

// Else two jobs that lost slots could wait for each other for ever.
TEST(HoardingSlots, AreTakenFromLaterJobsThatHoard) {
  Queue q(options(SlotMode::kHoarding, {{.slots = 2, .length = 10s}, {.slots = 3, .length = 10s}}));
  q.hand.offer({slots("a", "h1", 4)});
  q.run_all();
  q.hand.wait(1s);
  q.hand.update(q.id(0), TaskState::kLost);
  EXPECT_EQ(q.jobs.record(0).restarts, 1u);
  EXPECT_EQ(Hand::of<call::Kill>(q.hand.wait(10s)).size(), 2u);
  EXPECT_EQ(q.jobs.record(0).done, MonoTime(11s));
  q.hand.update(q.id(3), TaskState::kLost);  // the only one that is left to the second
  q.hand.offer({slots("b", "h1", 3)});
  EXPECT_EQ(q.hand.launched.size(), 7u);
  q.run_all();
  q.hand.wait(10s);
  EXPECT_TRUE(q.jobs.done());
  EXPECT_EQ(q.jobs.record(1).held, Duration(2 * 1s + 10s + 3 * 10s));
}

TEST(HoardingSlots, AreTakenFromALaterJobThatHoardsOnlyNow) {
  Queue q(options(SlotMode::kHoarding, {{.slots = 3, .length = 10s}, {.slots = 3, .length = 10s}}));
  q.hand.offer({slots("a", "h1", 6)});
  q.run_all();
  q.hand.update(q.id(0), TaskState::kLost);  // the second one works, so it keeps its slots
  q.hand.wait(1s);
  q.hand.update(q.id(5), TaskState::kLost);
  q.hand.wait(10s);
  EXPECT_EQ(q.jobs.record(0).done, MonoTime(11s));
}

TEST(HoardingSlots, GoToJobsInTheirOrder) {
  Queue q(options(SlotMode::kHoarding,
                  {{.slots = 2, .length = 10s}, {.arrival = 1s, .slots = 1, .length = 10s}}));
  q.hand.offer({slots("a", "h1", 1)});
  EXPECT_TRUE(q.jobs.wants_offers());
  q.hand.wait(1s);
  q.hand.offer({slots("b", "h1", 1)});
  q.run_all();
  EXPECT_EQ(q.jobs.record(0).ramped_up, MonoTime(1s));
  EXPECT_FALSE(q.jobs.record(1).first_slot);
  q.hand.offer({slots("c", "h1", 5)});
  q.run_all();
  EXPECT_EQ(q.jobs.record(1).ramped_up, MonoTime(1s));
  EXPECT_EQ(q.hand.launched.size(), 3u);
  EXPECT_FALSE(q.jobs.wants_offers());
}

TEST(HoardingSlots, GoToNoMoreJobsThanMayRun) {
  auto o = options(SlotMode::kHoarding, {{.slots = 1, .length = 10s}, {.slots = 1, .length = 5s}});
  o.max_jobs = 1;
  Queue q(o);
  q.hand.offer({slots("a", "h1", 5)});
  q.run_all();
  EXPECT_EQ(q.hand.launched.size(), 1u);
  EXPECT_EQ(Hand::of<call::Revive>(q.hand.wait(10s)).size(), 1u);
  q.hand.offer({slots("b", "h1", 5)});
  q.run_all();
  q.hand.wait(5s);
  EXPECT_TRUE(q.jobs.done());
}

TEST(HoardingSlots, AreTakenOnlyOnItsHosts) {
  auto o = options(SlotMode::kHoarding, {{.slots = 2, .length = 10s}});
  o.hosts = {"h1"};
  Queue q(o);
  EXPECT_EQ(Hand::of<call::Decline>(q.hand.offer({slots("a", "h2", 2)})).size(), 1u);
  q.hand.offer({slots("b", "h1", 1)});
  EXPECT_EQ(q.hand.launched.size(), 1u);
}

TEST(SlotsAtOnce, OffersAreKeptUntilTheyAreEnough) {
  Queue q(options(SlotMode::kAtOnce, {{.slots = 3, .length = 10s}}));
  EXPECT_TRUE(q.hand.offer({slots("a", "h1", 1)}).empty());
  q.hand.wait(1s);
  const auto calls = q.hand.offer({slots("b", "h2", 4), make_offer("c", "h3", "cpus:1")});
  EXPECT_EQ(Hand::tasks(calls).size(), 3u);
  // "c" is no slot, and "a" was not needed any more.
  EXPECT_EQ(Hand::of<call::Decline>(calls).at(0).offers.size(), 2u);
  EXPECT_EQ(q.hand.maker.lengths, (std::vector<Duration>{10s, 10s, 10s}));
}

TEST(SlotsAtOnce, OffersAreGivenBackInTheEnd) {
  Queue q(options(SlotMode::kAtOnce, {{.slots = 3, .length = 10s}}));
  q.hand.offer({slots("a", "h1", 1)});
  const auto calls = q.hand.wait(2s);
  ASSERT_EQ(Hand::of<call::Decline>(calls).size(), 1u);
  EXPECT_EQ(Hand::of<call::Decline>(calls)[0].offers, std::vector{OfferId("a")});
  EXPECT_EQ(Hand::of<call::Suppress>(calls).size(), 1u);
  EXPECT_EQ(Hand::of<call::Revive>(q.hand.wait(5s)).size(), 1u);
  EXPECT_TRUE(q.hand.offer({slots("b", "h1", 2)}).empty());
}

TEST(SlotsAtOnce, DoNotCountOffersThatAreGone) {
  Queue q(options(SlotMode::kAtOnce, {{.slots = 2, .length = 10s}}));
  q.hand.offer({slots("a", "h1", 1)});
  q.hand.act([&](Context& c) { q.jobs.on_rescinded(c, OfferId("a")); });
  q.hand.offer({slots("b", "h1", 1)});
  EXPECT_TRUE(q.hand.launched.empty());
  q.hand.offer({slots("c", "h1", 1)});
  EXPECT_EQ(q.hand.launched.size(), 2u);
}

TEST(SlotsAtOnce, StartAnewTogether) {
  Queue q(options(SlotMode::kAtOnce, {{.slots = 2, .length = 10s}}));
  q.hand.offer({slots("a", "h1", 2)});
  q.run_all();
  const auto calls = q.hand.update(q.id(0), TaskState::kFailed);
  ASSERT_EQ(Hand::of<call::Kill>(calls).size(), 1u);
  EXPECT_EQ(Hand::of<call::Kill>(calls)[0].task, q.id(1));
  q.hand.offer({slots("b", "h1", 2)});
  EXPECT_EQ(q.hand.launched.size(), 2u);  // one of it still runs
  q.hand.update(q.id(1), TaskState::kFinished);
  q.hand.offer({slots("c", "h1", 2)});
  ASSERT_EQ(q.hand.launched.size(), 4u);
  q.run_all();
  q.hand.now += 10s;
  q.hand.update(q.id(2), TaskState::kFinished);
  EXPECT_FALSE(q.jobs.done());
  q.hand.update(q.id(3), TaskState::kFinished);
  EXPECT_TRUE(q.jobs.done());
  EXPECT_EQ(q.jobs.record(0).restarts, 1u);
}

TEST(SlotJobs, AllAreDoneUnderFaults) {
  for (const SlotMode mode : {SlotMode::kElastic, SlotMode::kHoarding, SlotMode::kAtOnce}) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      SlotJobs jobs(options(mode, {{.slots = 6, .length = 20s},
                                   {.arrival = 5s, .slots = 12, .length = 10s},
                                   {.arrival = 5s, .slots = 1, .length = 100s},
                                   {.arrival = 200s, .slots = 16, .length = 5s}}));
      TestCluster cluster(jobs, {.faults = Faults::all(), .seed = seed});
      ASSERT_TRUE(cluster.run(2h)) << "mode " << static_cast<int>(mode) << " seed " << seed;
      for (std::size_t i = 0; i < jobs.jobs(); ++i) {
        EXPECT_GE(jobs.record(i).held, jobs.record(i).worked);
        EXPECT_GE(jobs.record(i).done, jobs.record(i).first_slot);
      }
    }
  }
}

// A queue like that of §6.1.
TEST(SlotJobs, AQueueOfMpiJobsTakesTurns) {
  SlotJobs jobs(options(SlotMode::kHoarding, {{.slots = 24, .length = 100s},
                                              {.arrival = 10s, .slots = 24, .length = 100s},
                                              {.arrival = 20s, .slots = 24, .length = 100s}}));
  TestCluster cluster(jobs, {.agents = 12});
  ASSERT_TRUE(cluster.run(1h));
  EXPECT_EQ(cluster.most_live(), 48u);
  EXPECT_LT(*jobs.record(1).done - *jobs.record(1).arrived, Duration(102s));
  EXPECT_GT(*jobs.record(2).done - *jobs.record(2).arrived, Duration(179s));
}

}  // namespace
}  // namespace souk::workloads
