// The median of what many seeds gave, and the quartiles: what half of them lie between.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace souk::paper {

struct Spread {
  double median = 0;
  double lower = 0;
  double upper = 0;

  // "12.3 (11.9-12.8)"
  std::string text(int digits) const {
    return fmt::format("{:.{}f} ({:.{}f}-{:.{}f})", median, digits, lower, digits, upper, digits);
  }
};

// Between two values in proportion. Of nothing: zeroes.
inline Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::ranges::sort(values);
  const auto at = [&](double part) {
    const double place = part * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    const double rest = place - static_cast<double>(below);
    return values[below] + (values[above] - values[below]) * rest;
  };
  return {at(0.5), at(0.25), at(0.75)};
}

}  // namespace souk::paper
