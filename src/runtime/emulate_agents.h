// Many emulated agents on a few threads, for sizing a master. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/options.h"
#include "base/result.h"
#include "base/time.h"

namespace souk::runtime {

struct EmulateAgentsOptions {
  std::size_t count = 1;
  std::vector<std::string> masters;   // "host:port", tried in turn
  std::string name = "emulated";      // hostnames are name-0, name-1, ...
  agent::Options machine;             // its hostname and address are filled in
  Duration task_length{0};            // of commands that are no `sleep SECONDS`
  std::size_t connects_per_s = 5000;  // at the start; 0: all at once
  // 0: as many as open files ask for. Threads that would hold more connections together than one
  // table takes get tables of their own.
  unsigned threads = 0;
  // Each agent dials from an address of its own in 127.0.0.0/8, so that ports suffice; only for
  // masters that are there too.
  bool spread = true;
  uint64_t seed = 0;
};

struct EmulateAgentsTotals {
  uint64_t registered = 0;  // agents, now
  uint64_t running = 0;     // tasks, now
  uint64_t started = 0;     // tasks, ever
  uint64_t finished = 0;
  uint64_t killed = 0;
  uint64_t links_lost = 0;
  uint64_t stopped = 0;  // agents that the master shut down
};

class EmulateAgents {
 public:
  static Result<std::unique_ptr<EmulateAgents>> start(EmulateAgentsOptions options);
  // At once: their links break without a word.
  ~EmulateAgents();

  EmulateAgentsTotals totals() const;
  // All links break at once; the agents dial again after their back-off.
  void drop_links();
  // All leave the master for good.
  void leave();

 private:
  struct Impl;
  explicit EmulateAgents(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The address of the agent with this number: all in 127.0.0.0/8, none that others use by default.
std::string emulated_address(std::size_t number);

}  // namespace souk::runtime
