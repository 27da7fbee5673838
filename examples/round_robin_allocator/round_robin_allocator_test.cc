#include "round_robin_allocator.h"

#include <gtest/gtest.h>

#include "filters.h"
#include "souk/allocator_contract.h"

namespace round_robin {
namespace {

using namespace souk;             // NOLINT(google-build-using-namespace)
using namespace souk::allocator;  // NOLINT(google-build-using-namespace)

class Cluster {
 public:
  explicit Cluster(Options options = {})
      : allocator(make_round_robin(std::move(options), Rng(1)).value()) {}

  void add_agent(uint32_t key, const char* total = "cpus:4;mem:1024") {
    AgentFacts facts;
    facts.key = AgentKey(key);
    facts.total = Resources::parse(total).value();
    allocator->add_agent(facts);
  }
  void add_framework(uint32_t key) {
    FrameworkFacts facts;
    facts.key = FrameworkKey(key);
    facts.roles = {"*"};
    allocator->add_framework(facts, {});
  }
  // Pairs of framework and agent.
  std::vector<std::pair<uint32_t, uint32_t>> allocate() {
    Decisions decisions;
    allocator->allocate(now, decisions);
    std::vector<std::pair<uint32_t, uint32_t>> pairs;
    for (const Grant& grant : decisions.grants) {
      pairs.emplace_back(grant.framework.value, grant.agent.value);
    }
    return pairs;
  }
  void decline(uint32_t framework, uint32_t agent, Duration length,
               const char* what = "cpus:4;mem:1024") {
    allocator->recovered(FrameworkKey(framework), "*", AgentKey(agent),
                         Resources::parse(what).value(), Refusal(length), now);
  }

  std::unique_ptr<Allocator> allocator;
  Now now{MonoTime(100s), WallTime(100s)};
};

using Pairs = std::vector<std::pair<uint32_t, uint32_t>>;

TEST(RoundRobin, AgentsGoRound) {
  Cluster cluster;
  for (const uint32_t framework : {1, 2, 3}) cluster.add_framework(framework);
  for (const uint32_t agent : {1, 2, 3, 4}) cluster.add_agent(agent);
  EXPECT_EQ(cluster.allocate(), (Pairs{{1, 1}, {2, 2}, {3, 3}, {1, 4}}));
  EXPECT_EQ(cluster.allocate(), Pairs());
}

TEST(RoundRobin, WhoDeclinesAtOnceGoesBehindAllOthers) {
  Cluster cluster;
  for (const uint32_t framework : {1, 2, 3}) cluster.add_framework(framework);
  cluster.add_agent(1);
  for (const uint32_t next : {1, 2, 3, 1, 2, 3}) {
    EXPECT_EQ(cluster.allocate(), (Pairs{{next, 1}}));
    cluster.decline(next, 1, 0s);
  }
}

TEST(RoundRobin, RevivingDoesNotPay) {
  Cluster cluster;
  cluster.add_framework(1);
  cluster.add_framework(2);
  cluster.add_agent(1);
  EXPECT_EQ(cluster.allocate(), (Pairs{{1, 1}}));
  cluster.decline(1, 1, 60s);
  cluster.allocator->revive(FrameworkKey(1), {});
  EXPECT_EQ(cluster.allocate(), (Pairs{{2, 1}}));
}

TEST(RoundRobin, AFilterStandsUntilItsTime) {
  Cluster cluster;
  cluster.add_framework(1);
  cluster.add_agent(1);
  EXPECT_EQ(cluster.allocate(), (Pairs{{1, 1}}));
  cluster.decline(1, 1, 5s);
  EXPECT_EQ(cluster.allocate(), Pairs());
  EXPECT_EQ(cluster.allocator->next_deadline(), MonoTime(105s));
  std::vector<Explanation> rows;
  cluster.allocator->explain(FrameworkKey(1), {}, rows);
  ASSERT_EQ(rows.size(), 1);
  EXPECT_EQ(rows[0].obstacle, Obstacle::kRefused);
  EXPECT_EQ(rows[0].until, MonoTime(105s));
  cluster.now.mono += 5s;
  EXPECT_EQ(cluster.allocate(), (Pairs{{1, 1}}));
}

TEST(RoundRobin, MoreThanWasRefusedIsOffered) {
  Cluster cluster;
  cluster.add_framework(1);
  cluster.add_agent(1, "cpus:1;mem:1024");
  cluster.allocate();
  cluster.decline(1, 1, 1h, "cpus:1;mem:1024");
  EXPECT_EQ(cluster.allocate(), Pairs());
  AgentFacts facts;
  facts.key = AgentKey(1);
  facts.total = Resources::parse("cpus:2;mem:1024").value();
  cluster.allocator->update_agent(facts);
  EXPECT_EQ(cluster.allocate(), (Pairs{{1, 1}}));
}

TEST(RoundRobin, TakesOneOption) {
  Options options;
  options.parameters = {{"shuffle", "yes"}};
  EXPECT_TRUE(make_round_robin(options, Rng(1)).has_value());
  options.parameters = {{"shuffle", "perhaps"}};
  EXPECT_EQ(make_round_robin(options, Rng(1)).error().message,
            "shuffle is yes or no, not 'perhaps'");
  options.parameters = {{"speed", "high"}};
  EXPECT_EQ(make_round_robin(options, Rng(1)).error().message,
            "it has no option 'speed'; there is: shuffle");
}

TEST(RoundRobin, RefusesOfferConstraints) {
  EXPECT_TRUE(Cluster().allocator->check({}).has_value());
}

TEST(Filters, TooManyCollapse) {
  Filters filters;
  const Client client(FrameworkKey(1), "*");
  const Resources all = Resources::parse("cpus:4").value();
  for (uint32_t i = 0; i < kMaxFiltersPerFramework; ++i) {
    filters.add(client, AgentKey(i), {all, MonoTime(10s), 0});
  }
  const AgentKey other(UINT32_MAX);
  EXPECT_EQ(filters.against(client, other, all), nullptr);
  filters.add(client, AgentKey(7), {all, MonoTime(20s), 0});
  ASSERT_NE(filters.against(client, other, all), nullptr);
  EXPECT_EQ(filters.next(), MonoTime(20s));
  EXPECT_EQ(filters.end_due(MonoTime(20s)), std::vector<std::optional<AgentKey>>{std::nullopt});
  EXPECT_EQ(filters.against(client, other, all), nullptr);
  EXPECT_EQ(filters.next(), std::nullopt);
}

// Hundreds of random clusters, against the books of the contract test.
TEST(RoundRobin, KeepsToTheContract) {
  ContractCase test{.quota = false};  // it knows no limits
  test.options.min_allocatable = parse_alternatives("cpus:0.5|mem:32").value();
  test.options.domain = {"home", "z"};
  for (test.seed = 1; test.seed <= 200; ++test.seed) {
    test.options.parameters["shuffle"] = test.seed % 2 == 0 ? "yes" : "no";
    ASSERT_EQ(broken_contract(make_round_robin, test), std::nullopt);
  }
}

}  // namespace
}  // namespace round_robin
