#include "workloads/slot_jobs.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace souk::workloads {
namespace {

// Durations are signed, and have to stay so.
Duration times(Duration each, uint64_t many) { return each * static_cast<int64_t>(many); }

}  // namespace

SlotJobs::SlotJobs(SlotJobsOptions options)
    : Framework(options.framework), options_(std::move(options)) {
  SOUK_CHECK(!options_.demand.empty(), "a slot is something");
  SOUK_CHECK(std::ranges::is_sorted(options_.jobs, {}, &SlotJob::arrival), "jobs come in order");
  for (const SlotJob& job : options_.jobs) {
    SOUK_CHECK(job.slots > 0, "a job needs a slot");
    jobs_.push_back({job});
  }
}

// --- time

Duration SlotJobs::work(const Job& job) const { return times(job.wanted.length, job.wanted.slots); }

// Slots that a job works on.
uint64_t SlotJobs::rate(const Job& job) const {
  if (job.phase == Phase::kGathering && options_.mode == SlotMode::kElastic) return job.up;
  if (job.phase == Phase::kWorking && options_.mode == SlotMode::kHoarding) return job.held;
  return 0;
}

std::optional<MonoTime> SlotJobs::end_of(const Job& job) const {
  const auto rate = static_cast<int64_t>(this->rate(job));
  if (rate == 0) return std::nullopt;
  const Duration left = std::max(work(job) - job.record.worked, Duration(0));
  return job.counted + (left + Duration(rate - 1)) / rate;
}

void SlotJobs::count_until(Job& job, MonoTime now) {
  const Duration passed = now - std::exchange(job.counted, now);
  if (job.phase == Phase::kComing || job.phase == Phase::kDone) return;
  job.record.held += times(passed, job.held);
  job.record.worked = std::min(job.record.worked + times(passed, rate(job)), work(job));
}

std::optional<MonoTime> SlotJobs::deadline() const {
  if (!totals().subscribed) return std::nullopt;
  std::optional<MonoTime> next;
  const auto note = [&](MonoTime at) { next = next ? std::min(*next, at) : at; };
  if (give_up_) note(*give_up_);
  if (ask_at_) note(*ask_at_);
  if (arrived_ < jobs_.size()) note(began_ + jobs_[arrived_].wanted.arrival);
  for (std::size_t i = first_; i < arrived_; ++i) {
    if (const auto end = end_of(jobs_[i])) note(*end);
  }
  return next;
}

void SlotJobs::time_came(Context& context) {
  arrive(context);
  for (std::size_t i = first_; i < arrived_; ++i) {
    Job& job = jobs_[i];
    if (const auto end = end_of(job); end && *end <= context.now.mono) finish(context, job);
  }
  if (give_up_ && *give_up_ <= context.now.mono) give_back(context);
  if (ask_at_ && *ask_at_ <= context.now.mono) ask_at_.reset();
  settle(context);
}

// Were they only refused, some agents would be offered again while others are still refused, and it
// could miss for ever that they are enough together.
void SlotJobs::give_back(Context& context) {
  give_up_.reset();
  ask_at_ = context.now.mono + options_.pause;
  std::vector<OfferId> declined;
  for (Offer& offer : take_open()) declined.push_back(std::move(offer.id));
  decline(context, std::move(declined), options_.refuse);
}

void SlotJobs::first_subscribed(Context& context) {
  began_ = context.now.mono;
  arrive(context);
  settle(context);
}

void SlotJobs::arrive(Context& context) {
  const std::size_t before = arrived_;
  while (arrived_ < jobs_.size() && began_ + jobs_[arrived_].wanted.arrival <= context.now.mono) {
    Job& job = jobs_[arrived_++];
    job.phase = Phase::kGathering;
    job.counted = context.now.mono;
    job.record.arrived = context.now.mono;
  }
  if (arrived_ != before && !ask_at_) ask_again(context);
}

// --- slots

// The first job that lacks slots, among those that may have some.
SlotJobs::Job* SlotJobs::next_in_need() {
  std::size_t served = 0;
  for (std::size_t i = first_; i < arrived_ && served < options_.max_jobs; ++i) {
    Job& job = jobs_[i];
    if (job.phase == Phase::kDone) continue;
    ++served;
    if (job.phase == Phase::kGathering && job.held < job.wanted.slots) return &job;
  }
  return nullptr;
}

uint64_t SlotJobs::slots_of(const Offer& offer) const {
  if (!options_.hosts.empty() && !options_.hosts.contains(offer.hostname)) return 0;
  return slots_in(offer.resources, options_.demand, std::numeric_limits<uint64_t>::max());
}

uint64_t SlotJobs::plan(Context& context, Job& job, uint64_t most, Duration length,
                        std::vector<Plan>& plans) {
  count_until(job, context.now.mono);
  if (!job.record.first_slot) job.record.first_slot = context.now.mono;
  const uint64_t taken = std::min(most, job.wanted.slots - job.held);
  plans.insert(plans.end(), taken, Plan{options_.demand, length, tag_of(job)});
  job.held += taken;
  return taken;
}

void SlotJobs::offered(Context& context, std::vector<Offer>&& offers) {
  if (options_.mode == SlotMode::kAtOnce) {
    take_at_once(context, std::move(offers));
  } else {
    take_slots(context, std::move(offers));
  }
  settle(context);
}

void SlotJobs::take_slots(Context& context, std::vector<Offer>&& offers) {
  std::vector<OfferId> declined;
  for (const Offer& offer : offers) {
    std::vector<Plan> plans;
    for (uint64_t slots = slots_of(offer); slots > 0;) {
      Job* job = next_in_need();
      if (job == nullptr) break;
      slots -= plan(context, *job, slots, options_.holder_length, plans);
    }
    if (plans.empty()) {
      declined.push_back(offer.id);
    } else {
      launch(context, offer, std::move(plans), options_.refuse);
    }
  }
  decline(context, std::move(declined), options_.refuse);
}

void SlotJobs::take_at_once(Context& context, std::vector<Offer>&& offers) {
  std::vector<std::pair<Offer, uint64_t>> rooms;
  std::vector<OfferId> declined;
  uint64_t total = 0;
  for (Offer& offer : offers) {
    const uint64_t slots = slots_of(offer);
    total += slots;
    if (slots == 0) {
      declined.push_back(std::move(offer.id));
    } else {
      rooms.emplace_back(std::move(offer), slots);
    }
  }
  Job* job = next_in_need();
  for (; job != nullptr && total >= job->wanted.slots; job = next_in_need()) {
    // An offer is used once; what is left of it comes back in another.
    while (job->held < job->wanted.slots) {
      const auto& [offer, slots] = rooms.back();
      std::vector<Plan> plans;
      total -= slots;
      plan(context, *job, slots, job->wanted.length, plans);
      launch(context, offer, std::move(plans), options_.refuse);
      rooms.pop_back();
    }
    job->phase = Phase::kWorking;
  }
  for (auto& [offer, slots] : rooms) {
    if (job == nullptr) {
      declined.push_back(std::move(offer.id));
    } else {
      keep(std::move(offer));
    }
  }
  decline(context, std::move(declined), options_.refuse);
  if (open().empty()) {
    give_up_.reset();
  } else if (!give_up_) {
    give_up_ = context.now.mono + options_.patience;
  }
}

// --- tasks

void SlotJobs::task_up(Context& context, const Task& task) {
  Job& job = jobs_[task.tag];
  count_until(job, context.now.mono);
  ++job.up;
  complete(context, job);
}

void SlotJobs::complete(Context& context, Job& job) {
  if (job.up < job.wanted.slots || job.phase == Phase::kDone) return;
  if (!job.record.ramped_up) job.record.ramped_up = context.now.mono;
  if (options_.mode == SlotMode::kHoarding) job.phase = Phase::kWorking;
}

void SlotJobs::task_ended(Context& context, const Task& task, bool finished) {
  Job& job = jobs_[task.tag];
  count_until(job, context.now.mono);
  --job.held;
  if (task.up) --job.up;
  if (job.phase == Phase::kWorking) {
    if (options_.mode != SlotMode::kAtOnce || !finished) {
      restart(context, job);
    } else if (++job.finished == job.wanted.slots) {
      finish(context, job);
    }
  }
  if (job.phase == Phase::kClearing && job.held == 0) {
    job.phase = Phase::kGathering;
    job.finished = 0;
  }
  if (options_.mode == SlotMode::kHoarding) take_over_slots(context);
  settle(context);
}

void SlotJobs::restart(Context& context, Job& job) {
  ++job.record.restarts;
  job.record.worked = Duration(0);
  if (options_.mode == SlotMode::kHoarding) {
    job.phase = Phase::kGathering;
  } else {
    job.phase = Phase::kClearing;
    kill(context, tag_of(job));
  }
}

void SlotJobs::take_over_slots(Context& context) {
  for (std::size_t i = first_; i < arrived_; ++i) {
    for (std::size_t later = arrived_; later-- > i + 1;) take_over_slots(context, i, later);
    complete(context, jobs_[i]);
  }
}

void SlotJobs::take_over_slots(Context& context, std::size_t to, std::size_t from) {
  Job& job = jobs_[to];
  Job& later = jobs_[from];
  if (job.phase != Phase::kGathering || later.phase != Phase::kGathering) return;
  count_until(job, context.now.mono);
  count_until(later, context.now.mono);
  while (job.held < job.wanted.slots && later.held > 0) {
    const bool up = retag(from, to, true);
    if (!up && !retag(from, to, false)) return;
    --later.held;
    ++job.held;
    later.up -= up ? 1 : 0;
    job.up += up ? 1 : 0;
  }
}

void SlotJobs::finish(Context& context, Job& job) {
  count_until(job, context.now.mono);
  job.record.worked = work(job);
  job.record.done = context.now.mono;
  job.phase = Phase::kDone;
  ++done_;
  while (first_ < jobs_.size() && jobs_[first_].phase == Phase::kDone) ++first_;
  kill(context, tag_of(job));
}

void SlotJobs::settle(Context& context) {
  want_offers(context, !ask_at_ && (!options_.suppresses || next_in_need() != nullptr));
}

}  // namespace souk::workloads
