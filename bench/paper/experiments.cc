#include "bench/paper/experiments.h"

namespace souk::paper {
namespace {

constexpr Experiment kExperiments[] = {
    {"newcomer", "Table 2: ramp-up, completion and utilization of a newcomer", newcomer},
    {"preferences", "§4.3: each its own slots, and a lottery for those that all want", preferences},
    {"short_slots", "§4.4: nodes full of long tasks, and slots for short ones", short_slots},
    {"large_tasks", "§4.6: a large task among small ones, and the waste by packing", large_tasks},
    {"revocation", "§3.3: a guarantee, with and without revocation", revocation},
    {"starvation", "§3.5: 150 of 200 frameworks decline everything", starvation},
    {"calibration", "§6.1, §6.3: task lengths, from the paper's static columns", calibration},
    {"macro", "§6.1: four frameworks, on partitions and sharing", macro},
    {"locality", "§6.3: delay scheduling", locality},
};

}  // namespace

std::span<const Experiment> experiments() { return kExperiments; }

}  // namespace souk::paper
