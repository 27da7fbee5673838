// The flags of masters and agents, which `souk local` has all of.
#pragma once

#include <string>

#include "base/result.h"
#include "bin/allocation_flags.h"
#include "bin/flags.h"
#include "runtime/agent_node.h"
#include "runtime/master_node.h"

namespace souk::bin {

struct MasterFlags {
  runtime::MasterNodeOptions options;
  std::string min_allocatable = "cpus:0.01|mem:32";
  std::string weights;
  AllocationFlags allocation;
  std::string domain;
  std::string re2_max_mem = "4KB";

  // What is the same for a master by itself and for `souk local`.
  void add_policy(Flags& flags);
  void add_place(Flags& flags);
  Result<void> finish(const Flags& flags);
};

struct AgentFlags {
  runtime::AgentNodeOptions options;
  std::string domain;

  void add_policy(Flags& flags);
  void add_place(Flags& flags);
  Result<void> finish(const Flags& flags);
};

// Runs until SIGINT or SIGTERM; a second one ends the process at once. Make it before any thread
// starts.
class UntilSignal {
 public:
  UntilSignal();
  ~UntilSignal();
  // Returns the signal, or 0 if end() was called.
  int wait();
  void end();  // thread-safe

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "souk: what is wrong" on standard error; gives kExitFailed.
int complain(const Error& error);

}  // namespace souk::bin
