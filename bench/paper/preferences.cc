// §4.3: placement preferences. If every framework can have the slots it prefers, the cluster gets
// there within one T from any start, since each slot becomes free once in that time and everybody
// but the one who prefers it refuses it. If preferred slots are contended, lottery scheduling gives
// framework i of them p s_i / sum s_j.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <set>

#include "bench/paper/cluster.h"
#include "bench/paper/experiments.h"
#include "bench/paper/runs.h"
#include "workloads/framework.h"
#include "workloads/lengths.h"

namespace souk::paper {
namespace {

constexpr Duration kT = 1000s;
constexpr const char* kSlot = "cpus:1;mem:64";
constexpr Duration kForever = 365 * 24h;

// Takes slots on the hosts that it prefers, and no others; which ones can change.
class Choosy final : public workloads::Framework {
 public:
  Choosy(const std::string& name, workloads::Lengths lengths, std::set<std::string> hosts, Rng rng)
      : Framework({.name = name, .role = name}),
        lengths_(std::move(lengths), rng),
        hosts_(std::move(hosts)) {}

  // Slots of other hosts are left when their tasks end. What it refused before has to be asked for
  // anew (REVIVE).
  void prefer(std::set<std::string> hosts) { hosts_ = std::move(hosts); }
  const std::set<std::string>& hosts() const { return hosts_; }

 private:
  void offered(workloads::Context& context, std::vector<Offer>&& offers) override {
    std::vector<OfferId> declined;
    for (const Offer& offer : offers) {
      if (hosts_.contains(offer.hostname)) {
        launch(context, offer, {{bag(kSlot), lengths_.next()}}, kForever);
      } else {
        declined.push_back(offer.id);
      }
    }
    decline(context, std::move(declined), kForever);
  }
  void task_ended(workloads::Context&, const Task&, bool) override {}

  workloads::LengthSource lengths_;
  std::set<std::string> hosts_;
};

std::string host(int i) { return fmt::format("host{}", i); }
std::string framework(int i) { return fmt::format("f{}", i); }

// --- everybody can have what it prefers

constexpr int kFrameworks = 4;

enum class Start : uint8_t { kRandom, kNonePreferred, kJustBegun };

const char* text_of(Start start) {
  switch (start) {
    case Start::kRandom:
      return "slots at random, tasks at random phases";
    case Start::kNonePreferred:
      return "nobody on a preferred slot, random phases";
    case Start::kJustBegun:
      return "nobody on a preferred slot, all tasks just begun";
  }
  return "";
}

struct Convergence {
  double time = -1;     // T, until every slot was with who prefers it
  double at_start = 0;  // part of the slots that were
};

class Preferences {
 public:
  Preferences(int k, Start start, uint64_t seed) : k_(k), world_({.seed = seed}) {
    world_.add_observer(occupancy_);
    world_.add_master(master_with("drf"));
    for (int i = 0; i < k * kFrameworks; ++i) world_.add_agent(agent_on(host(i), kSlot));
    const std::vector<std::set<std::string>> first = first_hosts(start);
    for (int i = 0; i < kFrameworks; ++i) {
      Rng rng = world_.rng(framework(i));
      auto lengths = start == Start::kJustBegun
                         ? workloads::Lengths::constant(kT)
                         : under_way(kT, false, static_cast<std::size_t>(k), 10, rng);
      auto work = std::make_unique<Choosy>(framework(i), std::move(lengths),
                                           first[static_cast<std::size_t>(i)], rng);
      choosy_.push_back(work.get());
      world_.add_scheduler({}, std::move(work));
    }
  }

  Convergence run() {
    world_.run_for(1s);
    Convergence result{.at_start = static_cast<double>(settled()) / (k_ * kFrameworks)};
    const MonoTime start = world_.now();
    for (int i = 0; i < kFrameworks; ++i) {
      choosy_[static_cast<std::size_t>(i)]->prefer(hosts_of(i));
      world_.schedulers()[static_cast<std::size_t>(i)]->ask(protocol::call::Revive{});
    }
    const bool done =
        world_.run_until(start + 3 * kT, [&] { return settled() == k_ * kFrameworks; });
    if (done) result.time = seconds_of(start, world_.now()) / to_seconds(kT);
    return result;
  }

 private:
  // The slots that a framework prefers: a block.
  std::set<std::string> hosts_of(int framework) const {
    std::set<std::string> hosts;
    for (int i = 0; i < k_; ++i) hosts.insert(host(framework * k_ + i));
    return hosts;
  }

  std::vector<std::set<std::string>> first_hosts(Start start) const {
    std::vector<int> slots(static_cast<std::size_t>(k_ * kFrameworks));
    std::iota(slots.begin(), slots.end(), 0);
    if (start == Start::kRandom) {
      Rng rng = world_.rng("start");
      for (std::size_t i = slots.size(); i > 1; --i) std::swap(slots[i - 1], slots[rng.below(i)]);
    } else {
      std::ranges::rotate(slots, slots.begin() + k_);
    }
    std::vector<std::set<std::string>> hosts(kFrameworks);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      hosts[i / static_cast<std::size_t>(k_)].insert(host(slots[i]));
    }
    return hosts;
  }

  int settled() const {
    int count = 0;
    for (int i = 0; i < k_ * kFrameworks; ++i) {
      const auto& agent = *world_.agents()[static_cast<std::size_t>(i)];
      count += occupancy_.running(agent, framework(i / k_));
    }
    return count;
  }

  const int k_;
  Occupancy occupancy_;
  sim::World world_;
  std::vector<Choosy*> choosy_;
};

void add_convergence(Report& report, const Plan& plan) {
  const int k = plan.quick ? 8 : 24;
  const int runs = plan.runs_or(200, 10);
  report.heading("Every framework can have its preferred slots");
  report.paragraph(fmt::format(
      "{} frameworks hold {} slots each somewhere; then each begins to prefer {} slots, no slot "
      "preferred by two, and takes no others. Tasks last T = {} s. The paper: within one T all are "
      "where they prefer to be, from any start. A slot that is freed is offered to up to {} "
      "frameworks before the one that prefers it takes it, so some milliseconds are added.",
      kFrameworks, k, k, to_seconds(kT), kFrameworks - 1));
  std::vector<Row> rows;
  for (const Start start : {Start::kRandom, Start::kNonePreferred, Start::kJustBegun}) {
    const auto all = run_all<Convergence>(runs, plan.jobs, [&](int run) {
      return Preferences(k, start, seed_of(plan.seed, text_of(start), run)).run();
    });
    Mean time, at_start;
    double most = 0;
    int missed = 0;
    for (const Convergence& one : all) {
      if (one.time < 0) ++missed;
      time.add(one.time);
      at_start.add(one.at_start);
      most = std::max(most, one.time);
    }
    rows.push_back({text_of(start), fmt::format("{}", runs), fmt::format("{:.2f}", at_start.mean()),
                    fmt::format("{:.4f} ± {:.4f}", time.mean(), time.error()),
                    fmt::format("{:.6f}", most), fmt::format("{}", missed)});
    report.figure(fmt::format("converged {} most", text_of(start)), most);
    report.figure(fmt::format("converged {} mean", text_of(start)), time.mean());
    report.figure(fmt::format("converged {} missed", text_of(start)), missed);
  }
  report.table({"start", "runs", "preferred at the start", "mean (T)", "most (T); paper: 1",
                "not within 3 T"},
               rows);
}

// --- preferred slots are contended

struct Contender {
  int64_t weight;
  int own;  // slots that only it takes, beside the contended ones
};
// Who has few slots of its own comes first under fair sharing.
constexpr std::array<Contender, kFrameworks> kContenders = {{{1, 0}, {2, 8}, {3, 16}, {6, 24}}};

int64_t total_weight() {
  int64_t sum = 0;
  for (const Contender& one : kContenders) sum += one.weight;
  return sum;
}

using Shares = std::array<double, kFrameworks>;

// Mean number of contended slots of each.
Shares contend(const std::string& allocator, int p, int periods, uint64_t seed) {
  sim::World world({.seed = seed});
  Occupancy occupancy;
  world.add_observer(occupancy);
  std::map<std::string, Scalar> weights;
  for (int i = 0; i < kFrameworks; ++i) weights[framework(i)] = {kContenders[i].weight * 1000};
  world.add_master(master_with(allocator, weights));
  int hosts = 0;
  for (; hosts < p; ++hosts) world.add_agent(agent_on(host(hosts), kSlot));
  for (int i = 0; i < kFrameworks; ++i) {
    std::set<std::string> takes;
    for (int j = 0; j < p; ++j) takes.insert(host(j));
    for (int j = 0; j < kContenders[i].own; ++j, ++hosts) {
      takes.insert(host(hosts));
      world.add_agent(agent_on(host(hosts), kSlot));
    }
    world.add_scheduler({},
                        std::make_unique<Choosy>(framework(i), workloads::Lengths::exponential(kT),
                                                 std::move(takes), world.rng(framework(i))));
  }
  world.run_for(5 * kT);
  Shares shares{};
  for (int period = 0; period < periods; ++period) {
    world.run_for(kT);
    for (int i = 0; i < kFrameworks; ++i) {
      for (int j = 0; j < p; ++j) {
        shares[i] += occupancy.running(*world.agents()[static_cast<std::size_t>(j)], framework(i));
      }
    }
  }
  for (double& share : shares) share /= periods;
  return shares;
}

void add_contention(Report& report, const Plan& plan) {
  const int p = 24;
  const int runs = plan.runs_or(100, 10);
  const int periods = plan.quick ? 20 : 50;
  report.heading("Preferred slots are contended");
  report.paragraph(fmt::format(
      "{} frameworks prefer the same p = {} slots; some have slots of their own besides. s_i, what "
      "framework i is meant to have, is the weight of its role. The paper: with a lottery each has "
      "p s_i / sum s_j of them. Tasks are exponential with mean T; means over {} T and {} runs. "
      "Beside it `drf` with the same weights, which counts what a framework has of its own.",
      kFrameworks, p, periods, runs));
  std::array<std::array<Mean, kFrameworks>, 2> means;
  const std::array<std::string, 2> allocators = {"lottery", "drf"};
  for (std::size_t a = 0; a < allocators.size(); ++a) {
    const auto all = run_all<Shares>(runs, plan.jobs, [&](int run) {
      return contend(allocators[a], p, periods, seed_of(plan.seed, allocators[a], run));
    });
    for (const Shares& shares : all) {
      for (std::size_t i = 0; i < kFrameworks; ++i) means[a][i].add(shares[i]);
    }
  }
  std::vector<Row> rows;
  for (std::size_t i = 0; i < kFrameworks; ++i) {
    const Contender& one = kContenders[i];
    const double expected =
        p * static_cast<double>(one.weight) / static_cast<double>(total_weight());
    rows.push_back({fmt::format("{}", one.weight), fmt::format("{}", one.own),
                    fmt::format("{:.2f}", expected),
                    fmt::format("{:.2f} ± {:.2f}", means[0][i].mean(), means[0][i].error()),
                    fmt::format("{:.2f} ± {:.2f}", means[1][i].mean(), means[1][i].error())});
    const std::string name = fmt::format("lottery s={}", one.weight);
    report.figure(name, means[0][i].mean());
    report.figure(name + " error", means[0][i].error());
    report.figure(name + " expected", expected);
    report.figure(fmt::format("drf s={}", one.weight), means[1][i].mean());
  }
  report.table({"s_i", "slots of its own", "paper", "lottery", "drf"}, rows);
}

}  // namespace

Report preferences(const Plan& plan) {
  Report report("preferences", "Placement preferences", "§4.3");
  report.parameter("seed", fmt::format("{}", plan.seed));
  report.parameter("cluster", "one agent a slot; each framework in a role of its own");
  report.parameter("network", network_text());
  add_convergence(report, plan);
  add_contention(report, plan);
  return report;
}

}  // namespace souk::paper
