#include "sim/probes.h"

#include <algorithm>
#include <array>
#include <utility>

namespace souk::sim {
namespace {

constexpr std::string_view kTwoLeaders = "two masters lead at once";
constexpr std::string_view kOldEpoch = "an agent refuses a master that was replaced";
constexpr std::string_view kNewLink = "an agent has a new link before the old one is closed";
constexpr std::string_view kPausedMaster = "a master was paused for longer than it tolerates";
constexpr std::string_view kRegistryFails = "the registry does not take a change";
constexpr std::string_view kUpdateAgain = "an agent tells an update again";
constexpr std::string_view kLateAccept = "offers are accepted that are open no more";
constexpr std::string_view kUnreachable = "a task becomes unreachable";
constexpr std::string_view kBack = "a task comes back with its agent";
constexpr std::string_view kGoneOnReturn = "an agent comes back without a task";
constexpr std::string_view kNotDelivered = "a launch never reached its agent";
constexpr std::string_view kPreempted = "a task is revoked and killed";
constexpr std::string_view kTooLong = "a task overstays in a slot for short tasks";
constexpr std::string_view kLaunchFailed = "a container cannot be launched";
constexpr std::string_view kExecutorLost = "a task's executor ends before it";
constexpr std::string_view kNeverCameBack =
    "an executor does not come back after its agent restarted";
constexpr std::string_view kFrameworkRemoved = "a framework is removed for being away too long";
constexpr std::string_view kTakenOver = "a scheduler takes its framework over from another one";
constexpr std::string_view kOrphanReported = "a new master hears of a framework from agents first";
constexpr std::string_view kKilledAway = "a kill is asked for while its agent is away";
constexpr std::string_view kAgentExits = "an agent exits because it cannot store";
constexpr std::string_view kInverseOffer = "a framework is told that tasks will be revoked";
constexpr std::string_view kInverseTaken = "a revocation is taken back, for its tasks have ended";
constexpr std::string_view kStandbyRedirects = "a standby sends a scheduler to the leader";
constexpr std::string_view kLimited = "an operator's quota is refused";

constexpr std::array kAll = {kTwoLeaders,     kOldEpoch,         kNewLink,
                             kPausedMaster,   kRegistryFails,    kUpdateAgain,
                             kLateAccept,     kUnreachable,      kBack,
                             kGoneOnReturn,   kNotDelivered,     kPreempted,
                             kTooLong,        kLaunchFailed,     kExecutorLost,
                             kNeverCameBack,  kFrameworkRemoved, kTakenOver,
                             kOrphanReported, kKilledAway,       kAgentExits,
                             kInverseOffer,   kInverseTaken,     kStandbyRedirects,
                             kLimited};

// What logs say, and of what that is the trace.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kNotes = {{
    {"refused a master of epoch", kOldEpoch},
    {"has a new link; the old one is closed", kNewLink},
    {"this master was paused", kPausedMaster},
    {"the registry did not take a change", kRegistryFails},
    {"removed: its scheduler did not come back", kFrameworkRemoved},
    {"did not come back in time", kNeverCameBack},
}};

}  // namespace

const std::set<std::string, std::less<>>& Probes::all() {
  static const std::set<std::string, std::less<>> all(kAll.begin(), kAll.end());
  return all;
}

void Probes::hit(std::string_view probe) {
  if (!hit_.contains(probe)) hit_.emplace(probe);
}

void Probes::see(const TaskStatus& status) {
  if (status.state == TaskState::kUnreachable && status.reason == Reason::kAgentRemoved) {
    hit(kUnreachable);
  }
  if (!status.reason) return;
  switch (*status.reason) {
    case Reason::kAgentReregistered:
      return hit(status.state == TaskState::kGone ? kGoneOnReturn : kBack);
    case Reason::kAgentRestarted:
      return hit(kNotDelivered);
    case Reason::kInvalidOffers:
      return hit(kLateAccept);
    case Reason::kContainerPreempted:
      return hit(kPreempted);
    case Reason::kMaxCompletionTimeReached:
      return hit(kTooLong);
    case Reason::kContainerLaunchFailed:
      return hit(kLaunchFailed);
    case Reason::kExecutorTerminated:
      return hit(kExecutorLost);
    case Reason::kExecutorReregistrationTimeout:
      return hit(kNeverCameBack);
    default:
      return;
  }
}

void Probes::see(const AgentProcess& agent, const protocol::to_master::StatusUpdate& update) {
  if (!update.status.uuid) return;
  if (!told_.insert({agent.id(), *update.status.uuid}).second) hit(kUpdateAgain);
}

void Probes::on_event(const MasterProcess& p, const master::Event& e) {
  const auto* called = std::get_if<master::SchedulerCalled>(&e);
  if (called == nullptr) return;
  if (const auto* kill = std::get_if<protocol::call::Kill>(&called->call.body)) {
    const bool away = std::ranges::none_of(world_.agents(), [&](const auto& agent) {
      return agent->up() && agent->machine()->state().agent_id == kill->agent &&
             agent->machine()->state().link.stage == agent::Link::Stage::kRegistered;
    });
    if (!kill->agent.empty() && away) hit(kKilledAway);
  }
  static_cast<void>(p);
}

void Probes::on_effects(const MasterProcess& p, const master::Effects& e) {
  static_cast<void>(p);
  for (const master::Effect& effect : e) {
    if (const auto* said = std::get_if<master::SendToFramework>(&effect)) {
      if (const auto* update = std::get_if<protocol::event::Update>(&said->event)) {
        see(update->status);
      } else if (std::holds_alternative<protocol::event::InverseOffers>(said->event)) {
        hit(kInverseOffer);
      } else if (std::holds_alternative<protocol::event::RescindInverseOffer>(said->event)) {
        hit(kInverseTaken);
      } else if (const auto* error = std::get_if<protocol::event::Error>(&said->event)) {
        if (error->message == "Framework failed over") hit(kTakenOver);
        if (error->message == "Framework has been removed") hit(kFrameworkRemoved);
      }
    } else if (const auto* answer = std::get_if<master::Respond>(&effect)) {
      if (answer->answer.status == 400 && answer->answer.body.find("quota") != std::string::npos) {
        hit(kLimited);
      }
    }
  }
}

void Probes::on_event(const AgentProcess& p, const agent::Event& e) {
  static_cast<void>(p);
  const auto* stored = std::get_if<agent::event::Persisted>(&e);
  if (stored != nullptr && !stored->ok) hit(kAgentExits);
}

void Probes::on_effects(const AgentProcess& p, const agent::Effects& e) {
  for (const agent::Effect& effect : e) {
    const auto* said = std::get_if<agent::effect::SendToMaster>(&effect);
    if (said == nullptr) continue;
    if (const auto* update = std::get_if<protocol::to_master::StatusUpdate>(&said->message)) {
      see(p, *update);
    }
    const auto* report = std::get_if<protocol::to_master::Register>(&said->message);
    if (report == nullptr || world_.leader() == nullptr) continue;
    for (const FrameworkInfo& framework : report->frameworks) {
      const bool subscribed = std::ranges::any_of(world_.schedulers(), [&](const auto& scheduler) {
        return scheduler->framework() == framework.id && scheduler->subscribed();
      });
      if (!subscribed) hit(kOrphanReported);
    }
  }
}

void Probes::on_event(const SchedulerProcess& p, const scheduler::Event& e) {
  static_cast<void>(p);
  const auto* refused = std::get_if<scheduler::StreamRefused>(&e);
  if (refused != nullptr && refused->status == 307) hit(kStandbyRedirects);
}

void Probes::on_leads(const MasterProcess& p, uint64_t epoch) {
  static_cast<void>(epoch);
  for (const auto& other : world_.masters()) {
    if (other.get() != &p && other->leads()) hit(kTwoLeaders);
  }
}

void Probes::on_note(const Process& p, std::string_view text) {
  static_cast<void>(p);
  for (const auto& [trace, probe] : kNotes) {
    if (text.find(trace) != std::string_view::npos) hit(probe);
  }
}

}  // namespace souk::sim
