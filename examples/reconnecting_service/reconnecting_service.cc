// A service: keeps a number of tasks running, whatever ends. Kill this program at any time, and its
// tasks run on; start it with the same file, and it goes on with them. With 0 tasks it ends all.
//   reconnecting_service HOST:PORT FILE [TASKS]
#include <souk/scheduler.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: reconnecting_service HOST:PORT FILE [TASKS]\n");
    return 2;
  }
  const std::string file = argv[2];
  const std::size_t wanted = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 2;
  souk::SchedulerDriver::Options options;
  options.masters = {argv[1]};
  options.framework.name = "service";
  // For so long the tasks wait for us; then the master ends them.
  options.framework.failover_timeout = std::chrono::hours(24);
  options.framework.capabilities.add(souk::Capability::kPartitionAware);
  // Who we were: the master gives the same tasks back to the same id.
  std::getline(std::ifstream(file), options.framework.id.value);
  const bool known = !options.framework.id.empty();
  souk::SchedulerDriver driver(options);

  bool settled = !known;  // it is clear which tasks still run
  std::size_t started = 0;
  std::set<souk::TaskId> running;

  driver.on_subscribed = [&](const souk::FrameworkId& id) {
    std::ofstream(file) << id.value << "\n";
    std::printf("service: subscribed as %s\n", id.value.c_str());
    std::fflush(stdout);
    if (wanted == 0) return driver.stop();
    if (settled) return;
    driver.reconcile();  // of all that the master knows: the answers are updates
    driver.call_after(std::chrono::seconds(1), [&] {
      settled = true;
      driver.revive();
    });
  };

  driver.on_offers = [&](const std::vector<souk::Offer>& offers) {
    const auto needed = souk::Resources::parse("cpus:0.1;mem:32").value();
    for (const souk::Offer& offer : offers) {
      if (!settled || running.size() >= wanted || !offer.resources.contains(needed)) {
        driver.decline({offer.id}, std::chrono::seconds(60));
        continue;
      }
      // An id is never used twice, not by a later life of this program either.
      const std::string id =
          "service-" + std::to_string(getpid()) + "-" + std::to_string(started++);
      auto task = souk::command_task(id, offer, needed.to_string(), {.line = "exec sleep 1000000"});
      running.insert(task->id);
      // What is left may be offered again at once, for the next task.
      driver.launch({offer.id}, {*task}, std::chrono::seconds(0));
    }
    if (settled && running.size() >= wanted) driver.suppress();
  };

  driver.on_update = [&](const souk::TaskStatus& status) {
    const bool unreachable = status.state == souk::TaskState::kUnreachable;
    if (!souk::is_terminal(status.state) && !unreachable) {
      running.insert(status.task_id);
      // One that was replaced, and is reachable again.
      if (running.size() > wanted) driver.kill(status.task_id, status.agent_id);
    } else if (running.erase(status.task_id) > 0 && running.size() < wanted) {
      driver.revive();
    }
  };

  const auto result = driver.run();
  if (wanted == 0) std::remove(file.c_str());
  if (!result) std::fprintf(stderr, "service: %s\n", result.error().message.c_str());
  return result ? 0 : 1;
}
