// `souk emulate agents` and `souk emulate frameworks`: a load for sizing a master.
#include <cstdio>
#include <thread>

#include "bin/commands.h"
#include "bin/flags.h"
#include "bin/node_flags.h"
#include "runtime/clock.h"
#include "runtime/emulate_agents.h"
#include "runtime/emulate_frameworks.h"
#include "runtime/signals.h"
#include "wire/json_writer.h"

namespace souk::bin {
namespace {

using runtime::mono_now;

// Ends the command by a signal or by time, and shows counts on the way.
class Watcher {
 public:
  Watcher(Duration duration, Duration interval) : interval_(interval) {
    if (duration > Duration::zero()) end_ = started_ + duration;
    waiter_ = std::thread([this] {
      until_.wait();
      stopped_ = true;
    });
  }
  ~Watcher() {
    until_.end();
    waiter_.join();
  }

  double seconds() const { return to_seconds(mono_now() - started_); }
  bool over() const { return stopped_ || (end_ && mono_now() >= *end_); }
  bool stopped() const { return stopped_; }
  // A line of counts when one is due; sleeps a little.
  template <class Line>
  void tick(Line&& line) {
    if (interval_ > Duration::zero() && mono_now() >= next_line_) {
      next_line_ += interval_;
      std::fprintf(stderr, "%.1fs %s\n", seconds(), line().c_str());
    }
    std::this_thread::sleep_for(20ms);
  }

 private:
  UntilSignal until_;
  const MonoTime started_ = mono_now();
  std::optional<MonoTime> end_;
  Duration interval_;
  MonoTime next_line_ = started_ + interval_;
  std::atomic<bool> stopped_ = false;
  std::thread waiter_;
};

// --- agents

struct EmulateAgentsCommand {
  explicit EmulateAgentsCommand(CLI::App& command) : flags(command) {
    flags.add("count", options.count, "how many agents");
    flags.add("master", masters, "HOST:PORT of the master; several divided by commas")->required();
    flags.add("resources", resources, "of each agent");
    flags.add("attributes", attributes, "of each agent");
    flags.add("name", options.name, "hostnames are NAME-0, NAME-1, ...");
    flags.add("task_length", options.task_length,
              "how long tasks run whose command is no `sleep SECONDS`");
    flags.add("connects_per_s", options.connects_per_s,
              "agents that dial in a second at the start; 0: all at once");
    flags.add("threads", options.threads, "0: as many as the limit of open files asks for");
    flags.add("spread", options.spread,
              "each agent dials from its own address in 127.0.0.0/8 (masters there only)");
    flags.add("redial_most", options.machine.redial_most,
              "the longest wait before an agent that lost its master dials again");
    flags.add("seed", options.seed, "of their ids and back-offs");
    flags.add("duration", duration, "end after so long; 0: at a signal");
    flags.add("drop_links_after", drop_after,
              "break all links at once, so long after the start; 0: never");
    flags.add("report", interval, "between lines of counts on standard error; 0: none");
    log.add_to(flags);
  }

  Result<void> prepare() {
    if (auto ready = log.set_up(); !ready) return ready;
    auto parsed = parse_masters(masters);
    if (!parsed) return std::unexpected(parsed.error());
    options.masters = std::move(*parsed);
    auto total = Resources::parse(resources);
    if (!total) return fail("--resources: {}", total.error().message);
    options.machine.agent.resources = std::move(*total);
    auto facts = parse_attributes(attributes);
    if (!facts) return fail("--attributes: {}", facts.error().message);
    options.machine.agent.attributes = std::move(*facts);
    // An emulated sandbox is nothing to keep.
    options.machine.gc_delay = Duration::zero();
    options.machine.max_completed_tasks = 0;
    return {};
  }

  int run() {
    if (auto ready = prepare(); !ready) return complain(ready.error());
    runtime::raise_open_files();
    Watcher watcher(duration, interval);
    auto agents = runtime::EmulateAgents::start(options);
    if (!agents) return complain(agents.error());
    bool dropped = drop_after == Duration::zero();
    std::optional<double> all_registered;
    while (!watcher.over()) {
      watcher.tick([&] { return line(**agents); });
      if (!all_registered && (*agents)->totals().registered == options.count) {
        all_registered = watcher.seconds();
      }
      if (!dropped && watcher.seconds() >= to_seconds(drop_after)) {
        dropped = true;
        (*agents)->drop_links();
      }
    }
    print(**agents, watcher.seconds(), all_registered);
    return kExitOk;
  }

  std::string line(const runtime::EmulateAgents& agents) const {
    const auto totals = agents.totals();
    return fmt::format("registered={} running={} started={} finished={} killed={} links_lost={}",
                       totals.registered, totals.running, totals.started, totals.finished,
                       totals.killed, totals.links_lost);
  }

  void print(const runtime::EmulateAgents& agents, double seconds,
             std::optional<double> all_registered) const {
    const auto totals = agents.totals();
    std::string out;
    wire::JsonWriter json(out);
    json.begin_object();
    json.field("agents", options.count);
    json.field("seconds", seconds);
    if (all_registered) json.field("all_registered_s", *all_registered);
    json.field("registered", totals.registered);
    json.field("tasks_running", totals.running);
    json.field("tasks_started", totals.started);
    json.field("tasks_finished", totals.finished);
    json.field("tasks_killed", totals.killed);
    json.field("links_lost", totals.links_lost);
    json.field("stopped", totals.stopped);
    json.end_object();
    std::printf("%s\n", out.c_str());
  }

  Flags flags;
  LogFlags log;
  runtime::EmulateAgentsOptions options;
  std::string masters;
  std::string resources = "cpus:2;mem:2048";
  std::string attributes;
  Duration duration{0};
  Duration drop_after{0};
  Duration interval = 1s;
};

// --- frameworks

struct EmulateFrameworksCommand {
  explicit EmulateFrameworksCommand(CLI::App& command) : flags(command) {
    auto& framework = options.framework;
    flags.add("count", options.count, "how many frameworks");
    flags.add("master", masters, "HOST:PORT of the master; several divided by commas")->required();
    flags.add("behavior", behavior,
              "what the other flags are by default: spread, lives, probe, decline or idle");
    flags.add("resources", resources, "of each task");
    flags.add("task_length", length, "mean length of tasks");
    flags.add("task_length_sd", sd, "standard deviation of it");
    flags.add("tasks_per_offer", per_offer, "launched on one offer at most");
    flags.add("tasks_per_agent", per_agent, "of one framework on one agent at once; 0: any");
    flags.add("tasks_at_once", at_once, "of one framework; 0: any");
    flags.add("tasks", tasks_ever, "of one framework, then it ends; 0: no end");
    flags.add("refuse", refuse, "how long not to be offered again what is left of an offer");
    flags.add("pipelined", framework.pipelined, "calls under way at once; 1: one at a time");
    flags.add("json", framework.json, "speak JSON, not protobuf");
    flags.add("executor", framework.executor,
              "tasks of an executor of the framework's on each agent, not a command each");
    flags.add("role", framework.role, "of all of them");
    flags.add("name", framework.name, "they are called NAME-0, NAME-1, ...");
    flags.add("at_once", options.at_once,
              "so many frameworks at a time, each followed by the next; 0: all");
    flags.add("stagger", options.stagger, "between the starts of those that begin together");
    flags.add("threads", options.threads, "0: as many as the limit of open files asks for");
    flags.add("seed", options.seed, "of the lengths of tasks");
    flags.add("duration", duration, "stop launching after so long; 0: at a signal, or the end");
    flags.add("warm_up", warm_up, "of the duration, not measured");
    flags.add("drain", drain, "at the end, how long to wait for the tasks that run");
    flags.add("report", interval, "between lines of counts on standard error; 0: none");
    log.add_to(flags);
  }

  struct Preset {
    std::string_view name;
    Duration length, sd, refuse;
    unsigned per_offer, per_agent, at_once, ever;
  };

  Result<void> prepare() {
    if (auto ready = log.set_up(); !ready) return ready;
    auto parsed = parse_masters(masters);
    if (!parsed) return std::unexpected(parsed.error());
    auto& framework = options.framework;
    framework.masters = std::move(*parsed);
    auto needed = Resources::parse(resources);
    if (!needed) return fail("--resources: {}", needed.error().message);
    if (needed->empty()) return fail("--resources: a task needs some");
    framework.task_resources = std::move(*needed);
    return use_preset();
  }

  Result<void> use_preset() {
    auto& framework = options.framework;
    const Preset presets[] = {
        // name, length, sd, refuse, per offer, per agent, at once, ever
        {"spread", 30s, 10s, 5s, 1, 1, 0, 0}, {"lives", 0s, 0s, 0s, 1, 0, 0, 0},
        {"probe", 10s, 0s, 1h, 1, 1, 1, 1},   {"decline", 0s, 0s, 0s, 0, 0, 0, 0},
        {"idle", 0s, 0s, 1h, 0, 0, 0, 0},
    };
    const auto* preset = std::ranges::find(presets, behavior, &Preset::name);
    if (preset == std::end(presets)) {
      return fail("--behavior: '{}' is none of spread, lives, probe, decline, idle", behavior);
    }
    framework.wants_offers = behavior != "idle";
    framework.task_length = length.value_or(preset->length);
    framework.task_length_sd = sd.value_or(preset->sd);
    framework.refuse = refuse.value_or(preset->refuse);
    framework.tasks_per_offer = per_offer.value_or(preset->per_offer);
    framework.tasks_per_agent = per_agent.value_or(preset->per_agent);
    framework.tasks_at_once = at_once.value_or(preset->at_once);
    framework.tasks_ever = tasks_ever.value_or(preset->ever);
    return {};
  }

  int run() {
    if (auto ready = prepare(); !ready) return complain(ready.error());
    runtime::raise_open_files();
    Watcher watcher(duration, interval);
    auto frameworks = runtime::EmulateFrameworks::start(options);
    if (!frameworks) return complain(frameworks.error());
    runtime::EmulateFrameworksTotals first;
    double first_at = 0;
    while (!watcher.over()) {
      watcher.tick([&] { return line(**frameworks); });
      const auto totals = (*frameworks)->totals();
      if (first_at == 0 && watcher.seconds() >= to_seconds(warm_up)) {
        first = totals;
        first_at = watcher.seconds();
      }
      if (totals.ended + totals.refused == options.count) break;
    }
    const runtime::EmulateFrameworksTotals last = (*frameworks)->totals();
    const double measured = watcher.seconds() - first_at;
    finish(watcher, **frameworks);
    const runtime::EmulateFrameworksTotals end = (*frameworks)->totals();
    (*frameworks)->tear_down();
    const MonoTime patience = mono_now() + 5s;
    while ((*frameworks)->totals().subscribed > 0 && mono_now() < patience) {
      std::this_thread::sleep_for(10ms);
    }
    print(measured, last.finished - first.finished, end);
    return kExitOk;
  }

  // No new tasks; waits for those that run.
  void finish(Watcher& watcher, runtime::EmulateFrameworks& frameworks) const {
    frameworks.drain();
    const MonoTime patience = mono_now() + drain;
    while (frameworks.totals().open() > 0 && mono_now() < patience) {
      watcher.tick([&] { return line(frameworks); });
    }
  }

  static std::string line(const runtime::EmulateFrameworks& frameworks) {
    const auto totals = frameworks.totals();
    return fmt::format(
        "subscribed={} running={} launched={} finished={} failed={} offers={} declined={} ended={}",
        totals.subscribed, totals.running, totals.launched, totals.finished, totals.failed,
        totals.offers, totals.declined, totals.ended);
  }

  void print(double seconds, uint64_t finished, const runtime::EmulateFrameworksTotals& end) const {
    std::string out;
    wire::JsonWriter json(out);
    json.begin_object();
    json.field("frameworks", options.count);
    json.field("seconds", seconds);
    json.field("finished_measured", finished);
    json.field("lives_per_s", seconds > 0 ? static_cast<double>(finished) / seconds : 0);
    for (const double percent : {50.0, 90.0, 99.0, 100.0}) {
      json.field(fmt::format("launch_ms_p{:g}", percent),
                 runtime::percentile_ms(end.launch, percent));
    }
    for (const double percent : {50.0, 90.0, 99.0, 100.0}) {
      json.field(fmt::format("overhead_ms_p{:g}", percent),
                 runtime::percentile_ms(end.overhead, percent));
    }
    json.field("launched", end.launched);
    json.field("finished", end.finished);
    json.field("failed", end.failed);
    json.field("open", end.open());
    json.field("updates", end.updates);
    json.field("offers", end.offers);
    json.field("declined", end.declined);
    json.field("rescinded", end.rescinded);
    json.field("ended", end.ended);
    json.field("refused", end.refused);
    json.field("disconnects", end.disconnects);
    json.field("errors", end.errors);
    json.end_object();
    std::printf("%s\n", out.c_str());
  }

  Flags flags;
  LogFlags log;
  runtime::EmulateFrameworksOptions options;
  std::string masters;
  std::string behavior = "spread";
  std::string resources = "cpus:1;mem:1024";
  std::optional<Duration> length;
  std::optional<Duration> sd;
  std::optional<Duration> refuse;
  std::optional<unsigned> per_offer;
  std::optional<unsigned> per_agent;
  std::optional<unsigned> at_once;
  std::optional<unsigned> tasks_ever;
  Duration duration{0};
  Duration warm_up{0};
  Duration drain = 1min;
  Duration interval = 1s;
};

}  // namespace

void add_emulate_command(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand(
      "emulate", "Load a master with agents or frameworks that it can't tell from real ones");
  command->require_subcommand(1);
  command->footer(
      "How large a master do 20,000 agents need? docs/OPERATIONS.md, \"Sizing a master\":\n"
      "  souk emulate agents --count=20000 --master=127.0.0.1:5050 &\n"
      "  souk emulate frameworks --count=200 --master=127.0.0.1:5050");
  CLI::App* agents = command->add_subcommand(
      "agents",
      "Agents with real links, whose tasks are timers: a task runs as long as its "
      "command `sleep SECONDS` says");
  agents->footer("The last line of standard output is a JSON object of what came of it.");
  auto agents_state = std::make_shared<EmulateAgentsCommand>(*agents);
  agents->callback([agents_state, &exit_status] { exit_status = agents_state->run(); });

  CLI::App* frameworks = command->add_subcommand(
      "frameworks", "Frameworks over the real scheduler API, whose tasks do nothing for a while");
  frameworks->footer(
      "Behaviors:\n"
      "  spread   a task on each agent that is offered, of N(30 s, 10 s), one at once on an agent\n"
      "  lives    tasks of no length, as fast as they can be launched\n"
      "  probe    one task of 10 s, then it ends; overhead is what the framework took beyond that\n"
      "  decline  declines everything at once\n"
      "  idle     subscribes, and wants no offers\n"
      "The last line of standard output is a JSON object of what came of it.");
  auto frameworks_state = std::make_shared<EmulateFrameworksCommand>(*frameworks);
  frameworks->callback([frameworks_state, &exit_status] { exit_status = frameworks_state->run(); });
}

}  // namespace souk::bin
