#include "runtime/emulate_frameworks.h"

#include <algorithm>
#include <future>
#include <thread>
#include <utility>

#include "base/hash_map.h"
#include "runtime/file_table.h"
#include "runtime/log.h"
#include "runtime/loop.h"

namespace souk::runtime {
namespace {

constexpr uint64_t kOtherFiles = 512;      // of one table: what is no framework's
constexpr uint64_t kFilesOfFramework = 2;  // its stream, and the connection of its calls

}  // namespace

struct EmulateFrameworks::Impl {
  // The frameworks of one thread. All but `counts` and `loop` is the thread's.
  struct Shard {
    explicit Shard(const Impl& o, unsigned i) : owner(o), index(i) {}

    void run(std::promise<void>& ready);
    void begin();
    void add_next();
    void ended(std::size_t number);

    const Impl& owner;
    unsigned index;
    Loop* loop = nullptr;
    EmulatedFrameworkCounts counts;
    HashMap<std::size_t, std::unique_ptr<EmulatedFramework>> frameworks;
    std::size_t next = 0;  // the number of the framework to be started
    bool draining = false;
    std::thread thread;
  };

  EmulateFrameworksOptions options;
  bool own_tables = false;
  std::vector<std::unique_ptr<Shard>> shards;
};

void EmulateFrameworks::Impl::Shard::run(std::promise<void>& ready) {
  Loop mine;
  if (owner.own_tables) {
    if (auto own = own_file_table(); !own) {
      log_warning("this thread shares the table of open files with the others",
                  {{"why", own.error().message}, {"limit", open_files_limit()}});
    }
  }
  loop = &mine;
  next = index;
  mine.post([this] { begin(); });
  ready.set_value();
  mine.run();
  frameworks.clear();
}

void EmulateFrameworks::Impl::Shard::begin() {
  const std::size_t threads = owner.shards.size();
  const std::size_t all = owner.options.at_once == 0 ? owner.options.count : owner.options.at_once;
  // This thread's part of those that begin together: each n-th of them.
  for (std::size_t i = index; i < all; i += threads) {
    const Duration after = owner.options.stagger * static_cast<int64_t>(i);
    if (after == Duration::zero()) {
      add_next();
    } else {
      loop->call_after(after, [this] { add_next(); });
    }
  }
}

void EmulateFrameworks::Impl::Shard::add_next() {
  const EmulateFrameworksOptions& options = owner.options;
  if (next >= options.count || draining) return;
  const std::size_t number = std::exchange(next, next + owner.shards.size());
  EmulatedFrameworkOptions framework = options.framework;
  framework.name = fmt::format("{}-{}", framework.name, number);
  const Rng rng = Rng(options.seed).fork(framework.name);
  auto& added = frameworks[number];
  added = std::make_unique<EmulatedFramework>(*loop, counts, std::move(framework), rng,
                                              [this, number] { ended(number); });
  added->start();
}

void EmulateFrameworks::Impl::Shard::ended(std::size_t number) {
  loop->post([this, number] {
    frameworks.erase(number);
    add_next();
  });
}

EmulateFrameworks::EmulateFrameworks(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

EmulateFrameworks::~EmulateFrameworks() {
  for (const auto& shard : impl_->shards) shard->loop->stop();
  for (const auto& shard : impl_->shards) shard->thread.join();
}

Result<std::unique_ptr<EmulateFrameworks>> EmulateFrameworks::start(
    EmulateFrameworksOptions options) {
  auto impl = std::make_unique<Impl>();
  const uint64_t limit = open_files_limit();
  const uint64_t room =
      std::max<uint64_t>((limit - std::min(limit / 2, kOtherFiles)) / kFilesOfFramework, 1);
  const std::size_t together = options.at_once == 0 ? options.count : options.at_once;
  if (options.threads == 0) options.threads = static_cast<unsigned>((together + room - 1) / room);
  options.threads = std::clamp(options.threads, 1u, 256u);
  impl->own_tables = together > room;
  impl->options = std::move(options);
  for (unsigned i = 0; i < impl->options.threads; ++i) {
    impl->shards.push_back(std::make_unique<Impl::Shard>(*impl, i));
  }
  for (const auto& shard : impl->shards) {
    std::promise<void> ready;
    shard->thread = std::thread([&shard = *shard, &ready] { shard.run(ready); });
    ready.get_future().wait();
  }
  return std::unique_ptr<EmulateFrameworks>(new EmulateFrameworks(std::move(impl)));
}

EmulateFrameworksTotals EmulateFrameworks::totals() const {
  EmulateFrameworksTotals totals;
  for (const auto& shard : impl_->shards) {
    const EmulatedFrameworkCounts& counts = shard->counts;
    totals.subscribed += counts.subscribed;
    totals.ended += counts.ended;
    totals.refused += counts.refused;
    totals.disconnects += counts.disconnects;
    totals.offers += counts.offers;
    totals.declined += counts.declined;
    totals.rescinded += counts.rescinded;
    totals.finished += counts.finished;
    totals.failed += counts.failed;
    totals.launched += counts.launched;  // after those that end: what is open is never below zero
    totals.running += counts.running;
    totals.updates += counts.updates;
    totals.errors += counts.errors;
    counts.launch.add_to(totals.launch);
    counts.overhead.add_to(totals.overhead);
  }
  return totals;
}

void EmulateFrameworks::drain() {
  for (const auto& shard : impl_->shards) {
    shard->loop->post([&shard = *shard] {
      shard.draining = true;
      for (const auto& [number, framework] : shard.frameworks) framework->drain();
    });
  }
}

void EmulateFrameworks::tear_down() {
  for (const auto& shard : impl_->shards) {
    shard->loop->post([&shard = *shard] {
      shard.draining = true;
      for (const auto& [number, framework] : shard.frameworks) framework->stop();
    });
  }
}

}  // namespace souk::runtime
