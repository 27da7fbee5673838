#include "workloads/jobs.h"

#include "workloads/test_cluster.h"

namespace souk::workloads {
namespace {

namespace call = protocol::call;

Stage stage(uint64_t tasks, Duration length = 10s) {
  return {
      .tasks = tasks, .lengths = Lengths::constant(length), .demand = resources("cpus:1;mem:512")};
}

Stage preferring(std::vector<std::vector<std::string>> hosts) {
  Stage made = stage(hosts.size());
  made.preferred = std::move(hosts);
  return made;
}

JobsOptions options(std::vector<Job> jobs) {
  JobsOptions options;
  options.jobs = std::move(jobs);
  return options;
}

Offer slots(const std::string& id, const std::string& host, int many) {
  return make_offer(id, host, fmt::format("cpus:{};mem:{}", many, many * 512));
}

class Mix {
 public:
  explicit Mix(JobsOptions options) : jobs(std::move(options), Rng(1)), hand(jobs) {
    hand.subscribe();
  }
  // Offers so many slots on a host; how many were taken.
  std::size_t offer(const std::string& host, int many) {
    return Hand::tasks(hand.offer({slots("o", host, many)})).size();
  }
  Hand::Calls finish(std::size_t n) {
    return hand.update(hand.launched.at(n).id, TaskState::kFinished);
  }

  Jobs jobs;
  Hand hand;
};

TEST(Jobs, RunInStages) {
  Mix mix(options({{.stages = {stage(2), stage(0), stage(1)}}}));
  EXPECT_EQ(mix.offer("h1", 4), 2u);
  EXPECT_FALSE(mix.jobs.wants_offers());
  EXPECT_TRUE(mix.finish(0).empty());
  mix.hand.now += 5s;
  EXPECT_EQ(Hand::of<call::Revive>(mix.finish(1)).size(), 1u);
  EXPECT_EQ(mix.offer("h1", 4), 1u);
  mix.finish(2);
  EXPECT_TRUE(mix.jobs.done());
  EXPECT_EQ(mix.jobs.record(0).submitted, MonoTime(0s));
  EXPECT_EQ(mix.jobs.record(0).first_launch, MonoTime(0s));
  EXPECT_EQ(mix.jobs.record(0).finished, MonoTime(5s));
  EXPECT_EQ(mix.jobs.record(0).anywhere, 3u);
}

TEST(Jobs, ArriveInTime) {
  Mix mix(options({{.stages = {stage(1)}}, {.arrival = 30s, .stages = {stage(1)}}}));
  mix.offer("h1", 4);
  EXPECT_EQ(mix.hand.launched.size(), 1u);
  EXPECT_TRUE(mix.hand.wait(29s).empty());
  EXPECT_EQ(Hand::of<call::Revive>(mix.hand.wait(1s)).size(), 1u);
  EXPECT_EQ(mix.offer("h1", 4), 1u);
  EXPECT_EQ(mix.jobs.record(1).submitted, MonoTime(30s));
}

TEST(Jobs, FollowEachOther) {
  Mix mix(options(iterative_jobs(2, 2, stage(1), 120s)));
  mix.offer("h1", 1);
  mix.finish(0);
  EXPECT_EQ(mix.offer("h1", 1), 1u);
  EXPECT_EQ(mix.jobs.record(0).local, 1u);
  mix.hand.now += 7s;
  mix.finish(1);
  EXPECT_TRUE(mix.hand.wait(119s).empty());
  EXPECT_FALSE(mix.jobs.done());
  mix.hand.wait(1s);
  EXPECT_EQ(mix.jobs.record(1).submitted, MonoTime(127s));
}

TEST(Jobs, WithoutStagesAreDoneAtOnce) {
  Mix mix(options({{}, {.after = 0}}));
  mix.hand.wait(0s);
  EXPECT_TRUE(mix.jobs.done());
}

TEST(Jobs, ShareFairly) {
  Mix mix(options({{.stages = {stage(100)}}, {.arrival = 1s, .stages = {stage(100)}}}));
  mix.offer("h1", 4);
  mix.hand.wait(1s);
  EXPECT_EQ(mix.offer("h2", 6), 6u);
  mix.finish(0);
  // Job 0 has three running tasks now, job 1 five or six.
  EXPECT_EQ(mix.jobs.record(0).anywhere, 5u);
  EXPECT_EQ(mix.jobs.record(1).anywhere, 5u);
  mix.offer("h1", 1);
  EXPECT_EQ(mix.jobs.record(0).anywhere, 6u);
}

TEST(Jobs, OrOneAfterAnother) {
  auto o = options({{.stages = {stage(5)}}, {.stages = {stage(5)}}});
  o.order = JobOrder::kFifo;
  Mix mix(o);
  mix.offer("h1", 6);
  EXPECT_EQ(mix.jobs.record(0).anywhere, 5u);
  EXPECT_EQ(mix.jobs.record(1).anywhere, 1u);
}

TEST(Jobs, KeepToTheirSlots) {
  auto o = options({{.stages = {stage(5)}}});
  o.slots_max = 2;
  Mix mix(o);
  EXPECT_EQ(mix.offer("h1", 6), 2u);
  EXPECT_FALSE(mix.jobs.wants_offers());
  EXPECT_EQ(Hand::of<call::Revive>(mix.finish(0)).size(), 1u);
  EXPECT_EQ(mix.offer("h1", 6), 1u);
}

TEST(Jobs, OfDifferentSizesShareAnOffer) {
  Stage big = stage(2);
  big.demand = resources("cpus:3;mem:512");
  Mix mix(options({{.stages = {big}}, {.stages = {stage(5)}}}));
  EXPECT_EQ(mix.offer("h1", 5), 3u);
  EXPECT_EQ(mix.jobs.record(0).anywhere, 1u);
  EXPECT_EQ(mix.jobs.record(1).anywhere, 2u);
}

TEST(DelayedJobs, WaitForTheirHosts) {
  Stage maps = preferring({{"a", "b"}, {"a"}, {"c"}});
  maps.non_local_percent = 150;
  auto o = options({{.stages = {maps}}});
  o.delay = 5s;
  Mix mix(o);
  EXPECT_EQ(mix.offer("x", 3), 0u);
  EXPECT_EQ(mix.offer("a", 3), 2u);
  mix.hand.wait(1s);
  EXPECT_EQ(mix.offer("x", 3), 0u);
  EXPECT_TRUE(mix.hand.wait(3s).empty());
  // It asks again for what it declined.
  EXPECT_EQ(Hand::of<call::Revive>(mix.hand.wait(1s)).size(), 1u);
  EXPECT_EQ(mix.offer("x", 3), 1u);
  EXPECT_EQ(mix.jobs.record(0).local, 2u);
  EXPECT_EQ(mix.jobs.record(0).non_local, 1u);
  EXPECT_EQ(mix.hand.maker.lengths, (std::vector<Duration>{10s, 10s, 15s}));
}

TEST(DelayedJobs, LetOthersHaveWhatTheyPassBy) {
  auto o = options({{.stages = {preferring({{"a"}})}}, {.stages = {stage(1)}}});
  o.delay = 5s;
  Mix mix(o);
  EXPECT_EQ(mix.offer("x", 3), 1u);
  EXPECT_EQ(mix.jobs.record(1).anywhere, 1u);
}

TEST(Jobs, RunLostTasksWhereTheirDataIs) {
  auto o = options({{.stages = {preferring({{"a"}})}}});
  o.delay = 5s;
  Mix mix(o);
  mix.offer("a", 1);
  const auto calls = mix.hand.update(mix.hand.launched[0].id, TaskState::kUnreachable);
  EXPECT_EQ(Hand::of<call::Revive>(calls).size(), 1u);
  EXPECT_EQ(mix.offer("x", 1), 0u);
  EXPECT_EQ(mix.offer("a", 1), 1u);
  mix.finish(1);
  EXPECT_TRUE(mix.jobs.done());
  EXPECT_EQ(mix.jobs.record(0).lost, 1u);
}

TEST(Jobs, HaveTheSameLengthsWhereverTheyRun) {
  Stage random = stage(20);
  random.lengths = Lengths::exponential(10s);
  const auto sorted_lengths = [&](int at_once) {
    auto o = options({{.stages = {random}}, {.stages = {random}}});
    Mix mix(o);
    while (!mix.jobs.done()) {
      const std::size_t before = mix.hand.launched.size();
      mix.offer("h", at_once);
      for (std::size_t i = before; i < mix.hand.launched.size(); ++i) mix.finish(i);
    }
    auto lengths = mix.hand.maker.lengths;
    std::ranges::sort(lengths);
    return lengths;
  };
  EXPECT_EQ(sorted_lengths(1), sorted_lengths(7));
}

// Two scans of blocks that lie on one host each, and a few reduces.
JobsOptions scan(Duration delay, uint64_t seed) {
  Rng rng(seed);
  std::vector<std::vector<std::string>> blocks(300);
  for (auto& hosts : blocks) hosts = {TestCluster::host(rng.below(20))};
  Stage maps = preferring(std::move(blocks));
  maps.lengths = Lengths::exponential(4s);
  auto o = options({{.stages = {maps, stage(5)}}, {.arrival = 20s, .stages = {maps}}});
  o.delay = delay;
  return o;
}

double local_part(Duration delay) {
  Jobs jobs(scan(delay, 1), Rng(1));
  TestCluster cluster(jobs, {.agents = 20, .each = "cpus:2;mem:1024"});
  EXPECT_TRUE(cluster.run(1h));
  double local = 0;
  double all = 0;
  for (std::size_t i = 0; i < jobs.jobs(); ++i) {
    local += static_cast<double>(jobs.record(i).local);
    all += static_cast<double>(jobs.record(i).local + jobs.record(i).non_local);
  }
  EXPECT_EQ(all, 600);
  return local / all;
}

TEST(DelayedJobs, AreMoreLocalTheLongerTheyWait) {
  const double none = local_part(0s);
  const double short_delay = local_part(1s);
  const double long_delay = local_part(5s);
  EXPECT_LT(none, short_delay);
  EXPECT_LT(short_delay, long_delay);
  EXPECT_GT(long_delay, 0.9);
}

TEST(Jobs, FinishUnderFaults) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    auto o = scan(seed % 2 == 0 ? 0s : 5s, seed);
    for (Job& job : iterative_jobs(3, 3, stage(10), 10s)) {
      if (job.after) *job.after += 2;
      o.jobs.push_back(std::move(job));
    }
    Jobs jobs(std::move(o), Rng(seed));
    TestCluster cluster(jobs, {.agents = 6, .faults = Faults::all(), .seed = seed});
    ASSERT_TRUE(cluster.run(4h)) << "seed " << seed;
    EXPECT_EQ(jobs.totals().finished, 2 * 300u + 5 + 3 * 30u);
    EXPECT_GT(jobs.totals().lost, 0u);
  }
}

TEST(Jobs, DoTheSameAgain) {
  const auto run = [](uint64_t seed) {
    Jobs jobs(scan(5s, 1), Rng(seed));
    TestCluster cluster(jobs, {.agents = 6, .faults = Faults::all()});
    cluster.run(4h);
    return cluster.digest();
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

}  // namespace
}  // namespace souk::workloads
