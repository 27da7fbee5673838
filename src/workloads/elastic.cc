#include "workloads/elastic.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"

namespace souk::workloads {
namespace {

// How long a task may run on a short slot; nothing: it is no short slot.
std::optional<Duration> limit_of(const Offer& offer) {
  const auto at = std::ranges::find(offer.attributes, kMaxTaskDurationAttribute, &Attribute::name);
  if (at == offer.attributes.end()) return std::nullopt;
  const auto* seconds = std::get_if<Scalar>(&at->value);
  if (seconds == nullptr) return std::nullopt;
  return Duration(std::chrono::milliseconds(seconds->thousandths));
}

}  // namespace

Elastic::Elastic(ElasticOptions options, Rng rng)
    : Framework(options.framework), options_(std::move(options)), lengths_(options_.lengths, rng) {
  SOUK_CHECK(!options_.demand.empty(), "a task needs something to run on");
}

bool Elastic::done() const { return options_.tasks && totals().finished >= *options_.tasks; }

// How many more tasks it would run now.
uint64_t Elastic::room() const {
  const auto without_running = [&](uint64_t most) {
    return most > running() ? most - running() : 0;
  };
  uint64_t room = std::numeric_limits<uint64_t>::max();
  if (options_.slots_max) room = without_running(*options_.slots_max);
  if (options_.tasks) {
    const uint64_t done = std::min(totals().finished, *options_.tasks);
    room = std::min(room, without_running(*options_.tasks - done));
  }
  return room;
}

uint64_t Elastic::wanted_of(const Offer& offer) const {
  if (!options_.hosts.empty() && !options_.hosts.contains(offer.hostname)) return 0;
  if (options_.framework.short_slots != limit_of(offer).has_value()) return 0;
  return slots_in(offer.resources, options_.demand, std::min(room(), options_.max_tasks_per_offer));
}

// On a short slot a tenth less than the limit at most: its start takes time, too.
Duration Elastic::length_for(const Offer& offer) {
  const Duration length = lengths_.next();
  const auto limit = limit_of(offer);
  return limit ? std::min(length, *limit - *limit / 10) : length;
}

void Elastic::offered(Context& context, std::vector<Offer>&& offers) {
  std::vector<OfferId> declined;
  for (const Offer& offer : offers) {
    std::vector<Plan> plans(wanted_of(offer));
    for (Plan& plan : plans) plan = {options_.demand, length_for(offer)};
    if (plans.empty()) {
      declined.push_back(offer.id);
    } else {
      launch(context, offer, std::move(plans), options_.refuse);
    }
  }
  decline(context, std::move(declined), options_.refuse);
  settle(context);
}

void Elastic::task_ended(Context& context, const Task&, bool) { settle(context); }

void Elastic::settle(Context& context) {
  if (!ramped_up_ && options_.slots_max && running() >= *options_.slots_max) {
    ramped_up_ = context.now.mono;
  }
  if (options_.suppresses) want_offers(context, room() > 0);
}

ElasticOptions holder(FrameworkOptions framework, Resources demand, Lengths lengths,
                      std::set<std::string> hosts) {
  ElasticOptions options;
  options.framework = std::move(framework);
  options.demand = std::move(demand);
  options.lengths = std::move(lengths);
  options.hosts = std::move(hosts);
  options.suppresses = false;
  return options;
}

}  // namespace souk::workloads
