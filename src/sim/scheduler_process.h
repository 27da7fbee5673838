// A simulated framework: the scheduler library's machine and a workload on top. The workload's own
// memory counts as stored: it outlives the process, as that of a framework that can be restarted
// must. What the library knew is gone with each life.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/machine.h"
#include "sim/services.h"
#include "sim/sleep_task.h"
#include "workloads/workload.h"

namespace souk::sim {

// How a framework's tasks are run: by Souk itself, by one long-lived executor of the framework on
// each agent, or (those of one ACCEPT) as a group on the default executor.
enum class TaskStyle : uint8_t { kCommand, kCustomExecutor, kGroup };

struct SchedulerProcessOptions {
  std::vector<ProcessId> masters;
  std::vector<std::string> suppressed_roles;
  scheduler::Options machine;  // its framework and masters are filled in
  TaskStyle style = TaskStyle::kCommand;
  // Its work has an end, which it must come to if all goes well at last.
  bool finite = false;
  // It only stands in the way of others: it has to go before these can be asked to come to an end.
  bool idle = false;
  // What it takes the workload to think.
  Duration think = 0ns;
};

class SchedulerProcess final : public Process {
 public:
  SchedulerProcess(ProcessId id, std::string name, SchedulerProcessOptions options,
                   std::unique_ptr<workloads::Workload> workload, Services& services, Rng rng);

  void start();
  void crash(bool silently = false);
  // Ends the framework; its tasks are killed.
  void tear_down();
  // For what the world wants to say through it (a kill, a reconciliation).
  void ask(protocol::SchedulerCallBody call);

  const SchedulerProcessOptions& options() const { return options_; }
  const workloads::Workload& workload() const { return *workload_; }
  workloads::Workload& workload() { return *workload_; }
  const FrameworkId& framework() const { return framework_; }
  const scheduler::Machine* machine() const { return machine_.get(); }
  bool subscribed() const { return machine_ && machine_->subscribed(); }
  // Whom it is connected to, or tries to be.
  std::optional<ProcessId> master() const { return master_; }
  // The library gave up, with this error (empty: it was asked to).
  const std::optional<std::string>& ended() const { return ended_; }
  // Launched, and not seen to end.
  const std::map<TaskId, AgentId>& open_tasks() const { return open_tasks_; }

  void on_dialled(Wire wire, bool ok) override;
  bool on_accepted(Wire, ProcessId) override { return false; }
  void on_message(Wire wire, Message&& message) override;
  void on_closed(Wire wire) override;

 private:
  using Calls = std::vector<protocol::SchedulerCallBody>;

  void step(scheduler::Event event);
  void tell(protocol::SchedulerEvent&& event);
  // Calls the workload, and passes on what it says.
  template <class Call>
  void consult(Call&& call);
  void pass_on(Calls calls);
  void arm_workload();
  void restyle(protocol::SchedulerCallBody& call);
  void note(const protocol::SchedulerCallBody& call);
  void reconcile_after_restart();
  void flush_requests();

  void carry_out(scheduler::Connect&& effect);
  void carry_out(scheduler::Disconnect&& effect);
  void carry_out(scheduler::Send&& effect);
  void carry_out(scheduler::Tell&& effect);
  void carry_out(scheduler::TellDisconnected&& effect);
  void carry_out(scheduler::ArmTimer&& effect);
  void carry_out(scheduler::End&& effect);

  const SchedulerProcessOptions options_;
  Services& services_;
  Rng rng_;
  SleepTasks maker_;
  std::unique_ptr<workloads::Workload> workload_;
  uint64_t lives_ = 0;
  uint64_t groups_ = 0;

  // Stored by the framework.
  FrameworkId framework_;
  std::map<TaskId, AgentId> open_tasks_;
  std::optional<std::string> ended_;

  // Of one life.
  std::unique_ptr<scheduler::Machine> machine_;
  Timer timer_;
  Timer workload_timer_;
  scheduler::Attempt attempt_ = 0;
  std::optional<ProcessId> master_;
  std::optional<Wire> stream_;
  std::optional<protocol::SchedulerCall> subscribe_;
  // Calls travel on a wire of their own.
  std::optional<Wire> calls_;
  bool calls_open_ = false;
  std::vector<Request> unsent_;
  std::map<uint64_t, bool> unanswered_;  // whether it is a TEARDOWN
  uint64_t last_request_ = 0;
  bool reconciled_ = false;
};

}  // namespace souk::sim
