#include "workloads/lengths.h"

#include <gtest/gtest.h>

#include <cmath>

namespace souk::workloads {
namespace {

std::vector<double> draw(const Lengths& lengths, std::size_t many, uint64_t seed = 1) {
  LengthSource source(lengths, Rng(seed));
  std::vector<double> drawn(many);
  for (double& each : drawn) each = to_seconds(source.next());
  return drawn;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double deviation(const std::vector<double>& values) {
  const double middle = mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - middle) * (value - middle);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

double part_above(const std::vector<double>& values, double bound) {
  std::size_t above = 0;
  for (const double value : values) above += value > bound ? 1 : 0;
  return static_cast<double>(above) / static_cast<double>(values.size());
}

TEST(Lengths, ConstantOnesAreAllTheSame) {
  EXPECT_EQ(draw(Lengths::constant(3s), 3), (std::vector<double>{3, 3, 3}));
}

TEST(Lengths, ListsStartAgain) {
  EXPECT_EQ(draw(Lengths::list({1s, 4s}), 5), (std::vector<double>{1, 4, 1, 4, 1}));
}

TEST(Lengths, ExponentialOnesHaveTheTailsOfTheirDistribution) {
  const auto drawn = draw(Lengths::exponential(10s), 100'000);
  EXPECT_NEAR(mean(drawn), 10, 0.15);
  EXPECT_NEAR(deviation(drawn), 10, 0.3);
  for (const double bound : {1.0, 5.0, 10.0, 20.0, 40.0}) {
    EXPECT_NEAR(part_above(drawn, bound), std::exp(-bound / 10), 0.006) << bound;
  }
}

TEST(Lengths, NormalOnesHaveTheTailsOfTheirDistribution) {
  const auto drawn = draw(Lengths::normal(30s, 5s), 100'000);
  EXPECT_NEAR(mean(drawn), 30, 0.1);
  EXPECT_NEAR(deviation(drawn), 5, 0.1);
  for (const double bound : {20.0, 25.0, 30.0, 32.5, 40.0}) {
    EXPECT_NEAR(part_above(drawn, bound), std::erfc((bound - 30) / 5 / std::sqrt(2.0)) / 2, 0.006)
        << bound;
  }
}

TEST(Lengths, NormalOnesAreNeverNegative) {
  for (const double length : draw(Lengths::normal(1s, 3s), 10'000)) EXPECT_GE(length, 0);
}

TEST(Lengths, TheSameSeedGivesTheSameLengths) {
  EXPECT_EQ(draw(Lengths::exponential(1s), 100), draw(Lengths::exponential(1s), 100));
  EXPECT_NE(draw(Lengths::exponential(1s), 100), draw(Lengths::exponential(1s), 100, 2));
}

}  // namespace
}  // namespace souk::workloads
