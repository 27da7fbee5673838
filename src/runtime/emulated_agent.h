// One agent that runs nothing: the real machine behind a real link, and for each container the real
// souk-executor machine, whose processes are timers. What it checkpoints it keeps for as long as it
// lives, in the machine's own state. Loop thread only.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/options.h"
#include "base/rng.h"
#include "base/time.h"
#include "runtime/http_client.h"
#include "runtime/loop.h"

namespace souk::runtime {

// Summed over the agents of one thread; read by others.
struct EmulatedAgentCounts {
  std::atomic<uint64_t> registered{0};  // now
  std::atomic<uint64_t> running{0};     // processes, now
  std::atomic<uint64_t> started{0};     // processes, ever
  std::atomic<uint64_t> finished{0};    // of these, by themselves
  std::atomic<uint64_t> killed{0};
  std::atomic<uint64_t> links_lost{0};
  std::atomic<uint64_t> stopped{0};  // agents that ended: the master shut them down
};

struct EmulatedAgentOptions {
  agent::Options machine;
  std::vector<std::string> masters;  // "host:port", tried in turn
  std::string local_ip;              // where its link comes from; empty: the kernel chooses
  // Of tasks whose command (or name, where an executor of the framework's runs them) is no
  // `sleep SECONDS`.
  Duration task_length{0};
};

class EmulatedAgent {
 public:
  // All must outlive it.
  EmulatedAgent(Loop& loop, HttpClient& client, EmulatedAgentCounts& counts,
                EmulatedAgentOptions options, const Rng& rng);
  ~EmulatedAgent();
  EmulatedAgent(const EmulatedAgent&) = delete;
  EmulatedAgent& operator=(const EmulatedAgent&) = delete;

  void start();
  // Its link breaks without a word, and it dials again after its back-off.
  void drop_link();
  // Leaves the master for good.
  void leave();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// How long `sleep 1.5` says that it takes; nothing: the text says something else.
std::optional<Duration> sleep_length(std::string_view text);

}  // namespace souk::runtime
