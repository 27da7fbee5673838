#include <cstdio>
#include <string>
#include <vector>

#include "base/version.h"
#include "bin/commands.h"
#include "bin/flags.h"
#include "runtime/signals.h"

int main(int argc, char** argv) {
  using namespace souk::bin;
  souk::runtime::ignore_sigpipe();
  CLI::App app{"Souk shares one cluster between many frameworks, by resource offers.", "souk"};
  app.set_version_flag("--version", std::string(souk::kVersion));
  app.require_subcommand(1);
  app.footer(
      "Try it:\n"
      "  souk local &            a cluster in this process\n"
      "  souk run -- echo hello  a task on it\n"
      "  souk status             what there is\n"
      "  souk explain FRAMEWORK  why it is or is not offered that\n"
      "Every flag can come from the environment: SOUK_PORT=5050 is --port=5050.");
  int exit_status = kExitOk;
  add_master_command(app, exit_status);
  add_agent_command(app, exit_status);
  add_local_command(app, exit_status);
  add_run_command(app, exit_status);
  add_status_command(app, exit_status);
  add_explain_command(app, exit_status);
  add_roles_commands(app, exit_status);
  add_sim_command(app, exit_status);
  add_demo_command(app, exit_status);
  add_emulate_command(app, exit_status);
  if (argc < 2) {
    std::printf("%s", app.help().c_str());
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are "errors" too, with status 0.
    if (error.get_exit_code() == 0) return app.exit(error);
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    std::fprintf(stderr, "%s\n", explain_parse_error(app, error, arguments).c_str());
    return kExitUsage;
  }
  return exit_status;
}
