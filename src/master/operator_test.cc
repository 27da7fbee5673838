// Weights and quotas: what the allocator is told and when, and what operators hear. The checks
// themselves are in validate_quota_test.cc.
#include "master/test_support.h"

namespace souk::master {
namespace {

namespace call = protocol::operator_call;
using protocol::HttpAnswer;

Quantities amounts(std::string_view text) { return parse_quota_amounts(text).value(); }

// Writes down what it is told.
class Recorder final : public allocator::Allocator {
 public:
  explicit Recorder(std::vector<std::string>& told) : told_(told) {}
  void set_weight(const std::string& role, Scalar weight) override {
    told_.push_back(fmt::format("{}={}", role, amount_text(weight)));
  }
  void set_quota(const std::string& role, const Quota& quota) override {
    told_.push_back(
        fmt::format("{} [{}|{}]", role, to_string(quota.guarantees), to_string(quota.limits)));
  }

  void add_agent(const allocator::AgentFacts&) override {}
  void update_agent(const allocator::AgentFacts&) override {}
  void remove_agent(AgentKey) override {}
  void set_agent_active(AgentKey, bool) override {}
  void add_framework(const allocator::FrameworkFacts&, const std::vector<std::string>&) override {}
  void update_framework(const allocator::FrameworkFacts&,
                        const std::vector<std::string>&) override {}
  void remove_framework(FrameworkKey) override {}
  void set_framework_active(FrameworkKey, bool) override {}
  void suppress(FrameworkKey, const std::vector<std::string>&) override {}
  void revive(FrameworkKey, const std::vector<std::string>&) override {}
  void allocated(FrameworkKey, const std::string&, AgentKey, const Resources&) override {}
  void accepted(FrameworkKey, const std::string&, AgentKey, const Resources&) override {}
  void recovered(FrameworkKey, const std::string&, AgentKey, const Resources&,
                 std::optional<allocator::Refusal>, Now) override {}
  void allocate(Now, allocator::Decisions&) override {}
  std::optional<MonoTime> next_deadline() const override { return std::nullopt; }
  allocator::Share share(FrameworkKey) const override { return {}; }
  void explain(FrameworkKey, std::optional<AgentKey>,
               std::vector<allocator::Explanation>&) const override {}

 private:
  std::vector<std::string>& told_;
};

// A master, its storage held until store().
class Desk {
 public:
  explicit Desk(Options options = {})
      : machine_(std::move(options), std::make_unique<Recorder>(told), Rng(1)) {}

  void recover(protocol::Registry registry = {}) { step(Recovered{std::move(registry)}); }
  ConnectionId ask(protocol::OperatorCall call) {
    const ConnectionId connection(++connections_);
    step(OperatorCalled{connection, std::move(call), {}});
    return connection;
  }
  void store(bool ok = true) {
    const Persist next = persists.front();
    persists.erase(persists.begin());
    step(Persisted{next.ticket, ok, ok ? "" : "disk full"});
  }
  int status(ConnectionId connection) {
    const auto at = answers.find(connection);
    return at == answers.end() ? 0 : at->second.status;
  }
  const protocol::RoleSettings& roles() {
    view_ = machine_.view();
    return *view_.roles;
  }

  std::vector<std::string> told;
  std::vector<std::string> logs;
  std::vector<Persist> persists;
  std::map<ConnectionId, HttpAnswer> answers;

 private:
  void step(Event event) {
    Effects effects;
    machine_.step({}, std::move(event), effects);
    for (Effect& effect : effects) {
      if (auto* respond = std::get_if<Respond>(&effect)) {
        EXPECT_FALSE(answers.contains(respond->connection)) << "answered twice";
        answers[respond->connection] = respond->answer;
      } else if (auto* persist = std::get_if<Persist>(&effect)) {
        persists.push_back(*persist);
      } else if (auto* log = std::get_if<Log>(&effect)) {
        logs.push_back(log->text);
      }
    }
  }

  Machine machine_;
  protocol::MasterView view_;
  uint64_t connections_ = 0;
};

call::UpdateQuota quota(const std::string& role, std::string_view guarantee,
                        std::string_view limit = "", bool force = true) {
  return {{{role, {amounts(guarantee), amounts(limit)}}}, force};
}

using Told = std::vector<std::string>;

TEST(MasterOperator, NothingHoldsBeforeItIsStored) {
  Desk desk;
  desk.recover();
  const ConnectionId asked = desk.ask(call::UpdateWeights{{{"a", Scalar{2000}}, {"b", Scalar{1}}}});
  EXPECT_EQ(desk.status(asked), 0);
  EXPECT_EQ(desk.told, Told());
  EXPECT_TRUE(desk.roles().weights.empty());
  desk.store();
  EXPECT_EQ(desk.status(asked), 200);
  EXPECT_EQ(desk.told, (Told{"a=2", "b=0.001"}));
  EXPECT_EQ(desk.roles().weights.at("a").thousandths, 2000);
}

TEST(MasterOperator, WhatStorageRefusesDoesNotHold) {
  Desk desk;
  desk.recover();
  const ConnectionId asked = desk.ask(quota("a", "cpus:1"));
  desk.store(false);
  EXPECT_EQ(desk.status(asked), 503);
  EXPECT_NE(desk.answers[asked].body.find("disk full"), std::string::npos);
  EXPECT_EQ(desk.told, Told());
  EXPECT_TRUE(desk.roles().quotas.empty());
  // And the next one is served.
  const ConnectionId again = desk.ask(quota("a", "cpus:1"));
  desk.store();
  EXPECT_EQ(desk.status(again), 200);
  EXPECT_EQ(desk.told, Told{"a [cpus:1|]"});
}

// Each is checked against what those before it leave: together these two would break the tree.
TEST(MasterOperator, CallsWaitForThoseBefore) {
  Desk desk;
  desk.recover();
  const ConnectionId parent = desk.ask(quota("a", "cpus:3"));
  const ConnectionId child = desk.ask(quota("a/b", "cpus:2"));
  const ConnectionId lower = desk.ask(quota("a", "cpus:1"));
  const ConnectionId weight = desk.ask(call::UpdateWeights{{{"a", Scalar{5000}}}});
  EXPECT_EQ(desk.persists.size(), 1u);
  desk.store();
  EXPECT_EQ(desk.status(parent), 200);
  EXPECT_EQ(desk.status(child), 0);
  desk.store();
  EXPECT_EQ(desk.status(child), 200);
  EXPECT_EQ(desk.status(lower), 400);
  desk.store();
  EXPECT_EQ(desk.status(weight), 200);
  EXPECT_TRUE(desk.persists.empty());
  EXPECT_EQ(desk.told, (Told{"a [cpus:3|]", "a/b [cpus:2|]", "a=5"}));
}

TEST(MasterOperator, AnUpdateIsAllOrNothing) {
  Desk desk;
  desk.recover();
  call::UpdateQuota update = quota("a", "cpus:3");
  update.quotas.push_back({"b", {amounts("cpus:2"), amounts("cpus:1")}});
  EXPECT_EQ(desk.status(desk.ask(update)), 400);
  EXPECT_EQ(desk.status(desk.ask(call::UpdateWeights{{{"a", Scalar{1}}, {"/", Scalar{1}}}})), 400);
  EXPECT_TRUE(desk.persists.empty());
  EXPECT_EQ(desk.told, Told());
}

TEST(MasterOperator, NothingAskedIsNothingStored) {
  Desk desk;
  desk.recover();
  EXPECT_EQ(desk.status(desk.ask(call::UpdateWeights{})), 200);
  EXPECT_EQ(desk.status(desk.ask(call::UpdateQuota{})), 200);
  EXPECT_TRUE(desk.persists.empty());
}

TEST(MasterOperator, AQuotaIsRemovedByAnEmptyOne) {
  Desk desk;
  desk.recover();
  desk.ask(quota("a", "cpus:0", "mem:0"));
  desk.store();
  EXPECT_EQ(desk.roles().quotas.at("a"), (Quota{{}, amounts("mem:0")}));
  desk.ask(quota("a", "cpus:0"));
  desk.store();
  EXPECT_TRUE(desk.roles().quotas.empty());
  EXPECT_EQ(desk.told, (Told{"a [|mem:0]", "a [|]"}));
}

TEST(MasterOperator, TheRegistryGoesBeforeTheFlags) {
  protocol::Registry registry;
  registry.weights = {{"a", Scalar{2000}}, {"b", Scalar{3000}}};
  registry.quotas = {{"q", {amounts("cpus:1"), {}}}};
  Options options;
  options.role_weights = {{"a", Scalar{7000}}, {"c", Scalar{9000}}};
  Desk desk(std::move(options));
  desk.recover(registry);
  EXPECT_EQ(desk.told, (Told{"a=2", "b=3", "q [cpus:1|]"}));
  EXPECT_EQ(desk.roles().weights,
            (std::map<std::string, Scalar>{
                {"a", Scalar{2000}}, {"b", Scalar{3000}}, {"c", Scalar{9000}}}));
  EXPECT_EQ(desk.roles().quotas, registry.quotas);
  EXPECT_EQ(desk.logs,
            Told{"role a has the weight 2 that an operator set, not the 7 of --weights"});
}

TEST(MasterOperator, BeforeRecoveryItIs503) {
  Desk desk;
  EXPECT_EQ(desk.status(desk.ask(call::RemoveQuota{"a"})), 503);
  desk.recover();
  EXPECT_EQ(desk.status(desk.ask(call::RemoveQuota{"a"})), 400);
}

TEST(MasterOperator, TheQueueIsBounded) {
  Desk desk;
  desk.recover();
  std::vector<ConnectionId> asked;
  for (std::size_t i = 0; i < protocol::kMaxWaitingOperatorCalls + 1; ++i) {
    asked.push_back(desk.ask(call::UpdateWeights{{{"a", Scalar{1}}}}));
  }
  EXPECT_EQ(desk.status(asked.back()), 503);
  while (!desk.persists.empty()) desk.store();
  for (std::size_t i = 0; i + 1 < asked.size(); ++i) EXPECT_EQ(desk.status(asked[i]), 200);
}

// What runs, and what is reserved, is held against a new limit; what is offered is not.
TEST(MasterOperator, ALimitIsHeldAgainstWhatIsUsed) {
  World world;
  world.register_agent("A", "cpus:4;mem:4096;cpus(eng/web):2");
  FrameworkInfo info = make_framework("f");
  info.roles = {"eng"};
  const ConnectionId stream = world.subscribe(info);
  const auto offers = world.offers(stream);
  ASSERT_EQ(offers.size(), 1u);
  const auto with = [&](const std::string& role, std::string_view limit, bool force = false) {
    return world.operate(quota(role, "", limit, force)).status;
  };
  EXPECT_EQ(with("eng", "cpus:1"), 400);
  EXPECT_EQ(with("eng", "cpus:2;mem:0"), 200);
  EXPECT_EQ(with("eng/web", "cpus:1"), 400);
  EXPECT_EQ(with("eng", "cpus:9;mem:9999"), 200);
  world.launch(stream, offers[0], {make_task("t", offers[0].agent_id, "cpus:1.5;mem:64")});
  EXPECT_EQ(with("eng", "cpus:3"), 400);
  EXPECT_EQ(with("eng", "cpus:3.5"), 200);
  EXPECT_EQ(with("eng", "mem:63"), 400);
  EXPECT_EQ(with("eng", "mem:63", true), 200);
  const HttpAnswer conflict = world.operate(call::SetQuota{"eng/ads", amounts("cpus:9"), false});
  EXPECT_EQ(conflict.status, 400) << conflict.body;  // the parent guarantees nothing
  EXPECT_EQ(world.operate(call::SetQuota{"ops", amounts("cpus:7"), false}).status, 409);
  EXPECT_EQ(world.operate(call::SetQuota{"ops", amounts("cpus:6"), false}).status, 200);
}

// It once remembered that there was nothing.
TEST(MasterOperator, WhoLooksBeforeItHasRecoveredSeesTheRegistryAfter) {
  protocol::Registry registry;
  registry.quotas["eng"].limits = {{"cpus", Scalar{1'000}}};
  World world({}, registry, /*recover=*/false);
  EXPECT_TRUE(world.machine().view().roles->quotas.empty());
  world.step(Recovered{registry});
  EXPECT_EQ(world.machine().view().roles->quotas.size(), 1u);
}

}  // namespace
}  // namespace souk::master
