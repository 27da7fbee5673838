// The deadlines of one machine, earliest first; at most one for each key. A machine owns one, asks
// the outside for a single wake-up at next(), and then takes what is due: cost follows what
// happens, not what waits. Most deadlines never come: they are cancelled, or moved to a later time.
// So that costs next to nothing, and what it left behind is swept out in bulk.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/time.h"

namespace souk {

// Keys are ordered: among equal deadlines the smaller one comes first. `Index` is a map from keys
// to times: a HashMap is faster where there are many.
template <class Key, class Index = std::map<Key, MonoTime>>
class Deadlines {
 public:
  // Sets or moves the key's deadline.
  void set(const Key& key, MonoTime when) {
    auto [at, added] = when_.try_emplace(key, when);
    if (!added) {
      if (at->second == when) return;
      at->second = when;
    }
    push({when, key});
    drop_stale();
  }

  void cancel(const Key& key) {
    if (when_.erase(key) > 0) drop_stale();
  }

  std::optional<MonoTime> next() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front().when;
  }

  // Takes out the earliest key whose deadline has come.
  std::optional<Key> pop_due(MonoTime now) {
    if (heap_.empty() || heap_.front().when > now) return std::nullopt;
    Key key = pop().key;
    when_.erase(key);
    drop_stale();
    return key;
  }

  std::optional<MonoTime> of(const Key& key) const {
    const auto at = when_.find(key);
    if (at == when_.end()) return std::nullopt;
    return at->second;
  }

  std::size_t size() const { return when_.size(); }

 private:
  struct Entry {
    MonoTime when;
    Key key;
    // Of a heap, whose largest element is in front.
    bool operator<(const Entry& other) const {
      return when != other.when ? when > other.when : other.key < key;
    }
  };
  static constexpr std::size_t kFewStale = 64;

  void push(Entry entry) {
    heap_.push_back(std::move(entry));
    std::push_heap(heap_.begin(), heap_.end());
  }
  Entry pop() {
    std::pop_heap(heap_.begin(), heap_.end());
    Entry entry = std::move(heap_.back());
    heap_.pop_back();
    return entry;
  }
  bool is_stale(const Entry& entry) const {
    const auto at = when_.find(entry.key);
    return at == when_.end() || at->second != entry.when;
  }
  // The front is always what is due next; and of all entries no more than half are stale, but for a
  // few.
  void drop_stale() {
    if (heap_.size() > 2 * when_.size() + kFewStale) {
      std::vector<Entry> live;
      live.reserve(when_.size());
      for (const auto& [key, when] : when_) live.push_back({when, key});
      heap_ = std::move(live);
      std::make_heap(heap_.begin(), heap_.end());
    }
    while (!heap_.empty() && is_stale(heap_.front())) pop();
  }

  std::vector<Entry> heap_;  // an entry that is not what when_ says is stale
  Index when_;
};

}  // namespace souk
