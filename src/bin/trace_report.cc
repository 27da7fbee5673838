#include "bin/trace_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "bin/json_answer.h"
#include "wire/json_writer.h"

namespace souk::bin {
namespace {

using sim::ReplayJob;
using sim::ReplaySample;
using sim::Report;

using Rows = std::vector<std::vector<std::string>>;

// Of the frameworks, those with the largest shares have a column.
constexpr std::size_t kMostColumns = 8;
constexpr std::array kPercentiles = {50, 95, 100};

// "0.35 s", "12.3 min": three digits, in the unit that suits.
std::string human(Duration time) {
  const double seconds = to_seconds(time);
  if (seconds < 120) return fmt::format("{:.{}f} s", seconds, seconds < 10 ? 2 : 1);
  if (seconds < 2 * 3600) return fmt::format("{:.1f} min", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{:.1f} h", seconds / 3600);
  return fmt::format("{:.1f} d", seconds / 86400);
}

std::string percent(double part) { return fmt::format("{:.1f}%", 100 * part); }

// Of the jobs of one framework; those that there are.
struct Times {
  Times(const Report& report, std::size_t framework) {
    for (const ReplayJob& job : report.jobs) {
      if (job.framework != framework) continue;
      if (const auto wait = job.wait()) waits.push_back(*wait);
      if (const auto completion = job.completion()) completions.push_back(*completion);
      if (const auto slowdown = job.slowdown()) slowdowns.push_back(*slowdown);
    }
  }
  std::vector<Duration> waits;
  std::vector<Duration> completions;
  std::vector<double> slowdowns;
};

template <class T, class Print>
std::string three(const std::vector<T>& values, const Print& print) {
  std::string text;
  for (const int percent : kPercentiles) {
    const auto value = sim::percentile(values, percent);
    if (!value) return "-";
    text += fmt::format("{}{}", text.empty() ? "" : " / ", print(*value));
  }
  return text;
}

std::string head(const Report& report, const ReplayedTrace& of) {
  std::string amounts;
  for (std::size_t i = 0; i < report.resources.size(); ++i) {
    amounts += fmt::format("{}{}:{}", amounts.empty() ? "" : ";", report.resources[i],
                           amount_text({report.totals[i]}));
  }
  const uint64_t tasks =
      std::accumulate(report.jobs.begin(), report.jobs.end(), uint64_t{0},
                      [](uint64_t sum, const ReplayJob& job) { return sum + job.tasks; });
  return fmt::format(
      "{}: {} jobs with {} tasks, {} frameworks, {} agents ({}), allocator {}, seed {}\n", of.trace,
      report.jobs.size(), tasks, report.frameworks.size(), report.agents, amounts, of.allocator,
      of.seed);
}

std::string outcome(const Report& report) {
  const auto left = static_cast<std::size_t>(
      std::ranges::count_if(report.jobs, [](const ReplayJob& job) { return !job.done; }));
  switch (report.end) {
    case Report::End::kAllDone:
      break;
    case Report::End::kUntil:
      return fmt::format("Stopped after {}, as --until says: {} jobs were not done\n",
                         human(report.length), left);
    case Report::End::kStuck:
      return fmt::format(
          "STUCK: after {} nothing runs any more, and {} jobs are not done: is all that is free "
          "held back for a guarantee, or below the minimum offer?\n",
          human(report.length), left);
  }
  return fmt::format("All jobs were done after {}\n", human(report.length));
}

std::string table(std::string_view title, const Rows& rows) {
  return fmt::format("\n{}\n{}", title, table_text(rows));
}

std::string frameworks_table(const Report& report, const ReplaySample& whole) {
  Rows rows{{"NAME", "ROLE", "JOBS", "TASKS", "REVOKED", "SHARE", "WAIT p50 / p95 / max",
             "COMPLETION p50 / p95 / max", "SLOWDOWN p50 / p95 / max"}};
  for (std::size_t i = 0; i < report.frameworks.size(); ++i) {
    const sim::ReplayFramework& each = report.frameworks[i];
    const Times times(report, i);
    rows.push_back({each.name, each.role,
                    each.done == each.jobs ? fmt::format("{}", each.jobs)
                                           : fmt::format("{} of {}", each.done, each.jobs),
                    fmt::format("{}", each.tasks_finished), fmt::format("{}", each.tasks_lost),
                    percent(report.dominant_share(whole, i)), three(times.waits, human),
                    three(times.completions, human), three(times.slowdowns, [](double value) {
                      return fmt::format("{:.2f}", value);
                    })});
  }
  return table("Frameworks (times from the arrival of a job)", rows);
}

std::string utilization_table(const Report& report, const ReplaySample& whole) {
  Rows rows{{"RESOURCE", "TOTAL", "USED", "NO WORK", "TOO SMALL", "OTHER"}};
  for (std::size_t i = 0; i < report.resources.size(); ++i) {
    const auto part = [&](sim::UsageSum sum) {
      return percent(whole.mean(sum) / std::max(1.0, static_cast<double>(report.totals[i])));
    };
    const sim::Usage::Idle& idle = whole.idle[i];
    rows.push_back({report.resources[i], amount_text({report.totals[i]}),
                    percent(report.utilization(whole, i)), part(idle.no_work), part(idle.too_small),
                    part(idle.other)});
  }
  return table(
      "Resources: used, or idle because no task waited, or what is left on a host is too "
      "small for those that wait",
      rows);
}

// Those of the largest mean shares, in the order of the trace.
std::vector<std::size_t> shown_frameworks(const Report& report, const ReplaySample& whole) {
  std::vector<std::size_t> shown(report.frameworks.size());
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  std::ranges::stable_sort(shown, std::greater(), [&](std::size_t framework) {
    return report.dominant_share(whole, framework);
  });
  if (shown.size() > kMostColumns) shown.resize(kMostColumns);
  std::ranges::sort(shown);
  return shown;
}

std::vector<ReplaySample> joined(const Report& report, std::size_t rows) {
  const std::size_t each = std::max<std::size_t>(1, (report.samples.size() + rows - 1) / rows);
  std::vector<ReplaySample> samples;
  for (std::size_t i = 0; i < report.samples.size(); ++i) {
    if (i % each == 0) {
      samples.push_back(report.samples[i]);
    } else {
      samples.back().join(report.samples[i]);
    }
  }
  return samples;
}

std::string shares_table(const Report& report, const ReplaySample& whole, std::size_t most) {
  const std::vector<std::size_t> shown = shown_frameworks(report, whole);
  Rows rows{{"FROM", "UNTIL"}};
  for (const std::size_t each : shown) rows[0].push_back(report.frameworks[each].name);
  for (const std::string& name : report.resources) rows[0].push_back("all " + name);
  rows[0].emplace_back("WAITING");
  for (const ReplaySample& sample : joined(report, most)) {
    auto& row = rows.emplace_back(std::vector<std::string>{human(sample.begin), human(sample.end)});
    for (const std::size_t each : shown) {
      row.push_back(percent(report.dominant_share(sample, each)));
    }
    for (std::size_t i = 0; i < report.resources.size(); ++i) {
      row.push_back(percent(report.utilization(sample, i)));
    }
    row.push_back(fmt::format("{:.0f}", sample.mean(sample.waiting)));
  }
  std::string text =
      table("Shares over time (dominant; means), what is used, tasks that wait", rows);
  if (shown.size() < report.frameworks.size()) {
    text += fmt::format("  ... and {} more frameworks: --csv and --json have all\n",
                        report.frameworks.size() - shown.size());
  }
  return text;
}

// --- JSON

void write(wire::JsonWriter& out, std::string_view key, const std::optional<double>& value) {
  out.key(key);
  if (value) {
    out.value(*value);
  } else {
    out.null();
  }
}

std::optional<double> seconds_of(const std::optional<Duration>& time) {
  return time ? std::optional(to_seconds(*time)) : std::nullopt;
}

double number_of(double value) { return value; }
double number_of(Duration value) { return to_seconds(value); }

template <class T>
void write_percentiles(wire::JsonWriter& out, std::string_view key, const std::vector<T>& values) {
  static constexpr std::array kNames = {"p50", "p95", "max"};
  out.key(key);
  out.begin_object();
  for (std::size_t i = 0; i < kPercentiles.size(); ++i) {
    const auto value = sim::percentile(values, kPercentiles[i]);
    write(out, kNames[i], value ? std::optional(number_of(*value)) : std::nullopt);
  }
  out.end_object();
}

void write_frameworks(wire::JsonWriter& out, const Report& report, const ReplaySample& whole) {
  out.key("frameworks");
  out.begin_array();
  for (std::size_t i = 0; i < report.frameworks.size(); ++i) {
    const sim::ReplayFramework& each = report.frameworks[i];
    const Times times(report, i);
    out.begin_object();
    out.field("name", each.name);
    out.field("role", each.role);
    out.field("jobs", each.jobs);
    out.field("jobs_done", each.done);
    out.field("tasks_finished", each.tasks_finished);
    out.field("tasks_revoked", each.tasks_lost);
    out.field("dominant_share", report.dominant_share(whole, i));
    write_percentiles(out, "wait_secs", times.waits);
    write_percentiles(out, "completion_secs", times.completions);
    write_percentiles(out, "slowdown", times.slowdowns);
    out.end_object();
  }
  out.end_array();
}

void write_resources(wire::JsonWriter& out, const Report& report, const ReplaySample& whole) {
  out.key("resources");
  out.begin_object();
  for (std::size_t i = 0; i < report.resources.size(); ++i) {
    const double total = std::max(1.0, static_cast<double>(report.totals[i]));
    out.key(report.resources[i]);
    out.begin_object();
    out.field("total", static_cast<double>(report.totals[i]) / 1000);
    out.field("used", report.utilization(whole, i));
    out.field("idle_no_work", whole.mean(whole.idle[i].no_work) / total);
    out.field("idle_too_small", whole.mean(whole.idle[i].too_small) / total);
    out.field("idle_other", whole.mean(whole.idle[i].other) / total);
    out.end_object();
  }
  out.end_object();
}

void write_jobs(wire::JsonWriter& out, const Report& report) {
  out.key("jobs");
  out.begin_array();
  for (const ReplayJob& job : report.jobs) {
    out.begin_object();
    out.field("name", job.name);
    out.field("framework", report.frameworks[job.framework].name);
    out.field("tasks", job.tasks);
    out.field("arrival_secs", to_seconds(job.arrival));
    write(out, "wait_secs", seconds_of(job.wait()));
    write(out, "completion_secs", seconds_of(job.completion()));
    write(out, "alone_secs", job.done ? std::optional(to_seconds(job.alone)) : std::nullopt);
    write(out, "slowdown", job.slowdown());
    out.end_object();
  }
  out.end_array();
}

void write_samples(wire::JsonWriter& out, const Report& report) {
  out.key("samples");
  out.begin_array();
  for (const ReplaySample& sample : report.samples) {
    out.begin_object();
    out.field("begin_secs", to_seconds(sample.begin));
    out.field("end_secs", to_seconds(sample.end));
    out.field("waiting", sample.mean(sample.waiting));
    out.key("dominant_shares");
    out.begin_object();
    for (std::size_t i = 0; i < report.frameworks.size(); ++i) {
      out.field(report.frameworks[i].name, report.dominant_share(sample, i));
    }
    out.end_object();
    out.key("used");
    out.begin_object();
    for (std::size_t i = 0; i < report.resources.size(); ++i) {
      out.field(report.resources[i], report.utilization(sample, i));
    }
    out.end_object();
    out.end_object();
  }
  out.end_array();
}

std::string_view name_of(Report::End end) {
  switch (end) {
    case Report::End::kAllDone:
      break;
    case Report::End::kUntil:
      return "until";
    case Report::End::kStuck:
      return "stuck";
  }
  return "all_done";
}

// A field of a CSV row.
std::string field(std::string_view text) {
  if (text.find_first_of(",\"\n\r") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace

std::string report_text(const Report& report, const ReplayedTrace& of) {
  const ReplaySample whole = report.whole();
  std::string text = head(report, of) + outcome(report);
  text += frameworks_table(report, whole);
  text += utilization_table(report, whole);
  text += shares_table(report, whole, of.rows);
  text += fmt::format("\n{} in {:.2f} s: {:.0f} times real time, {} steps\ndigest {}\n",
                      human(report.length), of.real_seconds,
                      to_seconds(report.length) / std::max(of.real_seconds, 1e-6), report.steps,
                      report.digest);
  return text;
}

std::string report_json(const Report& report, const ReplayedTrace& of) {
  const ReplaySample whole = report.whole();
  std::string text;
  wire::JsonWriter out(text);
  out.begin_object();
  out.field("trace", of.trace);
  out.field("allocator", of.allocator);
  out.field("seed", of.seed);
  out.field("agents", report.agents);
  out.field("end", name_of(report.end));
  out.field("length_secs", to_seconds(report.length));
  write_frameworks(out, report, whole);
  write_resources(out, report, whole);
  write_jobs(out, report);
  write_samples(out, report);
  out.field("steps", report.steps);
  out.field("real_secs", of.real_seconds);
  out.field("digest", report.digest);
  out.end_object();
  return text + '\n';
}

std::string report_csv(const Report& report) {
  std::string text = "begin_secs,end_secs";
  for (const auto& framework : report.frameworks) {
    text += ',' + field(framework.name + " share");
    for (const std::string& name : report.resources)
      text += ',' + field(framework.name + ' ' + name);
  }
  for (const std::string& name : report.resources) text += ',' + field("used " + name);
  text += ",waiting\n";
  for (const ReplaySample& sample : report.samples) {
    text += fmt::format("{:.3f},{:.3f}", to_seconds(sample.begin), to_seconds(sample.end));
    for (std::size_t i = 0; i < report.frameworks.size(); ++i) {
      text += fmt::format(",{:.6f}", report.dominant_share(sample, i));
      for (const sim::UsageSum sum : sample.held[i]) {
        text += fmt::format(",{:.3f}", sample.mean(sum) / 1000);
      }
    }
    for (std::size_t i = 0; i < report.resources.size(); ++i) {
      text += fmt::format(",{:.6f}", report.utilization(sample, i));
    }
    text += fmt::format(",{:.1f}\n", sample.mean(sample.waiting));
  }
  return text;
}

}  // namespace souk::bin
