// The flags that choose the allocation module and tell it what it needs: of `souk master`, `local`
// and `demo`.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "bin/flags.h"
#include "runtime/master_node.h"

namespace souk::bin {

struct AllocationFlags {
  std::string allocator;
  std::string allocator_options;
  std::string fair_resource;
  std::string role_priorities;
  std::string excluded_names;
  std::optional<Duration> revocation_delay;
  Duration revocation_grace{};

  AllocationFlags();
  void add_to(Flags& flags);
  // After parsing: sets what these flags are about, and nothing else. Errors name the flag.
  Result<void> finish(runtime::MasterNodeOptions& options) const;
};

}  // namespace souk::bin
