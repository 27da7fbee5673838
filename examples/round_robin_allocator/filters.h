// What frameworks have refused, and until when. Used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "souk/allocator_module.h"

namespace round_robin {

using Client = std::pair<souk::FrameworkKey, std::string>;  // a framework in one of its roles

struct Filter {
  souk::Resources refused;
  souk::MonoTime until;
  uint64_t offer;
};

class Filters {
 public:
  void add(const Client& client, souk::AgentKey agent, Filter filter);
  void forget(const Client& client);
  void forget(souk::AgentKey agent);
  // Ends those whose time has come, and names their agents; nothing: all of them.
  std::vector<std::optional<souk::AgentKey>> end_due(souk::MonoTime now);
  std::optional<souk::MonoTime> next() const;

  // The one that stops this offer for longest.
  const Filter* against(const Client& client, souk::AgentKey agent,
                        const souk::Resources& offer) const;

 private:
  // A client's own, by agent. Nothing: the one that took the place of too many.
  using Place = std::pair<Client, std::optional<souk::AgentKey>>;

  std::vector<Place> places_of(const Client& client) const;
  void drop(const Place& place);
  void collapse(souk::FrameworkKey framework);

  std::map<Place, std::vector<Filter>> filters_;
  std::set<std::pair<souk::MonoTime, Place>> ends_;
  std::map<souk::FrameworkKey, std::size_t> counts_;
};

}  // namespace round_robin
