// The engine behind the modules `drf`, `fair`, `priority` and `lottery`: books, filters, quota,
// revocation and explanations are the same for all; they differ in who comes first. This header is
// for tests; the modules are made by make_module(). Used by one thread.
//
// Who is tried. What is free on an agent goes to the first client (a framework in a role), in the
// module's order, that may get it; then shares are worked out anew, and the rest goes on. After
// allocate() no client could get anything more, and only a change can make that untrue: an agent
// that may have more to give (all clients are tried on it), a client that became able to get offers
// (it alone is tried on all agents with something free), or a filter that ended (one client on one
// agent). Where an agent went to such a client, nobody else could have it: when it comes back only
// that one is asked again, so that idle frameworks, refusing for seconds again and again, cost
// little.
//
// No client is starved by others that hand back what they get, even at once, again and again,
// refusing for zero seconds and with the lowest share of all: who hands an agent back without
// having used any of it goes behind those who did not, the latest last, until the agent is used (a
// task on it ended, or an offer of it was taken in part). Bound: between two offers of a whole
// agent to the same client, with no use of it in between, every other client that could get it all
// the while did get it. So of n clients each waits for at most n - 1 unused offers of an agent; and
// what is used goes by the order.
//
// Quota, as two stages. Roles that lack something guaranteed, of which the agent has some, come
// first. Everybody else leaves what is needed for all guarantees that are not met (the headroom).
// Nobody gets unreserved resources above a limit, its own role's or one above it. A role that may
// have no more cpus or mem at all is offered nothing unreserved: the rest would be of no use. Who
// lacks something guaranteed gets that all the same, unless a limit stands against it. Slots for
// short tasks do not count: they empty themselves. An agent on which the headroom held somebody
// short is tried again when more is free beyond it than was then.
//
// An agent on which more is allocated than it has gives nothing until that is over.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "allocator/allocator.h"
#include "allocator/filters.h"
#include "allocator/revocation.h"
#include "allocator/roles.h"
#include "allocator/share.h"
#include "base/hash_map.h"
#include "base/rng.h"

namespace souk::allocator {

// What the agents of one set of constraints are known to be, so that an expression is tried once on
// each.
struct KnownConstraints {
  enum class Known : uint8_t { kNotAsked, kFits, kDoesNot };
  std::shared_ptr<const CompiledConstraints> compiled;
  std::vector<Known> by_place;  // of the agents; beyond the end: not asked
};

struct Framework {
  FrameworkKey key;
  Capabilities capabilities;
  unsigned accepts = 0;  // of what agents may demand
  std::map<std::string, std::vector<Quantities>> min_allocatable;
  bool active = true;
  bool rigid = false;
  std::vector<std::unique_ptr<Client>> clients;
};

// Not below at least one of the alternatives; none at all: anything goes.
bool reaches(const Resources& offer, const std::vector<Quantities>& alternatives);

class Engine final : public Allocator {
 public:
  // By weighted dominant share; by the weighted share of one resource; by level and then by
  // dominant share; by lot, in proportion to weights.
  enum class Policy : uint8_t { kDrf, kFair, kPriority, kLottery };

  Engine(Policy policy, Options options, Rng rng);

  void add_agent(const AgentFacts& facts) override;
  void update_agent(const AgentFacts& facts) override;
  void remove_agent(AgentKey key) override;
  void set_agent_active(AgentKey key, bool active) override;

  void add_framework(const FrameworkFacts& facts,
                     const std::vector<std::string>& suppressed_roles) override;
  void update_framework(const FrameworkFacts& facts,
                        const std::vector<std::string>& suppressed_roles) override;
  void remove_framework(FrameworkKey key) override;
  void set_framework_active(FrameworkKey key, bool active) override;
  void suppress(FrameworkKey key, const std::vector<std::string>& roles) override;
  void revive(FrameworkKey key, const std::vector<std::string>& roles) override;

  void set_weight(const std::string& role, Scalar weight) override;
  void set_quota(const std::string& role, const Quota& quota) override;

  void allocated(FrameworkKey framework, const std::string& role, AgentKey agent,
                 const Resources& resources) override;
  void accepted(FrameworkKey framework, const std::string& role, AgentKey agent,
                const Resources& resources) override;
  void recovered(FrameworkKey framework, const std::string& role, AgentKey agent,
                 const Resources& resources, std::optional<Refusal> refusal, Now now) override;
  void task_started(const TaskFacts& task) override;
  void task_ended(FrameworkKey framework, const TaskId& task) override;

  void allocate(Now now, Decisions& decisions) override;
  std::optional<MonoTime> next_deadline() const override;

  Share share(FrameworkKey framework) const override;
  void explain(FrameworkKey framework, std::optional<AgentKey> agent,
               std::vector<Explanation>& explanations) const override;
  std::optional<std::string> check(const OfferConstraints& constraints) const override;

  // What the books have wrong, or who could get something that the next allocate() will not look
  // for; for tests, slow.
  std::optional<std::string> broken_invariant() const;

 private:
  // What one client holds on one agent. What was learned beyond the agent's means has an entry of
  // its own, so that a port that two tasks claim is free only when both gave it back.
  struct Holding {
    Client* client;
    Resources held;
    Resources offered;  // of it: in open offers
    Resources before;   // held when the last grant came
  };
  // A client that handed the agent back unused. Numbered in the order in which that happened.
  struct Pass {
    ClientId client;
    uint64_t number;
  };
  // What only some frameworks are offered.
  enum Demand : uint8_t { kNothing = 0, kShortSlots = 1, kGpuResources = 2, kOtherRegion = 4 };

  struct Agent {
    AgentFacts facts;  // but for the total
    uint32_t place = 0;
    Resources total;
    Resources free;  // total less all holdings; nothing if these exceed it
    std::vector<Holding> holdings;
    std::vector<Pass> passes;  // by client
    AgentFilters filters;
    Amounts counted;                     // of `free`: in available_
    std::size_t free_index = kNotFree;   // in free_agents_
    std::size_t short_index = kNotFree;  // in short_agents_
    uint64_t served = 0;                 // the last allocate() in which all clients were tried
    unsigned demands = 0;
    bool active = true;
    bool plain = false;             // all that it has is anybody's
    bool exempt = false;            // quota does not hold for all that it has
    bool exceeded = false;          // holdings exceed the total
    bool listed = false;            // in touched_
    bool for_all = false;           // all clients are to be tried
    std::vector<ClientId> waiting;  // otherwise these, if anything is free
    // As long as the spell lasts, nobody but the excepted could get this or a part of it.
    Resources quiet;
    std::vector<ClientId> excepted;
    uint64_t quiet_spell = 0;

    AgentKey key() const { return facts.key; }
  };
  // One agent on which clients are tried, one after the other. What a client may be offered is
  // mostly the same for many, so it is kept in between.
  struct Trial {
    const Agent& agent;
    const Client* client = nullptr;    // tried last
    Obstacle found = Obstacle::kNone;  // in its way
    const Role* role = nullptr;        // if what is cut depends on it
    Capabilities capabilities;
    Resources own;
    const Resources* offer = nullptr;  // the agent's free resources, or `own`
    Obstacle obstacle = Obstacle::kNone;
    Obstacle cut_by = Obstacle::kNone;  // quota took a part or all of it
    bool cut_by_headroom = false;       // that among others
    const Role* limited_by = nullptr;
    bool above_minimum = false;         // of the options
    bool held_short = false;            // the headroom took something from somebody
    AgentFilters::Groups stopping_all;  // the filters that stop all that is free
    AgentFilters::Surely refused = {};  // by these: so whatever is cut
    std::size_t asked = 0;              // how often the filters were, about `offer`
    AgentFilters::Groups stopping;      // those that stop `own`
    uint64_t mark = 0;                  // of the places that they stop, once worked out
  };
  static constexpr std::size_t kNotFree = SIZE_MAX;

  // engine.cc: frameworks and their clients
  Framework& framework_at(FrameworkKey key);
  static Client* find_client(const Framework& framework, const std::string& role);
  Client& open_client(Framework& framework, const std::string& role);
  void close_if_gone(Client& client);
  void subscribe(Framework& framework, const FrameworkFacts& facts,
                 const std::vector<std::string>& suppressed_roles);
  std::shared_ptr<KnownConstraints> known_constraints(const OfferConstraints& constraints);
  unsigned accepts_of(const FrameworkFacts& facts) const;
  void settle_rank(Client& client);
  void contend(Client& client);
  void forget_filters(Client& client);
  void tidy_filters();
  bool is_live(const FilterEnds::End& end, MonoTime until) const;

  // engine_agents.cc: agents, and what is held on them
  Agent& agent_at(AgentKey key);
  void set_facts(Agent& agent, const AgentFacts& facts);
  void count_reservations(const Resources& total, bool added);
  void settle(Agent& agent);
  void settle_free(Agent& agent);
  void list(Agent& agent);
  void try_all(Agent& agent);
  void try_some(Agent& agent, const std::vector<ClientId>& clients);
  void try_after_return(Agent& agent);
  void charge(const Agent& agent, Client& client, const Resources& resources, uint64_t grant);
  void discharge(const Agent& agent, Client& client, const Resources& resources);
  static Holding& holding_of(Agent& agent, Client& client);
  bool give_back(Agent& agent, Client& client, const Resources& resources, bool task_ended);
  void refuse(Agent& agent, Client& client, const Resources& resources, Filter filter);
  void pass(Agent& agent, const Client& client);
  static const Pass* find_pass(const Agent& agent, const Client& client);
  void forget_passes(Agent& agent);

  // engine_allocate.cc: who gets what
  void end_filters(Now now);
  void rescind_all(Decisions& decisions);
  void serve_contenders(std::vector<Grant>& grants);
  void put_off_spent(std::vector<Client*>& contenders);
  void contend_again();
  void serve_those_held_short(std::vector<Grant>& grants);
  void serve_waiting(Agent& agent, std::vector<Grant>& grants);
  void serve(Agent& agent, const std::vector<Client*>* among, std::vector<Grant>& grants);
  Client* pick(Trial& trial, const std::vector<Client*>* among);
  Client* first_in(const Node& node, bool lacks, bool only_lacking, Trial& trial);
  Client* first_among(const std::vector<Client*>& clients, bool only_lacking, Trial& trial);
  Client* first_of_passed(const std::vector<Client*>* among, Trial& trial);
  void gather(const Node& node, bool lacks, bool only_lacking, Trial& trial,
              std::vector<Client*>& eligible);
  Client* draw(const std::vector<Client*>& eligible);
  bool may_have(Client& client, Trial& trial);
  void grant(Agent& agent, Client& client, const Resources& offer, std::vector<Grant>& grants);
  void shuffle(std::vector<Agent*>& agents);

  // engine_eligible.cc: what stands in a client's way on an agent
  Trial trial_on(const Agent& agent) const;
  Obstacle obstacle(const Client& client, Trial& trial) const;
  const Role* role_for_cut(const Client& client, const Agent& agent) const;
  void cut(const Client& client, const Role* role, Trial& trial) const;
  bool fits(const Client& client, const Agent& agent) const;
  bool stopped(const Client& client, Trial& trial) const;
  bool large_enough(const Client& client, const Trial& trial) const;
  Explanation explain(const Client& client, const Agent& agent) const;
  std::string detail_of(const Client& client, const Trial& trial, Obstacle obstacle) const;

  // engine_quota.cc
  void consume(Role& role, const Amounts& amounts, bool more);
  void settle_lack(Role& role);
  void cut_by_quota(const Role& role, Trial& trial) const;
  std::optional<__int128> allowed(const Role& role, std::size_t slot, Obstacle& by,
                                  const Role*& limited_by) const;
  bool is_spent(const Role& role) const;
  bool is_unbound(const Role& role, const Agent& agent) const;
  bool lacks_here(const Role& role, const Agent& agent) const;
  static void note_short(Role& role);
  void contend_all_below(Role& role);
  void note_short(Agent& agent, bool replaces);
  void forget_short(Agent& agent);
  bool has_more(const Agent& agent, const Amounts& surplus) const;
  std::vector<Agent*> to_try_with_more() const;
  Amounts surplus() const;
  void settle_all_free();

  // engine_revocation.cc
  bool revokes() const { return options_.revocation_delay.has_value(); }
  void revoke(Now now, Decisions& decisions);
  std::optional<MonoTime> may_revoke_at(Client& client);
  void revoke_for(Client& client, Now now, Decisions& decisions);
  Amounts lack_of(const Client& client, bool& guaranteed) const;
  std::vector<const Client*> others_by_excess(const Client& client) const;
  std::optional<TaskKey> victim_of(const Client& holder, const Client& client, const Amounts& lack,
                                   bool guaranteed, const Amounts& taken) const;
  bool keeps_its_right(const Client& holder, const Client& client, const Amounts& loss,
                       bool guaranteed) const;
  Amounts guaranteed_to(const Client& client) const;
  Fraction fair_to(const Client& client) const;

  // engine_invariants.cc
  static std::optional<std::string> broken_agent(const Agent& agent);
  std::optional<std::string> broken_lists() const;
  std::optional<std::string> broken_sums() const;
  std::optional<std::string> broken_quota() const;
  std::optional<std::string> broken_order(const Node& node) const;
  std::optional<std::string> broken_filters() const;
  bool is_at_rest() const;
  std::optional<std::string> forgotten_grant() const;

  Policy policy_;
  Options options_;
  Rng rng_;
  Measure measure_;
  RoleTree tree_;
  HashMap<AgentKey, std::unique_ptr<Agent>> agents_;
  HashMap<FrameworkKey, std::unique_ptr<Framework>> frameworks_;
  HashMap<ClientId, Client*> clients_;
  std::vector<Client*> places_;  // null: free
  std::vector<uint32_t> eras_;   // of the filters of each place
  std::vector<uint32_t> free_places_;
  uint32_t last_era_ = 0;
  FilterEnds filter_ends_;
  std::size_t live_filters_ = 0;
  Resources last_total_;
  Resources last_refused_;
  Resources last_accepted_;
  mutable std::vector<uint64_t> marks_;  // by place: of the trial in which a filter stops it
  mutable uint64_t last_mark_ = 0;
  std::vector<std::weak_ptr<KnownConstraints>> constraints_;
  std::vector<Agent*> agent_places_;  // null: free
  std::vector<uint32_t> free_agent_places_;
  std::vector<Agent*> free_agents_;  // active, with enough free for some minimum
  // On which the headroom took something from somebody, and what was free beyond it then.
  struct Short {
    Agent* agent;
    Amounts surplus;
  };
  std::vector<Short> short_agents_;
  std::size_t own_minimums_ = 0;      // clients with one
  std::vector<AgentKey> touched_;     // on which somebody is to be tried; some may be gone
  std::vector<ClientId> contenders_;  // some may be gone
  std::vector<ClientId> put_off_;     // contenders whose roles were spent; some may be gone
  std::size_t exempt_agents_ = 0;
  bool totals_changed_ = false;  // shares in the order are of older totals
  bool rescinds_due_ = false;
  uint64_t spell_ = 1;  // a new one begins when a client becomes a contender
  uint32_t last_client_ = 0;
  uint64_t last_grant_ = 0;
  uint64_t last_pass_ = 0;
  uint64_t last_pass_before_ = 0;  // the last_pass_ of the last allocate()
  uint64_t interval_ = 0;          // the number of allocate() calls
  bool quota_set_ = false;         // some role has one
  bool quota_changed_ = false;     // since the last allocate(): all is to be tried again
  Amounts available_;              // free and unreserved on active agents, while quota_set_
  Amounts scratch_;  // of the resources that were charged or discharged last, among others
  Amounts unreserved_;
  MonoTime now_;  // of the last event that had a time
  RevocableTasks tasks_;
  MonoTime last_look_;  // for who lacks something
  std::optional<MonoTime> next_look_;
};

}  // namespace souk::allocator
