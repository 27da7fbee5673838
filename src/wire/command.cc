#include "wire/command.h"

#include <algorithm>

#include "base/text.h"
#include "wire/codec_model.h"
#include "wire/json.h"
#include "wire/message_codec.h"

namespace souk::wire {
namespace {

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

Result<std::vector<std::pair<std::string, std::string>>> decode_environment(
    const pb::Environment& in) {
  std::vector<std::pair<std::string, std::string>> variables;
  for (const auto& each : in.variables()) {
    if (each.has_secret() || each.type() == pb::Environment::Variable::SECRET) {
      return fail("environment variable {}: secrets are not supported yet", quote(each.name()));
    }
    if (each.name().empty() || each.name().find('=') != std::string::npos || has_nul(each.name())) {
      return fail("{} is no name for an environment variable", quote(each.name()));
    }
    if (has_nul(each.value())) {
      return fail("environment variable {}: the value has a NUL byte", quote(each.name()));
    }
    variables.emplace_back(each.name(), each.value());
  }
  return variables;
}

Result<CommandSpec> decode_command(const pb::CommandInfo& in) {
  CommandSpec command;
  command.shell = in.shell();
  command.value = in.value();
  command.arguments.assign(in.arguments().begin(), in.arguments().end());
  command.user = in.user();
  if (command.value.empty() && (command.shell || command.arguments.empty())) {
    return fail("the command has no 'value': there is nothing to run");
  }
  const bool nul = has_nul(command.value) || has_nul(command.user) ||
                   std::any_of(command.arguments.begin(), command.arguments.end(), has_nul);
  if (nul) return fail("the command has a NUL byte");
  auto environment = decode_environment(in.environment());
  if (!environment) return std::unexpected(environment.error());
  command.environment = std::move(*environment);
  return command;
}

template <class Info>
Result<CommandSpec> command_of(const Blob& raw) {
  ScratchArena arena;
  auto& info = arena.create<Info>();
  if (auto parsed = parse_rest(raw.view(), info); !parsed) return std::unexpected(parsed.error());
  if (!info.has_command()) return fail("there is no command to run");
  return decode_command(info.command());
}

void encode_command(const CommandSpec& command, pb::CommandInfo& out) {
  out.set_shell(command.shell);
  out.set_value(command.value);
  for (const std::string& argument : command.arguments) out.add_arguments(argument);
  if (!command.user.empty()) out.set_user(command.user);
  for (const auto& [name, value] : command.environment) {
    auto& variable = *out.mutable_environment()->add_variables();
    variable.set_name(name);
    variable.set_value(value);
  }
}

}  // namespace

Result<CommandSpec> task_command(const Blob& raw) { return command_of<pb::TaskInfo>(raw); }

Result<CommandSpec> executor_command(const Blob& raw) { return command_of<pb::ExecutorInfo>(raw); }

TaskSpec with_command(TaskSpec task, const CommandSpec& command) {
  ScratchArena arena;
  auto& info = arena.create<pb::TaskInfo>();
  encode_task(task, info);
  info.clear_command();
  encode_command(command, *info.mutable_command());
  task.has_command = true;
  task.raw = Blob(serialize(info));
  return task;
}

ExecutorSpec with_command(ExecutorSpec executor, const CommandSpec& command) {
  ScratchArena arena;
  auto& info = arena.create<pb::ExecutorInfo>();
  encode_executor(executor, info);
  info.clear_command();
  encode_command(command, *info.mutable_command());
  executor.has_command = true;
  executor.raw = Blob(serialize(info));
  return executor;
}

Result<Resources> parse_resources(std::string_view text) {
  const std::string_view trimmed = trim(text);
  if (!trimmed.starts_with('[')) return Resources::parse(text);
  // A message with nothing but resources to give the array a name.
  pb::TaskResourceLimitation holder;
  if (auto parsed = from_json(fmt::format("{{\"resources\":{}}}", trimmed), holder); !parsed) {
    return std::unexpected(parsed.error());
  }
  DecodedResources decoded = decode_resources(holder.resources());
  if (!decoded.error.empty()) return fail("{}", decoded.error);
  return std::move(decoded.resources);
}

}  // namespace souk::wire
