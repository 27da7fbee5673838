// Events and effects as one line of text each: for debug logs, for what a failed check writes down,
// and for the transcripts of tests.
#pragma once

#include <string>

#include "agent/effects.h"
#include "agent/events.h"

namespace souk::agent {

std::string describe(const Event& event);
std::string describe(const Effect& effect);

}  // namespace souk::agent
