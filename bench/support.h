// What the benchmarks share: child processes, percentiles, the machine's name, the JSON line at the
// end.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/time.h"
#include "runtime/clock.h"
#include "runtime/http_client.h"
#include "wire/json_writer.h"

namespace souk::bench {

inline std::string build_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

// Keeps the optimiser honest.
inline std::size_t sink = 0;

// Nanoseconds of one call: the best of five rounds of `length` or more, so that a neighbour's noise
// does not count.
template <class Body>
double nanoseconds(Duration length, Body&& body) {
  int times = 1;
  while (true) {
    const MonoTime start = runtime::mono_now();
    for (int i = 0; i < times; ++i) body();
    if (runtime::mono_now() - start > length) break;
    times *= 2;
  }
  double best = 1e18;
  for (int round = 0; round < 5; ++round) {
    const MonoTime start = runtime::mono_now();
    for (int i = 0; i < times; ++i) body();
    best = std::min(best, static_cast<double>((runtime::mono_now() - start).count()) / times);
  }
  return best;
}

// A child process without input; its output goes to ours unless `quiet`.
class Child {
 public:
  explicit Child(const std::vector<std::string>& argv, bool quiet = true) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (quiet) posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    std::vector<char*> raw;
    for (const std::string& argument : argv) raw.push_back(const_cast<char*>(argument.c_str()));
    raw.push_back(nullptr);
    if (posix_spawn(&pid_, raw[0], &actions, nullptr, raw.data(), environ) != 0) {
      std::fprintf(stderr, "cannot start %s\n", argv[0].c_str());
      std::exit(1);
    }
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Child() {
    ::kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

inline std::string temporary_folder() {
  std::string path = (std::filesystem::temp_directory_path() / "souk-bench-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) std::exit(1);
  std::filesystem::permissions(path, std::filesystem::perms(0755));
  return path;
}

// Polls until GET answers 200; gives how long that took.
inline Duration wait_for(const std::string& url, Duration most = 20s) {
  const MonoTime start = runtime::mono_now();
  while (runtime::mono_now() - start < most) {
    const auto answer = runtime::http_get(url, 1s);
    if (answer && answer->status == 200) return runtime::mono_now() - start;
    std::this_thread::sleep_for(1ms);
  }
  std::fprintf(stderr, "nobody answers at %s\n", url.c_str());
  std::exit(1);
}

// In milliseconds.
struct Summary {
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
  double most = 0;
};
inline Summary summarize(std::vector<Duration> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double share) {
    const auto index = static_cast<std::size_t>(share * static_cast<double>(samples.size() - 1));
    return to_seconds(samples[index]) * 1000;
  };
  return {at(0.5), at(0.9), at(0.99), at(1)};
}

// A field of /proc/<pid>/status in KB, "VmRSS" for instance.
inline int64_t status_kb(pid_t pid, const std::string& field) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with(field + ":")) return std::atoll(line.c_str() + field.size() + 1);
  }
  return 0;
}

inline double cpu_seconds(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  text = text.substr(std::min(text.rfind(')'), text.size()));
  double user = 0;
  double system = 0;
  std::sscanf(text.c_str(), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lf %lf", &user,
              &system);
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

inline std::string machine() {
  utsname name{};
  uname(&name);
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  std::string model = "unknown processor";
  while (std::getline(file, line)) {
    if (line.starts_with("model name")) {
      model = line.substr(line.find(':') + 2);
      break;
    }
  }
  return fmt::format("{} x {}, Linux {}", std::thread::hardware_concurrency(), model, name.release);
}

// The line that ./dev bench keeps: one flat JSON object.
class Report {
 public:
  Report() : json_(out_) {
    json_.begin_object();
    add("machine", machine());
    double load[1] = {};
    if (getloadavg(load, 1) == 1) add("load_1min_before", load[0]);
  }
  template <class T>
  void add(std::string_view key, const T& value) {
    json_.field(key, value);
  }
  // A value that is JSON already.
  void add_json(std::string_view key, std::string_view json) {
    json_.key(key);
    json_.raw(json);
  }
  void print() {
    json_.end_object();
    std::printf("%s\n", out_.c_str());
  }

 private:
  std::string out_;
  wire::JsonWriter json_;
};

// A master and one agent as processes of their own.
struct Cluster {
  explicit Cluster(const std::string& resources)
      : folder(temporary_folder()),
        port(static_cast<uint16_t>(20000 + getpid() % 10000)),
        master({build_folder() + "/souk", "master", fmt::format("--port={}", port),
                "--work_dir=" + folder + "/master", "--logging_level=warning"}),
        address(fmt::format("127.0.0.1:{}", port)) {
    wait_for("http://" + address + "/health");
    agent = std::make_unique<Child>(std::vector<std::string>{
        build_folder() + "/souk", "agent", "--master=" + address,
        fmt::format("--port={}", port + 1), "--work_dir=" + folder + "/agent",
        "--resources=" + resources, "--logging_level=warning"});
    wait_for(fmt::format("http://127.0.0.1:{}/health", port + 1));
    for (int i = 0; i < 2000; ++i) {
      const auto answer = runtime::http_get("http://" + address + "/metrics/snapshot");
      if (answer && answer->body.find("\"master/slaves_active\":1") != std::string::npos) return;
      std::this_thread::sleep_for(5ms);
    }
    std::fprintf(stderr, "the agent did not register\n");
    std::exit(1);
  }
  ~Cluster() {
    std::error_code error;
    agent.reset();
    std::filesystem::remove_all(folder, error);
  }

  std::string folder;
  uint16_t port;
  Child master;
  std::string address;
  std::unique_ptr<Child> agent;
};

}  // namespace souk::bench
