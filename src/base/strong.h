// Strong types: a value with a name, so that an agent's id is never taken for a framework's.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

namespace souk {

template <class Tag, class Rep>
struct Strong {
  Rep value{};

  Strong() = default;
  explicit Strong(Rep v) : value(std::move(v)) {}

  auto operator<=>(const Strong&) const = default;
  bool operator==(const Strong&) const = default;

  // For ids that are text; an empty id means "none given".
  bool empty() const
    requires requires(const Rep& r) { r.empty(); }
  {
    return value.empty();
  }
  const char* c_str() const
    requires requires(const Rep& r) { r.c_str(); }
  {
    return value.c_str();
  }
};

// Found by boost::hash.
template <class Tag, class Rep>
std::size_t hash_value(const Strong<Tag, Rep>& id) {
  return std::hash<Rep>{}(id.value);
}

}  // namespace souk

template <class Tag, class Rep>
struct std::hash<souk::Strong<Tag, Rep>> {
  std::size_t operator()(const souk::Strong<Tag, Rep>& id) const {
    return std::hash<Rep>{}(id.value);
  }
};
