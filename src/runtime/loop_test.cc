#include "runtime/loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/clock.h"
#include "runtime/driver.h"
#include "runtime/signals.h"

namespace souk::runtime {
namespace {

TEST(Loop, RunsPostedTasksInOrder) {
  Loop loop;
  std::vector<int> ran;
  loop.post([&] {
    ran.push_back(1);
    loop.post([&] { ran.push_back(3); });
  });
  loop.post([&] { ran.push_back(2); });
  loop.post([&] { loop.post([&] { loop.stop(); }); });
  loop.run();
  EXPECT_EQ(ran, (std::vector{1, 2, 3}));
}

TEST(Loop, PostsFromManyThreadsAllArrive) {
  Loop loop;
  std::vector<int> last(4, -1);
  int arrived = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; ++i) {
        loop.post([&, t, i] {
          EXPECT_EQ(last[t], i - 1);
          last[t] = i;
          if (++arrived == 4000) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(arrived, 4000);
}

TEST(Loop, TimersFireInOrderAndCanBeCancelled) {
  Loop loop;
  std::vector<int> fired;
  const MonoTime start = mono_now();
  loop.call_at(start + 20ms, [&] { fired.push_back(2); });
  loop.call_at(start + 10ms, [&] { fired.push_back(1); });
  const TimerId never = loop.call_at(start + 15ms, [&] { fired.push_back(9); });
  loop.call_at(start + 30ms, [&] { loop.stop(); });
  loop.call_at(MonoTime::max(), [&] { fired.push_back(8); });
  loop.cancel(never);
  loop.cancel(never);
  loop.cancel(0);
  loop.run();
  EXPECT_EQ(fired, (std::vector{1, 2}));
  EXPECT_GE(mono_now() - start, 30ms);
}

TEST(Loop, ATimerDueWithAnotherCanStillBeCancelledByIt) {
  Loop loop;
  bool fired = false;
  TimerId second = 0;
  loop.call_at(mono_now() - 2s, [&] { loop.cancel(second); });
  second = loop.call_at(mono_now() - 1s, [&] { fired = true; });
  loop.call_after(5ms, [&] { loop.stop(); });
  loop.run();
  EXPECT_FALSE(fired);
}

TEST(Loop, HooksRunOnceForEachBatch) {
  Loop loop;
  int batches = 0;
  int tasks = 0;
  loop.after_batch([&] { ++batches; });
  for (int i = 0; i < 100; ++i) loop.post([&] { ++tasks; });
  loop.post([&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(tasks, 100);
  EXPECT_LE(batches, 3);
}

struct PipeWatcher : Watcher {
  explicit PipeWatcher(Loop& l) : loop(l) {
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    watch = Watch(loop, fds[0], *this);
    writer = fds[1];
  }
  ~PipeWatcher() { ::close(writer); }
  void on_readable() override {
    char byte;
    while (read(watch.fd(), &byte, 1) == 1) got.push_back(byte);
    if (got.ends_with('.')) return loop.stop();
    watch.arm_read();
  }
  Loop& loop;
  Watch watch;
  int writer;
  std::string got;
};

TEST(Loop, WatchesDescriptors) {
  Loop loop;
  PipeWatcher pipe(loop);
  pipe.watch.arm_read();
  pipe.watch.arm_read();
  loop.call_after(1ms, [&] { EXPECT_EQ(write(pipe.writer, "ab", 2), 2); });
  loop.call_after(5ms, [&] { EXPECT_EQ(write(pipe.writer, "c.", 2), 2); });
  loop.run();
  EXPECT_EQ(pipe.got, "abc.");
}

TEST(Loop, AWatchDestroyedWhileReadyIsNotCalled) {
  Loop loop;
  struct Failing : Watcher {
    void on_readable() override { ADD_FAILURE(); }
  } failing;
  int fds[2];
  ASSERT_EQ(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
  auto watch = std::make_unique<Watch>(loop, fds[0], failing);
  ASSERT_EQ(write(fds[1], "x", 1), 1);
  watch->arm_read();
  loop.post([&] { watch.reset(); });
  loop.call_after(10ms, [&] { loop.stop(); });
  loop.run();
  ::close(fds[1]);
}

// One end of a pair of sockets; it reads nothing by itself.
struct Counting : Watcher {
  explicit Counting(Loop& loop) {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    watch = Watch(loop, fds[0], *this);
    peer = fds[1];
  }
  ~Counting() { hang_up(); }
  void hang_up() {
    if (peer >= 0) ::close(std::exchange(peer, -1));
  }
  void on_readable() override {
    ++readable;
    if (closes != nullptr) closes->close();
  }
  void on_writable() override { ++writable; }
  Watch watch;
  Watch* closes = nullptr;
  int peer = -1;
  int readable = 0;
  int writable = 0;
};

// Runs the steps, and what they made ready between them.
void run_steps(Loop& loop, std::vector<Task> steps) {
  std::size_t next = 0;
  std::function<void()> go = [&] {
    if (next == steps.size()) return loop.stop();
    steps[next++]();
    loop.post([&] { loop.when_idle([&] { go(); }); });
  };
  loop.post([&] { go(); });
  loop.run();
}

TEST(Loop, TellsOnceForEachArming) {
  Loop loop;
  Counting socket(loop);
  ASSERT_EQ(write(socket.peer, "x", 1), 1);
  std::vector<Task> steps;
  steps.emplace_back([] {});
  steps.emplace_back([&] {
    EXPECT_EQ(socket.readable, 0);  // nobody waits yet
    socket.watch.arm_read();
  });
  steps.emplace_back([&] {
    EXPECT_EQ(socket.readable, 1);
    socket.watch.arm_read();  // what was not read is still there
    socket.watch.arm_write();
  });
  steps.emplace_back([&] {
    EXPECT_EQ(socket.readable, 2);
    EXPECT_EQ(socket.writable, 1);
    socket.hang_up();
  });
  steps.emplace_back([&] {
    EXPECT_EQ(socket.readable, 2);  // and nobody waits
    socket.watch.arm_read();
    socket.watch.arm_write();
  });
  steps.emplace_back([&] {
    EXPECT_EQ(socket.readable, 3);
    EXPECT_EQ(socket.writable, 2);
  });
  run_steps(loop, std::move(steps));
}

// It would take a core for nothing.
TEST(Loop, ABrokenSocketThatNobodyWaitsForIsNotLookedAtAgain) {
  Loop loop;
  Counting socket(loop);
  socket.watch.arm_read();
  socket.hang_up();
  int batches = 0;
  loop.after_batch([&] { ++batches; });
  loop.call_after(20ms, [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(socket.readable, 1);
  EXPECT_LT(batches, 20);
}

TEST(Loop, WhoIsReadyTooMayBeClosed) {
  Loop loop;
  Counting first(loop);
  Counting second(loop);
  first.closes = &second.watch;
  second.closes = &first.watch;
  for (Counting* each : {&first, &second}) {
    ASSERT_EQ(write(each->peer, "x", 1), 1);
    each->watch.arm_read();
  }
  loop.call_after(10ms, [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(first.readable + second.readable, 1);
}

TEST(Loop, TellsTheStatusOfAChild) {
  Loop loop;
  const pid_t child = fork();
  if (child == 0) _exit(7);
  int status = -2;
  auto watch = watch_child(loop, child, [&](int s) {
    status = s;
    loop.stop();
  });
  ASSERT_TRUE(watch.has_value()) << watch.error().message;
  loop.run();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_FALSE(watch_child(loop, child, [](int) {}).has_value());
}

TEST(Loop, TellsOfAProcessThatIsNotOurs) {
  Loop loop;
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  bool ended = false;
  auto watch = ProcessWatch::watch(loop, child, [&] {
    ended = true;
    loop.stop();
  });
  ASSERT_TRUE(watch.has_value());
  loop.post([&] { kill(child, SIGKILL); });
  loop.run();
  EXPECT_TRUE(ended);
  waitpid(child, nullptr, 0);
}

TEST(Signals, BecomeTasks) {
  Loop loop;
  int got = 0;
  Signals signals(loop, [&](int signal) {
    got = signal;
    loop.stop();
  });
  loop.call_after(1ms, [] { kill(getpid(), SIGTERM); });
  loop.run();
  EXPECT_EQ(got, SIGTERM);
  unblock_signals();
}

TEST(Signals, OpenFilesAreRaisedToTheHardLimit) {
  EXPECT_GT(raise_open_files(), 0u);
  EXPECT_EQ(raise_open_files(), raise_open_files());
}

// --- Driver

struct CountingHost {
  using Event = int;
  void on_event(const Now& now, int&& event) {
    EXPECT_GE(now.mono, last);
    last = now.mono;
    events.push_back(event);
  }
  void on_deadline(const Now& now) {
    EXPECT_GE(now.mono, *deadline);
    deadline.reset();
    ++deadlines;
  }
  void on_batch_end(const Now&) {
    ++batches;
    if (done && done()) loop->stop();
  }
  std::optional<MonoTime> next_deadline() { return deadline; }

  Loop* loop = nullptr;
  MonoTime last{};
  std::vector<int> events;
  std::optional<MonoTime> deadline;
  int deadlines = 0;
  int batches = 0;
  std::function<bool()> done;
};

TEST(Driver, HandsEventsOverInOrderAndInBatches) {
  Loop loop;
  CountingHost host;
  host.loop = &loop;
  Driver<CountingHost> driver(loop, host);
  constexpr int kEvents = 10'000;
  host.done = [&] { return host.events.size() == kEvents; };
  std::vector<int> many(kEvents);
  std::iota(many.begin(), many.end(), 0);
  driver.post_all(many);
  EXPECT_TRUE(many.empty());
  loop.run();
  ASSERT_EQ(host.events.size(), 10'000u);
  for (int i = 0; i < kEvents; ++i) ASSERT_EQ(host.events[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(host.batches, 3);  // 4096 at most in each
}

TEST(Driver, OneTimerForTheEarliestDeadline) {
  Loop loop;
  CountingHost host;
  host.loop = &loop;
  Driver<CountingHost> driver(loop, host);
  host.deadline = mono_now() + 10s;
  driver.rearm();
  host.deadline = mono_now() + 5ms;
  driver.rearm();
  host.done = [&] { return host.deadlines == 1; };
  loop.run();
  EXPECT_TRUE(host.events.empty());
  EXPECT_EQ(host.deadlines, 1);
}

TEST(Driver, AFullQueueHoldsItsPostersBack) {
  Loop loop;
  CountingHost host;
  host.loop = &loop;
  Driver<CountingHost> driver(loop, host);
  host.done = [&] { return host.events.size() == 3; };
  std::atomic<int> posted = 0;
  std::thread poster([&] {
    for (int i = 0; i < 3; ++i) {
      driver.post(i, kMaxDriverQueueBytes);
      ++posted;
    }
  });
  while (posted < 1) std::this_thread::yield();
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(posted, 1);  // the second waits until the loop has taken the first
  loop.run();
  poster.join();
  EXPECT_EQ(host.events, (std::vector{0, 1, 2}));
}

TEST(Driver, ClosingLetsWaitingPostersGo) {
  Loop loop;
  CountingHost host;
  Driver<CountingHost> driver(loop, host);
  driver.post(1, kMaxDriverQueueBytes + 1);
  std::thread poster([&] { driver.post(2); });
  std::this_thread::sleep_for(5ms);
  driver.close();
  poster.join();
  EXPECT_TRUE(host.events.empty());
}

}  // namespace
}  // namespace souk::runtime
