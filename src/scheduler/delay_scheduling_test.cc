#include "scheduler/delay_scheduling.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <algorithm>

#include "base/rng.h"

namespace souk::scheduler {
namespace {

using Locality = DelayScheduling::Locality;
using Placed = DelayScheduling::Placed;

MonoTime at(Duration d) { return MonoTime(d); }

TEST(DelayScheduling, PlacesTasksOnTheirHostsInTheirOrder) {
  DelayScheduling job(5s);
  job.add(1, {"a", "b"});
  job.add(2, {"b", "c"});
  EXPECT_EQ(job.place("b", at(0s)), (Placed{1, Locality::kLocal}));
  EXPECT_EQ(job.place("b", at(0s)), (Placed{2, Locality::kLocal}));
  EXPECT_EQ(job.place("b", at(0s)), std::nullopt);
  EXPECT_TRUE(job.empty());
}

TEST(DelayScheduling, PassesOtherHostsByUntilItHasWaited) {
  DelayScheduling job(5s);
  job.add(1, {"a"});
  job.add(2, {"a"});
  EXPECT_EQ(job.next_deadline(), std::nullopt);
  EXPECT_EQ(job.place("x", at(10s)), std::nullopt);
  EXPECT_EQ(job.next_deadline(), at(15s));
  EXPECT_EQ(job.place("y", at(12s)), std::nullopt);
  EXPECT_EQ(job.next_deadline(), at(15s));
  EXPECT_EQ(job.place("x", at(15s) - Duration(1)), std::nullopt);
  EXPECT_EQ(job.place("x", at(15s)), (Placed{1, Locality::kNonLocal}));
  // It stays impatient: the next one does not wait.
  EXPECT_EQ(job.next_deadline(), std::nullopt);
  EXPECT_EQ(job.place("x", at(15s)), (Placed{2, Locality::kNonLocal}));
}

TEST(DelayScheduling, WaitsFromAnewAfterALocalTask) {
  DelayScheduling job(5s);
  for (DelayScheduling::Task task = 1; task <= 4; ++task) job.add(task, {"a"});
  job.place("x", at(0s));
  EXPECT_EQ(job.place("a", at(4s)), (Placed{1, Locality::kLocal}));
  EXPECT_EQ(job.next_deadline(), std::nullopt);
  EXPECT_EQ(job.place("x", at(6s)), std::nullopt);
  EXPECT_EQ(job.next_deadline(), at(11s));
  EXPECT_EQ(job.place("x", at(11s)), (Placed{2, Locality::kNonLocal}));
  EXPECT_TRUE(job.takes_any());
  EXPECT_EQ(job.place("a", at(12s)), (Placed{3, Locality::kLocal}));
  EXPECT_FALSE(job.takes_any());
  EXPECT_EQ(job.place("x", at(12s)), std::nullopt);
}

TEST(DelayScheduling, TellsWhenItHasWaitedLongEnough) {
  DelayScheduling job(5s);
  job.add(1, {"a"});
  job.place("x", at(0s));
  job.advance(at(4s));
  EXPECT_FALSE(job.takes_any());
  job.advance(at(5s));
  EXPECT_TRUE(job.takes_any());
  EXPECT_EQ(job.next_deadline(), std::nullopt);
}

TEST(DelayScheduling, WithoutDelayAnyHostDoes) {
  DelayScheduling job(0s);
  job.add(1, {"a"});
  job.add(2, {"x"});
  EXPECT_EQ(job.place("x", at(0s)), (Placed{2, Locality::kLocal}));
  EXPECT_EQ(job.place("x", at(0s)), (Placed{1, Locality::kNonLocal}));
}

TEST(DelayScheduling, TasksWithoutWishesRunAnywhereAtOnce) {
  DelayScheduling job(5s);
  job.add(1, {"a"});
  job.add(2, {});
  EXPECT_EQ(job.place("x", at(0s)), (Placed{2, Locality::kAnywhere}));
  EXPECT_EQ(job.place("x", at(0s)), std::nullopt);
  EXPECT_EQ(job.waiting(), 1u);
}

TEST(DelayScheduling, NobodyWaitsForWhatWasRemoved) {
  DelayScheduling job(5s);
  job.add(1, {"a", "a"});
  job.place("x", at(0s));
  job.remove(1);
  job.remove(7);
  EXPECT_EQ(job.next_deadline(), std::nullopt);
  EXPECT_EQ(job.place("a", at(9s)), std::nullopt);
  job.add(1, {"b"});
  EXPECT_EQ(job.place("a", at(9s)), std::nullopt);
  EXPECT_EQ(job.next_deadline(), at(14s));
}

TEST(DelayScheduling, ATaskThatIsAddedAgainIsReplaced) {
  DelayScheduling job(5s);
  job.add(1, {"a"});
  job.add(1, {"b"});
  EXPECT_EQ(job.place("a", at(0s)), std::nullopt);
  EXPECT_EQ(job.place("b", at(0s)), (Placed{1, Locality::kLocal}));
}

TEST(DelayScheduling, OfSeveralOffersTheLocalOnesComeFirst) {
  DelayScheduling job(0s);
  job.add(1, {"b"});
  job.add(2, {"c"});
  job.add(3, {"b"});
  const auto assigned = job.place({{"a", 1}, {"b", 1}, {"c", 5}}, at(0s));
  const std::vector<DelayScheduling::Assignment> expected = {
      {1, {1, Locality::kLocal}}, {2, {2, Locality::kLocal}}, {0, {3, Locality::kNonLocal}}};
  EXPECT_EQ(assigned, expected);
}

// The definition, worked out anew for each question.
class Naive {
 public:
  explicit Naive(Duration delay) : delay_(delay) {}
  void add(DelayScheduling::Task task, std::vector<std::string> hosts) {
    remove(task);
    tasks_[task] = std::move(hosts);
  }
  void remove(DelayScheduling::Task task) {
    if (tasks_.erase(task) > 0) forget_wait();
  }
  std::optional<Placed> place(const std::string& host, MonoTime now) {
    for (const auto& [task, hosts] : tasks_) {
      if (std::ranges::find(hosts, host) == hosts.end()) continue;
      skipped_.reset();
      return taken({task, Locality::kLocal});
    }
    for (const auto& [task, hosts] : tasks_) {
      if (hosts.empty()) return taken({task, Locality::kAnywhere});
    }
    if (tasks_.empty()) return std::nullopt;
    if (!skipped_) skipped_ = now;
    if (now - *skipped_ < delay_) return std::nullopt;
    return taken({tasks_.begin()->first, Locality::kNonLocal});
  }

 private:
  std::optional<Placed> taken(Placed placed) {
    remove(placed.task);
    return placed;
  }
  void forget_wait() {
    if (std::ranges::all_of(tasks_, [](const auto& each) { return each.second.empty(); })) {
      skipped_.reset();
    }
  }
  const Duration delay_;
  std::map<DelayScheduling::Task, std::vector<std::string>> tasks_;
  std::optional<MonoTime> skipped_;
};

RC_GTEST_PROP(DelayScheduling, DecidesLikeItsDefinition, (uint64_t seed)) {
  Rng rng(seed);
  const Duration delay = std::chrono::seconds(rng.below(4));
  DelayScheduling job(delay);
  Naive naive(delay);
  MonoTime now{};
  const auto host = [&] { return "h" + std::to_string(rng.below(6)); };
  for (int i = 0; i < 200; ++i) {
    now += std::chrono::milliseconds(rng.below(700));
    const DelayScheduling::Task task = rng.below(20);
    if (rng.below(2) == 0) {
      std::vector<std::string> hosts(rng.below(4));
      for (std::string& each : hosts) each = host();
      job.add(task, hosts);
      naive.add(task, hosts);
    } else if (rng.below(8) == 0) {
      job.remove(task);
      naive.remove(task);
    } else {
      const std::string where = host();
      RC_ASSERT(job.place(where, now) == naive.place(where, now));
    }
    if (rng.below(4) != 0) continue;
    job.advance(now);
    if (const auto due = job.next_deadline()) RC_ASSERT((*due > now && *due <= now + delay));
  }
}

}  // namespace
}  // namespace souk::scheduler
