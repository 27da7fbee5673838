// Resources are given out once: on each agent what is offered and used never exceeds what it has,
// by the leader's own words (books.h), and neither do the processes that really run there.
//
// More than there is may be used because of what agents report (one that came back with less, one
// that ran on while it was unreachable); then nothing of it may be offered. A leader's own grants
// never do it. Of processes those do not count that are to go with their framework (its resources
// are free at once).
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "sim/books.h"
#include "sim/checker.h"

namespace souk::sim {

class ConservationChecker final : public Checker, private BookListener {
 public:
  explicit ConservationChecker(const World& world);

  std::string_view name() const override { return "conservation"; }
  // For other checkers, which must not outlive this one's observing. It feeds them.
  Books& books() { return books_; }

  void on_leads(const MasterProcess& master, uint64_t epoch) override;
  void on_event(const MasterProcess& master, const master::Event& event) override;
  void on_effects(const MasterProcess& master, const master::Effects& effects) override;
  void on_event(const AgentProcess& agent, const agent::Event& event) override;
  void on_effects(const AgentProcess& agent, const agent::Effects& effects) override;
  void on_task_process(const AgentProcess& agent, const ContainerId& container,
                       std::string_view name, bool began) override;

 private:
  struct Process {
    FrameworkId framework;
    Resources resources;
    bool short_slot = false;
    bool runs = false;
  };
  struct Host {
    std::map<std::pair<ContainerId, std::string>, Process> processes;  // launched, not ended
    std::set<FrameworkId> leaving;
    std::set<TaskId> in_short_slots;
  };

  void on_offer(const Reign& reign, const BookAgent& agent, const BookOffer& offer,
                bool fits) override;
  void on_run(const Reign& reign, const BookAgent* agent, const BookAnswer* answer,
              const protocol::to_agent::RunTasks& run, const Resources& needed, bool fits) override;
  void weigh(const AgentProcess& agent, const Host& host);

  Books books_;
  std::map<ProcessId, Host> hosts_;
};

}  // namespace souk::sim
