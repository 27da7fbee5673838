#include "wire/explain_json.h"

#include <gtest/gtest.h>

namespace souk::wire {
namespace {

using protocol::ExplainedAgent;
using protocol::ExplainView;
using protocol::ShareView;

Resources resources(std::string_view text) { return Resources::parse(text).value(); }

ShareView share() {
  return {.framework = FrameworkId("M-0001"),
          .name = "a \"b\"",
          .roles = {"eng"},
          .dominant = "cpus",
          .used = 2500,
          .total = 10'000,
          .held = {{"cpus", Scalar{2500}}, {"mem", Scalar{64'000}}},
          .offered = {{"cpus", Scalar{500}}},
          .guaranteed = {{"cpus", Scalar{3000}}},
          .fair_millionths = 333'333};
}

TEST(ExplainJson, Share) {
  EXPECT_EQ(render_share(share()),
            R"({"framework_id":"M-0001","name":"a \"b\"","roles":["eng"],)"
            R"("guaranteed":{"cpus":3.0},"fair":0.333333,"current":{"cpus":2.5,"mem":64.0},)"
            R"("offered":{"cpus":0.5},)"
            R"("dominant":{"resource":"cpus","used":2.5,"total":10.0,"share":0.25}})");
}

TEST(ExplainJson, ShareOfNothing) {
  ShareView nothing{.framework = FrameworkId("F"), .name = "f", .roles = {"*"}};
  EXPECT_EQ(render(protocol::Document(nothing)),
            R"({"framework_id":"F","name":"f","roles":["*"],"guaranteed":{},"fair":0.0,)"
            R"("current":{},"offered":{},)"
            R"("dominant":{"resource":"","used":0.0,"total":0.0,"share":0.0}})");
}

ExplainedAgent row(Obstacle obstacle) {
  ExplainedAgent agent;
  agent.agent = AgentId("M-S1");
  agent.hostname = "h1";
  agent.role = "eng";
  agent.obstacle = obstacle;
  return agent;
}

TEST(ExplainJson, Explanation) {
  ExplainView view;
  view.now = WallTime(1'700'000'000s);
  view.share = share();
  view.connected = true;
  view.suppressed_roles = {"eng"};
  view.last_offer = view.now - 1s;
  view.open_offers = 1;
  view.pairs = 3;
  view.counts[static_cast<std::size_t>(Obstacle::kRefused)] = 2;
  view.counts[static_cast<std::size_t>(Obstacle::kTaken)] = 1;
  view.left_out = 1;
  ExplainedAgent refused = row(Obstacle::kRefused);
  refused.free = refused.offerable = resources("cpus:4");
  refused.until = view.now + 1500ms;
  refused.refused_offer = OfferId("M-O7");
  refused.short_slot_limit = 30s;
  ExplainedAgent taken = row(Obstacle::kTaken);
  taken.taken = protocol::TakenView{.total = resources("cpus:4"),
                                    .used = resources("cpus:4"),
                                    .offered = {},
                                    .users = 1,
                                    .offers = 0,
                                    .holders = {{FrameworkId("M-0002"), "mpi", {}}}};
  view.rows = {refused, taken};
  const std::string text = render_explain(view);
  const auto has = [&](std::string_view part) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nis not in\n" << text;
  };
  has(R"({"framework_id":"M-0001","name":"a \"b\"","roles":["eng"],)"
      R"("time":"2023-11-14T22:13:20.000Z","connected":true,"suppressed_roles":["eng"],)"
      R"("last_offer":"2023-11-14T22:13:19.000Z","open_offers":1,"share":{"guaranteed":)");
  has(R"("explained":3,"counts":{"taken":1,"refused":2},"meanings":{"taken":"nothing is free)");
  has(R"("agents":[{"agent_id":"M-S1","hostname":"h1","role":"eng",)"
      R"("max_task_duration_seconds":30.0,"reason":"refused","text":"The slots of agent h1)");
  has(R"("free":{"cpus":4.0,"gpus":0.0,"mem":0.0,"disk":0.0},"offerable":{"cpus":4.0,)");
  has(R"("until":"2023-11-14T22:13:21.500Z","seconds_left":1.5,"refused_offer_id":"M-O7"})");
  has(R"("used":{"cpus":4.0,"gpus":0.0,"mem":0.0,"disk":0.0},"offered":{"cpus":0.0,)");
  has(R"("frameworks_using":1,"open_offers":0,)"
      R"("holders":[{"framework_id":"M-0002","name":"mpi"}]}])");
  EXPECT_TRUE(text.ends_with(R"(],"left_out":1})")) << text;
  EXPECT_EQ(text.find("only_reason"), std::string::npos);
}

TEST(ExplainJson, WhatIsNotThereIsLeftOut) {
  ExplainView view;
  view.only = Obstacle::kOffered;
  ExplainedAgent offered = row(Obstacle::kOffered);
  offered.open_offers = {OfferId("M-O7"), OfferId("M-O8")};
  offered.detail = "d";
  view.rows = {offered};
  const std::string text = render_explain(view);
  for (const std::string_view absent : {"last_offer", "until", "seconds_left", "holders",
                                        "refused_offer_id", "max_task_duration_seconds"}) {
    EXPECT_EQ(text.find(absent), std::string::npos) << absent;
  }
  EXPECT_NE(text.find(R"("only_reason":"offered")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("detail":"d","open_offer_ids":["M-O7","M-O8"]})"), std::string::npos)
      << text;
}

}  // namespace
}  // namespace souk::wire
