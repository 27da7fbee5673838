// Pure checks of what schedulers ask. Each gives the reason for a refusal, in words for the person
// who reads the refusal, or nothing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/agent.h"
#include "model/constraints.h"
#include "model/framework.h"
#include "model/task.h"

namespace souk::master {

// For SUBSCRIBE: an ERROR event's text.
std::optional<std::string> validate_framework(const FrameworkInfo& info);

// Offer constraints, as far as the allocation module does not judge them (Allocator::check).
std::optional<std::string> validate_constraints(
    const FrameworkInfo& info, const std::map<std::string, OfferConstraints>& constraints);

// What has to hold of a task whatever resources are left.
struct TaskContext {
  const FrameworkId& framework_id;
  const AgentId& agent_id;
  const std::string& offer_role;
  bool multi_role = false;
};
std::optional<std::string> validate_task(const TaskSpec& task, const TaskContext& context);
std::optional<std::string> validate_group(const ExecutorSpec& executor,
                                          const std::vector<TaskSpec>& tasks,
                                          const TaskContext& context);
// `running`: the executor of the same id on that agent, null if there is none.
std::optional<std::string> validate_executor(const ExecutorSpec& executor,
                                             const FrameworkId& framework_id,
                                             const ExecutorSpec* running);

// For an agent that registers: what it sets aside for short tasks.
std::optional<std::string> validate_short_slots(const AgentInfo& info);
// An executor that would take resources out of these lives on when their limit has come.
std::optional<std::string> validate_short_executor(const ExecutorSpec& executor, Duration limit);

}  // namespace souk::master
