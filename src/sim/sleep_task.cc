#include "sim/sleep_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "wire/command.h"

namespace souk::sim {
namespace {

constexpr std::string_view kSleep = "sleep";

// "12.345678901", without rounding; always nine digits.
std::optional<Duration> parse_seconds(std::string_view text) {
  int64_t seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data(), end, seconds);
  if (error != std::errc() || end - dot != 10 || *dot != '.') return std::nullopt;
  int64_t ns = 0;
  const auto [rest, wrong] = std::from_chars(dot + 1, end, ns);
  if (wrong != std::errc() || rest != end) return std::nullopt;
  return Duration(seconds * 1'000'000'000 + ns);
}

}  // namespace

TaskSpec SleepTasks::make(TaskSpec task, Duration length) const {
  const int64_t ns = std::max<int64_t>(length.count(), 0);
  const std::string seconds = fmt::format("{}.{:09}", ns / 1'000'000'000, ns % 1'000'000'000);
  return wire::with_command(
      std::move(task),
      {.shell = false, .value = std::string(kSleep), .arguments = {std::string(kSleep), seconds}});
}

TaskSpec on_executor(TaskSpec task) {
  if (const auto command = wire::task_command(task.raw)) task.name = command->arguments.back();
  ExecutorSpec executor;
  executor.id = ExecutorId("executor");
  executor.type = ExecutorSpec::Type::kCustom;
  task.executor = wire::with_command(std::move(executor), {.value = "exec executor"});
  task.has_command = false;
  task.raw = Blob();
  return task;
}

ExecutorSpec default_executor(ExecutorId id) {
  ExecutorSpec executor;
  executor.id = std::move(id);
  executor.type = ExecutorSpec::Type::kDefault;
  return executor;
}

std::optional<Duration> length_of(const TaskSpec& task) {
  if (task.executor) return parse_seconds(task.name);
  const auto command = wire::task_command(task.raw);
  if (!command || command->value != kSleep || command->arguments.size() != 2) return std::nullopt;
  return parse_seconds(command->arguments[1]);
}

}  // namespace souk::sim
