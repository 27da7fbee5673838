#include "runtime/metrics.h"

#include <fmt/format.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <iterator>

namespace souk::runtime {
namespace {

// [a-zA-Z_:][a-zA-Z0-9_:]*
std::string allowed_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
    const bool digit = c >= '0' && c <= '9';
    if (digit && out.empty()) out.push_back('_');
    out.push_back(letter || digit ? c : '_');
  }
  return out;
}

prometheus::MetricFamily convert(const MetricFamily& family) {
  prometheus::MetricFamily out;
  out.name = allowed_name(family.name);
  out.help = family.help;
  switch (family.kind) {
    case MetricKind::kCounter:
      out.type = prometheus::MetricType::Counter;
      break;
    case MetricKind::kGauge:
      out.type = prometheus::MetricType::Gauge;
      break;
    case MetricKind::kHistogram:
      out.type = prometheus::MetricType::Histogram;
      break;
  }
  for (const MetricSample& sample : family.samples) {
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : sample.labels) {
      metric.label.push_back({allowed_name(name), value});
    }
    metric.gauge.value = sample.value;
    metric.counter.value = sample.value;
    out.metric.push_back(std::move(metric));
  }
  if (family.kind == MetricKind::kHistogram) {
    prometheus::ClientMetric metric;
    metric.histogram.sample_count = family.count;
    metric.histogram.sample_sum = family.sum;
    for (const MetricBucket& bucket : family.buckets) {
      metric.histogram.bucket.push_back({bucket.cumulative_count, bucket.upper_bound});
    }
    out.metric.push_back(std::move(metric));
  }
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace

std::string prometheus_text(const std::vector<MetricFamily>& families) {
  std::vector<prometheus::MetricFamily> converted;
  converted.reserve(families.size());
  for (const MetricFamily& family : families) converted.push_back(convert(family));
  return prometheus::TextSerializer().Serialize(converted);
}

std::string snapshot_json(const std::vector<std::pair<std::string, double>>& values) {
  std::string out = "{";
  for (const auto& [name, value] : values) {
    if (!std::isfinite(value)) continue;
    if (out.size() > 1) out.push_back(',');
    append_json_string(out, name);
    // The shortest digits that read back as the same number; whole numbers as Mesos prints them,
    // "3.0".
    fmt::format_to(std::back_inserter(out), ":{}{}", value,
                   value == std::floor(value) && std::fabs(value) < 1e15 ? ".0" : "");
  }
  out.push_back('}');
  return out;
}

}  // namespace souk::runtime
