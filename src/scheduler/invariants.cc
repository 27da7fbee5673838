// What must hold between two steps. For tests and the simulator.
#include "scheduler/machine.h"

namespace souk::scheduler {

std::optional<std::string> Machine::broken_invariant() const {
  const bool waits = state_ != State::kIdle && state_ != State::kEnded;
  if (waits != deadline_.has_value()) return "it waits for nothing, or is over and still waits";
  if (tasks_.size() > kMaxTasks) return "too many tasks";
  if (backoff_ > options_.max_backoff) return "the back-off is too long";
  if (!redirect_.empty() && state_ != State::kWaiting && state_ != State::kEnded) {
    return "a redirect was not followed";
  }
  if (waits && attempt_ == 0) return "begun without an attempt";
  if (stream_open_ && state_ == State::kWaiting) return "a stream was left open";
  if (state_ != State::kSubscribed) return std::nullopt;
  if (!stream_open_) return "subscribed without a stream";
  if (backoff_ != Duration::zero()) return "subscribed, and the back-off goes on";
  if (heartbeat_interval_ < 1s || heartbeat_interval_ > kMaxHeartbeatInterval) {
    return "the interval of heartbeats is absurd";
  }
  return std::nullopt;
}

}  // namespace souk::scheduler
