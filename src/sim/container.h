// A simulated souk-executor with what it runs: the executor's machine, and operating-system
// processes that are nothing but an end to come. It outlives its agent. A custom executor inside
// speaks the executor API.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/effects.h"
#include "base/hash_map.h"
#include "executor/machine.h"
#include "sim/services.h"

namespace souk::sim {

class AgentProcess;
class CustomExecutor;

class Container {
 public:
  Container(AgentProcess& host, Services& services, const agent::effect::LaunchContainer& order,
            int64_t pid, Rng rng);
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  const ContainerId& id() const { return id_; }
  const FrameworkId& framework() const { return framework_; }
  agent::ContainerKind kind() const { return kind_; }
  int64_t pid() const { return pid_; }

  // It connects to the agent that started it, or dials a restarted one.
  void connect();
  void disconnect();
  void hear(protocol::supervisor::ToSupervisor message);
  // Ends one of its processes, as a crash of its own would (a status as waitpid gives it).
  void end_process(std::string_view name, int32_t status);
  const std::map<std::string, uint64_t>& processes() const { return processes_; }
  CustomExecutor* custom() { return custom_.get(); }
  const executor::Machine& machine() const { return machine_; }
  bool exited() const { return exited_; }

 private:
  void step(executor::Event event);
  // Does it then, unless it is gone.
  template <class F>
  void later(Duration delay, F action);
  void carry_out(executor::Say&& effect);
  void carry_out(executor::Spawn&& effect);
  void carry_out(executor::Signal&& effect);
  void carry_out(executor::Sweep&&) {}
  void carry_out(executor::ArmTimer&& effect);
  void carry_out(executor::DialAgain&& effect);
  void carry_out(executor::Exit&& effect);

  AgentProcess& host_;
  Services& services_;
  const ContainerId id_;
  const FrameworkId framework_;
  const ExecutorId executor_;
  const agent::ContainerKind kind_;
  const int64_t pid_;
  Rng rng_;
  executor::Machine machine_;
  // What is asked for by it is dropped once it is gone.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool connected_ = false;
  bool exited_ = false;
  std::map<std::string, uint64_t> processes_;  // by name, with a number for each run
  uint64_t last_run_ = 0;
  std::unique_ptr<CustomExecutor> custom_;
  std::optional<MonoTime> deadline_;
};

}  // namespace souk::sim
