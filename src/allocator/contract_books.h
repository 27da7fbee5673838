// The books of the contract test: who holds what, who may get what. Slow and plain on purpose. Used
// by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "allocator/allocator.h"

namespace souk::allocator {

class ContractBooks {
 public:
  explicit ContractBooks(Options o) : options(std::move(o)) {}

  struct Agent {
    AgentFacts facts;
    bool active = true;
  };
  struct Framework {
    FrameworkFacts facts;
    bool active = true;
    std::set<std::string> suppressed;
  };
  // Offered, or in use by a task.
  struct Piece {
    FrameworkKey framework;
    std::string role;
    AgentKey agent;
    Resources resources;
    uint64_t number = 0;          // of the offer or task
    bool in_use = false;          // else in an open offer
    std::optional<MonoTime> end;  // in use: to be killed then
  };
  struct Filter {
    FrameworkKey framework;
    std::string role;
    AgentKey agent;
    Resources refused;
    MonoTime until;
  };

  // Nothing, if more is held than there is.
  Resources free_on(AgentKey agent) const;
  void forget_agent(AgentKey agent);
  void forget_filters(FrameworkKey framework, const std::string& role);

  // What is wrong with it; nothing: it is right.
  std::optional<std::string> judge(const Grant& grant, MonoTime now) const;
  std::optional<std::string> judge(const Rescind& rescind) const;
  std::optional<std::string> judge(const Revocation& revocation, MonoTime now) const;
  std::optional<std::string> judge(FrameworkKey framework, const Share& share) const;
  // Right after allocate() has nothing more to decide.
  std::optional<std::string> judge(FrameworkKey framework,
                                   const std::vector<Explanation>& explanations,
                                   MonoTime now) const;

  Options options;
  std::map<AgentKey, Agent> agents;
  std::map<FrameworkKey, Framework> frameworks;
  std::map<std::string, Quota> quotas;
  std::vector<Piece> pieces;
  std::vector<Filter> filters;

 private:
  const Framework* framework_at(FrameworkKey key) const;
  std::optional<std::string> judge_place(const Agent& agent, const Framework& framework,
                                         const std::string& role) const;
  std::optional<std::string> judge_items(const Resources& resources, const Framework& framework,
                                         const std::string& role) const;
  std::optional<std::string> judge_limits(const Resources& resources,
                                          const std::string& role) const;
  bool is_above_minimum(const Resources& resources, const Framework& framework,
                        const std::string& role) const;
  bool is_of_other_region(const Agent& agent, const Framework& framework) const;
  std::optional<std::string> judge_row(const Explanation& row, MonoTime now) const;
  bool is_true(const Explanation& row, MonoTime now) const;
};

}  // namespace souk::allocator
