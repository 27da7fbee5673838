#include "filters.h"

#include <algorithm>

namespace round_robin {

using souk::AgentKey;
using souk::FrameworkKey;
using souk::MonoTime;

void Filters::add(const Client& client, AgentKey agent, Filter filter) {
  const Place place(client, agent);
  ends_.emplace(filter.until, place);
  filters_[place].push_back(std::move(filter));
  if (++counts_[client.first] > souk::allocator::kMaxFiltersPerFramework) collapse(client.first);
}

std::vector<Filters::Place> Filters::places_of(const Client& client) const {
  std::vector<Place> places;
  for (auto at = filters_.lower_bound(Place(client, std::nullopt));
       at != filters_.end() && at->first.first == client; ++at) {
    places.push_back(at->first);
  }
  return places;
}

void Filters::drop(const Place& place) {
  const auto at = filters_.find(place);
  for (const Filter& filter : at->second) ends_.erase({filter.until, place});
  std::size_t& count = counts_[place.first.first];
  count -= at->second.size();
  if (count == 0) counts_.erase(place.first.first);
  filters_.erase(at);
}

void Filters::forget(const Client& client) {
  for (const Place& place : places_of(client)) drop(place);
}

void Filters::forget(AgentKey agent) {
  std::vector<Place> places;
  for (const auto& [place, filters] : filters_) {
    if (place.second == agent) places.push_back(place);
  }
  for (const Place& place : places) drop(place);
}

// Too many: each role gets one that holds everywhere, until the latest of its own would have ended.
void Filters::collapse(FrameworkKey framework) {
  std::map<Client, MonoTime> latest;
  for (auto at = filters_.lower_bound(Place({framework, ""}, std::nullopt));
       at != filters_.end() && at->first.first.first == framework; ++at) {
    MonoTime& until = latest[at->first.first];
    for (const Filter& filter : at->second) until = std::max(until, filter.until);
  }
  for (const auto& [client, until] : latest) {
    forget(client);
    const Place everywhere(client, std::nullopt);
    filters_[everywhere].push_back({{}, until, 0});
    ends_.emplace(until, everywhere);
    ++counts_[framework];
  }
}

std::vector<std::optional<AgentKey>> Filters::end_due(MonoTime now) {
  std::vector<std::optional<AgentKey>> ended;
  while (!ends_.empty() && ends_.begin()->first <= now) {
    const Place place = ends_.begin()->second;
    std::vector<Filter> rest = filters_.at(place);
    std::erase_if(rest, [now](const Filter& filter) { return filter.until <= now; });
    drop(place);
    for (Filter& filter : rest) add(place.first, *place.second, std::move(filter));
    ended.push_back(place.second);
  }
  return ended;
}

std::optional<MonoTime> Filters::next() const {
  return ends_.empty() ? std::nullopt : std::optional(ends_.begin()->first);
}

const Filter* Filters::against(const Client& client, AgentKey agent,
                               const souk::Resources& offer) const {
  const Filter* longest = nullptr;
  for (const Place& place : {Place(client, agent), Place(client, std::nullopt)}) {
    const auto at = filters_.find(place);
    if (at == filters_.end()) continue;
    for (const Filter& filter : at->second) {
      if (place.second && !filter.refused.contains(offer)) continue;
      if (longest == nullptr || longest->until < filter.until) longest = &filter;
    }
  }
  return longest;
}

}  // namespace round_robin
