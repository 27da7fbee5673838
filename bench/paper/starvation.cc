// §3.5: frameworks that refuse whatever they are offered, at once and for no time, must not keep
// the others from getting offers, although they hold nothing and so come first under fair sharing.
// docs/ALLOCATION.md has the bound: of n frameworks each waits for at most n - 1 unused offers of
// an agent.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "bench/paper/cluster.h"
#include "bench/paper/experiments.h"
#include "bench/paper/runs.h"
#include "workloads/elastic.h"
#include "workloads/idle.h"

namespace souk::paper {
namespace {

constexpr int kSlotsOfAgent = 4;
constexpr Duration kTask = 60s;
constexpr const char* kSlot = "cpus:1;mem:64";

struct Crowd {
  int agents;
  int decliners;
  int others;
};

Crowd crowd_of(const Plan& plan) { return plan.quick ? Crowd{20, 30, 10} : Crowd{100, 150, 50}; }

void add_agents(sim::World& world, int count) {
  for (int i = 0; i < count; ++i) {
    world.add_agent(agent_on(fmt::format("node{}", i),
                             fmt::format("cpus:{};mem:{}", kSlotsOfAgent, 64 * kSlotsOfAgent)));
  }
}

void add_decliners(sim::World& world, int count, std::optional<Duration> refuse,
                   const std::string& name) {
  for (int i = 0; i < count; ++i) {
    world.add_scheduler(
        {}, std::make_unique<workloads::Decliner>(
                workloads::FrameworkOptions{.name = fmt::format("{}{}", name, i)}, refuse));
  }
}

// --- until each has seen each agent

// Of a framework and an agent, from when the framework is subscribed.
struct Seen {
  double seconds = 0;
  double offers = 0;  // of the agent to others before
};

class Lookout final : public sim::Observer {
 public:
  explicit Lookout(const sim::World& world) : world_(world) {}

  void begin() { began_ = true; }
  const std::vector<Seen>& seen() const { return seen_; }

  void on_effects(const sim::MasterProcess&, const master::Effects& effects) override {
    for (const master::Effect& effect : effects) {
      const auto* send = std::get_if<master::SendToFramework>(&effect);
      if (send == nullptr) continue;
      const auto* offers = std::get_if<protocol::event::Offers>(&send->event);
      if (offers == nullptr) continue;
      for (const Offer& offer : offers->offers) ++offers_of_[offer.agent_id];
    }
  }

  void on_event(const sim::SchedulerProcess& framework, const scheduler::Event& event) override {
    const auto* said = std::get_if<scheduler::StreamSaid>(&event);
    if (!began_ || said == nullptr) return;
    if (std::holds_alternative<protocol::event::Subscribed>(said->event)) {
      watched_[framework.id()] = {world_.now(), offers_of_, {}};
    }
    const auto at = watched_.find(framework.id());
    const auto* offers = std::get_if<protocol::event::Offers>(&said->event);
    if (at == watched_.end() || offers == nullptr) return;
    Watched& watched = at->second;
    for (const Offer& offer : offers->offers) {
      if (!watched.agents.insert(offer.agent_id).second) continue;
      const int64_t since = offers_of_[offer.agent_id] - watched.offers_before[offer.agent_id];
      seen_.push_back({seconds_of(watched.since, world_.now()),
                       static_cast<double>(std::max<int64_t>(since - 1, 0))});
    }
  }

 private:
  using Counts = std::map<AgentId, int64_t>;
  struct Watched {
    MonoTime since;
    Counts offers_before;
    std::set<AgentId> agents;
  };
  const sim::World& world_;
  bool began_ = false;
  Counts offers_of_;
  std::map<sim::ProcessId, Watched> watched_;
  std::vector<Seen> seen_;
};

std::vector<Seen> look(const Crowd& crowd, uint64_t seed) {
  sim::World world({.seed = seed});
  Lookout lookout(world);
  world.add_observer(lookout);
  world.add_master(master_with("drf"));
  add_agents(world, crowd.agents);
  add_decliners(world, crowd.decliners, Duration(0), "no");
  world.run_for(1s);
  lookout.begin();
  // They have a look at each agent, and want none.
  add_decliners(world, crowd.others, 1h, "look");
  const auto pairs =
      static_cast<std::size_t>(crowd.agents) * static_cast<std::size_t>(crowd.others);
  world.run_until(world.now() + 1min, [&] { return lookout.seen().size() == pairs; });
  return lookout.seen();
}

// --- until each has its share

struct Shares {
  std::vector<double> times;  // seconds until a framework held its share
  int missing = 0;
  double in_use = 0;  // part of the slots, mean over time
};

Shares share(const Crowd& crowd, int decliners, uint64_t seed) {
  sim::World world({.seed = seed});
  Occupancy occupancy;
  world.add_observer(occupancy);
  world.add_master(master_with("drf"));
  add_agents(world, crowd.agents);
  add_decliners(world, decliners, Duration(0), "no");
  world.run_for(1s);
  std::vector<const workloads::Elastic*> others;
  const MonoTime start = world.now();
  for (int i = 0; i < crowd.others; ++i) {
    workloads::ElasticOptions options;
    options.framework.name = fmt::format("f{}", i);
    options.demand = bag(kSlot);
    options.lengths = workloads::Lengths::exponential(kTask);
    options.slots_max = static_cast<uint64_t>(kSlotsOfAgent * crowd.agents / crowd.others);
    options.suppresses = false;
    auto work = std::make_unique<workloads::Elastic>(options, world.rng(options.framework.name));
    others.push_back(work.get());
    world.add_scheduler({}, std::move(work));
  }
  world.run_for(kTask);
  Mean in_use;
  for (int i = 0; i < 100; ++i) {
    world.run_for(kTask / 50);
    int running = 0;
    for (int f = 0; f < crowd.others; ++f) running += occupancy.running(fmt::format("f{}", f));
    in_use.add(running);
  }
  Shares shares{.times = {}, .in_use = in_use.mean() / (crowd.agents * kSlotsOfAgent)};
  for (const auto* other : others) {
    if (other->ramped_up()) {
      shares.times.push_back(seconds_of(start, *other->ramped_up()));
    } else {
      ++shares.missing;
    }
  }
  return shares;
}

void add_seen(Report& report, const Plan& plan, const Crowd& crowd) {
  const int runs = plan.runs_or(20, 2);
  const int bound = crowd.decliners + crowd.others - 1;
  report.heading("Until each has seen each agent");
  report.paragraph(fmt::format(
      "{} frameworks look at what they are offered and refuse it for an hour; counted from when "
      "they are subscribed, for each of them and each agent. The bound is {} offers of the agent "
      "to "
      "others. {} runs.",
      crowd.others, bound, runs));
  const auto all = run_all<std::vector<Seen>>(
      runs, plan.jobs, [&](int run) { return look(crowd, seed_of(plan.seed, "look", run)); });
  std::vector<double> offers, seconds;
  for (const auto& some : all) {
    for (const Seen& one : some) {
      offers.push_back(one.offers);
      seconds.push_back(one.seconds);
    }
  }
  const auto pairs = static_cast<double>(runs * crowd.agents * crowd.others);
  const auto row = [&](const char* what, const std::vector<double>& samples, std::string limit,
                       int digits) {
    const auto text = [&](double part) {
      return fmt::format("{:.{}f}", quantile(samples, part), digits);
    };
    return Row{what, text(0.5), text(0.95), text(1), std::move(limit)};
  };
  report.table({"", "median", "95%", "most", "bound"},
               {row("offers of the agent to others before", offers, fmt::format("{}", bound), 0),
                row("seconds", seconds, "", 4)});
  report.paragraph(fmt::format("{:.0f} of {:.0f} pairs saw each other within a minute.",
                               static_cast<double>(offers.size()), pairs));
  Plot plot{.name = "starvation",
            .title = fmt::format("{} of {} frameworks decline everything (§3.5)", crowd.decliners,
                                 crowd.decliners + crowd.others),
            .x_label = "unused offers of an agent to others before one of the rest sees it",
            .y_label = "part of the pairs",
            .series = {distribution("framework and agent", offers)}};
  plot.series.push_back(
      {.title = "bound", .points = {{bound, 0}, {bound, 1}}, .errors = {}, .dashed = true});
  report.plot(std::move(plot));
  report.figure("offers most", quantile(offers, 1));
  report.figure("offers bound", bound);
  report.figure("seconds most", quantile(seconds, 1));
  report.figure("pairs", static_cast<double>(offers.size()));
  report.figure("pairs expected", pairs);
}

void add_shares(Report& report, const Plan& plan, const Crowd& crowd) {
  const int runs = plan.runs_or(10, 2);
  report.heading("Until each has its share");
  report.paragraph(fmt::format(
      "The {} run tasks, exponential with mean {} s, on as many slots as are theirs if the others "
      "take none, {} each. With the {} that decline and without them; {} runs.",
      crowd.others, to_seconds(kTask), kSlotsOfAgent * crowd.agents / crowd.others, crowd.decliners,
      runs));
  std::vector<Row> rows;
  Plot plot{.name = "starvation_share",
            .title = "Until a framework that wants its share has it",
            .x_label = "seconds",
            .y_label = "part of the frameworks",
            .series = {}};
  for (const int decliners : {0, crowd.decliners}) {
    const std::string name = fmt::format("{} decline", decliners);
    const auto all = run_all<Shares>(runs, plan.jobs, [&](int run) {
      return share(crowd, decliners, seed_of(plan.seed, name, run));
    });
    std::vector<double> times;
    Mean in_use;
    int missing = 0;
    for (const Shares& one : all) {
      times.insert(times.end(), one.times.begin(), one.times.end());
      in_use.add(one.in_use);
      missing += one.missing;
    }
    rows.push_back({name, fmt::format("{:.3f}", quantile(times, 0.5)),
                    fmt::format("{:.3f}", quantile(times, 1)), fmt::format("{}", missing),
                    fmt::format("{:.4f} ± {:.4f}", in_use.mean(), in_use.error())});
    const std::string key = decliners == 0 ? "none decline" : "most decline";
    report.figure(key + " share most", quantile(times, 1));
    report.figure(key + " share missing", missing);
    report.figure(key + " in use", in_use.mean());
    plot.series.push_back(distribution(name, times));
  }
  report.table({"", "median (s)", "most (s)", "without their share after a minute", "slots in use"},
               rows);
  report.plot(std::move(plot));
}

}  // namespace

Report starvation(const Plan& plan) {
  Report report("starvation", "Frameworks that decline everything", "§3.5");
  const Crowd crowd = crowd_of(plan);
  report.parameter("seed", fmt::format("{}", plan.seed));
  report.parameter("cluster", fmt::format("{} agents of {} slots; {} frameworks in one role, {} of "
                                          "which decline every offer at once, for 0 s",
                                          crowd.agents, kSlotsOfAgent,
                                          crowd.decliners + crowd.others, crowd.decliners));
  report.parameter("network", network_text());
  add_seen(report, plan, crowd);
  add_shares(report, plan, crowd);
  return report;
}

}  // namespace souk::paper
