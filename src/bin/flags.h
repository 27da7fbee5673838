// Flags as the commands of `souk` have them: with the names that operators of Mesos know, each also
// from the environment (SOUK_PORT, and MESOS_PORT is understood), and with what was set remembered
// for /flags.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace souk::bin {

class Flags {
 public:
  // The command must outlive it.
  explicit Flags(CLI::App& command) : command_(command) {}

  // `name` without dashes, as in "work_dir". Defaults are what the targets hold.
  CLI::Option* add(const std::string& name, std::string& target, const std::string& help);
  CLI::Option* add(const std::string& name, double& target, const std::string& help);
  CLI::Option* add(const std::string& name, int& target, const std::string& help);
  CLI::Option* add(const std::string& name, unsigned& target, const std::string& help);
  CLI::Option* add(const std::string& name, uint16_t& target, const std::string& help);
  CLI::Option* add(const std::string& name, std::size_t& target, const std::string& help);
  // "15secs"
  CLI::Option* add(const std::string& name, Duration& target, const std::string& help);
  // Nothing until it is set.
  CLI::Option* add(const std::string& name, std::optional<Duration>& target,
                   const std::string& help);
  CLI::Option* add(const std::string& name, std::optional<unsigned>& target,
                   const std::string& help);
  // --name, --name=false, --no-name
  CLI::Option* add(const std::string& name, bool& target, const std::string& help);

  // After parsing: each flag with its value.
  std::vector<std::pair<std::string, std::string>> values() const;

 private:
  template <class T>
  CLI::Option* add_plain(const std::string& name, T& target, const std::string& help);
  CLI::Option* finish(CLI::Option* option, const std::string& name);

  CLI::App& command_;
  std::vector<std::pair<std::string, std::function<std::string()>>> flags_;
};

// --logging_level, --log_format; call set_up() after parsing.
struct LogFlags {
  std::string level = "warning";
  std::string format = "text";
  void add_to(Flags& flags);
  Result<void> set_up() const;
};

// "host:port,host:port", each with a default port of 5050.
Result<std::vector<std::string>> parse_masters(const std::string& text);

// What is wrong with the arguments, in a line or two: the nearest right flag or command, where one
// is near.
std::string explain_parse_error(const CLI::App& app, const CLI::ParseError& error,
                                const std::vector<std::string>& arguments);

}  // namespace souk::bin
