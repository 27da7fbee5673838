// What frameworks have refused, and until when. A filter stops the same framework, in the same
// role, from being offered a subset of what it refused on that agent; it ends exactly at its time.
// They lie with the agent, since that is where they are asked for: the cost of a question does not
// grow with the number of agents. Used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "base/strong.h"
#include "base/time.h"
#include "model/ids.h"
#include "model/resources.h"

namespace souk::allocator {

// A framework in one role, as the allocator numbers them; never reused.
using ClientId = Strong<struct ClientIdTag, uint32_t>;

// Whose filter it is: a place in a table, which is used again, and the era of it in which the
// filter was set. Forgetting all filters of a client is beginning a new era; what is left of the
// older ones is dead, and is swept up when it is met. Eras begin with 1 and only grow.
struct FilterKey {
  uint32_t place = 0;
  uint32_t era = 0;
  bool operator==(const FilterKey&) const = default;
};

struct Filter {
  MonoTime until;
  uint64_t offer = 0;  // the number of the offer that was declined; 0: none in particular
};

// The filters on one agent.
class AgentFilters {
 public:
  bool empty() const { return groups_.empty(); }

  // Filters come in groups, of those who refused the same. The groups that stop an offer are looked
  // up once, for many questions; they are good until something is added or ended.
  using Groups = boost::container::small_vector<uint32_t, 8>;
  Groups stopping(const Resources& offer) const;

  // Whether stops() costs next to nothing in these groups.
  bool is_cheap(const Groups& groups) const;
  // Whether a filter of these groups stops the client. `eras` are the present ones by place, and
  // `latest` is the latest that was begun. REQUIRES that the key is of the present.
  bool stops(FilterKey key, const Groups& groups, const std::vector<uint32_t>& eras,
             uint32_t latest) const;

  // Some of those whom filters of these groups stop, by a test that looks at nothing else; good
  // until something is added or ended. Their keys must be of the present.
  struct Surely {
    std::span<const uint64_t> words;
    uint32_t as_of = 0;
    bool stopped(FilterKey key) const {
      return key.era <= as_of && key.place / 64 < words.size() &&
             (words[key.place / 64] >> (key.place % 64) & 1) != 0;
    }
  };
  Surely surely(const Groups& groups) const;

  // The client's filter that ends last; null: it has none in these groups.
  const Filter* find(FilterKey key, const Groups& groups) const;
  // Calls with the key of each filter of these groups, dead ones too.
  template <class Visit>
  void visit(const Groups& groups, Visit visit) const;

  // Whether this is one more, and not in the place of an earlier one of the same client.
  bool add(FilterKey key, const Resources& refused, Filter filter);
  // Takes away those of the client that have ended, and all of its earlier eras. How many were of
  // this era.
  std::size_t end(FilterKey key, MonoTime now);
  // Whether there is one that ends at this time.
  bool has(FilterKey key, MonoTime until) const;
  // Calls with the key of each, dead ones too.
  template <class Visit>
  void visit_all(Visit visit) const;

 private:
  // Which places have a filter, in a dense group: a few cache lines tell it of a thousand. Of
  // clients whose era was there at `as_of` they tell it without a look at the key, which may be
  // dead otherwise.
  struct Bits {
    std::vector<uint64_t> words;
    uint32_t as_of = 0;
    uint32_t doubts = 0;  // looks at keys since then
  };
  // Sparse: keys are sorted by place. Dense, where most clients have one: the key at an index is of
  // that place, an era of 0 means none. `filters` runs beside the keys.
  struct Group {
    Resources refused;
    std::vector<FilterKey> keys;
    std::vector<Filter> filters;
    uint32_t count = 0;
    bool dense = false;
    mutable Bits bits;
  };
  static void review(const Group& group, const std::vector<uint32_t>& eras, uint32_t latest);
  static std::size_t position(const Group& group, uint32_t place);
  static FilterKey& open(Group& group, uint32_t place);
  static void close(Group& group, std::size_t at);
  static void respread(Group& group, bool dense);

  std::vector<Group> groups_;  // none is empty
};

// When filters end. Counts the living by what it is told.
class FilterEnds {
 public:
  struct End {
    FilterKey key;
    AgentKey agent;  // kEverywhere: no particular one
  };
  static inline const AgentKey kEverywhere{UINT32_MAX};

  void add(MonoTime until, FilterKey key, AgentKey agent);
  // Those whose time has come, earliest first; of one time in the order in which they were added.
  std::vector<End> take_due(MonoTime now);
  std::optional<MonoTime> next() const;
  std::size_t size() const { return size_; }

  // Forgets ends of dead filters: those at the front, so that next() tells the truth, and all of
  // them where they outnumber `live`, so that who refuses for a year and revives every second does
  // not fill the memory.
  template <class IsLive>
  void tidy(std::size_t live, IsLive is_live);

 private:
  std::map<MonoTime, std::vector<End>> ends_;  // no list is empty
  std::size_t size_ = 0;
};

template <class Visit>
void AgentFilters::visit(const Groups& groups, Visit visit) const {
  for (const uint32_t group : groups) {
    for (const FilterKey key : groups_[group].keys) {
      if (key.era != 0) visit(key);
    }
  }
}

template <class Visit>
void AgentFilters::visit_all(Visit visit) const {
  for (const Group& group : groups_) {
    for (const FilterKey key : group.keys) {
      if (key.era != 0) visit(key);
    }
  }
}

template <class IsLive>
void FilterEnds::tidy(std::size_t live, IsLive is_live) {
  constexpr std::size_t kSlack = 1024;
  if (size_ > 2 * live + kSlack) {
    size_ = 0;
    for (auto at = ends_.begin(); at != ends_.end();) {
      std::erase_if(at->second, [&](const End& end) { return !is_live(end, at->first); });
      size_ += at->second.size();
      at = at->second.empty() ? ends_.erase(at) : std::next(at);
    }
  }
  while (!ends_.empty()) {
    std::vector<End>& first = ends_.begin()->second;
    while (!first.empty() && !is_live(first.back(), ends_.begin()->first)) {
      first.pop_back();
      --size_;
    }
    if (!first.empty()) return;
    ends_.erase(ends_.begin());
  }
}

}  // namespace souk::allocator
