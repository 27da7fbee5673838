// A master as others find it: the JSON of a MasterInfo that a candidate's node in ZooKeeper holds
// ("High availability" of the v1 facts), and that unmodified clients of Mesos read there. Pure
// functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/agent.h"

namespace souk::wire {

// {"address":{"hostname":"m1","ip":"10.0.0.1","port":5050},"capabilities":[],"hostname":"m1",
// "id":"...","ip":16777226,"pid":"master@10.0.0.1:5050","port":5050,"version":"1.11.0"}, and
// "domain" if there is one. No capabilities, as in /state.
std::string render_master_info(const MasterInfo& master);

// As tolerant as of other JSON (wire/json.h). The `address` counts; where it lacks something, or is
// not there, what stands beside it does. An error if there is no id, no address or no port then.
Result<MasterInfo> parse_master_info(std::string_view json);

}  // namespace souk::wire
