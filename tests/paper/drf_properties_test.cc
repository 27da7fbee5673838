// What "Dominant Resource Fairness" (NSDI'11, §6) proves of divisible resources, on whole tasks
// that frameworks really accept from the allocator's offers, in random cases with fixed seeds. Each
// case is shared out by the product's allocator; the properties are computed from who got how many
// tasks.
//
// Notation: user i has x tasks; d is the dominant share of one of them; w its weight, W the sum of
// weights; s = x d / w. "Largest" is L: no task takes more than L of any resource, here at most 1%
// of the pool.
//
// Two ways of handing out a node, and what holds in each.
//   - With a minimum offer size (§4.6 of the Mesos paper) as large as the largest task: nothing is
//     offered any more once less than it is left of some resource. All users stop at the same time,
//     so at the end s_j <= s_i + d_j / w_j for all i, j: nobody is ahead by more than one task of
//     its own. All properties follow to within one largest task; Pareto efficiency too: of some
//     resource less than a largest task is left.
//   - Down to the last bit: allocations are Pareto efficient as they are, but a user of small tasks
//     goes on with what is too little for others. Sharing incentive and envy-freeness still hold to
//     within one largest task, equal shares of one resource within two; lies and departures can
//     move the last gap from one user to another, and who needs little of what is short can put
//     many tasks into it. See drf_counterexamples_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/rng.h"
#include "tests/support/fairness.h"
#include "tests/support/offers.h"

namespace souk::support {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kCases = 1000;  // of each kind
#else
constexpr int kCases = 20'000;
#endif
constexpr int64_t kParts = 100;  // a task is at most such a part of the pool

// --- random cases
struct Case {
  Vector total;
  std::vector<User> users;
  Vector largest;        // by resource: no task needs more, the lie neither
  std::size_t liar = 0;  // wants any number of tasks
  Vector lie;
};

Vector random_task(Rng& rng, const Vector& total, std::size_t dominant) {
  Vector task;
  for (std::size_t r = 0; r < total.size(); ++r) {
    const int64_t most = total[r] / kParts;
    const uint64_t kind = rng.below(4);
    if (r == dominant) {
      task.push_back(most - static_cast<int64_t>(rng.below(static_cast<uint64_t>(most / 2))));
    } else if (kind == 0) {
      task.push_back(0);
    } else {
      const int64_t bound = kind == 1 ? most / 20 : most;
      task.push_back(static_cast<int64_t>(rng.below(static_cast<uint64_t>(bound))));
    }
  }
  return task;
}

// One in three has a single resource, one in three the same dominant resource for all.
Case random_case(Rng& rng) {
  Case c;
  const uint64_t kind = rng.below(3);
  const std::size_t resources = kind == 0 ? 1 : 2 + rng.below(2);
  for (std::size_t r = 0; r < resources; ++r) {
    c.total.push_back(static_cast<int64_t>(100'000 + rng.below(900'000)));
  }
  const std::size_t count = 2 + rng.below(5);
  const bool weighted = rng.below(2) == 0;
  const bool same_size = rng.below(4) == 0;
  c.liar = rng.below(count);
  for (std::size_t i = 0; i < count; ++i) {
    User user;
    user.task = random_task(rng, c.total, kind == 1 ? 0 : rng.below(resources));
    // In units of the pool, no amount above the dominant one.
    for (std::size_t r = 1; kind == 1 && r < resources; ++r) {
      user.task[r] = std::min(user.task[r], user.task[0] * c.total[r] / c.total[0]);
    }
    if (same_size && i > 0) user.task = c.users[0].task;
    if (weighted) user.weight = static_cast<int64_t>(1 + rng.below(4));
    if (i != c.liar && rng.below(5) == 0) user.wanted = static_cast<int64_t>(rng.below(60));
    c.users.push_back(std::move(user));
  }
  // Anything, or the truth with one amount changed.
  c.lie = random_task(rng, c.total, rng.below(resources));
  if (rng.below(2) == 0) {
    const Vector any = c.lie;
    const std::size_t r = rng.below(resources);
    c.lie = c.users[c.liar].task;
    c.lie[r] = std::max<int64_t>(any[r], 1);
  }
  c.largest = c.lie;
  for (const User& user : c.users) {
    for (std::size_t r = 0; r < resources; ++r) {
      c.largest[r] = std::max(c.largest[r], user.task[r]);
    }
  }
  return c;
}

std::string describe(const Case& c) {
  std::string text = fmt::format("pool {}", c.total);
  for (const User& user : c.users) {
    text += fmt::format("; task {} weight {} wanted {}", user.task, user.weight, user.wanted);
  }
  return text + fmt::format("; user {} says {}", c.liar, c.lie);
}

// --- what a case came to
struct Outcome {
  Case c;
  std::vector<int64_t> tasks;
};

bool is_satisfied(const Outcome& o, std::size_t i) { return o.tasks[i] == o.c.users[i].wanted; }

// L, as a part of the pool.
Ratio largest(const Case& c) { return dominant(c.largest, c.total); }

// a + b
Ratio sum(const Ratio& a, const Ratio& b) {
  return {a.above * b.below + b.above * a.below, a.below * b.below};
}

int64_t weights(const Case& c) {
  int64_t all = 0;
  for (const User& user : c.users) all += user.weight;
  return all;
}

bool is_weighted(const Case& c) {
  return std::ranges::any_of(c.users, [](const User& user) { return user.weight != 1; });
}

bool have_one_bottleneck(const Case& c) {
  return std::ranges::all_of(c.users, [&](const User& user) {
    return dominant(user.task, c.total) == Ratio{user.task[0], c.total[0]};
  });
}

Ratio held(const Outcome& o, std::size_t i) {
  return dominant(times(o.c.users[i].task, o.tasks[i]), o.c.total);
}

// Checks a property on each outcome, and stops at the first that lacks it.
template <class Property>
void for_all(const std::vector<Outcome>& outcomes, Property property) {
  ASSERT_GE(outcomes.size(), static_cast<std::size_t>(kCases));
  for (const Outcome& o : outcomes) {
    const std::string wrong = property(o);
    ASSERT_EQ(wrong, "") << describe(o.c) << "; tasks " << fmt::to_string(o.tasks);
  }
}

// --- properties of an outcome: empty, or what is wrong

// s_j <= s_i + d_j / w_j: when j got its last task, i did not have less.
std::string gaps_are_one_task(const Outcome& o) {
  for (std::size_t i = 0; i < o.tasks.size(); ++i) {
    if (is_satisfied(o, i)) continue;
    for (std::size_t j = 0; j < o.tasks.size(); ++j) {
      if (o.tasks[j] == 0) continue;
      const Ratio before = share(o.c.users[j], o.tasks[j] - 1, o.c.total);
      if (share(o.c.users[i], o.tasks[i], o.c.total) < before) {
        return fmt::format("{} is ahead of {} by more than a task", j, i);
      }
    }
  }
  return "";
}

// Nobody would do better with its part of the pool for itself, or not by more than
//   w_i/W of one largest task of each: share >= w_i/W (1 - n L).
// With equal weights this is one largest task. Whoever has the largest tasks has at least as many
// of them as fit into its part.
std::string has_sharing_incentive(const Outcome& o, bool cut_off) {
  const Ratio most = largest(o.c);
  const auto n = static_cast<int64_t>(o.tasks.size());
  const int64_t all = weights(o.c);
  for (std::size_t i = 0; i < o.tasks.size(); ++i) {
    if (is_satisfied(o, i)) continue;
    const User& user = o.c.users[i];
    const Ratio entitled{user.weight * (most.below - n * most.above), all * most.below};
    if (held(o, i) < entitled) return fmt::format("{} is short of its part", i);
    const Ratio one = dominant(user.task, o.c.total);
    if (cut_off || is_weighted(o.c)) continue;
    const bool is_largest = std::ranges::all_of(
        o.c.users, [&](const User& other) { return dominant(other.task, o.c.total) <= one; });
    const auto alone = static_cast<int64_t>(one.below / (one.above * n));
    if (is_largest && o.tasks[i] < alone) return fmt::format("{} would have {} alone", i, alone);
  }
  return "";
}

// How many tasks of i what j has is good for, times w_i/w_j: at most x_i and one task of j (its
// share of i's dominant resource, in tasks of i). Down to the last bit, i may be stopped by the
// resource that is short while j still takes a task: less than x_i + 2, or as above.
std::string is_envy_free(const Outcome& o, bool cut_off) {
  for (std::size_t i = 0; i < o.tasks.size(); ++i) {
    if (is_satisfied(o, i)) continue;
    const User& mine = o.c.users[i];
    std::size_t d = 0;
    for (std::size_t r = 1; r < o.c.total.size(); ++r) {
      if (Ratio{mine.task[d], o.c.total[d]} < Ratio{mine.task[r], o.c.total[r]}) d = r;
    }
    for (std::size_t j = 0; j < o.tasks.size(); ++j) {
      const User& other = o.c.users[j];
      Ratio would_run{INT64_MAX, 1};
      for (std::size_t r = 0; r < o.c.total.size(); ++r) {
        if (mine.task[r] == 0) continue;
        const Ratio these{mine.weight * o.tasks[j] * other.task[r], other.weight * mine.task[r]};
        would_run = std::min(would_run, these);
      }
      const Ratio own{o.tasks[i], 1};
      const Ratio one_more{mine.weight * other.task[d], other.weight * mine.task[d]};
      const Ratio two_more{2 * mine.weight, other.weight};
      const bool envies = sum(own, one_more) < would_run;
      if (envies && (cut_off || sum(own, two_more) <= would_run)) {
        return fmt::format("{} envies {}", i, j);
      }
    }
  }
  return "";
}

// In whole tasks, with equal weights: not more than one largest task, in both ways.
std::string envies_one_task_at_most(const Outcome& o) {
  if (is_weighted(o.c)) return "";
  for (std::size_t i = 0; i < o.tasks.size(); ++i) {
    if (is_satisfied(o, i)) continue;
    const Vector& task = o.c.users[i].task;
    for (std::size_t j = 0; j < o.tasks.size(); ++j) {
      const Vector bundle = times(o.c.users[j].task, o.tasks[j]);
      int64_t would_run = INT64_MAX;
      for (std::size_t r = 0; r < task.size(); ++r) {
        if (task[r] > 0) would_run = std::min(would_run, bundle[r] / task[r]);
      }
      const Ratio with_it = dominant(times(task, would_run), o.c.total);
      if (sum(held(o, i), largest(o.c)) < with_it) return fmt::format("{} envies {}", i, j);
    }
  }
  return "";
}

Vector free_of(const Outcome& o) {
  Vector free = o.c.total;
  for (std::size_t i = 0; i < o.tasks.size(); ++i) {
    for (std::size_t r = 0; r < free.size(); ++r) free[r] -= o.tasks[i] * o.c.users[i].task[r];
  }
  return free;
}

bool somebody_wants_more(const Outcome& o) {
  for (std::size_t i = 0; i < o.tasks.size(); ++i) {
    if (!is_satisfied(o, i)) return true;
  }
  return false;
}

// Nobody can get more without somebody else losing something.
std::string is_pareto_efficient(const Outcome& o, bool cut_off) {
  const Vector free = free_of(o);
  if (cut_off) return somebody_wants_more(o) && fits(o.c.largest, free) ? "much is left" : "";
  for (std::size_t i = 0; i < o.tasks.size(); ++i) {
    if (!is_satisfied(o, i) && fits(o.c.users[i].task, free)) return fmt::format("{} fits", i);
  }
  return "";
}

// Where all have the same dominant resource (or there is but one), and want any number of tasks:
// nobody has more than w/W of it and one task of its own; down to the last bit, and two largest
// tasks. Whoever is ahead by that much leaves the others less: so only (W - w)/W of it. That nobody
// has less than its part is the sharing incentive.
std::string divides_the_bottleneck(const Outcome& o, bool cut_off) {
  for (std::size_t i = 0; i < o.tasks.size(); ++i) {
    if (o.c.users[i].wanted != INT64_MAX) return "";
  }
  const Ratio most = largest(o.c);
  const int64_t all = weights(o.c);
  for (std::size_t i = 0; i < o.tasks.size(); ++i) {
    const User& user = o.c.users[i];
    Ratio over = cut_off ? dominant(user.task, o.c.total) : Ratio{2 * most.above, most.below};
    over.above *= all - user.weight;
    over.below *= all;
    if (sum({user.weight, all}, over) < held(o, i)) return fmt::format("{} has too much", i);
  }
  return "";
}

// --- the cases, shared out once for all tests
class DrfProperties : public testing::TestWithParam<bool> {
 protected:
  static bool cut_off() { return GetParam(); }
  static const std::vector<Outcome>& outcomes() {
    static const std::vector<Outcome> all[] = {share_out(false), share_out(true)};
    return all[cut_off() ? 1 : 0];
  }

 private:
  static std::vector<Outcome> share_out(bool cut_off) {
    std::vector<Outcome> outcomes;
    Rng rng(cut_off ? 1 : 2);
    for (int i = 0; i < kCases; ++i) {
      Outcome& o = outcomes.emplace_back();
      o.c = random_case(rng);
      o.tasks = fill_one_node(o.c.total, o.c.users, cut_off ? o.c.largest : Vector());
    }
    return outcomes;
  }
};

INSTANTIATE_TEST_SUITE_P(OnePooledNode, DrfProperties, testing::Values(true, false),
                         [](const auto& info) {
                           return info.param ? "MinimumOfferSize" : "DownToTheLastBit";
                         });

// The second implementation comes to the same, task by task; in one role, and in one for each.
TEST_P(DrfProperties, FillsAsTheSimpleImplementation) {
  Rng rng(3);
  for (int i = 0; i < kCases / 10; ++i) {
    Case c = random_case(rng);
    const bool own_roles = i % 2 == 0;
    for (User& user : c.users) user.weight = own_roles ? user.weight : 1;
    const Vector minimum = cut_off() ? c.largest : Vector();
    Offers offers(
        {.nodes = {c.total}, .users = c.users, .minimum = minimum, .own_roles = own_roles});
    offers.open_all();
    offers.fill();
    std::vector<std::size_t> order;
    for (const auto& taken : offers.taken()) order.push_back(taken.user);
    const Filling expected = progressive_filling(c.total, c.users, minimum);
    ASSERT_EQ(order, expected.order) << describe(c);
    ASSERT_EQ(offers.free(0), expected.free) << describe(c);
  }
  for_all(outcomes(), [](const Outcome& o) -> std::string {
    const Vector minimum = cut_off() ? o.c.largest : Vector();
    const auto expected = progressive_filling(o.c.total, o.c.users, minimum);
    return o.tasks == expected.tasks ? "" : fmt::format("expected {}", expected.tasks);
  });
}

TEST_P(DrfProperties, SharingIncentive) {
  for_all(outcomes(), [](const Outcome& o) { return has_sharing_incentive(o, cut_off()); });
}

TEST_P(DrfProperties, EnvyFreeness) {
  for_all(outcomes(), [](const Outcome& o) { return is_envy_free(o, cut_off()); });
  for_all(outcomes(), envies_one_task_at_most);
}

TEST_P(DrfProperties, ParetoEfficiency) {
  for_all(outcomes(), [](const Outcome& o) { return is_pareto_efficient(o, cut_off()); });
}

TEST_P(DrfProperties, SingleResourceFairness) {
  int seen = 0;
  for_all(outcomes(), [&](const Outcome& o) -> std::string {
    if (o.c.total.size() > 1) return "";
    ++seen;
    return divides_the_bottleneck(o, cut_off());
  });
  EXPECT_GT(seen, kCases / 4);
}

TEST_P(DrfProperties, BottleneckFairness) {
  int seen = 0;
  for_all(outcomes(), [&](const Outcome& o) -> std::string {
    if (o.c.total.size() == 1 || !have_one_bottleneck(o.c)) return "";
    ++seen;
    return divides_the_bottleneck(o, cut_off());
  });
  EXPECT_GT(seen, kCases / 4);
}

// Who leaves only sets something free: what others run they keep, and get more.
TEST_P(DrfProperties, NobodyLosesWhenAnotherLeaves) {
  Rng rng(4);
  for (int i = 0; i < kCases / 2; ++i) {
    const Case c = random_case(rng);
    const Vector minimum = cut_off() ? c.largest : Vector();
    Offers offers({.nodes = {c.total}, .users = c.users, .minimum = minimum, .own_roles = true});
    offers.open_all();
    offers.fill();
    Outcome before{c, offers.tasks()};
    const std::size_t leaver = rng.below(c.users.size());
    offers.remove_user(leaver);
    offers.fill();
    Outcome after{c, offers.tasks()};
    for (std::size_t j = 0; j < c.users.size(); ++j) {
      ASSERT_TRUE(j == leaver || after.tasks[j] >= before.tasks[j]) << describe(c);
    }
    after.c.users[leaver].wanted = 0;
    ASSERT_EQ(is_pareto_efficient(after, cut_off()), "") << describe(c);
    const std::string gap = cut_off() ? gaps_are_one_task(after) : "";
    ASSERT_EQ(gap, "") << describe(c);
  }
}

// --- what holds with the minimum offer size only
using DrfWithMinimum = DrfProperties;
INSTANTIATE_TEST_SUITE_P(OnePooledNode, DrfWithMinimum, testing::Values(true),
                         [](const auto&) { return "MinimumOfferSize"; });

TEST_P(DrfWithMinimum, NobodyIsAheadByMoreThanOneTask) { for_all(outcomes(), gaps_are_one_task); }

// A lie about what a task needs gains at most one task of those it claimed: with the lie's bundle
// the liar runs u tasks, u d <= x d + what one claimed task has of its dominant resource.
TEST_P(DrfWithMinimum, StrategyProofness) {
  int gained = 0;
  for_all(outcomes(), [&](const Outcome& o) -> std::string {
    std::vector<User> users = o.c.users;
    users[o.c.liar].task = o.c.lie;
    const auto lying = fill_one_node(o.c.total, users, o.c.largest);
    const Vector& truth = o.c.users[o.c.liar].task;
    Ratio runs{INT64_MAX, 1};
    std::size_t d = 0;
    for (std::size_t r = 0; r < truth.size(); ++r) {
      if (Ratio{truth[d], o.c.total[d]} < Ratio{truth[r], o.c.total[r]}) d = r;
      if (truth[r] > 0) runs = std::min(runs, Ratio{lying[o.c.liar] * o.c.lie[r], truth[r]});
    }
    const Ratio honest{o.tasks[o.c.liar], 1};
    if (honest < runs) ++gained;
    const Ratio gain{o.c.lie[d], truth[d]};
    return sum(honest, gain) < runs ? fmt::format("lying gets {}", lying) : "";
  });
  EXPECT_GT(gained, 0);  // the bound is not idle
}

// All over again without one of them: nobody has less than before by more than one of its tasks.
TEST_P(DrfWithMinimum, PopulationMonotonicity) {
  Rng rng(5);
  for_all(outcomes(), [&](const Outcome& o) -> std::string {
    std::vector<User> users = o.c.users;
    const std::size_t leaver = rng.below(users.size());
    users[leaver].wanted = 0;
    const auto without = fill_one_node(o.c.total, users, o.c.largest);
    for (std::size_t j = 0; j < users.size(); ++j) {
      if (j != leaver && without[j] < o.tasks[j] - 1) {
        return fmt::format("without {}: {}", leaver, without);
      }
    }
    return "";
  });
}

// Where every user needs something of everything, divisible tasks all stop together, at the share
// S. Nobody has more than that and one task of its own.
TEST_P(DrfWithMinimum, NobodyIsAboveTheIdealByMoreThanOneTask) {
  for_all(outcomes(), [](const Outcome& o) -> std::string {
    for (const User& user : o.c.users) {
      if (user.wanted != INT64_MAX || std::ranges::count(user.task, 0) > 0) return "";
    }
    const auto ideal = divisible_drf(o.c.total, o.c.users);
    for (std::size_t i = 0; i < ideal.size(); ++i) {
      if (static_cast<double>(o.tasks[i]) > ideal[i] + 1 + 1e-6) return fmt::to_string(ideal);
    }
    return "";
  });
}

// --- many nodes
Offers::Setup many_nodes(Rng& rng, Case& c, bool cut_off) {
  Offers::Setup setup;
  c = random_case(rng);
  // In all as much as the pool, and each fits a largest task.
  const std::size_t count = 2 + rng.below(9);
  Vector sum(c.total.size());
  for (std::size_t node = 0; node < count; ++node) {
    Vector& part = setup.nodes.emplace_back();
    for (std::size_t r = 0; r < sum.size(); ++r) {
      const int64_t even = c.total[r] / static_cast<int64_t>(2 * count);
      const auto more = static_cast<int64_t>(rng.below(static_cast<uint64_t>(even)));
      part.push_back(c.largest[r] + even + more);
      sum[r] += part[r];
    }
  }
  c.total = sum;
  setup.users = c.users;
  setup.own_roles = true;
  if (cut_off) setup.minimum = c.largest;
  return setup;
}

std::string leaves_nothing_idle(const Offers& offers, const Offers::Setup& setup) {
  const auto tasks = offers.tasks();
  for (std::size_t node = 0; node < setup.nodes.size(); ++node) {
    const bool offered = setup.minimum.empty() || fits(setup.minimum, offers.free(node));
    for (std::size_t i = 0; offered && i < setup.users.size(); ++i) {
      if (tasks[i] < setup.users[i].wanted && fits(setup.users[i].task, offers.free(node))) {
        return fmt::format("{} fits on node {}", i, node);
      }
    }
  }
  return "";
}

// Each task went to the lowest share of those whose task fitted on the node at the time.
std::string goes_to_the_lowest(const Offers& offers, const Offers::Setup& setup, const Case& c) {
  std::vector<Vector> free = setup.nodes;
  std::vector<int64_t> tasks(setup.users.size());
  for (const auto& [user, node] : offers.taken()) {
    const Ratio mine = share(setup.users[user], tasks[user], c.total);
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      if (tasks[i] == setup.users[i].wanted || !fits(setup.users[i].task, free[node])) continue;
      if (share(setup.users[i], tasks[i], c.total) < mine) {
        return fmt::format("{} was before {}", i, user);
      }
    }
    ++tasks[user];
    for (std::size_t r = 0; r < c.total.size(); ++r) free[node][r] -= setup.users[user].task[r];
  }
  return "";
}

// §8 of the DRF paper: where each node fits a largest task, and one node after the other is handed
// out until less than that is left of it, no two users differ by more than one task; wherever the
// tasks run.
TEST(DrfManyNodes, NobodyIsAheadByMoreThanOneTask) {
  Rng rng(6);
  for (int i = 0; i < kCases / 2; ++i) {
    Outcome o;
    const auto setup = many_nodes(rng, o.c, true);
    Offers offers(setup);
    for (std::size_t node = 0; node < setup.nodes.size(); ++node) {
      offers.open(node);
      offers.fill();
    }
    o.tasks = offers.tasks();
    ASSERT_EQ(gaps_are_one_task(o), "") << describe(o.c);
    ASSERT_EQ(is_envy_free(o, true), "") << describe(o.c);
    ASSERT_EQ(leaves_nothing_idle(offers, setup), "") << describe(o.c);
  }
}

// All nodes at once, down to the last bit, while tasks end: nothing that a willing framework fits
// on is idle.
TEST(DrfManyNodes, NothingIsIdleThatAWillingFrameworkFits) {
  Rng rng(7);
  for (int i = 0; i < kCases; ++i) {
    Case c;
    const auto setup = many_nodes(rng, c, i % 4 == 0);
    Offers offers(setup, static_cast<uint64_t>(i));
    offers.open_all();
    offers.fill();
    ASSERT_EQ(leaves_nothing_idle(offers, setup), "") << describe(c);
    for (int end = 0; end < 20; ++end) {
      const std::size_t user = rng.below(setup.users.size());
      const std::size_t node = rng.below(setup.nodes.size());
      if (offers.tasks(user, node) > 0) offers.end_task(user, node);
    }
    offers.fill();
    ASSERT_EQ(leaves_nothing_idle(offers, setup), "") << describe(c);
  }
}

// One node after the other, down to the last bit.
TEST(DrfManyNodes, EachTaskGoesToTheLowestShareThatFits) {
  Rng rng(8);
  for (int i = 0; i < kCases / 2; ++i) {
    Case c;
    const auto setup = many_nodes(rng, c, false);
    Offers offers(setup);
    for (std::size_t node = 0; node < setup.nodes.size(); ++node) {
      offers.open(node);
      offers.fill();
    }
    ASSERT_EQ(goes_to_the_lowest(offers, setup, c), "") << describe(c);
    ASSERT_EQ(leaves_nothing_idle(offers, setup), "") << describe(c);
  }
}

}  // namespace
}  // namespace souk::support
