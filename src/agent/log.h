#pragma once

#include <fmt/format.h>

#include <utility>

#include "agent/state.h"

namespace souk::agent {

template <class... Args>
void log(Context& c, effect::Log::Severity severity, fmt::format_string<Args...> format,
         Args&&... args) {
  c.emit(effect::Log{severity, fmt::format(format, std::forward<Args>(args)...)});
}

template <class... Args>
void info(Context& c, fmt::format_string<Args...> format, Args&&... args) {
  log(c, effect::Log::Severity::kInfo, format, std::forward<Args>(args)...);
}

template <class... Args>
void warn(Context& c, fmt::format_string<Args...> format, Args&&... args) {
  log(c, effect::Log::Severity::kWarning, format, std::forward<Args>(args)...);
}

template <class... Args>
void error(Context& c, fmt::format_string<Args...> format, Args&&... args) {
  log(c, effect::Log::Severity::kError, format, std::forward<Args>(args)...);
}

}  // namespace souk::agent
