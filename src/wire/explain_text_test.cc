#include "wire/explain_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"

namespace souk::wire {
namespace {

using protocol::ExplainedAgent;
using protocol::ExplainView;
using protocol::TakenView;

constexpr WallTime kNow(1'700'000'000s);  // 22:13:20 UTC

Resources resources(std::string_view text) { return Resources::parse(text).value(); }
Quantities amounts(std::string_view text) { return quantities_of(resources(text)); }

ExplainView spark() {
  ExplainView view;
  view.now = kNow;
  view.share.framework = FrameworkId("M-0001");
  view.share.name = "spark";
  view.share.roles = {"eng"};
  view.connected = true;
  view.pairs = 1;
  return view;
}

ExplainedAgent on_h1(Obstacle obstacle) {
  ExplainedAgent row;
  row.agent = AgentId("M-S1");
  row.hostname = "h1";
  row.role = "eng";
  row.obstacle = obstacle;
  row.free = resources("cpus:4;mem:100");
  return row;
}

std::string sentence(const ExplainedAgent& row) { return sentence_of(spark(), row); }

TEST(ExplainText, NothingInTheWay) {
  ExplainedAgent row = on_h1(Obstacle::kNone);
  row.offerable = resources("cpus:3");
  EXPECT_EQ(sentence(row),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; framework 'spark' is offered cpus:3 with the "
            "next decision.");
}

TEST(ExplainText, Offered) {
  ExplainedAgent row = on_h1(Obstacle::kOffered);
  row.open_offers = {OfferId("M-O7")};
  EXPECT_EQ(sentence(row),
            "All that framework 'spark' could have of agent h1 (M-S1) is in its own open offer "
            "M-O7: it may accept or decline.");
  row.open_offers = {OfferId("M-O7"), OfferId("M-O8"), OfferId("M-O9")};
  EXPECT_EQ(sentence(row),
            "All that framework 'spark' could have of agent h1 (M-S1) is in its own open offers "
            "M-O7, M-O8 and M-O9: it may accept or decline.");
  row.open_offers.clear();
  EXPECT_EQ(
      sentence(row),
      "All that framework 'spark' could have of agent h1 (M-S1) is in its own open offers: it "
      "may accept or decline.");
}

TEST(ExplainText, InactiveFramework) {
  const ExplainedAgent row = on_h1(Obstacle::kInactiveFramework);
  EXPECT_EQ(sentence(row),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; framework 'spark' is not connected: it is "
            "offered more when it subscribes.");
  ExplainView view = spark();
  view.recovered = true;
  EXPECT_EQ(sentence_of(view, row),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; framework 'spark' has not subscribed with "
            "this master since that started.");
}

TEST(ExplainText, Suppressed) {
  ExplainedAgent row = on_h1(Obstacle::kSuppressed);
  EXPECT_EQ(sentence(row),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; framework 'spark' asked for no offers by "
            "SUPPRESS; a REVIVE call brings them back.");
  row.free = {};
  EXPECT_TRUE(sentence(row).starts_with("Agent h1 (M-S1) has nothing free; ")) << sentence(row);
}

TEST(ExplainText, InactiveAgent) {
  ExplainedAgent row = on_h1(Obstacle::kInactiveAgent);
  EXPECT_EQ(
      sentence(row),
      "Agent h1 (M-S1) has cpus:4;mem:100 free; the agent is not to be used at the moment, as "
      "it is being drained.");
  row.connected = false;
  EXPECT_EQ(sentence(row),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; the agent is not connected: it is offered "
            "again when it registers again.");
}

TEST(ExplainText, ShortSlots) {
  ExplainedAgent row = on_h1(Obstacle::kShortSlots);
  row.short_slot_limit = 5min;
  EXPECT_EQ(sentence(row),
            "The slots of agent h1 (M-S1) for tasks of at most 5 min have cpus:4;mem:100 free; "
            "framework 'spark' did not ask for slots for short tasks: its label souk.short_slots "
            "with the value true does.");
}

TEST(ExplainText, Capabilities) {
  EXPECT_EQ(sentence(on_h1(Obstacle::kGpus)),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; the agent has GPUs, and framework 'spark' "
            "lacks the capability GPU_RESOURCES (--filter_gpu_resources=false on the master lifts "
            "this).");
  EXPECT_EQ(sentence(on_h1(Obstacle::kRevocable)),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; the rest is revocable, and framework 'spark' "
            "lacks the capability REVOCABLE_RESOURCES.");
  EXPECT_EQ(sentence(on_h1(Obstacle::kShared)),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; the rest is shared, and framework 'spark' "
            "lacks the capability SHARED_RESOURCES.");
}

TEST(ExplainText, Region) {
  ExplainedAgent row = on_h1(Obstacle::kRegion);
  row.region = "eu";
  ExplainView view = spark();
  view.master_region = "us";
  EXPECT_EQ(sentence_of(view, row),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; the agent is in region 'eu', the master in "
            "'us', and framework 'spark' lacks the capability REGION_AWARE.");
}

TEST(ExplainText, Constraint) {
  ExplainedAgent row = on_h1(Obstacle::kConstraint);
  EXPECT_EQ(sentence(row),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; the offer constraints of framework 'spark' "
            "exclude this agent.");
  row.detail = "attribute rack is not 'r1'";
  EXPECT_EQ(sentence(row),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; the offer constraints of framework 'spark' "
            "exclude this agent (attribute rack is not 'r1').");
}

TEST(ExplainText, TakenTellsWhoHoldsIt) {
  ExplainedAgent row = on_h1(Obstacle::kTaken);
  row.free = {};
  row.taken = TakenView{.total = resources("cpus:4;mem:100"),
                        .used = resources("cpus:3.5"),
                        .offered = resources("cpus:0.5;mem:100"),
                        .users = 2,
                        .offers = 1,
                        .holders = {{FrameworkId("M-0002"), "mpi", {}},
                                    {FrameworkId("M-0001"), "spark", {}},
                                    {FrameworkId("M-0003"), "", OfferId("M-O7")}}};
  EXPECT_EQ(
      sentence(row),
      "Nothing is free on agent h1 (M-S1); in use: 3.5 of 4 cpus (by 'mpi' and this framework "
      "itself); in open offers: 0.5 of 4 cpus and 100 of 100 mem (to M-0003 (M-O7)), whose "
      "turn came first.");
  row.taken->users = 5;
  row.taken->offered = {};
  EXPECT_EQ(sentence(row),
            "Nothing is free on agent h1 (M-S1); in use: 3.5 of 4 cpus (by 'mpi', this framework "
            "itself and 3 more).");
  row.taken.reset();
  EXPECT_EQ(sentence(row), "Nothing is free on agent h1 (M-S1): it has nothing to offer.");
}

TEST(ExplainText, QuotaAndReservations) {
  ExplainedAgent row = on_h1(Obstacle::kReserved);
  row.detail = "ads, web";
  EXPECT_EQ(sentence(row),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; all of it is reserved for roles that "
            "framework 'spark' does not have (ads, web).");
  row.obstacle = Obstacle::kLimit;
  row.detail = "eng";
  EXPECT_EQ(sentence(row),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; framework 'spark' would exceed the quota "
            "limit of role eng: raise it with UPDATE_QUOTA, or let tasks of that role end.");
  row.obstacle = Obstacle::kHeadroom;
  EXPECT_EQ(sentence(row),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; it is held back from framework 'spark' for "
            "the quota guarantees of other roles.");
}

TEST(ExplainText, BelowMinimum) {
  ExplainedAgent row = on_h1(Obstacle::kBelowMinimum);
  row.detail = "cpus:8";
  EXPECT_EQ(sentence(row),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; what framework 'spark' could have of it is "
            "below the minimum size of an offer (cpus:8).");
  row.free = resources("ports:[1-2]");
  row.taken = TakenView{.total = resources("cpus:4;ports:[1-2]"),
                        .used = resources("cpus:4"),
                        .offered = {},
                        .users = 1,
                        .offers = 0,
                        .holders = {{FrameworkId("M-0002"), "mpi", {}}}};
  EXPECT_EQ(
      sentence(row),
      "Agent h1 (M-S1) has ports:[1-2] free; what framework 'spark' could have of it is below "
      "the minimum size of an offer (cpus:8); in use: 4 of 4 cpus (by 'mpi').");
}

TEST(ExplainText, RefusedTellsUntilWhenAndByWhichAnswer) {
  ExplainedAgent row = on_h1(Obstacle::kRefused);
  row.until = kNow + 40s;
  row.refused_offer = OfferId("M-O12");
  EXPECT_EQ(
      sentence(row),
      "Agent h1 (M-S1) has cpus:4;mem:100 free; framework 'spark' refused it in its answer to "
      "offer M-O12, which holds until 22:14:00 UTC (for 40 s) or until it sends REVIVE.");
  row.refused_offer = {};
  row.until = kNow + 2h + 500ms;
  EXPECT_EQ(sentence(row),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; framework 'spark' refused it, which holds "
            "until 2023-11-15 00:13:20 UTC (for 2 h) or until it sends REVIVE.");
}

TEST(ExplainText, LengthsAreExactWhereTheyAreShort) {
  ExplainedAgent row = on_h1(Obstacle::kRefused);
  const auto length = [&](Duration d) {
    row.until = kNow + d;
    const std::string text = sentence(row);
    const std::size_t at = text.find("(for ") + 5;
    return text.substr(at, text.find(')', at) - at);
  };
  EXPECT_EQ(length(0s), "0 s");
  EXPECT_EQ(length(-5s), "0 s");
  EXPECT_EQ(length(1ms), "1 s");
  EXPECT_EQ(length(59s), "59 s");
  EXPECT_EQ(length(60s), "1 min");
  EXPECT_EQ(length(1000s), "16 min 40 s");
  EXPECT_EQ(length(3h + 5min), "3 h 5 min");
  EXPECT_EQ(length(24h), "1 day");
  EXPECT_EQ(length(365 * 24h + 3h), "365 days 3 h");
}

TEST(ExplainText, OfSeveralRolesTheOneIsNamed) {
  ExplainView view = spark();
  view.share.roles = {"ads", "eng"};
  EXPECT_EQ(sentence_of(view, on_h1(Obstacle::kSuppressed)),
            "Agent h1 (M-S1) has cpus:4;mem:100 free; framework 'spark' in role eng asked for no "
            "offers by SUPPRESS; a REVIVE call brings them back.");
}

// One sentence of printable text for each obstacle, and none like another.
TEST(ExplainText, EveryObstacleHasItsSentence) {
  std::set<std::string> sentences;
  std::set<std::string_view> meanings;
  for (std::size_t i = 0; i < kObstacles; ++i) {
    const auto obstacle = static_cast<Obstacle>(i);
    const std::string text = sentence(on_h1(obstacle));
    EXPECT_TRUE(text.ends_with('.') && text.find("h1 (M-S1)") != std::string::npos) << text;
    sentences.insert(text);
    meanings.insert(meaning_of(obstacle));
    EXPECT_EQ(parse_obstacle(to_string(obstacle)), obstacle);
  }
  EXPECT_EQ(sentences.size(), kObstacles);
  EXPECT_EQ(meanings.size(), kObstacles);
  EXPECT_EQ(parse_obstacle("nonsense"), std::nullopt);
}

TEST(ExplainText, HostileNamesSpoilNoTerminal) {
  ExplainView view = spark();
  view.share.name = "x\x1b[2J\n";
  ExplainedAgent row = on_h1(Obstacle::kConstraint);
  row.hostname = "h\r\n";
  row.detail = "\x1b]0;";
  std::string all = sentence_of(view, row);
  for (const std::string& text : summary_of(view)) all += text;
  EXPECT_TRUE(std::ranges::none_of(all, is_control)) << all;
}

TEST(ExplainText, FragmentedResourcesAreCut) {
  ExplainedAgent row = on_h1(Obstacle::kSuppressed);
  std::vector<Range> ranges;
  for (uint64_t i = 0; i < 10'000; ++i) ranges.push_back({2 * i, 2 * i});
  Resource ports;
  ports.name = "ports";
  ports.value = Ranges(ranges);
  row.free = Resources({ports});
  EXPECT_LT(sentence(row).size(), 400U);
}

// --- the framework as a whole

TEST(ExplainText, SummaryOfOneThatHoldsSomething) {
  ExplainView view = spark();
  view.last_offer = kNow - 3s;
  view.open_offers = 2;
  view.share.dominant = "cpus";
  view.share.used = 2000;
  view.share.total = 8000;
  view.share.held = amounts("cpus:2;mem:100");
  view.share.offered = amounts("cpus:0.5");
  view.share.guaranteed = amounts("cpus:3;mem:50");
  view.share.fair_millionths = 333'333;
  EXPECT_EQ(summary_of(view),
            (std::vector<std::string>{
                "Framework 'spark' (M-0001), role eng, is connected.",
                "Its last offer was made 3 s ago, at 22:13:17 UTC; it has 2 open offers to answer, "
                "of cpus:0.5 in all.",
                "It holds 2 of 8 cpus (25.0%, the resource of which it holds most), below its fair "
                "share of 33.3%.",
                "Of what is guaranteed to it, cpus:3;mem:50, it lacks cpus:1."}));
  view.share.held = amounts("cpus:3;mem:100");
  view.share.used = 3000;
  const auto more = summary_of(view);
  EXPECT_EQ(more[2],
            "It holds 3 of 8 cpus (37.5%, the resource of which it holds most), above its fair "
            "share of 33.3%.");
  EXPECT_EQ(more[3], "It has all that is guaranteed to it: cpus:3;mem:50.");
}

TEST(ExplainText, SummaryOfOneThatHasNothing) {
  ExplainView view = spark();
  view.connected = false;
  view.share.roles = {"ads", "eng"};
  view.suppressed_roles = {"ads"};
  view.pairs = 0;
  const std::string first =
      "Framework 'spark' (M-0001), roles ads and eng, is not connected: it gets offers again once "
      "it subscribes.";
  EXPECT_EQ(
      summary_of(view),
      (std::vector<std::string>{
          first, "It asked for no offers in role ads (SUPPRESS): a REVIVE call brings them back.",
          "This master has not made it an offer yet.", "It holds nothing.",
          "Nothing is guaranteed to it.", "There are no agents."}));
}

}  // namespace
}  // namespace souk::wire
