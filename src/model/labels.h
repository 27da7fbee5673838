// Labels of tasks, frameworks and reservations. Plain values.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <vector>

namespace souk {

// A name and a value that users attach to things; keys may repeat.
struct Label {
  std::string key;
  std::optional<std::string> value;
  auto operator<=>(const Label&) const = default;
};
using Labels = std::vector<Label>;

}  // namespace souk
