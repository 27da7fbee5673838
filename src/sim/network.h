// The simulated network: wires between processes, each in order in both directions, with delays;
// nothing is ordered between wires. Faults: pairs of processes that cannot reach each other (what
// is on the way waits, as in TCP, until they can, or an end gives up), wires that are cut, ends
// that die without a word, readers that are slow.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/hash_map.h"
#include "base/rng.h"
#include "sim/process.h"
#include "sim/queue.h"

namespace souk::sim {

struct NetworkOptions {
  Duration delay_least = 50us;
  Duration delay_most = 500us;
  Duration connect_timeout = 3s;  // of a dial that nobody hears
  // Messages on the way to one end: beyond it the wire is cut, as a server does with a reader that
  // does not read.
  std::size_t max_on_the_way = 100'000;
};

class Network {
 public:
  // Finds a process; null: there is none.
  using Find = std::function<Process*(ProcessId)>;
  // Sees (and may change) each message on its way out, and each one that arrives.
  using Pass = std::function<void(Message&)>;
  using Watch = std::function<void(const Process& from, const Process& to, const Message&)>;

  Network(NetworkOptions options, Queue& queue, Rng rng, Find find);

  void set_pass(Pass pass) { pass_ = std::move(pass); }
  void set_watch(Watch watch) { watch_ = std::move(watch); }

  Wire dial(const Process& from, ProcessId to);
  // Dropped if this end is closed.
  void send(const Process& from, Wire wire, Message&& message);
  // The other end hears of it; this one hears no more.
  void close(const Process& from, Wire wire);
  // All its ends are closed. Silently: the others only find out by themselves (power loss).
  void died(const Process& process, bool silently);

  // --- faults
  void block(ProcessId a, ProcessId b);
  void unblock(ProcessId a, ProcessId b);
  void unblock_all();
  // Cuts all wires between the two; both hear it.
  void cut(ProcessId a, ProcessId b);
  // Each message to it takes so much longer; zero: as fast as the others.
  void slow_down(ProcessId process, Duration more);

  std::size_t wires() const { return wires_.size(); }
  std::size_t most_on_the_way() const { return most_on_the_way_; }

 private:
  struct End {
    ProcessId process;
    bool open = false;
    uint32_t on_the_way = 0;  // to it
    MonoTime last_arrival;    // of that
  };
  using Ends = std::array<End, 2>;  // the dialler's first

  static std::pair<ProcessId, ProcessId> pair_of(ProcessId a, ProcessId b) {
    return a < b ? std::pair(a, b) : std::pair(b, a);
  }
  bool blocked(ProcessId a, ProcessId b) const {
    return !blocked_.empty() && blocked_.contains(pair_of(a, b));
  }
  // What comes to one end of a wire.
  using Arrival = std::move_only_function<void(Network&, Wire, int to)>;

  static uint64_t number_of(Wire wire, int end) {
    return 2 * wire.value + static_cast<uint64_t>(end);
  }
  Ends* find(Wire wire);
  void forget(Wire wire);
  Duration delay();
  template <class F>
  void travel(Wire wire, int to, F arrival);
  template <class F>
  void schedule(MonoTime when, Wire wire, int to, F arrival);
  template <class F>
  void arrive(Wire wire, int to, F arrival);
  void accept(Wire wire);
  void refuse(Wire wire, Duration after);
  void deliver(Wire wire, int to, Message&& message);
  void tell_closed(Wire wire, int to);
  void hear_closed(Wire wire, int at);
  void forget_if_over(Wire wire, const Ends& ends);
  void release(ProcessId a, ProcessId b);
  void remember(ProcessId process, Wire wire);
  std::vector<Wire> wires_between(ProcessId a, ProcessId b) const;

  const NetworkOptions options_;
  Queue& queue_;
  Rng rng_;
  Find find_;
  Pass pass_;
  Watch watch_;
  uint64_t last_ = 0;
  HashMap<uint64_t, Ends> wires_;
  std::vector<std::vector<Wire>> wires_of_;          // by process; may hold some that are gone
  HashMap<uint64_t, std::vector<Arrival>> waiting_;  // behind a block, in order, by number_of()
  std::set<std::pair<ProcessId, ProcessId>> blocked_;
  HashMap<uint32_t, Duration> slow_;
  std::size_t most_on_the_way_ = 0;
};

}  // namespace souk::sim
