// For the tests of documents: a master's view with all that one can hold.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/master_view.h"
#include "wire/codec_model.h"
#include "wire/json.h"

namespace souk::wire {

inline WallTime at(int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

inline Resources resources(std::string_view text) {
  auto parsed = Resources::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Resources());
}

inline TaskSpec task_spec(std::string_view json) {
  pb::TaskInfo info;
  const auto parsed = from_json(json, info);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return decode_task(info);
}

inline protocol::TaskView task_view(std::string id, TaskState state,
                                    std::vector<protocol::StatusView> statuses) {
  TaskSpec spec;
  spec.id.value = std::move(id);
  spec.name = "sleep";
  spec.resources = resources("cpus:0.5;mem:32");
  return {.spec = std::move(spec),
          .framework_id = FrameworkId("F2"),
          .executor_id = {},
          .agent_id = AgentId("M-S0"),
          .role = std::string("*"),
          .state = state,
          .statuses = std::move(statuses),
          .unreachable_since = std::nullopt};
}

// All that a task can have.
inline protocol::TaskView rich_task() {
  protocol::TaskView task{.spec = task_spec(R"({
      "name":"web","task_id":{"value":"web.1"},"agent_id":{"value":"M-S0"},
      "resources":[
        {"name":"cpus","type":"SCALAR","scalar":{"value":1.5}},
        {"name":"mem","type":"SCALAR","scalar":{"value":256}},
        {"name":"ports","type":"RANGES","ranges":{"range":[
          {"begin":31000,"end":31001},{"begin":31005,"end":31005}]}}],
      "executor":{"executor_id":{"value":"web-executor"},
                  "command":{"value":"./run","user":"www"}},
      "labels":{"labels":[{"key":"tier","value":"front"},{"key":"bare"}]},
      "discovery":{"visibility":"CLUSTER","name":"web",
        "ports":{"ports":[{"number":31000,"name":"http","protocol":"tcp"}]},
        "labels":{"labels":[{"key":"vip","value":"web:80"}]}},
      "container":{"type":"MESOS"},
      "health_check":{"type":"TCP","tcp":{"port":31000}},
      "limits":{"mem":{"value":512},"cpus":{"value":2}}})"),
                          .framework_id = FrameworkId("F1"),
                          .executor_id = ExecutorId("web-executor"),
                          .agent_id = AgentId("M-S0"),
                          .role = std::string("eng/web"),
                          .state = TaskState::kRunning,
                          .statuses = {},
                          .unreachable_since = std::nullopt};
  task.statuses.push_back({.state = TaskState::kStarting,
                           .healthy = std::nullopt,
                           .timestamp = at(1030),
                           .labels = {},
                           .container_id = {}});
  task.statuses.push_back({.state = TaskState::kRunning,
                           .healthy = true,
                           .timestamp = at(1031) + 250ms,
                           .labels = Labels{{"zone", "b"}},
                           .container_id = Blob("c-1")});
  return task;
}

inline protocol::FrameworkView multi_role_framework() {
  protocol::FrameworkView framework;
  FrameworkInfo& info = framework.info;
  info.id.value = "F1";
  info.user = "root";
  info.name = "mara thon";
  info.failover_timeout = 1h;
  info.checkpoint = true;
  info.roles = {"eng/web", "ops"};
  info.hostname = "scheduler.example";
  info.principal = "alice";
  info.webui_url = "http://scheduler.example/ui";
  info.capabilities.add(Capability::kMultiRole);
  info.capabilities.add(Capability::kPartitionAware);
  info.labels = {{"team", "web"}};
  framework.active = framework.connected = true;
  framework.suppressed_roles = {"ops"};
  framework.registered_at = at(1010);
  framework.reregistered_at = at(1020);
  framework.tasks = {rich_task()};
  pb::ExecutorInfo executor;
  EXPECT_TRUE(from_json(R"({"type":"CUSTOM","executor_id":{"value":"web-executor"},
      "framework_id":{"value":"F1"},"name":"Web","command":{"value":"./run","user":"www"},
      "resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":0.1}}],
      "labels":{"labels":[{"key":"k","value":"v"}]}})",
                        executor));
  framework.executors.push_back(
      {std::make_shared<const ExecutorSpec>(decode_executor(executor).spec), AgentId("M-S0"),
       "eng/web"});
  framework.offers.push_back(
      {OfferId("M-O7"), AgentId("M-S0"), "ops", resources("cpus:2;mem:1024")});
  framework.used = resources("cpus:1.6;mem:256;ports:[31000-31001,31005-31005]");
  framework.offered = resources("cpus:2;mem:1024");
  framework.dominant_resource = "cpus";
  framework.share_used = 3600;
  framework.share_total = 8000;
  framework.counters.calls = {1, 0, 4, 2};
  framework.counters.events = {1, 6, 1, 0, 0, 5};
  framework.counters.terminal[static_cast<std::size_t>(TaskState::kFinished)] = 3;
  framework.counters.offers_sent = 7;
  framework.counters.operations = 4;
  framework.counters.launches = 4;
  return framework;
}

inline protocol::FrameworkView plain_framework() {
  protocol::FrameworkView framework;
  framework.info.id.value = "F2";
  framework.info.user = "bob";
  framework.info.name = "batch";
  framework.info.roles = {"*"};
  framework.recovered = true;
  framework.registered_at = at(1011);
  framework.tasks = {task_view("t-staging", TaskState::kStaging, {})};
  framework.unreachable_tasks = {task_view("t-away", TaskState::kUnreachable,
                                           {{.state = TaskState::kRunning,
                                             .healthy = std::nullopt,
                                             .timestamp = at(1040),
                                             .labels = {},
                                             .container_id = {}}})};
  framework.unreachable_tasks[0].own().agent_id = AgentId("M-S9");
  framework.completed_tasks = {task_view("t-done", TaskState::kFinished,
                                         {{.state = TaskState::kFinished,
                                           .healthy = std::nullopt,
                                           .timestamp = at(1015),
                                           .labels = {},
                                           .container_id = Blob("c-2")}})};
  framework.used = resources("cpus:0.5;mem:32");
  framework.share_total = 0;
  return framework;
}

inline protocol::MasterView sample() {
  protocol::MasterView view;
  view.info = {.id = "M", .hostname = "m1.example", .ip = "10.0.0.1", .port = 5050};
  view.cluster = "test";
  view.cluster_id = "cluster-1";
  view.epoch = 3;
  view.recovered = true;
  view.elected_at = at(1001);

  protocol::AgentSummary agent;
  agent.info.id.value = "M-S0";
  agent.info.hostname = "a1.example";
  agent.info.ip = "10.0.0.7";
  agent.info.port = 5051;
  agent.info.resources =
      resources("cpus:8;cpus(ops):2;mem:4096;ports:[31000-32000,33000-34000];racks:{a,b}") +
      Resources({{.name = "cpus", .value = Scalar{500}, .revocable = true}});
  agent.info.attributes = parse_attributes("rack:r1;gen:3;ports:[1-2];os:{linux};rack:r2")
                              .value_or(std::vector<Attribute>());
  agent.info.domain = {"eu", "eu-1"};
  agent.info.version = "0.1.0";
  agent.active = true;
  agent.registered_at = at(1005);
  agent.used = resources("cpus:2.1;mem:288;ports:[31000-31001,31005-31005]");
  agent.offered = resources("cpus:2;mem:1024");
  view.agents.emplace_back(agent);
  agent.info.id.value = "M-S1";
  agent.info.hostname = "a2.example";
  agent.info.ip = "10.0.0.8";
  agent.info.resources = resources("cpus:1;mem:64");
  agent.info.attributes.clear();
  agent.info.domain = {};
  agent.active = false;
  agent.reregistered_at = at(1007);
  agent.used = agent.offered = {};
  view.agents.emplace_back(agent);

  view.frameworks = {multi_role_framework(), plain_framework()};
  protocol::FrameworkView completed = plain_framework();
  completed.info.id.value = "F0";
  completed.info.name = "old";
  completed.unregistered_at = at(1009);
  completed.tasks.clear();
  completed.unreachable_tasks.clear();
  completed.used = {};
  for (auto& task : completed.completed_tasks) task.own().framework_id = FrameworkId("F0");
  view.completed_frameworks = {completed};
  view.recovered_agents[AgentId("M-S2")] = "a3.example";
  view.unreachable_agents[AgentId("M-S9")] = at(1045);
  view.roles = std::make_shared<const protocol::RoleSettings>(protocol::RoleSettings{
      .weights = {{"eng", Scalar{2500}}, {"idle/one", Scalar{500}}},
      .quotas = {
          {"ops", {{{"cpus", Scalar{1500}}}, {{"cpus", Scalar{3000}}, {"gpus", Scalar{}}}}}}});
  return view;
}

}  // namespace souk::wire
