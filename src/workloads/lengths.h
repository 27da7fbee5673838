// How long the tasks of a workload run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "base/time.h"

namespace souk::workloads {

// A distribution of lengths. Never below zero.
struct Lengths {
  enum class Kind : uint8_t { kConstant, kExponential, kNormal, kList };

  static Lengths constant(Duration length) { return {Kind::kConstant, length, Duration(0), {}}; }
  static Lengths exponential(Duration mean) { return {Kind::kExponential, mean, Duration(0), {}}; }
  // What would be negative is drawn again, so the mean is a little higher than `mean`.
  static Lengths normal(Duration mean, Duration deviation) {
    return {Kind::kNormal, mean, deviation, {}};
  }
  // One after another, and from the first again.
  static Lengths list(std::vector<Duration> lengths) {
    return {Kind::kList, Duration(0), Duration(0), std::move(lengths)};
  }

  Kind kind = Kind::kConstant;
  Duration mean{1s};
  Duration deviation{0};         // kNormal
  std::vector<Duration> values;  // kList; REQUIRES at least one
};

// Draws lengths from a distribution; same generator, same lengths, on every machine.
class LengthSource {
 public:
  LengthSource(Lengths lengths, Rng rng);
  Duration next();

 private:
  Lengths lengths_;
  Rng rng_;
  std::size_t next_value_ = 0;  // kList
};

}  // namespace souk::workloads
