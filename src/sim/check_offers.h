// Offers bind: tasks are only sent out of an offer that is open, of that framework and of this
// leadership, once, and no more than it holds. And an agent does nothing for a master of a lower
// epoch than it has given its word to.
#pragma once

#include <map>

#include "sim/books.h"
#include "sim/checker.h"

namespace souk::sim {

class OffersChecker final : public Checker, private BookListener {
 public:
  // `books` are fed by somebody else.
  OffersChecker(const World& world, Books& books);

  std::string_view name() const override { return "offers"; }

  void on_event(const AgentProcess& agent, const agent::Event& event) override;
  void on_effects(const AgentProcess& agent, const agent::Effects& effects) override;
  void on_crash(const sim::Process& process) override;
  void on_task_process(const AgentProcess& agent, const ContainerId& container,
                       std::string_view name, bool began) override;

 private:
  struct Host {
    uint64_t seen = 0;        // the highest epoch heard of in this life
    uint64_t promised = 0;    // the highest to which it has said what it runs
    uint64_t step = 0;        // of the frame under way; 0: no frame
    uint64_t link_epoch = 0;  // of the latest Welcome
    std::map<ContainerId, uint64_t> ordered_by;
  };

  void on_offer(const Reign& reign, const BookAgent& agent, const BookOffer& offer,
                bool fits) override;
  void on_run(const Reign& reign, const BookAgent* agent, const BookAnswer* answer,
              const protocol::to_agent::RunTasks& run, const Resources& needed, bool fits) override;
  void on_step(const Reign& reign) override;

  std::map<ProcessId, Host> hosts_;
};

}  // namespace souk::sim
