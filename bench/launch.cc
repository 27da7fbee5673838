// How long a task takes to start: ACCEPT to TASK_RUNNING of a real process on an idle agent, a
// whole life, and SUBSCRIBE to the first offer. Master, agent and this scheduler are three
// processes; one task at a time.
#include "bench/support.h"
#include "souk/scheduler.h"

namespace souk::bench {
namespace {

SchedulerDriver::Options options_for(const std::string& master) {
  SchedulerDriver::Options options;
  options.masters = {master};
  options.framework.name = "bench launch";
  return options;
}

std::vector<Duration> first_offers(const std::string& master, int times) {
  std::vector<Duration> samples;
  for (int i = 0; i < times; ++i) {
    SchedulerDriver driver(options_for(master));
    const MonoTime start = runtime::mono_now();
    driver.on_offers = [&](const std::vector<Offer>&) {
      samples.push_back(runtime::mono_now() - start);
      driver.stop();
    };
    if (auto result = driver.run(); !result)
      std::fprintf(stderr, "%s\n", result.error().message.c_str());
  }
  return samples;
}

struct Lives {
  std::vector<Duration> running;
  std::vector<Duration> whole;
};

Lives one_by_one(const std::string& master, int times) {
  Lives lives;
  SchedulerDriver driver(options_for(master));
  int started = 0;
  MonoTime accepted;
  driver.on_offers = [&](std::vector<Offer> offers) {
    if (started > static_cast<int>(lives.whole.size()) || started == times) {
      for (const Offer& offer : offers) driver.decline({offer.id}, 0s);
      return;
    }
    auto task = command_task(fmt::format("t{}", started++), offers[0], "cpus:0.1;mem:32",
                             {.argv = {"/bin/true"}});
    accepted = runtime::mono_now();
    driver.launch({offers[0].id}, {std::move(*task)}, 0s);
  };
  driver.on_update = [&](const TaskStatus& status) {
    if (status.state == TaskState::kRunning)
      lives.running.push_back(runtime::mono_now() - accepted);
    if (!is_terminal(status.state)) return;
    lives.whole.push_back(runtime::mono_now() - accepted);
    if (static_cast<int>(lives.whole.size()) == times) driver.stop();
  };
  if (auto result = driver.run(); !result)
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
  return lives;
}

void row(const char* what, const Summary& s, const char* mesos) {
  std::printf("%-34s %8.2f %8.2f %8.2f %8.2f   %s\n", what, s.p50, s.p90, s.p99, s.most, mesos);
}

}  // namespace
}  // namespace souk::bench

int main() {
  using namespace souk::bench;
  Report report;
  const Cluster cluster("cpus:4;mem:4096;disk:1024");
  one_by_one(cluster.address, 20);  // warm
  const Summary offers = summarize(first_offers(cluster.address, 100));
  const Lives lives = one_by_one(cluster.address, 500);
  const Summary running = summarize(lives.running);
  const Summary whole = summarize(lives.whole);
  std::printf("%-34s %8s %8s %8s %8s   Apache Mesos\n", "milliseconds", "p50", "p90", "p99", "max");
  row("SUBSCRIBE to first offer", offers, "up to 1000 (its interval)");
  row("ACCEPT to TASK_RUNNING", running, "103");
  row("a whole life of `true`", whole, "199");
  report.add("subscribe_to_offer_ms_p50", offers.p50);
  report.add("subscribe_to_offer_ms_p99", offers.p99);
  report.add("accept_to_running_ms_p50", running.p50);
  report.add("accept_to_running_ms_p99", running.p99);
  report.add("life_ms_p50", whole.p50);
  report.add("life_ms_p99", whole.p99);
  report.add("lives", static_cast<int64_t>(lives.whole.size()));
  report.print();
  return 0;
}
