// Wants to lead, and knows who leads: a master that is given --zk. See election.h for what it hears
// and says, and for what epochs are good for.
//
// - It leads once the lowest node is its own, by a list that was made after that node.
// - It stops at the first of these: its session expired; the service could end the session soon, as
//   nothing was heard of it; its node is gone, or not the lowest; it was asked to. Then it is over,
//   and does not lead again without being started again, by another node with a higher epoch.
// - Each session makes one node at most. If a session is lost before it leads, or nobody can tell
//   whether the node was made, the session is given up, and the node with it.
#pragma once

#include <string>
#include <utility>

#include "election/machine.h"

namespace souk::election {

class Candidate : public Machine {
 public:
  // `data` is what the others read in its node. REQUIRES: at most kMaxData of it.
  Candidate(const Options& options, std::string data, Rng rng)
      : Machine(options, std::move(data), rng.fork("candidate")) {}

  // Whether it may act as the leader. Ends by itself, with time, before another one can lead.
  using Machine::leads;
};

}  // namespace souk::election
