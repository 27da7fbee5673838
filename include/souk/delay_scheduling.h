// Delay scheduling for frameworks (§3.2 of the Mesos paper): run tasks where their data is by
// waiting a little for offers of those hosts. docs/DELAY_SCHEDULING.md has an example.
//
//   souk::DelayScheduling job(std::chrono::seconds(5));
//   job.add(0, {"node-1", "node-7"});
//   auto placed = job.place(offer.hostname, now);
#pragma once

#include "scheduler/delay_scheduling.h"

namespace souk {

using scheduler::DelayScheduling;

}  // namespace souk
