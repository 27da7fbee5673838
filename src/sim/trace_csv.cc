#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "base/text.h"
#include "sim/trace.h"

namespace souk::sim {
namespace {

constexpr std::string_view kColumns[] = {"name",  "framework", "arrival", "submitted",
                                         "tasks", "duration",  "demand",  "cpus",
                                         "mem",   "disk",      "gpus",    "hosts"};

using Row = std::vector<std::string>;

// Rows of RFC 4180: fields may stand in quotes, in which a quote is doubled.
class Rows {
 public:
  Rows(std::string_view text, char separator) : text_(text), separator_(separator) {}

  std::size_t line() const { return line_; }  // where the last row began

  // The next row that is neither empty nor a comment; nothing at the end.
  Result<std::optional<Row>> next() {
    while (at_ < text_.size()) {
      line_ = next_line_;
      auto row = read();
      if (!row) return fail("line {}: {}", line_, row.error().message);
      const bool blank = row->size() == 1 && trim(row->front()).empty();
      if (!blank && !row->front().starts_with('#')) return std::optional(std::move(*row));
    }
    return std::nullopt;
  }

 private:
  Result<Row> read() {
    Row row(1);
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '\n') {
        ++next_line_;
        break;
      }
      if (c == separator_) {
        if (row.size() == std::size(kColumns) + kSpare) return fail("too many fields");
        row.emplace_back();
      } else if (c == '"' && row.back().empty()) {
        if (auto closed = read_quoted(row.back()); !closed) return std::unexpected(closed.error());
      } else if (c != '\r') {
        row.back() += c;
      }
    }
    return row;
  }

  Result<void> read_quoted(std::string& field) {
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '\n') ++next_line_;
      if (c != '"') {
        field += c;
      } else if (at_ < text_.size() && text_[at_] == '"') {
        ++at_;
        field += '"';
      } else {
        return {};
      }
    }
    return fail("a \" is not closed");
  }

  static constexpr std::size_t kSpare = 1;  // for a separator at the end of each row

  std::string_view text_;
  const char separator_;
  std::size_t at_ = 0;
  std::size_t line_ = 0;
  std::size_t next_line_ = 1;
};

// A number of megabytes; or of what its last letter says.
Result<std::string> parse_mem(std::string_view text) {
  text = trim(text);
  double scale = 1;
  constexpr std::string_view kUnits = "KMGT";
  if (const std::size_t unit = text.empty() ? kUnits.npos : kUnits.find(text.back());
      unit != kUnits.npos) {
    scale = std::pow(1024.0, static_cast<double>(unit) - 1);
    text.remove_suffix(1);
  }
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  const auto amount = Scalar::from_double(number * scale);
  if (error != std::errc() || rest != end || !amount) {
    return fail("{} is no amount of memory: a number of MB, or as in 4G", quote(text));
  }
  return amount_text(*amount);
}

class Reader {
 public:
  explicit Reader(Rows& rows) : rows_(rows) {}

  Result<std::vector<TraceJob>> read() {
    auto header = rows_.next();
    if (!header) return std::unexpected(header.error());
    if (!*header) return fail("it is empty: its first row has to name the columns");
    if (auto known = take_header(**header); !known) {
      return fail("line {}: {}", rows_.line(), known.error().message);
    }
    std::vector<TraceJob> jobs;
    while (true) {
      auto row = rows_.next();
      if (!row) return std::unexpected(row.error());
      if (!*row) break;
      if (jobs.size() == kMaxTraceJobs) {
        return fail("line {}: more than {} jobs", rows_.line(), kMaxTraceJobs);
      }
      auto job = take(**row);
      if (!job) return fail("line {}: {}", rows_.line(), job.error().message);
      jobs.push_back(std::move(*job));
    }
    if (auto set = set_arrivals(jobs); !set) return std::unexpected(set.error());
    return jobs;
  }

 private:
  Result<void> take_header(const Row& row) {
    for (const std::string& field : row) {
      const std::string name = to_lower(trim(field));
      if (name.empty() && &field == &row.back()) continue;
      if (std::ranges::find(kColumns, name) == std::end(kColumns)) {
        const auto near = nearest_match(name, kColumns);
        return fail("column {} is not known: {}", quote(name),
                    near ? fmt::format("did you mean {}?", *near)
                         : fmt::format("known are {}", fmt::join(kColumns, ", ")));
      }
      if (has(name)) return fail("column {} is there twice", quote(name));
      columns_.push_back(name);
    }
    if (!has("framework")) return fail("a column 'framework' is missing: who runs the job");
    if (!has("duration")) return fail("a column 'duration' is missing: of each task");
    if (has("arrival") && has("submitted")) return fail("say either arrival or submitted");
    const bool amounts = has("cpus") || has("mem") || has("disk") || has("gpus");
    if (has("demand") == amounts) {
      return fail("say what a task needs either in a column demand, or in cpus, mem, disk, gpus");
    }
    return {};
  }

  bool has(std::string_view column) const {
    return std::ranges::find(columns_, column) != columns_.end();
  }

  Result<TraceJob> take(const Row& row) {
    const bool spare = row.size() == columns_.size() + 1 && trim(row.back()).empty();
    if (row.size() != columns_.size() && !spare) {
      return fail("{} fields, not {} as in the first row", row.size(), columns_.size());
    }
    TraceJob job;
    job.where = fmt::format("line {}", rows_.line());
    job.stages.resize(1);
    amounts_.clear();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string_view field = trim(row[i]);
      if (auto taken = take(columns_[i], field, job); !taken) {
        return fail("{}: {}", columns_[i], taken.error().message);
      }
    }
    if (has("demand")) return job;
    auto demand = Resources::parse(amounts_);
    if (!demand) return std::unexpected(demand.error());
    job.stages[0].demand = std::move(*demand);
    return job;
  }

  Result<void> take(std::string_view column, std::string_view field, TraceJob& job) {
    TraceStage& stage = job.stages[0];
    if (column == "name") {
      job.name = field;
    } else if (column == "framework") {
      job.framework = field;
    } else if (column == "arrival") {
      return set(job.arrival, parse_trace_time(field));
    } else if (column == "submitted") {
      return set(submitted_.emplace_back(), parse_submitted(field));
    } else if (column == "tasks") {
      return set(stage.tasks, parse_tasks(field));
    } else if (column == "duration") {
      return set(stage.lengths, parse_lengths(field));
    } else if (column == "demand") {
      return set(stage.demand, Resources::parse(field));
    } else if (column == "hosts") {
      for (const std::string_view host : split(field, ' ')) {
        if (!host.empty()) stage.hosts.emplace_back(host);
      }
    } else if (!field.empty()) {
      auto amount = column == kMem ? parse_mem(field) : Result<std::string>(field);
      if (!amount) return std::unexpected(amount.error());
      amounts_ += fmt::format("{}:{};", column, *amount);
    }
    return {};
  }

  template <class T>
  static Result<void> set(T& to, Result<T> value) {
    if (!value) return std::unexpected(value.error());
    to = std::move(*value);
    return {};
  }

  static Result<uint64_t> parse_tasks(std::string_view field) {
    uint64_t tasks = 0;
    const char* const end = field.data() + field.size();
    const auto [rest, error] = std::from_chars(field.data(), end, tasks);
    if (error != std::errc() || rest != end || tasks == 0 || tasks > kMaxTraceTasks) {
      return fail("{} is not a whole number from 1 to {}", quote(field), kMaxTraceTasks);
    }
    return tasks;
  }

  // Seconds since 1970.
  static Result<int64_t> parse_submitted(std::string_view field) {
    constexpr int64_t kMost = int64_t{1} << 40;
    int64_t seconds = 0;
    const char* const end = field.data() + field.size();
    const auto [rest, error] = std::from_chars(field.data(), end, seconds);
    if (error != std::errc() || rest != end || seconds < 0 || seconds > kMost) {
      return fail("{} is no time in whole seconds since 1970", quote(field));
    }
    return seconds;
  }

  // The earliest that was submitted arrives at the start.
  Result<void> set_arrivals(std::vector<TraceJob>& jobs) const {
    if (submitted_.empty()) return {};
    const int64_t first = *std::ranges::min_element(submitted_);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      const int64_t seconds = submitted_[i] - first;
      if (seconds > kMaxTraceTime / 1s) {
        return fail("{}: submitted: more than {} after the first", jobs[i].where,
                    format_duration(kMaxTraceTime));
      }
      jobs[i].arrival = Duration(std::chrono::seconds(seconds));
    }
    return {};
  }

  Rows& rows_;
  std::vector<std::string> columns_;
  std::vector<int64_t> submitted_;
  std::string amounts_;
};

// What divides the first row: a comma, or else what other programs write.
char separator_of(std::string_view text) {
  while (text.starts_with('#') || text.starts_with('\n') || text.starts_with('\r')) {
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  const std::string_view header = text.substr(0, text.find('\n'));
  for (const char each : {',', '\t', '|'}) {
    if (header.find(each) != std::string_view::npos) return each;
  }
  return ',';
}

}  // namespace

Result<std::vector<TraceJob>> parse_jobs_csv(std::string_view text) {
  if (text.size() > kMaxTraceBytes) return fail("larger than {}", human_bytes(kMaxTraceBytes));
  Rows rows(text, separator_of(text));
  return Reader(rows).read();
}

}  // namespace souk::sim
