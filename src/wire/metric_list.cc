#include "wire/metric_list.h"

#include <fmt/format.h>

#include <algorithm>

namespace souk::wire {

void MetricList::add_zeros(std::string_view prefix, std::span<const std::string_view> names) {
  for (const std::string_view name : names) add(fmt::format("{}{}", prefix, name), 0);
}

void MetricList::add_resources(std::string_view prefix, const Resources& total,
                               const Resources& used) {
  const auto add_kind = [&](std::string_view kind, const Resources& all, const Resources& taken) {
    for (const std::string_view name : {kCpus, kGpus, kMem, kDisk}) {
      const double of = all.scalar(name).to_double();
      const double amount = taken.scalar(name).to_double();
      add(fmt::format("{}{}{}_total", prefix, name, kind), of);
      add(fmt::format("{}{}{}_used", prefix, name, kind), amount);
      // A fraction, whatever its name says.
      add(fmt::format("{}{}{}_percent", prefix, name, kind), of > 0 ? amount / of : 0.0);
    }
  };
  add_kind("", total.non_revocable(), used.non_revocable());
  add_kind("_revocable", total.revocable(), used.revocable());
}

void MetricList::add_system(const SystemFacts& system) {
  add("system/cpus_total", system.cpus_total);
  add("system/load_1min", system.load_1min);
  add("system/load_5min", system.load_5min);
  add("system/load_15min", system.load_15min);
  add("system/mem_free_bytes", system.mem_free_bytes);
  add("system/mem_total_bytes", system.mem_total_bytes);
}

Metrics MetricList::take() && {
  std::ranges::sort(metrics_);
  return std::move(metrics_);
}

}  // namespace souk::wire
