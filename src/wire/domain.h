// A fault domain as operators write it for --domain: mesos.v1.DomainInfo as JSON.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/agent.h"

namespace souk::wire {

// {"fault_domain":{"region":{"name":"eu"},"zone":{"name":"eu-1"}}}; both names are required.
Result<FaultDomain> parse_domain(std::string_view json);

}  // namespace souk::wire
