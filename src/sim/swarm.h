// A random world, drawn from one seed: its size, options, policies, frameworks, and the mix of
// faults that it goes through ("swarm testing": each seed favours other faults). First a safety
// phase with faults, in which nothing wrong may happen; then all is healed, and in the liveness
// phase all that is due must happen within a bound.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/switches.h"
#include "sim/world.h"

namespace souk::sim {

enum class FaultKind : uint8_t {
  kKillMaster,
  kPauseMaster,
  kKillAgent,
  kLosePower,
  kKillScheduler,
  kKillContainer,
  kPartition,  // between two processes
  kIsolate,    // a process from all others
  kCut,        // the wires between two processes
  kSlowReader,
  kBreakDisk,
  kJumpClock,
  kStopZoo,
  kExpireSession,
  kTearDown,
  kConfigure,  // not a fault: an operator sets weights or a quota
};
inline constexpr std::size_t kFaultKinds = 16;
std::string_view to_string(FaultKind kind);

struct Fault {
  MonoTime at;
  FaultKind kind = FaultKind::kKillMaster;
  // Which of the processes of that kind; the second where there are two. Taken modulo their number.
  uint32_t first = 0;
  uint32_t second = 0;
  Duration length{0};  // until it is healed
  uint64_t draw = 0;   // whatever else it has to choose
};
std::string to_string(const Fault& fault);

// What a seed draws, but for what its frameworks and processes draw as they go.
struct Plan {
  uint64_t seed = 0;
  int masters = 1;
  int agents = 0;
  int frameworks = 0;
  bool through_wire = false;
  std::string allocator;
  Duration safety{0};    // how long faults come
  Duration liveness{0};  // how long the rest may take after that
  std::vector<Fault> faults;
};
Plan draw_plan(uint64_t seed);
std::string to_string(const Plan& plan);

struct RunOptions {
  // Switches of the machines: legal but rare turns, and planted bugs.
  Switches switches;
  std::size_t timeline = 0;  // lines a process that are kept; 0: none
};

struct Outcome {
  uint64_t seed = 0;
  std::optional<std::string> failure;  // which checker, when, what
  std::string digest;
  std::string timeline;
  Duration simulated{0};
  uint64_t steps = 0;
  std::array<uint64_t, kFaultKinds> faults{};  // that were carried out
  std::set<std::string, std::less<>> probes;   // that were hit
};

// The same plan and options give the same outcome.
Outcome run(const Plan& plan, const RunOptions& options);

// The shortest list of faults, taken from the plan's, with which it still fails in the same way;
// at most `runs` runs are spent on it.
Plan shrink(const Plan& plan, const RunOptions& options, const Outcome& failed, int runs);

}  // namespace souk::sim
