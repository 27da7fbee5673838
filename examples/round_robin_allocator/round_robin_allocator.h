// An allocation module in one file: what is free on an agent is offered to one framework after the
// other. See docs/WRITING_AN_ALLOCATOR.md.
#pragma once

#include "souk/allocator_module.h"

namespace round_robin {

// Takes one parameter, shuffle=yes: agents are served in an order drawn from the seed, and not by
// their age.
souk::Result<std::unique_ptr<souk::allocator::Allocator>> make_round_robin(
    souk::allocator::Options options, souk::Rng rng);

}  // namespace round_robin
