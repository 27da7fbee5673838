// `souk sim`: clusters in one process, on virtual time.
#include <memory>

#include "bin/commands.h"
#include "bin/flags.h"
#include "bin/sim_trace.h"

namespace souk::bin {
namespace {

struct SimCommand {
  explicit SimCommand(CLI::App& command) : flags(command) {
    trace.add_to(flags);
    flags.add("seed", seed, "draws all that is random in the run");
  }
  int run() {
    if (!trace.given()) return complain({"say --trace=FILE"});
    return run_trace(trace, flags, seed);
  }

  Flags flags;
  SimTraceFlags trace;
  std::size_t seed = 1;
};

}  // namespace

void add_sim_command(CLI::App& app, int& exit_status) {
  CLI::App* command =
      app.add_subcommand("sim", "Replay a workload on a simulated cluster, on virtual time");
  command->footer(
      "Examples:\n"
      "  souk sim --trace=examples/traces/two_teams.json\n"
      "  souk sim --trace=jobs.csv --agents=\"60*cpus:8;mem:32768\" --allocator=lottery\n"
      "  souk sim --trace=two_teams.json --more_agents=\"20*cpus:8;mem:32768\" --csv=shares.csv");
  auto state = std::make_shared<SimCommand>(*command);
  command->callback([state, &exit_status] { exit_status = state->run(); });
}

}  // namespace souk::bin
