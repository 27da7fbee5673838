#include "bench/paper/runs.h"

#include <algorithm>
#include <utility>

namespace souk::paper {

double quantile(std::vector<double> samples, double part) {
  if (samples.empty()) return 0;
  std::ranges::sort(samples);
  return samples[static_cast<std::size_t>(part * static_cast<double>(samples.size() - 1))];
}

Series distribution(std::string title, std::vector<double> samples) {
  std::ranges::sort(samples);
  Series series{.title = std::move(title), .points = {}, .errors = {}, .steps = true};
  const std::size_t step = std::max<std::size_t>(1, samples.size() / 200);
  for (std::size_t i = 0; i < samples.size(); i += step) {
    series.points.emplace_back(samples[i],
                               static_cast<double>(i + 1) / static_cast<double>(samples.size()));
  }
  if (!samples.empty()) series.points.emplace_back(samples.back(), 1);
  return series;
}

}  // namespace souk::paper
