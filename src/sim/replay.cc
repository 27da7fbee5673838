#include "sim/replay.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "base/check.h"
#include "base/digest.h"
#include "sim/world.h"

namespace souk::sim {
namespace {

// Until everybody is registered; the trace begins then.
constexpr Duration kSettle = 10s;
constexpr Duration kFirstInterval = 1s;

// Nothing fails in a replay, so nobody needs to be watched closely.
constexpr Duration kRareHeartbeat = 1h;

MasterProcessOptions master_of(const Trace& trace, const ReplayOptions& options) {
  MasterProcessOptions made;
  made.allocator = options.allocator;
  made.allocation = options.allocation;
  for (const TraceRole& role : trace.roles) {
    if (role.weight) made.allocation.role_weights.emplace(role.name, *role.weight);
    if (role.priority) made.allocation.role_priorities.emplace(role.name, *role.priority);
  }
  made.machine.role_weights = made.allocation.role_weights;
  made.machine.offer_timeout = options.machine.offer_timeout;
  made.machine.heartbeat_interval = kRareHeartbeat;
  made.machine.ping_interval = kRareHeartbeat;
  return made;
}

std::vector<workloads::Stage> stages_of(const TraceJob& job) {
  std::vector<workloads::Stage> stages;
  for (const TraceStage& each : job.stages) {
    stages.push_back({.tasks = each.tasks, .lengths = each.lengths, .demand = each.demand});
    if (!each.hosts.empty()) stages.back().preferred.assign(each.tasks, each.hosts);
  }
  return stages;
}

uint64_t tasks_of(const TraceJob& job) {
  uint64_t tasks = 0;
  for (const TraceStage& stage : job.stages) tasks += stage.tasks;
  return tasks;
}

bool wants_gpus(const TraceJob& job) {
  return std::ranges::any_of(job.stages, [](const TraceStage& stage) {
    return stage.demand.scalar(kGpus).thousandths > 0;
  });
}

class Replay {
 public:
  Replay(const Trace& trace, const ReplayOptions& options)
      : trace_(trace), options_(options), world_({.seed = options.seed}), usage_(world_) {
    world_.add_observer(usage_);
    MasterProcess& master = world_.add_master(master_of(trace, options));
    add_agents();
    add_frameworks();
    world_.run_until(MonoTime(kSettle / 2));
    set_quotas(master);
    world_.run_until(start_);
    const protocol::MasterView view = master.machine()->view();
    SOUK_CHECK(
        view.agents.size() == report_.agents && view.frameworks.size() == report_.frameworks.size(),
        "not all have registered");
    report_.resources = usage_.resources();
    report_.totals = usage_.totals();
    for (const std::string& name : report_.resources) {
      report_.in_share.push_back(!options.allocation.excluded_from_share.contains(name));
    }
  }

  Report run() {
    const uint64_t before = world_.steps();
    report_.interval = options_.sample.value_or(kFirstInterval);
    usage_.take_sums();
    while (!run_interval()) {
      if (report_.samples.size() < samples_most()) continue;
      join_samples();
    }
    report_.steps = world_.steps() - before;
    fill_in_results();
    report_.digest = digest();
    return std::move(report_);
  }

 private:
  Duration passed() const { return world_.now() - start_; }

  void add_agents() {
    const std::vector<std::string> names = hostnames(trace_);
    for (const TraceAgents& group : trace_.agents) {
      for (uint64_t i = 0; i < group.count; ++i, ++report_.agents) {
        AgentProcessOptions options;
        options.machine.agent.hostname = names[report_.agents];
        options.machine.agent.ip = "10.0.0.1";
        options.machine.agent.port = 5051;
        options.machine.agent.resources = group.resources;
        options.machine.agent.attributes = group.attributes;
        options.machine.max_completed_tasks = 10;
        usage_.add_agent(world_.add_agent(std::move(options)));
      }
    }
  }

  void add_frameworks() {
    std::map<std::string_view, std::size_t> numbers;
    for (const TraceFramework& each : trace_.frameworks) {
      numbers.emplace(each.name, report_.frameworks.size());
      report_.frameworks.push_back({.name = each.name, .role = each.role});
    }
    jobs_of_.resize(trace_.frameworks.size());
    for (std::size_t i = 0; i < trace_.jobs.size(); ++i) {
      const TraceJob& job = trace_.jobs[i];
      const std::size_t number = numbers.at(job.framework);
      report_.jobs.push_back({job.name, number, tasks_of(job), job.arrival, {}, {}, Duration(0)});
      jobs_of_[number].push_back(i);
      last_arrival_ = std::max(last_arrival_, job.arrival);
    }
    for (std::size_t i = 0; i < trace_.frameworks.size(); ++i) add_framework(i);
  }

  void add_framework(std::size_t number) {
    const TraceFramework& framework = trace_.frameworks[number];
    // The order that `fifo` goes by.
    std::ranges::stable_sort(jobs_of_[number], {},
                             [&](std::size_t job) { return trace_.jobs[job].arrival; });
    workloads::JobsOptions options;
    options.framework.name = framework.name;
    options.framework.role = framework.role;
    options.framework.rigid = framework.rigid;
    options.start = start_;
    options.order = framework.order;
    options.delay = framework.locality_wait;
    options.slots_max = framework.max_running;
    options.refuse = framework.refuse;
    for (const std::size_t each : jobs_of_[number]) {
      const TraceJob& job = trace_.jobs[each];
      options.framework.gpus |= wants_gpus(job);
      options.jobs.push_back({.arrival = job.arrival, .stages = stages_of(job)});
    }
    report_.frameworks[number].jobs = options.jobs.size();
    auto workload = std::make_unique<workloads::Jobs>(std::move(options),
                                                      world_.rng("framework " + framework.name));
    workloads_.push_back(workload.get());
    const SchedulerProcess& scheduler = world_.add_scheduler({}, std::move(workload));
    usage_.add_framework(scheduler, *workloads_.back());
  }

  void set_quotas(MasterProcess& master) const {
    protocol::operator_call::UpdateQuota update;
    update.force = true;  // as on a cluster whose agents come later
    for (const TraceRole& role : trace_.roles) {
      if (!role.quota.empty()) update.quotas.push_back({role.name, role.quota});
    }
    if (!update.quotas.empty()) SOUK_CHECK(master.call(std::move(update)), "there is no master");
  }

  // Whether the replay is over.
  bool run_interval() {
    ReplaySample sample{.begin = passed(), .end = {}, .held = {}, .idle = {}};
    MonoTime target = world_.now() + report_.interval;
    if (options_.until) target = std::min(target, start_ + *options_.until);
    const bool done = world_.run_until(target, [this] {
      while (finished_ < workloads_.size() && workloads_[finished_]->done()) ++finished_;
      return finished_ == workloads_.size();
    });
    sample.end = passed();
    sample.held = usage_.take_sums();
    sample.idle = usage_.idle();
    const auto length = static_cast<UsageSum>((sample.end - sample.begin).count());
    for (Usage::Idle& each : sample.idle) {
      each.no_work *= length;
      each.too_small *= length;
      each.other *= length;
    }
    sample.waiting = static_cast<UsageSum>(usage_.waiting()) * length;
    report_.samples.push_back(std::move(sample));
    report_.length = passed();
    if (done) return true;
    if (options_.until && passed() >= *options_.until) report_.end = Report::End::kUntil;
    if (stuck()) report_.end = Report::End::kStuck;
    return report_.end != Report::End::kAllDone;
  }

  bool stuck() const {
    const MonoTime last = std::max(usage_.last_change(), start_ + last_arrival_);
    return usage_.running() == 0 && world_.now() - last > kStuckAfter;
  }

  std::size_t samples_most() const {
    const std::size_t sums = report_.frameworks.size() * report_.resources.size() + 1;
    return std::max<std::size_t>(
        2, std::min(options_.sample ? kMaxSamples : kAutoSamples, kMaxSampleSums / sums));
  }

  void join_samples() {
    std::vector<ReplaySample> joined;
    for (ReplaySample& each : report_.samples) {
      if (!joined.empty() && joined.back().end - joined.back().begin == report_.interval) {
        joined.back().join(each);
      } else {
        joined.push_back(std::move(each));
      }
    }
    report_.samples = std::move(joined);
    report_.interval *= 2;
  }

  void fill_in_results() {
    for (std::size_t i = 0; i < workloads_.size(); ++i) {
      ReplayFramework& framework = report_.frameworks[i];
      framework.done = workloads_[i]->jobs_done();
      framework.tasks_finished = workloads_[i]->totals().finished;
      framework.tasks_lost = workloads_[i]->totals().lost;
      for (std::size_t place = 0; place < jobs_of_[i].size(); ++place) {
        const workloads::JobRecord& record = workloads_[i]->record(place);
        ReplayJob& job = report_.jobs[jobs_of_[i][place]];
        if (record.first_launch) job.started = *record.first_launch - start_;
        if (record.finished) job.done = *record.finished - start_;
        job.alone = record.alone;
      }
    }
  }

  std::string digest() const {
    Digest digest;
    digest.add(report_.length.count()).add(report_.steps).add(report_.samples.size());
    const auto add_time = [&](const std::optional<Duration>& time) {
      digest.add(time ? time->count() : int64_t{-1});
    };
    for (const ReplayJob& job : report_.jobs) {
      digest.add(job.name).add(job.framework).add(job.arrival.count()).add(job.alone.count());
      add_time(job.started);
      add_time(job.done);
    }
    for (const ReplayFramework& each : report_.frameworks) {
      digest.add(each.name).add(each.tasks_finished).add(each.tasks_lost);
    }
    for (const ReplaySample& sample : report_.samples) {
      digest.add(sample.end.count()).add(static_cast<uint64_t>(sample.waiting));
      for (const auto& framework : sample.held) {
        for (const UsageSum sum : framework) {
          digest.add(static_cast<uint64_t>(sum)).add(static_cast<uint64_t>(sum >> 64));
        }
      }
    }
    return digest.hex();
  }

  const Trace& trace_;
  const ReplayOptions& options_;
  const MonoTime start_{kSettle};
  World world_;
  Usage usage_;
  std::vector<const workloads::Jobs*> workloads_;  // of the world's schedulers
  std::vector<std::vector<std::size_t>> jobs_of_;  // of each framework, as its workload has them
  std::size_t finished_ = 0;                       // all frameworks before it are
  Duration last_arrival_{0};
  Report report_;
};

}  // namespace

double ReplaySample::mean(UsageSum sum) const {
  return end > begin ? static_cast<double>(sum) / static_cast<double>((end - begin).count()) : 0.0;
}

void ReplaySample::join(const ReplaySample& next) {
  end = next.end;
  for (std::size_t i = 0; i < held.size(); ++i) {
    for (std::size_t j = 0; j < held[i].size(); ++j) held[i][j] += next.held[i][j];
  }
  for (std::size_t i = 0; i < idle.size(); ++i) {
    idle[i].no_work += next.idle[i].no_work;
    idle[i].too_small += next.idle[i].too_small;
    idle[i].other += next.idle[i].other;
  }
  waiting += next.waiting;
}

std::optional<Duration> ReplayJob::wait() const {
  return started ? std::optional(*started - arrival) : std::nullopt;
}

std::optional<Duration> ReplayJob::completion() const {
  return done ? std::optional(*done - arrival) : std::nullopt;
}

std::optional<double> ReplayJob::slowdown() const {
  if (!done || alone <= Duration::zero()) return std::nullopt;
  return to_seconds(*done - arrival) / to_seconds(alone);
}

double Report::dominant_share(const ReplaySample& sample, std::size_t framework) const {
  double largest = 0;
  for (std::size_t i = 0; i < resources.size(); ++i) {
    if (!in_share[i] || totals[i] == 0) continue;
    largest =
        std::max(largest, sample.mean(sample.held[framework][i]) / static_cast<double>(totals[i]));
  }
  return largest;
}

double Report::utilization(const ReplaySample& sample, std::size_t resource) const {
  UsageSum sum = 0;
  for (const auto& framework : sample.held) sum += framework[resource];
  if (totals[resource] == 0) return 0;
  return sample.mean(sum) / static_cast<double>(totals[resource]);
}

ReplaySample Report::whole() const {
  ReplaySample all = samples.front();
  for (std::size_t i = 1; i < samples.size(); ++i) all.join(samples[i]);
  return all;
}

Result<Report> replay(const Trace& trace, const ReplayOptions& options) {
  if (options.sample && *options.sample < 1ms) return fail("--sample must be at least 1ms");
  if (options.until && *options.until <= Duration::zero())
    return fail("--until must be above zero");
  if (options.until && *options.until > 10 * kMaxTraceTime) {
    return fail("--until must be at most {}", format_duration(10 * kMaxTraceTime));
  }
  if (options.allocator.find('/') != std::string::npos) {
    return fail("a replay runs with the modules that are built in, not with {}", options.allocator);
  }
  auto module = allocator::make_module(options.allocator, options.allocation, Rng(options.seed));
  if (!module) return std::unexpected(module.error());
  return Replay(trace, options).run();
}

}  // namespace souk::sim
