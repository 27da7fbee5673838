#include "allocator/filters.h"

#include <algorithm>
#include <utility>

namespace souk::allocator {

namespace {

bool has_bit(const std::vector<uint64_t>& words, std::size_t at) {
  return at / 64 < words.size() && (words[at / 64] >> (at % 64) & 1) != 0;
}
void set_bit(std::vector<uint64_t>& words, std::size_t at, bool on) {
  const uint64_t bit = uint64_t{1} << (at % 64);
  words[at / 64] = on ? words[at / 64] | bit : words[at / 64] & ~bit;
}

}  // namespace

std::size_t AgentFilters::position(const Group& group, uint32_t place) {
  if (group.dense) return std::min<std::size_t>(place, group.keys.size());
  const auto at = std::ranges::lower_bound(group.keys, place, {}, &FilterKey::place);
  return static_cast<std::size_t>(at - group.keys.begin());
}

// The key of this place; its era is 0 if it was not there.
FilterKey& AgentFilters::open(Group& group, uint32_t place) {
  constexpr std::size_t kFew = 64;  // for these it makes no difference
  std::size_t at = position(group, place);
  const bool known = at < group.keys.size() && group.keys[at].place == place;
  if (!known) {
    const std::size_t places =
        std::max(group.keys.empty() ? 0 : group.keys.back().place, place) + 1;
    const bool dense = group.count >= kFew && 3 * group.count >= 2 * places;
    if (dense != group.dense) respread(group, dense);
    at = position(group, place);
    if (dense) {
      for (auto next = static_cast<uint32_t>(at); next <= place; ++next) {
        group.keys.push_back({next, 0});
      }
      group.filters.resize(group.keys.size());
      group.bits.words.resize((group.keys.size() + 63) / 64);
      at = place;
    } else {
      const auto offset = static_cast<std::ptrdiff_t>(at);
      group.keys.insert(group.keys.begin() + offset, {place, 0});
      group.filters.insert(group.filters.begin() + offset, Filter());
    }
  }
  if (group.keys[at].era == 0) ++group.count;
  return group.keys[at];
}

void AgentFilters::close(Group& group, std::size_t at) {
  --group.count;
  if (group.dense) set_bit(group.bits.words, at, false);
  if (!group.dense) {
    group.keys.erase(group.keys.begin() + static_cast<std::ptrdiff_t>(at));
    group.filters.erase(group.filters.begin() + static_cast<std::ptrdiff_t>(at));
    return;
  }
  group.keys[at].era = 0;
  if (4 * group.count < group.keys.size()) respread(group, false);
}

void AgentFilters::respread(Group& group, bool dense) {
  const std::vector<FilterKey> keys = std::exchange(group.keys, {});
  const std::vector<Filter> filters = std::exchange(group.filters, {});
  group.dense = dense;
  group.bits = {};
  for (std::size_t at = 0; at < keys.size(); ++at) {
    if (keys[at].era == 0) continue;
    for (auto next = static_cast<uint32_t>(group.keys.size()); dense && next < keys[at].place;
         ++next) {
      group.keys.push_back({next, 0});
    }
    group.filters.resize(group.keys.size());
    group.keys.push_back(keys[at]);
    group.filters.push_back(filters[at]);
  }
  if (!dense) return;
  group.bits.words.resize((group.keys.size() + 63) / 64);
  for (const FilterKey key : keys) {
    if (key.era != 0) set_bit(group.bits.words, key.place, true);
  }
}

AgentFilters::Groups AgentFilters::stopping(const Resources& offer) const {
  Groups groups;
  for (uint32_t group = 0; group < groups_.size(); ++group) {
    if (groups_[group].refused.contains(offer)) groups.push_back(group);
  }
  return groups;
}

bool AgentFilters::stops(FilterKey key, const Groups& groups, const std::vector<uint32_t>& eras,
                         uint32_t latest) const {
  for (const uint32_t number : groups) {
    const Group& group = groups_[number];
    if (!group.dense) {
      const std::size_t at = position(group, key.place);
      if (at < group.keys.size() && group.keys[at] == key) return true;
      continue;
    }
    if (!has_bit(group.bits.words, key.place)) continue;
    if (key.era <= group.bits.as_of) return true;
    // A look at all of them costs about as much as this many at one; and as much as it took to make
    // the group dense.
    const bool known = group.bits.as_of != 0;
    if (!known || ++group.bits.doubts * 32 > group.keys.size()) review(group, eras, latest);
    if (group.keys[key.place] == key) return true;
  }
  return false;
}

AgentFilters::Surely AgentFilters::surely(const Groups& groups) const {
  for (const uint32_t number : groups) {
    const Bits& bits = groups_[number].bits;
    if (bits.as_of != 0) return {bits.words, bits.as_of};
  }
  return {};
}

// From here on the bits are of the living.
void AgentFilters::review(const Group& group, const std::vector<uint32_t>& eras, uint32_t latest) {
  for (std::size_t at = 0; at < group.keys.size(); ++at) {
    const FilterKey key = group.keys[at];
    set_bit(group.bits.words, at, key.era != 0 && key.era == eras[key.place]);
  }
  group.bits.as_of = latest;
  group.bits.doubts = 0;
}

bool AgentFilters::is_cheap(const Groups& groups) const {
  return groups.size() == 1 && groups_[groups.front()].dense;
}

const Filter* AgentFilters::find(FilterKey key, const Groups& groups) const {
  const Filter* found = nullptr;
  for (const uint32_t number : groups) {
    const Group& group = groups_[number];
    const std::size_t at = position(group, key.place);
    if (at == group.keys.size() || group.keys[at] != key) continue;
    if (found != nullptr && found->until >= group.filters[at].until) continue;
    found = &group.filters[at];
  }
  return found;
}

bool AgentFilters::add(FilterKey key, const Resources& refused, Filter filter) {
  auto group = std::ranges::find(groups_, refused, &Group::refused);
  if (group == groups_.end()) {
    groups_.push_back({.refused = refused});
    group = groups_.end() - 1;
  }
  FilterKey& place = open(*group, key.place);
  Filter& old = group->filters[static_cast<std::size_t>(&place - group->keys.data())];
  const bool replaces = std::exchange(place, key) == key;
  if (group->dense) set_bit(group->bits.words, key.place, true);
  if (!replaces || old.until <= filter.until) old = filter;
  return !replaces;
}

std::size_t AgentFilters::end(FilterKey key, MonoTime now) {
  std::size_t ended = 0;
  for (Group& group : groups_) {
    const std::size_t at = position(group, key.place);
    if (at == group.keys.size() || group.keys[at].place != key.place) continue;
    const uint32_t era = group.keys[at].era;
    const bool same = era == key.era;
    if (era == 0 || era > key.era || (same && group.filters[at].until > now)) continue;
    ended += same ? 1 : 0;
    close(group, at);
  }
  std::erase_if(groups_, [](const Group& group) { return group.count == 0; });
  return ended;
}

bool AgentFilters::has(FilterKey key, MonoTime until) const {
  return std::ranges::any_of(groups_, [&](const Group& group) {
    const std::size_t at = position(group, key.place);
    return at < group.keys.size() && group.keys[at] == key && group.filters[at].until == until;
  });
}

void FilterEnds::add(MonoTime until, FilterKey key, AgentKey agent) {
  ends_[until].push_back({key, agent});
  ++size_;
}

std::vector<FilterEnds::End> FilterEnds::take_due(MonoTime now) {
  std::vector<End> due;
  while (!ends_.empty() && ends_.begin()->first <= now) {
    std::vector<End>& first = ends_.begin()->second;
    size_ -= first.size();
    due.insert(due.end(), first.begin(), first.end());
    ends_.erase(ends_.begin());
  }
  return due;
}

std::optional<MonoTime> FilterEnds::next() const {
  if (ends_.empty()) return std::nullopt;
  return ends_.begin()->first;
}

}  // namespace souk::allocator
