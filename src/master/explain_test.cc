// What the master makes of the allocator's explanations: keys become ids, and who holds what is
// told.
#include "master/test_support.h"

namespace souk::master {
namespace {

namespace call = protocol::call;

class MasterExplain : public ::testing::Test {
 protected:
  ConnectionId ask(ExplainRequested event) {
    event.connection = ConnectionId(next_++);
    const ConnectionId connection = event.connection;
    world.step(std::move(event));
    world.batch();
    return connection;
  }
  ConnectionId ask(const std::string& framework, const std::string& agent = "") {
    return ask({.connection = {},
                .framework = framework,
                .agent = agent,
                .limit = 100,
                .reason = std::nullopt});
  }
  protocol::ExplainView explained(const std::string& framework, const std::string& agent = "") {
    return view_of(ask(framework, agent));
  }
  protocol::ExplainView view_of(ConnectionId connection) {
    const auto at = world.documents.find(connection);
    if (at == world.documents.end()) {
      ADD_FAILURE() << world.answers[connection].status << " " << world.answers[connection].body;
      return {};
    }
    return std::get<protocol::ExplainView>(*at->second);
  }
  // Status and text of a refusal.
  protocol::HttpAnswer refused(ConnectionId connection) {
    EXPECT_FALSE(world.documents.contains(connection));
    return world.answers[connection];
  }
  // Of everything that the allocator is to tell from now on.
  void tell(AgentKey agent, Obstacle obstacle, const std::string& free = "") {
    if (!world.allocator().told_explanations) world.allocator().told_explanations.emplace();
    allocator::Explanation one;
    one.role = "*";
    one.agent = agent;
    one.obstacle = obstacle;
    one.free = Resources::parse(free).value();
    world.allocator().told_explanations->push_back(std::move(one));
  }
  allocator::Explanation& last_told() { return world.allocator().told_explanations->back(); }

  World world;
  uint64_t next_ = 1'000'000;
};

TEST_F(MasterExplain, KeysBecomeIds) {
  const ConnectionId link = world.register_agent("h1");
  const ConnectionId stream = world.subscribe(make_framework("f"));
  tell(world.allocator().key_of(world.agent_of(link)), Obstacle::kRefused, "cpus:4");
  last_told().offerable = Resources::parse("cpus:3").value();
  last_told().until = world.now().mono + 40s;
  last_told().offer = 12;
  last_told().detail = "d";
  const FrameworkId id = world.framework_of(stream);
  const protocol::ExplainView view = explained(id.value);
  EXPECT_EQ(view.share.framework, id);
  EXPECT_EQ(view.share.name, "f");
  EXPECT_EQ(view.share.roles, std::vector<std::string>{"*"});
  EXPECT_EQ(view.now, world.now().wall);
  EXPECT_TRUE(view.connected);
  EXPECT_TRUE(view.all_agents);
  EXPECT_EQ(view.pairs, 1U);
  ASSERT_EQ(view.rows.size(), 1U);
  const protocol::ExplainedAgent& row = view.rows[0];
  EXPECT_EQ(row.agent, world.agent_of(link));
  EXPECT_EQ(row.hostname, "h1");
  EXPECT_EQ(row.role, "*");
  EXPECT_EQ(row.obstacle, Obstacle::kRefused);
  EXPECT_EQ(row.free.to_string(), "cpus:4");
  EXPECT_EQ(row.offerable.to_string(), "cpus:3");
  EXPECT_EQ(row.until, world.now().wall + 40s);
  EXPECT_EQ(row.refused_offer, OfferId("m-O12"));
  EXPECT_EQ(row.detail, "d");
  EXPECT_TRUE(row.connected);
  EXPECT_EQ(row.short_slot_limit, std::nullopt);
}

TEST_F(MasterExplain, FindsByNameAndHostname) {
  const ConnectionId link = world.register_agent("h1");
  world.register_agent("h2");
  world.register_agent("h2");
  const ConnectionId f = world.subscribe(make_framework("f"));
  world.subscribe(make_framework("twin"));
  world.subscribe(make_framework("twin"));
  for (const auto& [key, facts] : world.allocator().agents) tell(key, Obstacle::kSuppressed);
  EXPECT_EQ(explained("f").share.framework, world.framework_of(f));
  EXPECT_EQ(explained("f").rows.size(), 3U);
  for (const std::string& name : {std::string("h1"), world.agent_of(link).value}) {
    const protocol::ExplainView view = explained("f", name);
    EXPECT_FALSE(view.all_agents);
    ASSERT_EQ(view.rows.size(), 1U);
    EXPECT_EQ(view.rows[0].agent, world.agent_of(link));
  }
  const auto twin = refused(ask("twin"));
  EXPECT_EQ(twin.status, 409);
  EXPECT_EQ(twin.body,
            "2 frameworks have the name 'twin': say the id of one, as in m-0001, m-0002");
  const auto host = refused(ask("f", "h2"));
  EXPECT_EQ(host.status, 409);
  EXPECT_EQ(host.body, "2 agents have the hostname 'h2': say the id of one, as in m-S1, m-S2");
}

TEST_F(MasterExplain, UnknownFrameworksAndAgents) {
  world.subscribe(make_framework("f"));
  const auto nobody = refused(ask("x\n"));
  EXPECT_EQ(nobody.status, 404);
  EXPECT_EQ(nobody.body.find('\n'), std::string::npos) << nobody.body;
  EXPECT_EQ(refused(ask("f", "h")).status, 404);
  EXPECT_EQ(refused(ask("f", "h")).body,
            "No agent has the id or the hostname 'h': /slaves lists them");

  const ConnectionId gone = world.subscribe(make_framework("gone"));
  EXPECT_EQ(world.call(gone, call::Teardown{}), 202);
  EXPECT_EQ(refused(ask("gone")).body, "Framework m-0001 'gone' has ended");

  world.register_agent("h1");
  const ConnectionId link = world.register_agent("h2");
  const AgentId lost = world.agent_of(link);
  world.step(LinkClosed{link});
  world.pass(10min);
  EXPECT_EQ(refused(ask("f", lost.value)).body,
            fmt::format("Agent {} is unreachable; it is offered once it comes back", lost));
}

TEST_F(MasterExplain, OfAgentsThatHaveNotComeBackToANewMaster) {
  protocol::Registry registry;
  registry.admitted[AgentId("old-S1")] = {.hostname = "h1"};
  registry.gone[AgentId("old-S2")] = {};
  World other({}, registry);
  other.subscribe(make_framework("f"));
  for (const auto& [agent, part] :
       {std::pair("old-S1", "has not registered with this master"), std::pair("old-S2", "gone")}) {
    other.step(ExplainRequested{ConnectionId(99), "f", agent, 1, std::nullopt});
    other.batch();
    EXPECT_EQ(other.answers[ConnectionId(99)].status, 404);
    EXPECT_NE(other.answers[ConnectionId(99)].body.find(part), std::string::npos)
        << other.answers[ConnectionId(99)].body;
  }
}

TEST_F(MasterExplain, NotBeforeRecovery) {
  World other({}, {}, false);
  other.step(ExplainRequested{ConnectionId(1), "f", "", 1, std::nullopt});
  other.step(ShareRequested{ConnectionId(2), "f"});
  EXPECT_EQ(other.answers[ConnectionId(1)].status, 503);
  EXPECT_EQ(other.answers[ConnectionId(2)].status, 503);
}

// What it says is what the decision on offers did, not what was there when the question came.
TEST_F(MasterExplain, AnsweredAfterTheNextDecision) {
  world.register_agent("h1");
  const ConnectionId stream = world.subscribe(make_framework("f"));
  world.step(ExplainRequested{ConnectionId(99), "f", "", 1, std::nullopt});
  EXPECT_FALSE(world.documents.contains(ConnectionId(99)));
  EXPECT_TRUE(world.take<protocol::event::Offers>(stream).empty());
  world.batch();
  EXPECT_EQ(view_of(ConnectionId(99)).open_offers, 1U);
  EXPECT_EQ(view_of(ConnectionId(99)).last_offer, world.now().wall);
}

TEST_F(MasterExplain, AReaderThatWentAwayIsNotAnswered) {
  world.subscribe(make_framework("f"));
  world.step(ExplainRequested{ConnectionId(99), "f", "", 1, std::nullopt});
  world.step(ConnectionClosed{ConnectionId(99)});
  world.batch();
  EXPECT_FALSE(world.documents.contains(ConnectionId(99)));
}

TEST_F(MasterExplain, CountsAllAndListsSome) {
  for (int i = 0; i < 5; ++i) world.register_agent(fmt::format("h{}", i));
  world.subscribe(make_framework("f"));
  int i = 0;
  for (const auto& [key, facts] : world.allocator().agents) {
    tell(key, i++ % 2 == 0 ? Obstacle::kSuppressed : Obstacle::kGpus);
  }
  ExplainRequested event{{}, "f", "", 2, std::nullopt};
  protocol::ExplainView view = view_of(ask(event));
  EXPECT_EQ(view.pairs, 5U);
  EXPECT_EQ(view.counts[static_cast<std::size_t>(Obstacle::kSuppressed)], 3U);
  EXPECT_EQ(view.counts[static_cast<std::size_t>(Obstacle::kGpus)], 2U);
  ASSERT_EQ(view.rows.size(), 2U);
  EXPECT_EQ(view.left_out, 3U);
  EXPECT_EQ(view.rows[1].hostname, "h1");

  event.reason = Obstacle::kSuppressed;
  view = view_of(ask(event));
  EXPECT_EQ(view.pairs, 5U);
  ASSERT_EQ(view.rows.size(), 2U);
  EXPECT_EQ(view.rows[1].hostname, "h2");
  EXPECT_EQ(view.left_out, 1U);

  event.limit = 0;
  EXPECT_EQ(view_of(ask(event)).rows.size(), 0U);
}

TEST_F(MasterExplain, WhoHoldsWhatIsTaken) {
  const ConnectionId link = world.register_agent("h1", "cpus:4;mem:4096");
  const AgentId agent = world.agent_of(link);
  const ConnectionId user = world.subscribe(make_framework("user"));
  const auto offers = world.offers(user);
  ASSERT_EQ(offers.size(), 1U);
  world.launch(user, offers[0], {make_task("t1", agent), make_task("t2", agent)}, 1h);
  const ConnectionId holder = world.subscribe(make_framework("holder"));
  ASSERT_EQ(world.offers(holder).size(), 1U);
  world.subscribe(make_framework("f"));
  tell(world.allocator().key_of(agent), Obstacle::kTaken);
  const protocol::ExplainView view = explained("f");
  ASSERT_EQ(view.rows.size(), 1U);
  ASSERT_TRUE(view.rows[0].taken);
  const protocol::TakenView& taken = *view.rows[0].taken;
  EXPECT_EQ(taken.total.to_string(), "cpus:4;mem:4096");
  EXPECT_EQ(taken.used.to_string(), "cpus:2;mem:256");
  EXPECT_EQ(taken.offered.to_string(), "cpus:2;mem:3840");
  EXPECT_EQ(taken.users, 1U);
  EXPECT_EQ(taken.offers, 1U);
  ASSERT_EQ(taken.holders.size(), 2U);
  EXPECT_EQ(taken.holders[0].framework, world.framework_of(user));
  EXPECT_EQ(taken.holders[0].offer, OfferId());
  EXPECT_EQ(taken.holders[1].name, "holder");
  EXPECT_EQ(taken.holders[1].offer, OfferId("m-O2"));

  last_told().obstacle = Obstacle::kBelowMinimum;
  EXPECT_TRUE(explained("f").rows[0].taken);
  last_told().obstacle = Obstacle::kLimit;
  EXPECT_FALSE(explained("f").rows[0].taken);
  last_told().obstacle = Obstacle::kTaken;

  // What has ended holds nothing, whether or not it is acknowledged.
  world.update(link, world.framework_of(user), "t1", TaskState::kFinished);
  EXPECT_EQ(explained("f").rows[0].taken->users, 1U);
  world.update(link, world.framework_of(user), "t2", TaskState::kFinished);
  EXPECT_EQ(explained("f").rows[0].taken->users, 0U);
}

TEST_F(MasterExplain, OfManyHoldersSomeAreNamed) {
  const AgentId agent = world.agent_of(world.register_agent("h1"));
  for (int i = 0; i < 5; ++i) {
    const ConnectionId stream = world.subscribe(make_framework(fmt::format("u{}", i)));
    const auto offers = world.offers(stream);
    ASSERT_EQ(offers.size(), 1U);
    world.launch(stream, offers[0], {make_task("t", agent, "cpus:0.5;mem:64")}, 1h);
  }
  tell(world.allocator().key_of(agent), Obstacle::kTaken);
  const protocol::ExplainView view = explained("u0");
  EXPECT_EQ(view.rows[0].taken->users, 5U);
  EXPECT_EQ(view.rows[0].taken->holders.size(), protocol::kMaxNamedHolders);
}

TEST_F(MasterExplain, OwnOpenOffersAreNamed) {
  const AgentId agent = world.agent_of(world.register_agent("h1"));
  const ConnectionId stream = world.subscribe(make_framework("f"));
  const auto offers = world.offers(stream);
  ASSERT_EQ(offers.size(), 1U);
  tell(world.allocator().key_of(agent), Obstacle::kOffered);
  EXPECT_EQ(explained("f").rows[0].open_offers, std::vector<OfferId>{offers[0].id});
  // Another one's are not.
  world.subscribe(make_framework("other"));
  EXPECT_TRUE(explained("other").rows[0].open_offers.empty());
}

TEST_F(MasterExplain, ShortSlotsAreTheirAgents) {
  const AgentId agent = world.agent_of(world.register_agent("h1", "cpus:4", "cpus:2", 60s));
  world.subscribe(make_framework("f"));
  tell(world.allocator().key_of(agent), Obstacle::kSuppressed);
  tell(world.allocator().key_of(agent, true), Obstacle::kTaken);
  for (const std::string& name : {std::string(), std::string("h1")}) {
    const protocol::ExplainView view = explained("f", name);
    ASSERT_EQ(view.rows.size(), 2U);
    EXPECT_EQ(view.rows[0].short_slot_limit, std::nullopt);
    EXPECT_EQ(view.rows[1].agent, agent);
    EXPECT_EQ(view.rows[1].short_slot_limit, Duration(60s));
    EXPECT_EQ(view.rows[1].taken->total.to_string(), "cpus:2");
  }
}

TEST_F(MasterExplain, SaysWhetherItTakesPart) {
  world.subscribe(make_framework("f"), {"*"});
  const protocol::ExplainView view = explained("f");
  EXPECT_EQ(view.suppressed_roles, std::vector<std::string>{"*"});
  EXPECT_EQ(view.last_offer, std::nullopt);
  EXPECT_EQ(view.open_offers, 0U);
  EXPECT_EQ(view.pairs, 0U);
  FrameworkInfo patient = make_framework("patient");
  patient.failover_timeout = 1h;
  world.step(ConnectionClosed{world.subscribe(patient)});
  EXPECT_FALSE(explained("patient").connected);
  EXPECT_TRUE(explained("f").connected);
}

// One question is always answered, however large the cluster; many at once are not.
TEST_F(MasterExplain, ManyQuestionsAreRefused) {
  world.subscribe(make_framework("f"));
  for (std::size_t i = 0; i <= kMaxExplains; ++i) {
    world.step(ExplainRequested{ConnectionId(2'000'000 + i), "f", "", 1, std::nullopt});
  }
  EXPECT_EQ(world.answers[ConnectionId(2'000'000 + kMaxExplains)].status, 503);
  world.batch();
  EXPECT_TRUE(world.documents.contains(ConnectionId(2'000'000)));
  EXPECT_TRUE(world.documents.contains(ConnectionId(2'000'000 + kMaxExplains - 1)));
}

TEST_F(MasterExplain, LargeAnswersAreNotMadeAllAtOnce) {
  FrameworkInfo wide = make_framework("wide");
  wide.capabilities.add(Capability::kMultiRole);
  wide.roles.clear();
  for (int i = 0; i < 1000; ++i) wide.roles.push_back(fmt::format("r{}", i));
  const std::size_t agents = kMaxExplainedPairs / wide.roles.size() / 2 + 1;
  for (std::size_t i = 0; i < agents; ++i) world.register_agent(fmt::format("h{}", i));
  world.subscribe(wide, wide.roles);
  world.allocator().told_explanations.emplace();
  world.step(ExplainRequested{ConnectionId(1'000'000), "wide", "", 1, std::nullopt});
  world.step(ExplainRequested{ConnectionId(1'000'001), "wide", "", 1, std::nullopt});
  world.step(ExplainRequested{ConnectionId(1'000'002), "wide", "h1", 1, std::nullopt});
  world.batch();
  EXPECT_TRUE(world.documents.contains(ConnectionId(1'000'000)));
  EXPECT_EQ(world.answers[ConnectionId(1'000'001)].status, 503);
  EXPECT_TRUE(world.documents.contains(ConnectionId(1'000'002)));
}

TEST_F(MasterExplain, ShareIsTheAllocators) {
  allocator::Share share{.dominant = "cpus",
                         .used = 2000,
                         .total = 8000,
                         .held = {{"cpus", Scalar{2000}}},
                         .offered = {{"cpus", Scalar{500}}},
                         .guaranteed = {{"cpus", Scalar{3000}}},
                         .fair_millionths = 250'000};
  world.allocator().told_share = share;
  const ConnectionId stream = world.subscribe(make_framework("f"));
  world.step(ShareRequested{ConnectionId(99), "f"});
  ASSERT_TRUE(world.documents.contains(ConnectionId(99)));
  const auto& view = std::get<protocol::ShareView>(*world.documents[ConnectionId(99)]);
  EXPECT_EQ(view.framework, world.framework_of(stream));
  EXPECT_EQ(view.dominant, "cpus");
  EXPECT_EQ(view.used, 2000);
  EXPECT_EQ(view.total, 8000);
  EXPECT_EQ(view.held, share.held);
  EXPECT_EQ(view.offered, share.offered);
  EXPECT_EQ(view.guaranteed, share.guaranteed);
  EXPECT_EQ(view.fair_millionths, 250'000);
  world.step(ShareRequested{ConnectionId(100), "nobody"});
  EXPECT_EQ(world.answers[ConnectionId(100)].status, 404);
}

}  // namespace
}  // namespace souk::master
