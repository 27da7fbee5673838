// `souk sim --trace`: the flags, and the run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bin/flags.h"
#include "bin/node_flags.h"

namespace souk::bin {

struct SimTraceFlags {
  std::string trace;
  std::string trace_jobs;
  std::string agents;
  std::string more_agents;
  std::optional<Duration> until;
  std::optional<Duration> sample;
  std::string csv;
  bool as_json = false;
  MasterFlags master;  // of these only what decides on offers

  void add_to(Flags& flags);
  bool given() const { return !trace.empty(); }
};

// REQUIRES flags.given(). Gives the exit status: kExitFailed if jobs will never be done, too.
int run_trace(SimTraceFlags& flags, const Flags& all, uint64_t seed);

}  // namespace souk::bin
