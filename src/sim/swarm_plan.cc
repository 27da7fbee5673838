// What a seed draws.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/draw.h"
#include "sim/swarm.h"

namespace souk::sim {
namespace {

constexpr std::array<std::string_view, kFaultKinds> kNames = {
    "kill-master", "pause-master", "kill-agent", "lose-power",  "kill-scheduler", "kill-container",
    "partition",   "isolate",      "cut",        "slow-reader", "break-disk",     "jump-clock",
    "stop-zoo",    "expire",       "tear-down",  "configure"};

// Some kinds are left out altogether, others come often: a mix of everything would hide what only a
// few do to each other.
std::array<uint64_t, kFaultKinds> draw_mix(Rng& rng, int masters) {
  std::array<uint64_t, kFaultKinds> weights{};
  for (uint64_t& weight : weights) {
    weight = draw_chance(rng, 350'000) ? 0 : 1 + rng.below(10);
  }
  // Failover of masters and of schedulers is part of every mix.
  const auto weight_of = [&](FaultKind kind) -> uint64_t& {
    return weights[static_cast<std::size_t>(kind)];
  };
  weight_of(FaultKind::kKillMaster) = std::max<uint64_t>(weight_of(FaultKind::kKillMaster), 2);
  weight_of(FaultKind::kKillScheduler) =
      std::max<uint64_t>(weight_of(FaultKind::kKillScheduler), 1);
  weight_of(FaultKind::kTearDown) = std::min<uint64_t>(weight_of(FaultKind::kTearDown), 1);
  if (masters == 1) weight_of(FaultKind::kStopZoo) = weight_of(FaultKind::kExpireSession) = 0;
  return weights;
}

FaultKind draw_kind(Rng& rng, const std::array<uint64_t, kFaultKinds>& weights) {
  uint64_t sum = 0;
  for (const uint64_t weight : weights) sum += weight;
  uint64_t left = rng.below(sum);
  for (std::size_t kind = 0; kind < kFaultKinds; ++kind) {
    if (left < weights[kind]) return static_cast<FaultKind>(kind);
    left -= weights[kind];
  }
  return FaultKind::kKillMaster;
}

// Mostly short, sometimes so long that timeouts pass.
Duration draw_length(Rng& rng) {
  const uint64_t size = rng.below(10);
  if (size < 5) return draw_between(rng, 1ms, 2s);
  if (size < 9) return draw_between(rng, 2s, 40s);
  return draw_between(rng, 40s, 180s);
}

// A story that chance seldom tells: a leader stands still until another one leads, and agents that
// know that one come to it just before it runs on.
void add_old_leader(Rng& rng, const Plan& plan, std::vector<Fault>& faults) {
  const Duration pause = draw_between(rng, 12s, 30s);
  if (plan.safety < pause + 5s) return;
  const MonoTime start(draw_between(rng, 5s, plan.safety - pause));
  faults.push_back({.at = start, .kind = FaultKind::kPauseMaster, .first = 1, .length = pause});
  for (uint32_t i = 0; i < 3 * static_cast<uint32_t>(plan.agents); ++i) {
    const Duration before = draw_between(rng, 1ms, 4s);
    faults.push_back({.at = start + pause - before,
                      .kind = FaultKind::kKillAgent,
                      .first = i,
                      .length = draw_between(rng, 1ms, 300ms)});
  }
}

// Another one: an agent reads slowly, and its connections break before it has read what was sent.
void add_lost_messages(Rng& rng, const Plan& plan, std::vector<Fault>& faults) {
  for (int i = 0; i < 4; ++i) {
    const MonoTime start(draw_between(rng, 0ns, plan.safety));
    const Duration slow = draw_between(rng, 100ms, 5s);
    const auto agent = static_cast<uint32_t>((rng.below(1'000) * 4) + 2);
    faults.push_back({.at = start,
                      .kind = FaultKind::kSlowReader,
                      .first = agent,
                      .length = slow,
                      .draw = rng.next()});
    faults.push_back(
        {.at = start + slow - 1ms, .kind = FaultKind::kCut, .first = agent, .second = 1});
  }
}

std::vector<Fault> draw_faults(Rng rng, const Plan& plan) {
  const auto weights = draw_mix(rng, plan.masters);
  // Many small worlds see few faults, so that each matters.
  const auto count = static_cast<int64_t>(rng.below(4) == 0 ? rng.below(60) : rng.below(15)) + 1;
  std::vector<Fault> faults;
  for (int64_t i = 0; i < count; ++i) {
    Fault fault;
    fault.at = MonoTime(draw_between(rng, 0ns, plan.safety));
    // Troubles seldom come alone.
    if (!faults.empty() && rng.below(3) == 0) {
      fault.at = std::min(faults.back().at + draw_between(rng, 0ns, 300ms), MonoTime(plan.safety));
    }
    fault.kind = draw_kind(rng, weights);
    fault.first = static_cast<uint32_t>(rng.below(1'000'000));
    fault.second = static_cast<uint32_t>(rng.below(1'000'000));
    fault.length = draw_length(rng);
    fault.draw = rng.next();
    faults.push_back(fault);
  }
  if (plan.masters > 1 && rng.below(4) == 0) add_old_leader(rng, plan, faults);
  if (rng.below(4) == 0) add_lost_messages(rng, plan, faults);
  std::ranges::stable_sort(faults, {}, &Fault::at);
  return faults;
}

}  // namespace

std::string_view to_string(FaultKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

std::string to_string(const Fault& fault) {
  return fmt::format("{:>12.6f} {:<14} {:>3} {:>3} for {:.3f} s",
                     to_seconds(fault.at.time_since_epoch()), to_string(fault.kind),
                     fault.first % 100, fault.second % 100, to_seconds(fault.length));
}

Plan draw_plan(uint64_t seed) {
  Rng rng = Rng(seed).fork("plan");
  Plan plan;
  plan.seed = seed;
  plan.masters = rng.below(5) == 0 ? 1 : 2 + static_cast<int>(rng.below(2));
  plan.agents = 1 + static_cast<int>(rng.below(8));
  plan.frameworks = 1 + static_cast<int>(rng.below(5));
  plan.through_wire = rng.below(3) == 0;
  constexpr std::array<std::string_view, 6> kAllocators = {"drf",  "drf",      "drf",
                                                           "fair", "priority", "lottery"};
  plan.allocator = kAllocators[rng.below(kAllocators.size())];
  plan.safety = draw_between(rng, 30s, 400s);
  plan.liveness = 2h;
  plan.faults = draw_faults(rng.fork("faults"), plan);
  return plan;
}

std::string to_string(const Plan& plan) {
  return fmt::format(
      "seed {}: {} masters, {} agents, {} frameworks, allocator {}, {} faults in {:.0f} s{}",
      plan.seed, plan.masters, plan.agents, plan.frameworks, plan.allocator, plan.faults.size(),
      to_seconds(plan.safety), plan.through_wire ? ", messages through the wire" : "");
}

}  // namespace souk::sim
