// How simulated processes are found: each has an address that stands where "host:port" stands in
// production.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "sim/process.h"

namespace souk::sim {

inline constexpr std::string_view kHost = "10.0.0.1";

inline std::string address_of(ProcessId process) {
  return fmt::format("{}:{}", kHost, process.value);
}

inline std::optional<ProcessId> process_at(std::string_view address) {
  if (!address.starts_with(kHost) || address.size() < kHost.size() + 2) return std::nullopt;
  const std::string_view port = address.substr(kHost.size() + 1);
  uint32_t id = 0;
  const auto [rest, error] = std::from_chars(port.data(), port.data() + port.size(), id);
  if (error != std::errc() || rest != port.data() + port.size()) return std::nullopt;
  return ProcessId(id);
}

}  // namespace souk::sim
