// Carries out what a souk-executor's machine decides: one thread, one poll loop over the agent's
// socket, the signals and the machine's one deadline.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "executor/machine.h"
#include "protocol/supervisor.h"

namespace souk::bin {

// One line on stderr.
void complain(std::string_view what);

class ExecutorDriver {
 public:
  // `agent`: a connected socket, or -1 to dial `path` first. `signals`: a signalfd for SIGCHLD and
  // what asks for termination; those signals are blocked.
  ExecutorDriver(executor::Options options, int agent, std::string path, int signals);

  // Until the machine is done.
  void run();

 private:
  void feed(executor::Event event);
  void wait();
  void on_signals();
  void reap();
  void read_agent();
  void flush();
  void hang_up();
  // Tries the agent's socket; true: agent_ is connected.
  bool dial();
  // Kills children that are not processes of the machine; how many there were.
  std::size_t sweep();
  void clean_up();

  void perform(executor::Say& say);
  void perform(executor::Spawn& spawn);
  void perform(executor::Signal& signal);
  void perform(executor::Sweep&);
  void perform(executor::ArmTimer& timer) { deadline_ = timer.at; }
  void perform(executor::DialAgain&);
  void perform(executor::Exit&) { done_ = true; }

  executor::Machine machine_;
  const std::string path_;
  const int signals_;
  int agent_;
  protocol::supervisor::FrameReader frames_;
  std::string out_;
  std::map<std::string, pid_t> pids_;
  std::map<pid_t, std::string> names_;
  std::optional<MonoTime> deadline_;
  std::vector<executor::Event> answers_;  // to effects being performed
  bool sweeping_ = false;                 // orphans that turn up are killed
  bool done_ = false;
};

}  // namespace souk::bin
