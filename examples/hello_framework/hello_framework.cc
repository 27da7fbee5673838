// A whole framework: runs a number of small tasks on whatever is offered, again if they are lost.
//   hello_framework [HOST:PORT] [TASKS]
#include <souk/scheduler.h>

#include <cstdio>
#include <cstdlib>
#include <set>

int main(int argc, char** argv) {
  const int wanted = argc > 2 ? std::atoi(argv[2]) : 20;
  souk::SchedulerDriver::Options options;
  if (argc > 1) options.masters = {argv[1]};
  options.framework.name = "hello";
  souk::SchedulerDriver driver(options);

  int started = 0;
  int finished = 0;
  int again = 0;
  std::set<souk::TaskId> running;

  driver.on_offers = [&](const std::vector<souk::Offer>& offers) {
    for (const souk::Offer& offer : offers) {
      std::vector<souk::TaskSpec> tasks;
      souk::Resources left = offer.resources;
      const auto needed = souk::Resources::parse("cpus:0.5;mem:32").value();
      while (static_cast<int>(running.size()) + finished < wanted && left.contains(needed)) {
        left -= needed;
        const std::string id = "hello-" + std::to_string(started++);
        auto task = souk::command_task(id, offer, needed.to_string(),
                                       {.line = "echo hello from $MESOS_TASK_ID; sleep 0.5"});
        running.insert(task->id);
        tasks.push_back(std::move(*task));
      }
      if (tasks.empty()) {
        driver.decline({offer.id}, std::chrono::seconds(1));
      } else {
        driver.launch({offer.id}, std::move(tasks));
      }
    }
  };

  driver.on_update = [&](const souk::TaskStatus& status) {
    if (!souk::is_terminal(status.state) || running.erase(status.task_id) == 0) return;
    if (status.state == souk::TaskState::kFinished) {
      ++finished;
    } else {
      ++again;
      driver.revive();
    }
    if (finished == wanted) driver.stop();
  };

  const auto result = driver.run();
  if (!result) {
    std::fprintf(stderr, "hello: %s\n", result.error().message.c_str());
    return 1;
  }
  std::printf("hello: %d tasks finished, %d were run again\n", finished, again);
  return 0;
}
