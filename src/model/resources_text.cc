// How resources, alternatives and attributes of model/resources.h are read from text and shown.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include "base/text.h"
#include "model/resources.h"
#include "model/role.h"

namespace souk {
namespace {

using Value = decltype(Resource::value);

// What separates the parts of an entry cannot be inside its name.
constexpr std::string_view kNotInNames = "()[]{},|;:";

Result<void> check_size(std::string_view text) {
  if (text.size() <= kMaxResourceText) return {};
  return fail("{} bytes of text are too many: at most {} are allowed", text.size(),
              kMaxResourceText);
}

// The entries between the semicolons, without white space; empty ones are skipped.
std::vector<std::string_view> entries_of(std::string_view text) {
  std::vector<std::string_view> entries = split(text, ';');
  for (std::string_view& entry : entries) entry = trim(entry);
  std::erase(entries, std::string_view());
  return entries;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.find_first_of(kNotInNames) == std::string_view::npos &&
         std::none_of(name.begin(), name.end(), is_control);
}

// A plain decimal number, "4" or "0.25", nothing else around it.
std::optional<double> read_number(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || rest != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

// `entry` is what stands around the number, for the message.
Result<Scalar> parse_scalar(std::string_view text, std::string_view entry) {
  const std::optional<double> number = read_number(text);
  if (!number) return fail("{} is not a number in {}", quote(text), quote(entry));
  auto scalar = Scalar::from_double(*number);
  if (!scalar) return fail("{}: {}", quote(entry), scalar.error().message);
  return scalar;
}

std::optional<uint64_t> read_whole(std::string_view text) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

// "1-5", or "5" alone.
std::optional<Range> read_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) {
    const auto number = read_whole(text);
    return number ? std::optional(Range{*number, *number}) : std::nullopt;
  }
  const auto begin = read_whole(trim(text.substr(0, dash)));
  const auto end = read_whole(trim(text.substr(dash + 1)));
  if (!begin || !end) return std::nullopt;
  return Range{*begin, *end};
}

// What stands between the brackets of "[1-2,5]" or "{a,b}"; nothing if the closing one is missing.
std::optional<std::vector<std::string_view>> read_list(std::string_view text, char closing) {
  if (text.size() < 2 || text.back() != closing) return std::nullopt;
  const std::string_view inside = trim(text.substr(1, text.size() - 2));
  if (inside.empty()) return std::vector<std::string_view>();
  std::vector<std::string_view> parts = split(inside, ',');
  for (std::string_view& part : parts) part = trim(part);
  return parts;
}

Result<Ranges> parse_ranges(std::string_view text, std::string_view entry) {
  const auto parts = read_list(text, ']');
  if (!parts) return fail("{} has no ']' at its end", quote(entry));
  std::vector<Range> ranges;
  ranges.reserve(std::min(parts->size(), kMaxRanges));
  for (const std::string_view part : *parts) {
    const std::optional<Range> range = read_range(part);
    if (!range) {
      return fail("{} is not a range of whole numbers in {}: write [31000-32000]", quote(part),
                  quote(entry));
    }
    if (ranges.size() == kMaxRanges) {
      return fail("{} has more than {} ranges", quote(entry), kMaxRanges);
    }
    ranges.push_back(*range);
  }
  auto result = Ranges::checked(std::move(ranges));
  if (!result) return fail("{}: {}", quote(entry), result.error().message);
  return result;
}

Result<NameSet> parse_set(std::string_view text, std::string_view entry) {
  const auto parts = read_list(text, '}');
  if (!parts) return fail("{} has no '}}' at its end", quote(entry));
  for (const std::string_view part : *parts) {
    if (part.find_first_of("{}") == std::string_view::npos) continue;
    return fail("{} must not contain braces, in {}", quote(part), quote(entry));
  }
  auto result = NameSet::checked(std::vector<std::string>(parts->begin(), parts->end()));
  if (!result) return fail("{}: {}", quote(entry), result.error().message);
  return result;
}

template <class To, class From>
Result<To> widened(Result<From> result) {
  if (!result) return std::unexpected(std::move(result.error()));
  return To(std::move(*result));
}

Result<Value> parse_value(std::string_view text, std::string_view entry) {
  if (text.starts_with('[')) return widened<Value>(parse_ranges(text, entry));
  if (text.starts_with('{')) return widened<Value>(parse_set(text, entry));
  return widened<Value>(parse_scalar(text, entry));
}

// "cpus:4" or "cpus(role):4".
Result<Resource> parse_resource(std::string_view entry) {
  Resource resource;
  const std::size_t name_end = entry.find_first_of("(:");
  const std::string_view name = trim(entry.substr(0, name_end));
  std::string_view rest = name_end == std::string_view::npos ? "" : entry.substr(name_end);
  if (rest.starts_with('(')) {
    const std::size_t close = rest.find(')');
    if (close == std::string_view::npos) return fail("{} has no ')'", quote(entry));
    const std::string_view role = trim(rest.substr(1, close - 1));
    if (auto valid = validate_role(role); !valid) {
      return fail("{}: {}", quote(entry), valid.error().message);
    }
    if (role != kDefaultRole) resource.reservations.own().push_back({.role = std::string(role)});
    rest = trim(rest.substr(close + 1));
  }
  if (!rest.starts_with(':')) {
    return fail("{} is not a resource: write name:value, as in cpus:4 or ports:[31000-32000]",
                quote(entry));
  }
  if (!is_name(name)) {
    return fail("{} has no proper name before its value, as in cpus:4", quote(entry));
  }
  resource.name = name;
  auto value = parse_value(trim(rest.substr(1)), entry);
  if (!value) return std::unexpected(std::move(value.error()));
  resource.value = std::move(*value);
  return resource;
}

Result<Quantities> parse_quantities(std::string_view text) {
  const std::vector<std::string_view> entries = entries_of(text);
  if (entries.empty()) return fail("an alternative is empty: write name:amount, as in cpus:0.01");
  std::vector<Resource> items;
  for (const std::string_view entry : entries) {
    const std::size_t colon = entry.find(':');
    const std::string_view name = trim(entry.substr(0, colon));
    if (colon == std::string_view::npos || !is_name(name)) {
      return fail("{} is not an amount: write name:amount, as in cpus:0.01", quote(entry));
    }
    auto amount = parse_scalar(trim(entry.substr(colon + 1)), entry);
    if (!amount) return std::unexpected(std::move(amount.error()));
    items.push_back({.name = std::string(name), .value = *amount});
  }
  auto sum = Resources::checked(std::move(items));
  if (!sum) return std::unexpected(std::move(sum.error()));
  return quantities_of(*sum);
}

Result<Attribute> parse_attribute(std::string_view entry) {
  const std::size_t colon = entry.find(':');
  const std::string_view name = trim(entry.substr(0, colon));
  if (colon == std::string_view::npos || !is_name(name)) {
    return fail("{} is not an attribute: write name:value, as in rack:abc", quote(entry));
  }
  const std::string_view text = trim(entry.substr(colon + 1));
  if (text.empty()) return fail("attribute {} has no value", quote(entry));
  if (std::any_of(text.begin(), text.end(), is_control)) {
    return fail("attribute {} must not contain control characters", quote(entry));
  }
  Attribute attribute;
  attribute.name = name;
  if (text.starts_with('[')) {
    auto ranges = parse_ranges(text, entry);
    if (!ranges) return std::unexpected(std::move(ranges.error()));
    attribute.value = std::move(*ranges);
    return attribute;
  }
  if (text.starts_with('{')) {
    auto set = parse_set(text, entry);
    if (!set) return std::unexpected(std::move(set.error()));
    attribute.value = std::move(*set);
    return attribute;
  }
  const std::optional<double> number = read_number(text);
  const auto scalar = number ? Scalar::from_double(*number) : Result<Scalar>(fail("no number"));
  if (scalar) {
    attribute.value = *scalar;
  } else {
    attribute.value = std::string(text);  // a serial number beyond kMaxScalar, too
  }
  return attribute;
}

void append(std::string& out, Scalar scalar) {
  const auto to = std::back_inserter(out);
  const int64_t whole = scalar.thousandths / 1000;
  const int64_t rest = scalar.thousandths % 1000;
  if (rest == 0) {
    fmt::format_to(to, "{}", whole);
  } else if (rest % 100 == 0) {
    fmt::format_to(to, "{}.{}", whole, rest / 100);
  } else if (rest % 10 == 0) {
    fmt::format_to(to, "{}.{:02}", whole, rest / 10);
  } else {
    fmt::format_to(to, "{}.{:03}", whole, rest);
  }
}

void append(std::string& out, const Ranges& ranges) {
  char before = '[';
  for (const Range& range : ranges.ranges()) {
    fmt::format_to(std::back_inserter(out), "{}{}-{}", before, range.begin, range.end);
    before = ',';
  }
  out += ranges.empty() ? "[]" : "]";
}

void append(std::string& out, const NameSet& set) {
  char before = '{';
  for (const std::string& name : set.names()) {
    out += before;
    out += name;
    before = ',';
  }
  out += set.empty() ? "{}" : "}";
}

void append(std::string& out, const std::string& text) { out += text; }

void append(std::string& out, const Reservation& reservation) {
  out += reservation.type == Reservation::Type::kDynamic ? "(dynamic " : "(";
  out += reservation.role;
  if (reservation.principal)
    fmt::format_to(std::back_inserter(out), " by {}", *reservation.principal);
  for (const Label& label : reservation.labels) {
    fmt::format_to(std::back_inserter(out), " {}={}", label.key, label.value.value_or(""));
  }
  out += ')';
}

void append(std::string& out, const Resource& resource) {
  out += resource.name.text();
  for (const Reservation& reservation : *resource.reservations) append(out, reservation);
  if (!resource.disk.empty()) {
    fmt::format_to(std::back_inserter(out), "{{disk of {} bytes}}", resource.disk.size());
  }
  if (resource.revocable) out += "{revocable}";
  if (resource.shared) out += "{shared}";
  out += ':';
  std::visit([&out](const auto& value) { append(out, value); }, resource.value);
}

}  // namespace

Result<Resources> Resources::parse(std::string_view text) {
  if (auto valid = check_size(text); !valid) return std::unexpected(valid.error());
  const std::vector<std::string_view> entries = entries_of(text);
  if (entries.size() > kMaxResourceItems) {
    return fail("{} resources are too many: at most {} are allowed", entries.size(),
                kMaxResourceItems);
  }
  std::vector<Resource> items;
  for (const std::string_view entry : entries) {
    auto item = parse_resource(entry);
    if (!item) return std::unexpected(std::move(item.error()));
    items.push_back(std::move(*item));
  }
  return checked(std::move(items));
}

std::string Resources::to_string() const {
  std::string out;
  for (const Resource& item : items()) {
    if (!out.empty()) out += ';';
    append(out, item);
  }
  return out;
}

Result<std::vector<Quantities>> parse_alternatives(std::string_view text) {
  if (auto valid = check_size(text); !valid) return std::unexpected(valid.error());
  std::vector<Quantities> alternatives;
  if (trim(text).empty()) return alternatives;
  for (const std::string_view part : split(text, '|')) {
    auto quantities = parse_quantities(part);
    if (!quantities) return std::unexpected(std::move(quantities.error()));
    alternatives.push_back(std::move(*quantities));
  }
  return alternatives;
}

Result<std::vector<Attribute>> parse_attributes(std::string_view text) {
  if (auto valid = check_size(text); !valid) return std::unexpected(valid.error());
  std::vector<Attribute> attributes;
  for (const std::string_view entry : entries_of(text)) {
    auto attribute = parse_attribute(entry);
    if (!attribute) return std::unexpected(std::move(attribute.error()));
    attributes.push_back(std::move(*attribute));
  }
  return attributes;
}

std::string to_string(const Attribute& attribute) {
  std::string out = attribute.name + ':';
  std::visit([&out](const auto& value) { append(out, value); }, attribute.value);
  return out;
}

}  // namespace souk
