// Roles as a tree, a/b/c, and who is next in it: at each node the child with the smallest weighted
// dominant share, down to a framework (DRF, §3.3; with one counted resource this is weighted
// max-min). A role's own frameworks stand together beside its child roles, with weight 1. Of
// equals, the one whose last grant is longer ago. Used by one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "allocator/constraints.h"
#include "allocator/filters.h"
#include "allocator/share.h"
#include "base/check.h"
#include "model/ids.h"
#include "model/quota.h"

namespace souk::allocator {

struct Role;
struct Framework;

struct Standing {
  Amounts used;
  Fraction share;           // of `used`, when it was last worked out
  uint64_t last_grant = 0;  // the number of it; 0: none yet
};

// A framework in one of its roles: the unit that is offered something.
struct Client {
  ClientId id;
  FrameworkKey key;
  Framework* framework = nullptr;
  Role* role = nullptr;
  Standing standing;
  Amounts offered;          // of what it holds: in open offers
  bool subscribed = false;  // no: it only holds what it got before it gave the role up
  bool suppressed = false;
  bool ranked = false;     // in the order of all that may get something
  bool contender = false;  // became able to get something since the last allocate()
  bool put_off = false;    // contends again when its role may have more
  std::size_t holdings = 0;
  const std::vector<Quantities>* minimum = nullptr;      // its own; null: the options'
  std::shared_ptr<struct KnownConstraints> constraints;  // null: none
  // Filters: under this key, so many; and one for all agents.
  FilterKey filter_key;
  std::size_t filters = 0;
  std::optional<MonoTime> refuses_all_until;
  MonoTime latest_filter;  // no filter ends later
  // For revocation.
  std::optional<MonoTime> wanting_since;  // ranked; nothing: since the next allocate()
  MonoTime refuses_until;                 // it has declined what it could have used
  std::optional<MonoTime> lacking_since;
  Amounts lacking;               // at each look since then, at least this
  bool lacks_guarantee = false;  // or else its fair share
  int fruitless = 0;             // revocations in its favour in a row, of which it took nothing
};

// A place in the order: a role with all below it, or a role's own frameworks.
struct Node {
  Role* role = nullptr;
  Node* parent = nullptr;  // null: the root
  bool leaf = false;       // the role's own frameworks
  int64_t weight = 1000;   // thousandths, above zero
  int64_t priority = 0;    // higher first, before any share
  Standing standing;
  std::size_t ranked = 0;    // clients in and below it
  Client* only = nullptr;    // if that is one: this one
  std::vector<Node*> order;  // the children with ranked clients, the next one first
  std::vector<Client*> row;  // of a leaf: its ranked clients, the next one first
  uint64_t mark = 0;         // of whoever walks the tree
};

// What quota says of a role, kept up to date with each change. Amounts by slot.
struct RoleQuota {
  Amounts guarantee;
  std::vector<std::optional<__int128>> limit;  // beyond the end: none
  Amounts consumed;      // by the role and all below: reservations, and what is held unreserved
  Amounts needed;        // to meet this guarantee and those below
  Amounts needed_below;  // the sum of `needed` of the children
  Amounts own_lack;      // what `needed` exceeds `needed_below` by
  bool limited = false;
};

struct Role {
  std::string name;
  Role* parent = nullptr;  // null: the root
  Node node;
  Node own;
  std::vector<Role*> children;
  std::vector<Client*> clients;
  std::size_t clients_below = 0;  // and in it
  RoleQuota quota;
  std::size_t lacking = 0;  // roles in and below it with something in `own_lack`
  bool held_short = false;  // a limit or the headroom took something from somebody in or below it
  bool lacks() const { return !is_zero(quota.own_lack); }
  bool is_root() const { return parent == nullptr; }
};

// Total orders.
bool comes_before(const Client& a, const Client& b);  // of one role
bool comes_before(const Node& a, const Node& b);      // of one parent
// Of any two clients: by the first place where their paths part.
bool precedes(const Client& a, const Client& b);

class RoleTree {
 public:
  explicit RoleTree(const Measure& measure);

  Role& root() { return root_; }
  const Role& root() const { return root_; }
  Role* find(const std::string& name) const;
  // With the roles above it.
  Role& open(const std::string& name);
  void add_client(Client& client);  // to its role
  // What was granted to a role is forgotten with its last client.
  void remove_client(Client& client);
  // Forgets it, and the roles above it, where nothing is left that anybody would miss.
  void close_if_unused(Role& role);
  // By name; without the root.
  const std::map<std::string, std::unique_ptr<Role>>& roles() const { return roles_; }

  void set_weight(const std::string& role, int64_t weight);
  void set_priority(const std::string& role, int64_t priority);

  void rank(Client& client);
  void unrank(Client& client);
  // What the client holds grows or shrinks. `grant`: its number if it is one, else 0.
  void charge(Client& client, const Amounts& amounts, uint64_t grant);
  void discharge(Client& client, const Amounts& amounts);
  // Works out all shares anew, after the totals have changed.
  void work_out_all();

 private:
  void settle(Node& node);
  template <class Change>
  void change_standing(Client& client, Change change);

  const Measure& measure_;
  Role root_;
  std::map<std::string, std::unique_ptr<Role>> roles_;
  std::map<std::string, int64_t> weights_;     // that are set, also of roles not in the tree
  std::map<std::string, int64_t> priorities_;  // likewise
};

}  // namespace souk::allocator
