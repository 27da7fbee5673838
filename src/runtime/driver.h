// Drives one pure machine on a Loop: events come from any thread, are handed over in batches in the
// order of their posting, with the clocks read once a batch; one timer stands for all of the
// machine's deadlines.
//
// The host is the glue around the machine. All its members are called on the loop's thread:
//   using Event = ...;
//   void on_event(const Now&, Event&&);            // step the machine, keep the effects
//   void on_deadline(const Now&);                  // the machine's earliest deadline has come
//   void on_batch_end(const Now&);                 // allocate, dispatch the effects, submit the
//   answers std::optional<MonoTime> next_deadline();       // asked after each batch
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/room.h"
#include "base/time.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

namespace souk::runtime {

// Events handled before the effects go out: bounds how long an answer waits behind a flood.
inline constexpr std::size_t kMaxDriverBatch = 4096;
// Bytes of posted events (as their posters state them) above which post() from another thread
// waits.
inline constexpr std::size_t kMaxDriverQueueBytes = std::size_t{256} << 20;

template <class Host>
class Driver {
 public:
  using Event = typename Host::Event;

  // Both must outlive the driver.
  Driver(Loop& loop, Host& host) : loop_(loop), host_(host) {}
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  // No thread may be posting any more, and the loop must not run on after it.
  ~Driver() { loop_.cancel(timer_); }

  // Thread-safe. The cost is about what the event holds in memory: while the queue holds more than
  // kMaxDriverQueueBytes a poster on another thread waits, which slows the peers down through TCP.
  void post(Event event, std::size_t cost = 0) {
    std::unique_lock lock(mutex_);
    wait_for_room(lock);
    queue_.push_back(std::move(event));
    charge_and_wake(lock, cost);
  }

  // As post(), for many at once, in their order. Leaves `events` empty, with its capacity.
  void post_all(std::vector<Event>& events, std::size_t cost = 0) {
    if (events.empty()) return;
    std::unique_lock lock(mutex_);
    wait_for_room(lock);
    if (queue_.empty()) {
      queue_.swap(events);
    } else {
      queue_.insert(queue_.end(), std::make_move_iterator(events.begin()),
                    std::make_move_iterator(events.end()));
      events.clear();
    }
    charge_and_wake(lock, cost);
  }

  // Lets waiting posters through for good and drops what comes: before the loop is stopped.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    queue_.clear();
    room_.notify_all();
  }

  // Arms the timer for the first time, and after the host changed its deadlines outside of a batch.
  void rearm() { arm(host_.next_deadline()); }

 private:
  static constexpr std::size_t kKeptRoom = 1024;

  void wait_for_room(std::unique_lock<std::mutex>& lock) {
    if (queued_bytes_ <= kMaxDriverQueueBytes || loop_.on_loop_thread()) return;
    room_.wait(lock, [this] { return closed_ || queued_bytes_ <= kMaxDriverQueueBytes; });
  }

  void charge_and_wake(std::unique_lock<std::mutex>& lock, std::size_t cost) {
    if (closed_) {
      queue_.clear();
      return;
    }
    queued_bytes_ += cost + sizeof(Event);
    const bool wake = !std::exchange(awake_, true);
    lock.unlock();
    if (wake) loop_.post([this] { drain(); });
  }

  void drain() {
    {
      const std::lock_guard lock(mutex_);
      batch_.swap(queue_);
      awake_ = false;
      if (queued_bytes_ > kMaxDriverQueueBytes) room_.notify_all();
      queued_bytes_ = 0;
    }
    std::size_t at = 0;
    do {
      const Now now = runtime::now();
      const std::size_t end = std::min(batch_.size(), at + kMaxDriverBatch);
      for (; at < end; ++at) host_.on_event(now, std::move(batch_[at]));
      finish_batch(now);
    } while (at < batch_.size());
    clear_keeping(batch_, kKeptRoom);
    arm(host_.next_deadline());
  }

  void on_timer() {
    timer_ = 0;
    armed_.reset();
    finish_batch(runtime::now());
    arm(host_.next_deadline());
  }

  void finish_batch(const Now& now) {
    const std::optional<MonoTime> deadline = host_.next_deadline();
    if (deadline && *deadline <= now.mono) host_.on_deadline(now);
    host_.on_batch_end(now);
  }

  void arm(std::optional<MonoTime> when) {
    if (when == armed_) return;
    loop_.cancel(timer_);
    armed_ = when;
    timer_ = when ? loop_.call_at(*when, [this] { on_timer(); }) : 0;
  }

  Loop& loop_;
  Host& host_;
  TimerId timer_ = 0;
  std::optional<MonoTime> armed_;
  std::vector<Event> batch_;  // the loop thread's

  std::mutex mutex_;  // guards what follows
  std::condition_variable room_;
  std::vector<Event> queue_;
  std::size_t queued_bytes_ = 0;
  bool awake_ = false;
  bool closed_ = false;
};

}  // namespace souk::runtime
