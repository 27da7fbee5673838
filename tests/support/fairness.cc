#include "tests/support/fairness.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace souk::support {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Everybody gets speed[i] tasks a unit of time; who needs what is used up stops, or all do.
std::vector<double> grow(const Vector& total, const std::vector<User>& users,
                         const std::vector<double>& speed, bool all_stop) {
  std::vector<double> tasks(users.size());
  std::vector<bool> growing(users.size(), true);
  std::vector<double> free(total.begin(), total.end());
  while (std::ranges::count(growing, true) > 0) {
    std::vector<double> drain(total.size());
    for (std::size_t i = 0; i < users.size(); ++i) {
      for (std::size_t r = 0; growing[i] && r < total.size(); ++r) {
        drain[r] += speed[i] * static_cast<double>(users[i].task[r]);
      }
    }
    double time = kInfinity;
    std::size_t first = 0;
    for (std::size_t r = 0; r < total.size(); ++r) {
      if (drain[r] <= 0 || free[r] / drain[r] >= time) continue;
      time = free[r] / drain[r];
      first = r;
    }
    for (std::size_t i = 0; i < users.size(); ++i) {
      if (growing[i]) tasks[i] += speed[i] * time;
    }
    for (std::size_t r = 0; r < total.size(); ++r) free[r] -= drain[r] * time;
    free[first] = 0;
    if (all_stop) return tasks;
    for (std::size_t i = 0; i < users.size(); ++i) {
      for (std::size_t r = 0; r < total.size(); ++r) {
        const bool is_gone = free[r] <= 1e-9 * static_cast<double>(total[r]);
        if (is_gone && users[i].task[r] > 0) growing[i] = false;
      }
    }
  }
  return tasks;
}

double to_double(const Ratio& ratio) {
  return static_cast<double>(ratio.above) / static_cast<double>(ratio.below);
}

}  // namespace

Ratio dominant(const Vector& vector, const Vector& total) {
  Ratio most;
  for (std::size_t r = 0; r < vector.size(); ++r) {
    const Ratio part{vector[r], total[r]};
    if (total[r] > 0 && most < part) most = part;
  }
  return most;
}

Ratio share(const User& user, int64_t tasks, const Vector& total) {
  const Ratio one = dominant(user.task, total);
  return {one.above * tasks, one.below * user.weight};
}

Vector times(const Vector& vector, int64_t factor) {
  Vector product = vector;
  for (int64_t& amount : product) amount *= factor;
  return product;
}

bool fits(const Vector& task, const Vector& free) {
  for (std::size_t r = 0; r < task.size(); ++r) {
    if (task[r] > free[r]) return false;
  }
  return true;
}

Filling progressive_filling(const Vector& total, const std::vector<User>& users,
                            const Vector& minimum) {
  Filling filling;
  filling.tasks.resize(users.size());
  filling.free = total;
  std::vector<std::size_t> last(users.size());  // when each got its last task
  while (minimum.empty() || fits(minimum, filling.free)) {
    std::size_t best = users.size();
    for (std::size_t i = 0; i < users.size(); ++i) {
      if (filling.tasks[i] == users[i].wanted || !fits(users[i].task, filling.free)) continue;
      if (best < users.size()) {
        const Ratio mine = share(users[i], filling.tasks[i], total);
        const Ratio least = share(users[best], filling.tasks[best], total);
        if (least < mine || (mine == least && last[best] <= last[i])) continue;
      }
      best = i;
    }
    if (best == users.size()) break;
    filling.order.push_back(best);
    last[best] = filling.order.size();
    ++filling.tasks[best];
    for (std::size_t r = 0; r < total.size(); ++r) filling.free[r] -= users[best].task[r];
  }
  return filling;
}

std::vector<double> divisible_drf(const Vector& total, const std::vector<User>& users) {
  std::vector<double> speed;
  for (const User& user : users) speed.push_back(1 / to_double(share(user, 1, total)));
  return grow(total, users, speed, false);
}

std::vector<double> asset_fairness(const Vector& total, const std::vector<User>& users) {
  std::vector<double> speed;
  for (const User& user : users) {
    double assets = 0;
    for (std::size_t r = 0; r < total.size(); ++r) {
      assets += static_cast<double>(user.task[r]) / static_cast<double>(total[r]);
    }
    speed.push_back(static_cast<double>(user.weight) / assets);
  }
  return grow(total, users, speed, true);
}

std::vector<double> equal_incomes(const Vector& total, const std::vector<User>& users) {
  // With prices p and q of the two resources as a whole, p + q = the number of users, each
  // spends 1.
  const auto bought = [&](double p) {
    const double q = static_cast<double>(users.size()) - p;
    std::vector<double> tasks;
    for (const User& user : users) {
      const double cost = p * static_cast<double>(user.task[0]) / static_cast<double>(total[0]) +
                          q * static_cast<double>(user.task[1]) / static_cast<double>(total[1]);
      tasks.push_back(1 / cost);
    }
    return tasks;
  };
  // The dual of the largest sum of logarithms: convex along the line, least at the right prices.
  const auto value = [&](double p) {
    double sum = 0;
    for (const double tasks : bought(p)) sum += std::log(tasks);
    return sum;
  };
  double low = 0;
  double high = static_cast<double>(users.size());
  for (int i = 0; i < 200; ++i) {
    const double left = low + (high - low) / 3;
    const double right = high - (high - low) / 3;
    (value(left) < value(right) ? high : low) = value(left) < value(right) ? right : left;
  }
  return bought((low + high) / 2);
}

}  // namespace souk::support
