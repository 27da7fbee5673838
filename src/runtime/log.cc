#include "runtime/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>

#include "base/check.h"
#include "runtime/clock.h"

namespace souk::runtime {
namespace {

std::atomic<LogLevel> current_level{LogLevel::kWarning};
std::atomic<LogFormat> current_format{LogFormat::kText};

// Lines are made here, spdlog writes them.
spdlog::logger& writer() {
  static spdlog::logger logger = [] {
    spdlog::logger made("souk", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made.set_pattern("%v");
    made.set_level(spdlog::level::trace);
    made.flush_on(spdlog::level::trace);
    return made;
  }();
  return logger;
}

std::string timestamp(WallTime when) {
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count();
  const std::time_t seconds = micros / 1'000'000;
  std::tm t{};
  gmtime_r(&seconds, &t);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", t.tm_year + 1900, t.tm_mon + 1,
                     t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, micros % 1'000'000);
}

bool is_plain_value(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != '"' && c != '=' && c != '\\' && c != 0x7f;
  });
}

// Between quotes, with escapes that JSON and people read alike. A line stays one line whatever a
// peer sent.
void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out.append("\\n");
    } else if (code < 0x20 || code == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", code);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

// A number that JSON has: fmt writes "nan" and "inf" for the others.
bool is_json_number(const LogField& field) {
  return field.number && field.value.find_first_not_of("0123456789+-.e") == std::string::npos;
}

std::string text_line(WallTime when, LogLevel level, std::string_view message, LogFields fields) {
  std::string line = fmt::format("{} {:<7} ", timestamp(when), name_of(level));
  for (const char c : message) line.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  for (const LogField& field : fields) {
    line.append(" ").append(field.key).append("=");
    if (is_plain_value(field.value)) {
      line.append(field.value);
    } else {
      append_quoted(line, field.value);
    }
  }
  return line;
}

std::string json_line(WallTime when, LogLevel level, std::string_view message, LogFields fields) {
  std::string line =
      fmt::format(R"({{"time":"{}","level":"{}","message":)", timestamp(when), name_of(level));
  append_quoted(line, message);
  for (const LogField& field : fields) {
    line.push_back(',');
    append_quoted(line, field.key);
    line.push_back(':');
    if (is_json_number(field)) {
      line.append(field.value);
    } else {
      append_quoted(line, field.value);
    }
  }
  line.push_back('}');
  return line;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
    case LogLevel::kOff:
      break;
  }
  return "off";
}

Result<LogLevel> parse_log_level(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError, LogLevel::kOff}) {
    if (lower == name_of(level)) return level;
  }
  if (lower == "warn") return LogLevel::kWarning;
  return fail("'{}' is no logging level: use debug, info, warning, error or off", text);
}

Result<LogFormat> parse_log_format(std::string_view text) {
  if (text == "text") return LogFormat::kText;
  if (text == "json") return LogFormat::kJson;
  return fail("'{}' is no log format: use text or json", text);
}

void set_up_log(LogLevel level, LogFormat format) {
  current_format.store(format, std::memory_order_relaxed);
  set_log_level(level);
}

void set_log_level(LogLevel level) { current_level.store(level, std::memory_order_relaxed); }

LogLevel log_level() { return current_level.load(std::memory_order_relaxed); }

std::string format_log_line(LogFormat format, WallTime when, LogLevel level,
                            std::string_view message, LogFields fields) {
  if (format == LogFormat::kJson) return json_line(when, level, message, fields);
  return text_line(when, level, message, fields);
}

void log_line(LogLevel level, std::string_view message, LogFields fields) {
  if (!log_enabled(level) || level == LogLevel::kOff) return;
  const LogFormat format = current_format.load(std::memory_order_relaxed);
  writer().log(spdlog_level(level), format_log_line(format, wall_now(), level, message, fields));
}

// --- trails

namespace {

std::mutex trails_mutex;

std::vector<const EventTrail*>& trails() {
  static std::vector<const EventTrail*> all;
  return all;
}

void print_trails(std::string_view) {
  // The mutex is not waited for: the thread that holds it may be the one that failed.
  const std::unique_lock lock(trails_mutex, std::try_to_lock);
  if (!lock) return;
  for (const EventTrail* trail : trails()) {
    const std::string text = trail->to_string();
    std::fputs(text.c_str(), stderr);
  }
}

}  // namespace

EventTrail::EventTrail(std::string name) : name_(std::move(name)), entries_(kEvents) {
  const std::lock_guard lock(trails_mutex);
  trails().push_back(this);
}

EventTrail::~EventTrail() {
  const std::lock_guard lock(trails_mutex);
  std::erase(trails(), this);
}

void EventTrail::note(const Now& now, std::string_view what, std::string_view about) {
  Entry& entry = entries_[noted_++ % kEvents];
  entry.when = now.wall;
  const std::size_t first = what.copy(entry.text, kTextBytes - 1);
  entry.text[first] = ' ';
  entry.size = first + 1 + about.copy(entry.text + first + 1, kTextBytes - first - 1);
}

std::string EventTrail::to_string() const {
  std::string out = fmt::format("the last events of {}:\n", name_);
  const uint64_t first = noted_ > kEvents ? noted_ - kEvents : 0;
  for (uint64_t i = first; i < noted_; ++i) {
    const Entry& entry = entries_[i % kEvents];
    fmt::format_to(std::back_inserter(out), "  {} {}\n", timestamp(entry.when),
                   std::string_view(entry.text, entry.size));
  }
  return out;
}

void install_check_hook() { set_check_hook(print_trails); }

}  // namespace souk::runtime
