#include "allocator/ranking.h"

#include <algorithm>
#include <utility>

namespace souk::allocator {
namespace {

constexpr auto client_before = [](const Client* a, const Client* b) {
  return comes_before(*a, *b);
};
constexpr auto row_before = [](const std::unique_ptr<Row>& a, const std::unique_ptr<Row>& b) {
  return comes_before(a->role(), b->role());
};
constexpr auto row_before_role = [](const std::unique_ptr<Row>& row, const Role& role) {
  return comes_before(row->role(), role);
};

}  // namespace

bool comes_before(const Client& a, const Client& b) {
  if (const auto order = compare(a.standing.share, b.standing.share); order != 0) return order < 0;
  if (a.standing.last_grant != b.standing.last_grant) {
    return a.standing.last_grant < b.standing.last_grant;
  }
  return a.key < b.key;
}

bool comes_before(const Role& a, const Role& b) {
  const auto order = compare(a.standing.share, a.weight, b.standing.share, b.weight);
  if (order != 0) return order < 0;
  if (a.standing.last_grant != b.standing.last_grant) {
    return a.standing.last_grant < b.standing.last_grant;
  }
  return a.name < b.name;
}

void Row::insert(Client& client) {
  clients_.insert(std::upper_bound(clients_.begin(), clients_.end(), &client, client_before),
                  &client);
}

bool Row::erase(Client& client) {
  const auto at = std::lower_bound(clients_.begin(), clients_.end(), &client, client_before);
  if (at == clients_.end() || *at != &client) return false;
  clients_.erase(at);
  return true;
}

void Row::sort() {
  // A change of the totals seldom changes the order.
  if (!std::is_sorted(clients_.begin(), clients_.end(), client_before)) {
    std::sort(clients_.begin(), clients_.end(), client_before);
  }
}

void Ranking::insert(Client& client) {
  std::unique_ptr<Row> row = take(*client.role);
  if (row == nullptr) row = std::make_unique<Row>(*client.role);
  row->insert(client);
  put(std::move(row));
}

void Ranking::erase(Client& client) {
  std::unique_ptr<Row> row = take(*client.role);
  if (row != nullptr) row->erase(client);
  put(std::move(row));
}

std::unique_ptr<Row> Ranking::take(Role& role) {
  const auto at = std::lower_bound(rows_.begin(), rows_.end(), role, row_before_role);
  if (at == rows_.end() || &(*at)->role() != &role) return nullptr;
  std::unique_ptr<Row> row = std::move(*at);
  rows_.erase(at);
  return row;
}

void Ranking::put(std::unique_ptr<Row> row) {
  if (row == nullptr || row->clients().empty()) return;
  const auto at = std::upper_bound(rows_.begin(), rows_.end(), row, row_before);
  rows_.insert(at, std::move(row));
}

void Ranking::sort() {
  for (const auto& row : rows_) row->sort();
  if (!std::is_sorted(rows_.begin(), rows_.end(), row_before)) {
    std::sort(rows_.begin(), rows_.end(), row_before);
  }
}

}  // namespace souk::allocator
