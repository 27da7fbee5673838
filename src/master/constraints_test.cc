// Offer constraints and fault domains, as far as they are the master's business.
#include "master/options.h"
#include "master/test_support.h"

namespace souk::master {
namespace {

namespace call = protocol::call;
namespace event = protocol::event;

using Selector = AttributeConstraint::Selector;
using Predicate = AttributeConstraint::Predicate;
using ByRole = std::map<std::string, OfferConstraints>;

OfferConstraints on_host(Predicate predicate, std::string text) {
  return {{{{.selector = Selector::kHostname,
             .attribute = {},
             .predicate = predicate,
             .text = std::move(text)}}}};
}

ByRole only(const std::string& hostname) {
  return {{"*", on_host(Predicate::kTextEquals, hostname)}};
}

const allocator::FrameworkFacts& facts(World& world, ConnectionId stream) {
  return world.allocator().frameworks.at(world.allocator().key_of(world.framework_of(stream)));
}

std::string error_of(World& world, const call::Subscribe& subscribe) {
  const ConnectionId stream = world.subscribe(subscribe);
  const auto errors = world.take<event::Error>(stream);
  if (errors.empty()) return {};
  EXPECT_EQ(world.closed_streams.back(), stream);
  EXPECT_EQ(world.framework_of(stream), FrameworkId());
  return errors[0].message;
}

std::set<std::string> hosts_offered(World& world, ConnectionId stream) {
  std::set<std::string> hosts;
  for (const Offer& offer : world.offers(stream)) hosts.insert(offer.hostname);
  return hosts;
}

TEST(MasterConstraints, AreToldToTheAllocatorAndToReaders) {
  World world;
  const ConnectionId stream = world.subscribe(make_framework("f"), {}, only("a"));
  EXPECT_EQ(facts(world, stream).constraints, only("a"));
  EXPECT_EQ(world.machine().view().frameworks.at(0).offer_constraints, only("a"));
}

TEST(MasterConstraints, OnlyAgentsThatFitAreOffered) {
  World world;
  for (const char* host : {"a", "b", "c"}) world.register_agent(host);
  const ConnectionId one = world.subscribe(make_framework("one"), {}, only("b"));
  EXPECT_EQ(hosts_offered(world, one), std::set<std::string>{"b"});
  const ConnectionId others = world.subscribe(make_framework("others"), {},
                                              {{"*", on_host(Predicate::kTextNotMatches, "[bd]")}});
  EXPECT_EQ(hosts_offered(world, others), (std::set<std::string>{"a", "c"}));
  world.register_agent("d");
  EXPECT_TRUE(hosts_offered(world, one).empty());
  EXPECT_TRUE(hosts_offered(world, others).empty());
}

TEST(MasterConstraints, UpdateReplacesThem) {
  World world;
  world.register_agent("a");
  FrameworkInfo info = make_framework("f");
  const ConnectionId stream = world.subscribe(info, {}, only("b"));
  info.id = world.framework_of(stream);
  EXPECT_TRUE(hosts_offered(world, stream).empty());
  EXPECT_EQ(world.call(stream, call::UpdateFramework{info, {}, only("a")}), 200);
  EXPECT_EQ(facts(world, stream).constraints, only("a"));
  EXPECT_EQ(hosts_offered(world, stream), std::set<std::string>{"a"});
  EXPECT_EQ(world.call(stream, call::UpdateFramework{info, {}}), 200);
  EXPECT_TRUE(facts(world, stream).constraints.empty());
}

TEST(MasterConstraints, SubscribingAgainReplacesThem) {
  World world;
  FrameworkInfo info = make_framework("f");
  info.failover_timeout = 60s;
  const ConnectionId first = world.subscribe(info, {}, only("a"));
  info.id = world.framework_of(first);
  const ConnectionId second = world.subscribe(info, {}, only("b"));
  EXPECT_EQ(facts(world, second).constraints, only("b"));
  const ConnectionId third = world.subscribe(info);
  EXPECT_TRUE(facts(world, third).constraints.empty());
}

TEST(MasterConstraints, BadOnesAreAnErrorEvent) {
  World world;
  const FrameworkInfo info = make_framework("f");
  EXPECT_EQ(error_of(world, {info, {}, {{"r", on_host(Predicate::kTextEquals, "a")}}}),
            "Offer constraints specify `role_constraints` for a role 'r' not contained in the set "
            "of roles");
  EXPECT_EQ(error_of(world, {info, {}, {{"*", {}}}}),
            "Offer constraints are not valid: role '*': no groups of constraints: leave the role "
            "out if it has none");
  EXPECT_EQ(error_of(world, {info, {}, {{"*", on_host(Predicate::kTextMatches, "(")}}}),
            "Offer constraints are not valid: role '*': the regular expression '(' is not one: "
            "missing ): (");
  EXPECT_EQ(error_of(world, {info, {}, {}, "constraint 0: nonsense"}),
            "Offer constraints are not valid: constraint 0: nonsense");
  EXPECT_EQ(error_of(world, {info, {}, only("a")}), "");
}

TEST(MasterConstraints, BadOnesOfAnUpdateChangeNothing) {
  World world;
  FrameworkInfo info = make_framework("f");
  const ConnectionId stream = world.subscribe(info, {}, only("a"));
  info.id = world.framework_of(stream);
  for (const ByRole& bad : {ByRole{{"r", on_host(Predicate::kTextEquals, "a")}}, ByRole{{"*", {}}},
                            ByRole{{"*", on_host(Predicate::kTextMatches, "[")}}}) {
    EXPECT_EQ(world.call(stream, call::UpdateFramework{info, {}, bad}), 400);
  }
  EXPECT_EQ(world.call(stream, call::UpdateFramework{info, {}, {}, "nonsense"}), 400);
  EXPECT_EQ(facts(world, stream).constraints, only("a"));
}

TEST(MasterConstraints, AreBoundedOverAllRoles) {
  World world;
  FrameworkInfo info = make_framework("f");
  info.capabilities.add(Capability::kMultiRole);
  info.roles = {"a", "b", "c"};
  const AttributeConstraint one = {.attribute = "x"};
  ByRole many;
  for (const std::string& role : info.roles) {
    many[role].groups.emplace_back(kMaxConstraintsPerFramework / 2, one);
  }
  EXPECT_EQ(error_of(world, {info, {}, many}),
            "Offer constraints are not valid: 30000 in all, the limit is 20000");
  many.erase("c");
  EXPECT_EQ(error_of(world, {info, {}, many}), "");
}

// --- fault domains

std::string refusal_of(World& world, FaultDomain domain) {
  AgentInfo info;
  info.hostname = "a";
  info.resources = Resources::parse("cpus:1").value();
  info.domain = std::move(domain);
  const ConnectionId link =
      world.register_as(protocol::to_master::Register{std::move(info), {}, {}, {}});
  const auto refused = world.heard<protocol::to_agent::Refused>(link);
  EXPECT_EQ(refused.empty(), !world.agent_of(link).empty());
  if (refused.empty()) return {};
  EXPECT_EQ(world.closed_links.back(), link);
  return refused[0].reason;
}

TEST(MasterDomain, AnAgentWithOneNeedsAMasterWithOne) {
  World world;
  EXPECT_EQ(refusal_of(world, {"eu", "eu-1"}),
            "the agent is in region 'eu', zone 'eu-1', but this master has no domain: start the "
            "master with --domain, or the agent without");
  EXPECT_EQ(refusal_of(world, {}), "");
}

TEST(MasterDomain, IsTold) {
  Options options;
  options.info.domain = {"eu", "eu-1"};
  World world(options);
  EXPECT_EQ(refusal_of(world, {"us", "us-1"}), "");
  EXPECT_EQ(refusal_of(world, {}), "") << "one without counts as of the master's region";
  ASSERT_EQ(world.allocator().agents.size(), 2u);
  EXPECT_EQ(world.allocator().agents.begin()->second.domain, (FaultDomain{"us", "us-1"}));
  const ConnectionId stream = world.subscribe(make_framework("f"));
  const auto subscribed = world.take<event::Subscribed>(stream);
  ASSERT_EQ(subscribed.size(), 1u);
  EXPECT_EQ(subscribed[0].master.domain, options.info.domain);
  EXPECT_EQ(world.machine().view().info.domain, options.info.domain);
}

TEST(MasterDomain, MayBeDemanded) {
  Options options;
  options.info.domain = {"eu", "eu-1"};
  options.require_agent_domain = true;
  World world(options);
  EXPECT_EQ(refusal_of(world, {"us", "us-1"}), "");
  EXPECT_EQ(refusal_of(world, {}),
            "this master demands a fault domain of its agents: start the agent with --domain");
}

}  // namespace
}  // namespace souk::master
