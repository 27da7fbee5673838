#include "allocator/filters.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/check.h"

namespace souk::allocator {

bool FilterSet::stops_on(AgentKey agent, const Resources& offer) const {
  const auto at = by_agent_.find(agent);
  if (at == by_agent_.end()) return false;
  return std::any_of(at->second.begin(), at->second.end(),
                     [&offer](const Filter& filter) { return filter.refused->contains(offer); });
}

FilterSet& FilterTable::open(ClientId client) {
  auto [at, added] = sets_.try_emplace(client, std::make_unique<FilterSet>());
  SOUK_CHECK(added, "clients are numbered once");
  return *at->second;
}

void FilterTable::close(ClientId client) {
  forget(client);
  sets_.erase(client);
}

FilterSet& FilterTable::set_of(ClientId client) {
  const auto at = sets_.find(client);
  SOUK_CHECK(at != sets_.end(), "a client's filters are opened first");
  return *at->second;
}

void FilterTable::add(ClientId client, AgentKey agent, std::shared_ptr<const Resources> refused,
                      MonoTime until) {
  FilterSet& set = set_of(client);
  std::vector<Filter>& filters = set.by_agent_[agent];
  for (const Filter& old : filters) {
    if (old.until >= until && old.refused->contains(*refused)) return;
  }
  const std::size_t covered = std::erase_if(filters, [&](const Filter& old) {
    return old.until <= until && refused->contains(*old.refused);
  });
  set.size_ -= covered;
  live_ -= covered;

  filters.push_back({until, std::move(refused)});
  ++set.size_;
  push({until, client, agent});
  trim();
}

void FilterTable::collapse(ClientId client) {
  FilterSet& set = set_of(client);
  std::optional<MonoTime> latest = set.everywhere_;
  for (const auto& [agent, filters] : set.by_agent_) {  // a maximum: the order does not matter
    for (const Filter& filter : filters) latest = std::max(latest, std::optional(filter.until));
  }
  clear(set);
  if (latest) {
    set.everywhere_ = latest;
    push({*latest, client, AgentKey(kEverywhere)});
  }
  trim();
}

void FilterTable::clear(FilterSet& set) {
  live_ -= set.size_ + (set.everywhere_ ? 1 : 0);
  set.by_agent_.clear();
  set.everywhere_.reset();
  set.size_ = 0;
}

void FilterTable::forget(ClientId client) {
  clear(set_of(client));
  trim();
}

void FilterTable::forget(AgentKey agent) {
  for (const auto& [client, set] : sets_) {  // each for itself: the order does not matter
    const auto at = set->by_agent_.find(agent);
    if (at == set->by_agent_.end()) continue;
    set->size_ -= at->second.size();
    live_ -= at->second.size();
    set->by_agent_.erase(at);
  }
  trim();
}

std::optional<FilterTable::Ended> FilterTable::end_due(MonoTime now) {
  if (ends_.empty() || ends_.front().until > now) return std::nullopt;
  const End end = pop();
  FilterSet& set = set_of(end.client);
  if (end.agent.value == kEverywhere) {
    set.everywhere_.reset();
    --live_;
    trim();
    return Ended{end.client, std::nullopt};
  }
  const auto at = set.by_agent_.find(end.agent);
  const std::size_t ended =
      std::erase_if(at->second, [now](const Filter& filter) { return filter.until <= now; });
  set.size_ -= ended;
  live_ -= ended;
  if (at->second.empty()) set.by_agent_.erase(at);
  trim();
  return Ended{end.client, end.agent};
}

std::optional<MonoTime> FilterTable::next() const {
  if (ends_.empty()) return std::nullopt;
  return ends_.front().until;
}

bool FilterTable::is_live(const End& end) const {
  const auto set = sets_.find(end.client);
  if (set == sets_.end()) return false;
  if (end.agent.value == kEverywhere) return set->second->everywhere_ == end.until;
  const auto at = set->second->by_agent_.find(end.agent);
  if (at == set->second->by_agent_.end()) return false;
  return std::any_of(at->second.begin(), at->second.end(),
                     [&end](const Filter& filter) { return filter.until == end.until; });
}

void FilterTable::push(const End& end) {
  ends_.push_back(end);
  std::push_heap(ends_.begin(), ends_.end(), std::greater<>());
  ++live_;
}

FilterTable::End FilterTable::pop() {
  std::pop_heap(ends_.begin(), ends_.end(), std::greater<>());
  const End end = ends_.back();
  ends_.pop_back();
  return end;
}

// Keeps the first one live, so that next() tells the truth, and the dead ones no more than the
// live: who refuses for a year and revives every second must not fill the heap.
void FilterTable::trim() {
  constexpr std::size_t kSlack = 64;
  if (ends_.size() > 2 * live_ + kSlack) {
    std::erase_if(ends_, [this](const End& end) { return !is_live(end); });
    std::sort(ends_.begin(), ends_.end());
    ends_.erase(std::unique(ends_.begin(), ends_.end()), ends_.end());  // sorted is a heap
  }
  while (!ends_.empty() && !is_live(ends_.front())) pop();
}

std::optional<std::string> FilterTable::broken_invariant() const {
  std::size_t live = 0;
  for (const auto& [client, set] : sets_) {
    std::size_t size = 0;
    for (const auto& [agent, filters] : set->by_agent_) {
      size += filters.size();
      if (filters.empty()) return "an agent is listed without filters";
      for (const Filter& filter : filters) {
        const End end{filter.until, client, agent};
        if (std::find(ends_.begin(), ends_.end(), end) == ends_.end()) return "a filter never ends";
      }
    }
    if (size != set->size_) return "filters of a client are miscounted";
    live += size + (set->everywhere_ ? 1 : 0);
  }
  if (live != live_) return "filters are miscounted";
  if (!ends_.empty() && !is_live(ends_.front())) return "the next deadline is of no filter";
  return std::nullopt;
}

}  // namespace souk::allocator
