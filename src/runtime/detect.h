// What a machine has, for agents whose operator does not say.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "model/resources.h"

namespace souk::runtime {

// The resources given (the text of --resources, may be empty), and for those of cpus, mem, disk and
// ports that are not among them what the machine has: all its processors; its memory less 1 GB, or
// half of it if that is more; the same of the disk under work_dir with 5 GB; ports 31000-32000.
// Memory and disk in MB.
Result<Resources> agent_resources(std::string_view given, const std::string& work_dir);

// An agent's resources, divided.
struct DividedResources {
  Resources ordinary;
  Resources short_slots;  // for tasks that run no longer than a limit (§4.4)
};
// Sets aside of `all` what `short_slots` names (the text of --short_task_resources; empty: nothing,
// and then there must be no limit, which is 0). An error is for the operator.
Result<DividedResources> set_aside(const Resources& all, std::string_view short_slots,
                                   Duration limit);

// The machine's name, or "localhost".
std::string host_name();

}  // namespace souk::runtime
