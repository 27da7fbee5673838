#include "bin/allocation_flags.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "allocator/modules.h"
#include "base/text.h"
#include "model/role.h"

namespace souk::bin {
namespace {

using Assignments = std::map<std::string, std::string>;

// "key=value;key=value", both without white space around; a value may hold more of '='.
Result<Assignments> parse_assignments(std::string_view text, char separator) {
  Assignments assignments;
  for (const std::string_view part : split(text, separator)) {
    if (trim(part).empty()) continue;
    const std::size_t equals = part.find('=');
    const std::string key(trim(part.substr(0, std::min(equals, part.size()))));
    if (equals == std::string_view::npos || key.empty()) {
      return fail("{} is not KEY=VALUE", quote(trim(part)));
    }
    if (!assignments.emplace(key, trim(part.substr(equals + 1))).second) {
      return fail("{} is set twice", quote(key));
    }
  }
  return assignments;
}

Result<std::map<std::string, int64_t>> parse_priorities(std::string_view text) {
  constexpr int64_t kMost = 1'000'000;
  auto assignments = parse_assignments(text, ',');
  if (!assignments) return std::unexpected(assignments.error());
  std::map<std::string, int64_t> priorities;
  for (const auto& [role, value] : *assignments) {
    if (auto valid = validate_role(role); !valid) {
      return fail("{} is not a role: {}", quote(role), valid.error().message);
    }
    if (role.find('/') != std::string::npos) {
      return fail("{}: levels are of top-level roles; the roles below have their part in it", role);
    }
    int64_t level = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), level);
    if (error != std::errc() || end != value.data() + value.size() || level < -kMost ||
        level > kMost) {
      return fail("{} is not a whole number from {} to {}", quote(value), -kMost, kMost);
    }
    priorities[role] = level;
  }
  return priorities;
}

Result<void> check_resource_name(std::string_view name) {
  if (name.empty() || std::any_of(name.begin(), name.end(), is_control) ||
      name.find_first_of(" ()[]{},|;:=") != std::string_view::npos) {
    return fail("{} is not the name of a resource, as in cpus", quote(name));
  }
  if (name == kPorts) return fail("ports are no amount: name a scalar resource, as in cpus");
  return {};
}

Result<std::set<std::string>> parse_names(std::string_view text) {
  std::set<std::string> names;
  for (std::string_view name : split(text, ',')) {
    name = trim(name);
    if (name.empty()) continue;
    if (auto valid = check_resource_name(name); !valid) return std::unexpected(valid.error());
    names.emplace(name);
  }
  return names;
}

std::string allocator_help() {
  std::vector<std::string_view> names;
  for (const auto& module : allocator::modules()) names.push_back(module.name);
  return fmt::format("the allocation module: {}, or the path of a shared object",
                     fmt::join(names, ", "));
}

}  // namespace

AllocationFlags::AllocationFlags() : allocator(allocator::kDefaultModule) {
  const allocator::Options defaults;
  fair_resource = defaults.fair_resource;
  revocation_grace = defaults.revocation_grace;
}

void AllocationFlags::add_to(Flags& flags) {
  flags.add("allocator", allocator, allocator_help());
  flags.add("allocator_options", allocator_options,
            "what the allocation module reads besides, as in KEY=VALUE;KEY=VALUE");
  flags.add("fair_resource", fair_resource, "the resource that --allocator=fair shares out");
  flags.add("role_priorities", role_priorities,
            "levels of top-level roles for --allocator=priority, as in prod=10,batch=1");
  flags.add("fair_sharing_excluded_resource_names", excluded_names,
            "resources that count in no share, as in gpus,disk");
  flags.add(
      "revocation_delay", revocation_delay,
      "how long a framework below its share waits until others lose tasks; not set: for ever");
  flags.add("revocation_grace_period", revocation_grace,
            "how long a task has to end from when it is revoked until it is killed");
}

Result<void> AllocationFlags::finish(runtime::MasterNodeOptions& options) const {
  allocator::Options& allocation = options.allocation;
  options.allocator = std::string(trim(allocator));
  auto parameters = parse_assignments(allocator_options, ';');
  if (!parameters) return fail("--allocator_options: {}", parameters.error().message);
  allocation.parameters = std::move(*parameters);
  if (auto valid = check_resource_name(fair_resource); !valid) {
    return fail("--fair_resource: {}", valid.error().message);
  }
  allocation.fair_resource = fair_resource;
  auto priorities = parse_priorities(role_priorities);
  if (!priorities) return fail("--role_priorities: {}", priorities.error().message);
  allocation.role_priorities = std::move(*priorities);
  auto excluded = parse_names(excluded_names);
  if (!excluded) {
    return fail("--fair_sharing_excluded_resource_names: {}", excluded.error().message);
  }
  allocation.excluded_from_share = std::move(*excluded);
  if (revocation_delay && *revocation_delay <= Duration::zero()) {
    return fail("--revocation_delay must be above zero; leave it out to never revoke");
  }
  if (revocation_grace < Duration::zero()) {
    return fail("--revocation_grace_period must not be below zero");
  }
  allocation.revocation_delay = revocation_delay;
  allocation.revocation_grace = revocation_grace;
  return {};
}

}  // namespace souk::bin
