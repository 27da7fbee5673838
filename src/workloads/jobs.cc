#include "workloads/jobs.h"

#include <algorithm>
#include <map>
#include <string>

#include "base/check.h"

namespace souk::workloads {
namespace {

using Locality = scheduler::DelayScheduling::Locality;

// Tasks carry their job and their place in its stage.
uint64_t tag_of(std::size_t job, uint64_t task) {
  return (static_cast<uint64_t>(job) << 32) | task;
}
std::size_t job_of(uint64_t tag) { return tag >> 32; }
uint64_t place_of(uint64_t tag) { return tag & 0xffffffffu; }

}  // namespace

Jobs::Jobs(JobsOptions options, Rng rng)
    : Framework(options.framework), options_(std::move(options)), rng_(rng) {
  followers_.resize(options_.jobs.size());
  std::map<std::string, std::size_t> classes;
  for (std::size_t i = 0; i < options_.jobs.size(); ++i) {
    const Job& job = options_.jobs[i];
    SOUK_CHECK(!job.after || *job.after < i, "a job follows one before it");
    if (job.after) followers_[*job.after].push_back(i);
    auto& classes_of_job = classes_.emplace_back();
    for (const Stage& stage : job.stages) {
      SOUK_CHECK(!stage.demand.empty(), "a task needs something to run on");
      SOUK_CHECK(stage.tasks <= kMaxStageTasks, "too many tasks for a stage");
      const auto at = classes.emplace(stage.demand.to_string(), classes.size()).first;
      classes_of_job.push_back(at->second);
    }
    jobs_.push_back({.waiting = Waiting(options_.delay)});
  }
  jobs_of_class_.resize(classes.size());
}

std::vector<std::pair<const Resources*, uint64_t>> Jobs::waiting() const {
  std::map<std::size_t, std::pair<const Resources*, uint64_t>> by_class;
  for (const auto& [key, place] : order_) {
    auto& [demand, tasks] = by_class[jobs_[place].ranked_class];
    demand = &stage(place).demand;
    tasks += jobs_[place].waiting.waiting();
  }
  std::vector<std::pair<const Resources*, uint64_t>> all;
  for (const auto& [number, each] : by_class) all.push_back(each);
  return all;
}

// --- jobs and stages

void Jobs::first_subscribed(Context& context) {
  began_ = options_.start.value_or(context.now.mono);
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    if (!options_.jobs[i].after) coming_.insert({began_ + options_.jobs[i].arrival, i});
  }
  submit_due(context);
  settle(context);
}

void Jobs::submit_due(Context& context) {
  while (!coming_.empty() && coming_.begin()->first <= context.now.mono) {
    const std::size_t place = coming_.begin()->second;
    coming_.erase(coming_.begin());
    jobs_[place].record.submitted = context.now.mono;
    start_stage(context, place);
  }
}

// The next one that has tasks, or the end of the job.
void Jobs::start_stage(Context& context, std::size_t place) {
  State& job = jobs_[place];
  const auto& stages = options_.jobs[place].stages;
  while (job.next_stage < stages.size() && stages[job.next_stage].tasks == 0) ++job.next_stage;
  if (job.next_stage == stages.size()) return finish(context, place);
  const Stage& stage = stages[job.next_stage++];
  LengthSource lengths(stage.lengths, rng_.fork(fmt::format("{}.{}", place, job.next_stage)));
  job.before = std::exchange(job.hosts, std::vector<std::string>(stage.tasks));
  job.lengths.resize(stage.tasks);
  job.unfinished = stage.tasks;
  for (uint64_t task = 0; task < stage.tasks; ++task) {
    job.lengths[task] = lengths.next();
    job.waiting.add(task, wishes(place, task));
  }
  job.record.alone += *std::ranges::max_element(job.lengths);
  rank(place);
  ask_again(context);
}

std::vector<std::string> Jobs::wishes(std::size_t place, uint64_t task) const {
  const Stage& stage = this->stage(place);
  if (!stage.follows) {
    return task < stage.preferred.size() ? stage.preferred[task] : std::vector<std::string>();
  }
  const auto& before = jobs_[place].before;
  return task < before.size() ? std::vector{before[task]} : std::vector<std::string>();
}

void Jobs::finish(Context& context, std::size_t place) {
  jobs_[place].record.finished = context.now.mono;
  ++finished_;
  for (const std::size_t i : followers_[place]) {
    const Job& job = options_.jobs[i];
    coming_.insert({std::max(began_ + job.arrival, context.now.mono + job.pause), i});
  }
}

// --- offers

void Jobs::offered(Context& context, std::vector<Offer>&& offers) {
  std::vector<OfferId> declined;
  for (const Offer& offer : offers) {
    std::vector<Plan> plans;
    Resources left = offer.resources;
    PassedBy passed_by;
    while (auto plan = pick(context, offer, left, passed_by)) {
      left -= plan->resources;
      plans.push_back(std::move(*plan));
    }
    if (plans.empty()) {
      declined.push_back(offer.id);
    } else {
      launch(context, offer, std::move(plans), options_.refuse);
    }
  }
  decline(context, std::move(declined), options_.refuse);
  settle(context);
}

// The next task for what is left of this offer. Who has no use for it now has none for less of it,
// so with many jobs that wait for the same the cost does not grow with them.
std::optional<Framework::Plan> Jobs::pick(Context& context, const Offer& offer,
                                          const Resources& left, PassedBy& passed_by) {
  if (!has_room()) return std::nullopt;
  for (const auto& [key, place] : order_) {
    if (passed_by.classes.size() == classes_waiting_) break;
    const std::size_t number = jobs_[place].ranked_class;
    if (passed_by.classes.contains(number) || passed_by.jobs.contains(place)) continue;
    if (!left.contains(stage(place).demand)) {
      passed_by.classes.insert(number);
      continue;
    }
    const auto placed = jobs_[place].waiting.place(offer.hostname, context.now.mono);
    note_wait(place);
    if (placed) return start(context, place, *placed, offer.hostname);
    passed_by.jobs.insert(place);
  }
  return std::nullopt;
}

Framework::Plan Jobs::start(Context& context, std::size_t place, const Waiting::Placed& placed,
                            const std::string& host) {
  State& job = jobs_[place];
  const Stage& stage = this->stage(place);
  if (!job.record.first_launch) job.record.first_launch = context.now.mono;
  Duration length = job.lengths[placed.task];
  switch (placed.locality) {
    case Locality::kLocal:
      ++job.record.local;
      break;
    case Locality::kNonLocal:
      ++job.record.non_local;
      length = length / 100 * stage.non_local_percent;
      break;
    case Locality::kAnywhere:
      ++job.record.anywhere;
      break;
  }
  job.hosts[placed.task] = host;
  ++job.running;
  ++running_;
  rank(place);
  return {stage.demand, length, tag_of(place, placed.task)};
}

// Puts the job where it belongs among those with waiting tasks.
void Jobs::rank(std::size_t place) {
  State& job = jobs_[place];
  unrank(job);
  note_wait(place);
  if (job.waiting.empty()) return;
  job.rank = {options_.order == JobOrder::kFair ? job.running : 0, place};
  order_.insert(*job.rank);
  job.ranked_class = classes_[place][job.next_stage - 1];
  if (jobs_of_class_[job.ranked_class]++ == 0) ++classes_waiting_;
}

void Jobs::unrank(State& job) {
  if (!job.rank) return;
  order_.erase(*job.rank);
  job.rank.reset();
  if (--jobs_of_class_[job.ranked_class] == 0) --classes_waiting_;
}

void Jobs::note_wait(std::size_t place) {
  if (const auto until = jobs_[place].waiting.next_deadline()) {
    host_waits_.set(place, *until);
  } else {
    host_waits_.cancel(place);
  }
}

// --- tasks and time

void Jobs::task_ended(Context& context, const Task& task, bool finished) {
  const std::size_t place = job_of(task.tag);
  State& job = jobs_[place];
  --job.running;
  --running_;
  if (!finished) {
    ++job.record.lost;
    job.waiting.add(place_of(task.tag), wishes(place, place_of(task.tag)));
    ask_again(context);
  }
  rank(place);
  if (finished && --job.unfinished == 0) start_stage(context, place);
  settle(context);
}

std::optional<MonoTime> Jobs::deadline() const {
  const std::optional<MonoTime> next = host_waits_.next();
  if (coming_.empty()) return next;
  const MonoTime arrival = coming_.begin()->first;
  return next ? std::min(*next, arrival) : arrival;
}

void Jobs::time_came(Context& context) {
  submit_due(context);
  bool impatient = false;
  while (const auto place = host_waits_.pop_due(context.now.mono)) {
    jobs_[*place].waiting.advance(context.now.mono);
    note_wait(*place);
    impatient = true;
  }
  // What they passed by will do now.
  if (impatient && has_room()) ask_again(context);
  settle(context);
}

void Jobs::settle(Context& context) { want_offers(context, !order_.empty() && has_room()); }

std::vector<Job> iterative_jobs(std::size_t jobs, std::size_t iterations, const Stage& each,
                                Duration pause) {
  std::vector<Job> all(jobs);
  for (std::size_t i = 0; i < jobs; ++i) {
    all[i].stages.assign(iterations, each);
    for (std::size_t k = 1; k < iterations; ++k) {
      all[i].stages[k].preferred.clear();
      all[i].stages[k].follows = true;
    }
    if (i > 0) all[i].after = i - 1;
    all[i].pause = pause;
  }
  return all;
}

}  // namespace souk::workloads
