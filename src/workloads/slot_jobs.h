// Jobs that need so many slots for so long: the models of §4, and the queue of MPI jobs of §6.1
// (Torque). In three ways:
//
//   elastic    a job works on each slot from when it has it, and is over when it has had
//              `slots` x `length` of slot time: its last tasks end together
//   hoarding   a rigid job holds the slots that it wins idle, until it has them all; then it works
//              on all of them for `length`. If it loses one, it wins another (or has it of a later
//              job that hoards) and works from anew
//   at once    a rigid job keeps offers open until they have slots for all of it, and starts then.
//              If they are not enough for too long it gives them back, waits, and asks for all at
//              once. If a task of it is lost, the others are killed and it starts anew
//
// In the first two a slot is held by a task that runs until it is killed. Slots go to the jobs in
// the order of their arrival.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "workloads/framework.h"

namespace souk::workloads {

enum class SlotMode : uint8_t { kElastic, kHoarding, kAtOnce };

struct SlotJob {
  Duration arrival{0};  // after the framework first subscribed
  uint64_t slots = 1;   // REQUIRES at least one
  Duration length{0};   // with all its slots
};

struct SlotJobsOptions {
  FrameworkOptions framework;
  Resources demand;           // of each slot; REQUIRES that it is not empty
  std::vector<SlotJob> jobs;  // in the order of their arrival
  SlotMode mode = SlotMode::kHoarding;
  std::size_t max_jobs = std::numeric_limits<std::size_t>::max();  // that get slots at once
  std::set<std::string> hosts;                                     // takes only these; empty: all
  std::optional<Duration> refuse;     // what it does not take; nothing: the default
  Duration patience = 2s;             // kAtOnce: how long offers are kept
  Duration pause = 5s;                // kAtOnce: until it asks again after it gave some back
  Duration holder_length = 30 * 24h;  // of a task that holds a slot: longer than any job
  // While no job lacks a slot. Whoever does loses a slot whose task ends: it is offered to others
  // before the REVIVE comes.
  bool suppresses = true;
};

// What became of a job. Slot times are sums over its slots.
struct SlotJobRecord {
  std::optional<MonoTime> arrived;
  std::optional<MonoTime> first_slot;  // launched on
  std::optional<MonoTime> ramped_up;   // first time that all its slots were up
  std::optional<MonoTime> done;
  Duration held{0};    // slot time from launch until the job was done
  Duration worked{0};  // of that, used: slots x length when it is done
  uint64_t restarts = 0;
};

class SlotJobs final : public Framework {
 public:
  explicit SlotJobs(SlotJobsOptions options);

  bool done() const override { return done_ == jobs_.size(); }
  const SlotJobRecord& record(std::size_t job) const { return jobs_.at(job).record; }
  std::size_t jobs() const { return jobs_.size(); }

 private:
  enum class Phase : uint8_t {
    kComing,
    kGathering,  // waits for slots
    kWorking,    // rigid: on all its slots
    kClearing,   // kAtOnce: the rest of its tasks has to end, then it gathers again
    kDone,
  };
  struct Job {
    SlotJob wanted;
    SlotJobRecord record;
    Phase phase = Phase::kComing;
    uint64_t held = 0;      // tasks launched and not ended
    uint64_t up = 0;        // of these, seen to run
    uint64_t finished = 0;  // kAtOnce
    MonoTime counted;       // the slot times of the record hold until then
  };

  void first_subscribed(Context& context) override;
  void offered(Context& context, std::vector<Offer>&& offers) override;
  void task_up(Context& context, const Task& task) override;
  void task_ended(Context& context, const Task& task, bool finished) override;
  std::optional<MonoTime> deadline() const override;
  void time_came(Context& context) override;

  uint64_t rate(const Job& job) const;
  Duration work(const Job& job) const;
  std::optional<MonoTime> end_of(const Job& job) const;
  void count_until(Job& job, MonoTime now);
  void arrive(Context& context);
  void give_back(Context& context);
  Job* next_in_need();
  uint64_t tag_of(const Job& job) const { return static_cast<uint64_t>(&job - jobs_.data()); }
  void take_slots(Context& context, std::vector<Offer>&& offers);
  void take_at_once(Context& context, std::vector<Offer>&& offers);
  uint64_t slots_of(const Offer& offer) const;
  // Adds tasks for the slots that the job still lacks, at most `most`; how many.
  uint64_t plan(Context& context, Job& job, uint64_t most, Duration length,
                std::vector<Plan>& plans);
  // One of its tasks was lost while it worked.
  void restart(Context& context, Job& job);
  // Rigid jobs must not wait for each other's slots: the first ones take those of the last.
  void take_over_slots(Context& context);
  void take_over_slots(Context& context, std::size_t to, std::size_t from);
  // All its slots are up.
  void complete(Context& context, Job& job);
  void finish(Context& context, Job& job);
  void settle(Context& context);

  const SlotJobsOptions options_;
  MonoTime began_;
  std::vector<Job> jobs_;
  std::size_t arrived_ = 0;  // jobs before it have
  std::size_t first_ = 0;    // jobs before it are done
  std::size_t done_ = 0;
  // kAtOnce: when to give back the offers that are kept, and when to ask again.
  std::optional<MonoTime> give_up_;
  std::optional<MonoTime> ask_at_;
};

}  // namespace souk::workloads
