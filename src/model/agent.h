// An agent as it describes itself when it registers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/ids.h"
#include "model/resources.h"

namespace souk {

// Where a machine stands; both names empty: not said.
struct FaultDomain {
  std::string region;
  std::string zone;
  bool operator==(const FaultDomain&) const = default;
};

struct AgentInfo {
  AgentId id;  // empty until a master gives one
  std::string hostname;
  std::string ip;  // where its own HTTP server can be reached, as text
  uint16_t port = 0;
  Resources resources;  // all it has, but for the short slots
  std::vector<Attribute> attributes;
  FaultDomain domain;
  std::string version;  // of Souk
  // Set aside for tasks that run no longer than the limit (§4.4); empty: none.
  Resources short_slots;
  Duration short_slot_limit{0};

  bool operator==(const AgentInfo&) const = default;
};

// The master as clients see it (mesos.v1.MasterInfo).
struct MasterInfo {
  std::string id;
  std::string hostname;
  std::string ip;
  uint16_t port = 0;
  FaultDomain domain = {};
  bool operator==(const MasterInfo&) const = default;
};

}  // namespace souk
