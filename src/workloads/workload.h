// A framework's behaviour: what it does with offers and updates. It sees what the scheduler library
// tells and answers with calls; connecting, reconciling and acknowledging are the library's affair.
//
// Pure and deterministic: no I/O, no clock, randomness only from the generator it was made with.
// Used by one thread. The simulator and real clusters run the same ones.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "model/framework.h"
#include "model/ids.h"
#include "model/offer.h"
#include "model/task.h"
#include "protocol/scheduler_api.h"

namespace souk::workloads {

// Makes a runnable task of a half-filled one: in a real cluster and in the simulator alike a
// command that sleeps for `length`.
class TaskMaker {
 public:
  virtual ~TaskMaker() = default;
  virtual TaskSpec make(TaskSpec task, Duration length) const = 0;
};

// What a workload works with during one call of it.
class Context {
 public:
  Context(Now at, const TaskMaker& maker, std::vector<protocol::SchedulerCallBody>& calls)
      : now(at), maker_(maker), calls_(calls) {}

  TaskSpec task(TaskSpec half, Duration length) const {
    return maker_.make(std::move(half), length);
  }
  // To the master, in this order.
  void say(protocol::SchedulerCallBody call) { calls_.push_back(std::move(call)); }

  const Now now;

 private:
  const TaskMaker& maker_;
  std::vector<protocol::SchedulerCallBody>& calls_;
};

class Workload {
 public:
  virtual ~Workload() = default;

  // How it subscribes; asked once.
  virtual FrameworkInfo info() const = 0;

  virtual void on_subscribed(Context& context) { static_cast<void>(context); }
  virtual void on_offers(Context& context, std::vector<Offer>&& offers) = 0;
  virtual void on_rescinded(Context& context, const OfferId& offer) {
    static_cast<void>(context);
    static_cast<void>(offer);
  }
  // Tasks of ours have to end by the times that these say, or are killed then (§3.3).
  virtual void on_inverse_offers(Context& context, std::vector<InverseOffer>&& offers) {
    static_cast<void>(context);
    static_cast<void>(offers);
  }
  // May say the same twice (at least once, §3.6).
  virtual void on_update(Context& context, const TaskStatus& status) = 0;
  // All offers of before are void.
  virtual void on_disconnected(Context& context) { static_cast<void>(context); }

  // When on_deadline() wants to be called; asked after each call. Nothing: not.
  virtual std::optional<MonoTime> next_deadline() const { return std::nullopt; }
  virtual void on_deadline(Context& context) { static_cast<void>(context); }

  // Nothing is left to do: the framework may be torn down.
  virtual bool done() const { return false; }
};

}  // namespace souk::workloads
