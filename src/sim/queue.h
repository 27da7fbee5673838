// What is going to happen, in the order of virtual time; what is due at the same moment, in the
// order in which it was asked for. Used by one thread.
//
// A radix heap: virtual time only passes, so what waits can lie in buckets by the highest bit in
// which its time differs from the moment that was reached last. When the lowest bucket is empty,
// the next one is dealt out again, in its order: all of it goes lower. This walks memory from front
// to end, where a binary heap of millions of entries jumps about in it; and what is due at one
// moment is always in one bucket, in the order in which it came.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/room.h"
#include "base/time.h"

namespace souk::sim {

using Action = std::move_only_function<void()>;

class Queue {
 public:
  MonoTime now() const { return now_; }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::optional<MonoTime> next() const {
    if (empty()) return std::nullopt;
    return MonoTime(Duration(earliest_[lowest()]));
  }

  // Not before now: what is late is due at once.
  void at(MonoTime when, Action action) {
    uint32_t slot = 0;
    if (free_.empty()) {
      slot = static_cast<uint32_t>(actions_.size());
      actions_.push_back(std::move(action));
    } else {
      slot = free_.back();
      free_.pop_back();
      actions_[slot] = std::move(action);
    }
    ++size_;
    put({std::max(when, now_).time_since_epoch().count(), slot});
  }

  // Does what is due next. REQUIRES that there is something.
  void step() {
    if (lowest() != 0) deal_out(lowest());
    const Entry entry = buckets_[0][taken_];
    if (++taken_ == buckets_[0].size()) {
      buckets_[0].clear();
      taken_ = 0;
      filled_ &= ~uint64_t{1};
    }
    --size_;
    const MonoTime when(Duration(entry.at));
    at_this_moment_ = when == now_ ? at_this_moment_ + 1 : 0;
    now_ = when;
    ++done_;
    // Out of its slot first: it may ask for more.
    Action action = std::move(actions_[entry.slot]);
    actions_[entry.slot] = nullptr;
    free_.push_back(entry.slot);
    action();
  }

  // Nothing is due before `when`: time passes.
  void advance(MonoTime when) { now_ = std::max(now_, when); }

  uint64_t done() const { return done_; }
  // Time does not pass any more: somebody asks to be called at once, again and again.
  bool stalled() const { return at_this_moment_ > kMostAtOnce; }

 private:
  struct Entry {
    int64_t at;
    uint32_t slot;
  };

  static constexpr uint64_t kMostAtOnce = 300'000;
  // Times are not negative: 63 bits, and one bucket for what differs in none.
  static constexpr std::size_t kBuckets = 64;
  // A larger bucket gives its memory back when it has been dealt out.
  static constexpr std::size_t kKept = 1024;

  // REQUIRES that there is something.
  std::size_t lowest() const { return static_cast<std::size_t>(std::countr_zero(filled_)); }

  void put(const Entry& entry) {
    const auto differs = static_cast<uint64_t>(entry.at ^ reached_);
    const std::size_t bucket = 64 - static_cast<std::size_t>(std::countl_zero(differs));
    const uint64_t bit = uint64_t{1} << bucket;
    earliest_[bucket] = (filled_ & bit) ? std::min(earliest_[bucket], entry.at) : entry.at;
    filled_ |= bit;
    buckets_[bucket].push_back(entry);
  }

  void deal_out(std::size_t bucket) {
    reached_ = earliest_[bucket];
    filled_ &= ~(uint64_t{1} << bucket);
    dealt_.swap(buckets_[bucket]);
    for (const Entry& entry : dealt_) put(entry);
    clear_keeping(dealt_, kKept);
  }

  MonoTime now_;
  int64_t reached_ = 0;  // not after now_, nor after anything that waits
  uint64_t at_this_moment_ = 0;
  uint64_t done_ = 0;
  std::size_t size_ = 0;
  uint64_t filled_ = 0;    // a bit for each bucket that is not empty
  std::size_t taken_ = 0;  // from the front of the lowest bucket
  std::array<int64_t, kBuckets> earliest_{};
  std::array<std::vector<Entry>, kBuckets> buckets_;
  std::vector<Entry> dealt_;
  std::vector<Action> actions_;
  std::vector<uint32_t> free_;
};

}  // namespace souk::sim
