#include <algorithm>
#include <array>
#include <numeric>
#include <variant>

#include "base/text.h"
#include "protocol/scheduler_api.h"
#include "wire/master_json.h"
#include "wire/metric_list.h"

namespace souk::wire {
namespace {

using protocol::AgentSummary;
using protocol::FrameworkView;
using protocol::MasterCounters;
using protocol::MasterView;
using protocol::SchedulerCallBody;
using protocol::SchedulerEvent;
using protocol::TaskView;

namespace call = protocol::call;

// In the order of the variants' alternatives.
constexpr std::array<std::string_view, protocol::kSchedulerCallKinds> kCallNames = {
    "subscribe",
    "teardown",
    "accept",
    "decline",
    "accept_inverse_offers",
    "decline_inverse_offers",
    "revive",
    "suppress",
    "kill",
    "shutdown",
    "acknowledge",
    "acknowledge_operation_status",
    "reconcile",
    "reconcile_operations",
    "message",
    "request",
    "update_framework",
};
constexpr std::array<std::string_view, protocol::kSchedulerEventKinds> kEventNames = {
    "subscribed",
    "offers",
    "rescind",
    "inverse_offers",
    "rescind_inverse_offer",
    "update",
    "update_operation_status",
    "message",
    "failure",
    "error",
    "heartbeat",
};
static_assert(kCallNames.size() == std::variant_size_v<SchedulerCallBody>);
static_assert(kEventNames.size() == std::variant_size_v<SchedulerEvent>);

template <class Call, std::size_t kIndex = 0>
constexpr std::size_t index_of() {
  using Alternative = std::variant_alternative_t<kIndex, SchedulerCallBody>;
  if constexpr (std::is_same_v<Alternative, Call>) {
    return kIndex;
  } else {
    return index_of<Call, kIndex + 1>();
  }
}

constexpr std::array kActiveStates = {TaskState::kStaging, TaskState::kStarting,
                                      TaskState::kRunning, TaskState::kKilling};
constexpr std::array kTerminalStates = {
    TaskState::kFinished, TaskState::kFailed,  TaskState::kKilled, TaskState::kError,
    TaskState::kLost,     TaskState::kDropped, TaskState::kGone,   TaskState::kGoneByOperator};

constexpr std::array<std::string_view, 8> kOperations = {
    "reserve",     "unreserve",     "create",      "destroy",
    "grow_volume", "shrink_volume", "create_disk", "destroy_disk"};
constexpr std::array<std::string_view, 9> kOperationStates = {
    "total",  "pending", "recovering",       "unreachable", "finished",
    "failed", "error",   "gone_by_operator", "dropped"};
// Of a time that is measured: the latest value and what is made of the former ones.
constexpr std::array<std::string_view, 10> kTimerNames = {
    "", "/count", "/max", "/min", "/p50", "/p90", "/p95", "/p99", "/p999", "/p9999"};

using StateCounts = std::array<uint64_t, protocol::kTaskStates>;

std::size_t index(TaskState state) { return static_cast<std::size_t>(state); }

StateCounts count_states(const std::vector<Piece<TaskView>>& tasks) {
  StateCounts counts{};
  for (const TaskView& task : tasks) ++counts[index(task.state)];
  return counts;
}

template <std::size_t N>
uint64_t sum(const std::array<uint64_t, N>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), uint64_t{0});
}

// What may not stand in a part of a metric's name as it is.
std::string encode_name(std::string_view name) {
  constexpr std::string_view kEncoded = "$&+,/:;=?@ \"<>#%{}|\\^~[]`";
  std::string text;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f || kEncoded.find(c) != std::string_view::npos) {
      fmt::format_to(std::back_inserter(text), "%{:02X}", byte);
    } else {
      text += c;
    }
  }
  return text;
}

void add_framework(MetricList& list, const FrameworkView& framework) {
  const auto& counters = framework.counters;
  const std::string prefix =
      fmt::format("master/frameworks/{}/{}/", encode_name(framework.info.name), framework.info.id);
  const auto add = [&](std::string_view name, uint64_t value) {
    list.add(fmt::format("{}{}", prefix, name), value);
  };
  const auto add_below = [&](std::string_view group, std::string_view name, uint64_t value) {
    list.add(fmt::format("{}{}/{}", prefix, group, name), value);
  };
  add("calls", sum(counters.calls));
  for (std::size_t i = 0; i < kCallNames.size(); ++i) {
    add_below("calls", kCallNames[i], counters.calls[i]);
  }
  add("events", sum(counters.events));
  for (std::size_t i = 0; i < kEventNames.size(); ++i) {
    add_below("events", kEventNames[i], counters.events[i]);
  }
  add("offers/sent", counters.offers_sent);
  add("offers/accepted", counters.offers_accepted);
  add("offers/declined", counters.offers_declined);
  add("offers/rescinded", counters.offers_rescinded);
  add("operations", counters.operations);
  add("operations/launch", counters.launches);
  add("operations/launch_group", counters.launch_groups);
  list.add_zeros(prefix + "operations/", kOperations);
  for (const std::string& role : framework.info.roles) {
    add(fmt::format("roles/{}/suppressed", role),
        std::ranges::count(framework.suppressed_roles, role) > 0 ? 1 : 0);
  }
  add("subscribed", framework.connected ? 1 : 0);
  const StateCounts now = count_states(framework.tasks);
  for (const TaskState state : kActiveStates) {
    add_below("tasks/active", to_lower(to_string(state)), now[index(state)]);
  }
  add("tasks/active/task_unreachable", framework.unreachable_tasks.size());
  add("tasks/active/task_unknown", 0);
  for (const TaskState state : kTerminalStates) {
    add_below("tasks/terminal", to_lower(to_string(state)), counters.terminal[index(state)]);
  }
}

// "tasks_running" from TASK_RUNNING
std::string tasks_name(TaskState state) {
  return "master/tasks_" + to_lower(to_string(state)).substr(std::string_view("task_").size());
}

void add_tasks(MetricList& list, const MasterView& view) {
  StateCounts now{};
  uint64_t unreachable = 0;
  for (const FrameworkView& framework : view.frameworks) {
    const StateCounts counts = count_states(framework.tasks);
    for (std::size_t i = 0; i < now.size(); ++i) now[i] += counts[i];
    unreachable += framework.unreachable_tasks.size();
  }
  for (const TaskState state : kActiveStates) list.add(tasks_name(state), now[index(state)]);
  list.add("master/tasks_unreachable", unreachable);
  for (const TaskState state : kTerminalStates) {
    list.add(tasks_name(state), view.counters.terminal[index(state)]);
  }
  for (const auto& [reason, count] : view.counters.terminal_by_reason) {
    list.add("master/" + reason, count);
  }
}

void add_agents(MetricList& list, const MasterView& view) {
  const MasterCounters& counters = view.counters;
  const auto active =
      static_cast<std::size_t>(std::ranges::count_if(view.agents, &AgentSummary::active));
  list.add("master/slaves_active", active);
  list.add("master/slaves_connected", active);
  list.add("master/slaves_inactive", view.agents.size() - active);
  list.add("master/slaves_disconnected", view.agents.size() - active);
  list.add("master/slaves_unreachable", view.unreachable_agents.size());
  list.add("master/slave_registrations", counters.agent_registrations);
  list.add("master/slave_reregistrations", counters.agent_reregistrations);
  list.add("master/recovery_slave_removals", counters.recovery_agent_removals);
  // Whether unreachable or gone for good, an agent counts as removed.
  const uint64_t unhealthy = std::min(counters.agent_unreachable, counters.agent_removals);
  list.add("master/slave_removals", counters.agent_removals);
  list.add("master/slave_removals/reason_unhealthy", unhealthy);
  list.add("master/slave_removals/reason_unregistered", counters.agent_removals - unhealthy);
  list.add("master/slave_removals/reason_registered", 0);
  list.add("master/slave_unreachable_scheduled", counters.agent_unreachable);
  list.add("master/slave_unreachable_completed", counters.agent_unreachable);
  list.add_zeros("master/", {"slave_unreachable_canceled", "slave_shutdowns_scheduled",
                             "slave_shutdowns_completed", "slave_shutdowns_canceled"});
}

void add_frameworks(MetricList& list, const MasterView& view) {
  const auto active =
      static_cast<std::size_t>(std::ranges::count_if(view.frameworks, &FrameworkView::active));
  const auto connected =
      static_cast<std::size_t>(std::ranges::count_if(view.frameworks, &FrameworkView::connected));
  list.add("master/frameworks_active", active);
  list.add("master/frameworks_inactive", view.frameworks.size() - active);
  list.add("master/frameworks_connected", connected);
  list.add("master/frameworks_disconnected", view.frameworks.size() - connected);
  std::size_t offers = 0;
  for (const FrameworkView& framework : view.frameworks) {
    offers += framework.offers.size();
    add_framework(list, framework);
  }
  list.add("master/outstanding_offers", offers);
  // Still there, so that what a short-lived framework did can be read.
  for (const FrameworkView& framework : view.completed_frameworks) add_framework(list, framework);
}

// Mesos counts the messages of its own protocol; here stands what means the same.
void add_messages(MetricList& list, const MasterCounters& counters) {
  const auto calls = [&]<class Call>(std::string_view name, std::type_identity<Call>) {
    list.add(fmt::format("master/messages_{}", name), counters.calls[index_of<Call>()]);
  };
  calls("register_framework", std::type_identity<call::Subscribe>());
  calls("unregister_framework", std::type_identity<call::Teardown>());
  calls("launch_tasks", std::type_identity<call::Accept>());
  calls("decline_offers", std::type_identity<call::Decline>());
  calls("revive_offers", std::type_identity<call::Revive>());
  calls("suppress_offers", std::type_identity<call::Suppress>());
  calls("kill_task", std::type_identity<call::Kill>());
  calls("reconcile_tasks", std::type_identity<call::Reconcile>());
  calls("reconcile_operations", std::type_identity<call::ReconcileOperations>());
  calls("resource_request", std::type_identity<call::Request>());
  calls("status_update_acknowledgement", std::type_identity<call::Acknowledge>());
  calls("operation_status_update_acknowledgement",
        std::type_identity<call::AcknowledgeOperationStatus>());
  calls("framework_to_executor", std::type_identity<call::Message>());
  list.add("master/messages_executor_to_framework",
           counters.executor_to_framework_valid + counters.executor_to_framework_invalid);
  list.add("master/messages_status_update",
           counters.valid_status_updates + counters.invalid_status_updates);
  list.add("master/messages_register_slave", counters.agent_registrations);
  list.add("master/messages_reregister_slave", counters.agent_reregistrations);
  list.add_zeros("master/messages_", {"authenticate", "deactivate_framework", "exited_executor",
                                      "operation_status_update", "reregister_framework",
                                      "unregister_slave", "update_slave"});
  list.add("master/dropped_messages", counters.dropped_messages);
  list.add("master/valid_status_updates", counters.valid_status_updates);
  list.add("master/invalid_status_updates", counters.invalid_status_updates);
  list.add("master/valid_status_update_acknowledgements",
           counters.valid_status_update_acknowledgements);
  list.add("master/invalid_status_update_acknowledgements",
           counters.invalid_status_update_acknowledgements);
  list.add("master/valid_framework_to_executor_messages", counters.framework_to_executor_valid);
  list.add("master/invalid_framework_to_executor_messages", counters.framework_to_executor_invalid);
  list.add("master/valid_executor_to_framework_messages", counters.executor_to_framework_valid);
  list.add("master/invalid_executor_to_framework_messages", counters.executor_to_framework_invalid);
}

// Operations on reservations and volumes, the replicated log, queues between actors: not here.
void add_absent(MetricList& list) {
  list.add_zeros("master/operations/", kOperationStates);
  for (const std::string_view operation : kOperations) {
    list.add_zeros(fmt::format("master/operations/{}/", operation), kOperationStates);
  }
  list.add_zeros("master/",
                 {"valid_operation_status_updates", "invalid_operation_status_updates",
                  "valid_operation_status_update_acknowledgements",
                  "invalid_operation_status_update_acknowledgements", "event_queue_dispatches",
                  "event_queue_http_requests", "event_queue_messages", "http_cache_hits",
                  "operator_event_stream_subscribers"});
  list.add_zeros("allocator/", {"event_queue_dispatches", "mesos/event_queue_dispatches"});
  list.add_zeros("allocator/mesos/allocation_run_ms", kTimerNames);
  list.add_zeros("allocator/mesos/allocation_run_latency_ms", kTimerNames);
  list.add_zeros("registrar/", {"log/ensemble_size", "queued_operations", "registry_size_bytes",
                                "state_fetch_ms"});
  list.add_zeros("registrar/state_store_ms", kTimerNames);
}

void add_resources(MetricList& list, const MasterView& view) {
  Resources total;
  Resources used;
  Resources offered;
  for (const AgentSummary& agent : view.agents) {
    total += agent.total();
    used += agent.used;
    offered += agent.offered;
  }
  list.add_resources("master/", total, used);
  for (const std::string_view name : {kCpus, kMem, kDisk}) {
    const auto add = [&](std::string_view what, double amount) {
      list.add(fmt::format("allocator/mesos/resources/{}/{}", name, what), amount);
    };
    add("total", total.scalar(name).to_double());
    add("offered_or_allocated", used.scalar(name).to_double() + offered.scalar(name).to_double());
  }
}

}  // namespace

Metrics master_metrics(const MasterView& view, const SystemFacts& system) {
  MetricList list;
  list.add("master/elected", view.recovered ? 1 : 0);
  list.add("master/uptime_secs", system.uptime_secs);
  list.add("registrar/log/recovered", view.recovered ? 1 : 0);
  list.add("allocator/mesos/allocation_runs", view.counters.allocation_runs);
  add_resources(list, view);
  add_agents(list, view);
  add_frameworks(list, view);
  add_tasks(list, view);
  add_messages(list, view.counters);
  add_absent(list);
  list.add_system(system);
  return std::move(list).take();
}

}  // namespace souk::wire
