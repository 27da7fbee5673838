// All experiments, in the order of the paper.
#pragma once

#include <span>

#include "bench/paper/report.h"

namespace souk::paper {

Report newcomer(const Plan& plan);     // Table 2
Report preferences(const Plan& plan);  // §4.3
Report short_slots(const Plan& plan);  // §4.4

std::span<const Experiment> experiments();

}  // namespace souk::paper
