// A framework as it describes itself when it subscribes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/blob.h"
#include "base/time.h"
#include "model/ids.h"
#include "model/labels.h"
#include "model/resources.h"

namespace souk {

// Bits are 1 << the number of mesos.v1.FrameworkInfo.Capability.Type.
enum class Capability : uint16_t {
  kRevocableResources = 1 << 1,
  kTaskKillingState = 1 << 2,
  kGpuResources = 1 << 3,
  kSharedResources = 1 << 4,
  kPartitionAware = 1 << 5,
  kMultiRole = 1 << 6,
  kReservationRefinement = 1 << 7,
  kRegionAware = 1 << 8,
};

class Capabilities {
 public:
  void add(Capability c) { bits_ |= static_cast<uint16_t>(c); }
  bool has(Capability c) const { return (bits_ & static_cast<uint16_t>(c)) != 0; }
  bool operator==(const Capabilities&) const = default;

 private:
  uint16_t bits_ = 0;
};

struct FrameworkInfo {
  FrameworkId id;  // empty until the master gives one
  std::string user;
  std::string name;
  Duration failover_timeout{0};
  bool checkpoint = false;
  // In the order given, none twice. Without MULTI_ROLE exactly one ("*" unless said otherwise).
  std::vector<std::string> roles;
  std::string hostname;
  std::string principal;
  std::string webui_url;
  Capabilities capabilities;
  Labels labels;
  // By role: offer nothing below one of these alternatives. Empty: the master's own minimum holds.
  std::map<std::string, std::vector<Quantities>> min_allocatable;
  // Both `role` and `roles` were set, or neither fits the capabilities: why; empty if sound.
  std::string role_error;
  Blob raw;  // the serialised mesos.v1.FrameworkInfo, unknown fields kept (its id may be missing)

  bool has(Capability c) const { return capabilities.has(c); }
  bool operator==(const FrameworkInfo&) const = default;
};

}  // namespace souk
