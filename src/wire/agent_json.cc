#include "wire/agent_json.h"

#include <algorithm>
#include <map>

#include "wire/codec_model.h"
#include "wire/document_parts.h"
#include "wire/json_writer.h"
#include "wire/metric_list.h"

namespace souk::wire {
namespace {

using protocol::AgentView;
using protocol::ContainerKind;

constexpr double kMegabyte = 1024 * 1024;

// The tasks of one container, as far as they are shown.
struct Batch {
  std::vector<const AgentView::Task*> queued;
  std::vector<const AgentView::Task*> current;
  std::vector<const AgentView::Task*> ended;

  // Any of them; none is without tasks.
  const AgentView::Task& some() const {
    return !current.empty() ? *current.front() : !queued.empty() ? *queued.front() : *ended.front();
  }
};
using Batches = std::map<std::string_view, Batch>;  // by container

// All that an agent lends, what it sets aside for short tasks included.
Resources total_of(const AgentInfo& agent) { return agent.resources + agent.short_slots; }

// What goes by its task, or by what its framework calls it.
std::string executor_name(const AgentView::Executor& executor) {
  if (executor.kind == ContainerKind::kCommand) {
    return fmt::format("Command executor of task {}", executor.id);
  }
  return executor.spec.name;
}

Resources resources_of(const AgentView::Executor& executor, const Batch* batch) {
  // Souk's own executor of a command is charged to nobody.
  Resources sum = executor.kind == ContainerKind::kCommand ? Resources() : executor.spec.resources;
  if (batch == nullptr) return sum;
  for (const auto* tasks : {&batch->queued, &batch->current}) {
    for (const AgentView::Task* task : *tasks) sum += task->record.spec.resources;
  }
  return sum;
}

const Batch* find(const Batches& batches, const ContainerId& container) {
  const auto at = batches.find(container.value);
  return at == batches.end() ? nullptr : &at->second;
}

Batches batches_of(const AgentView::Framework& framework) {
  Batches batches;
  for (const AgentView::Task& task : framework.tasks) {
    Batch& batch = batches[task.container.value];
    if (is_terminal(task.record.state)) {
      batch.ended.push_back(&task);
    } else {
      (task.queued ? batch.queued : batch.current).push_back(&task);
    }
  }
  return batches;
}

class StateWriter {
 public:
  StateWriter(std::string& text, const AgentView& view, const DocumentContext& context)
      : out_(text), view_(view), context_(context), tasks_(out_) {
    for (const AgentView::Task& task : view.completed) {
      completed_[task.record.framework_id.value][task.container.value].ended.push_back(&task);
    }
  }

  void write();

 private:
  void write_short_slots();
  void write_frameworks();
  void write_completed_frameworks();
  void write_framework(const AgentView::Framework& framework, Batches batches);
  void write_executor(const FrameworkInfo& framework, const AgentView::Executor& executor,
                      const Batch* batch);
  void write_completed_executors(std::string_view framework_id, const FrameworkInfo* framework,
                                 const Batches& batches);
  void write_place(std::string_view framework, std::string_view executor,
                   std::string_view container);
  void write_batch(const FrameworkInfo* framework, const Batch& batch);
  void write_tasks(std::string_view name, const FrameworkInfo* framework,
                   const std::vector<const AgentView::Task*>& tasks);

  JsonWriter out_;
  const AgentView& view_;
  const DocumentContext& context_;
  TaskWriter tasks_;
  std::map<std::string_view, Batches> completed_;  // by framework
};

void StateWriter::write() {
  const Resources total = total_of(view_.agent);
  out_.begin_object();
  write_version_fields(out_);
  out_.field("start_time", to_seconds(context_.started));
  write_agent_fields(out_, view_.agent);
  out_.key("resources");
  write_resources(out_, total);
  out_.key("used_resources");
  write_resources(out_, view_.used);
  write_reserved_fields(out_, total);
  write_reserved_full_fields(out_, total);
  write_flags_fields(out_, context_);
  write_frameworks();
  write_completed_frameworks();
  out_.field("souk_cluster_id", view_.cluster_id);
  out_.field("souk_epoch", view_.epoch);
  out_.field("souk_recovering", view_.recovering);
  out_.field("souk_registered", view_.registered);
  if (view_.registered_at) out_.field("souk_registered_time", to_seconds(*view_.registered_at));
  if (!view_.agent.short_slots.empty()) write_short_slots();
  out_.end_object();
}

// Of the resources, those that are set aside.
void StateWriter::write_short_slots() {
  out_.key("souk_short_slots");
  out_.begin_object();
  out_.field("max_task_duration", to_seconds(view_.agent.short_slot_limit));
  out_.key("resources");
  write_resources(out_, view_.agent.short_slots);
  out_.end_object();
}

void StateWriter::write_frameworks() {
  out_.key("frameworks");
  out_.begin_array();
  for (const AgentView::Framework& framework : view_.frameworks) {
    Batches batches = batches_of(framework);
    for (auto& [container, batch] : completed_[framework.info.id.value]) {
      auto& ended = batches[container].ended;
      ended.insert(ended.end(), batch.ended.begin(), batch.ended.end());
    }
    completed_.erase(framework.info.id.value);
    write_framework(framework, std::move(batches));
  }
  out_.end_array();
}

// Of these nothing but tasks is remembered.
void StateWriter::write_completed_frameworks() {
  out_.key("completed_frameworks");
  out_.begin_array();
  for (const auto& [id, batches] : completed_) {
    out_.begin_object();
    out_.field("id", id);
    out_.field("name", "");
    out_.key("executors");
    out_.begin_array();
    out_.end_array();
    write_completed_executors(id, nullptr, batches);
    out_.end_object();
  }
  out_.end_array();
}

void StateWriter::write_framework(const AgentView::Framework& framework, Batches batches) {
  const FrameworkInfo& info = framework.info;
  out_.begin_object();
  out_.field("id", info.id.value);
  out_.field("name", info.name);
  out_.field("hostname", info.hostname);
  write_framework_fields(out_, info);
  out_.key("executors");
  out_.begin_array();
  for (const AgentView::Executor& executor : framework.executors) {
    write_executor(info, executor, find(batches, executor.container));
  }
  out_.end_array();
  for (const AgentView::Executor& executor : framework.executors) {
    batches.erase(executor.container.value);
  }
  write_completed_executors(info.id.value, &info, batches);
  out_.end_object();
}

void StateWriter::write_executor(const FrameworkInfo& framework,
                                 const AgentView::Executor& executor, const Batch* batch) {
  const pb::ExecutorInfo info = parse_executor(executor.spec);
  out_.begin_object();
  out_.field("id", executor.id.value);
  out_.field("name", executor_name(executor));
  write_place(framework.id.value, executor.id.value, executor.container.value);
  out_.key("resources");
  write_resources(out_, resources_of(executor, batch));
  if (!executor.role.empty()) out_.field("role", executor.role);
  if (info.has_labels()) {
    out_.key("labels");
    write_labels(out_, decode_labels(info.labels().labels()));
  }
  if (info.has_type()) out_.field("type", pb::ExecutorInfo::Type_Name(info.type()));
  write_batch(&framework, batch == nullptr ? Batch() : *batch);
  out_.end_object();
}

void StateWriter::write_completed_executors(std::string_view framework_id,
                                            const FrameworkInfo* framework,
                                            const Batches& batches) {
  out_.key("completed_executors");
  out_.begin_array();
  for (const auto& [container, batch] : batches) {
    const protocol::TaskRecord& record = batch.some().record;
    out_.begin_object();
    out_.field("id", record.executor_id.value);
    out_.field("name", "");
    write_place(framework_id, record.executor_id.value, container);
    out_.key("resources");
    write_resources(out_, {});
    if (!record.role.empty()) out_.field("role", record.role);
    write_batch(framework, batch);
    out_.end_object();
  }
  out_.end_array();
}

// Where its sandbox is: readers of logs go there.
void StateWriter::write_place(std::string_view framework, std::string_view executor,
                              std::string_view container) {
  out_.field("source", executor);
  out_.field("container", container);
  const std::string_view work_dir = find_flag(context_, "work_dir");
  if (work_dir.empty()) return;
  out_.field("directory", fmt::format("{}/slaves/{}/frameworks/{}/executors/{}/runs/{}", work_dir,
                                      view_.agent.id, framework, executor, container));
}

void StateWriter::write_batch(const FrameworkInfo* framework, const Batch& batch) {
  write_tasks("tasks", framework, batch.current);
  write_tasks("queued_tasks", framework, batch.queued);
  write_tasks("completed_tasks", framework, batch.ended);
}

void StateWriter::write_tasks(std::string_view name, const FrameworkInfo* framework,
                              const std::vector<const AgentView::Task*>& tasks) {
  out_.key(name);
  out_.begin_array();
  for (const AgentView::Task* task : tasks) {
    const protocol::TaskRecord& record = task->record;
    std::vector<protocol::StatusView> statuses;
    if (task->last_status) {
      const TaskStatus& last = *task->last_status;
      statuses.push_back({.state = last.state,
                          .healthy = last.healthy,
                          .timestamp = last.timestamp,
                          .labels = last.labels,
                          .container_id = Blob(task->container.value)});
    }
    tasks_.write({.spec = record.spec,
                  .framework = framework,
                  .framework_id = record.framework_id.value,
                  .executor_id = record.command_task ? std::string_view()
                                                     : std::string_view(record.executor_id.value),
                  .agent_id = view_.agent.id.value,
                  .agent_ip = view_.agent.ip,
                  .role = record.role,
                  .state = record.state,
                  .statuses = statuses});
  }
  out_.end_array();
}

// --- /monitor/statistics and /containers

void write_executor_fields(JsonWriter& out, const FrameworkInfo& framework,
                           const AgentView::Executor& executor) {
  out.field("executor_id", executor.id.value);
  out.field("executor_name", executor_name(executor));
  out.field("framework_id", framework.id.value);
  out.field("source", executor.id.value);
}

void write_statistics(JsonWriter& out, const Resources& limits, WallTime now,
                      const ContainerUsage* usage) {
  const auto bytes = [&](std::string_view name) {
    return static_cast<uint64_t>(limits.scalar(name).to_double() * kMegabyte);
  };
  out.key("statistics");
  out.begin_object();
  if (now != WallTime{}) out.field("timestamp", to_seconds(now));
  out.field("cpus_limit", limits.scalar(kCpus).to_double());
  out.field("mem_limit_bytes", bytes(kMem));
  out.field("disk_limit_bytes", bytes(kDisk));
  if (usage != nullptr) {
    out.field("cpus_user_time_secs", usage->cpus_user_time_secs);
    out.field("cpus_system_time_secs", usage->cpus_system_time_secs);
    out.field("mem_rss_bytes", usage->mem_rss_bytes);
    out.field("processes", usage->processes);
    out.field("threads", usage->threads);
  }
  out.end_object();
}

void write_container(JsonWriter& out, const AgentView& view, const AgentView::Executor& executor) {
  out.field("container_id", executor.container.value);
  out.key("status");
  out.begin_object();
  out.key("container_id");
  out.begin_object();
  out.field("value", executor.container.value);
  out.end_object();
  if (executor.pid > 0) out.field("executor_pid", executor.pid);
  if (!view.agent.ip.empty()) {
    out.key("network_infos");
    write_network_infos(out, view.agent.ip);
  }
  out.end_object();
}

std::string render_rows(const AgentView& view, WallTime now, const Usage& usage,
                        bool as_containers) {
  std::string text;
  JsonWriter out(text);
  out.begin_array();
  for (const AgentView::Framework& framework : view.frameworks) {
    const Batches batches = batches_of(framework);
    for (const AgentView::Executor& executor : framework.executors) {
      const auto measured = usage.find(executor.container);
      out.begin_object();
      write_executor_fields(out, framework.info, executor);
      write_statistics(out, resources_of(executor, find(batches, executor.container)), now,
                       measured == usage.end() ? nullptr : &measured->second);
      if (as_containers) write_container(out, view, executor);
      out.end_object();
    }
  }
  out.end_array();
  return text;
}

}  // namespace

std::string render_agent_state(const AgentView& view, const DocumentContext& context) {
  std::string text;
  StateWriter(text, view, context).write();
  return text;
}

std::string render_monitor_statistics(const AgentView& view, WallTime now, const Usage& usage) {
  return render_rows(view, now, usage, false);
}

std::string render_containers(const AgentView& view, WallTime now, const Usage& usage) {
  return render_rows(view, now, usage, true);
}

Metrics agent_metrics(const AgentView& view, const SystemFacts& system) {
  const protocol::AgentCounters& counters = view.counters;
  MetricList list;
  list.add("slave/registered", view.registered ? 1 : 0);
  list.add("slave/uptime_secs", system.uptime_secs);
  list.add("slave/recovery_time_secs", to_seconds(view.recovery_time));
  list.add("slave/frameworks_active", view.frameworks.size());
  list.add("slave/executors_registering", view.executors_registering);
  list.add("slave/executors_running", view.executors_running);
  list.add("slave/executors_terminating", view.executors_terminating);
  list.add("slave/executors_terminated", counters.executors_terminated);
  list.add("slave/container_launch_errors", counters.container_launch_errors);
  list.add("slave/tasks_staging", view.tasks_staging);
  list.add("slave/tasks_starting", view.tasks_starting);
  list.add("slave/tasks_running", view.tasks_running);
  list.add("slave/tasks_killing", view.tasks_killing);
  list.add("slave/tasks_finished", counters.tasks_finished);
  list.add("slave/tasks_failed", counters.tasks_failed);
  list.add("slave/tasks_killed", counters.tasks_killed);
  list.add("slave/tasks_lost", counters.tasks_lost);
  list.add("slave/tasks_gone", counters.tasks_gone);
  list.add("slave/valid_status_updates", counters.valid_status_updates);
  list.add("slave/invalid_status_updates", counters.invalid_status_updates);
  list.add("slave/valid_framework_messages", counters.valid_framework_messages);
  list.add("slave/invalid_framework_messages", counters.invalid_framework_messages);
  list.add("gc/path_removals_pending", view.sandboxes_kept);
  list.add("gc/path_removals_succeeded", counters.sandboxes_removed);
  list.add_resources("slave/", total_of(view.agent), view.used);
  list.add_zeros("slave/", {"recovery_errors", "executors_preempted",
                            "executor_directory_max_allowed_age_secs"});
  list.add_zeros("containerizer/",
                 {"fetcher/cache_size_total_bytes", "fetcher/cache_size_used_bytes",
                  "fetcher/task_fetches_failed", "fetcher/task_fetches_succeeded",
                  "mesos/container_destroy_errors", "mesos/provisioner/bind/remove_rootfs_errors",
                  "mesos/provisioner/remove_container_errors"});
  list.add_zeros(
      "", {"gc/path_removals_failed", "resource_provider_manager/events/disconnect",
           "resource_provider_manager/events/subscribe", "resource_provider_manager/subscribed"});
  list.add_system(system);
  return std::move(list).take();
}

}  // namespace souk::wire
