// Quota (books.h): no grant lifts a role above its limit; and a role that lacks something
// guaranteed gets it in the decision after it became free.
//
// Counted are unreserved, not revocable scalars, offered and used, of ordinary resources. For
// limits on agents that are registered: no more than the allocation module counts. A role may still
// be above its limit, which reports of agents and a limit that was lowered bring about; grants may
// not.
//
// A guarantee of cpus or mem is judged where what it means can be told from outside: nothing is
// reserved, no role below it has a quota and none above it a limit; a framework of it wants offers,
// constrains nothing and has not refused the agent lately; the agent has no GPUs and no domain;
// what is lacking and what is there are as much as the usual minimum of an offer.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "sim/books.h"
#include "sim/checker.h"

namespace souk::sim {

class QuotaChecker final : public Checker, private BookListener {
 public:
  // `books` are fed by somebody else.
  QuotaChecker(const World& world, Books& books);

  std::string_view name() const override { return "quota"; }

 private:
  // Of one master.
  struct Seen {
    std::set<std::pair<std::string, std::string>> granted;  // role and resource, in this step
    bool rescinded = false;  // something, in this step: another decision may follow
    // Until when a framework may be left out on an agent for its refusals.
    std::map<std::pair<FrameworkId, AgentId>, MonoTime> refused;
  };

  void on_reign(const Reign& reign) override;
  void on_offer(const Reign& reign, const BookAgent& agent, const BookOffer& offer,
                bool fits) override;
  void on_offer_end(const Reign& reign, const BookOffer& offer, OfferEnd how) override;
  void on_answer(const Reign& reign, const BookAnswer& answer) override;
  void on_step(const Reign& reign) override;

  Seen& seen(const Reign& reign) { return seen_[reign.master->id()]; }
  void check_limits(const Reign& reign, const std::string& role, const Quota& quota);
  void check_guarantee(const Reign& reign, const std::string& role, const Quota& quota);
  bool could_have(const Reign& reign, const BookFramework& framework, const std::string& role,
                  const BookAgent& agent, const std::string& resource);

  std::map<ProcessId, Seen> seen_;
};

}  // namespace souk::sim
