// What every simulated process needs of its world.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/effects.h"
#include "executor/machine.h"
#include "sim/network.h"
#include "sim/observer.h"
#include "sim/process.h"
#include "sim/queue.h"

namespace souk::sim {

// A list that is filled and emptied in each step: one for all processes, so that none of very many
// keeps its own, and it need not be allocated again. Who steps another one meanwhile gets a new
// one.
template <class List>
class Lender {
 public:
  class Loan {
   public:
    explicit Loan(Lender& lender) : lender_(lender), list_(std::exchange(lender.kept_, {})) {}
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan() {
      list_.clear();
      lender_.kept_ = std::move(list_);
    }
    List& operator*() { return list_; }

   private:
    Lender& lender_;
    List list_;
  };

  Loan lend() { return Loan(*this); }

 private:
  List kept_;
};

class Services {
 public:
  Services(Queue& queue, Network& network, Observer& observer)
      : queue_(queue), network_(network), observer_(observer) {}

  Queue& queue() { return queue_; }
  Network& network() { return network_; }
  Observer& observer() { return observer_; }

  Now now(const Process& process) const { return process.clock().read(queue_.now()); }

  // Not done if the process has died by then.
  template <class F>
  void after(const Process& process, Duration delay, F action) {
    queue_.at(queue_.now() + delay,
              [&process, life = process.life(), action = std::move(action)]() mutable {
                if (process.life() == life) action();
              });
  }

  Lender<agent::Effects> agent_effects;
  Lender<executor::Effects> executor_effects;

 private:
  Queue& queue_;
  Network& network_;
  Observer& observer_;
};

// The one wake-up of a machine. Moving it later costs nothing: it is looked at again when the
// earlier moment comes.
class Timer {
 public:
  Timer(Services& services, const Process& process, Action fired)
      : services_(services), process_(process), fired_(std::move(fired)) {}

  // By the process's own clock.
  void arm(std::optional<MonoTime> local) {
    wanted_ = local ? std::optional(process_.clock().when(*local)) : std::nullopt;
    if (wanted_ && (!entry_ || *wanted_ < *entry_)) enter(*wanted_);
  }

 private:
  void enter(MonoTime when) {
    entry_ = when;
    services_.queue().at(when, [this, entry = ++last_entry_] {
      if (entry != last_entry_) return;
      entry_.reset();
      if (!wanted_) return;
      if (*wanted_ > services_.queue().now()) return enter(*wanted_);
      wanted_.reset();
      fired_();
    });
  }

  Services& services_;
  const Process& process_;
  Action fired_;
  std::optional<MonoTime> wanted_;  // world time
  std::optional<MonoTime> entry_;   // in the queue
  uint64_t last_entry_ = 0;
};

}  // namespace souk::sim
