// A framework that knows what it wants: agents with a certain attribute, in a role of its own. It
// refuses all others for a long time (a filter, §3.5), and wants no offers while it has enough to
// do.
//   picky_framework [HOST:PORT] [ROLE] [NAME:VALUE]
#include <souk/scheduler.h>

#include <algorithm>
#include <cstdio>
#include <set>

int main(int argc, char** argv) {
  constexpr std::size_t kAtOnce = 2;
  constexpr int kShifts = 2;
  const std::string role = argc > 2 ? argv[2] : "picky";
  const std::string liked = argc > 3 ? argv[3] : "disk:ssd";
  souk::SchedulerDriver::Options options;
  if (argc > 1) options.masters = {argv[1]};
  options.framework.name = "picky";
  options.framework.roles = {role};
  souk::SchedulerDriver driver(options);

  int shift = 1;
  int started = 0;
  int refused = 0;
  std::size_t done = 0;  // of this shift
  std::set<souk::TaskId> running;

  const auto likes = [&](const souk::Offer& offer) {
    return std::ranges::any_of(offer.attributes, [&](const souk::Attribute& attribute) {
      return souk::to_string(attribute) == liked;
    });
  };

  driver.on_offers = [&](const std::vector<souk::Offer>& offers) {
    const auto needed = souk::Resources::parse("cpus:0.5;mem:64").value();
    for (const souk::Offer& offer : offers) {
      if (!likes(offer)) {
        ++refused;
        driver.decline({offer.id}, std::chrono::hours(1));
        continue;
      }
      std::vector<souk::TaskSpec> tasks;
      souk::Resources left = offer.resources;
      while (done + running.size() < kAtOnce && left.contains(needed)) {
        left -= needed;
        const std::string id = "picky-" + std::to_string(started++);
        auto task = souk::command_task(id, offer, needed.to_string(), {.line = "sleep 0.5"});
        running.insert(task->id);
        tasks.push_back(std::move(*task));
      }
      if (tasks.empty()) {
        driver.decline({offer.id}, std::chrono::seconds(1));
      } else {
        driver.launch({offer.id}, std::move(tasks));
      }
    }
    if (done + running.size() == kAtOnce) driver.suppress();
  };

  driver.on_update = [&](const souk::TaskStatus& status) {
    if (!souk::is_terminal(status.state) || running.erase(status.task_id) == 0) return;
    if (status.state == souk::TaskState::kFinished) ++done;
    if (done == kAtOnce) {
      if (shift++ == kShifts) return driver.stop();
      done = 0;
    }
    // Also forgets the filters: agents that were refused are offered once more.
    if (done + running.size() < kAtOnce) driver.revive();
  };

  const auto result = driver.run();
  if (!result) {
    std::fprintf(stderr, "picky: %s\n", result.error().message.c_str());
    return 1;
  }
  std::printf("picky: %d tasks on agents with %s, %d offers of others refused\n", started,
              liked.c_str(), refused);
  return 0;
}
