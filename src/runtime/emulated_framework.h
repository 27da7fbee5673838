// One framework that a sizing of a master runs: the real scheduler machine over the real v1 API,
// and a few ways to behave. Loop thread only.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/time.h"
#include "model/resources.h"
#include "runtime/loop.h"

namespace souk::runtime {

// Durations, counted in steps of a sixteenth of their power of two: percentiles to about 4%. One
// writer, any readers.
class LatencyCounts {
 public:
  void add(Duration latency);
  void add_to(std::vector<uint64_t>& sums) const;

 private:
  std::array<std::atomic<uint64_t>, 1024> counts_{};
};
// In milliseconds, of what add_to() summed up; 0 if nothing was counted.
double percentile_ms(const std::vector<uint64_t>& sums, double percent);

// Summed over the frameworks of one thread; read by others.
struct EmulatedFrameworkCounts {
  std::atomic<uint64_t> subscribed{0};  // frameworks, now
  std::atomic<uint64_t> ended{0};       // frameworks that ended as they were meant to
  std::atomic<uint64_t> refused{0};     // frameworks that the master ended
  std::atomic<uint64_t> disconnects{0};
  std::atomic<uint64_t> offers{0};
  std::atomic<uint64_t> declined{0};
  std::atomic<uint64_t> rescinded{0};
  std::atomic<uint64_t> launched{0};  // tasks
  std::atomic<uint64_t> running{0};   // tasks that are, now
  std::atomic<uint64_t> finished{0};
  std::atomic<uint64_t> failed{0};  // with any other terminal state
  std::atomic<uint64_t> updates{0};
  std::atomic<uint64_t> errors{0};  // calls that the master refused
  LatencyCounts launch;             // from ACCEPT to TASK_RUNNING
  LatencyCounts overhead;           // of probes: from the start to TASK_FINISHED, less the length
};

struct EmulatedFrameworkOptions {
  std::vector<std::string> masters;
  std::string name = "emulated";
  std::string role = "*";
  bool wants_offers = true;  // false: its role is suppressed from the beginning
  Resources task_resources;
  // Normally distributed; never below a tenth of the mean.
  Duration task_length{0};
  Duration task_length_sd{0};
  unsigned tasks_per_offer = 1;
  unsigned tasks_per_agent = 0;  // at once; 0: as many as are offered
  uint64_t tasks_at_once = 0;    // 0: as many as are offered
  uint64_t tasks_ever = 0;  // then it suppresses its offers, and ends with the last task; 0: no end
  Duration refuse{0};       // what is left of an offer
  unsigned pipelined = 64;  // calls on their way at once; 1: each waits for the last one's answer
  bool json = false;
  // Tasks of one executor of the framework's on each agent, instead of a command each.
  bool executor = false;
};

class EmulatedFramework {
 public:
  // All but the options must outlive it. `ended`: may be destroyed, by a task of its own.
  EmulatedFramework(Loop& loop, EmulatedFrameworkCounts& counts, EmulatedFrameworkOptions options,
                    Rng rng, std::move_only_function<void()> ended);
  ~EmulatedFramework();
  EmulatedFramework(const EmulatedFramework&) = delete;
  EmulatedFramework& operator=(const EmulatedFramework&) = delete;

  void start();
  // Launches nothing any more; what runs goes on.
  void drain();
  std::size_t open_tasks() const;  // launched, and not known to have ended
  void stop();                     // tears the framework down; `ended` follows

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::runtime
