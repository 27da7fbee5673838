// What Souk takes when nothing happens: resident memory of an idle master and agent, of
// souk-executors with a task each, time from start to serving, size of the programs.
#include "bench/support.h"
#include "souk/scheduler.h"

namespace souk::bench {
namespace {

// Resident memory of each, in KB, and what of it is shared with the others counted in part (Pss).
struct Memory {
  int64_t rss = 0;
  int64_t pss = 0;
};

Memory memory_of(pid_t pid) {
  Memory memory{status_kb(pid, "VmRSS"), 0};
  std::ifstream file(fmt::format("/proc/{}/smaps_rollup", pid));
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("Pss:")) memory.pss = std::atoll(line.c_str() + 4);
  }
  return memory;
}

// Whichever of its threads started them.
std::vector<pid_t> executors_of(pid_t agent) {
  std::vector<pid_t> pids;
  for (const auto& thread :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/task", agent))) {
    std::ifstream file(thread.path() / "children");
    for (pid_t pid = 0; file >> pid;) pids.push_back(pid);
  }
  return pids;
}

struct Executors {
  int64_t count = 0;
  int64_t rss_max = 0;
  int64_t rss_sum = 0;
  int64_t pss_sum = 0;
  int64_t agent_rss = 0;
  int64_t master_rss = 0;
};

// Starts so many sleeping tasks and looks at their souk-executors.
Executors with_tasks(const Cluster& cluster, int wanted) {
  Executors out;
  SchedulerDriver::Options options;
  options.masters = {cluster.address};
  options.framework.name = "bench footprint";
  SchedulerDriver driver(options);
  int started = 0;
  int running = 0;
  driver.on_offers = [&](std::vector<Offer> offers) {
    std::vector<TaskSpec> tasks;
    for (int i = 0; i < 100 && started < wanted; ++i) {
      tasks.emplace_back(command_task(fmt::format("t{}", started++), offers[0], "cpus:0.01;mem:1",
                                      {.argv = {"/bin/sleep", "1000"}})
                             .value());
    }
    driver.launch({offers[0].id}, std::move(tasks), 0s);
  };
  driver.on_update = [&](const TaskStatus& status) {
    if (is_terminal(status.state) && running < wanted) {
      std::fprintf(stderr, "%s\n", status.message.c_str());
    }
    if (status.state != TaskState::kRunning || ++running < wanted) return;
    for (const pid_t pid : executors_of(cluster.agent->pid())) {
      const Memory memory = memory_of(pid);
      ++out.count;
      out.rss_max = std::max(out.rss_max, memory.rss);
      out.rss_sum += memory.rss;
      out.pss_sum += memory.pss;
    }
    out.agent_rss = memory_of(cluster.agent->pid()).rss;
    out.master_rss = memory_of(cluster.master.pid()).rss;
    driver.stop();
  };
  if (auto result = driver.run(); !result)
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
  return out;
}

std::vector<Duration> starts(const std::string& command, int times) {
  std::vector<Duration> samples;
  for (int i = 0; i < times; ++i) {
    const std::string folder = temporary_folder();
    const int port = 20000 + (getpid() + 100 + i) % 10000;
    {
      const MonoTime start = runtime::mono_now();
      std::vector<std::string> argv = {build_folder() + "/souk", command,
                                       fmt::format("--port={}", port), "--work_dir=" + folder,
                                       "--logging_level=error"};
      if (command == "agent") argv.emplace_back("--master=127.0.0.1:1");
      const Child child(argv);
      wait_for(fmt::format("http://127.0.0.1:{}/health", port));
      samples.push_back(runtime::mono_now() - start);
    }
    std::filesystem::remove_all(folder);
  }
  return samples;
}

int64_t stripped_size(const std::string& program) {
  const std::string copy = temporary_folder() + "/stripped";
  {
    const Child strip({"/usr/bin/strip", "-o", copy, build_folder() + "/" + program});
    int status = 0;
    waitpid(strip.pid(), &status, 0);
  }
  std::error_code error;
  const auto size = std::filesystem::file_size(copy, error);
  std::filesystem::remove_all(std::filesystem::path(copy).parent_path());
  return error ? 0 : static_cast<int64_t>(size);
}

}  // namespace
}  // namespace souk::bench

int main() {
  using namespace souk::bench;
  Report report;
  const Summary master_start = summarize(starts("master", 20));
  const Summary agent_start = summarize(starts("agent", 20));
  const Cluster cluster("cpus:64;mem:65536;disk:1024");
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const Memory master = memory_of(cluster.master.pid());
  const Memory agent = memory_of(cluster.agent->pid());
  const Executors tasks = with_tasks(cluster, 1000);
  const int64_t souk_size = stripped_size("souk");
  const int64_t executor_size = stripped_size("souk-executor");
  const auto mb = [](int64_t kb) { return static_cast<double>(kb) / 1024; };
  std::printf("%-44s %10s   %s\n", "", "Souk", "Apache Mesos");
  std::printf("%-44s %7.1f MB   75 MB\n", "idle master, resident", mb(master.rss));
  std::printf("%-44s %7.1f MB   76 MB\n", "idle agent, resident", mb(agent.rss));
  std::printf("%-44s %7.2f MB\n", "a souk-executor with a task, VmRSS, largest", mb(tasks.rss_max));
  std::printf("%-44s %7.1f MB   (%.1f MB as Pss)\n", "all of them", mb(tasks.rss_sum),
              mb(tasks.pss_sum));
  std::printf("%-44s %7ld\n", "  how many", static_cast<long>(tasks.count));
  std::printf("%-44s %7.1f MB\n", "master with their tasks", mb(tasks.master_rss));
  std::printf("%-44s %7.1f MB\n", "agent with their tasks", mb(tasks.agent_rss));
  std::printf("%-44s %7.1f ms\n", "master, from start to serving, median", master_start.p50);
  std::printf("%-44s %7.1f ms\n", "agent, from start to serving, median", agent_start.p50);
  std::printf("%-44s %7.1f MB   110 MB (libmesos.so)\n", "souk, stripped",
              static_cast<double>(souk_size) / 1e6);
  std::printf("%-44s %7.2f MB\n", "souk-executor, stripped",
              static_cast<double>(executor_size) / 1e6);
  report.add("master_rss_mb", mb(master.rss));
  report.add("agent_rss_mb", mb(agent.rss));
  report.add("executors", tasks.count);
  report.add("executor_rss_mb_max", mb(tasks.rss_max));
  report.add("executors_rss_mb", mb(tasks.rss_sum));
  report.add("executors_pss_mb", mb(tasks.pss_sum));
  report.add("master_rss_with_tasks_mb", mb(tasks.master_rss));
  report.add("agent_rss_with_tasks_mb", mb(tasks.agent_rss));
  report.add("master_start_ms_p50", master_start.p50);
  report.add("agent_start_ms_p50", agent_start.p50);
  report.add("souk_stripped_bytes", souk_size);
  report.add("executor_stripped_bytes", executor_size);
  report.print();
  return 0;
}
