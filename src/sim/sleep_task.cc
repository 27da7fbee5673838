#include "sim/sleep_task.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>
#include <utility>

#include "wire/command.h"

namespace souk::sim {
namespace {

constexpr std::string_view kSleep = "sleep";

}  // namespace

// Nanoseconds as a decimal fraction of seconds, without rounding.
TaskSpec SleepTasks::make(TaskSpec task, Duration length) const {
  const int64_t ns = std::max<int64_t>(length.count(), 0);
  const std::string seconds = fmt::format("{}.{:09}", ns / 1'000'000'000, ns % 1'000'000'000);
  return wire::with_command(std::move(task), {.shell = false,
                                              .value = std::string(kSleep),
                                              .arguments = {std::string(kSleep), seconds}});
}

std::optional<Duration> length_of(const Blob& raw) {
  const auto command = wire::task_command(raw);
  if (!command || command->value != kSleep || command->arguments.size() != 2) return std::nullopt;
  const std::string& text = command->arguments[1];
  int64_t seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data(), end, seconds);
  if (error != std::errc() || end - dot != 10 || *dot != '.') return std::nullopt;
  int64_t ns = 0;
  const auto [rest, wrong] = std::from_chars(dot + 1, end, ns);
  if (wrong != std::errc() || rest != end) return std::nullopt;
  return Duration(seconds * 1'000'000'000 + ns);
}

}  // namespace souk::sim
