// Many runs of one experiment, and what they say together.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "bench/paper/report.h"

namespace souk::paper {

// result[i] = run(i), `jobs` at once. Each run makes a world of its own, so the order does not
// matter. Result REQUIRES a default.
template <class Result, class Run>
std::vector<Result> run_all(int runs, int jobs, Run&& run) {
  std::vector<Result> results(static_cast<std::size_t>(runs));
  std::atomic<int> next{0};
  const auto work = [&] {
    for (int i = next++; i < runs; i = next++) results[static_cast<std::size_t>(i)] = run(i);
  };
  std::vector<std::jthread> more;
  for (int i = 1; i < jobs; ++i) more.emplace_back(work);
  work();
  more.clear();
  return results;
}

// A seed for each run of each case, so that no two cases share theirs.
inline uint64_t seed_of(uint64_t seed, std::string_view name, int run) {
  return Rng(seed).fork(fmt::format("{} {}", name, run)).next();
}

// The mean of what was added, and its standard error.
class Mean {
 public:
  void add(double value) {
    ++count_;
    const double before = value - mean_;
    mean_ += before / static_cast<double>(count_);
    squares_ += before * (value - mean_);
  }
  std::size_t count() const { return count_; }
  double mean() const { return mean_; }
  double deviation() const {
    return count_ < 2 ? 0 : std::sqrt(squares_ / static_cast<double>(count_ - 1));
  }
  double error() const {
    return count_ < 2 ? 0 : deviation() / std::sqrt(static_cast<double>(count_));
  }

 private:
  std::size_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

// Sum of the first over sum of the second, with its standard error (by the delta method): what a
// long-running system sees, unlike the mean of ratios.
class Ratio {
 public:
  void add(double part, double whole) {
    parts_.push_back(part);
    wholes_.push_back(whole);
    part_ += part;
    whole_ += whole;
  }
  double ratio() const { return whole_ == 0 ? 0 : part_ / whole_; }
  double error() const {
    if (parts_.size() < 2) return 0;
    Mean residuals;
    for (std::size_t i = 0; i < parts_.size(); ++i) residuals.add(parts_[i] - ratio() * wholes_[i]);
    return residuals.error() * static_cast<double>(parts_.size()) / whole_;
  }

 private:
  std::vector<double> parts_;
  std::vector<double> wholes_;
  double part_ = 0;
  double whole_ = 0;
};

// The value that this part of the samples does not exceed; none: 0.
double quantile(std::vector<double> samples, double part);
// For a plot: the part of the samples up to each value, in some 200 points.
Series distribution(std::string title, std::vector<double> samples);

}  // namespace souk::paper
