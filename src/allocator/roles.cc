#include "allocator/roles.h"

#include <utility>

namespace souk::allocator {
namespace {

constexpr auto before = [](const auto* a, const auto* b) { return comes_before(*a, *b); };

template <class Item>
void insert(std::vector<Item*>& order, Item& item) {
  order.insert(std::upper_bound(order.begin(), order.end(), &item, before), &item);
}

// Who is granted something stood near the front, and to look there first needs no look at the
// items.
template <class Item>
auto position(std::vector<Item*>& order, Item& item) {
  constexpr std::size_t kFew = 64;
  const auto few = order.begin() + static_cast<std::ptrdiff_t>(std::min(kFew, order.size()));
  auto at = std::find(order.begin(), few, &item);
  if (at == few) at = std::lower_bound(few, order.end(), &item, before);
  SOUK_CHECK(at != order.end() && *at == &item, "the order is by the keys as they are");
  return at;
}

// Changes the key of one item of the order and puts it where it then belongs.
template <class Item, class Change>
void rekey(std::vector<Item*>& order, Item& item, Change change) {
  const auto at = position(order, item);
  change();
  const auto next = at + 1;
  if (at != order.begin() && before(&item, *(at - 1))) {
    std::rotate(std::upper_bound(order.begin(), at, &item, before), at, next);
  } else if (next != order.end() && before(*next, &item)) {
    // Who is granted something comes last of its equals, most often of all.
    const auto to = before(order.back(), &item)
                        ? order.end()
                        : std::lower_bound(next, order.end(), &item, before);
    std::rotate(at, next, to);
  }
}

template <class Item>
void sort(std::vector<Item*>& order) {
  // A change of the totals seldom changes the order.
  if (!std::is_sorted(order.begin(), order.end(), before)) {
    std::sort(order.begin(), order.end(), before);
  }
}

std::size_t depth_of(const Role* role) {
  std::size_t depth = 0;
  for (; role->parent != nullptr; role = role->parent) ++depth;
  return depth;
}

std::optional<int64_t> value_of(const std::map<std::string, int64_t>& values,
                                const std::string& name) {
  const auto at = values.find(name);
  return at == values.end() ? std::nullopt : std::optional(at->second);
}

}  // namespace

bool comes_before(const Client& a, const Client& b) {
  if (const auto order = compare(a.standing.share, b.standing.share); order != 0) return order < 0;
  if (a.standing.last_grant != b.standing.last_grant) {
    return a.standing.last_grant < b.standing.last_grant;
  }
  return a.key < b.key;
}

bool comes_before(const Node& a, const Node& b) {
  if (a.priority != b.priority) return a.priority > b.priority;
  const auto order = compare(a.standing.share, a.weight, b.standing.share, b.weight);
  if (order != 0) return order < 0;
  if (a.standing.last_grant != b.standing.last_grant) {
    return a.standing.last_grant < b.standing.last_grant;
  }
  if (a.leaf != b.leaf) return a.leaf;
  return a.role->name < b.role->name;
}

bool precedes(const Client& a, const Client& b) {
  if (a.role == b.role) return comes_before(a, b);
  const Node* left = &a.role->own;
  const Node* right = &b.role->own;
  std::size_t left_depth = depth_of(a.role) + 1;  // of the leaf
  std::size_t right_depth = depth_of(b.role) + 1;
  for (; left_depth > right_depth; --left_depth) left = left->parent;
  for (; right_depth > left_depth; --right_depth) right = right->parent;
  while (left->parent != right->parent) {
    left = left->parent;
    right = right->parent;
  }
  return comes_before(*left, *right);
}

RoleTree::RoleTree(const Measure& measure) : measure_(measure) {
  root_.node.role = &root_;
  root_.own.role = &root_;
  root_.own.leaf = true;
}

Role* RoleTree::find(const std::string& name) const {
  const auto at = roles_.find(name);
  return at == roles_.end() ? nullptr : at->second.get();
}

Role& RoleTree::open(const std::string& name) {
  if (Role* role = find(name)) return *role;
  const std::size_t slash = name.rfind('/');
  Role& parent = slash == std::string::npos ? root_ : open(name.substr(0, slash));
  Role& role = *roles_.emplace(name, std::make_unique<Role>()).first->second;
  role.name = name;
  role.parent = &parent;
  role.node.role = &role;
  role.node.parent = &parent.node;
  role.node.weight = value_of(weights_, name).value_or(1000);
  role.node.priority = value_of(priorities_, name).value_or(0);
  role.own.role = &role;
  role.own.parent = &role.node;
  role.own.leaf = true;
  parent.children.push_back(&role);
  return role;
}

void RoleTree::add_client(Client& client) {
  client.role->clients.push_back(&client);
  for (Role* role = client.role; role != nullptr; role = role->parent) ++role->clients_below;
}

void RoleTree::remove_client(Client& client) {
  std::erase(client.role->clients, &client);
  if (client.role->clients.empty()) client.role->own.standing.last_grant = 0;
  for (Role* role = client.role; role != nullptr; role = role->parent) {
    if (--role->clients_below == 0) role->node.standing.last_grant = 0;
  }
  close_if_unused(*client.role);
}

void RoleTree::close_if_unused(Role& role) {
  Role* unused = &role;
  while (unused->parent != nullptr) {
    const RoleQuota& quota = unused->quota;
    const bool used = !unused->clients.empty() || !unused->children.empty() || quota.limited ||
                      !is_zero(quota.guarantee) || !is_zero(quota.consumed);
    if (used) return;
    Role* parent = unused->parent;
    std::erase(parent->children, unused);
    roles_.erase(std::string(unused->name));
    unused = parent;
  }
}

void RoleTree::set_weight(const std::string& name, int64_t weight) {
  weights_[name] = weight;
  Role* role = find(name);
  if (role == nullptr) return;
  const auto change = [role, weight] { role->node.weight = weight; };
  if (role->node.ranked == 0) return change();
  rekey(role->parent->node.order, role->node, change);
}

void RoleTree::set_priority(const std::string& name, int64_t priority) {
  priorities_[name] = priority;
}

void RoleTree::rank(Client& client) {
  client.ranked = true;
  client.standing.share = measure_.dominant(client.standing.used);
  insert(client.role->own.row, client);
  for (Node* node = &client.role->own; node != nullptr; node = node->parent) {
    node->only = ++node->ranked == 1 ? &client : nullptr;
    if (node->ranked > 1 || node->parent == nullptr) continue;
    node->standing.share = measure_.dominant(node->standing.used);
    insert(node->parent->order, *node);
  }
}

void RoleTree::unrank(Client& client) {
  client.ranked = false;
  std::vector<Client*>& row = client.role->own.row;
  row.erase(position(row, client));
  for (Node* node = &client.role->own; node != nullptr; node = node->parent) {
    node->only = --node->ranked != 1 ? nullptr
                 : node->leaf        ? node->row.front()
                                     : node->order.front()->only;
    if (node->ranked > 0 || node->parent == nullptr) continue;
    std::vector<Node*>& order = node->parent->order;
    order.erase(position(order, *node));
  }
}

template <class Change>
void RoleTree::change_standing(Client& client, Change change) {
  const auto renew = [&](Standing& standing) {
    change(standing);
    standing.share = measure_.dominant(standing.used);
  };
  if (client.ranked) {
    rekey(client.role->own.row, client, [&] { renew(client.standing); });
  } else {
    renew(client.standing);
  }
  for (Node* node = &client.role->own; node->parent != nullptr; node = node->parent) {
    if (node->ranked > 0) {
      rekey(node->parent->order, *node, [&] { renew(node->standing); });
    } else {
      renew(node->standing);
    }
  }
}

void RoleTree::charge(Client& client, const Amounts& amounts, uint64_t grant) {
  change_standing(client, [&](Standing& standing) {
    add(standing.used, amounts);
    if (grant != 0) standing.last_grant = grant;
  });
}

void RoleTree::discharge(Client& client, const Amounts& amounts) {
  change_standing(client, [&](Standing& standing) { subtract(standing.used, amounts); });
}

void RoleTree::settle(Node& node) {
  for (Client* client : node.row) {
    client->standing.share = measure_.dominant(client->standing.used);
  }
  sort(node.row);
  for (Node* child : node.order) {
    child->standing.share = measure_.dominant(child->standing.used);
    settle(*child);
  }
  sort(node.order);
}

void RoleTree::work_out_all() { settle(root_.node); }

}  // namespace souk::allocator
