#include "bin/flags.h"

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "runtime/log.h"

namespace souk::bin {
namespace {

std::string upper(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

std::vector<std::string_view> views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

}  // namespace

// SOUK_X; where only MESOS_X is set, that.
CLI::Option* Flags::finish(CLI::Option* option, const std::string& name) {
  const std::string ours = "SOUK_" + upper(name);
  const std::string theirs = "MESOS_" + upper(name);
  const bool only_theirs = getenv(ours.c_str()) == nullptr && getenv(theirs.c_str()) != nullptr;
  return option->envname(only_theirs ? theirs : ours);
}

template <class T>
CLI::Option* Flags::add_plain(const std::string& name, T& target, const std::string& help) {
  flags_.emplace_back(name, [&target] { return fmt::format("{}", target); });
  return finish(command_.add_option("--" + name, target, help)->capture_default_str(), name);
}

CLI::Option* Flags::add(const std::string& name, std::string& target, const std::string& help) {
  return add_plain(name, target, help);
}
CLI::Option* Flags::add(const std::string& name, double& target, const std::string& help) {
  return add_plain(name, target, help);
}
CLI::Option* Flags::add(const std::string& name, int& target, const std::string& help) {
  return add_plain(name, target, help);
}
CLI::Option* Flags::add(const std::string& name, unsigned& target, const std::string& help) {
  return add_plain(name, target, help);
}
CLI::Option* Flags::add(const std::string& name, uint16_t& target, const std::string& help) {
  return add_plain(name, target, help);
}
CLI::Option* Flags::add(const std::string& name, std::size_t& target, const std::string& help) {
  return add_plain(name, target, help);
}

CLI::Option* Flags::add(const std::string& name, Duration& target, const std::string& help) {
  flags_.emplace_back(name, [&target] { return format_duration(target); });
  const auto take = [&target, name](const std::string& text) {
    const auto parsed = parse_duration(text);
    if (!parsed) throw CLI::ValidationError("--" + name, parsed.error().message);
    target = *parsed;
  };
  auto* option = command_.add_option_function<std::string>("--" + name, take, help);
  return finish(option->type_name("DURATION")->default_str(format_duration(target)), name);
}

CLI::Option* Flags::add(const std::string& name, std::optional<Duration>& target,
                        const std::string& help) {
  flags_.emplace_back(name, [&target] { return target ? format_duration(*target) : ""; });
  const auto take = [&target, name](const std::string& text) {
    const auto parsed = parse_duration(text);
    if (!parsed) throw CLI::ValidationError("--" + name, parsed.error().message);
    target = *parsed;
  };
  auto* option = command_.add_option_function<std::string>("--" + name, take, help);
  return finish(option->type_name("DURATION"), name);
}

CLI::Option* Flags::add(const std::string& name, std::optional<unsigned>& target,
                        const std::string& help) {
  flags_.emplace_back(name, [&target] { return target ? fmt::format("{}", *target) : ""; });
  return finish(command_.add_option("--" + name, target, help)->type_name("UINT"), name);
}

CLI::Option* Flags::add(const std::string& name, bool& target, const std::string& help) {
  flags_.emplace_back(name, [&target] { return target ? "true" : "false"; });
  auto* option = command_.add_flag("--" + name + ",!--no-" + name, target, help);
  return finish(option->default_str(target ? "true" : "false"), name);
}

std::vector<std::pair<std::string, std::string>> Flags::values() const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [name, value] : flags_) out.emplace_back(name, value());
  return out;
}

void LogFlags::add_to(Flags& flags) {
  flags.add("logging_level", level, "what to log: debug, info, warning, error or off");
  flags.add("log_format", format, "how to log: text or json");
}

Result<void> LogFlags::set_up() const {
  const auto parsed_level = runtime::parse_log_level(level);
  if (!parsed_level) return std::unexpected(parsed_level.error());
  const auto parsed_format = runtime::parse_log_format(format);
  if (!parsed_format) return std::unexpected(parsed_format.error());
  runtime::set_up_log(*parsed_level, *parsed_format);
  return {};
}

Result<std::vector<std::string>> parse_masters(const std::string& text) {
  std::vector<std::string> masters;
  for (const std::string_view part : split(text, ',')) {
    std::string_view one = trim(part);
    if (one.starts_with("zk://")) {
      return fail(
          "'{}': finding the master through ZooKeeper is not supported yet: say "
          "--master=HOST:PORT",
          one);
    }
    if (one.starts_with("http://")) one.remove_prefix(7);
    while (one.ends_with('/')) one.remove_suffix(1);
    if (one.empty()) continue;
    const bool has_port = one.find(':') != std::string_view::npos;
    masters.push_back(has_port ? std::string(one) : fmt::format("{}:5050", one));
  }
  if (masters.empty()) return fail("no master was given: say --master=HOST:PORT");
  return masters;
}

std::string explain_parse_error(const CLI::App& app, const CLI::ParseError& error,
                                const std::vector<std::string>& arguments) {
  // The command that the arguments name, if any.
  const CLI::App* command = &app;
  for (const CLI::App* each : app.get_subcommands({})) {
    if (!arguments.empty() && each->get_name() == arguments.front()) command = each;
  }
  std::vector<std::string> names;
  for (const CLI::Option* option : command->get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  std::string text = error.what();
  for (const std::string& argument : arguments) {
    if (argument == "--") break;
    if (!argument.starts_with("--")) continue;
    const std::string name = argument.substr(0, argument.find('='));
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    text = fmt::format("there is no flag {}", name);
    if (const auto near = nearest_match(name, views(names)))
      text += fmt::format("; did you mean {}?", *near);
    break;
  }
  if (command == &app && !arguments.empty() && !arguments.front().starts_with("-")) {
    std::vector<std::string> commands;
    for (const CLI::App* each : app.get_subcommands({})) commands.push_back(each->get_name());
    text = fmt::format("there is no command '{}'", arguments.front());
    if (const auto near = nearest_match(arguments.front(), views(commands))) {
      text += fmt::format("; did you mean `souk {}`?", *near);
    }
  }
  const std::string called = command == &app ? "souk" : "souk " + command->get_name();
  return fmt::format("{}: {}\nTry `{} --help`.", called, text, called);
}

}  // namespace souk::bin
