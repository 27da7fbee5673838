#include "runtime/detect.h"

#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "wire/command.h"

namespace souk::runtime {
namespace {

constexpr uint64_t kMegabyte = 1 << 20;

uint64_t less_or_half(uint64_t total_mb, uint64_t kept_back_mb) {
  const uint64_t half = total_mb / 2;
  return total_mb > kept_back_mb ? std::max(total_mb - kept_back_mb, half) : half;
}

uint64_t memory_mb() {
  struct sysinfo info{};
  if (sysinfo(&info) != 0) return 1024;
  return less_or_half(info.totalram * info.mem_unit / kMegabyte, 1024);
}

uint64_t disk_mb(const std::string& path) {
  struct statvfs info{};
  if (statvfs(path.c_str(), &info) != 0) return 10 * 1024;
  return less_or_half(info.f_blocks * info.f_frsize / kMegabyte, 5 * 1024);
}

}  // namespace

Result<Resources> agent_resources(std::string_view given, const std::string& work_dir) {
  auto parsed = wire::parse_resources(given);
  if (!parsed) return parsed;
  const auto has = [&](std::string_view name) {
    return std::any_of(parsed->items().begin(), parsed->items().end(),
                       [&](const Resource& item) { return item.name == name; });
  };
  std::string missing;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!has(name)) missing += fmt::format("{}{}:{}", missing.empty() ? "" : ";", name, value);
  };
  add(kCpus, fmt::format("{}", std::max(1u, std::thread::hardware_concurrency())));
  add(kMem, fmt::format("{}", memory_mb()));
  add(kDisk, fmt::format("{}", disk_mb(work_dir)));
  add(kPorts, "[31000-32000]");
  auto detected = Resources::parse(missing);
  if (!detected) return detected;
  return *parsed + *detected;
}

Result<DividedResources> set_aside(const Resources& all, std::string_view short_slots,
                                   Duration limit) {
  if (short_slots.empty() && limit == Duration::zero()) return DividedResources{all, {}};
  if (short_slots.empty()) {
    return fail("--max_short_task_duration needs --short_task_resources, which says for what");
  }
  if (limit <= Duration::zero()) {
    return fail(
        "--short_task_resources needs --max_short_task_duration, as in 60secs: how long tasks in "
        "these slots may run");
  }
  auto slots = wire::parse_resources(short_slots);
  if (!slots) return fail("--short_task_resources: {}", slots.error().message);
  if (slots->empty()) return fail("--short_task_resources: '{}' is nothing", short_slots);
  if (!all.contains(*slots)) {
    return fail(
        "--short_task_resources: '{}' is not among what the agent has, which is '{}': what is set "
        "aside is taken from --resources",
        slots->to_string(), all.to_string());
  }
  return DividedResources{all - *slots, *std::move(slots)};
}

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

}  // namespace souk::runtime
