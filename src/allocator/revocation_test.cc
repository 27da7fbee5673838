#include "allocator/revocation.h"

#include <gtest/gtest.h>

#include <vector>

namespace souk::allocator {
namespace {

TaskKey key(const char* id) { return {FrameworkKey(1), TaskId(id)}; }

RevocableTask task(uint32_t client, Duration since) {
  return {ClientId(client), AgentKey(1), {}, MonoTime(since), {}};
}

std::vector<std::string> youngest_of(const RevocableTasks& tasks, uint32_t client) {
  std::vector<std::string> ids;
  tasks.visit_youngest(ClientId(client), [&ids](const TaskKey& key, const RevocableTask&) {
    ids.push_back(key.second.value);
    return false;
  });
  return ids;
}

TEST(RevocableTasks, TheYoungestComeFirst) {
  RevocableTasks tasks;
  tasks.add(key("b"), task(1, 2s));
  tasks.add(key("a"), task(1, 1s));
  tasks.add(key("c"), task(2, 3s));
  EXPECT_EQ(youngest_of(tasks, 1), (std::vector<std::string>{"b", "a"}));
  tasks.add(key("a"), task(1, 9s));
  EXPECT_EQ(youngest_of(tasks, 1), (std::vector<std::string>{"a", "b"})) << "told again";
  tasks.remove(key("a"));
  tasks.remove(key("a"));
  EXPECT_EQ(youngest_of(tasks, 1), (std::vector<std::string>{"b"}));
}

TEST(RevocableTasks, WhatIsRevokedIsAwaited) {
  RevocableTasks tasks;
  tasks.add(key("a"), task(1, 1s));
  tasks.add(key("b"), task(1, 2s));
  tasks.revoke(key("a"), FrameworkKey(5));
  tasks.revoke(key("b"), FrameworkKey(5));
  EXPECT_TRUE(youngest_of(tasks, 1).empty()) << "nothing is revoked twice";
  EXPECT_TRUE(tasks.awaits(FrameworkKey(5)));
  tasks.spare(key("a"));
  EXPECT_EQ(youngest_of(tasks, 1), (std::vector<std::string>{"a"}));
  tasks.remove(key("b"));
  EXPECT_FALSE(tasks.awaits(FrameworkKey(5)));
}

}  // namespace
}  // namespace souk::allocator
