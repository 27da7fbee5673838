#include "runtime/loop.h"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/deadlines.h"
#include "base/hash_map.h"
#include "runtime/clock.h"

namespace souk::runtime {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// Handlers run between two visits of the after-batch hooks, so that a busy loop still hands over.
constexpr int kMaxHandlersPerBatch = 512;
// Descriptors asked about at once.
constexpr std::size_t kReadyAtOnce = 128;
// Batches that those who wait for idleness wait for at the most.
constexpr int kMaxBatchesUntilIdle = 16;

// A deadline further away is as good as this one; std::chrono would overflow on the way to the
// kernel.
constexpr Duration kFarAway = 24h;

}  // namespace

// Asio changes the kernel's mind about a descriptor (a system call) each time somebody waits for
// it. Those of a Watch are in an epoll of the loop's own instead, where they stay, and Asio waits
// for that one.
struct Loop::Impl {
  Impl();
  void await_ready();
  void tell_ready();

  // One thread runs it; posting from others stays safe.
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::atomic<bool> stopped{false};
  std::atomic<std::thread::id> thread{};
  std::vector<Task> hooks;
  std::vector<Task> idle;  // tasks that wait for idleness
  int busy_batches = 0;    // since the first of them came

  asio::steady_timer timer{context};
  Deadlines<TimerId, HashMap<TimerId, MonoTime>> deadlines;
  HashMap<TimerId, Task> timer_tasks;
  TimerId last_timer = 0;
  std::optional<MonoTime> armed;

  asio::posix::stream_descriptor ready{context};      // the epoll
  bool telling = false;                               // what is ready
  std::vector<std::unique_ptr<Watch::State>> closed;  // meanwhile
  int handled = 0;                                    // in this batch

  std::vector<Task> running;
  std::mutex mutex;  // guards what follows
  std::vector<Task> posted;
  bool awake = false;

  void wake() {
    asio::post(context, [this] { run_posted(); });
  }

  void run_posted() {
    {
      const std::lock_guard lock(mutex);
      running.swap(posted);
      awake = false;
    }
    for (Task& task : running) task();
    running.clear();
  }

  void run_idle(bool is_idle) {
    if (idle.empty() || (!is_idle && ++busy_batches < kMaxBatchesUntilIdle)) return;
    busy_batches = 0;
    for (Task& task : std::exchange(idle, {})) task();
  }

  void arm_timer() {
    const std::optional<MonoTime> next = deadlines.next();
    if (!next || (armed && *armed <= *next)) return;
    const MonoTime when = std::min(*next, mono_now() + kFarAway);
    armed = when;
    timer.expires_at(asio::steady_timer::time_point(when.time_since_epoch()));
    timer.async_wait([this](const error_code& error) {
      if (error != asio::error::operation_aborted) run_due();
    });
  }

  void run_due() {
    armed.reset();
    const MonoTime now = mono_now();
    std::vector<TimerId> due;
    while (const std::optional<TimerId> id = deadlines.pop_due(now)) due.push_back(*id);
    for (const TimerId id : due) {
      const auto at = timer_tasks.find(id);
      if (at == timer_tasks.end()) continue;  // cancelled by one that was due with it
      Task task = std::move(at->second);
      timer_tasks.erase(at);
      task();
    }
    arm_timer();
  }
};

// Level-triggered: what nobody waits for after a report is taken out until somebody does.
struct Watch::State {
  void arm(bool& armed, uint32_t events) {
    armed = true;
    // It begins as 0. NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult)
    if ((interest & events) != events) set_interest(interest | events);
  }

  void tell(uint32_t events) {
    constexpr uint32_t kBroken = EPOLLERR | EPOLLHUP;
    const bool read = (events & (EPOLLIN | kBroken)) != 0;
    const bool write = (events & (EPOLLOUT | kBroken)) != 0;
    if (watcher != nullptr && read && reading) {
      reading = false;
      watcher->on_readable();
    }
    if (watcher != nullptr && write && writing) {
      writing = false;
      watcher->on_writable();
    }
    if (watcher == nullptr) return;
    const uint32_t waited_for = (reading ? EPOLLIN : 0U) | (writing ? EPOLLOUT : 0U);
    if (waited_for != interest) set_interest(waited_for);
  }

  void set_interest(uint32_t events) {
    epoll_event event{.events = events, .data = {.ptr = this}};
    const int operation = events == 0     ? EPOLL_CTL_DEL
                          : interest == 0 ? EPOLL_CTL_ADD
                                          : EPOLL_CTL_MOD;
    const int set = epoll_ctl(loop.ready.native_handle(), operation, fd, &event);
    SOUK_CHECK(set == 0 || events == 0, "only sockets, pipes and their kin can be watched");
    interest = events;
  }

  Loop::Impl& loop;
  int fd;
  Watcher* watcher;  // null: closed
  uint32_t interest = 0;
  bool reading = false;
  bool writing = false;
};

Loop::Impl::Impl() {
  ready.assign(epoll_create1(EPOLL_CLOEXEC));
  await_ready();
}

void Loop::Impl::await_ready() {
  ready.async_wait(asio::posix::stream_descriptor::wait_read, [this](const error_code& error) {
    if (error) return;
    tell_ready();
    await_ready();
  });
}

void Loop::Impl::tell_ready() {
  std::array<epoll_event, kReadyAtOnce> events;
  const int count = epoll_wait(ready.native_handle(), events.data(), kReadyAtOnce, 0);
  telling = true;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    static_cast<Watch::State*>(event.data.ptr)->tell(event.events);
  }
  telling = false;
  closed.clear();
  handled += std::max(count, 0);
}

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() {
  // Tasks that never ran may own descriptors of this loop.
  impl_->hooks.clear();
  impl_->idle.clear();
  impl_->timer_tasks.clear();
  impl_->posted.clear();
}

void Loop::run() {
  impl_->thread.store(std::this_thread::get_id());
  while (!impl_->stopped.load(std::memory_order_relaxed)) {
    impl_->handled = 0;
    impl_->context.run_one();
    while (impl_->handled < kMaxHandlersPerBatch && impl_->context.poll_one() > 0) {
      ++impl_->handled;
    }
    for (Task& hook : impl_->hooks) hook();
    impl_->run_idle(impl_->handled < kMaxHandlersPerBatch);
  }
  impl_->run_posted();
  for (Task& hook : impl_->hooks) hook();
  impl_->thread.store({});
  impl_->stopped.store(false);
}

void Loop::stop() {
  post([this] { impl_->stopped.store(true, std::memory_order_relaxed); });
}

void Loop::post(Task task) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->posted.push_back(std::move(task));
    if (std::exchange(impl_->awake, true)) return;
  }
  impl_->wake();
}

TimerId Loop::call_at(MonoTime when, Task task) {
  const TimerId id = ++impl_->last_timer;
  impl_->timer_tasks.emplace(id, std::move(task));
  impl_->deadlines.set(id, when);
  impl_->arm_timer();
  return id;
}

TimerId Loop::call_after(Duration delay, Task task) {
  return call_at(mono_now() + std::min(delay, Duration(kFarAway * 365)), std::move(task));
}

void Loop::cancel(TimerId timer) {
  if (timer == 0 || impl_->timer_tasks.erase(timer) == 0) return;
  impl_->deadlines.cancel(timer);
}

void Loop::when_idle(Task task) { impl_->idle.push_back(std::move(task)); }

void Loop::after_batch(Task hook) { impl_->hooks.push_back(std::move(hook)); }

bool Loop::on_loop_thread() const { return impl_->thread.load() == std::this_thread::get_id(); }

boost::asio::io_context& Loop::context() { return impl_->context; }

// --- Watch

Watch::Watch() noexcept = default;

Watch::Watch(Loop& loop, int fd, Watcher& watcher)
    : state_(new State{.loop = *loop.impl_, .fd = fd, .watcher = &watcher}) {}

Watch::Watch(Watch&&) noexcept = default;

Watch& Watch::operator=(Watch&& other) noexcept {
  if (this == &other) return *this;
  close();
  state_ = std::move(other.state_);
  return *this;
}

Watch::~Watch() { close(); }

void Watch::arm_read() { state_->arm(state_->reading, EPOLLIN); }
void Watch::arm_write() { state_->arm(state_->writing, EPOLLOUT); }

int Watch::fd() const { return state_ ? state_->fd : -1; }

void Watch::close() {
  if (!state_) return;
  state_->watcher = nullptr;
  if (state_->interest != 0) state_->set_interest(0);
  ::close(state_->fd);
  // What was reported of it may still be on its way.
  if (state_->loop.telling) state_->loop.closed.push_back(std::move(state_));
  state_.reset();
}

// --- names

void resolve(Loop& loop, const std::string& host, std::move_only_function<void(Resolved)> done) {
  error_code error;
  if (asio::ip::make_address(host, error); !error) {
    loop.post([host, done = std::move(done)]() mutable { done(std::vector<std::string>{host}); });
    return;
  }
  auto resolver = std::make_shared<asio::ip::tcp::resolver>(loop.context());
  resolver->async_resolve(host, "",
                          [resolver, host, done = std::move(done)](const error_code& failed,
                                                                   const auto& found) mutable {
                            std::vector<std::string> addresses;
                            for (const auto& entry : found) {
                              std::string address = entry.endpoint().address().to_string();
                              if (std::ranges::find(addresses, address) == addresses.end()) {
                                addresses.push_back(std::move(address));
                              }
                            }
                            if (!failed && !addresses.empty()) return done(std::move(addresses));
                            done(fail("cannot find the address of '{}': {}", host,
                                      failed ? failed.message() : "no address"));
                          });
}

// --- processes

namespace {

Result<int> open_pidfd(int64_t pid) {
  const long fd = syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0);
  if (fd >= 0) return static_cast<int>(fd);
  return fail("cannot watch process {}: {}", pid, std::strerror(errno));
}

}  // namespace

Result<std::unique_ptr<ChildWatch>> watch_child(Loop& loop, int64_t pid,
                                                std::move_only_function<void(int)> ended) {
  Result<int> pidfd = open_pidfd(pid);
  if (!pidfd) return std::unexpected(pidfd.error());
  return std::make_unique<ChildWatch>(loop, *pidfd, pid, std::move(ended));
}

ChildWatch::ChildWatch(Loop& loop, int pidfd, int64_t pid, std::move_only_function<void(int)> ended)
    : pid_(pid), ended_(std::move(ended)), watch_(loop, pidfd, *this) {
  watch_.arm_read();
}

void ChildWatch::on_readable() {
  int status = 0;
  const pid_t reaped = waitpid(static_cast<pid_t>(pid_), &status, WNOHANG);
  if (reaped == 0) return watch_.arm_read();
  if (reaped < 0) status = kStatusUnknown;
  auto ended = std::move(ended_);
  watch_.close();
  ended(status);
}

Result<std::unique_ptr<ProcessWatch>> ProcessWatch::watch(Loop& loop, int64_t pid, Task ended) {
  Result<int> pidfd = open_pidfd(pid);
  if (!pidfd) return std::unexpected(pidfd.error());
  return std::make_unique<ProcessWatch>(loop, *pidfd, std::move(ended));
}

ProcessWatch::ProcessWatch(Loop& loop, int pidfd, Task ended)
    : ended_(std::move(ended)), watch_(loop, pidfd, *this) {
  watch_.arm_read();
}

void ProcessWatch::on_readable() {
  Task ended = std::move(ended_);
  watch_.close();
  ended();
}

}  // namespace souk::runtime
