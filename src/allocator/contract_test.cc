// Every built-in module keeps to the contract, and who does not is caught.
#include "allocator/contract.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "allocator/modules.h"

namespace souk::allocator {
namespace {

ContractCase all_on(uint64_t seed) {
  ContractCase test{.seed = seed};
  test.options.min_allocatable = parse_alternatives("cpus:0.5|mem:32").value();
  test.options.domain = {"home", "z"};
  test.options.role_weights = {{"eng", Scalar{2000}}};
  test.options.role_priorities = {{"eng", 1}};
  if (seed % 2 == 0) test.options.revocation_delay = 10s;
  return test;
}

class Contract : public testing::TestWithParam<std::string> {};

TEST_P(Contract, IsKeptTo) {
  const auto make = [](Options options, Rng rng) {
    return make_module(GetParam(), std::move(options), rng);
  };
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    ASSERT_EQ(broken_contract(make, all_on(seed)), std::nullopt);
  }
}

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const ModuleInfo& module : modules()) names.emplace_back(module.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(BuiltIn, Contract, testing::ValuesIn(names()),
                         [](const auto& info) { return info.param; });

// --- modules that do not

enum class Fault {
  kNone,
  kGivesTwice,
  kHearsNoSuppress,
  kHearsNoInactiveAgent,
  kHearsNoInactiveFramework,
  kHearsNoRefusal,
  kHearsNoUpdate,
  kHearsNoLearned,
  kGivesTooLittle,
  kThinksAllCanAll,
  kRescindsAtRandom,
  kRevokesAtRandom,
  kDecidesLate,
  kForgetsDeadlines,
  kExplainsNothing,
  kExplainsFalsely,
  kHidesItsShare,
  kDecidesAnew,
};

// A sound module behind one that keeps facts from it, or tampers with what it decides.
class Faulty final : public Allocator {
 public:
  Faulty(std::unique_ptr<Allocator> sound, Fault fault) : sound_(std::move(sound)), fault_(fault) {}

  void add_agent(const AgentFacts& agent) override { sound_->add_agent(agent); }
  void update_agent(const AgentFacts& agent) override {
    if (fault_ != Fault::kHearsNoUpdate) sound_->update_agent(agent);
  }
  void remove_agent(AgentKey agent) override { sound_->remove_agent(agent); }
  void set_agent_active(AgentKey agent, bool active) override {
    if (fault_ != Fault::kHearsNoInactiveAgent) sound_->set_agent_active(agent, active);
  }
  void add_framework(const FrameworkFacts& facts, const std::vector<std::string>& roles) override {
    sound_->add_framework(seen(facts), heard(roles));
  }
  void update_framework(const FrameworkFacts& facts,
                        const std::vector<std::string>& roles) override {
    sound_->update_framework(seen(facts), heard(roles));
  }
  void remove_framework(FrameworkKey framework) override { sound_->remove_framework(framework); }
  void set_framework_active(FrameworkKey framework, bool active) override {
    if (fault_ != Fault::kHearsNoInactiveFramework) {
      sound_->set_framework_active(framework, active);
    }
  }
  void suppress(FrameworkKey framework, const std::vector<std::string>& roles) override {
    if (fault_ != Fault::kHearsNoSuppress) sound_->suppress(framework, roles);
  }
  void revive(FrameworkKey framework, const std::vector<std::string>& roles) override {
    sound_->revive(framework, roles);
  }
  void set_weight(const std::string& role, Scalar weight) override {
    sound_->set_weight(role, weight);
  }
  void set_quota(const std::string& role, const Quota& quota) override {
    sound_->set_quota(role, quota);
  }
  void allocated(FrameworkKey framework, const std::string& role, AgentKey agent,
                 const Resources& resources) override {
    sound_->allocated(framework, role, agent, resources);
    if (fault_ != Fault::kHearsNoLearned) return;
    sound_->recovered(framework, role, agent, resources, std::nullopt, {});
  }
  void accepted(FrameworkKey framework, const std::string& role, AgentKey agent,
                const Resources& resources) override {
    sound_->accepted(framework, role, agent, resources);
  }
  void recovered(FrameworkKey framework, const std::string& role, AgentKey agent,
                 const Resources& resources, std::optional<Refusal> refusal, Now now) override {
    if (fault_ == Fault::kHearsNoRefusal && refusal) refusal->length = 0s;
    sound_->recovered(framework, role, agent, resources, refusal, now);
  }
  void task_started(const TaskFacts& task) override {
    last_task_ = task;
    sound_->task_started(task);
  }
  void task_ended(FrameworkKey framework, const TaskId& task) override {
    sound_->task_ended(framework, task);
  }
  std::optional<std::string> check(const OfferConstraints& constraints) const override {
    return sound_->check(constraints);
  }
  void allocate(Now now, Decisions& decisions) override {
    if (fault_ == Fault::kDecidesLate && ++calls_ % 2 == 1) return;
    sound_->allocate(now, decisions);
    if (!decisions.grants.empty()) tamper(now, decisions);
  }
  std::optional<MonoTime> next_deadline() const override {
    return fault_ == Fault::kForgetsDeadlines ? std::nullopt : sound_->next_deadline();
  }
  Share share(FrameworkKey framework) const override {
    return fault_ == Fault::kHidesItsShare ? Share() : sound_->share(framework);
  }
  void explain(FrameworkKey framework, std::optional<AgentKey> agent,
               std::vector<Explanation>& rows) const override {
    if (fault_ == Fault::kExplainsNothing) return;
    sound_->explain(framework, agent, rows);
    if (fault_ != Fault::kExplainsFalsely) return;
    for (Explanation& row : rows) row.obstacle = Obstacle::kSuppressed;
  }

 private:
  FrameworkFacts seen(FrameworkFacts facts) const {
    if (fault_ != Fault::kThinksAllCanAll) return facts;
    facts.takes_short_slots = true;
    facts.constraints.clear();
    facts.capabilities.add(Capability::kRevocableResources);
    facts.capabilities.add(Capability::kSharedResources);
    facts.capabilities.add(Capability::kGpuResources);
    facts.capabilities.add(Capability::kRegionAware);
    return facts;
  }
  std::vector<std::string> heard(const std::vector<std::string>& roles) const {
    return fault_ == Fault::kHearsNoSuppress ? std::vector<std::string>() : roles;
  }

  void tamper(Now now, Decisions& decisions) {
    const Grant first = decisions.grants.front();
    if (fault_ == Fault::kGivesTwice) decisions.grants.push_back(first);
    if (fault_ == Fault::kGivesTooLittle) decisions.grants.front().resources = {};
    if (fault_ == Fault::kRescindsAtRandom) {
      decisions.rescinds.push_back({first.framework, "nobody's", first.agent});
    }
    if (fault_ == Fault::kRevokesAtRandom && last_task_) {
      decisions.revocations.push_back(
          {first.framework, TaskId("task-0"), first.agent, now.mono + 1s, first.framework});
    }
    static int elsewhere = 0;  // as an address or a clock would be
    if (fault_ == Fault::kDecidesAnew && ++elsewhere % 5 == 0) decisions.grants.clear();
  }

  std::unique_ptr<Allocator> sound_;
  Fault fault_;
  std::optional<TaskFacts> last_task_;
  int calls_ = 0;
};

// The first complaint that some seed brings.
std::string complaint(Fault fault) {
  const auto make = [fault](Options options, Rng rng) -> Result<std::unique_ptr<Allocator>> {
    auto sound = make_module(std::string(kDefaultModule), std::move(options), rng);
    return std::make_unique<Faulty>(std::move(*sound), fault);
  };
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    if (auto broken = broken_contract(make, all_on(seed))) return *broken;
  }
  return "none";
}

TEST(Contract, CatchesWhoDoesNot) {
  const std::vector<std::pair<Fault, std::string>> expected = {
      {Fault::kGivesTwice, "is free there"},
      {Fault::kHearsNoSuppress, "suppressed the role"},
      {Fault::kHearsNoInactiveAgent, "the agent is inactive"},
      {Fault::kHearsNoInactiveFramework, "the framework is inactive"},
      {Fault::kHearsNoRefusal, "and that holds for another"},
      {Fault::kHearsNoUpdate, "free"},
      {Fault::kHearsNoLearned, ""},
      {Fault::kGivesTooLittle, "nothing is in it"},
      {Fault::kThinksAllCanAll, "the framework"},
      {Fault::kRescindsAtRandom, "there is no such offer"},
      {Fault::kRevokesAtRandom, "revocation of task-0: "},
      {Fault::kDecidesLate, ""},
      {Fault::kForgetsDeadlines, "before next_deadline()"},
      {Fault::kExplainsNothing, "0 rows for"},
      {Fault::kExplainsFalsely, "it is not so"},
      {Fault::kHidesItsShare, "share() of framework"},
      {Fault::kDecidesAnew, ""},
  };
  EXPECT_EQ(complaint(Fault::kNone), "none");
  for (const auto& [fault, text] : expected) {
    const std::string found = complaint(fault);
    EXPECT_NE(found, "none") << "fault " << static_cast<int>(fault);
    EXPECT_NE(found.find(text), std::string::npos) << found;
  }
}

TEST(Contract, AModuleThatIsNotMade) {
  const auto make = [](const Options&, Rng) -> Result<std::unique_ptr<Allocator>> {
    return fail("not today");
  };
  EXPECT_EQ(broken_contract(make, {}), "it was not made: not today");
}

}  // namespace
}  // namespace souk::allocator
