#include "protocol/registry.h"

#include <gtest/gtest.h>

namespace souk::protocol {
namespace {

Quota limit(int64_t cpus) { return {{}, {{"cpus", Scalar{cpus}}}}; }

TEST(Registry, WeightsAreAddedAndReplaced) {
  Registry registry;
  apply(registry, registry::SetWeights{{{"a", Scalar{2000}}, {"b", Scalar{500}}}});
  apply(registry, registry::SetWeights{{{"a", Scalar{1000}}}});
  EXPECT_EQ(registry.weights,
            (std::map<std::string, Scalar>{{"a", Scalar{1000}}, {"b", Scalar{500}}}));
  apply(registry, registry::SetWeights{});
  EXPECT_EQ(registry.weights.size(), 2u);
}

TEST(Registry, AnEmptyQuotaRemovesOne) {
  Registry registry;
  apply(registry, registry::SetQuotas{{{"a", limit(1)}, {"b", limit(2)}, {"c", {}}}});
  EXPECT_EQ(registry.quotas, (std::map<std::string, Quota>{{"a", limit(1)}, {"b", limit(2)}}));
  apply(registry, registry::SetQuotas{{{"a", {}}, {"b", limit(0)}}});
  EXPECT_EQ(registry.quotas, (std::map<std::string, Quota>{{"b", limit(0)}}));
}

TEST(Registry, AgentsAreInOneListAtATime) {
  Registry registry;
  const AgentId id("S0");
  apply(registry, registry::MarkUnreachable{id, WallTime(1s)});
  EXPECT_TRUE(registry.unreachable.empty());  // nobody knew it
  apply(registry, registry::AdmitAgent{id, "host"});
  apply(registry, registry::MarkUnreachable{id, WallTime(2s)});
  EXPECT_TRUE(registry.admitted.empty());
  EXPECT_EQ(registry.unreachable.at(id), WallTime(2s));
  apply(registry, registry::MarkReachable{id, "other"});
  EXPECT_EQ(registry.admitted.at(id).hostname, "other");
  apply(registry, registry::MarkGone{id, WallTime(3s)});
  EXPECT_EQ(registry.gone.at(id), WallTime(3s));
  apply(registry, registry::RemoveAgent{id});
  EXPECT_EQ(registry, Registry());
}

}  // namespace
}  // namespace souk::protocol
