// All experiments, in the order of the paper.
#pragma once

#include <span>

#include "bench/paper/report.h"

namespace souk::paper {

Report newcomer(const Plan& plan);     // Table 2
Report preferences(const Plan& plan);  // §4.3
Report short_slots(const Plan& plan);  // §4.4
Report large_tasks(const Plan& plan);  // §4.6
Report revocation(const Plan& plan);   // §3.3
Report starvation(const Plan& plan);   // §3.5
Report calibration(const Plan& plan);  // of the next two
Report macro(const Plan& plan);        // §6.1
Report locality(const Plan& plan);     // §6.3

std::span<const Experiment> experiments();

}  // namespace souk::paper
