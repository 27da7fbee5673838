// Delay scheduling (§3.2): the tasks of a job run where their data is, if the job waits a little
// for offers of those hosts. A job that is offered other hosts passes them by until it has waited
// for `delay`; from then on it takes any host, until one of its tasks gets a host of its own again.
// The wait starts when the job first passes by what it could have used.
//
// One of these for each job. Of several jobs that share offers, ask the one first that is to get
// the slot first, say the one with the fewest running tasks, and the next one if it passes it by.
//
// No I/O, clock or threads of its own; the same calls give the same answers. Adding, removing and
// placing a task cost O(log n) for each of its hosts, passing by costs O(log n).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace souk::scheduler {

class DelayScheduling {
 public:
  // As the framework numbers its tasks. Tasks with smaller numbers are placed first.
  using Task = uint64_t;

  enum class Locality : uint8_t {
    kLocal,     // on a host that the task prefers
    kNonLocal,  // elsewhere
    kAnywhere,  // it prefers none
  };
  struct Placed {
    Task task = 0;
    Locality locality = Locality::kLocal;
    bool operator==(const Placed&) const = default;
  };
  // Free room on a host, for as many tasks.
  struct Slots {
    std::string host;
    std::size_t free = 0;
  };
  struct Assignment {
    std::size_t offer = 0;  // its place in what was given
    Placed placed;
    bool operator==(const Assignment&) const = default;
  };

  // Zero: takes any host at once.
  explicit DelayScheduling(Duration delay) : delay_(delay) {}

  // A task that waits to be placed. A lost one may be added again; one that waits is replaced.
  void add(Task task, std::vector<std::string> preferred_hosts);
  // It is not to be placed any more. Unknown ones are ignored.
  void remove(Task task);

  // The task to run on a free slot of this host, or nothing: pass it by. What is placed does not
  // wait any more.
  std::optional<Placed> place(std::string_view host, MonoTime now);
  // The same for several offers: first all tasks that are local on one of them, then the others.
  std::vector<Assignment> place(const std::vector<Slots>& offers, MonoTime now);

  // When the job will have waited long enough; nothing if it does not wait. Then offers that were
  // passed by are worth asking for again (REVIVE).
  std::optional<MonoTime> next_deadline() const;
  // Say this when the deadline has come; any later place() notices, too.
  void advance(MonoTime now);
  // It has waited long enough, and takes any host.
  bool takes_any() const { return delay_ <= Duration(0) || waited_; }

  std::size_t waiting() const { return tasks_.size(); }
  bool empty() const { return tasks_.empty(); }

 private:
  std::optional<Placed> place_local(std::string_view host);
  std::optional<Placed> place_other(MonoTime now);
  void stop_waiting();

  const Duration delay_;
  std::map<Task, std::vector<std::string>> tasks_;              // with their hosts
  std::map<std::string, std::set<Task>, std::less<>> by_host_;  // no set is empty
  std::set<Task> anywhere_;                                     // prefer no host
  std::optional<MonoTime> since_;                               // it waits
  bool waited_ = false;                                         // long enough; then since_ is empty
};

}  // namespace souk::scheduler
