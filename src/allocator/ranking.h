// Who is next under DRF: roles by weighted dominant share, and within a role its frameworks by
// theirs. Of equals, the one whose last grant is longer ago. The keys are kept in the members
// (Standing); whoever changes one takes the role out first and puts it back afterwards. Used by one
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "allocator/filters.h"
#include "allocator/share.h"
#include "model/ids.h"

namespace souk::allocator {

struct Standing {
  Amounts used;
  Fraction share;           // of `used`, when it was last worked out
  uint64_t last_grant = 0;  // the number of it; 0: none yet
};

struct Role {
  std::string name;
  int64_t weight = 1000;  // thousandths, above zero
  Standing standing;      // all clients together
  std::size_t clients = 0;
};

struct Framework;

// A framework in one of its roles: the unit that is offered something.
struct Client {
  ClientId id;
  FrameworkKey key;
  Framework* framework = nullptr;
  Role* role = nullptr;
  Standing standing;
  FilterSet* filters = nullptr;
  bool subscribed = false;  // no: it only holds what it got before it gave the role up
  bool suppressed = false;
  bool ranked = false;     // in the ranking of all that may get something
  bool contender = false;  // became able to get something since the last allocate()
  std::size_t holdings = 0;
  const std::vector<Quantities>* minimum = nullptr;  // its own; null: the master's
};

bool comes_before(const Client& a, const Client& b);  // of one role
bool comes_before(const Role& a, const Role& b);

// The clients of one role, best first.
class Row {
 public:
  explicit Row(Role& role) : role_(&role) {}

  Role& role() const { return *role_; }
  const std::vector<Client*>& clients() const { return clients_; }
  void insert(Client& client);
  // Whether it was there.
  bool erase(Client& client);
  void sort();

 private:
  Role* role_;
  std::vector<Client*> clients_;
};

class Ranking {
 public:
  const std::vector<std::unique_ptr<Row>>& rows() const { return rows_; }
  bool empty() const { return rows_.empty(); }

  void insert(Client& client);
  void erase(Client& client);

  // The row of a role, taken out so that keys may change; null if it has none.
  std::unique_ptr<Row> take(Role& role);
  // Puts it back, unless it is null or empty.
  void put(std::unique_ptr<Row> row);
  // After any number of keys have changed.
  void sort();

 private:
  std::vector<std::unique_ptr<Row>> rows_;
};

}  // namespace souk::allocator
