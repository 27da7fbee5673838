// The `drf` module against a naive implementation, in random clusters with a tree of roles, weights
// that change, and quota: at each grant, in the order in which they come, the receiver and what it
// gets are those that the naive one finds by working out everything anew:
//   1. clients whose role, or one above it, lacks something guaranteed that is free on the agent,
//   2. all clients that may get something,
//   3. of those that handed the agent back unused, and are behind all others, the one that did so
//      longest ago.
// In 1 and 2 the first in the tree: at each role the child with the smallest dominant share by
// weight, where the role's own frameworks together are one child of weight 1; of equals the one
// whose last grant is longest ago, the role's own frameworks first, then by name or key.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "allocator/engine.h"
#include "allocator/naive_cluster.h"
#include "base/digest.h"

namespace souk::allocator::naive {
namespace {

// used / total of the resource of which that is most.
template <class Mine>
std::pair<int64_t, int64_t> dominant_share(const Books& books, Mine mine) {
  std::pair<int64_t, int64_t> most{0, 1};
  for (const char* name : {"cpus", "mem", "disk", "gpus"}) {
    int64_t total = 0;
    int64_t used = 0;
    for (const auto& [key, agent] : books.agents) total += agent.total.scalar(name).thousandths;
    for (const Piece& piece : books.pieces) {
      if (mine(piece.who)) used += piece.resources.scalar(name).thousandths;
    }
    if (total > 0 && used * most.second > most.first * total) most = {used, total};
  }
  return most;
}

// A child of a role in the order: one of its child roles, or its own frameworks.
struct Place {
  std::string role;
  bool own;
};

// The child of `above` (empty: of the root) on the way to the client.
Place next_place(const std::string& above, const std::string& role) {
  if (role == above) return {role, true};
  const std::size_t from = above.empty() ? 0 : above.size() + 1;
  return {role.substr(0, role.find('/', from)), false};
}

bool place_before(const Books& books, const Place& a, const Place& b) {
  const auto share_of = [&](const Place& place) {
    return dominant_share(books, [&](const Who& who) {
      return place.own ? who.second == place.role : is_in(who.second, place.role);
    });
  };
  const auto weight_of = [&](const Place& place) -> int64_t {
    const auto weight = books.weights.find(place.role);
    return place.own || weight == books.weights.end() ? 1000 : weight->second;
  };
  const auto grants_of = [&](const Place& place) -> int64_t {
    const auto& grants = place.own ? books.own_grants : books.role_grants;
    const auto last = grants.find(place.role);
    return last == grants.end() ? 0 : last->second;
  };
  const auto x = share_of(a);
  const auto y = share_of(b);
  const auto left = static_cast<__int128>(x.first) * y.second * weight_of(b);
  const auto right = static_cast<__int128>(y.first) * x.second * weight_of(a);
  if (left != right) return left < right;
  return std::tuple(grants_of(a), !a.own, a.role) < std::tuple(grants_of(b), !b.own, b.role);
}

bool comes_before(const Books& books, const Who& a, const Who& b) {
  if (a.second != b.second) {
    std::string above;
    while (true) {
      const Place left = next_place(above, a.second);
      const Place right = next_place(above, b.second);
      if (left.role != right.role || left.own != right.own) {
        return place_before(books, left, right);
      }
      above = left.role;
    }
  }
  const auto x = dominant_share(books, [&](const Who& who) { return who == a; });
  const auto y = dominant_share(books, [&](const Who& who) { return who == b; });
  const int64_t left = x.first * y.second;
  const int64_t right = y.first * x.second;
  if (left != right) return left < right;
  return std::tuple(books.clients.at(a).last_grant, a.first) <
         std::tuple(books.clients.at(b).last_grant, b.first);
}

bool lacks_what_is_here(const Books& books, const Who& who, uint32_t agent) {
  for (const auto& [name, sum] : counted(books.free(agent).value_or(Resources()))) {
    if (sum > 0 && books.guaranteed_room(who.second, name) > 0) return true;
  }
  return false;
}

// Who should be next on this agent.
std::optional<Who> next(const Books& books, uint32_t agent) {
  const auto& passes = books.agents.at(agent).passes;
  std::vector<Who> eligible;
  for (const auto& [who, client] : books.clients) {
    const Resources offer = books.offerable(who, agent);
    if (!offer.empty() && !books.refuses(who, agent, offer)) eligible.push_back(who);
  }
  for (const bool only_lacking : {true, false}) {
    std::optional<Who> best;
    for (const Who& who : eligible) {
      const bool passed =
          std::ranges::any_of(passes, [&](const auto& pass) { return pass.first == who; });
      if (passed || (only_lacking && !lacks_what_is_here(books, who, agent))) continue;
      if (!best || comes_before(books, who, *best)) best = who;
    }
    if (best) return best;
  }
  for (const auto& [who, round] : passes) {
    if (std::ranges::count(eligible, who) > 0) return who;
  }
  return std::nullopt;
}

std::string check_grant(const Books& books, const Grant& grant) {
  const auto expected = next(books, grant.agent.value);
  if (!expected) return "granted, but nobody may get anything";
  if (*expected != Who(grant.framework.value, grant.role)) {
    return fmt::format("granted, but {} in {} comes first", expected->first, expected->second);
  }
  const Resources offer = books.offerable(*expected, grant.agent.value);
  if (offer != grant.resources) return fmt::format("not all of {}", offer.to_string());
  return "";
}

std::string check_end(const Books& books) {
  for (const auto& [key, agent] : books.agents) {
    const auto who = next(books, key);
    if (who) return fmt::format("agent {} is not granted to {} {}", key, who->first, who->second);
  }
  return "";
}

Options options_of(uint64_t seed) {
  Options options;
  options.role_weights = {{"a", Scalar{2000}}, {"a/b", Scalar{500}}, {"e", Scalar{1500}}};
  if (seed % 2 == 0) options.min_allocatable = parse_alternatives("cpus:0.5|mem:1").value();
  return options;
}

// No filter ends unnoticed, and nobody is woken for nothing. (A filter that a longer one covers has
// no deadline of its own.)
std::string check_deadline(const Books& books, std::optional<MonoTime> next) {
  const MonoTime now(books.now);
  std::optional<MonoTime> earliest;
  for (const Filter& filter : books.filters) {
    if (filter.until > now && (!earliest || filter.until < *earliest)) earliest = filter.until;
  }
  if (earliest && !next) return "a filter ends, and there is no deadline";
  if (next && *next > now && (!earliest || *next < *earliest)) return "no filter ends then";
  return "";
}

// A random cluster on the engine, whose books are checked after every deed and decision.
struct Checked {
  Checked(uint64_t seed, bool with_quota, Scale scale = {})
      : owned(std::make_unique<Engine>(Engine::Policy::kDrf, options_of(seed), Rng(seed))),
        engine(*owned),
        cluster(std::move(owned), options_of(seed), with_quota, scale) {}

  std::string step(uint64_t word, bool calm = false) {
    cluster.step(word, calm);
    return check();
  }
  std::string allocate() {
    std::string wrong = cluster.allocate(check_grant, check_end);
    return wrong.empty() ? check() : wrong;
  }
  std::string check() const {
    std::string wrong = engine.broken_invariant().value_or("");
    return wrong.empty() ? check_deadline(cluster.books(), engine.next_deadline()) : wrong;
  }

  std::unique_ptr<Engine> owned;  // until the cluster has it
  Engine& engine;
  Cluster cluster;
};

std::string run(uint64_t seed, const std::vector<uint32_t>& words, bool with_quota) {
  Checked checked(seed, with_quota);
  for (const uint32_t word : words) {
    std::string wrong = checked.step(word / 4);
    // Now and then several facts before the next decision.
    if (wrong.empty() && word % 4 != 0) wrong = checked.allocate();
    if (!wrong.empty()) return wrong;
  }
  return "";
}

auto many_words() { return rc::gen::scale(5.0, rc::gen::arbitrary<std::vector<uint32_t>>()); }

RC_GTEST_PROP(EngineProperty, DecidesAsTheNaiveImplementation, (uint64_t seed)) {
  const std::string wrong = run(seed, *many_words(), false);
  if (!wrong.empty()) RC_FAIL(wrong);
}

RC_GTEST_PROP(EngineProperty, DecidesAsTheNaiveImplementationUnderQuota, (uint64_t seed)) {
  const std::string wrong = run(seed, *many_words(), true);
  if (!wrong.empty()) RC_FAIL(wrong);
}

// Long runs, which random words seldom give; and proof that a good part of the deeds leads to
// decisions.
void run_long(bool with_quota) {
  std::size_t granted = 0;
  for (uint64_t seed = 0; seed < 60 / kFewerBy; ++seed) {
    Checked checked(seed, with_quota);
    Rng rng(seed + 1000);
    for (int i = 0; i < 500; ++i) {
      ASSERT_EQ(checked.step(rng.next(), i % 100 > 30), "") << "seed " << seed << ", step " << i;
      if (rng.below(4) == 0) continue;
      ASSERT_EQ(checked.allocate(), "") << "seed " << seed << ", step " << i;
    }
    granted += checked.cluster.granted();
  }
  EXPECT_GT(granted, 4000 / kFewerBy);
}

TEST(EngineProperty, LongRunsToo) { run_long(false); }
TEST(EngineProperty, LongRunsUnderQuotaToo) { run_long(true); }

// The most clients that have refused the same on one agent.
std::size_t largest_refusal(const Books& books) {
  std::map<std::pair<uint32_t, std::string>, std::set<Who>> who;
  for (const Filter& filter : books.filters) {
    who[{filter.agent, filter.refused.to_string()}].insert(filter.who);
  }
  std::size_t most = 0;
  for (const auto& [what, clients] : who) most = std::max(most, clients.size());
  return most;
}

// Crowds that refuse nearly everything for long, so that agents keep the filters of most clients;
// now and then some of them forget theirs.
TEST(EngineProperty, CrowdsThatRefuse) {
  std::size_t largest = 0;
  for (uint64_t seed = 0; seed < std::max<uint64_t>(6 / kFewerBy, 1); ++seed) {
    Checked checked(seed, false,
                    {.agents = 2, .frameworks = 100, .refusal_seconds = 2000, .obstinate = true});
    Rng rng(seed + 1000);
    for (int i = 0; i < 3000; ++i) {
      ASSERT_EQ(checked.step(rng.next()), "") << "seed " << seed << ", step " << i;
      ASSERT_EQ(checked.allocate(), "") << "seed " << seed << ", step " << i;
      if (i % 20 == 0) largest = std::max(largest, largest_refusal(checked.cluster.books()));
    }
  }
  EXPECT_GT(largest, 100u);  // so that the engine keeps them in its dense form
}

// The same facts and the same seed: the same grants in the same order, with quota as well.
RC_GTEST_PROP(EngineProperty, IsDeterministicUnderQuota, (uint64_t seed)) {
  const auto words = *many_words();
  const auto digest_of = [&] {
    Digest digest;
    Checked checked(seed, true);
    Cluster& cluster = checked.cluster;
    for (const uint32_t word : words) {
      cluster.step(word);
      const auto note = [&](const Books&, const Grant& grant) -> std::string {
        digest.add(Cluster::to_text(grant));
        return "";
      };
      cluster.allocate(note, [](const Books&) { return std::string(); });
    }
    return digest.value();
  };
  RC_ASSERT(digest_of() == digest_of());
}

}  // namespace
}  // namespace souk::allocator::naive
