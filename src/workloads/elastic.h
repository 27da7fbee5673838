// A framework that runs any number of tasks at once, on whatever it is offered: the elastic ones of
// §4, the frameworks that fill a cluster, and those of §6.5. With `short_slots` it takes the slots
// that are set aside for short tasks, and only these (§4.4).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>

#include "base/rng.h"
#include "workloads/framework.h"
#include "workloads/lengths.h"

namespace souk::workloads {

struct ElasticOptions {
  // With framework.short_slots, tasks that would be too long for a slot are cut to fit into it.
  FrameworkOptions framework;
  Resources demand;                   // of each task; REQUIRES that it is not empty
  Lengths lengths;                    // of the tasks
  std::optional<uint64_t> tasks;      // that have to finish; nothing: without end
  std::optional<uint64_t> slots_max;  // tasks at once
  std::set<std::string> hosts;        // takes only these; empty: all
  uint64_t max_tasks_per_offer = std::numeric_limits<uint64_t>::max();
  std::optional<Duration> refuse;  // what it does not take; nothing: the default
  bool suppresses = true;          // while there is nothing that it would run
};

class Elastic final : public Framework {
 public:
  Elastic(ElasticOptions options, Rng rng);

  bool done() const override;
  // When it held slots_max slots for the first time.
  std::optional<MonoTime> ramped_up() const { return ramped_up_; }

 private:
  void offered(Context& context, std::vector<Offer>&& offers) override;
  void task_ended(Context& context, const Task& task, bool finished) override;

  uint64_t room() const;
  uint64_t wanted_of(const Offer& offer) const;
  Duration length_for(const Offer& offer);
  void settle(Context& context);

  const ElasticOptions options_;
  LengthSource lengths_;
  std::optional<MonoTime> ramped_up_;
};

// The frameworks of §4 that a newcomer has to win its slots from: on these hosts tasks of the given
// lengths follow each other for ever. They take what they are offered, and so leave a slot to
// whoever is offered it when a task ends.
ElasticOptions holder(FrameworkOptions framework, Resources demand, Lengths lengths,
                      std::set<std::string> hosts = {});

}  // namespace souk::workloads
