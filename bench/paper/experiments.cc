#include "bench/paper/experiments.h"

namespace souk::paper {
namespace {

constexpr Experiment kExperiments[] = {
    {"newcomer", "Table 2: ramp-up, completion and utilization of a newcomer", newcomer},
};

}  // namespace

std::span<const Experiment> experiments() { return kExperiments; }

}  // namespace souk::paper
