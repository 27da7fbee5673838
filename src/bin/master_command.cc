#include "bin/commands.h"
#include "bin/node_flags.h"
#include "runtime/log.h"
#include "runtime/signals.h"

namespace souk::bin {
namespace {

struct MasterCommand {
  explicit MasterCommand(CLI::App& command) : flags(command) {
    log.level = "info";
    master.add_place(flags);
    flags.add("work_dir", master.options.work_dir, "folder of the registry")->required();
    master.add_policy(flags);
    log.add_to(flags);
  }

  int run() {
    if (auto ready = log.set_up(); !ready) return complain(ready.error());
    if (auto ready = master.finish(flags); !ready) return complain(ready.error());
    UntilSignal until;
    runtime::raise_open_files();
    runtime::install_check_hook();
    auto node = runtime::MasterNode::start(master.options);
    if (!node) return complain(node.error());
    until.wait();
    runtime::log_info("master stops");
    return kExitOk;
  }

  Flags flags;
  MasterFlags master;
  LogFlags log;
};

}  // namespace

void add_master_command(CLI::App& app, int& exit_status) {
  CLI::App* command =
      app.add_subcommand("master", "Run a master: it offers the resources of agents to frameworks");
  command->footer(
      "A cluster in three lines, each on its machine:\n"
      "  souk master --ip=10.0.0.1 --work_dir=/var/lib/souk\n"
      "  souk agent --master=10.0.0.1:5050 --ip=10.0.0.2 --work_dir=/var/lib/souk\n"
      "  souk run --master=10.0.0.1:5050 -- hostname");
  auto state = std::make_shared<MasterCommand>(*command);
  command->callback([state, &exit_status] { exit_status = state->run(); });
}

}  // namespace souk::bin
