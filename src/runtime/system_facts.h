#pragma once

#include "base/time.h"
#include "wire/master_json.h"

namespace souk::runtime {

// Of this machine, now, for the metrics of a process that started then.
wire::SystemFacts system_facts(WallTime started);

}  // namespace souk::runtime
