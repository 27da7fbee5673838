// A small cluster on the engine, for its tests: checks the books after every step.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/engine.h"

namespace souk::allocator {

inline Now at(Duration since) { return {MonoTime(since), WallTime(since)}; }

inline Resources bag(std::string_view text) {
  auto resources = Resources::parse(text);
  EXPECT_TRUE(resources.has_value()) << text;
  return resources.value_or(Resources());
}

struct Cluster {
  explicit Cluster(Options options = {}, uint64_t seed = 1,
                   Engine::Policy policy = Engine::Policy::kDrf)
      : drf(policy, std::move(options), Rng(seed)) {}

  static AgentFacts agent_facts(uint32_t key, const Resources& total) {
    AgentFacts facts;
    facts.key = AgentKey(key);
    facts.total = total;
    return facts;
  }
  static FrameworkFacts framework_facts(uint32_t key, std::vector<std::string> roles = {"*"},
                                        const std::vector<Capability>& capabilities = {}) {
    FrameworkFacts facts;
    facts.key = FrameworkKey(key);
    facts.roles = std::move(roles);
    for (const Capability capability : capabilities) facts.capabilities.add(capability);
    return facts;
  }

  void agent(uint32_t key, std::string_view total) {
    drf.add_agent(agent_facts(key, bag(total)));
    check();
  }
  void framework(uint32_t key, std::vector<std::string> roles = {"*"},
                 const std::vector<Capability>& capabilities = {}) {
    drf.add_framework(framework_facts(key, std::move(roles), capabilities), {});
    check();
  }

  Decisions decide() {
    Decisions decisions;
    drf.allocate(at(now), decisions);
    check();
    return decisions;
  }
  std::vector<Grant> allocate() { return decide().grants; }
  // The only grant; fails the test if there is another number of them.
  Grant only() {
    std::vector<Grant> grants = allocate();
    EXPECT_EQ(grants.size(), 1u);
    return grants.empty() ? Grant{} : grants.front();
  }
  // The frameworks that get something, in order.
  std::vector<uint32_t> receivers() {
    std::vector<uint32_t> keys;
    for (const Grant& grant : allocate()) keys.push_back(grant.framework.value);
    return keys;
  }

  void decline(const Grant& grant, Duration refuse = 0s) {
    drf.recovered(grant.framework, grant.role, grant.agent, grant.resources, refuse, at(now));
    check();
  }
  // Uses `task` of the grant and hands back the rest.
  void use(const Grant& grant, const Resources& task, Duration refuse = 0s) {
    drf.accepted(grant.framework, grant.role, grant.agent, task);
    drf.recovered(grant.framework, grant.role, grant.agent, grant.resources - task, refuse,
                  at(now));
    check();
  }
  void end(const Grant& grant, const Resources& task) {
    drf.recovered(grant.framework, grant.role, grant.agent, task, std::nullopt, at(now));
    check();
  }

  void check() const {
    const auto broken = drf.broken_invariant();
    ASSERT_FALSE(broken.has_value()) << *broken;
  }

  Engine drf;
  Duration now = 0s;
};

}  // namespace souk::allocator
