#include "workloads/service.h"

#include "workloads/test_cluster.h"

namespace souk::workloads {
namespace {

namespace call = protocol::call;

ServiceOptions options(uint64_t instances) {
  ServiceOptions options;
  options.demand = resources("cpus:1;mem:512");
  options.instances = instances;
  return options;
}

constexpr std::string_view kFour = "cpus:4;mem:4096";

TEST(Service, SpreadsOverHosts) {
  Service service(options(5));
  Hand hand(service);
  hand.subscribe();
  const auto calls = hand.offer({make_offer("a", "h1", kFour), make_offer("b", "h2", kFour),
                                 make_offer("c", "h3", "cpus:1;mem:512")});
  EXPECT_EQ(hand.launched.size(), 5u);
  EXPECT_EQ(service.on_host(), (std::map<std::string, uint64_t>{{"h1", 2}, {"h2", 2}, {"h3", 1}}));
  EXPECT_EQ(Hand::of<call::Suppress>(calls).size(), 1u);
}

TEST(Service, CountsWhatRunsOnAHostAlready) {
  Service service(options(4));
  Hand hand(service);
  hand.subscribe();
  hand.offer({make_offer("a", "h1", "cpus:2;mem:4096")});
  hand.offer({make_offer("b", "h1", kFour), make_offer("c", "h2", kFour)});
  EXPECT_EQ(service.on_host(), (std::map<std::string, uint64_t>{{"h1", 2}, {"h2", 2}}));
}

TEST(Service, KeepsToItsNumberOnAHost) {
  auto o = options(3);
  o.max_per_host = 1;
  Service service(o);
  Hand hand(service);
  hand.subscribe();
  hand.offer({make_offer("a", "h1", kFour), make_offer("b", "h1", kFour)});
  EXPECT_EQ(service.running(), 1u);
  EXPECT_TRUE(service.wants_offers());
}

TEST(Service, ReplacesWhatEnds) {
  Service service(options(2));
  Hand hand(service);
  hand.subscribe();
  hand.offer({make_offer("a", "h1", kFour)});
  hand.update(hand.launched[0].id, TaskState::kRunning);
  EXPECT_FALSE(service.ramped_up());
  hand.now += 3s;
  hand.update(hand.launched[1].id, TaskState::kRunning);
  EXPECT_EQ(service.ramped_up(), MonoTime(3s));
  EXPECT_EQ(service.up(), 2u);
  const auto calls = hand.update(hand.launched[0].id, TaskState::kFailed);
  EXPECT_EQ(Hand::of<call::Revive>(calls).size(), 1u);
  EXPECT_EQ(service.up(), 1u);
  hand.offer({make_offer("b", "h2", kFour)});
  EXPECT_EQ(hand.launched.size(), 3u);
  EXPECT_EQ(service.on_host(), (std::map<std::string, uint64_t>{{"h1", 1}, {"h2", 1}}));
}

TEST(Service, HasItsInstancesAgainAfterFaults) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    Service service(options(6));
    TestCluster cluster(service, {.faults = Faults::all(), .seed = seed});
    cluster.run(400s);
    EXPECT_EQ(service.up(), 6u) << "seed " << seed;
    EXPECT_EQ(cluster.live(), 6u) << "seed " << seed;
    EXPECT_GT(service.totals().lost, 0u);
  }
}

}  // namespace
}  // namespace souk::workloads
