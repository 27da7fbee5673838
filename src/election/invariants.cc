// What must hold between two steps. For tests and the simulator.
#include "election/machine.h"

namespace souk::election {

std::optional<std::string> Machine::broken_invariant() const {
  const auto waits = [this](Due due) { return deadlines_.of(due).has_value(); };
  const bool open = state_ == State::kOpen;
  const bool suspended = state_ == State::kSuspended;

  if (state_ == State::kIdle && deadlines_.size() > 0) return "over, and waits for something";
  if (armed_ != deadlines_.next()) return "the timer is not at the next deadline";
  if (backoff_ > options_.max_backoff) return "the back-off is too long";
  if (has_session() && session_ == 0) return "a session without a number";
  const bool limited = suspended || state_ == State::kWaiting || state_ == State::kOpening;
  if (limited != waits(Due::kSession)) return "no bound on waiting for a session, or one too many";

  if (!data_ && (create_ != 0 || create_lost_ || node_)) return "an observer with a node";
  if ((create_ != 0) != waits(Due::kCreate)) return "a create without a bound, or a bound of none";
  if (create_ != 0 && !open) return "a create without a session";
  if (create_lost_ && !suspended) return "the session of a lost create was kept";
  if (node_ && !open && !suspended) return "a node without a session";
  if (data_ && open && (create_ != 0) == node_.has_value()) return "not one node in a session";
  if (suspended && data_ && create_lost_ == node_.has_value()) return "not one node to come";

  if (list_ != 0 && read_ != 0) return "a list and a read at a time";
  if (looking() && !waits(Due::kLook)) return "a look without a bound";
  if (waits(Due::kLook) && !open) return "looks without a session";
  if (waits(Due::kLook) && data_ && !node_) return "a candidate looks before it has a node";

  if (leading() && !node_) return "leads without a node";
  if (leading() && (leader_->name != node_->name || *leader_->epoch != node_->epoch)) {
    return "leads by another one's node";
  }
  if ((leading() && suspended) != waits(Due::kStop))
    return "no end to leading unheard, or one else";
  return std::nullopt;
}

}  // namespace souk::election
