// What is going to happen, in the order of virtual time; what is due at the same moment, in the
// order in which it was asked for. Used by one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "base/time.h"

namespace souk::sim {

using Action = std::move_only_function<void()>;

class Queue {
 public:
  MonoTime now() const { return now_; }
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  std::optional<MonoTime> next() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front().at;
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
    heap_.push_back({std::max(when, now_), ++asked_, slot});
    std::ranges::push_heap(heap_, later);
  }

  // Does what is due next. REQUIRES that there is something.
  void step() {
    std::ranges::pop_heap(heap_, later);
    const Entry entry = heap_.back();
    heap_.pop_back();
    at_this_moment_ = entry.at == now_ ? at_this_moment_ + 1 : 0;
    now_ = entry.at;
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
    MonoTime at;
    uint64_t order;
    uint32_t slot;
  };
  static bool later(const Entry& a, const Entry& b) {
    return a.at != b.at ? a.at > b.at : a.order > b.order;
  }

  static constexpr uint64_t kMostAtOnce = 300'000;

  MonoTime now_;
  uint64_t at_this_moment_ = 0;
  uint64_t asked_ = 0;
  uint64_t done_ = 0;
  std::vector<Entry> heap_;
  std::vector<Action> actions_;
  std::vector<uint32_t> free_;
};

}  // namespace souk::sim
