#include "workloads/mixes.h"

#include <algorithm>
#include <array>
#include <utility>

namespace souk::workloads {
namespace {

struct Bin {
  Lengths FacebookMix::* maps_are;
  uint64_t maps;
  uint64_t reduces;
  int jobs;
};

constexpr std::array<Bin, 8> kBins = {{
    {&FacebookMix::selection, 1, 0, 38},
    {&FacebookMix::text_search, 2, 0, 18},
    {&FacebookMix::aggregation, 10, 2, 14},
    {&FacebookMix::selection, 50, 0, 12},
    {&FacebookMix::aggregation, 100, 10, 6},
    {&FacebookMix::selection, 200, 0, 6},
    {&FacebookMix::text_search, 400, 0, 4},
    {&FacebookMix::join, 400, 30, 2},
}};

// The first `many` of a random order, in that order.
template <class T>
void draw_first(std::vector<T>& from, std::size_t many, Rng& rng) {
  for (std::size_t i = 0; i < many; ++i) std::swap(from[i], from[i + rng.below(from.size() - i)]);
}

}  // namespace

std::vector<std::vector<std::string>> spread_blocks(uint64_t blocks,
                                                    const std::vector<std::string>& hosts,
                                                    std::size_t copies, Rng rng) {
  copies = std::min(copies, hosts.size());
  std::vector<std::vector<std::string>> spread(blocks);
  std::vector<std::string> order = hosts;
  for (auto& block : spread) {
    draw_first(order, copies, rng);
    block.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(copies));
  }
  return spread;
}

std::vector<Job> facebook_mix(const FacebookMix& mix, const Rng& rng) {
  std::vector<std::size_t> bins;
  for (std::size_t bin = 0; bin < kBins.size(); ++bin) {
    bins.insert(bins.end(), static_cast<std::size_t>(kBins.at(bin).jobs), bin);
  }
  Rng shuffling = rng.fork("order");
  draw_first(bins, bins.size(), shuffling);
  LengthSource between(Lengths::exponential(mix.mean_between), rng.fork("arrivals"));
  std::vector<Job> jobs;
  Duration arrival{0};
  for (const std::size_t number : bins) {
    const Bin& bin = kBins.at(number);
    Job job;
    job.kind = std::to_string(number + 1);
    job.arrival = arrival;
    arrival += between.next();
    job.stages.push_back({bin.maps, mix.*bin.maps_are, mix.demand});
    const Rng placing = rng.fork(fmt::format("blocks of {}", jobs.size()));
    job.stages[0].preferred = spread_blocks(bin.maps, mix.hosts, mix.copies, placing);
    if (bin.reduces > 0) job.stages.push_back({bin.reduces, mix.reduce, mix.demand});
    jobs.push_back(std::move(job));
  }
  return jobs;
}

}  // namespace souk::workloads
