// Containers as an agent holds them: one souk-executor process each (protocol/supervisor.h),
// started with a socket to this agent, found again by dialling in after a restart, watched until it
// ends. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/effects.h"
#include "base/result.h"
#include "protocol/supervisor.h"
#include "runtime/loop.h"
#include "runtime/sandbox.h"
#include "runtime/unix_socket.h"

namespace souk::runtime {

class Containers {
 public:
  struct Options {
    std::string work_dir;  // absolute
    std::string executor;  // path of the souk-executor program
    bool switch_user = true;
    Duration recovery_timeout = 15min;
    std::string agent_endpoint;  // "ip:port" of the agent's HTTP server
    std::string agent_ip;
    // Runs the task on the loop's thread when all is told that custom executors have said over
    // HTTP; in the order of the calls. Empty: at once.
    std::function<void(Task)> after_calls;
  };
  // Not called from within a call.
  struct Callbacks {
    std::function<void(const ContainerId&, int64_t pid)> connected;
    std::function<void(const ContainerId&, protocol::supervisor::Report)> said;
    std::function<void(const ContainerId&, std::optional<int32_t> status)> gone;
    std::function<void(const ContainerId&, std::string why)> launch_failed;
  };

  Containers(Loop& loop, Options options, Callbacks callbacks);
  ~Containers();

  // Listens for souk-executors that dial in again, and holds the program that it starts from now
  // on.
  Result<void> listen();
  // What the last run left: their ends are told from now on.
  void adopt(const agent::Checkpoint& checkpoint);

  void launch(const agent::effect::LaunchContainer& order);
  void launch_processes(const agent::effect::LaunchProcesses& order);
  void send(const ContainerId& container, const protocol::supervisor::ToSupervisor& message);
  void kill(const ContainerId& container);
  void kill_all();

  const Sandboxes& sandboxes() const { return sandboxes_; }

 private:
  struct Container {
    int64_t pid = 0;
    std::unique_ptr<ChildWatch> child;      // ours
    std::unique_ptr<ProcessWatch> process;  // of an earlier run of the agent
    std::unique_ptr<UnixConnection> connection;
    // It has ended; what it wrote to its socket before is read first.
    std::optional<std::optional<int32_t>> exit;
    // Of the processes that it has started: leaders of groups that a killed souk-executor leaves
    // behind.
    std::map<std::string, int64_t> groups;
    bool custom = false;
  };

  Result<void> start(const agent::effect::LaunchContainer& order);
  Result<std::optional<User>> user_of(const std::string& name);
  Result<protocol::supervisor::Process> process_of(const agent::effect::LaunchProcesses& order,
                                                   const TaskSpec* task);
  std::vector<std::string> environment_of(const agent::effect::LaunchProcesses& order,
                                          const std::string& folder) const;
  // Until its Hello a connection that dialled in belongs to no container.
  void welcome(std::unique_ptr<UnixConnection> connection);
  void hear_stranger(UnixConnection* stranger, std::string_view frame);
  void attach(const ContainerId& id, std::unique_ptr<UnixConnection> connection);
  void hear(const ContainerId& id, std::string_view frame);
  // The last words of a custom executor come by another way than its end.
  void after_calls(bool custom, Task task);
  void note_groups(const ContainerId& id, const protocol::supervisor::Report& report);
  void ended(const ContainerId& id, std::optional<int32_t> status);
  void finish(const ContainerId& id);

  Loop& loop_;
  Options options_;
  Callbacks callbacks_;
  Sandboxes sandboxes_;
  std::map<std::string, std::pair<User, MonoTime>> users_;  // until when it holds
  std::string socket_path_;
  int executor_fd_ = -1;
  std::unique_ptr<UnixListener> listener_;
  std::map<ContainerId, Container> containers_;
  std::map<UnixConnection*, std::unique_ptr<UnixConnection>> strangers_;
};

}  // namespace souk::runtime
