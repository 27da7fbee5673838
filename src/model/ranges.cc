// Ranges and NameSet of model/resources.h: sets of whole numbers and of names.
#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/text.h"
#include "model/resources.h"

namespace souk {
namespace {

// Up to so many ranges are added or taken out one by one, in place: a task has a port or two.
constexpr std::size_t kFewRanges = 4;

// Whether a range that begins at `begin` (not before the other's begin) overlaps it or follows it
// directly.
bool touches(const Range& before, uint64_t begin) {
  return begin <= before.end || begin - 1 == before.end;
}

// Joins what overlaps or is adjacent; REQUIRES sorted by begin.
void join_sorted(std::vector<Range>& ranges) {
  if (ranges.empty()) return;
  auto last = ranges.begin();
  for (auto at = std::next(last); at != ranges.end(); ++at) {
    if (touches(*last, at->begin)) {
      last->end = std::max(last->end, at->end);
    } else {
      *++last = *at;
    }
  }
  ranges.erase(std::next(last), ranges.end());
}

// The first range that ends at or after `number`.
template <class Iterator>
Iterator first_reaching(Iterator begin, Iterator end, uint64_t number) {
  return std::lower_bound(begin, end, number,
                          [](const Range& range, uint64_t n) { return range.end < n; });
}

void insert(std::vector<Range>& ranges, Range added) {
  const uint64_t reach = added.begin == 0 ? 0 : added.begin - 1;
  const auto first = first_reaching(ranges.begin(), ranges.end(), reach);
  auto past = first;
  while (past != ranges.end() && (past->begin <= added.end || touches(added, past->begin))) ++past;
  if (first == past) {
    ranges.insert(first, added);
    return;
  }
  first->begin = std::min(first->begin, added.begin);
  first->end = std::max(std::prev(past)->end, added.end);
  ranges.erase(std::next(first), past);
}

void remove(std::vector<Range>& ranges, const Range& removed) {
  auto first = first_reaching(ranges.begin(), ranges.end(), removed.begin);
  if (first == ranges.end() || first->begin > removed.end) return;
  if (first->begin < removed.begin) {
    const uint64_t end = first->end;
    first->end = removed.begin - 1;
    ++first;
    if (end > removed.end) {
      ranges.insert(first, Range{removed.end + 1, end});
      return;
    }
  }
  auto past = first;
  while (past != ranges.end() && past->end <= removed.end) ++past;
  if (past != ranges.end() && past->begin <= removed.end) past->begin = removed.end + 1;
  ranges.erase(first, past);
}

// One pass over both, for long lists.
std::vector<Range> difference(const std::vector<Range>& from, const std::vector<Range>& removed) {
  std::vector<Range> result;
  result.reserve(from.size() + removed.size());
  auto cut = removed.begin();
  for (Range rest : from) {
    while (cut != removed.end() && cut->end < rest.begin) ++cut;
    bool left = true;
    for (; left && cut != removed.end() && cut->begin <= rest.end; ++cut) {
      if (cut->begin > rest.begin) result.push_back({rest.begin, cut->begin - 1});
      left = cut->end < rest.end;
      if (!left) break;  // it may reach into the next range too
      rest.begin = cut->end + 1;
    }
    if (left) result.push_back(rest);
  }
  return result;
}

}  // namespace

Ranges::Ranges(std::vector<Range> ranges) {
  for (const Range& range : ranges) {
    SOUK_CHECK(range.begin <= range.end, "a range must not end before it begins");
  }
  if (ranges.empty()) return;
  std::sort(ranges.begin(), ranges.end());
  join_sorted(ranges);
  ranges_ = std::move(ranges);
}

Result<Ranges> Ranges::checked(std::vector<Range> ranges) {
  if (ranges.size() > kMaxRanges) {
    return fail("{} ranges are too many: at most {} are allowed", ranges.size(), kMaxRanges);
  }
  for (const Range& range : ranges) {
    if (range.begin > range.end) {
      return fail("range {}-{} ends before it begins", range.begin, range.end);
    }
  }
  return Ranges(std::move(ranges));
}

bool Ranges::contains(const Ranges& other) const {
  if (ranges_.is_shared_with(other.ranges_)) return true;
  auto at = ranges().begin();
  for (const Range& range : other.ranges()) {
    at = first_reaching(at, ranges().end(), range.begin);
    if (at == ranges().end() || at->begin > range.begin || at->end < range.end) return false;
  }
  return true;
}

Ranges& Ranges::operator+=(const Ranges& other) {
  if (this == &other || other.empty()) return *this;
  if (empty()) return *this = other;
  if (other.ranges().size() <= kFewRanges) {
    std::vector<Range>& mine = ranges_.own();
    for (const Range& range : other.ranges()) insert(mine, range);
    return *this;
  }
  std::vector<Range> both;
  both.reserve(ranges().size() + other.ranges().size());
  std::merge(ranges().begin(), ranges().end(), other.ranges().begin(), other.ranges().end(),
             std::back_inserter(both));
  join_sorted(both);
  ranges_ = std::move(both);
  return *this;
}

Ranges& Ranges::operator-=(const Ranges& other) {
  if (ranges_.is_shared_with(other.ranges_)) return *this = Ranges();
  if (other.ranges().size() <= kFewRanges) {
    std::vector<Range>& mine = ranges_.own();
    for (const Range& range : other.ranges()) remove(mine, range);
    return *this;
  }
  ranges_ = difference(ranges(), other.ranges());
  return *this;
}

Ranges Ranges::operator+(const Ranges& other) const { return Ranges(*this) += other; }
Ranges Ranges::operator-(const Ranges& other) const { return Ranges(*this) -= other; }

NameSet::NameSet(std::vector<std::string> names) {
  if (names.empty()) return;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  names_ = std::move(names);
}

Result<NameSet> NameSet::checked(std::vector<std::string> names) {
  if (names.size() > kMaxNames) {
    return fail("{} names in a set are too many: at most {} are allowed", names.size(), kMaxNames);
  }
  for (const std::string& name : names) {
    if (name.empty()) return fail("a set must not contain an empty name");
    if (std::any_of(name.begin(), name.end(), is_control)) {
      return fail("the name {} in a set must not contain control characters", quote(name));
    }
  }
  return NameSet(std::move(names));
}

bool NameSet::contains(const NameSet& other) const {
  return names_.is_shared_with(other.names_) || std::ranges::includes(names(), other.names());
}

NameSet& NameSet::operator+=(const NameSet& other) {
  if (contains(other)) return *this;
  return *this = *this + other;
}

NameSet& NameSet::operator-=(const NameSet& other) {
  if (names_.is_shared_with(other.names_)) return *this = NameSet();
  std::erase_if(names_.own(), [&](const std::string& name) {
    return std::ranges::binary_search(other.names(), name);
  });
  return *this;
}

NameSet NameSet::operator+(const NameSet& other) const {
  std::vector<std::string> sum;
  sum.reserve(names().size() + other.names().size());
  std::ranges::set_union(names(), other.names(), std::back_inserter(sum));
  NameSet set;
  set.names_ = std::move(sum);
  return set;
}

NameSet NameSet::operator-(const NameSet& other) const { return NameSet(*this) -= other; }

}  // namespace souk
