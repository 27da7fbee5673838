// The test that every allocation module should pass, for the module's own unit tests:
//
//   EXPECT_EQ(souk::allocator::broken_contract(make_mine, {.seed = 7}), std::nullopt);
#pragma once

#include "allocator/contract.h"
