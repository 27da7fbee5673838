// Starts one process of a souk-executor: own session and process group, the user, directory and
// environment it is given, nothing inherited but limits. One thread only.
#pragma once

#include <sys/types.h>

#include <array>
#include <csignal>
#include <expected>
#include <string>

#include "protocol/supervisor.h"

namespace souk::bin {

// What a souk-executor ignores, and its processes shall not.
inline constexpr std::array kIgnoredSignals = {SIGPIPE, SIGHUP};

// The process id, or what failed and what to look at. The process dies with the thread that calls
// this. Every descriptor of the caller above 2 must be close-on-exec, and 0 to 2 open.
std::expected<pid_t, std::string> spawn(const protocol::supervisor::Process& process);

}  // namespace souk::bin
