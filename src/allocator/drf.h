// Dominant resource fairness over offers: roles by weighted dominant share, then the frameworks of
// a role by theirs. The cluster's total is that of all agents known, active or not. Roles are flat:
// a path is a name like any other, but for reservations. Made by make_drf(); this header is for
// tests. Used by one thread.
//
// Who is tried. What is free on an agent goes to the first client (a framework in a role), in DRF
// order, that may get it; then shares are worked out anew, and the rest goes on. After allocate()
// no client could get anything more, and only a change can make that untrue: an agent that may have
// more to give (all clients are tried on it), a client that became able to get offers (it alone is
// tried on all agents with something free), or a filter that ended (one client on one agent). Where
// an agent went to such a client, nobody else could have it: when it comes back only that one is
// asked again, so that idle frameworks, refusing for seconds again and again, cost little.
//
// No client is starved by others that hand back what they get, even at once, again and again,
// refusing for zero seconds and with the lowest share of all: who hands an agent back without
// having used any of it goes behind those who did not, the latest last, until the agent is used (a
// task on it ended, or an offer of it was taken in part). Bound: between two offers of a whole
// agent to the same client, with no use of it in between, every other client that could get it all
// the while did get it. So of n clients each waits for at most n - 1 unused offers of an agent; and
// what is used goes by DRF.
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
#include "allocator/ranking.h"
#include "allocator/share.h"
#include "base/hash_map.h"
#include "base/rng.h"

namespace souk::allocator {

struct Framework {
  FrameworkKey key;
  Capabilities capabilities;
  std::map<std::string, std::vector<Quantities>> min_allocatable;
  bool active = true;
  std::vector<std::unique_ptr<Client>> clients;
};

class Drf final : public Allocator {
 public:
  Drf(Options options, Rng rng);

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

  void allocated(FrameworkKey framework, const std::string& role, AgentKey agent,
                 const Resources& resources) override;
  void recovered(FrameworkKey framework, const std::string& role, AgentKey agent,
                 const Resources& resources, std::optional<Refusal> refusal, Now now) override;

  void allocate(Now now, Decisions& decisions) override;
  std::optional<MonoTime> next_deadline() const override;

  Share share(FrameworkKey framework) const override;
  void explain(FrameworkKey, std::optional<AgentKey>, std::vector<Explanation>&) const override {}
  void set_weight(const std::string&, Scalar) override {}
  void set_quota(const std::string&, const Quota&) override {}
  void accepted(FrameworkKey, const std::string&, AgentKey, const Resources&) override {}

  // What the books have wrong, or, right after allocate(), who could still get something; for
  // tests, slow.
  std::optional<std::string> broken_invariant() const;

 private:
  // What one client holds on one agent. What was learned beyond the agent's means has an entry of
  // its own, so that a port that two tasks claim is free only when both gave it back.
  struct Holding {
    Client* client;
    Resources held;
    Resources before;  // held when the last grant came
  };
  // A client that handed the agent back unused. Numbered in the order in which that happened.
  struct Pass {
    ClientId client;
    uint64_t number;
  };
  struct Agent {
    AgentKey key;
    Resources total;
    Resources free;  // total less all holdings; nothing if these exceed it
    std::vector<Holding> holdings;
    std::vector<Pass> passes;  // by client
    std::shared_ptr<const Resources> last_refused;
    std::size_t free_index = kNotFree;  // in free_agents_
    uint64_t served = 0;                // the last allocate() in which all clients were tried
    bool active = true;
    bool has_gpus = false;
    bool exceeded = false;          // holdings exceed the total
    bool listed = false;            // in touched_
    bool for_all = false;           // all clients are to be tried
    std::vector<ClientId> waiting;  // otherwise these, if anything is free
    // As long as the era lasts, nobody but the excepted could get this or a part of it.
    Resources quiet;
    std::vector<ClientId> excepted;
    uint64_t quiet_era = 0;
  };
  // What a client may be offered of an agent: the same for all of one role and with the same
  // capabilities, so it is kept while one after the other is tried.
  struct Slice {
    const Role* role = nullptr;
    Capabilities capabilities;
    Resources own;
    const Resources* offer = nullptr;  // the agent's free resources, or `own`
    bool above_minimum = false;        // of the options
  };
  static constexpr std::size_t kNotFree = SIZE_MAX;

  // drf.cc: frameworks and clients
  Framework& framework_at(FrameworkKey key);
  Client& client_at(ClientId id);
  static Client* find_client(const Framework& framework, const std::string& role);
  Client& open_client(Framework& framework, const std::string& role);
  void close_if_gone(Client& client);
  void subscribe(Framework& framework, const FrameworkFacts& facts,
                 const std::vector<std::string>& suppressed_roles);
  void settle_rank(Client& client);
  void contend(Client& client);
  template <class Change>
  void restand(Client& client, Change change);
  void charge(Client& client, const Resources& resources);
  void discharge(Client& client, const Resources& resources);

  // drf_agents.cc: agents, and what is held on them
  Agent& agent_at(AgentKey key);
  void set_total(Agent& agent, const Resources& total);
  void settle(Agent& agent);
  void settle_free_list(Agent& agent);
  void list(Agent& agent);
  void try_all(Agent& agent);
  void try_some(Agent& agent, const std::vector<ClientId>& clients);
  void try_after_return(Agent& agent);
  static Holding& holding_of(Agent& agent, Client& client);
  static bool give_back(Agent& agent, Client& client, const Resources& resources, bool task_ended);
  void refuse(Agent& agent, Client& client, const Resources& resources, MonoTime until);
  void pass(Agent& agent, const Client& client);
  static bool has_passed(const Agent& agent, const Client& client);
  void forget_passes(Agent& agent);

  // drf_allocate.cc
  void end_filters(Now now);
  void work_out_all();
  void serve_contenders(std::vector<Grant>& grants);
  void serve_waiting(Agent& agent, std::vector<Grant>& grants);
  void serve(Agent& agent, const Ranking& ranking, std::vector<Grant>& grants);
  Client* first_in(const Ranking& ranking, const Agent& agent, Slice& slice) const;
  Client* first_of_passed(const Ranking& ranking, const Agent& agent, Slice& slice) const;
  const Resources* offer_for(const Client& client, const Agent& agent, Slice& slice) const;
  void cut(const Client& client, const Agent& agent, Slice& slice) const;
  void grant(Agent& agent, Client& client, const Resources& offer, std::vector<Grant>& grants);
  void shuffle(std::vector<Agent*>& agents);

  // drf_invariants.cc
  static std::optional<std::string> broken_agent(const Agent& agent);
  std::optional<std::string> broken_lists() const;
  std::optional<std::string> broken_sums() const;
  std::optional<std::string> broken_ranking() const;
  std::optional<std::string> forgotten_grant() const;

  Options options_;
  Rng rng_;
  Measure measure_;
  FilterTable filters_;
  HashMap<AgentKey, std::unique_ptr<Agent>> agents_;
  HashMap<FrameworkKey, std::unique_ptr<Framework>> frameworks_;
  HashMap<ClientId, Client*> clients_;
  std::map<std::string, std::unique_ptr<Role>> roles_;  // with clients
  Ranking ranking_;              // of all clients that are active, subscribed and not suppressed
  Ranking* narrowed_ = nullptr;  // a part of it, while that is being served
  bool totals_changed_ = false;  // shares in the ranking are of older totals
  std::vector<Agent*> free_agents_;   // active, with something free
  std::vector<AgentKey> touched_;     // on which somebody is to be tried; some may be gone
  std::vector<ClientId> contenders_;  // some may be gone
  uint64_t era_ = 1;                  // a new one begins when a client becomes a contender
  uint32_t last_client_ = 0;
  uint64_t last_grant_ = 0;
  uint64_t last_pass_ = 0;
  uint64_t last_pass_before_ = 0;  // the last_pass_ of the last allocate()
  uint64_t interval_ = 0;          // the number of allocate() calls
};

// Changes what a client holds, or whether it is ranked, and puts it and its role where they now
// belong.
template <class Change>
void Drf::restand(Client& client, Change change) {
  Role& role = *client.role;
  std::unique_ptr<Row> row = ranking_.take(role);
  if (client.ranked) row->erase(client);
  std::unique_ptr<Row> narrowed = narrowed_ != nullptr ? narrowed_->take(role) : nullptr;
  const bool is_narrowed = narrowed != nullptr && narrowed->erase(client);

  change();
  client.standing.share = measure_.dominant(client.standing.used);
  role.standing.share = measure_.dominant(role.standing.used);

  if (client.ranked && row == nullptr) row = std::make_unique<Row>(role);
  if (client.ranked) row->insert(client);
  if (is_narrowed) narrowed->insert(client);
  ranking_.put(std::move(row));
  if (narrowed_ != nullptr) narrowed_->put(std::move(narrowed));
}

}  // namespace souk::allocator
