// The world of a plan: options and frameworks, drawn from its seed.
#pragma once

#include "sim/swarm.h"

namespace souk::sim {

// Into an empty world, whose observers look on already.
void populate(World& world, const Plan& plan, const RunOptions& options);

// What an operator may say in this world.
protocol::OperatorCall draw_operator_call(Rng& rng);
// Takes all quotas back.
protocol::OperatorCall without_quotas();

}  // namespace souk::sim
