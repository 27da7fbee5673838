// Nobody is starved: between two offers of a whole agent to the same framework, with no use of it
// in between, every other framework that could get it all the while did get it
// (docs/ALLOCATION.md).
//
// Judged where it can be told from outside: no quotas, agents without GPUs, domain or reservations,
// frameworks of one role that constrain nothing; and who has subscribed, woken up, or refused the
// agent, counts from when that is over. An agent begins anew with each registration, and when
// anything runs on it.
#pragma once

#include <map>
#include <utility>

#include "sim/books.h"
#include "sim/checker.h"

namespace souk::sim {

class FairnessChecker final : public Checker, private BookListener {
 public:
  // `books` are fed by somebody else.
  FairnessChecker(const World& world, Books& books);

  std::string_view name() const override { return "fairness"; }
  // How often there was something to judge: a checker that never looks proves nothing.
  uint64_t judged() const { return judged_; }

 private:
  struct Turn {
    uint64_t number = 0;
    MonoTime at;
  };
  struct Spell {
    std::map<FrameworkId, Turn> turns;  // the latest of each, since the agent was used
  };
  struct Seen {
    std::map<AgentId, Spell> spells;
    std::map<std::pair<FrameworkId, AgentId>, MonoTime> refused;  // until then
  };

  void on_reign(const Reign& reign) override;
  void on_offer(const Reign& reign, const BookAgent& agent, const BookOffer& offer,
                bool fits) override;
  void on_answer(const Reign& reign, const BookAnswer& answer) override;
  void on_run(const Reign& reign, const BookAgent* agent, const BookAnswer* answer,
              const protocol::to_agent::RunTasks& run, const Resources& needed, bool fits) override;
  void on_report(const Reign& reign, const BookAgent& agent) override;

  bool could_get(const Reign& reign, const BookFramework& framework, const AgentId& agent,
                 MonoTime since) const;

  std::map<ProcessId, Seen> seen_;
  uint64_t last_turn_ = 0;
  uint64_t judged_ = 0;
};

}  // namespace souk::sim
