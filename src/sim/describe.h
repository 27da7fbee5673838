// Events and effects in a few words, for timelines. Not all of what they hold: what a person looks
// for first.
#pragma once

#include <string>

#include "sim/observer.h"

namespace souk::sim {

// Empty: not worth a line.
std::string describe(const master::Event& event);
std::string describe(const master::Effect& effect);
std::string describe(const agent::Event& event);
std::string describe(const agent::Effect& effect);
std::string describe(const scheduler::Event& event);
std::string describe(const scheduler::Effect& effect);

}  // namespace souk::sim
