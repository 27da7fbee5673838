// SIGINT and SIGTERM as tasks of a loop, and the start of a process: SIGPIPE ignored, open files
// raised.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.h"
#include "runtime/loop.h"

namespace souk::runtime {

// Calls back on the loop's thread for each SIGINT, SIGTERM or (if asked for) SIGHUP. Make one
// before any other thread is started: it blocks the signals in the calling thread and so in those
// that come of it. After a first signal a second one within the process's shutdown is the
// callback's business too.
class Signals final : private Watcher {
 public:
  Signals(Loop& loop, std::move_only_function<void(int signal)> on_signal, bool hangup = false);
  ~Signals();

 private:
  void on_readable() override;

  std::move_only_function<void(int)> on_signal_;
  Watch watch_;
};

// For a child between fork and exec, or a program that starts others: gives the blocked signals
// back.
void unblock_signals();

// A broken connection is an error of the write, not the end of the process.
void ignore_sigpipe();

// Raises the soft limit of open files to the hard one and returns it.
uint64_t raise_open_files();

// Gives a child the soft limit that raise_open_files() found: what programs make of a high one
// (select(), loops over all descriptors) is not for us to decide. For a child that has not begun
// its work; that it is gone already does not matter.
void restore_open_files(pid_t child);

}  // namespace souk::runtime
