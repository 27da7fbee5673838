#include "tests/support/offers.h"

#include <array>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "allocator/modules.h"

namespace souk::support {
namespace {

constexpr std::array<std::string_view, 4> kNames{kCpus, kMem, kDisk, "bandwidth"};
constexpr Now kNow{};
constexpr Duration kForGood = 365 * 24h;

}  // namespace

Resources to_resources(const Vector& amounts) {
  std::vector<Resource> items;
  for (std::size_t r = 0; r < amounts.size(); ++r) {
    Resource item;
    item.name = kNames.at(r);
    item.value = Scalar{amounts[r]};
    items.push_back(std::move(item));
  }
  return Resources(std::move(items));
}

Vector to_vector(const Resources& resources, std::size_t size) {
  Vector amounts;
  for (std::size_t r = 0; r < size; ++r) {
    amounts.push_back(resources.scalar(kNames.at(r)).thousandths);
  }
  return amounts;
}

Offers::Offers(const Setup& setup, uint64_t seed) : own_roles_(setup.own_roles) {
  allocator::Options options;
  if (!setup.minimum.empty()) {
    Quantities minimum;
    for (std::size_t r = 0; r < setup.minimum.size(); ++r) {
      minimum.emplace_back(kNames.at(r), Scalar{setup.minimum[r]});
    }
    options.min_allocatable = {std::move(minimum)};
  }
  for (std::size_t user = 0; own_roles_ && user < setup.users.size(); ++user) {
    options.role_weights[role_of(user)] = Scalar{setup.users[user].weight * 1000};
  }
  allocator_ = allocator::make_module("drf", std::move(options), Rng(seed)).value();
  for (const Vector& total : setup.nodes) {
    allocator::AgentFacts facts;
    facts.key = AgentKey(static_cast<uint32_t>(free_.size() + 1));
    facts.total = to_resources(total);
    allocator_->add_agent(facts);
    allocator_->set_agent_active(facts.key, false);
    free_.push_back(total);
  }
  for (const User& user : setup.users) add_user(user);
}

// The first comes first, by key and by name.
std::string Offers::role_of(std::size_t user) const {
  return own_roles_ ? fmt::format("role{:03}", user) : "shared";
}

void Offers::open(std::size_t node) {
  allocator_->set_agent_active(AgentKey(static_cast<uint32_t>(node + 1)), true);
}

void Offers::open_all() {
  for (std::size_t node = 0; node < free_.size(); ++node) open(node);
}

void Offers::add_user(const User& user) {
  allocator::FrameworkFacts facts;
  facts.key = FrameworkKey(static_cast<uint32_t>(users_.size() + 1));
  facts.roles = {role_of(users_.size())};
  if (own_roles_) allocator_->set_weight(facts.roles[0], Scalar{user.weight * 1000});
  allocator_->add_framework(facts, {});
  users_.push_back(user);
  tasks_.push_back(to_resources(user.task));
  running_.emplace_back(free_.size());
  sums_.push_back(0);
}

void Offers::remove_user(std::size_t user) {
  for (std::size_t node = 0; node < free_.size(); ++node) {
    while (running_[user][node] > 0) end_task(user, node);
  }
  allocator_->remove_framework(FrameworkKey(static_cast<uint32_t>(user + 1)));
}

void Offers::end_task(std::size_t user, std::size_t node) {
  const FrameworkKey key(static_cast<uint32_t>(user + 1));
  // It had enough, and refused what came.
  if (sums_[user] == users_[user].wanted) allocator_->revive(key, {});
  --running_[user][node];
  --sums_[user];
  for (std::size_t r = 0; r < free_[node].size(); ++r) free_[node][r] += users_[user].task[r];
  allocator_->recovered(key, role_of(user), AgentKey(static_cast<uint32_t>(node + 1)), tasks_[user],
                        std::nullopt, kNow);
}

void Offers::fill() {
  while (true) {
    allocator::Decisions decisions;
    allocator_->allocate(kNow, decisions);
    if (decisions.grants.empty()) return;
    for (const allocator::Grant& grant : decisions.grants) answer(grant);
  }
}

void Offers::answer(const allocator::Grant& grant) {
  const std::size_t user = grant.framework.value - 1;
  const std::size_t node = grant.agent.value - 1;
  ASSERT_EQ(to_vector(grant.resources, free_[node].size()), free_[node]) << "all that is free";
  const bool takes = sums_[user] < users_[user].wanted && fits(users_[user].task, free_[node]);
  if (!takes) {
    allocator_->recovered(grant.framework, grant.role, grant.agent, grant.resources,
                          allocator::Refusal(kForGood), kNow);
    return;
  }
  for (std::size_t r = 0; r < free_[node].size(); ++r) free_[node][r] -= users_[user].task[r];
  ++running_[user][node];
  ++sums_[user];
  taken_.push_back({user, node});
  allocator_->accepted(grant.framework, grant.role, grant.agent, tasks_[user]);
  const Resources rest = grant.resources - tasks_[user];
  if (rest.empty()) return;
  allocator_->recovered(grant.framework, grant.role, grant.agent, rest, allocator::Refusal(0s),
                        kNow);
}

std::vector<int64_t> Offers::tasks() const { return sums_; }

std::vector<int64_t> fill_one_node(const Vector& total, const std::vector<User>& users,
                                   const Vector& minimum) {
  Offers offers({.nodes = {total}, .users = users, .minimum = minimum, .own_roles = true});
  offers.open_all();
  offers.fill();
  return offers.tasks();
}

}  // namespace souk::support
