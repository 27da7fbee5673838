// The log: lines on standard error, as text or as JSON, with fields. Thread-safe. Quiet by default
// where nothing happens: what repeats with the load belongs to debug.
//
//   log_info("agent registered", {{"agent", id}, {"hostname", hostname}});
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "base/time.h"

namespace souk::runtime {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };
enum class LogFormat { kText, kJson };

struct LogField {
  std::string_view key;
  std::string value;
  bool number = false;  // bare in JSON

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  template <class Tag>
  LogField(std::string_view k, const Strong<Tag, std::string>& v) : key(k), value(v.value) {}
  template <class T>
    requires std::integral<T> || std::floating_point<T>
  LogField(std::string_view k, T v) : key(k), value(fmt::format("{}", v)), number(true) {}
};
using LogFields = std::initializer_list<LogField>;

// "debug", "info", "warning", "error", "off", also in capitals as Mesos has them.
Result<LogLevel> parse_log_level(std::string_view text);
Result<LogFormat> parse_log_format(std::string_view text);
std::string_view name_of(LogLevel level);

// Before anything is logged. Until then: text, from warning on.
void set_up_log(LogLevel level, LogFormat format);
void set_log_level(LogLevel level);
LogLevel log_level();
inline bool log_enabled(LogLevel level) { return level >= log_level(); }

void log_line(LogLevel level, std::string_view message, LogFields fields = {});
inline void log_debug(std::string_view message, LogFields fields = {}) {
  log_line(LogLevel::kDebug, message, fields);
}
inline void log_info(std::string_view message, LogFields fields = {}) {
  log_line(LogLevel::kInfo, message, fields);
}
inline void log_warning(std::string_view message, LogFields fields = {}) {
  log_line(LogLevel::kWarning, message, fields);
}
inline void log_error(std::string_view message, LogFields fields = {}) {
  log_line(LogLevel::kError, message, fields);
}

// A line as it would be written, without its end: for tests.
std::string format_log_line(LogFormat format, WallTime when, LogLevel level,
                            std::string_view message, LogFields fields);

// The last events of one machine, printed when a check fails: costs a copy of two short texts for
// each event. One thread notes; printing happens on a thread that is about to abort.
class EventTrail {
 public:
  static constexpr std::size_t kEvents = 256;
  static constexpr std::size_t kTextBytes = 104;

  explicit EventTrail(std::string name);  // "master", "agent S1"
  ~EventTrail();
  EventTrail(const EventTrail&) = delete;
  EventTrail& operator=(const EventTrail&) = delete;

  void note(const Now& now, std::string_view what, std::string_view about = {});
  std::string to_string() const;  // oldest first, one a line

 private:
  struct Entry {
    WallTime when;
    std::size_t size = 0;
    char text[kTextBytes];
  };
  std::string name_;
  std::vector<Entry> entries_;
  uint64_t noted_ = 0;
};

// Makes a failed check print every trail before the process aborts.
void install_check_hook();

}  // namespace souk::runtime
