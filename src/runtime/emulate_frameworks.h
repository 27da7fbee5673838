// Many emulated frameworks on a few threads, for sizing a master. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "runtime/emulated_framework.h"

namespace souk::runtime {

struct EmulateFrameworksOptions {
  std::size_t count = 1;
  EmulatedFrameworkOptions framework;  // of each; its name gets a number behind it
  // Not all at the start but so many at a time, each followed by the next when it has ended; 0:
  // all.
  std::size_t at_once = 0;
  Duration stagger{0};   // between the starts of those that begin together
  unsigned threads = 0;  // 0: as many as open files ask for
  uint64_t seed = 0;
};

struct EmulateFrameworksTotals {
  uint64_t subscribed = 0;  // frameworks, now
  uint64_t ended = 0;
  uint64_t refused = 0;
  uint64_t disconnects = 0;
  uint64_t offers = 0;
  uint64_t declined = 0;
  uint64_t rescinded = 0;
  uint64_t launched = 0;
  uint64_t running = 0;  // tasks, now
  uint64_t finished = 0;
  uint64_t failed = 0;
  uint64_t updates = 0;
  uint64_t errors = 0;
  std::vector<uint64_t> launch;    // for percentile_ms()
  std::vector<uint64_t> overhead;  // likewise

  uint64_t open() const { return launched - finished - failed; }
};

class EmulateFrameworks {
 public:
  static Result<std::unique_ptr<EmulateFrameworks>> start(EmulateFrameworksOptions options);
  ~EmulateFrameworks();  // at once: their streams break

  EmulateFrameworksTotals totals() const;
  void drain();      // launch nothing any more
  void tear_down();  // all of them

 private:
  struct Impl;
  explicit EmulateFrameworks(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::runtime
