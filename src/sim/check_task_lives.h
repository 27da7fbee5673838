// The lives of tasks, as their frameworks are told of them and as they are: a task runs at most
// once for each launch, and never twice at a time; every update that its agent has stored is told,
// in order, none left out; it ends in one way; and what is told to have finished did run to its
// end, once.
//
// Updates are those with a uuid: what an agent vouches for. What a master says by itself (LOST,
// UNREACHABLE, an answer to a question) is provisional (decision 7 of the design), but for
// FINISHED, which nobody may make up. The tasks of custom executors have no processes here; for
// them only updates are judged.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/hash_map.h"
#include "sim/checker.h"

namespace souk::sim {

class TaskLivesChecker final : public Checker {
 public:
  using Checker::Checker;

  std::string_view name() const override { return "task lives"; }

  void on_event(const AgentProcess& agent, const agent::Event& event) override;
  void on_effects(const AgentProcess& agent, const agent::Effects& effects) override;
  void on_effects(const SchedulerProcess& scheduler, const scheduler::Effects& effects) override;
  void on_task_process(const AgentProcess& agent, const ContainerId& container,
                       std::string_view name, bool began) override;
  void on_leads(const MasterProcess& master, uint64_t epoch) override;
  void on_crash(const Process& process) override;
  void at_end(bool healed) override;

 private:
  struct Update {
    Uuid uuid;
    TaskState state = TaskState::kStaging;
    ProcessId agent;
    bool stored = false;
    MonoTime made;
  };
  struct Running {
    ProcessId agent;
    ContainerId container;
    MonoTime since;
  };
  struct Life {
    uint64_t launches = 0;  // asked for
    bool has_process = true;
    TaskSpec spec;
    std::vector<Update> updates;  // as agents made them
    std::size_t told = 0;         // of these, the first so many
    std::optional<Update> end;    // told
    uint64_t begun = 0;
    std::optional<Running> running;
    Duration longest_run{0};
    uint64_t long_runs = 0;  // as long as the longest
  };
  // A stored update is one whose ticket has come back.
  struct Storing {
    agent::Ticket ticket = 0;
    FrameworkId framework;
    TaskId task;
    Uuid uuid;
  };

  Life& life(const FrameworkId& framework, const TaskId& task) { return lives_[framework][task]; }
  void launched(const SchedulerProcess& scheduler, const protocol::call::Accept& accept);
  void told(const SchedulerProcess& scheduler, const TaskStatus& status);
  // The framework is over at this agent: nobody is left to be told.
  void shut_down(const AgentProcess& agent, const FrameworkId& framework);
  void told_finished(const SchedulerProcess& scheduler, const TaskStatus& status, Life& life);

  std::map<ProcessId, uint64_t> led_;  // the epoch in which each master led last
  uint64_t newest_epoch_ = 0;
  std::map<FrameworkId, HashMap<TaskId, Life>> lives_;
  std::map<ProcessId, std::deque<Storing>> storing_;  // by agent
  std::map<ProcessId, MonoTime>
      joined_;  // since when an agent is registered, a scheduler subscribed
};

}  // namespace souk::sim
