// What an outsider knows who reads all of a leading master's mail, and nothing else: which agents
// it serves and what they have, who holds what on them, which offers are open. Kept for the
// checkers, from the events and effects of masters alone, by other code than the master's.
//
// One set of books for each leadership, as a new leader begins with nothing (§3.6).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/hash_map.h"
#include "model/offer.h"
#include "protocol/registry.h"
#include "sim/master_process.h"
#include "sim/observer.h"
#include "sim/world.h"

namespace souk::sim {

// What an agent gives out under one rule: its ordinary resources, or its slots for short tasks.
struct BookPool {
  Resources total;
  // Total less what is used and offered. Nothing: more is used than there is, which may come of
  // what agents report, and of nothing else.
  std::optional<Resources> left;
};

struct BookTask {
  std::string role;
  Resources resources;
  bool short_slot = false;
};

struct BookAgent {
  using TaskKey = std::pair<FrameworkId, TaskId>;
  using ExecutorKey = std::pair<FrameworkId, ExecutorId>;
  AgentId id;
  AgentInfo info;
  std::optional<ConnectionId> link;
  std::array<BookPool, 2> pools;              // ordinary, short slots
  std::map<TaskKey, BookTask> tasks;          // that hold resources
  std::map<ExecutorKey, BookTask> executors;  // likewise
  std::set<OfferId> offers;                   // open
};

struct BookOffer {
  OfferId id;
  FrameworkId framework;
  AgentId agent;
  std::string role;
  Resources resources;
  bool short_slots = false;
};

struct BookFramework {
  FrameworkInfo info;
  std::optional<ConnectionId> stream;
  std::set<std::string> suppressed;
  bool constrained = false;  // it asks for more than resources of the agents that it is offered
  MonoTime wants_since;      // when it subscribed, or woke up, or was changed otherwise
  std::set<OfferId> offers;  // open
};

struct Reign {
  const MasterProcess* master = nullptr;
  uint64_t epoch = 0;
  MonoTime now;  // of the step under way, by its master's clock
  std::map<AgentId, BookAgent> agents;
  std::map<FrameworkId, BookFramework> frameworks;
  std::map<OfferId, BookOffer> offers;  // open
  std::map<std::string, Quota> quotas;  // by role
  HashMap<uint64_t, FrameworkId> streams;
  HashMap<uint64_t, AgentId> links;
  HashMap<uint64_t, protocol::to_master::Register> reports;  // by link, until answered
  std::map<protocol::Ticket, std::vector<protocol::RoleQuota>> quotas_to_store;
  std::vector<AgentId> unlinked;  // agents that lost their link in the step under way
  bool decided = false;           // the step under way is the end of a batch
};

enum class OfferEnd : uint8_t {
  kAccepted,
  kDeclined,
  kRescinded,
  kDropped,  // with the stream of its framework
};

// An ACCEPT or DECLINE that the master took.
struct BookAnswer {
  const BookFramework* framework = nullptr;
  std::vector<OfferId> offers;
  std::vector<BookOffer> open;  // those of them that were
  bool sound = true;            // all were open and its own, of one agent and role
  bool accept = false;
  Resources left;  // of the open ones, less what was run out of them
  Filters filters;
};

class BookListener {
 public:
  virtual ~BookListener() = default;

  virtual void on_reign(const Reign&) {}
  // The offer is in the books already. `fits`: there was enough left for it.
  virtual void on_offer(const Reign&, const BookAgent&, const BookOffer&, bool /*fits*/) {}
  // It is not in the books any more.
  virtual void on_offer_end(const Reign&, const BookOffer&, OfferEnd) {}
  // Its offers have ended just before.
  virtual void on_answer(const Reign&, const BookAnswer&) {}
  // The framework may be offered things that it was not before.
  virtual void on_wish(const Reign&, const BookFramework&) {}
  // `agent`: null if the link is not one of a registered agent. `answer`: null if this is no part
  // of the answer to an ACCEPT. `fits`: there was enough left.
  virtual void on_run(const Reign&, const BookAgent* /*agent*/, const BookAnswer* /*answer*/,
                      const protocol::to_agent::RunTasks&, const Resources& /*needed*/,
                      bool /*fits*/) {}
  // The agent registered; what it holds in the books is what it told.
  virtual void on_report(const Reign&, const BookAgent&) {}
  // After each step of the master.
  virtual void on_step(const Reign&) {}
};

class Books final : public Observer {
 public:
  explicit Books(const World& world) : world_(world) {}
  // In the order of their adding.
  void add(BookListener& listener) { listeners_.push_back(&listener); }
  // Null: it has not led yet. Stays after its end, until it leads again.
  const Reign* reign_of(const MasterProcess& master) const;

  void on_leads(const MasterProcess& master, uint64_t epoch) override;
  void on_event(const MasterProcess& master, const master::Event& event) override;
  void on_effects(const MasterProcess& master, const master::Effects& effects) override;

 private:
  // The call under way, as far as it matters here.
  struct Call {
    ConnectionId connection;
    FrameworkId framework;
    std::variant<std::monostate, BookAnswer, protocol::call::Revive, protocol::call::Suppress,
                 protocol::call::Teardown, BookFramework>
        body;  // the last: as it subscribes, or changes itself
  };

  Reign* find(const MasterProcess& master);
  template <class Tell>
  void tell(Tell&& tell) {
    for (BookListener* listener : listeners_) tell(*listener);
  }

  void hear(Reign& reign, const master::SchedulerCalled& event);
  void hear(Reign& reign, const master::AgentSaid& event);
  void hear(Reign& reign, const master::Persisted& event);
  void answered(Reign& reign);
  void take_answer(Reign& reign, BookFramework& framework, BookAnswer& answer);
  void say(Reign& reign, const master::SendToFramework& effect);
  void say(Reign& reign, const master::SendToAgent& effect);
  void subscribed(Reign& reign, ConnectionId connection, const FrameworkId& framework);
  void stream_ended(Reign& reign, ConnectionId connection);
  void link_ended(Reign& reign, ConnectionId link);
  void make_offer(Reign& reign, const Offer& offer);
  void end_offer(Reign& reign, const OfferId& id, OfferEnd how);
  void registered(Reign& reign, ConnectionId link, const AgentId& agent);
  void run(Reign& reign, BookAgent* agent, const protocol::to_agent::RunTasks& run);
  void shut_down(Reign& reign, BookAgent& agent, const FrameworkId& framework);
  // Works out anew what is left.
  static void settle(const Reign& reign, BookAgent& agent);
  static bool take(BookPool& pool, const Resources& resources);
  static void give_back(const Reign& reign, BookAgent& agent, bool short_slot,
                        const Resources& resources);

  std::vector<BookListener*> listeners_;
  std::vector<std::unique_ptr<Reign>> reigns_;  // by the master's process id
  std::optional<Call> call_;                    // of the step under way
  std::optional<BookAnswer> basket_;            // of an ACCEPT that was taken in this step
  const World& world_;
};

}  // namespace souk::sim
