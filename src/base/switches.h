// Run-time switches of the machines, all off in production, where nothing sets them. Each plants
// one bug of a kind that is easily made, and hard to see: the simulator's checkers must ring for
// every one of them (sim/swarm_test.cc), or their silence would tell nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace souk {

enum class Switch : uint8_t {
  kAgentTakesAnyEpoch,      // obeys a master that was replaced
  kAgentSendsUnstored,      // tells an update before it is on disk
  kAgentForgetsUpdates,     // does not read unacknowledged updates back when it restarts
  kAgentTakesAcksForAll,    // what is acknowledged once, all updates of the task count as it
  kExecutorForgetsReports,  // what was not taken is lost with the agent's connection
  kMasterForgetsRescind,    // takes offers back without a word
  kMasterLosesTasks,        // a new one does not take over tasks of frameworks it has not met
  kMasterKeepsUndelivered,  // believes in launches that never reached their agent
  kLeaderOutstaysSession,   // goes on leading when its session may have ended
  kAllocatorIgnoresLimits,  // of quota
};

inline constexpr std::array<std::pair<Switch, std::string_view>, 10> kSwitchNames = {{
    {Switch::kAgentTakesAnyEpoch, "agent-takes-any-epoch"},
    {Switch::kAgentSendsUnstored, "agent-sends-unstored"},
    {Switch::kAgentForgetsUpdates, "agent-forgets-updates"},
    {Switch::kAgentTakesAcksForAll, "agent-takes-acks-for-all"},
    {Switch::kExecutorForgetsReports, "executor-forgets-reports"},
    {Switch::kMasterForgetsRescind, "master-forgets-rescind"},
    {Switch::kMasterLosesTasks, "master-loses-tasks"},
    {Switch::kMasterKeepsUndelivered, "master-keeps-undelivered"},
    {Switch::kLeaderOutstaysSession, "leader-outstays-session"},
    {Switch::kAllocatorIgnoresLimits, "allocator-ignores-limits"},
}};

class Switches {
 public:
  void set(Switch s) { bits_ |= bit(s); }
  bool on(Switch s) const { return (bits_ & bit(s)) != 0; }

 private:
  static uint32_t bit(Switch s) { return uint32_t{1} << static_cast<uint8_t>(s); }
  uint32_t bits_ = 0;
};

inline std::optional<Switch> switch_named(std::string_view name) {
  for (const auto& [s, known] : kSwitchNames) {
    if (known == name) return s;
  }
  return std::nullopt;
}

}  // namespace souk
