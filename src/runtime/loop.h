// One thread's event loop: tasks posted from other threads, timers, file descriptors. Everything
// that is not said to be thread-safe belongs to the thread that called run() (before run(), to the
// thread that made the loop). Callbacks run on the loop's thread, never inside the call that asked
// for them.
//
// Make a Loop on the thread that runs it where that thread may take a descriptor table of its own:
// nothing here touches descriptors of other loops.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace boost::asio {
class io_context;
}

namespace souk::runtime {

using Task = std::move_only_function<void()>;
using TimerId = uint64_t;  // 0 is none

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop(). What was posted before the stop has run when it returns.
  void run();
  void stop();  // thread-safe
  void post(
      Task task);  // thread-safe; in order; one wake-up however many are posted before it runs

  TimerId call_at(MonoTime when, Task task);
  TimerId call_after(Duration delay, Task task);
  void cancel(TimerId timer);  // of a timer that has fired or is 0: nothing

  // Loop thread. Runs the task, once, when all that was ready by now has run, descriptors included,
  // and the hooks of after_batch() after it. A loop that always finds more to do runs it after some
  // thousand handlers.
  void when_idle(Task task);

  // Called each time the loop has run what was ready, before it may sleep: the place to hand over
  // what was gathered in one go. Stays for the life of the loop.
  void after_batch(Task hook);

  bool on_loop_thread() const;  // thread-safe; false while not running

  // For the few units that speak Asio themselves.
  boost::asio::io_context& context();

 private:
  friend class Watch;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Whoever wants to know that a descriptor is ready.
class Watcher {
 public:
  virtual void on_readable() {}  // also at end of file and on errors: read to learn which
  virtual void on_writable() {}

 protected:
  ~Watcher() = default;
};

// Owns a non-blocking descriptor registered with a loop. Loop thread only. Readiness is told once
// for each arm_*(); a second arm_*() before that changes nothing. After the destructor no callback
// comes.
class Watch {
 public:
  Watch() noexcept;
  // The watcher must outlive the watch. Closes the descriptor in the destructor.
  Watch(Loop& loop, int fd, Watcher& watcher);
  Watch(Watch&&) noexcept;
  Watch& operator=(Watch&& other) noexcept;
  ~Watch();

  void arm_read();
  void arm_write();
  int fd() const;  // -1: none
  explicit operator bool() const { return state_ != nullptr; }
  void close();

 private:
  friend class Loop;
  struct State;
  std::unique_ptr<State> state_;
};

// Name and port -> addresses as text ("127.0.0.1", "::1"), off the loop's thread unless the name is
// an address already; the callback comes on the loop's thread. Destroying the loop drops it.
using Resolved = Result<std::vector<std::string>>;
void resolve(Loop& loop, const std::string& host, std::move_only_function<void(Resolved)> done);

// Told when somebody else has reaped the child: that it is gone is all that is known.
inline constexpr int kStatusUnknown = -1;

// Calls back once with the status (as waitpid gives it) when the child has ended, and reaps it.
// Where the kernel refuses a pidfd, the error says so. The returned watch cancels when destroyed.
class ChildWatch;
Result<std::unique_ptr<ChildWatch>> watch_child(Loop& loop, int64_t pid,
                                                std::move_only_function<void(int status)> ended);

class ChildWatch final : private Watcher {
 public:
  ChildWatch(Loop& loop, int pidfd, int64_t pid, std::move_only_function<void(int)> ended);

 private:
  void on_readable() override;

  int64_t pid_;
  std::move_only_function<void(int)> ended_;
  Watch watch_;
};

// Waits for a process that need not be our child to end (its status is not known to us then).
class ProcessWatch final : private Watcher {
 public:
  static Result<std::unique_ptr<ProcessWatch>> watch(Loop& loop, int64_t pid, Task ended);
  ProcessWatch(Loop& loop, int pidfd, Task ended);

 private:
  void on_readable() override;

  Task ended_;
  Watch watch_;
};

}  // namespace souk::runtime
