// The mixes of jobs of the paper's measurements. What the paper does not say, how long tasks run
// and what they ask for, is for the caller to choose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/rng.h"
#include "workloads/jobs.h"

namespace souk::workloads {

// For each of `blocks`, the hosts that hold a copy of it: `copies` different ones (all hosts, if
// there are not so many), drawn uniformly. No hosts: no wishes.
std::vector<std::vector<std::string>> spread_blocks(uint64_t blocks,
                                                    const std::vector<std::string>& hosts,
                                                    std::size_t copies, Rng rng);

struct FacebookMix {
  Resources demand;  // of every task
  // Of maps, by what the job does, and of reduces.
  Lengths selection;
  Lengths text_search;
  Lengths aggregation;
  Lengths join;
  Lengths reduce;
  Duration mean_between{14s};      // arrivals, exponentially distributed
  std::vector<std::string> hosts;  // that hold the data of the maps; empty: these run anywhere
  std::size_t copies = 3;
};

// The hundred jobs of §6.1 in a random order. `kind` is the number of the bin, "1" to "8".
std::vector<Job> facebook_mix(const FacebookMix& mix, const Rng& rng);

}  // namespace souk::workloads
