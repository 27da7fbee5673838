// All experiments, in the order of the paper.
#pragma once

#include <span>

#include "bench/paper/report.h"

namespace souk::paper {

Report newcomer(const Plan& plan);  // Table 2

std::span<const Experiment> experiments();

}  // namespace souk::paper
