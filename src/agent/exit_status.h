// What waitpid says, in words.
#pragma once

#include <cstdint>
#include <string>

namespace souk::agent {

bool exited_well(int32_t status);
// "Command exited with status 3", "Command terminated with signal Killed".
std::string describe_exit(int32_t status);
// As a shell counts: the exit code, or 128 and the number of the signal.
int exit_code(int32_t status);

}  // namespace souk::agent
