// What to run, out of the blobs that tasks and executors carry, and into them. Pure functions; sees
// no protobuf.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/task.h"

namespace souk::wire {

// A mesos.v1.CommandInfo, without what the manager refuses to run (uris, secrets).
struct CommandSpec {
  bool shell = true;
  std::string value;                   // the line for the shell, or the program
  std::vector<std::string> arguments;  // without a shell: argv, the program's own name included
  // In the order given; of a name given twice the last value counts.
  std::vector<std::pair<std::string, std::string>> environment;
  std::string user;  // empty: not said

  bool operator==(const CommandSpec&) const = default;
};

// `raw` is a serialised TaskInfo or ExecutorInfo. Fails if there is no command in it or if no
// process could be started by it (nothing to run, a NUL byte, a variable without a name).
Result<CommandSpec> task_command(const Blob& raw);
Result<CommandSpec> executor_command(const Blob& raw);

// The task or executor with this command, for schedulers that build them from nothing: fills in
// has_command and raw. The other fields keep what they hold.
TaskSpec with_command(TaskSpec task, const CommandSpec& command);
ExecutorSpec with_command(ExecutorSpec executor, const CommandSpec& command);

// Resources as --resources takes them: the text form of Resources::parse, or a JSON array of
// mesos.v1.Resource objects.
Result<Resources> parse_resources(std::string_view text);

}  // namespace souk::wire
