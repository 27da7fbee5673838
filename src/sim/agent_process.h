// A simulated host with its `souk agent`: the agent's machine, its disk, and the containers, which
// outlive the agent but not the host.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "sim/container.h"
#include "sim/services.h"

namespace souk::sim {

struct AgentProcessOptions {
  agent::Options machine;
  std::vector<ProcessId> masters;
  Duration store = 100us;  // until what was to be stored is
};

// What the world does to hosts; chances are in a million.
struct HostTuning {
  Duration launch = 2ms;  // of a souk-executor
  uint64_t launch_fails = 0;
  uint64_t task_crashes = 0;  // a task process ends by itself, badly
  uint64_t deaf_to_sigterm = 0;
};

class AgentProcess final : public Process {
 public:
  AgentProcess(ProcessId id, std::string name, AgentProcessOptions options, Services& services,
               Rng rng);
  ~AgentProcess() override;

  void start();
  // kill -9 of the agent: its containers run on.
  void crash();
  // Power loss: all that ran here is gone, and nobody is told.
  void lose_power();
  void restore_power();
  void set_disk_broken(bool broken) { disk_broken_ = broken; }
  void set_tuning(const HostTuning& tuning) { tuning_ = tuning; }
  const HostTuning& tuning() const { return tuning_; }

  const agent::Machine* machine() const { return machine_.get(); }
  const agent::Checkpoint& disk() const { return disk_; }
  const std::map<ContainerId, std::unique_ptr<Container>>& containers() const {
    return containers_;
  }
  const AgentProcessOptions& options() const { return *options_; }
  // It exited of its own accord, with this status.
  std::optional<int> exit_status() const { return exit_status_; }
  WallTime wall() const { return services_.now(*this).wall; }

  void on_dialled(Wire wire, bool ok) override;
  bool on_accepted(Wire, ProcessId) override { return false; }
  void on_message(Wire wire, Message&& message) override;
  void on_closed(Wire wire) override;

  // --- for containers
  void step(agent::Event event);
  void container_gone(const ContainerId& id, std::optional<int32_t> status);
  void executor_subscribes(const FrameworkId& framework, const ExecutorId& executor,
                           protocol::executor_call::Subscribe call);
  void executor_calls(protocol::ExecutorCall call);
  // kill -9 of one souk-executor, with all that it runs.
  void kill_container(const ContainerId& id);

 private:
  Container* find(const ContainerId& id);
  void end(bool silently);
  void open_link(agent::LinkId link, ProcessId master);
  void drop_wire();
  void store();
  protocol::supervisor::Process process_of(const agent::effect::LaunchProcesses& order,
                                           const TaskSpec* task);

  void carry_out(agent::effect::OpenLink&& order);
  void carry_out(agent::effect::CloseLink&& order);
  void carry_out(agent::effect::SendToMaster&& order);
  void carry_out(agent::effect::LaunchContainer&& order);
  void carry_out(agent::effect::LaunchProcesses&& order);
  void carry_out(agent::effect::SendToSupervisor&& order);
  void carry_out(agent::effect::KillContainer&& order);
  void carry_out(agent::effect::OpenStream&& order);
  void carry_out(agent::effect::SendToExecutor&& order);
  void carry_out(agent::effect::CloseStream&& order);
  void carry_out(agent::effect::Respond&& order);
  void carry_out(agent::effect::Persist&& order);
  void carry_out(agent::effect::RemoveSandbox&&) {}
  void carry_out(agent::effect::ServeFile&& order);
  void carry_out(agent::effect::ArmTimer&& order);
  void carry_out(agent::effect::Log&& order);
  void carry_out(agent::effect::Stop&& order);

  const std::shared_ptr<const AgentProcessOptions> options_;  // its machines share it
  Services& services_;
  Rng rng_;
  HostTuning tuning_;

  // Of the host.
  agent::Checkpoint disk_;
  bool disk_broken_ = false;
  bool powered_ = true;
  std::map<ContainerId, std::unique_ptr<Container>> containers_;
  int64_t last_pid_ = 1000;
  uint64_t lives_ = 0;

  // Of one life of the agent.
  std::unique_ptr<agent::Machine> machine_;
  Timer timer_;
  agent::LinkId link_;
  std::optional<Wire> wire_;
  bool established_ = false;
  std::size_t next_master_ = 0;
  std::optional<ProcessId> redirect_;
  std::vector<agent::effect::Persist> to_store_;
  bool storing_ = false;
  std::map<ConnectionId, ContainerId> streams_;
  uint64_t last_connection_ = 0;
  std::optional<int> exit_status_;
};

}  // namespace souk::sim
