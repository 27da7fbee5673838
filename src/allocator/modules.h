// The allocation modules that are built in, by name. Pure; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/allocator.h"
#include "base/result.h"
#include "base/rng.h"

namespace souk::allocator {

struct ModuleInfo {
  std::string_view name;
  std::string_view description;  // in a line, for --help
};

inline constexpr std::string_view kDefaultModule = "drf";

// The default first.
std::vector<ModuleInfo> modules();

// Errors: no module has this name (the text lists those that there are), or it does not know the
// parameters.
Result<std::unique_ptr<Allocator>> make_module(const std::string& name, Options options, Rng rng);

}  // namespace souk::allocator
