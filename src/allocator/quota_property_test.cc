// What quota promises, checked from outside after every decision, by working it out anew from all
// that was told and decided:
//   - Conservation: nothing is granted that is not free.
//   - Limits: no grant takes a role, with all below it, above a limit.
//   - Headroom: a grant leaves as much as all unmet guarantees need, where that much was free; it
//     makes no shortage worse.
//   - Guarantees: after one allocate(), as long as a role lacks something guaranteed and has a
//     framework that wants offers, no agent that may serve it has any of that left.
//   - No more is held back than that: what a client may have under quota is granted.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "allocator/modules.h"
#include "allocator/naive_cluster.h"

namespace souk::allocator::naive {
namespace {

std::unique_ptr<Allocator> make(const std::string& module, const Options& options, uint64_t seed) {
  return make_module(module, options, Rng(seed)).value();
}

std::string broken_conservation(const Books& books, const Grant& grant) {
  const Who who(grant.framework.value, grant.role);
  const auto agent = books.agents.find(grant.agent.value);
  if (agent == books.agents.end() || !agent->second.active) return "not an active agent";
  if (!books.wants_offers(who)) return "wants no offers";
  if (grant.resources.empty()) return "nothing";
  const auto free = books.free(grant.agent.value);
  if (!free || !free->contains(grant.resources)) return "not free";
  for (const Resource& item : grant.resources.items()) {
    if (!books.is_usable(item, who)) return "not for this role, or framework";
  }
  return books.refuses(who, grant.agent.value, grant.resources) ? "refused" : "";
}

std::string broken_limit(const Books& books, const Grant& grant) {
  for (const auto& [name, sum] : counted(grant.resources)) {
    const auto room = books.limit_room(grant.role, name);
    if (room && sum > *room) return fmt::format("only {} of {} below the limit", *room, name);
  }
  return "";
}

std::string broken_headroom(const Books& books, const Grant& grant) {
  Books after = books;
  after.grant({grant.framework.value, grant.role}, grant.agent.value, grant.resources);
  const Sums before_needed = books.needed("");
  const Sums after_needed = after.needed("");
  const Sums before_free = books.available();
  const Sums after_free = after.available();
  for (const auto& [name, sum] : counted(grant.resources)) {
    const int64_t before = amount(before_free, name) - amount(before_needed, name);
    const int64_t left = amount(after_free, name) - amount(after_needed, name);
    if (amount(after_needed, name) > 0 && left < std::min<int64_t>(before, 0)) {
      return fmt::format("leaves {} of {} beyond the headroom, of {}", left, name, before);
    }
  }
  return "";
}

// Of what a client could be given on an agent after all.
std::string forgotten(const Books& books, const Who& who, uint32_t agent) {
  const Resources offer = books.offerable(who, agent);
  if (offer.empty() || books.refuses(who, agent, offer)) return "";
  for (const auto& [name, sum] : counted(offer)) {
    if (books.guaranteed_room(who.second, name) > 0) {
      return fmt::format("{} {} lacks guaranteed {}, of which agent {} has {}", who.first,
                         who.second, name, agent, sum);
    }
  }
  return fmt::format("{} {} may have {} on agent {}", who.first, who.second, offer.to_string(),
                     agent);
}

std::string check_grant(const Books& books, const Grant& grant) {
  for (const auto check : {broken_conservation, broken_limit, broken_headroom}) {
    std::string wrong = check(books, grant);
    if (!wrong.empty()) return wrong;
  }
  return "";
}

std::string check_end(const Books& books) {
  for (const auto& [key, agent] : books.agents) {
    const auto free = books.free(key);
    if (!free && !agent.was_exceeded) return fmt::format("agent {} is given away twice", key);
    for (const auto& [who, client] : books.clients) {
      std::string wrong = forgotten(books, who, key);
      if (!wrong.empty()) return wrong;
    }
  }
  return "";
}

Options weighted() {
  Options options;
  options.role_weights = {{"a", Scalar{2000}}, {"a/b", Scalar{500}}, {"e", Scalar{1500}}};
  return options;
}

class Quotas : public testing::TestWithParam<std::string_view> {};

std::string module_name(const testing::TestParamInfo<std::string_view>& info) {
  return std::string(info.param);
}
INSTANTIATE_TEST_SUITE_P(Modules, Quotas, testing::Values("drf", "fair", "priority", "lottery"),
                         module_name);

TEST_P(Quotas, AreKeptInRandomClusters) {
  std::size_t granted = 0;
  for (uint64_t seed = 0; seed < 400 / kFewerBy; ++seed) {
    Cluster cluster(make(std::string(GetParam()), weighted(), seed), weighted(), true);
    Rng rng(seed + 1000);
    for (int i = 0; i < 150; ++i) {
      cluster.step(rng.next(), i % 50 > 25);
      if (rng.below(4) == 0) continue;  // several facts before the next decision
      ASSERT_EQ(cluster.allocate(check_grant, check_end), "") << "seed " << seed << ", step " << i;
    }
    granted += cluster.granted();
  }
  EXPECT_GT(granted, 8000 / kFewerBy);
}

// The same for the default module, from words that RapidCheck can take away one by one.
RC_GTEST_PROP(QuotaProperty, IsKept, (uint64_t seed)) {
  const auto words = *rc::gen::scale(5.0, rc::gen::arbitrary<std::vector<uint32_t>>());
  Cluster cluster(make("drf", weighted(), seed), weighted(), true);
  for (const uint32_t word : words) {
    cluster.step(word);
    const std::string wrong = cluster.allocate(check_grant, check_end);
    if (!wrong.empty()) RC_FAIL(wrong);
  }
}

// --- the same promises where they matter most, one by one
struct Small {
  explicit Small(const std::vector<std::string_view>& agents)
      : allocator(make_module("drf", Options(), Rng(1)).value()) {
    for (const std::string_view total : agents) {
      AgentFacts facts;
      facts.key = AgentKey(++last_agent);
      facts.total = bag(total);
      allocator->add_agent(facts);
    }
  }
  void framework(uint32_t key, const std::string& role) const {
    FrameworkFacts facts;
    facts.key = FrameworkKey(key);
    facts.roles = {role};
    allocator->add_framework(facts, {});
  }
  void guarantee(const std::string& role, std::string_view amounts) const {
    allocator->set_quota(role, {quantities_of(bag(amounts)), {}});
  }
  // Thousandths of CPUs that each framework is granted; it uses them.
  std::map<uint32_t, int64_t> cpus() const {
    Decisions decisions;
    allocator->allocate(at(0s), decisions);
    std::map<uint32_t, int64_t> sums;
    for (const Grant& grant : decisions.grants) {
      sums[grant.framework.value] += grant.resources.scalar(kCpus).thousandths;
      allocator->accepted(grant.framework, grant.role, grant.agent, grant.resources);
    }
    return sums;
  }

  std::unique_ptr<Allocator> allocator;
  uint32_t last_agent = 0;
};

// Agents are lost, and the guarantees cannot all be met: what there is goes to those that lack it,
// and not to nobody.
TEST(QuotaProperty, WhatIsTooLittleForAllGuaranteesIsGivenOutAllTheSame) {
  const Small small({"cpus:4;mem:4", "cpus:4;mem:4"});
  small.guarantee("a", "cpus:8;mem:8");
  small.guarantee("e", "cpus:8;mem:8");
  small.framework(1, "a");
  small.framework(2, "e");
  small.framework(3, "x");
  auto cpus = small.cpus();
  EXPECT_EQ(cpus[1], 4000);
  EXPECT_EQ(cpus[2], 4000);
  EXPECT_EQ(cpus[3], 0);
}

TEST(QuotaProperty, RemovingAGuaranteeFreesWhatWasHeldBack) {
  const Small small({"cpus:4;mem:4", "cpus:4;mem:4"});
  small.guarantee("a", "cpus:6;mem:6");
  small.framework(1, "e");
  EXPECT_EQ(small.cpus()[1], 2000);
  small.allocator->set_quota("a", {});
  EXPECT_EQ(small.cpus()[1], 6000);
}

// A guarantee of a/b is part of that of a: 6 are held back, not 10.
TEST(QuotaProperty, AGuaranteeCoversThoseBelow) {
  const Small small({"cpus:12;mem:12"});
  small.guarantee("a", "cpus:6;mem:6");
  small.guarantee("a/b", "cpus:4;mem:4");
  small.framework(1, "e");
  EXPECT_EQ(small.cpus()[1], 6000);
  small.framework(2, "a/d");
  EXPECT_EQ(small.cpus()[2], 2000);
  small.framework(3, "a/b/c");
  EXPECT_EQ(small.cpus()[3], 4000);
}

}  // namespace
}  // namespace souk::allocator::naive
