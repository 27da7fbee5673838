#include "wire/http_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "base/text.h"

namespace souk::wire {
namespace {

constexpr std::string_view kJsonSuffix = ".json";

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// Of a media range's parameters; one that is no number counts as the default.
double quality(const std::vector<std::string_view>& parts) {
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::string_view parameter = trim(parts[i]);
    if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
    double q = 1;
    const auto number = trim(parameter.substr(2));
    const auto [rest, error] = std::from_chars(number.data(), number.data() + number.size(), q);
    return error == std::errc() ? q : 1.0;
  }
  return 1;
}

// How closely a media range names a type: 0 not at all, 3 by its full name.
int specificity(std::string_view range, std::string_view type) {
  const std::string lower = to_lower(range);
  if (lower == type) return 3;
  if (lower == "application/*") return 2;
  return lower == "*/*" || lower == "*" ? 1 : 0;
}

bool accepts(std::string_view accept, std::string_view type) {
  int closest = 0;
  bool accepted = false;
  for (const std::string_view entry : split(accept, ',')) {
    const auto parts = split(entry, ';');
    const int how = specificity(trim(parts.front()), type);
    if (how <= closest) continue;
    closest = how;
    accepted = quality(parts) > 0;
  }
  return accepted;
}

std::string_view prefix_of(Side side) { return side == Side::kMaster ? "master" : "slave(1)"; }

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), is_control);
}

}  // namespace

std::optional<ContentType> parse_content_type(std::string_view header) {
  for (const ContentType type : {ContentType::kJson, ContentType::kProtobuf}) {
    if (header == mime_type(type)) return type;
  }
  return std::nullopt;
}

std::optional<ContentType> negotiate(std::optional<std::string_view> accept) {
  if (!accept || trim(*accept).empty()) return ContentType::kJson;
  for (const ContentType type : {ContentType::kJson, ContentType::kProtobuf}) {
    if (accepts(*accept, mime_type(type))) return type;
  }
  return std::nullopt;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded.push_back(' ');
    } else if (text[i] != '%') {
      decoded.push_back(text[i]);
    } else {
      if (text.size() - i < 3) return std::nullopt;
      const auto high = hex_digit(text[i + 1]);
      const auto low = hex_digit(text[i + 2]);
      if (!high || !low) return std::nullopt;
      decoded.push_back(static_cast<char>(*high * 16 + *low));
      i += 2;
    }
  }
  return decoded;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-_.~/").contains(c);
    if (plain) {
      out.push_back(c);
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

Result<Query> parse_query(std::string_view text) {
  Query query;
  if (text.empty()) return query;
  for (const std::string_view part : split(text, '&')) {
    if (part.empty()) continue;
    if (query.size() == kMaxQueryParameters) {
      return fail("the query has more than {} parameters", kMaxQueryParameters);
    }
    const std::size_t equals = part.find('=');
    auto name = percent_decode(part.substr(0, equals), true);
    auto value = percent_decode(
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1), true);
    if (!name || !value) return fail("broken percent escape in the query: {}", quote(part));
    query.emplace_back(std::move(*name), std::move(*value));
  }
  return query;
}

std::optional<std::string_view> find_parameter(const Query& query, std::string_view name) {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

Result<Target> parse_target(std::string_view target) {
  std::string_view path = target.substr(0, target.find('#'));
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!path.starts_with(scheme)) continue;
    path.remove_prefix(std::min(path.find_first_of("/?", scheme.size()), path.size()));
    break;
  }
  std::string_view query;
  if (const std::size_t mark = path.find('?'); mark != std::string_view::npos) {
    query = path.substr(mark + 1);
    path = path.substr(0, mark);
  }
  // "http://host" and "http://host?query" mean the root.
  if (path.empty() && !target.empty() && target.front() != '?') path = "/";
  if (!path.starts_with('/')) return fail("{} is no path: it must start with '/'", quote(target));
  auto decoded = percent_decode(path, false);
  if (!decoded) return fail("broken percent escape in the path {}", quote(path));
  if (has_control(*decoded)) return fail("control characters in the path {}", quote(*decoded));
  auto parameters = parse_query(query);
  if (!parameters) return std::unexpected(parameters.error());
  return Target{std::move(*decoded), std::move(*parameters)};
}

std::string normalize_path(std::string_view path, Side side) {
  std::string normal;
  bool first = true;
  for (const std::string_view segment : split(path, '/')) {
    if (segment.empty()) continue;
    const bool dropped = first && segment == prefix_of(side);
    first = false;
    if (dropped) continue;
    normal.push_back('/');
    normal.append(segment);
  }
  return normal.empty() ? "/" : normal;
}

RouteTable::RouteTable(std::vector<std::string> routes) {
  for (std::size_t i = 0; i < routes.size(); ++i) routes_.emplace_back(std::move(routes[i]), i);
  std::sort(routes_.begin(), routes_.end());
}

std::optional<std::size_t> RouteTable::exactly(std::string_view path) const {
  const auto at = std::lower_bound(
      routes_.begin(), routes_.end(), path,
      [](const auto& route, std::string_view wanted) { return route.first < wanted; });
  if (at == routes_.end() || at->first != path) return std::nullopt;
  return at->second;
}

std::optional<RouteTable::Match> RouteTable::find(std::string_view path) const {
  if (const auto route = exactly(path)) return Match{*route, {}};
  if (path.ends_with(kJsonSuffix)) {
    const std::string_view plain = path.substr(0, path.size() - kJsonSuffix.size());
    if (const auto route = exactly(plain)) return Match{*route, {}};
  }
  for (std::size_t slash = path.rfind('/'); slash != std::string_view::npos && slash > 0;
       slash = path.rfind('/', slash - 1)) {
    if (const auto route = exactly(path.substr(0, slash))) {
      return Match{*route, path.substr(slash)};
    }
  }
  return std::nullopt;
}

}  // namespace souk::wire
