#include "workloads/service.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/check.h"

namespace souk::workloads {

Service::Service(ServiceOptions options)
    : Framework(options.framework), options_(std::move(options)) {
  SOUK_CHECK(!options_.demand.empty(), "an instance needs something to run on");
}

uint64_t Service::missing() const {
  return options_.instances > running() ? options_.instances - running() : 0;
}

// How many instances to start on each offer: one after another on the host that has the fewest.
std::vector<uint64_t> Service::spread(const std::vector<Offer>& offers) {
  std::vector<uint64_t> starts(offers.size());
  std::vector<Resources> left;
  left.reserve(offers.size());
  std::set<std::pair<uint64_t, std::size_t>> order;  // by instances on its host
  for (std::size_t i = 0; i < offers.size(); ++i) {
    left.push_back(offers[i].resources);
    order.insert({on_host_[offers[i].hostname], i});
  }
  for (uint64_t more = missing(); more > 0 && !order.empty();) {
    const auto [seen, i] = *order.begin();
    order.erase(order.begin());
    uint64_t& here = on_host_[offers[i].hostname];
    if (here >= options_.max_per_host || !left[i].contains(options_.demand)) continue;
    if (here == seen) {  // else another offer of this host was used since
      left[i] -= options_.demand;
      ++starts[i];
      ++here;
      --more;
    }
    order.insert({here, i});
  }
  std::erase_if(on_host_, [](const auto& each) { return each.second == 0; });
  return starts;
}

void Service::offered(Context& context, std::vector<Offer>&& offers) {
  const std::vector<uint64_t> starts = spread(offers);
  std::vector<OfferId> declined;
  for (std::size_t i = 0; i < offers.size(); ++i) {
    if (starts[i] == 0) {
      declined.push_back(offers[i].id);
    } else {
      std::vector<Plan> plans(starts[i], Plan{options_.demand, options_.length});
      launch(context, offers[i], std::move(plans), options_.refuse);
    }
  }
  decline(context, std::move(declined), options_.refuse);
  want_offers(context, missing() > 0);
}

void Service::task_up(Context& context, const Task&) {
  if (++up_ == options_.instances && !ramped_up_) ramped_up_ = context.now.mono;
}

void Service::task_ended(Context& context, const Task& task, bool) {
  if (task.up) --up_;
  const auto at = on_host_.find(task.host);
  if (--at->second == 0) on_host_.erase(at);
  ask_again(context);
}

}  // namespace souk::workloads
