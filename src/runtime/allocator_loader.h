// Makes the allocation module that --allocator names: a built-in one by its name, or one from a
// shared object by its path, told apart by a slash. Errors say what to do. What was loaded stays
// loaded until the process ends. Any thread.
#pragma once

#include <memory>
#include <string>

#include "allocator/allocator.h"
#include "base/result.h"
#include "base/rng.h"

namespace souk::runtime {

Result<std::unique_ptr<allocator::Allocator>> make_allocator(const std::string& name_or_path,
                                                             const allocator::Options& options,
                                                             const Rng& rng);

}  // namespace souk::runtime
