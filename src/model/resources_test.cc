#include "model/resources.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <ostream>
#include <set>
#include <tuple>

namespace souk {

static std::ostream& operator<<(std::ostream& out, const Resources& r) {
  return out << r.to_string();
}
static std::ostream& operator<<(std::ostream& out, const Resource& r) {
  return out << Resources({r});
}
static std::ostream& operator<<(std::ostream& out, Scalar s) { return out << s.thousandths; }

namespace {

constexpr auto kDynamic = Reservation::Type::kDynamic;

Resource scalar(std::string_view name, int64_t thousandths) {
  return {.name = name, .value = Scalar{thousandths}};
}

Resource reserved(Resource resource, std::string role, Reservation::Type type = {}) {
  if (type != kDynamic) type = Reservation::Type::kStatic;
  resource.reservations.own().push_back({.type = type, .role = std::move(role)});
  return resource;
}

Resources parsed(std::string_view text) {
  const auto result = Resources::parse(text);
  EXPECT_TRUE(result) << text << ": " << (result ? "" : result.error().message);
  return result.value_or(Resources());
}

// The model: for each kind the amount, or each number, or each name, one by one.
using Kind =
    std::tuple<std::string, std::size_t, std::vector<Reservation>, std::string, bool, bool>;
struct Amount {
  int64_t scalar = 0;
  std::set<uint64_t> numbers;
  std::set<std::string> names;
  bool operator==(const Amount&) const = default;
};
using Model = std::map<Kind, Amount>;

void add_to(Model& model, const Resource& r) {
  const Kind kind(r.name, r.value.index(), r.reservations, std::string(r.disk.view()), r.revocable,
                  r.shared);
  Amount& amount = model[kind];
  if (const auto* scalar = std::get_if<Scalar>(&r.value)) amount.scalar += scalar->thousandths;
  if (const auto* ranges = std::get_if<Ranges>(&r.value)) {
    for (const Range& range : ranges->ranges()) {
      for (uint64_t n = range.begin; n <= range.end; ++n) amount.numbers.insert(n);
    }
  }
  if (const auto* set = std::get_if<NameSet>(&r.value)) {
    amount.names.insert(set->names().begin(), set->names().end());
  }
  if (amount == Amount()) model.erase(kind);
}

Model model_of(const std::vector<Resource>& items) {
  Model model;
  for (const Resource& item : items) add_to(model, item);
  return model;
}

Model model_of(const Resources& resources) { return model_of(resources.items()); }

Model sum_of(Model a, const Model& b) {
  for (const auto& [kind, amount] : b) {
    Amount& sum = a[kind];
    sum.scalar += amount.scalar;
    sum.numbers.insert(amount.numbers.begin(), amount.numbers.end());
    sum.names.insert(amount.names.begin(), amount.names.end());
  }
  return a;
}

bool model_contains(const Model& whole, const Model& part) {
  for (const auto& [kind, amount] : part) {
    const auto at = whole.find(kind);
    if (at == whole.end() || at->second.scalar < amount.scalar) return false;
    for (const uint64_t n : amount.numbers) {
      if (!at->second.numbers.contains(n)) return false;
    }
    for (const std::string& name : amount.names) {
      if (!at->second.names.contains(name)) return false;
    }
  }
  return true;
}

// REQUIRES model_contains(a, b).
Model difference_of(Model a, const Model& b) {
  for (const auto& [kind, amount] : b) {
    Amount& rest = a[kind];
    rest.scalar -= amount.scalar;
    for (const uint64_t n : amount.numbers) rest.numbers.erase(n);
    for (const std::string& name : amount.names) rest.names.erase(name);
    if (rest == Amount()) a.erase(kind);
  }
  return a;
}

bool is_normal(const Resources& resources) {
  const auto& items = resources.items();
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].is_empty()) return false;
    if (i > 0 && items[i - 1].name > items[i].name) return false;
    for (std::size_t j = 0; j < i; ++j) {
      if (items[j].same_kind(items[i])) return false;
    }
  }
  return true;
}

// Few names, kinds and amounts, so that they meet often. Ranges and sets of bags with different
// `parity` never overlap (but touch).
Resource draw_resource(int parity = -1) {
  Resource r;
  const uint64_t base = parity == 1 ? 1 : 0;
  const uint64_t step = parity < 0 ? 1 : 2;
  switch (*rc::gen::inRange(0, 5)) {
    case 0:
    case 1:
      r.name = *rc::gen::element<std::string>("cpus", "mem", "x");
      r.value = Scalar{*rc::gen::inRange<int64_t>(0, 4) * 500};
      break;
    case 2:
    case 3: {
      r.name = *rc::gen::element<std::string>("ports", "x");
      std::vector<Range> list;
      const auto numbers =
          *rc::gen::container<std::vector<uint64_t>>(rc::gen::inRange<uint64_t>(0, 12));
      list.reserve(numbers.size());
      for (const uint64_t n : numbers) list.push_back({base + n * step, base + n * step});
      r.value = Ranges(list);
      break;
    }
    default: {
      const std::string prefix = parity == 1 ? "odd" : "";
      auto names = *rc::gen::container<std::vector<std::string>>(
          rc::gen::element<std::string>("a", "b", "c"));
      for (std::string& name : names) name.insert(0, prefix);
      r.name = "disks";
      r.value = NameSet(names);
    }
  }
  const int chain = *rc::gen::inRange(0, 4);
  if (chain == 1) r = reserved(r, "eng");
  if (chain == 2) r = reserved(reserved(r, "eng"), "eng/web", kDynamic);
  if (chain == 3 && *rc::gen::arbitrary<bool>()) r = reserved(r, "ops", kDynamic);
  if (*rc::gen::inRange(0, 6) == 0) r.disk = Blob(*rc::gen::element<std::string>("d1", "d2"));
  r.revocable = *rc::gen::inRange(0, 6) == 0;
  r.shared = *rc::gen::inRange(0, 8) == 0;
  return r;
}

std::vector<Resource> draw_items(int parity = -1) {
  const int count = *rc::gen::inRange(0, 9);
  std::vector<Resource> items;
  items.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) items.push_back(draw_resource(parity));
  return items;
}

RC_GTEST_PROP(Resources, OneNormalForm, ()) {
  std::vector<Resource> items = draw_items();
  const Resources resources(items);
  RC_ASSERT(is_normal(resources));
  RC_ASSERT((model_of(resources) == model_of(items)));
  // Any order, and any way of adding up, gives the same.
  std::reverse(items.begin(), items.end());
  RC_ASSERT(Resources(items) == resources);
  Resources one_by_one;
  for (const Resource& item : items) one_by_one += Resources({item});
  RC_ASSERT(one_by_one == resources);
}

RC_GTEST_PROP(Resources, AddsLikeTheModel, ()) {
  const Resources a(draw_items());
  const Resources b(draw_items());
  const Resources sum = a + b;
  RC_ASSERT(is_normal(sum));
  RC_ASSERT((model_of(sum) == sum_of(model_of(a), model_of(b))));
  RC_ASSERT(sum.contains(a));
  RC_ASSERT(sum.contains(b));
}

RC_GTEST_PROP(Resources, AdditionIsCommutativeAndAssociative, ()) {
  const Resources a(draw_items());
  const Resources b(draw_items());
  const Resources c(draw_items());
  RC_ASSERT(a + b == b + a);
  RC_ASSERT((a + b) + c == a + (b + c));
  RC_ASSERT(a + Resources() == a);
  RC_ASSERT(Resources() + a == a);
}

RC_GTEST_PROP(Resources, SubtractionUndoesAddition, ()) {
  const Resources a(draw_items(0));
  const Resources b(draw_items(1));
  const Resources back = (a + b) - b;
  RC_ASSERT(back == a);
  RC_ASSERT((a + b) - a == b);
  RC_ASSERT((a - a).empty());
  RC_ASSERT(a - Resources() == a);
}

// Where ranges or sets overlap, what both have is gone after the subtraction: sets know no "twice".
RC_GTEST_PROP(Resources, SubtractsLikeTheModel, ()) {
  const Resources a(draw_items());
  const Resources b(draw_items());
  const Resources whole = a + b;
  const Resources rest = whole - b;
  RC_ASSERT(is_normal(rest));
  RC_ASSERT((model_of(rest) == difference_of(model_of(whole), model_of(b))));
  RC_ASSERT(rest + b == whole);
}

// Copies share their items inside; nobody must see it.
RC_GTEST_PROP(Resources, CopiesAreApart, ()) {
  const std::vector<Resource> items = draw_items();
  const Resources a(items);
  const Resources b(draw_items());
  Resources copy = a;
  copy += b;
  Resources second = copy;
  second -= a;
  second += a;
  const Resources& same = second;
  second -= same;
  RC_ASSERT(a == Resources(items));
  RC_ASSERT(copy == Resources(items) + b);
  RC_ASSERT(second == Resources());
}

RC_GTEST_PROP(Resources, ContainsLikeTheModel, ()) {
  const Resources a(draw_items());
  const Resources b(draw_items());
  RC_ASSERT(a.contains(b) == model_contains(model_of(a), model_of(b)));
  RC_ASSERT(a.contains(a));
  RC_ASSERT(a.contains(Resources()));
  RC_ASSERT(Resources().contains(a) == a.empty());
}

RC_GTEST_PROP(Resources, TotalsAreSumsOverKinds, ()) {
  const Resources a(draw_items());
  std::map<std::string, int64_t> totals;
  std::set<uint64_t> ports;
  for (const auto& [kind, amount] : model_of(a)) {
    if (std::get<1>(kind) == 0) totals[std::get<0>(kind)] += amount.scalar;
    if (std::get<0>(kind) == "ports") ports.insert(amount.numbers.begin(), amount.numbers.end());
  }
  Quantities expected;
  for (const auto& [name, total] : totals) expected.emplace_back(name, Scalar{total});
  RC_ASSERT((quantities_of(a) == expected));
  for (const auto& [name, total] : totals) RC_ASSERT(a.scalar(name).thousandths == total);
  RC_ASSERT(a.scalar("nothing").thousandths == 0);
  std::vector<Range> singles;
  singles.reserve(ports.size());
  for (const uint64_t n : ports) singles.push_back({n, n});
  RC_ASSERT((a.ranges("ports") == Ranges(singles)));
}

RC_GTEST_PROP(Resources, PartsAddUpToTheWhole, ()) {
  const Resources a(draw_items());
  const Resources revocable = a.revocable();
  const Resources firm = a.non_revocable();
  const Resources unreserved = a.unreserved();
  RC_ASSERT(revocable + firm == a);
  for (const Resource& r : revocable.items()) RC_ASSERT(r.revocable);
  for (const Resource& r : firm.items()) RC_ASSERT(!r.revocable);
  for (const Resource& r : unreserved.items()) RC_ASSERT(r.reserved_role() == "*");
  RC_ASSERT(is_normal(unreserved));
  RC_ASSERT(a.usable_by("eng/web").contains(a.usable_by("eng")));
  RC_ASSERT(a.usable_by("eng").contains(unreserved));
  RC_ASSERT(a.usable_by("*") == unreserved);
}

TEST(Resources, KindsAreKeptApart) {
  Resource base = scalar("disk", 1000);
  Resource on_disk = base;
  on_disk.disk = Blob("d");
  Resource revocable = base;
  revocable.revocable = true;
  Resource shared = base;
  shared.shared = true;
  Resource by_alice = reserved(base, "eng", kDynamic);
  by_alice.reservations.own()[0].principal = "alice";
  Resource labelled = reserved(base, "eng", kDynamic);
  labelled.reservations.own()[0].labels = {{"k", "v"}};
  const std::vector<Resource> all = {base,
                                     on_disk,
                                     revocable,
                                     shared,
                                     by_alice,
                                     labelled,
                                     reserved(base, "eng", kDynamic),
                                     reserved(base, "eng")};
  for (const Resource& a : all) {
    for (const Resource& b : all) EXPECT_EQ(a.same_kind(b), &a == &b) << a << ' ' << b;
  }
  EXPECT_EQ(Resources(all).items().size(), all.size());
  EXPECT_FALSE(Resources({base}).contains(Resources({revocable})));
  EXPECT_EQ(Resources(all).scalar("disk"), Scalar{8000});
}

TEST(Resources, UsableByRolesAtAndBelowTheInnermostReservation) {
  const Resource cpus = scalar("cpus", 1000);
  const auto usable = [](const Resource& r, std::string_view role) {
    return !Resources({r}).usable_by(role).empty();
  };
  EXPECT_TRUE(usable(cpus, "*"));
  EXPECT_TRUE(usable(cpus, "eng"));
  EXPECT_FALSE(usable(reserved(cpus, "eng"), "*"));
  EXPECT_TRUE(usable(reserved(cpus, "eng"), "eng"));
  EXPECT_TRUE(usable(reserved(cpus, "eng"), "eng/web"));
  EXPECT_TRUE(usable(reserved(cpus, "eng"), "eng/web/ads"));
  EXPECT_FALSE(usable(reserved(cpus, "eng"), "engine"));
  EXPECT_FALSE(usable(reserved(cpus, "eng"), "en"));
  EXPECT_FALSE(usable(reserved(cpus, "eng"), ""));
  EXPECT_FALSE(usable(reserved(cpus, "eng/web"), "eng"));
  const Resource refined = reserved(reserved(cpus, "eng"), "eng/web", kDynamic);
  EXPECT_EQ(refined.reserved_role(), "eng/web");
  EXPECT_FALSE(usable(refined, "eng"));
  EXPECT_TRUE(usable(refined, "eng/web"));
}

TEST(Resources, AddingToAndSubtractingItself) {
  Resources a = parsed("cpus:1;ports:[1-2];disks:{a}");
  const Resources& same = a;
  a += same;
  EXPECT_EQ(a, parsed("cpus:2;ports:[1-2];disks:{a}"));
  a -= same;
  EXPECT_TRUE(a.empty());
}

TEST(Resources, AddingToAndSubtractingACopyOfItself) {
  Resources a = parsed("cpus:1;ports:[1-2];disks:{a}");
  const Resources copy = a;
  const Resources& same = a;
  a += same;  // shared with the copy
  EXPECT_EQ(a, parsed("cpus:2;ports:[1-2];disks:{a}"));
  EXPECT_EQ(copy, parsed("cpus:1;ports:[1-2];disks:{a}"));
  a = copy;
  a += copy;
  EXPECT_EQ(a, parsed("cpus:2;ports:[1-2];disks:{a}"));
  a = copy;
  a -= copy;
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(copy, parsed("cpus:1;ports:[1-2];disks:{a}"));
}

// Golden: transcripts rely on it.
TEST(Resources, MergesNewKindsIntoPlace) {
  Resources a = parsed("disk:1;ports:[1-1]");
  a += parsed("cpus:1;disk:2;mem:3;zeta:4");
  EXPECT_EQ(a.to_string(), "cpus:1;disk:3;mem:3;ports:[1-1];zeta:4");
}

TEST(Resources, TakingWhatIsNotThereIsABug) {
  Resources a = parsed("cpus:1;ports:[1-5]");
  EXPECT_DEATH(a -= parsed("cpus:1.001"), "what is taken away must be there");
  EXPECT_DEATH(a -= parsed("mem:1"), "what is taken away must be there");
  EXPECT_DEATH(a -= parsed("ports:[5-6]"), "what is taken away must be there");
  EXPECT_DEATH(a -= parsed("cpus(eng):1"), "what is taken away must be there");
}

TEST(Resources, TheSumOfAMillionFullAgentsFits) {
  const Resources agent({scalar("mem", kMaxScalar)});
  EXPECT_GE(std::numeric_limits<int64_t>::max() / kMaxScalar, 9'000'000);
  Resources total({scalar("mem", kMaxScalar * 999'999)});
  total += agent;
  EXPECT_EQ(total.scalar("mem"), Scalar{kMaxScalar * 1'000'000});
}

TEST(Resources, ASumThatOverflowsIsABug) {
  Resources a({scalar("mem", std::numeric_limits<int64_t>::max())});
  EXPECT_DEATH(a += Resources({scalar("mem", 1)}), "sums must fit");
}

TEST(Scalar, FromDoubleRoundsToThousandths) {
  EXPECT_EQ(Scalar::from_double(0), Scalar{0});
  EXPECT_EQ(Scalar::from_double(-0.0), Scalar{0});
  EXPECT_EQ(Scalar::from_double(1.5), Scalar{1500});
  EXPECT_EQ(Scalar::from_double(0.1 + 0.2), Scalar{300});
  EXPECT_EQ(Scalar::from_double(0.0004), Scalar{0});
  EXPECT_EQ(Scalar::from_double(0.0006), Scalar{1});
  EXPECT_EQ(Scalar::from_double(1e9), Scalar{kMaxScalar});
}

TEST(Scalar, FromDoubleRefuses) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double bad : {-0.001, -1e-300, -1.0, 1e9 + 1, 1e300, kInfinity, -kInfinity,
                           std::nan(""), std::nextafter(1e9, 2e9)}) {
    EXPECT_FALSE(Scalar::from_double(bad)) << bad;
  }
}

RC_GTEST_PROP(Scalar, DoublesAreReadBack, ()) {
  const Scalar amount{*rc::gen::inRange<int64_t>(0, kMaxScalar + 1)};
  RC_ASSERT((Scalar::from_double(amount.to_double()) == Result<Scalar>(amount)));
}

RC_GTEST_PROP(Scalar, AnyDoubleIsRefusedOrInBounds, (double amount)) {
  const auto result = Scalar::from_double(amount);
  if (result) RC_ASSERT(result->thousandths >= 0 && result->thousandths <= kMaxScalar);
}

std::string refusal(std::vector<Resource> items) {
  const auto result = Resources::checked(std::move(items));
  return result ? "accepted" : result.error().message;
}

TEST(ResourcesChecked, AcceptsAndJoins) {
  const auto result = Resources::checked({scalar("cpus", 1), scalar("cpus", 2), scalar("mem", 0)});
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, Resources({scalar("cpus", 3)}));
  EXPECT_EQ(refusal({}), "accepted");
  const Resource chain = reserved(reserved(scalar("cpus", 1), "a"), "a/b", kDynamic);
  EXPECT_EQ(refusal({chain}), "accepted");
}

TEST(ResourcesChecked, RefusesAmounts) {
  EXPECT_EQ(refusal({scalar("cpus", -1)}), "the amount of 'cpus' is negative");
  EXPECT_EQ(refusal({scalar("cpus", INT64_MIN)}), "the amount of 'cpus' is negative");
  EXPECT_EQ(refusal({scalar("mem", kMaxScalar + 1)}), "the amount of 'mem' is above 1000000000");
  EXPECT_EQ(refusal({scalar("mem", INT64_MAX), scalar("mem", INT64_MAX)}),
            "the amount of 'mem' is above 1000000000");
  EXPECT_EQ(refusal({scalar("mem", kMaxScalar)}), "accepted");
  // Reserved or not: together.
  EXPECT_EQ(refusal({scalar("mem", kMaxScalar), reserved(scalar("mem", 1), "eng")}),
            "the amounts of 'mem' add up to more than 1000000000");
  EXPECT_EQ(refusal(std::vector<Resource>(kMaxResourceItems, scalar("mem", kMaxScalar))),
            "the amounts of 'mem' add up to more than 1000000000");
  EXPECT_EQ(refusal({scalar("a", kMaxScalar), scalar("b", kMaxScalar)}), "accepted");
}

TEST(ResourcesChecked, RefusesNamesAndTypes) {
  EXPECT_EQ(refusal({scalar("", 1)}), "a resource must have a name");
  EXPECT_EQ(refusal({scalar("a\n", 1)}),
            "the resource name 'a?' must not contain control characters");
  EXPECT_EQ(refusal({scalar("ports", 1)}), "'ports' must be ranges, as in ports:[31000-32000]");
  EXPECT_EQ(refusal({{.name = "cpus", .value = Ranges({{1, 2}})}}),
            "'cpus' must be a number, as in cpus:4");
  EXPECT_EQ(refusal({scalar("x", 1), {.name = "x", .value = NameSet({"a"})}}),
            "resource 'x' has values of different types");
}

TEST(ResourcesChecked, RefusesReservations) {
  const Resource cpus = scalar("cpus", 1);
  EXPECT_EQ(refusal({reserved(cpus, "*")}),
            "resource 'cpus' cannot be reserved for '*': leave the reservation out");
  EXPECT_NE(refusal({reserved(cpus, "a//b")}).find("'a//b'"), std::string::npos);
  EXPECT_NE(refusal({reserved(cpus, "")}).find("must not be empty"), std::string::npos);
  EXPECT_EQ(refusal({reserved(reserved(cpus, "a"), "b", kDynamic)}),
            "resource 'cpus': role 'b' of a reservation is not below 'a', which it refines");
  EXPECT_EQ(refusal({reserved(reserved(cpus, "a"), "a", kDynamic)}),
            "resource 'cpus': role 'a' of a reservation is not below 'a', which it refines");
  EXPECT_EQ(refusal({reserved(reserved(cpus, "a"), "a/b")}),
            "resource 'cpus': a static reservation cannot refine another one");
}

TEST(ResourcesChecked, RefusesTooMany) {
  EXPECT_EQ(refusal(std::vector<Resource>(kMaxResourceItems + 1, scalar("cpus", 1))),
            "10001 resources are too many: at most 10000 are allowed");
  std::vector<Range> many;
  many.reserve(kMaxRanges);
  for (uint64_t n = 0; n < kMaxRanges; ++n) many.push_back({n * 2, n * 2});
  const Resource full{.name = "ports", .value = Ranges(many)};
  EXPECT_EQ(refusal({full}), "accepted");
  EXPECT_EQ(refusal({full, reserved({.name = "ports", .value = Ranges({{1, 1}})}, "eng")}),
            "more than 65536 ranges in all resources");
  std::vector<std::string> names;
  names.reserve(kMaxNames);
  for (std::size_t n = 0; n < kMaxNames; ++n) names.push_back(std::to_string(n));
  EXPECT_EQ(refusal({{.name = "a", .value = NameSet(names)}}), "accepted");
  EXPECT_EQ(
      refusal({{.name = "a", .value = NameSet(names)}, {.name = "b", .value = NameSet({"x"})}}),
      "more than 65536 names in the sets of all resources");
}

}  // namespace
}  // namespace souk
