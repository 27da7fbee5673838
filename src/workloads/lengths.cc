#include "workloads/lengths.h"

#include "base/check.h"

namespace souk::workloads {
namespace {

// A number of Exp(1), as whole part and 2^-64ths. Von Neumann's way: it only compares uniform
// numbers, so it is exact and needs no library of mathematics, whose last digits differ.
struct Exponential {
  uint64_t whole = 0;
  uint64_t fraction = 0;

  double to_double() const {
    return static_cast<double>(whole) + static_cast<double>(fraction) * 0x1p-64;
  }
};

Exponential draw_exponential(Rng& rng) {
  for (uint64_t whole = 0;; ++whole) {
    const uint64_t first = rng.next();
    uint64_t smallest = first;
    bool odd = true;  // the length of the falling run that `first` starts
    for (uint64_t next = rng.next(); next < smallest; next = rng.next()) {
      smallest = next;
      odd = !odd;
    }
    if (odd) return {whole, first};
  }
}

// A number of N(0, 1), by rejection from two exponential ones; multiplies and compares only.
double draw_normal(Rng& rng) {
  while (true) {
    const double x = draw_exponential(rng).to_double();
    const double y = draw_exponential(rng).to_double();
    if (2 * y >= (x - 1) * (x - 1)) return (rng.next() & 1) != 0 ? x : -x;
  }
}

}  // namespace

LengthSource::LengthSource(Lengths lengths, Rng rng) : lengths_(std::move(lengths)), rng_(rng) {
  SOUK_CHECK(lengths_.kind != Lengths::Kind::kList || !lengths_.values.empty(),
             "a list of lengths needs one");
  SOUK_CHECK(lengths_.mean >= Duration(0), "a length is not negative");
}

Duration LengthSource::next() {
  const int64_t mean = lengths_.mean.count();
  switch (lengths_.kind) {
    case Lengths::Kind::kConstant:
      break;
    case Lengths::Kind::kExponential: {
      const Exponential x = draw_exponential(rng_);
      const auto part = (static_cast<unsigned __int128>(mean) * x.fraction) >> 64;
      return Duration(static_cast<int64_t>(x.whole) * mean + static_cast<int64_t>(part));
    }
    case Lengths::Kind::kNormal:
      while (true) {
        const double off = draw_normal(rng_) * static_cast<double>(lengths_.deviation.count());
        if (off >= -static_cast<double>(mean)) return Duration(mean + static_cast<int64_t>(off));
      }
    case Lengths::Kind::kList: {
      const Duration length = lengths_.values[next_value_];
      next_value_ = (next_value_ + 1) % lengths_.values.size();
      return length;
    }
  }
  return lengths_.mean;
}

}  // namespace souk::workloads
