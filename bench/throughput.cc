// Task lives a second through one agent: real `true` processes, up to 100 at once; and tasks of one
// custom executor that does nothing but report TASK_FINISHED. Master, agent, executor and scheduler
// are processes of their own.
#include <atomic>

#include "bench/support.h"
#include "runtime/loop.h"
#include "souk/scheduler.h"
#include "wire/codec_executor.h"
#include "wire/command.h"
#include "wire/recordio.h"

namespace souk::bench {
namespace {

constexpr int kAtOnce = 100;

struct Rate {
  double lives_per_s = 0;
  double master_cpu_us = 0;
  double agent_cpu_us = 0;
};

// Runs `times` tasks, up to `at_once` together, made by `make`.
template <class Make>
Rate run(const Cluster& cluster, int times, int at_once, Make&& make) {
  SchedulerDriver::Options options;
  options.masters = {cluster.address};
  options.framework.name = "bench throughput";
  SchedulerDriver driver(options);
  int started = 0;
  int running = 0;
  int ended = 0;
  int failures = 0;
  MonoTime start;
  double master_cpu = 0;
  double agent_cpu = 0;
  // What cannot be used now is held until a task ends: declining it would only bring it back.
  std::vector<Offer> held;
  const auto launch = [&] {
    for (std::size_t i = 0; i < held.size() && started < times && running < at_once;) {
      std::vector<TaskSpec> tasks;
      Resources left = held[i].resources;
      while (started < times && running < at_once) {
        TaskSpec task = make(fmt::format("t{}", started), held[i]);
        if (!left.contains(task.resources)) break;
        left -= task.resources;
        tasks.push_back(std::move(task));
        ++started;
        ++running;
      }
      if (tasks.empty()) {
        ++i;
        continue;
      }
      driver.launch({held[i].id}, std::move(tasks), 0s);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(i));
    }
  };
  driver.on_offers = [&](std::vector<Offer> offers) {
    if (started == 0) {
      start = runtime::mono_now();
      master_cpu = cpu_seconds(cluster.master.pid());
      agent_cpu = cpu_seconds(cluster.agent->pid());
    }
    for (Offer& offer : offers) held.push_back(std::move(offer));
    launch();
  };
  driver.on_rescinded = [&](const OfferId& id) {
    std::erase_if(held, [&](const Offer& offer) { return offer.id == id; });
  };
  driver.on_update = [&](const TaskStatus& status) {
    if (!is_terminal(status.state)) return;
    if (status.state != TaskState::kFinished && failures++ == 0) {
      std::fprintf(stderr, "%s: %s\n", std::string(to_string(status.state)).c_str(),
                   status.message.c_str());
    }
    --running;
    if (++ended == times) return driver.stop();
    launch();
  };
  if (auto result = driver.run(); !result)
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
  if (failures > 0) std::fprintf(stderr, "%d tasks did not finish\n", failures);
  const double seconds = to_seconds(runtime::mono_now() - start);
  return {times / seconds, (cpu_seconds(cluster.master.pid()) - master_cpu) / times * 1e6,
          (cpu_seconds(cluster.agent->pid()) - agent_cpu) / times * 1e6};
}

TaskSpec true_task(const std::string& id, const Offer& offer) {
  return command_task(id, offer, "cpus:0.01;mem:1", {.argv = {"/bin/true"}}).value();
}

// What fork, exec and wait of `true` cost by themselves, here.
double forks_per_s(int times) {
  const MonoTime start = runtime::mono_now();
  for (int i = 0; i < times; ++i) {
    pid_t pid = 0;
    char program[] = "/bin/true";
    char* argv[] = {program, nullptr};
    posix_spawn(&pid, program, nullptr, nullptr, argv, environ);
    waitpid(pid, nullptr, 0);
  }
  return times / to_seconds(runtime::mono_now() - start);
}

// --- the custom executor: this program again

class NullExecutor {
 public:
  int run() {
    const auto url =
        runtime::parse_url("http://" + env("MESOS_AGENT_ENDPOINT") + "/api/v1/executor");
    if (!url) return 1;
    url_ = *url;
    runtime::HttpClient::StreamCallbacks callbacks;
    callbacks.on_bytes = [this](std::string_view bytes) {
      auto fed = parser_.feed(bytes, [this](std::string_view record) { hear(record); });
      if (!fed) loop_.stop();
    };
    callbacks.on_end = [this](const Result<void>&) { loop_.stop(); };
    client_.open_stream(request(protocol::executor_call::Subscribe{}), std::move(callbacks));
    loop_.run();
    return 0;
  }

 private:
  static std::string env(const char* name) {
    const char* value = getenv(name);
    return value == nullptr ? "" : value;
  }
  template <class Body>
  runtime::ClientRequest request(Body body) {
    const protocol::ExecutorCall call{FrameworkId(env("MESOS_FRAMEWORK_ID")),
                                      ExecutorId(env("MESOS_EXECUTOR_ID")), std::move(body)};
    runtime::ClientRequest request{.url = url_};
    request.headers.add("Content-Type", "application/x-protobuf");
    request.headers.add("Accept", "application/x-protobuf");
    request.body = std::make_shared<const std::string>(
        wire::encode_executor_call(call, wire::ContentType::kProtobuf));
    return request;
  }
  void hear(std::string_view record) {
    const auto event = wire::decode_executor_event(record, wire::ContentType::kProtobuf);
    if (!event || !*event) return;
    if (const auto* launch = std::get_if<protocol::executor_event::Launch>(&**event)) {
      protocol::executor_call::Update update;
      update.status.task_id = launch->task.id;
      update.status.state = TaskState::kFinished;
      update.status.source = StatusSource::kExecutor;
      update.status.timestamp = runtime::wall_now();
      update.status.uuid = Uuid::random(rng_);
      update.has_uuid = update.has_source = true;
      client_.request(request(std::move(update)), [](const Result<runtime::HttpAnswer>&) {});
    } else if (std::holds_alternative<protocol::executor_event::Shutdown>(**event)) {
      loop_.stop();
    }
  }

  Rng rng_{runtime::random_seed()};
  runtime::Loop loop_;
  runtime::HttpClient client_{loop_};
  wire::RecordParser parser_;
  runtime::HttpUrl url_;
};

TaskSpec executor_task(const std::string& id, const Offer& offer) {
  ExecutorSpec executor;
  executor.id = ExecutorId("null");
  executor.type = ExecutorSpec::Type::kCustom;
  executor.resources = Resources::parse("cpus:0.1;mem:32").value();
  executor = wire::with_command(
      std::move(executor),
      {.shell = true, .value = fmt::format("exec {}/bench_throughput --executor", build_folder())});
  TaskSpec task;
  task.id = TaskId(id);
  task.name = id;
  task.agent_id = offer.agent_id;
  task.resources = Resources::parse("cpus:0.01;mem:1").value();
  task.executor = std::move(executor);
  return task;
}

}  // namespace
}  // namespace souk::bench

int main(int argc, char** argv) {
  using namespace souk::bench;
  if (argc > 1 && std::string(argv[1]) == "--executor") return NullExecutor().run();
  Report report;
  const double forks = forks_per_s(2000);
  Rate processes;
  Rate executor;
  {
    const Cluster cluster("cpus:16;mem:8192;disk:1024");
    run(cluster, 200, kAtOnce, true_task);
    processes = run(cluster, 5000, kAtOnce, true_task);
  }
  {
    const Cluster cluster("cpus:64;mem:65536;disk:1024");
    executor = run(cluster, 50'000, 2000, executor_task);
  }
  // A life is two execs here: souk-executor and `true`; both cores work on them.
  const double cores = std::thread::hardware_concurrency();
  const double share = processes.lives_per_s / (forks * cores);
  std::printf("%-38s %12s %14s %14s %14s\n", "", "lives/s", "master us/life", "agent us/life",
              "Apache Mesos");
  std::printf("%-38s %12.0f %14.0f %14.0f %14s\n", "`true` as a process, 100 at once",
              processes.lives_per_s, processes.master_cpu_us, processes.agent_cpu_us, "13.5");
  std::printf("%-38s %12.0f %14.0f %14.0f %14s\n", "a custom executor emptied of work",
              executor.lives_per_s, executor.master_cpu_us, executor.agent_cpu_us, "226");
  std::printf(
      "fork+exec+wait of `true` alone: %.0f a second on one core; so of a life %.0f%% is the fork "
      "and exec of its own process\n",
      forks, share * 100);
  report.add("process_lives_per_s", processes.lives_per_s);
  report.add("process_master_cpu_us_per_life", processes.master_cpu_us);
  report.add("process_agent_cpu_us_per_life", processes.agent_cpu_us);
  report.add("executor_lives_per_s", executor.lives_per_s);
  report.add("executor_master_cpu_us_per_life", executor.master_cpu_us);
  report.add("executor_agent_cpu_us_per_life", executor.agent_cpu_us);
  report.add("fork_exec_wait_per_s_one_core", forks);
  report.add("fork_exec_share_of_life", share);
  report.print();
  return 0;
}
