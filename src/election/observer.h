// Only knows who leads: agents and schedulers that are given --zk. See election.h for what it hears
// and says. It never creates anything, and never leads.
#pragma once

#include "election/machine.h"

namespace souk::election {

class Observer : public Machine {
 public:
  Observer(const Options& options, Rng rng) : Machine(options, {}, rng.fork("observer")) {}
};

}  // namespace souk::election
