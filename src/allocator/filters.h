// What frameworks have refused, and until when. A filter stops the same framework, in the same
// role, from being offered a subset of what it refused on that agent; it ends exactly at its time.
// Used by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/hash_map.h"
#include "base/strong.h"
#include "base/time.h"
#include "model/ids.h"
#include "model/resources.h"

namespace souk::allocator {

// A framework in one role, as the allocator numbers them; never reused.
using ClientId = Strong<struct ClientIdTag, uint32_t>;

struct Filter {
  MonoTime until;
  std::shared_ptr<const Resources> refused;  // shared between clients that refused the same
};

// The filters of one client.
class FilterSet {
 public:
  // Whether it does not want this now.
  bool stops(AgentKey agent, const Resources& offer) const {
    return everywhere_.has_value() || (!by_agent_.empty() && stops_on(agent, offer));
  }
  // Those that name an agent.
  std::size_t size() const { return size_; }
  std::optional<MonoTime> everywhere() const { return everywhere_; }

 private:
  friend class FilterTable;
  bool stops_on(AgentKey agent, const Resources& offer) const;

  HashMap<AgentKey, std::vector<Filter>> by_agent_;
  std::optional<MonoTime> everywhere_;  // collapsed: holds for all agents
  std::size_t size_ = 0;
};

// All filters, and the order in which they end.
class FilterTable {
 public:
  struct Ended {
    ClientId client;
    std::optional<AgentKey> agent;  // nothing: all agents
  };

  // The address is good until close().
  FilterSet& open(ClientId client);
  void close(ClientId client);

  void add(ClientId client, AgentKey agent, std::shared_ptr<const Resources> refused,
           MonoTime until);
  // All filters of this client become one, that holds for every agent until the latest of them
  // ends.
  void collapse(ClientId client);
  void forget(ClientId client);
  void forget(AgentKey agent);

  // Ends the earliest filters of one client on one agent, if their time has come. Equal times: by
  // client, then agent.
  std::optional<Ended> end_due(MonoTime now);
  std::optional<MonoTime> next() const;

  // Filters, and those that are gone but still wait for their time: bounded by the live ones.
  std::size_t ends() const { return ends_.size(); }

  std::optional<std::string> broken_invariant() const;

 private:
  struct End {
    MonoTime until;
    ClientId client;
    AgentKey agent;
    auto operator<=>(const End&) const = default;
  };
  static constexpr uint32_t kEverywhere = UINT32_MAX;  // no agent's key

  FilterSet& set_of(ClientId client);
  bool is_live(const End& end) const;
  void push(const End& end);
  End pop();
  void trim();
  void clear(FilterSet& set);

  HashMap<ClientId, std::unique_ptr<FilterSet>> sets_;
  std::vector<End>
      ends_;  // a heap, earliest first; the first is live, others may be of filters that are gone
  std::size_t live_ = 0;
};

}  // namespace souk::allocator
