#include <cstdio>

#include "bin/commands.h"
#include "bin/node_flags.h"
#include "runtime/local_cluster.h"
#include "runtime/log.h"
#include "runtime/signals.h"

namespace souk::bin {
namespace {

struct LocalCommand {
  explicit LocalCommand(CLI::App& command) : flags(command) {
    options.master.machine.ping_interval = 1s;
    options.master.machine.max_missed_pings = 3;
    flags.add("agents", options.agents, "how many agents");
    master.options = options.master;
    master.add_place(flags);
    flags.add("work_dir", options.work_dir,
              "folder for everything; default: a temporary one that goes with the cluster");
    master.add_policy(flags);
    agent.add_policy(flags);
    log.add_to(flags);
  }

  int run() {
    if (auto ready = log.set_up(); !ready) return complain(ready.error());
    if (auto ready = master.finish(flags); !ready) return complain(ready.error());
    options.master = master.options;
    options.agent = agent.options;
    options.agent.flags = flags.values();
    options.agent.domain = options.master.allocation.domain;
    UntilSignal until;
    runtime::raise_open_files();
    runtime::install_check_hook();
    auto cluster = runtime::LocalCluster::start(options);
    if (!cluster) return complain(cluster.error());
    // On standard output, so that scripts can read where it is.
    std::printf("souk local: %u agents at %s\nwork_dir: %s\n", options.agents,
                (*cluster)->master().url().c_str(), (*cluster)->work_dir().c_str());
    std::fflush(stdout);
    until.wait();
    return kExitOk;
  }

  Flags flags;
  runtime::LocalClusterOptions options;
  MasterFlags master;
  AgentFlags agent;
  LogFlags log;
};

}  // namespace

void add_local_command(CLI::App& app, int& exit_status) {
  CLI::App* command =
      app.add_subcommand("local", "Run a whole cluster in one process, to try things out");
  command->footer(
      "Tasks are real processes of this machine; they end with the cluster. To see an agent die:\n"
      "  curl -X POST http://127.0.0.1:5050/souk/v1/local/drop/<agent id>\n"
      "Example:\n"
      "  souk local --agents=4 --resources=\"cpus:2;mem:1024\"");
  auto state = std::make_shared<LocalCommand>(*command);
  command->callback([state, &exit_status] { exit_status = state->run(); });
}

}  // namespace souk::bin
