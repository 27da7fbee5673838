// An allocation module for tests of the master. It passes everything on to a real one, watches that
// the master keeps to the contract of allocator.h (what it gives back was booked, what it says has
// ended had begun), and adds the rescinds and revocations that a test asks for.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "allocator/allocator.h"

namespace souk::master {

class TestAllocator final : public allocator::Allocator {
 public:
  struct Books {
    Resources offered;
    Resources in_use;
  };
  using Holder = std::tuple<FrameworkKey, std::string, AgentKey>;
  using TaskKey = std::pair<FrameworkKey, TaskId>;

  explicit TestAllocator(std::unique_ptr<allocator::Allocator> module)
      : module_(std::move(module)) {}

  // --- what a test may look at, and what it may ask for
  std::map<AgentKey, allocator::AgentFacts> agents;
  std::map<FrameworkKey, allocator::FrameworkFacts> frameworks;
  std::map<TaskKey, allocator::TaskFacts> tasks;  // that hold resources
  std::map<Holder, Books> books;                  // none of them empty
  std::vector<allocator::Refusal> refusals;       // all of them, in their order
  int allocations = 0;
  allocator::Decisions extra;  // of the next allocate()
  std::function<void(Now, allocator::Decisions&)> meddle;
  // Set: what share() and explain() tell instead of the module.
  std::optional<allocator::Share> told_share;
  std::optional<std::vector<allocator::Explanation>> told_explanations;

  FrameworkKey key_of(const FrameworkId& id) const {
    for (const auto& [key, facts] : frameworks) {
      if (facts.id == id) return key;
    }
    return {};
  }
  AgentKey key_of(const AgentId& id, bool short_slots = false) const {
    for (const auto& [key, facts] : agents) {
      if (facts.id == id && facts.max_task_duration.has_value() == short_slots) return key;
    }
    return {};
  }
  // At the next allocate(). Nothing, if the task is not known.
  void revoke(const FrameworkId& framework, const std::string& task, MonoTime deadline) {
    const auto at = tasks.find({key_of(framework), TaskId(task)});
    if (at == tasks.end()) return;
    extra.revocations.push_back({.framework = at->second.framework,
                                 .task = at->second.id,
                                 .agent = at->second.agent,
                                 .deadline = deadline,
                                 .in_favour_of = {}});
  }

  // --- facts
  void add_agent(const allocator::AgentFacts& agent) override {
    EXPECT_TRUE(agents.emplace(agent.key, agent).second) << "an agent is added once";
    module_->add_agent(agent);
  }
  void update_agent(const allocator::AgentFacts& agent) override {
    EXPECT_TRUE(agents.contains(agent.key));
    agents[agent.key] = agent;
    module_->update_agent(agent);
  }
  void remove_agent(AgentKey agent) override {
    EXPECT_EQ(agents.erase(agent), 1u);
    std::erase_if(books, [&](const auto& each) { return std::get<2>(each.first) == agent; });
    for (const auto& [key, task] : tasks) {
      EXPECT_NE(task.agent, agent) << task.id.value << " outlives its agent";
    }
    module_->remove_agent(agent);
  }
  void set_agent_active(AgentKey agent, bool active) override {
    EXPECT_TRUE(agents.contains(agent));
    module_->set_agent_active(agent, active);
  }
  void add_framework(const allocator::FrameworkFacts& framework,
                     const std::vector<std::string>& suppressed_roles) override {
    EXPECT_TRUE(frameworks.emplace(framework.key, framework).second);
    module_->add_framework(framework, suppressed_roles);
  }
  void update_framework(const allocator::FrameworkFacts& framework,
                        const std::vector<std::string>& suppressed_roles) override {
    EXPECT_TRUE(frameworks.contains(framework.key));
    frameworks[framework.key] = framework;
    module_->update_framework(framework, suppressed_roles);
  }
  void remove_framework(FrameworkKey framework) override {
    EXPECT_EQ(frameworks.erase(framework), 1u);
    for (const auto& [holder, held] : books) {
      EXPECT_NE(std::get<0>(holder), framework) << "it still has something";
    }
    for (const auto& [key, task] : tasks) EXPECT_NE(key.first, framework);
    module_->remove_framework(framework);
  }
  void set_framework_active(FrameworkKey framework, bool active) override {
    EXPECT_TRUE(frameworks.contains(framework));
    module_->set_framework_active(framework, active);
  }
  void suppress(FrameworkKey framework, const std::vector<std::string>& roles) override {
    module_->suppress(framework, roles);
  }
  void revive(FrameworkKey framework, const std::vector<std::string>& roles) override {
    module_->revive(framework, roles);
  }
  void set_weight(const std::string& role, Scalar weight) override {
    module_->set_weight(role, weight);
  }
  void set_quota(const std::string& role, const Quota& quota) override {
    module_->set_quota(role, quota);
  }

  // --- resources
  void allocated(FrameworkKey framework, const std::string& role, AgentKey agent,
                 const Resources& resources) override {
    EXPECT_TRUE(agents.contains(agent) && frameworks.contains(framework));
    if (!resources.empty()) books[{framework, role, agent}].in_use += resources;
    module_->allocated(framework, role, agent, resources);
  }
  void accepted(FrameworkKey framework, const std::string& role, AgentKey agent,
                const Resources& resources) override {
    Books& held = books[{framework, role, agent}];
    EXPECT_TRUE(held.offered.contains(resources)) << "accepted more than was offered";
    held.offered -= resources;
    held.in_use += resources;
    module_->accepted(framework, role, agent, resources);
  }
  void recovered(FrameworkKey framework, const std::string& role, AgentKey agent,
                 const Resources& resources, std::optional<allocator::Refusal> refusal,
                 Now now) override {
    EXPECT_TRUE(agents.contains(agent)) << "of an agent that is gone";
    if (resources.empty()) {
      return module_->recovered(framework, role, agent, resources, refusal, now);
    }
    const auto at = books.find({framework, role, agent});
    const bool booked =
        at != books.end() && (refusal ? at->second.offered : at->second.in_use).contains(resources);
    EXPECT_TRUE(booked) << "given back and not booked: " << resources.to_string();
    if (!booked) return;
    (refusal ? at->second.offered : at->second.in_use) -= resources;
    if (at->second.offered.empty() && at->second.in_use.empty()) books.erase(at);
    if (refusal) refusals.push_back(*refusal);
    module_->recovered(framework, role, agent, resources, refusal, now);
  }
  void task_started(const allocator::TaskFacts& task) override {
    EXPECT_TRUE(tasks.emplace(TaskKey(task.framework, task.id), task).second)
        << task.id.value << " started twice";
    EXPECT_TRUE(agents.contains(task.agent));
    const auto at = books.find({task.framework, task.role, task.agent});
    EXPECT_TRUE((at == books.end() ? Resources() : at->second.in_use).contains(task.resources));
    module_->task_started(task);
  }
  void task_ended(FrameworkKey framework, const TaskId& task) override {
    EXPECT_EQ(tasks.erase({framework, task}), 1u) << task.value << " ended, and never started";
    module_->task_ended(framework, task);
  }

  // --- the rest
  std::optional<std::string> check(const OfferConstraints& constraints) const override {
    return module_->check(constraints);
  }
  void allocate(Now now, allocator::Decisions& decisions) override {
    ++allocations;
    module_->allocate(now, decisions);
    for (const allocator::Grant& grant : decisions.grants) {
      books[{grant.framework, grant.role, grant.agent}].offered += grant.resources;
    }
    if (meddle) meddle(now, decisions);
    const auto add = [](auto& to, auto& from) { to.insert(to.end(), from.begin(), from.end()); };
    add(decisions.rescinds, extra.rescinds);
    add(decisions.revocations, extra.revocations);
    extra = {};
  }
  std::optional<MonoTime> next_deadline() const override { return module_->next_deadline(); }
  allocator::Share share(FrameworkKey framework) const override {
    return told_share ? *told_share : module_->share(framework);
  }
  void explain(FrameworkKey framework, std::optional<AgentKey> agent,
               std::vector<allocator::Explanation>& explanations) const override {
    if (!told_explanations) return module_->explain(framework, agent, explanations);
    for (const allocator::Explanation& each : *told_explanations) {
      if (agent && each.agent != *agent) continue;
      explanations.push_back(each);
      explanations.back().framework = framework;
    }
  }

 private:
  std::unique_ptr<allocator::Allocator> module_;
};

}  // namespace souk::master
