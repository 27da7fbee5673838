#pragma once

#include "agent/options.h"
#include "agent/state.h"
#include "protocol/agent_view.h"

namespace souk::agent {

protocol::AgentView make_view(const Options& options, const State& state);

}  // namespace souk::agent
