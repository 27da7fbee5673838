// Nobody keeps others from getting offers: not by declining, at once and again and again, not by
// sitting on offers, whatever the shares. The bound, of F frameworks: of two offers of a whole
// agent to the same framework, with no use of the agent in between, the second comes only after
// every other framework that could get the agent all the while did get it. So whoever wants offers
// sees each eligible agent within F decisions on that agent; and where offers are rescinded after a
// timeout, within F times the timeout.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "allocator/allocator.h"
#include "allocator/modules.h"
#include "base/rng.h"

namespace souk::allocator {
namespace {

Resources bag(std::string_view text) { return Resources::parse(text).value(); }
Now at(Duration since) { return {MonoTime(since), WallTime(since)}; }

constexpr uint32_t kFrameworks = 200;
constexpr uint32_t kObstinate = 150;  // the first of them
constexpr uint32_t kAgents = 100;
constexpr uint32_t kGpuAgents = 10;  // the first; only for frameworks with even keys
constexpr Duration kOfferTimeout = 30s;

// A cluster in which the frameworks that want offers have a large share already, so that those that
// do not come first.
class Crowd {
 public:
  Crowd() : allocator_(make_module("drf", Options(), Rng(1)).value()) {
    for (uint32_t key = 1; key <= kAgents; ++key) {
      AgentFacts facts;
      facts.key = AgentKey(key);
      facts.total = bag(key <= kGpuAgents ? "cpus:8;mem:8;gpus:1" : "cpus:8;mem:8");
      allocator_->add_agent(facts);
    }
    AgentFacts elsewhere;
    elsewhere.key = AgentKey(kAgents + 1);
    elsewhere.total = bag("cpus:8000;mem:8000");
    allocator_->add_agent(elsewhere);
    allocator_->set_agent_active(elsewhere.key, false);
    for (uint32_t key = 1; key <= kFrameworks; ++key) {
      FrameworkFacts facts;
      facts.key = FrameworkKey(key);
      facts.roles = {"*"};
      if (key % 2 == 0) facts.capabilities.add(Capability::kGpuResources);
      allocator_->add_framework(facts, {});
      if (key <= kObstinate) continue;
      allocator_->allocated(facts.key, "*", elsewhere.key, bag("cpus:100;mem:100"));
    }
  }

  static bool is_eligible(uint32_t framework, uint32_t agent) {
    return agent > kGpuAgents || framework % 2 == 0;
  }

  std::vector<Grant> allocate() {
    Decisions decisions;
    allocator_->allocate(at(now_), decisions);
    for (const Grant& grant : decisions.grants) note(grant);
    return std::move(decisions.grants);
  }
  void decline(const Grant& grant, Duration how_long) {
    allocator_->recovered(grant.framework, grant.role, grant.agent, grant.resources,
                          Refusal(how_long), at(now_));
  }
  void launch(const Grant& grant, const Resources& task) {
    allocator_->accepted(grant.framework, grant.role, grant.agent, task);
    allocator_->recovered(grant.framework, grant.role, grant.agent, grant.resources - task,
                          Refusal(5s), at(now_));
  }
  void revive(FrameworkKey framework) { allocator_->revive(framework, {}); }
  void pass(Duration time) { now_ += time; }
  Duration now() const { return now_; }

  // The most decisions on one agent that went by before somebody saw it again, or for the first
  // time; and the longest time.
  uint32_t most_decisions() const { return most_decisions_; }
  Duration longest() const { return longest_; }
  // How many pairs of those that want offers and the agents that they may have are not seen yet.
  std::size_t unseen() const {
    std::size_t count = 0;
    for (uint32_t framework = kObstinate + 1; framework <= kFrameworks; ++framework) {
      for (uint32_t agent = 1; agent <= kAgents; ++agent) {
        if (is_eligible(framework, agent) && !last_seen_.contains({framework, agent})) ++count;
      }
    }
    return count;
  }

 private:
  struct Sight {
    uint32_t decision;
    Duration time;
  };

  void note(const Grant& grant) {
    const uint32_t agent = grant.agent.value;
    const uint32_t decision = ++decisions_[agent];
    if (grant.framework.value <= kObstinate) return;
    Sight& last =
        last_seen_.try_emplace({grant.framework.value, agent}, Sight{0, 0s}).first->second;
    most_decisions_ = std::max(most_decisions_, decision - last.decision);
    longest_ = std::max(longest_, now_ - last.time);
    last = {decision, now_};
  }

  std::unique_ptr<Allocator> allocator_;
  Duration now_ = 0s;
  std::map<uint32_t, uint32_t> decisions_;                    // by agent
  std::map<std::pair<uint32_t, uint32_t>, Sight> last_seen_;  // by framework and agent
  uint32_t most_decisions_ = 0;
  Duration longest_ = 0s;
};

enum class Declines { kForFiveSeconds, kForNoTime, kAndRevives, kAllOfThese };

class Starvation : public testing::TestWithParam<Declines> {
 protected:
  static Declines habit_of(uint32_t framework) {
    if (GetParam() != Declines::kAllOfThese) return GetParam();
    return static_cast<Declines>(framework % 3);
  }
  static void answer_obstinately(Crowd& crowd, const Grant& grant) {
    const Declines habit = habit_of(grant.framework.value);
    crowd.decline(grant, habit == Declines::kForNoTime ? Duration(0s) : Duration(5s));
    if (habit == Declines::kAndRevives) crowd.revive(grant.framework);
  }
};

std::string name_of(const testing::TestParamInfo<Declines>& info) {
  constexpr std::array kNames{"ForFiveSeconds", "ForNoTime", "AndRevives", "AllOfThese"};
  return kNames.at(static_cast<std::size_t>(info.param));
}
INSTANTIATE_TEST_SUITE_P(All, Starvation,
                         testing::Values(Declines::kForFiveSeconds, Declines::kForNoTime,
                                         Declines::kAndRevives, Declines::kAllOfThese),
                         name_of);

// 150 of 200 always decline; the 50 others look at what they get, and want to see everything.
TEST_P(Starvation, WhoWantsOffersSeesEachAgentWithinFDecisions) {
  Crowd crowd;
  std::size_t unseen_after_f_rounds = 1;
  for (uint32_t round = 0; round < 2 * kFrameworks; ++round) {
    if (round == kFrameworks) unseen_after_f_rounds = crowd.unseen();
    for (const Grant& grant : crowd.allocate()) {
      if (grant.framework.value <= kObstinate) {
        answer_obstinately(crowd, grant);
      } else {
        crowd.decline(grant, 0s);
      }
    }
    crowd.pass(1s);
  }
  EXPECT_EQ(unseen_after_f_rounds, 0u);
  EXPECT_LE(crowd.most_decisions(), kFrameworks);
  RecordProperty("most_decisions", static_cast<int>(crowd.most_decisions()));
}

// The same, but each of the 50 wants one task on one agent that it chose, and declines the rest as
// schedulers do: all run after F rounds.
TEST_P(Starvation, WhoWaitsForOneAgentGetsIt) {
  Crowd crowd;
  std::set<uint32_t> placed;
  uint32_t rounds = 0;
  for (; rounds < kFrameworks && placed.size() < kFrameworks - kObstinate; ++rounds) {
    for (const Grant& grant : crowd.allocate()) {
      const uint32_t framework = grant.framework.value;
      if (framework <= kObstinate) {
        answer_obstinately(crowd, grant);
      } else if (grant.agent.value == framework - kObstinate + kGpuAgents &&
                 !placed.contains(framework)) {
        crowd.launch(grant, bag("cpus:8"));
        placed.insert(framework);
      } else {
        crowd.decline(grant, 5s);
      }
    }
    crowd.pass(1s);
  }
  EXPECT_EQ(placed.size(), kFrameworks - kObstinate);
  RecordProperty("rounds", static_cast<int>(rounds));
}

// Offers that nobody answers are rescinded after the timeout. How many of the 150 sit on offers;
// the others decline.
void sit(uint32_t sitting) {
  Crowd crowd;
  std::multimap<Duration, Grant> unanswered;
  while (crowd.now() < kFrameworks * kOfferTimeout) {
    for (Grant& grant : crowd.allocate()) {
      if (grant.framework.value <= sitting) {
        unanswered.emplace(crowd.now() + kOfferTimeout, std::move(grant));
      } else {
        crowd.decline(grant, 0s);
      }
    }
    crowd.pass(1s);
    while (!unanswered.empty() && unanswered.begin()->first <= crowd.now()) {
      crowd.decline(unanswered.begin()->second, 0s);  // rescinded
      unanswered.erase(unanswered.begin());
    }
  }
  EXPECT_EQ(crowd.unseen(), 0u);
  EXPECT_LE(crowd.most_decisions(), kFrameworks);
  EXPECT_LE(crowd.longest(), kFrameworks * kOfferTimeout);
  testing::Test::RecordProperty("longest_seconds", static_cast<int>(to_seconds(crowd.longest())));
}

TEST(StarvationBySitting, WhoWantsOffersSeesEachAgentWithinFTimeouts) { sit(kObstinate); }
TEST(StarvationBySitting, AmongThoseThatDeclineToo) { sit(kObstinate / 2); }

// --- the bound, with any mix of behaviours
class Mix {
 public:
  Mix(const std::string& module, uint64_t seed) : rng_(seed), allocator_(make(module, seed)) {
    for (uint32_t key = 1; key <= 1 + rng_.below(3); ++key) {
      AgentFacts facts;
      facts.key = AgentKey(key);
      facts.total = kWhole;
      allocator_->add_agent(facts);
      agents_[key];
    }
    AgentFacts elsewhere;
    elsewhere.key = kElsewhere;
    elsewhere.total = bag("cpus:100;mem:100");
    allocator_->add_agent(elsewhere);
    allocator_->set_agent_active(kElsewhere, false);
    static const char* const kRoles[] = {"*", "eng", "eng/web", "ops"};
    for (uint32_t key = 1; key <= 2 + rng_.below(5); ++key) {
      FrameworkFacts facts;
      facts.key = FrameworkKey(key);
      std::set<std::string> roles{kRoles[rng_.below(4)], kRoles[rng_.below(4)]};
      facts.roles.assign(roles.begin(), roles.end());
      allocator_->add_framework(facts, {});
      for (const std::string& role : roles) clients_[{key, role}];
    }
  }

  // What is wrong, if anything.
  std::string step() {
    switch (rng_.below(10)) {
      case 0: {
        now_ += Duration(std::chrono::seconds(rng_.below(4)));
        break;
      }
      case 1: {
        revive();
        break;
      }
      case 2: {
        suppress();
        break;
      }
      case 3: {
        const Who& who = any_client();
        allocator_->allocated(FrameworkKey(who.first), who.second, kElsewhere, bag("cpus:1"));
        break;
      }
      case 4: {
        end_a_task();
        break;
      }
      default: {
        answer();
      }
    }
    return allocate();
  }
  std::size_t decisions() const { return decisions_; }

 private:
  using Who = std::pair<uint32_t, std::string>;
  struct Client {
    bool suppressed = false;
  };
  struct Held {
    Who who;
    Resources resources;
  };
  struct Agent {
    std::optional<Held> offer;
    std::vector<Held> tasks;
    std::map<Who, MonoTime> filters;
    // By client: who could get the agent ever since it got it, and did not.
    std::map<Who, std::set<Who>> passed_over;
  };

  static inline const Resources kWhole = bag("cpus:4;mem:4");
  static inline const AgentKey kElsewhere{99};

  static std::unique_ptr<Allocator> make(const std::string& module, uint64_t seed) {
    Options options;
    options.role_weights = {{"eng", Scalar{50'000}}, {"eng/web", Scalar{100}}};
    return make_module(module, std::move(options), Rng(seed)).value();
  }

  const Who& any_client() {
    auto client = clients_.begin();
    std::advance(client, static_cast<std::ptrdiff_t>(rng_.below(clients_.size())));
    return client->first;
  }
  std::pair<const uint32_t, Agent>& any_agent() {
    auto agent = agents_.begin();
    std::advance(agent, static_cast<std::ptrdiff_t>(rng_.below(agents_.size())));
    return *agent;
  }
  bool could_get(const Who& who, const Agent& agent) const {
    const auto filter = agent.filters.find(who);
    const bool refuses = filter != agent.filters.end() && filter->second > MonoTime(now_);
    return !refuses && !clients_.at(who).suppressed;
  }
  static void forget(Agent& agent, const Who& who) {
    for (auto& [other, clients] : agent.passed_over) clients.erase(who);
  }

  void revive() {
    const Who& who = any_client();
    clients_[who].suppressed = false;
    for (auto& [key, agent] : agents_) agent.filters.erase(who);
    allocator_->revive(FrameworkKey(who.first), {who.second});
  }
  void suppress() {
    if (rng_.below(4) > 0) return;
    const Who& who = any_client();
    clients_[who].suppressed = true;
    for (auto& [key, agent] : agents_) forget(agent, who);
    allocator_->suppress(FrameworkKey(who.first), {who.second});
  }
  void end_a_task() {
    auto& [key, agent] = any_agent();
    // What it sets free is offered together with the rest.
    if (agent.tasks.empty() || agent.offer) return;
    const Held task = agent.tasks.back();
    agent.tasks.pop_back();
    agent.passed_over.clear();  // the agent is used
    allocator_->recovered(FrameworkKey(task.who.first), task.who.second, AgentKey(key),
                          task.resources, std::nullopt, at(now_));
  }
  // Of an offer: decline it, for no time (or it is rescinded) or for some, or use a part. What is
  // not chosen is sat on.
  void answer() {
    auto& [key, agent] = any_agent();
    if (!agent.offer) return;
    const Held offer = *std::exchange(agent.offer, std::nullopt);
    const FrameworkKey framework(offer.who.first);
    Resources rest = offer.resources;
    const Resources task = bag("cpus:1");
    if (rng_.below(8) == 0 && rest.contains(task) && rest != task) {
      rest -= task;
      agent.tasks.push_back({offer.who, task});
      agent.passed_over.clear();
      allocator_->accepted(framework, offer.who.second, AgentKey(key), task);
    }
    const Duration refuse = rng_.below(2) == 0 ? Duration(0s) : std::chrono::seconds(rng_.below(4));
    allocator_->recovered(framework, offer.who.second, AgentKey(key), rest, Refusal(refuse),
                          at(now_));
    if (refuse == 0s) return;
    MonoTime& until = agent.filters[offer.who];
    until = std::max(until, MonoTime(now_) + refuse);
    forget(agent, offer.who);
  }

  std::string allocate() {
    Decisions decisions;
    allocator_->allocate(at(now_), decisions);
    for (const Grant& grant : decisions.grants) {
      ++decisions_;
      Agent& agent = agents_.at(grant.agent.value);
      const Who who(grant.framework.value, grant.role);
      if (agent.offer) return "offered twice";
      agent.offer = Held{who, grant.resources};
      const auto passed_over = agent.passed_over.find(who);
      if (passed_over != agent.passed_over.end() && !passed_over->second.empty()) {
        const Who& other = *passed_over->second.begin();
        return fmt::format("agent {} for {} {} again, {} {} is still waiting", grant.agent.value,
                           who.first, who.second, other.first, other.second);
      }
      forget(agent, who);
      std::set<Who>& others = agent.passed_over[who];
      others.clear();
      for (const auto& [other, client] : clients_) {
        if (other != who && could_get(other, agent)) others.insert(other);
      }
    }
    return "";
  }

  Rng rng_;
  std::unique_ptr<Allocator> allocator_;
  std::map<uint32_t, Agent> agents_;
  std::map<Who, Client> clients_;
  Duration now_ = 0s;
  std::size_t decisions_ = 0;
};

TEST(StarvationBound, HoldsForAnyMixOfBehaviours) {
  for (const char* module : {"drf", "fair", "priority", "lottery"}) {
    std::size_t decisions = 0;
    for (uint64_t seed = 0; seed < 5000; ++seed) {
      Mix mix(module, seed);
      for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(mix.step(), "") << module << ", seed " << seed << ", step " << i;
      }
      decisions += mix.decisions();
    }
    EXPECT_GT(decisions, 50'000u) << module;
  }
}

}  // namespace
}  // namespace souk::allocator
