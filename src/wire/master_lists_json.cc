// /tasks, /roles and /state-summary: what has to be gathered from all over the view.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "wire/document_parts.h"
#include "wire/master_json.h"
#include "wire/master_rows.h"
#include "wire/role_sums.h"

namespace souk::wire {
namespace {

using protocol::AgentSummary;
using protocol::FrameworkView;
using protocol::MasterView;
using protocol::TaskView;

// Those of which /state-summary gives numbers.
constexpr std::array kSummaryStates = {
    TaskState::kStaging,  TaskState::kStarting,   TaskState::kRunning, TaskState::kKilling,
    TaskState::kFinished, TaskState::kKilled,     TaskState::kFailed,  TaskState::kLost,
    TaskState::kError,    TaskState::kUnreachable};

template <class Visit>
void for_each_task(const FrameworkView& framework, const Visit& visit) {
  for (const auto* tasks :
       {&framework.tasks, &framework.unreachable_tasks, &framework.completed_tasks}) {
    for (const TaskView& task : *tasks) visit(task);
  }
}

// --- /tasks

struct Listed {
  const FrameworkView* framework;
  const TaskView* task;
};

std::vector<Listed> matching_tasks(const MasterView& view, const TasksQuery& query) {
  std::vector<Listed> listed;
  const auto collect = [&](const std::vector<FrameworkView>& frameworks) {
    for (const FrameworkView& framework : frameworks) {
      if (!query.framework_id.empty() && framework.info.id.value != query.framework_id) continue;
      for_each_task(framework, [&](const TaskView& task) {
        if (!query.task_id.empty() && task.spec->id.value != query.task_id) return;
        listed.push_back({&framework, &task});
      });
    }
  };
  collect(view.frameworks);
  collect(view.completed_frameworks);
  return listed;
}

// Tasks of which nothing was said yet count as older than all others, whichever way it goes.
WallTime first_time(const Listed& listed) {
  const auto& statuses = listed.task->statuses;
  return statuses.empty() ? WallTime::min() : statuses.front().timestamp;
}

// --- /state-summary

struct Tally {
  std::array<uint64_t, protocol::kTaskStates> tasks{};
  std::set<std::string_view> others;  // agents of a framework, frameworks of an agent
};

void write_tally(JsonWriter& out, const Tally& tally, std::string_view others) {
  for (const TaskState state : kSummaryStates) {
    out.field(to_string(state), tally.tasks[static_cast<std::size_t>(state)]);
  }
  out.key(others);
  out.begin_array();
  for (const std::string_view id : tally.others) out.value(id);
  out.end_array();
}

// --- /roles

void write_quantities(JsonWriter& out, const Quantities& quantities) {
  out.begin_object();
  for (const auto& [name, amount] : quantities) out.field(name, amount.to_double());
  out.end_object();
}

void write_role(JsonWriter& out, std::string_view name, const RoleSum& role) {
  const auto amounts = [&out](std::string_view key, const Quantities& quantities) {
    out.key(key);
    write_quantities(out, quantities);
  };
  out.begin_object();
  out.field("name", name);
  out.field("weight", role.weight);
  out.key("quota");
  out.begin_object();
  out.field("role", name);
  amounts("guarantee", role.quota.guarantees);
  amounts("limit", role.quota.limits);
  amounts("consumed", quantities_of(role.consumed));
  out.end_object();
  amounts("allocated", quantities_of(role.allocated));
  amounts("offered", quantities_of(role.offered));
  amounts("reserved", quantities_of(role.reserved));
  out.key("resources");
  write_resources(out, role.allocated + role.offered);
  out.key("frameworks");
  out.begin_array();
  for (const std::string_view id : role.frameworks) out.value(id);
  out.end_array();
  out.end_object();
}

}  // namespace

std::string render_tasks(const MasterView& view, const TasksQuery& query) {
  std::vector<Listed> listed = matching_tasks(view, query);
  const bool ascending = query.ascending;
  std::ranges::stable_sort(listed, [ascending](const Listed& a, const Listed& b) {
    return ascending ? first_time(a) < first_time(b) : first_time(b) < first_time(a);
  });
  const std::size_t begin = std::min(query.offset, listed.size());
  const std::size_t end = begin + std::min(query.limit, listed.size() - begin);

  std::string text;
  JsonWriter out(text);
  MasterRows rows(out, view);
  out.begin_object();
  out.key("tasks");
  out.begin_array();
  for (std::size_t i = begin; i < end; ++i) rows.task(*listed[i].framework, *listed[i].task);
  out.end_array();
  out.end_object();
  return text;
}

std::string render_state_summary(const MasterView& view) {
  HashMap<std::string_view, Tally> agents;
  HashMap<std::string_view, Tally> frameworks;
  for (const FrameworkView& framework : view.frameworks) {
    Tally& tally = frameworks[framework.info.id.value];
    for_each_task(framework, [&](const TaskView& task) {
      Tally& agent = agents[task.agent_id->value];
      ++tally.tasks[static_cast<std::size_t>(task.state)];
      ++agent.tasks[static_cast<std::size_t>(task.state)];
      tally.others.insert(task.agent_id->value);
      agent.others.insert(framework.info.id.value);
    });
  }

  std::string text;
  JsonWriter out(text);
  MasterRows rows(out, view);
  out.begin_object();
  out.field("hostname", view.info.hostname);
  if (!view.cluster.empty()) out.field("cluster", view.cluster);
  out.key("slaves");
  out.begin_array();
  for (const AgentSummary& agent : view.agents) {
    out.begin_object();
    rows.agent_fields(agent);
    write_tally(out, agents[agent.info.id.value], "framework_ids");
    out.end_object();
  }
  out.end_array();
  out.key("frameworks");
  out.begin_array();
  for (const FrameworkView& framework : view.frameworks) {
    out.begin_object();
    rows.framework_summary(framework);
    write_tally(out, frameworks[framework.info.id.value], "slave_ids");
    out.end_object();
  }
  out.end_array();
  out.end_object();
  return text;
}

std::string render_roles(const MasterView& view) {
  std::string text;
  JsonWriter out(text);
  out.begin_object();
  out.key("roles");
  out.begin_array();
  for (const auto& [name, role] : sum_roles(view)) write_role(out, name, role);
  out.end_array();
  out.end_object();
  return text;
}

}  // namespace souk::wire
