#include "model/resources.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <span>

#include "base/check.h"
#include "base/text.h"
#include "model/role.h"

namespace souk {
namespace {

using Value = decltype(Resource::value);

// The order of the normal form: names first, so that quantities come out sorted.
std::strong_ordering compare_kinds(const Resource& a, const Resource& b) {
  if (const auto order = a.name <=> b.name; order != 0) return order;
  if (const auto order = a.value.index() <=> b.value.index(); order != 0) return order;
  // Most have neither reservations nor disk.
  if (!a.reservations->empty() || !b.reservations->empty()) {
    if (const auto order = *a.reservations <=> *b.reservations; order != 0) return order;
  }
  if (!a.disk.empty() || !b.disk.empty()) {
    if (const auto order = a.disk.view() <=> b.disk.view(); order != 0) return order;
  }
  if (const auto order = a.revocable <=> b.revocable; order != 0) return order;
  return a.shared <=> b.shared;
}

void add(Scalar& sum, Scalar amount) {
  const bool overflow =
      __builtin_add_overflow(sum.thousandths, amount.thousandths, &sum.thousandths);
  SOUK_CHECK(!overflow, "amounts are bounded by kMaxScalar, so their sums must fit");
}

// The three below REQUIRE values of the same type: the kinds have been compared before.
void add(Value& sum, const Value& value) {
  if (auto* scalar = std::get_if<Scalar>(&sum)) return add(*scalar, *std::get_if<Scalar>(&value));
  if (auto* ranges = std::get_if<Ranges>(&sum)) {
    *ranges += *std::get_if<Ranges>(&value);
  } else {
    *std::get_if<NameSet>(&sum) += *std::get_if<NameSet>(&value);
  }
}

void subtract(Value& from, const Value& value) {
  if (auto* scalar = std::get_if<Scalar>(&from)) {
    scalar->thousandths -= std::get_if<Scalar>(&value)->thousandths;
  } else if (auto* ranges = std::get_if<Ranges>(&from)) {
    *ranges -= *std::get_if<Ranges>(&value);
  } else {
    *std::get_if<NameSet>(&from) -= *std::get_if<NameSet>(&value);
  }
}

bool contains(const Value& whole, const Value& part) {
  if (const auto* scalar = std::get_if<Scalar>(&whole))
    return *scalar >= *std::get_if<Scalar>(&part);
  if (const auto* ranges = std::get_if<Ranges>(&whole)) {
    return ranges->contains(*std::get_if<Ranges>(&part));
  }
  return std::get_if<NameSet>(&whole)->contains(*std::get_if<NameSet>(&part));
}

// Moves `at` to the first item whose kind does not come before the wanted one; true if it is that
// kind. Bags are short, and both are walked in step: going one by one beats a binary search.
template <class Iterator>
bool seek(Iterator& at, Iterator end, const Resource& wanted) {
  for (; at != end; ++at) {
    if (const auto order = compare_kinds(*at, wanted); order >= 0) return order == 0;
  }
  return false;
}

Result<void> check_name(const std::string& name) {
  if (name.empty()) return fail("a resource must have a name");
  if (std::any_of(name.begin(), name.end(), is_control)) {
    return fail("the resource name {} must not contain control characters", quote(name));
  }
  return {};
}

// The rules know these names, and count on their types.
Result<void> check_type(const Resource& item) {
  if (item.name == kPorts && !std::holds_alternative<Ranges>(item.value)) {
    return fail("'ports' must be ranges, as in ports:[31000-32000]");
  }
  const bool is_amount =
      item.name == kCpus || item.name == kMem || item.name == kDisk || item.name == kGpus;
  if (is_amount && !std::holds_alternative<Scalar>(item.value)) {
    return fail("'{0}' must be a number, as in {0}:4", item.name.view());
  }
  return {};
}

// Each reservation narrows the one before: only the outermost may be the operator's static one.
Result<void> check_reservations(const Resource& item) {
  const Reservation* outer = nullptr;
  for (const Reservation& reservation : *item.reservations) {
    if (auto valid = validate_role(reservation.role); !valid) {
      return fail("resource {}: {}", quote(item.name), valid.error().message);
    }
    if (reservation.role == kDefaultRole) {
      return fail("resource {} cannot be reserved for '*': leave the reservation out",
                  quote(item.name));
    }
    if (outer != nullptr && reservation.type == Reservation::Type::kStatic) {
      return fail("resource {}: a static reservation cannot refine another one", quote(item.name));
    }
    if (outer != nullptr && !is_ancestor(outer->role, reservation.role)) {
      return fail("resource {}: role {} of a reservation is not below {}, which it refines",
                  quote(item.name), quote(reservation.role), quote(outer->role));
    }
    outer = &reservation;
  }
  return {};
}

Result<void> check_item(const Resource& item) {
  if (auto valid = check_name(item.name); !valid) return valid;
  if (auto valid = check_type(item); !valid) return valid;
  if (auto valid = check_reservations(item); !valid) return valid;
  const auto* scalar = std::get_if<Scalar>(&item.value);
  if (scalar == nullptr) return {};
  if (scalar->thousandths < 0) return fail("the amount of {} is negative", quote(item.name));
  if (scalar->thousandths > kMaxScalar) {
    return fail("the amount of {} is above {}", quote(item.name), kMaxScalar / 1000);
  }
  return {};
}

// One name has one type, and its amounts together stay within the bounds. REQUIRES sorted items,
// each within its own bounds.
Result<void> check_together(std::span<const Resource> items) {
  int64_t sum = 0;  // kMaxResourceItems times kMaxScalar fits
  std::size_t ranges = 0;
  std::size_t names = 0;
  const Resource* before = nullptr;
  for (const Resource& item : items) {
    const bool same_name = before != nullptr && before->name == item.name;
    if (same_name && before->value.index() != item.value.index()) {
      return fail("resource {} has values of different types", quote(item.name));
    }
    if (!same_name) sum = 0;
    before = &item;
    if (const auto* scalar = std::get_if<Scalar>(&item.value)) sum += scalar->thousandths;
    if (const auto* value = std::get_if<Ranges>(&item.value)) ranges += value->ranges().size();
    if (const auto* value = std::get_if<NameSet>(&item.value)) names += value->names().size();
    if (sum > kMaxScalar) {
      return fail("the amounts of {} add up to more than {}", quote(item.name), kMaxScalar / 1000);
    }
  }
  if (ranges > kMaxRanges) return fail("more than {} ranges in all resources", kMaxRanges);
  if (names > kMaxNames) return fail("more than {} names in the sets of all resources", kMaxNames);
  return {};
}

}  // namespace

Result<Scalar> Scalar::from_double(double amount) {
  if (!std::isfinite(amount)) return fail("an amount must be a finite number");
  if (amount < 0) return fail("an amount must not be negative ({})", amount);
  // Compared before it is converted: what is out of range has no int64.
  if (amount > static_cast<double>(kMaxScalar) / 1000) {
    return fail("an amount must not be above {} ({})", kMaxScalar / 1000, amount);
  }
  return Scalar{std::llround(amount * 1000)};
}

bool Resource::is_empty() const {
  if (const auto* scalar = std::get_if<Scalar>(&value)) return scalar->thousandths == 0;
  if (const auto* ranges = std::get_if<Ranges>(&value)) return ranges->empty();
  return std::get_if<NameSet>(&value)->empty();
}

bool Resource::same_kind(const Resource& other) const { return compare_kinds(*this, other) == 0; }

std::string_view Resource::reserved_role() const {
  return reservations->empty() ? kDefaultRole : std::string_view(reservations->back().role);
}

Resources::Resources(std::vector<Resource> items) {
  const auto before = [](const Resource& a, const Resource& b) { return compare_kinds(a, b) < 0; };
  std::erase_if(items, [](const Resource& item) { return item.is_empty(); });
  if (items.empty()) return;
  std::sort(items.begin(), items.end(), before);
  auto last = items.begin();
  for (auto at = std::next(last); at != items.end(); ++at) {
    if (last->same_kind(*at)) {
      add(last->value, at->value);
    } else if (++last != at) {
      *last = std::move(*at);
    }
  }
  items.erase(std::next(last), items.end());
  items_ = SharedValue(std::move(items));
}

Result<Resources> Resources::checked(std::vector<Resource> items) {
  if (items.size() > kMaxResourceItems) {
    return fail("{} resources are too many: at most {} are allowed", items.size(),
                kMaxResourceItems);
  }
  for (const Resource& item : items) {
    if (auto valid = check_item(item); !valid) return std::unexpected(valid.error());
  }
  Resources resources(std::move(items));
  if (auto valid = check_together(resources.items()); !valid) {
    return std::unexpected(valid.error());
  }
  return resources;
}

bool Resources::contains(const Resources& other) const {
  if (items_.is_shared_with(other.items_)) return true;
  auto at = items().begin();
  for (const Resource& item : other.items()) {
    if (!seek(at, items().end(), item) || !souk::contains(at->value, item.value)) return false;
    ++at;
  }
  return true;
}

Resources& Resources::operator+=(const Resources& other) {
  if (other.empty()) return *this;
  if (empty()) return *this = other;
  std::vector<Resource>& items = items_.own();
  const std::vector<Resource>& added = other.items();
  // First what is there already, in place: most often that is all.
  std::size_t missing = 0;
  auto at = items.begin();
  for (const Resource& item : added) {
    if (seek(at, items.end(), item)) {
      add(at->value, item.value);
    } else {
      ++missing;
    }
  }
  if (missing == 0) return *this;

  // Then the rest, merged in from the back: each item moves once.
  std::size_t mine = items.size();
  std::size_t theirs = added.size();
  items.resize(mine + missing);
  for (std::size_t to = items.size(); to > mine;) {
    const Resource& item = added[theirs - 1];
    const auto order =
        mine == 0 ? std::strong_ordering::less : compare_kinds(items[mine - 1], item);
    if (order == 0) {
      --theirs;  // already added above
    } else if (order < 0) {
      items[--to] = item;
      --theirs;
    } else {
      items[--to] = std::move(items[--mine]);
    }
  }
  return *this;
}

Resources& Resources::operator-=(const Resources& other) {
  if (other.empty()) return *this;
  if (items_.is_shared_with(other.items_)) return *this = Resources();
  std::vector<Resource>& items = items_.own();
  bool emptied = false;
  auto at = items.begin();
  for (const Resource& item : other.items()) {
    const bool found = seek(at, items.end(), item) && souk::contains(at->value, item.value);
    SOUK_CHECK(found, "what is taken away must be there");
    subtract(at->value, item.value);
    emptied |= at->is_empty();
    ++at;
  }
  if (emptied) std::erase_if(items, [](const Resource& item) { return item.is_empty(); });
  if (items.empty()) *this = Resources();
  return *this;
}

Resources Resources::operator+(const Resources& other) const { return Resources(*this) += other; }
Resources Resources::operator-(const Resources& other) const { return Resources(*this) -= other; }

Scalar Resources::scalar(std::string_view name) const {
  Scalar sum;
  for (const Resource& item : items()) {
    if (item.name != name) continue;
    if (const auto* scalar = std::get_if<Scalar>(&item.value)) add(sum, *scalar);
  }
  return sum;
}

Ranges Resources::ranges(std::string_view name) const {
  Ranges sum;
  for (const Resource& item : items()) {
    if (item.name != name) continue;
    if (const auto* ranges = std::get_if<Ranges>(&item.value)) sum += *ranges;
  }
  return sum;
}

// A part of a bag in normal form is in normal form too.
template <class Predicate>
Resources Resources::where(Predicate wanted) const {
  if (std::all_of(items().begin(), items().end(), wanted)) return *this;
  std::vector<Resource> some;
  std::copy_if(items().begin(), items().end(), std::back_inserter(some), wanted);
  Resources part;
  if (!some.empty()) part.items_ = SharedValue(std::move(some));
  return part;
}

Resources Resources::unreserved() const {
  return where([](const Resource& r) { return r.reservations->empty(); });
}

Resources Resources::revocable() const {
  return where([](const Resource& r) { return r.revocable; });
}

Resources Resources::non_revocable() const {
  return where([](const Resource& r) { return !r.revocable; });
}

Resources Resources::usable_by(std::string_view role) const {
  return where([role](const Resource& r) {
    if (r.reservations->empty()) return true;
    const std::string_view reserved = r.reserved_role();
    return reserved == role || is_ancestor(reserved, role);
  });
}

Quantities quantities_of(const Resources& resources) {
  Quantities quantities;
  for (const Resource& item : resources.items()) {
    const auto* scalar = std::get_if<Scalar>(&item.value);
    if (scalar == nullptr) continue;
    if (quantities.empty() || quantities.back().first != item.name) {
      quantities.emplace_back(item.name, *scalar);
    } else {
      add(quantities.back().second, *scalar);
    }
  }
  return quantities;
}

}  // namespace souk
