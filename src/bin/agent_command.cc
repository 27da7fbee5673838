#include <atomic>
#include <cstdio>

#include "bin/commands.h"
#include "bin/node_flags.h"
#include "runtime/log.h"
#include "runtime/signals.h"

namespace souk::bin {
namespace {

struct AgentCommand {
  explicit AgentCommand(CLI::App& command) : flags(command) {
    log.level = "info";
    flags.add("master", masters, "HOST:PORT of the master; several divided by commas")->required();
    flags.add("work_dir", agent.options.work_dir, "folder of sandboxes and checkpoints")
        ->required();
    agent.add_place(flags);
    agent.add_policy(flags);
    log.add_to(flags);
  }

  int run() {
    if (auto ready = log.set_up(); !ready) return complain(ready.error());
    auto parsed = parse_masters(masters);
    if (!parsed) return complain(parsed.error());
    agent.options.masters = std::move(*parsed);
    if (auto ready = agent.finish(flags); !ready) return complain(ready.error());
    UntilSignal until;
    runtime::raise_open_files();
    runtime::install_check_hook();
    std::atomic<int> exit_status = kExitOk;
    agent.options.on_stopped = [&](int status, const std::string& why) {
      if (!why.empty()) std::fprintf(stderr, "souk agent: %s\n", why.c_str());
      exit_status = status;
      until.end();
    };
    auto node = runtime::AgentNode::start(agent.options);
    if (!node) return complain(node.error());
    until.wait();
    // Its tasks run on: the next agent on this work directory finds them.
    runtime::log_info("agent stops; its tasks run on");
    return exit_status;
  }

  Flags flags;
  AgentFlags agent;
  LogFlags log;
  std::string masters;
};

}  // namespace

void add_agent_command(CLI::App& app, int& exit_status) {
  CLI::App* command =
      app.add_subcommand("agent", "Run an agent: it lends this machine to the cluster");
  command->footer(
      "Tasks outlive a restart of their agent: start it again with the same --work_dir.\n"
      "Example:\n"
      "  souk agent --master=10.0.0.1:5050 --work_dir=/var/lib/souk "
      "--resources=\"cpus:4;mem:8192\"");
  auto state = std::make_shared<AgentCommand>(*command);
  command->callback([state, &exit_status] { exit_status = state->run(); });
}

}  // namespace souk::bin
