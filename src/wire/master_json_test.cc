#include "wire/master_json.h"

#include <gtest/gtest.h>

#include "wire/codec_model.h"
#include "wire/json.h"
#include "wire/json_writer.h"
#include "wire/test_support.h"
#include "wire/test_view.h"

namespace souk::wire {
namespace {

using protocol::FrameworkView;
using protocol::MasterView;

const std::vector<std::pair<std::string, std::string>> kFlags = {
    {"cluster", "test"}, {"log_dir", "/var/log/souk"}, {"port", "5050"}};
const DocumentContext kContext{kFlags, at(1000)};

TEST(MasterJson, State) { expect_golden("master_state.json", render_state(sample(), kContext)); }

TEST(MasterJson, StateSummary) {
  expect_golden("master_state_summary.json", render_state_summary(sample()));
}

TEST(MasterJson, SlavesAndFrameworks) {
  expect_golden("master_slaves.json", render_slaves(sample(), "M-S0"));
  expect_golden("master_frameworks.json", render_frameworks(sample(), "F2"));
  const std::string all = render_slaves(sample(), "");
  EXPECT_NE(all.find("a1.example"), std::string::npos);
  EXPECT_NE(all.find("a2.example"), std::string::npos);
  EXPECT_NE(all.find("a3.example"), std::string::npos);
  EXPECT_EQ(render_slaves(sample(), "nobody"), R"({"slaves":[],"recovered_slaves":[]})");
  EXPECT_EQ(render_frameworks(sample(), "nobody"),
            R"({"frameworks":[],"completed_frameworks":[],"unregistered_frameworks":[]})");
}

TEST(MasterJson, ShortSlotsCountAndAreToldOnTheirOwn) {
  MasterView view = sample();
  protocol::AgentSummary& agent = view.agents[1].own();
  agent.info.short_slots = resources("cpus:2;mem:100");
  agent.info.short_slot_limit = 90s;
  agent.used = resources("cpus:1.5");
  agent.short_used = resources("cpus:0.5");
  agent.short_offered = resources("mem:10");
  const std::string text = render_slaves(view, "M-S1");
  expect_sound(text);
  EXPECT_NE(text.find(R"("resources":{"cpus":3.0,"gpus":0.0,"mem":164.0,"disk":0.0})"),
            std::string::npos);
  EXPECT_NE(text.find(R"("used_resources":{"cpus":1.5,)"), std::string::npos);
  EXPECT_NE(text.find(R"("souk_short_slots":{"max_task_duration":90.0,)"
                      R"("resources":{"cpus":2.0,"gpus":0.0,"mem":100.0,"disk":0.0},)"
                      R"("used_resources":{"cpus":0.5,"gpus":0.0,"mem":0.0,"disk":0.0},)"
                      R"("offered_resources":{"cpus":0.0,"gpus":0.0,"mem":10.0,"disk":0.0}})"),
            std::string::npos);
  EXPECT_EQ(render_slaves(sample(), "").find("souk_short_slots"), std::string::npos);
}

TEST(MasterJson, InverseOffersAreToldOfTheirFramework) {
  MasterView view = sample();
  view.frameworks[1].inverse_offers = {{.id = OfferId("M-O9"),
                                        .agent_id = AgentId("M-S0"),
                                        .tasks = {TaskId("t"), TaskId("u")},
                                        .resources = resources("cpus:1"),
                                        .start = at(1100),
                                        .answer = protocol::InverseOfferView::Answer::kDeclined}};
  const std::string text = render_frameworks(view, "F2");
  expect_sound(text);
  EXPECT_NE(text.find(R"("souk_inverse_offers":[{"id":"M-O9","slave_id":"M-S0",)"
                      R"("deadline":1100.0,"answer":"declined",)"
                      R"("resources":{"cpus":1.0,"gpus":0.0,"mem":0.0,"disk":0.0},)"
                      R"("tasks":["t","u"]}])"),
            std::string::npos);
  EXPECT_EQ(render_frameworks(sample(), "F2").find("souk_inverse_offers"), std::string::npos);
}

TEST(MasterJson, OfferConstraintsAreTold) {
  MasterView view = sample();
  EXPECT_EQ(render_frameworks(view, "F2").find("offer_constraints"), std::string::npos);
  for (FrameworkView& framework : view.frameworks) {
    framework.offer_constraints["ops"].groups = {
        {{.attribute = "rack",
          .predicate = AttributeConstraint::Predicate::kTextMatches,
          .text = "r.*"}}};
  }
  const std::string expected =
      R"("offer_constraints":{"role_constraints":{"ops":{"groups":[{"attribute_constraints":[)"
      R"({"selector":{"attribute_name":"rack"},"predicate":{"text_matches":{"regex":"r.*"}}}]}]}}})";
  EXPECT_NE(render_frameworks(view, "F2").find(expected), std::string::npos);
  EXPECT_NE(render_state(view, kContext).find(expected), std::string::npos);
  expect_sound(render_state(view, kContext));
}

TEST(MasterJson, TheMastersDomainIsTold) {
  MasterView view = sample();
  view.info.domain = {"eu", "eu-1"};
  EXPECT_NE(
      render_state(view, kContext)
          .find(R"("domain":{"fault_domain":{"region":{"name":"eu"},"zone":{"name":"eu-1"}}},)"
                R"("leader")"),
      std::string::npos);
}

TEST(MasterJson, Roles) { expect_golden("master_roles.json", render_roles(sample())); }

TEST(MasterJson, VersionAndFlags) {
  EXPECT_EQ(render_version(kContext),
            R"({"version":"1.11.0","souk_version":"0.1.0","build_date":"","build_time":0.0,)"
            R"("build_user":"","souk_start_time":1000.0})");
  EXPECT_EQ(render_flags(kContext),
            R"({"flags":{"cluster":"test","log_dir":"/var/log/souk","port":"5050"}})");
}

// The ids of the tasks shown.
std::string tasks(const TasksQuery& query) {
  const std::string text = render_tasks(sample(), query);
  expect_sound(text);
  std::string ids;
  std::string key;
  JsonReader json(text);
  EXPECT_TRUE(json.enter_object());
  bool first_key = true;
  EXPECT_TRUE(json.next_key(first_key, key));
  EXPECT_EQ(key, "tasks");
  EXPECT_TRUE(json.enter_array());
  for (bool first = true; json.next_element(first);) {
    EXPECT_TRUE(json.enter_object());
    for (bool first_field = true; json.next_key(first_field, key);) {
      std::string id;
      if (key != "id") {
        json.skip_value();
      } else if (json.read_string(id)) {
        ids += ids.empty() ? id : " " + id;
      }
    }
  }
  return ids;
}

TEST(MasterJson, TasksAreSortedByTheirFirstStatus) {
  EXPECT_EQ(tasks({}), "t-away web.1 t-done t-done t-staging");
  EXPECT_EQ(tasks({.ascending = true}), "t-staging t-done t-done web.1 t-away");
}

TEST(MasterJson, TasksArePagedAndFiltered) {
  EXPECT_EQ(tasks({.limit = 2}), "t-away web.1");
  EXPECT_EQ(tasks({.limit = 2, .offset = 1}), "web.1 t-done");
  EXPECT_EQ(tasks({.limit = 9, .offset = 4}), "t-staging");
  EXPECT_EQ(tasks({.limit = 0}), "");
  EXPECT_EQ(tasks({.limit = static_cast<std::size_t>(-1), .offset = static_cast<std::size_t>(-1)}),
            "");
  EXPECT_EQ(tasks({.framework_id = "F2"}), "t-away t-done t-staging");
  EXPECT_EQ(tasks({.framework_id = "F0", .task_id = "t-done"}), "t-done");
  EXPECT_EQ(tasks({.framework_id = "F1", .task_id = "t-done"}), "");
}

TEST(MasterJson, AnEmptyMasterIsSound) {
  const MasterView view;
  const std::vector<std::pair<std::string, std::string>> no_flags;
  const std::string state = render_state(view, {no_flags, WallTime{}});
  expect_sound(state);
  EXPECT_NE(state.find(R"("slaves":[])"), std::string::npos);
  EXPECT_EQ(state.find("elected_time"), std::string::npos);
  expect_sound(render_state_summary(view));
  EXPECT_EQ(render_roles(view), R"({"roles":[]})");
  EXPECT_EQ(render_tasks(view, {}), R"({"tasks":[]})");
}

TEST(MasterJson, WhatIsHostileStaysText) {
  MasterView view = sample();
  view.frameworks[0].info.name = "\"},{\n\xff\x01</script>";
  TaskSpec broken;
  broken.id.value = "t\"";
  broken.raw = Blob("\xff\xff no message");
  view.frameworks[0].tasks[0].own().spec = broken;
  ExecutorSpec executor;
  executor.raw = Blob("\xff\xff no message");
  view.frameworks[0].executors[0].spec = std::make_shared<const ExecutorSpec>(executor);
  view.agents[0].own().info.attributes.push_back({.name = "q\"", .value = std::string("\n")});
  // One name, a sum of a kind each.
  view.agents[0].own().info.resources +=
      Resources({{.name = "x", .value = Scalar{1}, .revocable = true},
                 {.name = "x_revocable", .value = NameSet({"s"})}});
  expect_sound(render_state(view, kContext));
  expect_sound(render_slaves(view, ""));
  expect_sound(render_state_summary(view));
  for (const auto& [name, value] : master_metrics(view, {})) {
    EXPECT_EQ(name.find('\n'), std::string::npos);
    EXPECT_EQ(name.find('"'), std::string::npos);
  }
}

double metric(const Metrics& metrics, std::string_view name) {
  for (const auto& [each, value] : metrics) {
    if (each == name) return value;
  }
  ADD_FAILURE() << "no metric " << name;
  return -1;
}

TEST(MasterMetrics, HaveEveryNameOfMesos) {
  MasterView view;
  FrameworkView framework;
  framework.info.name = "mesos-execute instance";
  framework.info.id.value = "<framework_id>";
  framework.info.roles = {"*"};
  view.frameworks.push_back(framework);
  const Metrics metrics = master_metrics(view, {});

  std::set<std::string> names;
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  for (const auto& [name, value] : metrics) {
    names.insert(name);
    json.field(name, value);
  }
  json.end_object();
  expect_sound(text);
  for (const std::string& name : lines_of("tests/conformance/metrics-master.txt")) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(MasterMetrics, TellWhatTheViewHas) {
  MasterView view = sample();
  view.counters.agent_removals = 3;
  view.counters.agent_unreachable = 1;
  view.counters.terminal[static_cast<std::size_t>(TaskState::kLost)] = 2;
  view.counters.terminal_by_reason["task_lost/source_master/reason_agent_removed"] = 2;
  view.counters.calls[8] = 5;  // KILL
  const Metrics metrics = master_metrics(view, {.uptime_secs = 12.5, .load_1min = 0.25});
  EXPECT_TRUE(std::ranges::is_sorted(metrics));
  EXPECT_EQ(metric(metrics, "master/elected"), 1);
  EXPECT_EQ(metric(metrics, "master/uptime_secs"), 12.5);
  EXPECT_EQ(metric(metrics, "system/load_1min"), 0.25);
  EXPECT_EQ(metric(metrics, "master/cpus_total"), 11);
  EXPECT_EQ(metric(metrics, "master/cpus_used"), 2.1);
  EXPECT_EQ(metric(metrics, "master/cpus_percent"), 2.1 / 11);
  EXPECT_EQ(metric(metrics, "master/cpus_revocable_total"), 0.5);
  EXPECT_EQ(metric(metrics, "master/gpus_percent"), 0);
  EXPECT_EQ(metric(metrics, "allocator/mesos/resources/mem/offered_or_allocated"), 1312);
  EXPECT_EQ(metric(metrics, "master/slaves_active"), 1);
  EXPECT_EQ(metric(metrics, "master/slaves_disconnected"), 1);
  EXPECT_EQ(metric(metrics, "master/slaves_unreachable"), 1);
  EXPECT_EQ(metric(metrics, "master/slave_removals/reason_unregistered"), 2);
  EXPECT_EQ(metric(metrics, "master/frameworks_active"), 1);
  EXPECT_EQ(metric(metrics, "master/frameworks_disconnected"), 1);
  EXPECT_EQ(metric(metrics, "master/outstanding_offers"), 1);
  EXPECT_EQ(metric(metrics, "master/tasks_running"), 1);
  EXPECT_EQ(metric(metrics, "master/tasks_staging"), 1);
  EXPECT_EQ(metric(metrics, "master/tasks_unreachable"), 1);
  EXPECT_EQ(metric(metrics, "master/tasks_lost"), 2);
  EXPECT_EQ(metric(metrics, "master/task_lost/source_master/reason_agent_removed"), 2);
  EXPECT_EQ(metric(metrics, "master/messages_kill_task"), 5);
}

TEST(MasterMetrics, TellOfEachFramework) {
  const Metrics metrics = master_metrics(sample(), {});
  const std::string prefix = "master/frameworks/mara%20thon/F1/";
  EXPECT_EQ(metric(metrics, prefix + "calls"), 7);
  EXPECT_EQ(metric(metrics, prefix + "calls/accept"), 4);
  EXPECT_EQ(metric(metrics, prefix + "calls/decline"), 2);
  EXPECT_EQ(metric(metrics, prefix + "events"), 13);
  EXPECT_EQ(metric(metrics, prefix + "events/offers"), 6);
  EXPECT_EQ(metric(metrics, prefix + "events/update"), 5);
  EXPECT_EQ(metric(metrics, prefix + "offers/sent"), 7);
  EXPECT_EQ(metric(metrics, prefix + "operations/launch"), 4);
  EXPECT_EQ(metric(metrics, prefix + "roles/ops/suppressed"), 1);
  EXPECT_EQ(metric(metrics, prefix + "roles/eng/web/suppressed"), 0);
  EXPECT_EQ(metric(metrics, prefix + "subscribed"), 1);
  EXPECT_EQ(metric(metrics, prefix + "tasks/active/task_running"), 1);
  EXPECT_EQ(metric(metrics, prefix + "tasks/terminal/task_finished"), 3);
  EXPECT_EQ(metric(metrics, "master/frameworks/batch/F2/tasks/active/task_unreachable"), 1);
  EXPECT_EQ(metric(metrics, "master/frameworks/old/F0/subscribed"), 0);
}

}  // namespace
}  // namespace souk::wire
