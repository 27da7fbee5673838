#include "workloads/mixes.h"

#include <map>
#include <set>

#include "workloads/test_cluster.h"

namespace souk::workloads {
namespace {

TEST(Mixes, BlocksLieOnDifferentHosts) {
  const std::vector<std::string> hosts = {"a", "b", "c", "d"};
  std::map<std::string, int> held;
  for (const auto& block : spread_blocks(1000, hosts, 3, Rng(1))) {
    EXPECT_EQ(std::set(block.begin(), block.end()).size(), 3u);
    for (const std::string& host : block) ++held[host];
  }
  EXPECT_EQ(held.size(), 4u);
  for (const auto& [host, blocks] : held) EXPECT_NEAR(blocks, 750, 75) << host;
}

TEST(Mixes, FewHostsHoldAllBlocks) {
  EXPECT_EQ(spread_blocks(1, {"a"}, 3, Rng(1)).at(0), std::vector<std::string>{"a"});
  EXPECT_EQ(spread_blocks(1, {}, 3, Rng(1)), std::vector<std::vector<std::string>>(1));
}

FacebookMix mix() {
  return {.demand = resources("cpus:1;mem:512"),
          .selection = Lengths::constant(15s),
          .text_search = Lengths::constant(20s),
          .aggregation = Lengths::constant(25s),
          .join = Lengths::constant(40s),
          .reduce = Lengths::constant(30s),
          .hosts = {"h0", "h1", "h2", "h3"}};
}

TEST(Mixes, FacebooksIsAsInThePaper) {
  const auto jobs = facebook_mix(mix(), Rng(1));
  ASSERT_EQ(jobs.size(), 100u);
  std::map<std::string, int> kinds;
  uint64_t maps = 0;
  uint64_t reduces = 0;
  for (const Job& job : jobs) {
    ++kinds[job.kind];
    maps += job.stages.at(0).tasks;
    if (job.stages.size() > 1) reduces += job.stages[1].tasks;
    EXPECT_EQ(job.stages[0].preferred.size(), job.stages[0].tasks);
  }
  EXPECT_EQ(
      kinds,
      (std::map<std::string, int>{
          {"1", 38}, {"2", 18}, {"3", 14}, {"4", 12}, {"5", 6}, {"6", 6}, {"7", 4}, {"8", 2}}));
  EXPECT_EQ(maps, 38u + 2 * 18 + 10 * 14 + 50 * 12 + 100 * 6 + 200 * 6 + 400 * 4 + 400 * 2);
  EXPECT_EQ(reduces, 2u * 14 + 10 * 6 + 30 * 2);
  // About 25 minutes; a hundred exponential ones differ by a tenth or two.
  EXPECT_NEAR(to_seconds(jobs.back().arrival), 99 * 14, 500);
}

TEST(Mixes, FacebooksRunsToItsEnd) {
  Jobs jobs({.jobs = facebook_mix(mix(), Rng(1)), .delay = 5s}, Rng(1));
  TestCluster cluster(jobs, {.agents = 24});
  ASSERT_TRUE(cluster.run(24h));
  EXPECT_EQ(jobs.totals().finished, jobs.totals().launched);
}

}  // namespace
}  // namespace souk::workloads
