#include "master/validate.h"

#include <algorithm>

#include "master/options.h"
#include "model/role.h"

namespace souk::master {
namespace {

std::optional<std::string> unbuilt(Features features) {
  if (features.empty()) return std::nullopt;
  std::string names;
  for (std::size_t number = 0; number < kFeatures; ++number) {
    const auto feature = static_cast<Feature>(number);
    if (!features.has(feature)) continue;
    if (!names.empty()) names += ", ";
    names += to_string(feature);
  }
  return fmt::format("not supported yet: {}; nothing was run without it", names);
}

std::optional<std::string> negative(std::optional<Duration> duration, std::string_view field) {
  if (!duration || *duration >= Duration::zero()) return std::nullopt;
  return fmt::format("'{}' must not be negative", field);
}

std::optional<std::string> validate_resources(const TaskSpec& task, const TaskContext& context) {
  if (task.resource_error) {
    return fmt::format("Task uses invalid resources: {}", *task.resource_error);
  }
  if (task.resources.empty()) return "Task uses no resources";
  if (task.mixed_allocation_roles) {
    return "The resources of a task must all be allocated to one role";
  }
  if (context.multi_role && task.allocation_role && *task.allocation_role != context.offer_role) {
    return fmt::format("The task's resources say role '{}', but the offer was made to role '{}'",
                       *task.allocation_role, context.offer_role);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> validate_framework(const FrameworkInfo& info) {
  if (!info.id.empty()) {
    if (auto valid = validate_id(info.id.value); !valid) return valid.error().message;
  }
  if (!info.role_error.empty()) return info.role_error;
  for (const std::string& role : info.roles) {
    if (auto valid = validate_role(role); !valid) {
      return fmt::format("Invalid role '{}': {}", role, valid.error().message);
    }
  }
  if (info.failover_timeout < Duration::zero()) {
    return "'failover_timeout' must not be negative";
  }
  return std::nullopt;
}

std::optional<std::string> validate_constraints(
    const FrameworkInfo& info, const std::map<std::string, OfferConstraints>& constraints) {
  std::size_t count = 0;
  for (const auto& [role, of_role] : constraints) {
    if (std::find(info.roles.begin(), info.roles.end(), role) == info.roles.end()) {
      return fmt::format(
          "Offer constraints specify `role_constraints` for a role '{}' not contained in the set "
          "of roles",
          role);
    }
    for (const auto& group : of_role.groups) count += group.size();
  }
  if (count > kMaxConstraintsPerFramework) {
    return fmt::format("Offer constraints are not valid: {} in all, the limit is {}", count,
                       kMaxConstraintsPerFramework);
  }
  return std::nullopt;
}

std::optional<std::string> validate_task(const TaskSpec& task, const TaskContext& context) {
  if (auto valid = validate_id(task.id.value); !valid) {
    return fmt::format("Task ID: {}", valid.error().message);
  }
  if (task.agent_id != context.agent_id) {
    return fmt::format("Task uses agent {}, but the offers are of agent {}", *task.agent_id,
                       context.agent_id);
  }
  if (task.executor.has_value() == task.has_command) {
    return "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present";
  }
  if (auto why = validate_resources(task, context)) return why;
  if (auto why = negative(task.kill_grace, "kill_policy.grace_period")) return why;
  if (auto why = negative(task.max_completion_time, "max_completion_time")) return why;
  return unbuilt(task.features);
}

std::optional<std::string> validate_executor(const ExecutorSpec& executor,
                                             const FrameworkId& framework_id,
                                             const ExecutorSpec* running) {
  if (auto valid = validate_id(executor.id.value); !valid) {
    return fmt::format("Executor ID: {}", valid.error().message);
  }
  if (!executor.framework_id.empty() && executor.framework_id != framework_id) {
    return fmt::format("ExecutorInfo has an invalid FrameworkID (Actual: {} vs Expected: {})",
                       executor.framework_id, framework_id);
  }
  if (executor.type == ExecutorSpec::Type::kDefault && executor.has_command) {
    return "'ExecutorInfo.command' must not be set for 'DEFAULT' executor";
  }
  if (executor.type != ExecutorSpec::Type::kDefault && !executor.has_command) {
    return "'ExecutorInfo.command' must be set for a 'CUSTOM' executor";
  }
  if (auto why = negative(executor.shutdown_grace, "ExecutorInfo.shutdown_grace_period")) {
    return why;
  }
  if (auto why = unbuilt(executor.features)) return why;
  if (running != nullptr &&
      (running->type != executor.type || running->resources != executor.resources ||
       running->name != executor.name || running->has_command != executor.has_command)) {
    return fmt::format(
        "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID '{}': use "
        "another executor id, or the very same ExecutorInfo",
        executor.id);
  }
  return std::nullopt;
}

std::optional<std::string> validate_group(const ExecutorSpec& executor,
                                          const std::vector<TaskSpec>& tasks,
                                          const TaskContext& context) {
  if (tasks.empty()) return "Task group cannot be empty";
  if (executor.type == ExecutorSpec::Type::kUnknown) {
    return "The executor of a task group must have its type set: DEFAULT or CUSTOM";
  }
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const TaskSpec& task = tasks[i];
    if (task.executor) {
      return fmt::format("Task '{}': 'TaskInfo.executor' must not be set in a task group", task.id);
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (tasks[j].id == task.id) return fmt::format("Task group has '{}' twice", task.id);
    }
    TaskSpec alone = task;
    // A custom executor knows by itself what to do with a task that has no command.
    if (executor.type == ExecutorSpec::Type::kCustom) alone.has_command = true;
    if (auto why = validate_task(alone, context)) {
      return fmt::format("Task '{}' is invalid: {}", task.id, *why);
    }
  }
  return std::nullopt;
}

std::optional<std::string> validate_short_slots(const AgentInfo& info) {
  if (info.short_slots.empty()) return std::nullopt;
  if (info.short_slot_limit <= Duration::zero()) {
    return "slots for short tasks need a limit above zero: how long a task may run there";
  }
  // Amounts add up; a port or a name is there once.
  if (info.resources + info.short_slots - info.short_slots != info.resources) {
    return fmt::format(
        "the slots for short tasks ({}) hold ports or names that the agent offers without a limit "
        "too: set them aside for one of both",
        info.short_slots.to_string());
  }
  return std::nullopt;
}

std::optional<std::string> validate_short_executor(const ExecutorSpec& executor, Duration limit) {
  if (executor.resources.empty()) return std::nullopt;
  return fmt::format(
      "Executor '{}' would outlive the limit of the slots for short tasks ({}): launch it from an "
      "ordinary offer, or without resources of its own",
      executor.id, format_duration(limit));
}

}  // namespace souk::master
