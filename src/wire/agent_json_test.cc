#include "wire/agent_json.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "wire/codec_model.h"
#include "wire/json.h"
#include "wire/json_writer.h"
#include "wire/test_support.h"

namespace souk::wire {
namespace {

using protocol::AgentView;
using protocol::ContainerKind;

WallTime at(int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

Resources resources(std::string_view text) {
  auto parsed = Resources::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Resources());
}

AgentView::Task task(std::string id, std::string executor, std::string container, TaskState state) {
  AgentView::Task task;
  task.record.framework_id.value = "F1";
  task.record.executor_id.value = std::move(executor);
  task.record.role = "*";
  task.record.spec.id.value = std::move(id);
  task.record.spec.name = "sleep";
  task.record.spec.resources = resources("cpus:0.5;mem:32");
  task.record.state = state;
  task.container.value = std::move(container);
  return task;
}

AgentView::Task said(AgentView::Task task, int64_t seconds) {
  TaskStatus status;
  status.state = task.record.state;
  status.timestamp = at(seconds);
  task.last_status = status;
  return task;
}

AgentView::Framework framework() {
  AgentView::Framework framework;
  framework.info.id.value = "F1";
  framework.info.name = "batch";
  framework.info.user = "bob";
  framework.info.roles = {"*"};

  AgentView::Executor command;
  command.id.value = "t1";
  command.stage = AgentView::Executor::Stage::kRunning;
  command.role = "*";
  command.container.value = "c-1";
  command.pid = 4711;
  AgentView::Executor custom;
  custom.id.value = "web";
  custom.kind = ContainerKind::kCustom;
  custom.role = "*";
  pb::ExecutorInfo info;
  EXPECT_TRUE(from_json(R"({"type":"CUSTOM","executor_id":{"value":"web"},"name":"Web",
      "command":{"value":"./run"},"labels":{"labels":[{"key":"k"}]},
      "resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":0.1}}]})",
                        info));
  custom.spec = decode_executor(info).spec;
  custom.container.value = "c-2";
  framework.executors = {command, custom};

  AgentView::Task running = said(task("t1", "t1", "c-1", TaskState::kRunning), 1010);
  running.record.command_task = true;
  AgentView::Task queued = task("t2", "web", "c-2", TaskState::kStaging);
  queued.queued = true;
  AgentView::Task unacknowledged = said(task("t0", "t0", "c-0", TaskState::kFailed), 1008);
  unacknowledged.record.command_task = true;
  framework.tasks = {running, queued, unacknowledged,
                     said(task("t3", "web", "c-2", TaskState::kFinished), 1009)};
  return framework;
}

AgentView sample() {
  AgentView view;
  view.agent.id.value = "M-S0";
  view.agent.hostname = "a1.example";
  view.agent.ip = "10.0.0.7";
  view.agent.port = 5051;
  view.agent.resources = resources("cpus:8;cpus(ops):2;mem:4096;ports:[31000-32000]");
  view.agent.attributes = parse_attributes("rack:r1").value_or(std::vector<Attribute>());
  view.cluster_id = "cluster-1";
  view.epoch = 3;
  view.registered = true;
  view.registered_at = at(1002);
  view.recovery_time = 250ms;
  view.used = resources("cpus:1.1;mem:64");
  view.frameworks = {framework()};
  view.completed = {said(task("t4", "web", "c-2", TaskState::kFinished), 1006),
                    said(task("old", "old", "c-9", TaskState::kKilled), 1004)};
  view.completed[1].record.framework_id.value = "F0";
  view.completed[1].record.command_task = true;
  view.sandboxes_kept = 2;
  view.tasks_staging = 1;
  view.tasks_running = 1;
  view.executors_running = 1;
  view.executors_registering = 1;
  view.counters.tasks_finished = 2;
  view.counters.sandboxes_removed = 6;
  return view;
}

const std::vector<std::pair<std::string, std::string>> kFlags = {{"log_dir", "/var/log/souk"},
                                                                 {"work_dir", "/var/lib/souk"}};
const DocumentContext kContext{kFlags, at(1000)};
const Usage kUsage = {{ContainerId("c-1"),
                       {.cpus_user_time_secs = 1.5,
                        .cpus_system_time_secs = 0.25,
                        .mem_rss_bytes = 1 << 20,
                        .processes = 2,
                        .threads = 5}}};

TEST(AgentJson, State) {
  expect_golden("agent_state.json", render_agent_state(sample(), kContext));
}

TEST(AgentJson, ShortSlotsCountAmongTheResources) {
  AgentView view = sample();
  const std::string before = render_agent_state(view, kContext);
  EXPECT_EQ(before.find("souk_short_slots"), std::string::npos);
  view.agent.resources = resources("cpus:6;cpus(ops):2;mem:4096;ports:[31000-32000]");
  view.agent.short_slots = resources("cpus:2");
  view.agent.short_slot_limit = 90s;
  const std::string text = render_agent_state(view, kContext);
  EXPECT_NE(text.find(R"("souk_short_slots":{"max_task_duration":90.0,"resources":{)"),
            std::string::npos)
      << text;
  // But for that nothing is different: eight processors are there.
  EXPECT_EQ(text.substr(0, text.find(R"(,"souk_short_slots")")),
            before.substr(0, before.rfind('}')));
}

TEST(AgentJson, Statistics) {
  expect_golden("agent_statistics.json", render_monitor_statistics(sample(), at(1020), kUsage));
}

TEST(AgentJson, Containers) {
  expect_golden("agent_containers.json", render_containers(sample(), at(1020), kUsage));
}

TEST(AgentJson, AnEmptyAgentIsSound) {
  const std::vector<std::pair<std::string, std::string>> no_flags;
  const std::string state = render_agent_state({}, {no_flags, WallTime{}});
  expect_sound(state);
  EXPECT_EQ(state.find("log_dir"), std::string::npos);
  EXPECT_EQ(render_monitor_statistics({}), "[]");
  EXPECT_EQ(render_containers({}), "[]");
}

TEST(AgentJson, WhatIsHostileStaysText) {
  AgentView view = sample();
  view.frameworks[0].info.name = "\"},{\n\xff\x01";
  view.frameworks[0].tasks[0].record.spec.raw = Blob("\xff\xff no message");
  view.frameworks[0].executors[1].spec.raw = Blob("\xff\xff no message");
  expect_sound(render_agent_state(view, kContext));
  expect_sound(render_containers(view));
}

TEST(AgentMetrics, HaveEveryNameOfMesos) {
  std::set<std::string> names;
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  for (const auto& [name, value] : agent_metrics({}, {})) {
    names.insert(name);
    json.field(name, value);
  }
  json.end_object();
  expect_sound(text);
  for (const std::string& name : lines_of("tests/conformance/metrics-agent.txt")) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(AgentMetrics, TellWhatTheViewHas) {
  const Metrics metrics = agent_metrics(sample(), {.uptime_secs = 3, .cpus_total = 2});
  const auto metric = [&](std::string_view name) {
    const auto found = std::ranges::find(metrics, name, &Metrics::value_type::first);
    return found == metrics.end() ? -1 : found->second;
  };
  EXPECT_TRUE(std::ranges::is_sorted(metrics));
  EXPECT_EQ(metric("slave/registered"), 1);
  EXPECT_EQ(metric("slave/uptime_secs"), 3);
  EXPECT_EQ(metric("system/cpus_total"), 2);
  EXPECT_EQ(metric("slave/recovery_time_secs"), 0.25);
  EXPECT_EQ(metric("slave/cpus_total"), 10);
  EXPECT_EQ(metric("slave/cpus_used"), 1.1);
  EXPECT_DOUBLE_EQ(metric("slave/cpus_percent"), 0.11);
  EXPECT_EQ(metric("slave/frameworks_active"), 1);
  EXPECT_EQ(metric("slave/tasks_running"), 1);
  EXPECT_EQ(metric("slave/tasks_finished"), 2);
  EXPECT_EQ(metric("gc/path_removals_pending"), 2);
  EXPECT_EQ(metric("gc/path_removals_succeeded"), 6);
}

}  // namespace
}  // namespace souk::wire
