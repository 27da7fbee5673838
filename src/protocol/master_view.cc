#include "protocol/master_view.h"

#include <algorithm>

namespace souk::protocol {

void finish_view(MasterView& view) {
  for (FrameworkView& framework : view.frameworks) {
    std::ranges::sort(framework.tasks, {},
                      [](const TaskView& task) { return std::string_view(task.spec->id.value); });
    // Not kept by the master: ports of two agents do not add up to anything that one could subtract
    // from again.
    framework.used = {};
    for (const TaskView& task : framework.tasks) {
      if (!is_terminal(task.state)) framework.used += task.spec->resources;
    }
    for (const ExecutorView& executor : framework.executors) {
      framework.used += executor.spec->resources;
    }
  }
}

}  // namespace souk::protocol
