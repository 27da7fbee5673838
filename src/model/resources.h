// Resources as an algebra: what an agent has, what is offered, what a task uses. Amounts are exact:
// scalars are whole thousandths, ranges and sets hold whole numbers and names. Plain values; no
// threading of their own.
//
// Two resources can be joined when name, kind, reservations, disk, revocable and shared agree. The
// role to which something is allocated is no part of a Resource: an offer, a task and an executor
// each carry it once.
//
// What comes from outside goes through parse() or the checked() makers, which refuse with a text;
// the plain constructors and operators rely on what those establish.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/blob.h"
#include "base/piece.h"
#include "base/result.h"
#include "base/shared_value.h"
#include "model/labels.h"
#include "model/resource_name.h"

namespace souk {

// An amount in thousandths: 1.5 CPUs is 1500.
struct Scalar {
  int64_t thousandths = 0;
  auto operator<=>(const Scalar&) const = default;

  // To the nearest thousandth; fails on what is not finite, negative, or above kMaxScalar.
  static Result<Scalar> from_double(double amount);
  double to_double() const { return static_cast<double>(thousandths) / 1000.0; }
};

// The most that one agent may have, one task may ask for, of any one name: 10^9 units (a petabyte
// counted in MB). So the total of a million agents is at most 10^18 and stays inside int64, the
// product of two totals inside 128 bits, and everything that fits into one message (below two
// million entries) adds up too: sums are never cut. An addition that would overflow all the same is
// a bug, and is checked.
inline constexpr int64_t kMaxScalar = 1'000'000'000'000;

// What one bag, or one list of ranges or names, may bring from outside. Results of + and - are not
// held to these: they are bounded by what went in.
inline constexpr std::size_t kMaxRanges = 65'536;
inline constexpr std::size_t kMaxNames = 65'536;
inline constexpr std::size_t kMaxResourceItems = 10'000;
// The text that the parse functions read.
inline constexpr std::size_t kMaxResourceText = 1 << 20;

// Both ends belong to the range.
struct Range {
  uint64_t begin = 0;
  uint64_t end = 0;
  auto operator<=>(const Range&) const = default;
};

// Disjoint, sorted, never adjacent: the one normal form of a set of whole numbers.
class Ranges {
 public:
  Ranges() = default;
  // Sorts and joins; REQUIRES begin <= end in each.
  explicit Ranges(std::vector<Range> ranges);
  // For what comes from outside: fails where begin > end, or beyond kMaxRanges.
  static Result<Ranges> checked(std::vector<Range> ranges);

  const std::vector<Range>& ranges() const { return *ranges_; }
  bool empty() const { return ranges_->empty(); }
  bool contains(const Ranges& other) const;
  Ranges& operator+=(const Ranges& other);
  Ranges& operator-=(const Ranges& other);
  Ranges operator+(const Ranges& other) const;
  Ranges operator-(const Ranges& other) const;
  bool operator==(const Ranges&) const = default;

 private:
  Piece<std::vector<Range>> ranges_;
};

// Sorted names without repetition.
class NameSet {
 public:
  NameSet() = default;
  explicit NameSet(std::vector<std::string> names);
  // For what comes from outside: fails on an empty name, on control characters, or beyond
  // kMaxNames.
  static Result<NameSet> checked(std::vector<std::string> names);

  const std::vector<std::string>& names() const { return *names_; }
  bool empty() const { return names_->empty(); }
  bool contains(const NameSet& other) const;
  NameSet& operator+=(const NameSet& other);
  NameSet& operator-=(const NameSet& other);
  NameSet operator+(const NameSet& other) const;
  NameSet operator-(const NameSet& other) const;
  bool operator==(const NameSet&) const = default;

 private:
  Piece<std::vector<std::string>> names_;
};

struct Reservation {
  enum class Type : uint8_t { kStatic = 1, kDynamic = 2 };  // numbers as on the wire
  Type type = Type::kStatic;
  std::string role;
  std::optional<std::string> principal;
  Labels labels;
  auto operator<=>(const Reservation&) const = default;
};

struct Resource {
  ResourceName name;
  std::variant<Scalar, Ranges, NameSet> value;
  Piece<std::vector<Reservation>> reservations;  // outermost first; none: anybody's
  Blob disk;                                     // a serialised DiskInfo; compared as bytes
  bool revocable = false;
  bool shared = false;

  bool operator==(const Resource&) const = default;

  bool is_empty() const;
  // The same kind of thing, so that amounts can be added.
  bool same_kind(const Resource& other) const;
  // The role that may use it: the innermost reservation's, "*" if unreserved.
  std::string_view reserved_role() const;
};

// A bag of resources in normal form: sorted by name and kind, none empty, no two of the same kind.
// Equal bags compare equal. Copies share their items until one is changed.
class Resources {
 public:
  Resources() = default;
  // Joins what is of one kind; drops what is empty. REQUIRES amounts that are not negative and add
  // up.
  explicit Resources(std::vector<Resource> items);
  // The same for what comes from outside. Fails, naming the resource, on a name that is empty or
  // has control characters, an amount below zero or (the sum of its name) above kMaxScalar, two
  // types under one name or the wrong one for cpus, mem, disk, gpus and ports, reservations that
  // are no chain of ever narrower roles, and beyond the bounds above.
  static Result<Resources> checked(std::vector<Resource> items);

  // "cpus:4;mem:1024;ports:[31000-32000];disks:{a,b};cpus(role):2": what --resources takes. White
  // space is free, entries of one kind are joined. A JSON array of Resource objects is handled by
  // wire/. Fails with a text that shows the part that is wrong.
  static Result<Resources> parse(std::string_view text);

  // Good until the bag is changed.
  const std::vector<Resource>& items() const { return items_.get(); }
  bool empty() const { return items().empty(); }

  bool contains(const Resources& other) const;
  Resources& operator+=(const Resources& other);
  // REQUIRES contains(other); a bug otherwise.
  Resources& operator-=(const Resources& other);
  Resources operator+(const Resources& other) const;
  Resources operator-(const Resources& other) const;
  bool operator==(const Resources& other) const {
    return items_.is_shared_with(other.items_) || items() == other.items();
  }

  // The sum over all kinds (reserved or not) of the scalar with this name; zero if there is none.
  Scalar scalar(std::string_view name) const;
  // The union over all kinds of the ranges with this name.
  Ranges ranges(std::string_view name) const;

  Resources unreserved() const;
  Resources revocable() const;
  Resources non_revocable() const;
  // What a framework of this role may be offered: unreserved, or reserved for this role or an
  // ancestor of it.
  Resources usable_by(std::string_view role) const;

  // "cpus:4;mem:1024;ports:[31000-32000]", for logs and transcripts. parse() reads it back, unless
  // there is more than it has words for: a reservation that is not the single static one of a role,
  // disk, revocable and shared are shown behind the name, as in "disk(dynamic eng by
  // alice){shared}:10".
  std::string to_string() const;

 private:
  template <class Predicate>
  Resources where(Predicate wanted) const;

  SharedValue<std::vector<Resource>> items_;
};

// Names that the rules speak of.
inline constexpr std::string_view kCpus = "cpus";
inline constexpr std::string_view kMem = "mem";
inline constexpr std::string_view kDisk = "disk";
inline constexpr std::string_view kGpus = "gpus";
inline constexpr std::string_view kPorts = "ports";

// Amounts by name, without regard to kind: minimum offer sizes, quotas, totals. Sorted by name.
using Quantities = std::vector<std::pair<std::string, Scalar>>;
Quantities quantities_of(const Resources& resources);
// "cpus:0.01|mem:32": alternatives, each a list "name:amount;name:amount". Entries of one name are
// added, zeros dropped: "cpus:0" asks for nothing. Empty text: no alternatives.
Result<std::vector<Quantities>> parse_alternatives(std::string_view text);

// A fact about an agent that schedulers read: "rack:abc;zone:west;os:debian;gen:3".
struct Attribute {
  std::string name;
  std::variant<Scalar, Ranges, NameSet, std::string> value;  // std::string: TEXT
  bool operator==(const Attribute&) const = default;
};
// A value is a number if it is written as one and fits a Scalar, ranges in [], a set in {},
// otherwise text as it stands. In the order written; a name may repeat.
Result<std::vector<Attribute>> parse_attributes(std::string_view text);
std::string to_string(const Attribute& attribute);

}  // namespace souk
