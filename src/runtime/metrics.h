// Samples as Prometheus reads them and as Mesos's /metrics/snapshot gives them. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::runtime {

struct MetricSample {
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

struct MetricBucket {
  double upper_bound = 0;
  uint64_t cumulative_count = 0;
};

enum class MetricKind { kCounter, kGauge, kHistogram };

// One name with its samples. A histogram has no samples but buckets, sum and count.
struct MetricFamily {
  std::string name;  // what Prometheus does not allow in a name becomes '_'
  std::string help;
  MetricKind kind = MetricKind::kGauge;
  std::vector<MetricSample> samples;
  std::vector<MetricBucket> buckets;
  double sum = 0;
  uint64_t count = 0;
};

inline constexpr std::string_view kPrometheusContentType =
    "text/plain; version=0.0.4; charset=utf-8";
std::string prometheus_text(const std::vector<MetricFamily>& families);

// {"master/uptime_secs":12.5,...}: flat, names verbatim, in the order given; what is not finite is
// left out.
std::string snapshot_json(const std::vector<std::pair<std::string, double>>& values);

}  // namespace souk::runtime
