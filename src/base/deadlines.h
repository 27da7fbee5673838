// The deadlines of one machine, earliest first; at most one for each key. A machine owns one, asks
// the outside for a single wake-up at next(), and then takes what is due: cost follows what
// happens, not what waits.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/time.h"

namespace souk {

template <class Key>  // ordered: among equal deadlines the smaller key comes first
class Deadlines {
 public:
  // Sets or moves the key's deadline.
  void set(const Key& key, MonoTime when) {
    auto [at, added] = when_.try_emplace(key, when);
    if (!added) {
      if (at->second == when) return;
      order_.erase({at->second, key});
      at->second = when;
    }
    order_.insert({when, key});
  }

  void cancel(const Key& key) {
    const auto at = when_.find(key);
    if (at == when_.end()) return;
    order_.erase({at->second, key});
    when_.erase(at);
  }

  std::optional<MonoTime> next() const {
    if (order_.empty()) return std::nullopt;
    return order_.begin()->first;
  }

  // Takes out the earliest key whose deadline has come.
  std::optional<Key> pop_due(MonoTime now) {
    if (order_.empty() || order_.begin()->first > now) return std::nullopt;
    Key key = order_.begin()->second;
    order_.erase(order_.begin());
    when_.erase(key);
    return key;
  }

  std::optional<MonoTime> of(const Key& key) const {
    const auto at = when_.find(key);
    if (at == when_.end()) return std::nullopt;
    return at->second;
  }

  std::size_t size() const { return order_.size(); }

 private:
  std::set<std::pair<MonoTime, Key>> order_;
  std::map<Key, MonoTime> when_;
};

}  // namespace souk
