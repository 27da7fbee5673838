#include "allocator/filters.h"

#include <gtest/gtest.h>

namespace souk::allocator {
namespace {

constexpr MonoTime at(Duration since) { return MonoTime(since); }

std::shared_ptr<const Resources> bag(std::string_view text) {
  return std::make_shared<const Resources>(Resources::parse(text).value());
}

struct Filtering : ::testing::Test {
  void SetUp() override { set = &table.open(client); }
  void TearDown() override { EXPECT_EQ(table.broken_invariant(), std::nullopt); }

  ClientId client{1};
  AgentKey agent{7};
  FilterTable table;
  FilterSet* set = nullptr;
};

TEST_F(Filtering, StopsSubsetsOnThatAgentOnly) {
  table.add(client, agent, bag("cpus:2;mem:10"), at(5s));
  EXPECT_TRUE(set->stops(agent, *bag("cpus:2;mem:10")));
  EXPECT_TRUE(set->stops(agent, *bag("cpus:1")));
  EXPECT_FALSE(set->stops(agent, *bag("cpus:3")));
  EXPECT_FALSE(set->stops(agent, *bag("cpus:1;disk:1")));
  EXPECT_FALSE(set->stops(AgentKey(8), *bag("cpus:1")));
}

TEST_F(Filtering, EndsExactlyAtItsTime) {
  table.add(client, agent, bag("cpus:2"), at(5s));
  EXPECT_EQ(table.next(), at(5s));
  EXPECT_FALSE(table.end_due(at(5s - 1ns)).has_value());
  const auto ended = table.end_due(at(5s));
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->client, client);
  EXPECT_EQ(ended->agent, agent);
  EXPECT_FALSE(set->stops(agent, *bag("cpus:1")));
  EXPECT_EQ(table.next(), std::nullopt);
}

TEST_F(Filtering, AWiderOrLongerRefusalReplacesANarrowerOne) {
  table.add(client, agent, bag("cpus:1"), at(5s));
  table.add(client, agent, bag("cpus:2"), at(9s));
  EXPECT_EQ(set->size(), 1u);
  EXPECT_EQ(table.next(), at(9s));
  table.add(client, agent, bag("cpus:2"), at(3s));
  EXPECT_EQ(set->size(), 1u) << "adds nothing";
  table.add(client, agent, bag("cpus:4"), at(4s));
  EXPECT_EQ(set->size(), 2u) << "neither covers the other";
  EXPECT_TRUE(table.end_due(at(4s)).has_value());
  EXPECT_FALSE(set->stops(agent, *bag("cpus:4")));
  EXPECT_TRUE(set->stops(agent, *bag("cpus:2")));
}

TEST_F(Filtering, ForgottenFiltersLeaveNoDeadline) {
  FilterSet& other = table.open(ClientId(2));
  table.add(client, agent, bag("cpus:1"), at(1s));
  table.add(ClientId(2), agent, bag("cpus:1"), at(2s));
  table.add(ClientId(2), AgentKey(8), bag("cpus:1"), at(3s));
  table.forget(client);
  EXPECT_EQ(table.next(), at(2s));
  table.forget(agent);
  EXPECT_EQ(table.next(), at(3s));
  EXPECT_EQ(other.size(), 1u);
  table.close(ClientId(2));
  EXPECT_EQ(table.next(), std::nullopt);
}

TEST_F(Filtering, CollapsedFiltersHoldEverywhereUntilTheLatestEnds) {
  table.add(client, agent, bag("cpus:1"), at(5s));
  table.add(client, AgentKey(8), bag("cpus:1"), at(9s));
  table.collapse(client);
  EXPECT_EQ(set->size(), 0u);
  EXPECT_TRUE(set->stops(AgentKey(99), *bag("disk:1")));
  EXPECT_EQ(table.next(), at(9s));
  table.add(client, agent, bag("cpus:1"), at(7s));
  table.collapse(client);
  EXPECT_EQ(set->everywhere(), at(9s)) << "a second time the latest still counts";
  const auto ended = table.end_due(at(9s));
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->agent, std::nullopt);
  EXPECT_FALSE(set->stops(AgentKey(99), *bag("disk:1")));
}

TEST_F(Filtering, RefusingForAYearAndRevivingAgainAndAgainFillsNothing) {
  for (int i = 0; i < 10'000; ++i) {
    table.add(client, AgentKey(static_cast<uint32_t>(i)), bag("cpus:1"), at(8760h + i * 1ns));
    table.forget(client);
    EXPECT_EQ(table.next(), std::nullopt);
  }
  // The same behind a live one.
  table.open(ClientId(2));
  table.add(ClientId(2), agent, bag("cpus:1"), at(1s));
  for (int i = 0; i < 10'000; ++i) {
    table.add(client, AgentKey(static_cast<uint32_t>(i)), bag("cpus:1"), at(8760h + i * 1ns));
    table.forget(client);
  }
  EXPECT_LT(table.ends(), 100u);
}

}  // namespace
}  // namespace souk::allocator
