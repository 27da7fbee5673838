// Frameworks with one kind of task each, on an allocator of the product: what they accept is what
// the properties of the DRF paper are tested on. In an offer model demand is unknown to the
// allocator; a declined offer is no demand.
//
// Everybody is offered all that is free on a node, takes one task of it, and hands the rest back at
// once for others: so the next task goes to whoever is then first in the order, and that is
// progressive filling. Who can use nothing of an offer refuses it for good, which holds until more
// is free there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "allocator/allocator.h"
#include "tests/support/fairness.h"

namespace souk::support {

// Amounts of cpus, mem, disk and so on.
Resources to_resources(const Vector& amounts);
Vector to_vector(const Resources& resources, std::size_t size);

class Offers {
 public:
  struct Setup {
    std::vector<Vector> nodes;
    std::vector<User> users;
    // The minimum offer size; empty: none. An offer has all of this.
    Vector minimum;
    // Each in a role of its own, with its weight; otherwise all in one role.
    bool own_roles = false;
  };
  struct Taken {
    std::size_t user;
    std::size_t node;
  };

  // Nodes are known, and count in shares, but nothing of them is offered before open().
  explicit Offers(const Setup& setup, uint64_t seed = 1);

  void open(std::size_t node);
  void open_all();
  // Offers and answers, until nobody takes anything more.
  void fill();
  void add_user(const User& user);
  // Its tasks end, and it is gone.
  void remove_user(std::size_t user);
  void end_task(std::size_t user, std::size_t node);

  const std::vector<Taken>& taken() const { return taken_; }
  std::vector<int64_t> tasks() const;  // by user
  int64_t tasks(std::size_t user, std::size_t node) const { return running_[user][node]; }
  const Vector& free(std::size_t node) const { return free_[node]; }

 private:
  void answer(const allocator::Grant& grant);
  std::string role_of(std::size_t user) const;

  std::vector<User> users_;
  std::vector<Resources> tasks_;  // by user: what one needs
  std::vector<Vector> free_;
  std::vector<std::vector<int64_t>> running_;  // by user and node
  std::vector<int64_t> sums_;                  // by user
  std::vector<Taken> taken_;
  std::unique_ptr<allocator::Allocator> allocator_;
  bool own_roles_;
};

// One node, filled.
std::vector<int64_t> fill_one_node(const Vector& total, const std::vector<User>& users,
                                   const Vector& minimum = {});

}  // namespace souk::support
