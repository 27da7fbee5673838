// Tasks that belong together: a writer and a reader start on one agent, or neither does, and share
// a folder. A pair that is lost is run again.
//   task_group [HOST:PORT] [PAIRS]
#include <souk/scheduler.h>

#include <cstdio>
#include <cstdlib>
#include <map>

int main(int argc, char** argv) {
  const int wanted = argc > 2 ? std::atoi(argv[2]) : 3;
  souk::SchedulerDriver::Options options;
  if (argc > 1) options.masters = {argv[1]};
  options.framework.name = "pairs";
  souk::SchedulerDriver driver(options);

  int started = 0;
  int finished = 0;
  std::map<souk::TaskId, int> pair_of;  // of each task that runs
  std::map<int, int> ended_well;        // by pair that runs: how many of its tasks

  const auto launch = [&](const souk::Offer& offer) {
    const std::string name = "pair-" + std::to_string(started);
    // Each task works in tasks/<its id> of the sandbox that they share.
    auto writer =
        souk::command_task(name + ".writer", offer, "cpus:0.1;mem:32",
                           {.line = "echo hello from $MESOS_TASK_ID > note; mv note ../.."});
    auto reader = souk::command_task(
        name + ".reader", offer, "cpus:0.1;mem:32",
        {.line = "while ! [ -e ../../note ]; do sleep 0.1; done; cat ../../note"});
    // The executor that runs them is Souk's own; it takes up resources too.
    souk::ExecutorSpec executor;
    executor.id = souk::ExecutorId(name);
    executor.type = souk::ExecutorSpec::Type::kDefault;
    executor.resources = souk::Resources::parse("cpus:0.1;mem:32").value();
    pair_of[writer->id] = pair_of[reader->id] = started;
    ended_well[started++] = 0;
    driver.launch_group({offer.id}, executor, {*writer, *reader});
  };

  driver.on_offers = [&](const std::vector<souk::Offer>& offers) {
    const auto needed = souk::Resources::parse("cpus:0.3;mem:96").value();
    for (const souk::Offer& offer : offers) {
      const bool more = finished + static_cast<int>(ended_well.size()) < wanted;
      if (more && offer.resources.contains(needed)) {
        launch(offer);
      } else {
        driver.decline({offer.id}, std::chrono::seconds(1));
      }
    }
  };

  driver.on_update = [&](const souk::TaskStatus& status) {
    const auto at = pair_of.find(status.task_id);
    if (at == pair_of.end() || !souk::is_terminal(status.state)) return;
    const int pair = at->second;
    pair_of.erase(at);
    if (status.state != souk::TaskState::kFinished) {
      ended_well.erase(pair);  // the other one is killed: a group ends as one
      driver.revive();
    } else if (ended_well.contains(pair) && ++ended_well[pair] == 2) {
      ended_well.erase(pair);
      if (++finished == wanted) driver.stop();
    }
  };

  const auto result = driver.run();
  if (!result) {
    std::fprintf(stderr, "pairs: %s\n", result.error().message.c_str());
    return 1;
  }
  std::printf("pairs: %d finished, %d were run again\n", finished, started - finished);
  return 0;
}
