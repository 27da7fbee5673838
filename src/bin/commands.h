// The commands of `souk`. Each adds itself to the app; its callback, run when it was asked for,
// sets the exit status.
#pragma once

#include <CLI/CLI.hpp>

namespace souk::bin {

// Exit statuses besides those of what was run.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

void add_master_command(CLI::App& app, int& exit_status);
void add_agent_command(CLI::App& app, int& exit_status);
void add_local_command(CLI::App& app, int& exit_status);
void add_run_command(CLI::App& app, int& exit_status);
void add_status_command(CLI::App& app, int& exit_status);
void add_explain_command(CLI::App& app, int& exit_status);
// `souk quota` and `souk weights`.
void add_roles_commands(CLI::App& app, int& exit_status);
void add_sim_command(CLI::App& app, int& exit_status);
void add_demo_command(CLI::App& app, int& exit_status);
// `souk emulate agents` and `souk emulate frameworks`.
void add_emulate_command(CLI::App& app, int& exit_status);

}  // namespace souk::bin
