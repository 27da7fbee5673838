#include "sim/replay.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <map>
#include <string>

namespace souk::sim {
namespace {

Trace trace_of(std::string_view text) {
  auto trace = parse_trace_json(text);
  EXPECT_TRUE(trace.has_value()) << trace.error().message;
  const auto done = complete(*trace);
  EXPECT_TRUE(done.has_value()) << done.error().message;
  return std::move(*trace);
}

// `cluster` and `jobs` without their brackets.
Trace small(std::string_view agents, std::string_view jobs, std::string_view more = "") {
  return trace_of(
      fmt::format(R"({{"cluster": {{"agents": [{}]}}, "jobs": [{}]{}}})", agents, jobs, more));
}

Report run(const Trace& trace, ReplayOptions options = {}) {
  if (options.allocation.min_allocatable.empty()) {
    options.allocation.min_allocatable = parse_alternatives("cpus:0.01|mem:32").value();
  }
  auto report = replay(trace, options);
  EXPECT_TRUE(report.has_value()) << report.error().message;
  return std::move(*report);
}

double seconds(const std::optional<Duration>& time) { return time ? to_seconds(*time) : -1; }

TEST(Replay, AJobTakesAsLongAsItsStages) {
  const Report report = run(small(R"({"count": 2, "resources": "cpus:2;mem:1024"})",
                                  R"({"framework": "a", "arrival": 100, "stages": [
           {"tasks": 8, "duration": 10, "demand": "cpus:1;mem:64"},
           {"tasks": 1, "duration": 5, "demand": "cpus:2;mem:64"}]})"));
  ASSERT_EQ(report.jobs.size(), 1u);
  const ReplayJob& job = report.jobs[0];
  EXPECT_EQ(report.end, Report::End::kAllDone);
  EXPECT_NEAR(seconds(job.wait()), 0, 0.1);
  // Eight tasks on four slots, and what starting them takes.
  EXPECT_NEAR(seconds(job.completion()), 25, 0.5);
  EXPECT_EQ(job.alone, 15s);
  EXPECT_NEAR(job.slowdown().value(), 25.0 / 15, 0.05);
  EXPECT_EQ(report.frameworks[0].tasks_finished, 9u);
  // Nothing but start-up is lost: 90 of 125 s times four.
  const ReplaySample whole = report.whole();
  EXPECT_NEAR(report.utilization(whole, 0), 90.0 / (4 * 125), 0.01);
  EXPECT_NEAR(whole.mean(whole.idle[0].no_work) / 4000, (4 * 100 + 10.0) / (4 * 125), 0.02);
}

TEST(Replay, FrameworksShareAsTheAllocatorSays) {
  const std::string jobs = R"(
    {"framework": "a", "tasks": 400, "duration": 10, "demand": "cpus:1;mem:64"},
    {"framework": "b", "tasks": 400, "duration": 10, "demand": "cpus:1;mem:64"})";
  const std::string frameworks = R"(, "frameworks": [
    {"name": "a", "role": "ra"}, {"name": "b", "role": "rb"}])";
  const std::string agents = R"({"count": 4, "resources": "cpus:2;mem:1024"})";
  // Until both have their first tasks, whoever came first has all.
  const auto shares = [&](const Report& report) {
    ReplaySample middle = report.samples[100];
    for (std::size_t i = 101; i < 300; ++i) middle.join(report.samples[i]);
    return std::pair(report.dominant_share(middle, 0), report.dominant_share(middle, 1));
  };
  const ReplayOptions every_second{.until = 400s, .sample = 1s};
  const auto even = shares(run(small(agents, jobs, frameworks), every_second));
  EXPECT_NEAR(even.first, 0.5, 0.02);
  EXPECT_NEAR(even.second, 0.5, 0.02);
  const auto weighted = shares(
      run(small(agents, jobs, frameworks + R"(, "roles": {"ra": {"weight": 3}})"), every_second));
  EXPECT_NEAR(weighted.first, 0.75, 0.02);
  EXPECT_NEAR(weighted.second, 0.25, 0.02);
  ReplayOptions priority = every_second;
  priority.allocator = "priority";
  const auto levels = shares(
      run(small(agents, jobs, frameworks + R"(, "roles": {"rb": {"priority": 1}})"), priority));
  EXPECT_LT(levels.first, 0.02);
  EXPECT_GT(levels.second, 0.97);
  const auto limited = shares(run(
      small(agents, jobs, frameworks + R"(, "roles": {"ra": {"limit": "cpus:1"}})"), every_second));
  EXPECT_NEAR(limited.first, 1.0 / 8, 0.01);
}

// Options go before what the trace says.
TEST(Replay, WeightsOfTheOptionsHold) {
  ReplayOptions options{.until = 300s, .sample = 300s};
  options.allocation.role_weights = {{"ra", Scalar{1000}}};
  const Report report = run(small(R"({"count": 4, "resources": "cpus:2;mem:1024"})", R"(
    {"framework": "a", "tasks": 400, "duration": 10, "demand": "cpus:1;mem:64"},
    {"framework": "b", "tasks": 400, "duration": 10, "demand": "cpus:1;mem:64"})",
                                  R"(, "frameworks": [
    {"name": "a", "role": "ra"}, {"name": "b"}], "roles": {"ra": {"weight": 100}})"),
                            options);
  EXPECT_NEAR(report.dominant_share(report.samples[0], 0), 0.5, 0.03);
}

TEST(Replay, TellsIdleThatIsTooSmallFromNoWork) {
  const Report report = run(small(R"({"count": 3, "resources": "cpus:4;mem:1024"})", R"(
    {"framework": "a", "tasks": 6, "duration": 100, "demand": "cpus:3;mem:64"})"));
  // Two rounds with one CPU of each host left.
  const ReplaySample whole = report.whole();
  EXPECT_NEAR(report.utilization(whole, 0), 0.75, 0.01);
  EXPECT_NEAR(whole.mean(whole.idle[0].too_small) / 12000, 0.125, 0.01);
  EXPECT_NEAR(whole.mean(whole.idle[0].no_work) / 12000, 0.125, 0.01);
}

TEST(Replay, PreferredHostsAreWaitedFor) {
  const auto wait = [](int locality_wait) {
    const Report report = run(small(R"({"count": 2, "resources": "cpus:1;mem:1024"})", R"(
      {"framework": "b", "duration": 60, "demand": "cpus:1;mem:64", "hosts": ["node1"]},
      {"framework": "a", "arrival": 5, "duration": 1, "demand": "cpus:1;mem:64", "hosts": ["node1"]})",
                                    fmt::format(R"(, "frameworks": [
      {{"name": "a", "locality_wait": {}, "refuse": 1}}, {{"name": "b"}}])",
                                                locality_wait)));
    return seconds(report.jobs[1].wait());
  };
  EXPECT_NEAR(wait(20), 20, 1.5);
  EXPECT_NEAR(wait(500), 55, 1.5);
  EXPECT_NEAR(wait(0), 0, 0.1);
}

TEST(Replay, GpusAreOfferedToWhoWantsThem) {
  const Report report = run(small(R"({"resources": "cpus:2;mem:1024;gpus:2"},
                                     {"resources": "cpus:1;mem:1024"})",
                                  R"(
    {"framework": "plain", "tasks": 4, "duration": 10, "demand": "cpus:1;mem:64"},
    {"framework": "train", "duration": 10, "demand": "cpus:1;mem:64;gpus:2"})"));
  EXPECT_EQ(report.end, Report::End::kAllDone);
  EXPECT_NEAR(seconds(report.jobs[0].completion()), 40, 1);  // on one CPU
  EXPECT_NEAR(seconds(report.jobs[1].completion()), 10, 1);
}

TEST(Replay, RevokedTasksRunAgain) {
  // Who declines leftovers counts as one who refuses, and waits for nothing.
  ReplayOptions options;
  options.allocation.min_allocatable = parse_alternatives("cpus:1").value();
  options.allocation.revocation_delay = 10s;
  options.allocation.revocation_grace = 5s;
  const Trace trace = small(R"({"count": 2, "resources": "cpus:2;mem:1024"})", R"(
    {"framework": "long", "tasks": 4, "duration": 1000, "demand": "cpus:1;mem:64"},
    {"framework": "new", "arrival": 100, "tasks": 2, "duration": 10, "demand": "cpus:1;mem:64"})");
  const Report with = run(trace, options);
  EXPECT_EQ(with.frameworks[0].tasks_lost, 2u);
  EXPECT_EQ(with.frameworks[0].tasks_finished, 4u);
  EXPECT_NEAR(seconds(with.jobs[1].wait()), 15, 2);
  const Report without = run(trace);
  EXPECT_EQ(without.frameworks[0].tasks_lost, 0u);
  EXPECT_NEAR(seconds(without.jobs[1].wait()), 900, 2);
}

TEST(Replay, StopsWhenItIsTold) {
  const Trace trace = small(R"({"resources": "cpus:1;mem:1024"})", R"(
    {"framework": "a", "tasks": 10, "duration": 10, "demand": "cpus:1;mem:64"})");
  const Report report = run(trace, {.until = 35s, .sample = 10s});
  EXPECT_EQ(report.end, Report::End::kUntil);
  EXPECT_EQ(report.length, 35s);
  ASSERT_EQ(report.samples.size(), 4u);
  EXPECT_EQ(report.samples.back().begin, 30s);
  EXPECT_FALSE(report.jobs[0].done.has_value());
  EXPECT_EQ(report.frameworks[0].tasks_finished, 3u);
}

// A guarantee for somebody who never comes holds everything back.
TEST(Replay, NoticesThatNothingWillEverRun) {
  const Report report = run(small(R"({"resources": "cpus:1;mem:1024"})", R"(
    {"framework": "a", "duration": 10, "demand": "cpus:1;mem:64"})",
                                  R"(, "roles": {"nobody": {"guarantee": "cpus:1"}})"));
  EXPECT_EQ(report.end, Report::End::kStuck);
  EXPECT_FALSE(report.jobs[0].started.has_value());
  EXPECT_LT(report.length, 3h);
}

TEST(Replay, SamplesAreJoinedWhereThereAreTooMany) {
  const Report report = run(small(R"({"resources": "cpus:1;mem:1024"})", R"(
    {"framework": "a", "tasks": 50, "duration": 100, "demand": "cpus:1;mem:64"})"));
  EXPECT_LE(report.samples.size(), kAutoSamples);
  EXPECT_GT(report.samples.size(), kAutoSamples / 4);
  Duration end{0};
  for (const ReplaySample& sample : report.samples) {
    EXPECT_EQ(sample.begin, end);
    end = sample.end;
    EXPECT_LE(sample.end - sample.begin, report.interval);
  }
  EXPECT_EQ(end, report.length);
  EXPECT_NEAR(report.utilization(report.whole(), 0), 1, 0.01);
}

TEST(Replay, RefusesWhatItCannotRun) {
  const Trace trace = small(R"({"resources": "cpus:1"})", R"(
    {"framework": "a", "duration": 10, "demand": "cpus:1"})");
  EXPECT_FALSE(replay(trace, {.allocator = "nobody"}).has_value());
  EXPECT_FALSE(replay(trace, {.allocator = "./mine.so"}).has_value());
  EXPECT_FALSE(replay(trace, {.sample = 0s}).has_value());
  EXPECT_FALSE(replay(trace, {.until = 0s}).has_value());
}

TEST(Percentile, IsByRank) {
  EXPECT_EQ(percentile<Duration>({}, 50), std::nullopt);
  EXPECT_EQ(percentile<int>({3, 1, 2}, 50), 2);
  EXPECT_EQ(percentile<int>({3, 1, 2, 4}, 50), 2);
  EXPECT_EQ(percentile<int>({3, 1, 2, 4}, 95), 4);
  EXPECT_EQ(percentile<int>({1, 2}, 0), 1);
}

// --- whatever is replayed

Trace random_trace() {
  const auto pick = [](int least, int most) { return *rc::gen::inRange(least, most + 1); };
  Trace trace;
  const int groups = pick(1, 3);
  for (int i = 0; i < groups; ++i) {
    trace.agents.push_back({.count = static_cast<uint64_t>(pick(1, 5)),
                            .resources = Resources::parse(fmt::format("cpus:{};mem:{}", pick(4, 16),
                                                                      pick(4096, 16384)))
                                             .value(),
                            .hostname = fmt::format("g{}-", i)});
  }
  const int frameworks = pick(1, 4);
  for (int i = 0; i < frameworks; ++i) {
    TraceFramework framework{.name = fmt::format("f{}", i), .role = fmt::format("r{}", pick(0, 2))};
    framework.order = static_cast<workloads::JobOrder>(pick(0, 1));
    if (pick(0, 3) == 0) framework.max_running = pick(1, 9);
    trace.frameworks.push_back(framework);
  }
  for (int i = 0; i < 3; ++i) {
    TraceRole role{
        .name = fmt::format("r{}", i), .weight = Scalar{1000 * pick(1, 4)}, .priority = i};
    if (pick(0, 2) == 0) role.quota.limits = {{"cpus", Scalar{1000 * pick(4, 20)}}};
    trace.roles.push_back(role);
  }
  const int jobs = pick(1, 12);
  for (int i = 0; i < jobs; ++i) {
    TraceJob job{.framework = trace.frameworks[pick(0, frameworks - 1)].name,
                 .arrival = Duration(1s) * pick(0, 300)};
    const int stages = pick(1, 3);
    for (int k = 0; k < stages; ++k) {
      job.stages.push_back(
          {.tasks = static_cast<uint64_t>(pick(1, 20)),
           .lengths = workloads::Lengths::exponential(Duration(1s) * pick(0, 60)),
           .demand = Resources::parse(fmt::format("cpus:{};mem:{}", pick(1, 4), pick(64, 4096)))
                         .value()});
    }
    if (pick(0, 2) == 0) job.stages[0].hosts = {"g0-1"};
    trace.jobs.push_back(std::move(job));
  }
  return trace;
}

// Nobody has more than there is, what is not used is accounted for, every task of every job ends,
// and another run says the same.
RC_GTEST_PROP(ReplayProperty, AddsUp, ()) {
  Trace trace = random_trace();
  RC_ASSERT(complete(trace).has_value());
  ReplayOptions options{
      .allocator = *rc::gen::element<std::string>("drf", "fair", "priority", "lottery"),
      .seed = *rc::gen::inRange<uint64_t>(0, 1000),
      .sample = 7s};
  if (*rc::gen::arbitrary<bool>()) options.allocation.revocation_delay = 20s;
  const auto report = replay(trace, options);
  RC_ASSERT(report.has_value());
  RC_ASSERT(report->end == Report::End::kAllDone);
  for (const ReplaySample& sample : report->samples) {
    const UsageSum length = (sample.end - sample.begin).count();
    for (std::size_t i = 0; i < report->resources.size(); ++i) {
      UsageSum used = 0;
      for (const auto& framework : sample.held) {
        RC_ASSERT(framework[i] >= 0);
        used += framework[i];
      }
      RC_ASSERT(used <= report->totals[i] * length);
      const Usage::Idle& idle = sample.idle[i];
      RC_ASSERT(idle.no_work + idle.too_small + idle.other <= report->totals[i] * length);
    }
  }
  std::map<std::size_t, uint64_t> tasks;
  for (const ReplayJob& job : report->jobs) {
    RC_ASSERT(job.done.has_value());
    RC_ASSERT(job.arrival <= *job.started);
    RC_ASSERT(*job.started + job.alone <= *job.done);
    tasks[job.framework] += job.tasks;
  }
  for (const auto& [framework, count] : tasks) {
    RC_ASSERT(report->frameworks[framework].tasks_finished == count);
  }
  RC_ASSERT(replay(trace, options)->digest == report->digest);
}

}  // namespace
}  // namespace souk::sim
