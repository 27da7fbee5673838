#include "sim/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "protocol/master_view.h"
#include "workloads/elastic.h"
#include "workloads/service.h"

namespace souk::sim {
namespace {

Resources bag(std::string_view text) { return Resources::parse(text).value(); }

AgentProcessOptions agent_of(std::string_view resources, int number) {
  AgentProcessOptions options;
  options.machine.agent.hostname = fmt::format("host{}", number);
  options.machine.agent.ip = "10.0.0.1";
  options.machine.agent.port = 5051;
  options.machine.agent.resources = bag(resources);
  options.machine.version = "0.1.0";
  return options;
}

std::unique_ptr<workloads::Elastic> elastic(const std::string& name, uint64_t tasks,
                                            workloads::Lengths lengths, Rng rng) {
  return std::make_unique<workloads::Elastic>(
      workloads::ElasticOptions{.framework = {.name = name},
                                .demand = bag("cpus:1;mem:32"),
                                .lengths = std::move(lengths),
                                .tasks = tasks},
      rng);
}

struct Small {
  explicit Small(uint64_t seed, bool through_wire = false, int masters = 1)
      : world({.seed = seed, .through_wire = through_wire}) {
    if (masters > 1) world.add_zoo({.cluster_id = "test"});
    for (int i = 0; i < masters; ++i) {
      MasterProcessOptions options;
      if (masters > 1) options.zoo = world.zoo()->id();
      world.add_master(options);
    }
    for (int i = 0; i < 3; ++i) world.add_agent(agent_of("cpus:4;mem:1024", i));
    for (int i = 0; i < 2; ++i) {
      const std::string name = fmt::format("f{}", i);
      auto workload = elastic(name, 100, workloads::Lengths::exponential(10s), world.rng(name));
      jobs.push_back(workload.get());
      world.add_scheduler({}, std::move(workload));
    }
  }
  bool run(Duration limit) {
    return world.run_until(world.now() + limit,
                           [this] { return jobs[0]->done() && jobs[1]->done(); });
  }
  World world;
  std::vector<const workloads::Elastic*> jobs;
};

TEST(World, RunsTheWorkOfItsFrameworks) {
  Small small(1);
  EXPECT_TRUE(small.run(1h));
  for (const auto* job : small.jobs) {
    EXPECT_EQ(job->totals().finished, 100u);
    EXPECT_EQ(job->totals().lost, 0u);
  }
  // 200 tasks of 10 s on 12 slots.
  EXPECT_GT(small.world.now(), MonoTime(120s));
  EXPECT_LT(small.world.now(), MonoTime(300s));
}

TEST(World, RunsThroughTheWireToo) {
  Small small(2, true);
  EXPECT_TRUE(small.run(1h));
  EXPECT_EQ(small.jobs[0]->totals().finished, 100u);
}

TEST(World, AStandbyTakesOver) {
  Small small(3, false, 3);
  World& world = small.world;
  world.run_for(30s);
  MasterProcess* first = world.leader();
  ASSERT_NE(first, nullptr);
  first->crash();
  EXPECT_TRUE(small.run(1h));
  ASSERT_NE(world.leader(), nullptr);
  EXPECT_NE(world.leader(), first);
  EXPECT_EQ(small.jobs[0]->totals().finished, 100u);
}

TEST(World, AnAgentThatIsKilledComesBackWithItsTasks) {
  Small small(4);
  World& world = small.world;
  world.run_for(20s);
  AgentProcess& agent = *world.agents()[0];
  const std::size_t running = agent.containers().size();
  ASSERT_GT(running, 0u);
  agent.crash();
  world.run_for(1s);
  agent.start();
  EXPECT_TRUE(small.run(1h));
  EXPECT_EQ(small.jobs[0]->totals().lost + small.jobs[1]->totals().lost, 0u);
}

TEST(World, TasksOfALostHostRunAgain) {
  Small small(5);
  World& world = small.world;
  world.run_for(20s);
  world.agents()[0]->lose_power();
  world.run_for(60s);
  world.agents()[0]->restore_power();
  EXPECT_TRUE(small.run(1h));
  EXPECT_GT(small.jobs[0]->totals().lost + small.jobs[1]->totals().lost, 0u);
  for (const auto* job : small.jobs) EXPECT_EQ(job->totals().finished, 100u);
}

TEST(World, AnEndThatAPartitionHeldUpIsHeardOfLater) {
  Small small(6);
  World& world = small.world;
  world.run_for(20s);
  SchedulerProcess& scheduler = *world.schedulers()[0];
  const auto active = [&] {
    const protocol::MasterView view = world.leader()->machine()->view();
    const auto at = std::ranges::find(view.frameworks, scheduler.framework(),
                                      [](const auto& each) { return each.info.id; });
    return at != view.frameworks.end() && at->active;
  };
  world.network().block(scheduler.id(), world.leader()->id());
  scheduler.crash();
  world.run_for(5s);
  EXPECT_TRUE(active());
  world.network().unblock(scheduler.id(), world.leader()->id());
  world.run_for(1s);
  EXPECT_FALSE(active());
}

}  // namespace
}  // namespace souk::sim
