// A framework that runs jobs of short tasks in stages, like Hadoop: the Facebook mix and the large
// mix of §6.1, the instances of §6.3, and with jobs that follow each other the iterative ones of
// Spark (§6.1, §6.4). A stage starts when the one before it has finished. Tasks run where their
// data is if their job does not wait too long for it (scheduler/delay_scheduling.h).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "scheduler/delay_scheduling.h"
#include "workloads/framework.h"
#include "workloads/lengths.h"

namespace souk::workloads {

struct Stage {
  uint64_t tasks = 1;  // at most kMaxStageTasks
  Lengths lengths;     // drawn for each task when the stage starts, so not by where it runs
  Resources demand;    // of each task; REQUIRES that it is not empty
  // The hosts that each task prefers, by its place; tasks beyond the end prefer none.
  std::vector<std::vector<std::string>> preferred = {};
  // Each task prefers the host where that of the same place ran in the stage before, which has its
  // data in memory (§6.4). Instead of `preferred`; not for a first stage.
  bool follows = false;
  uint32_t non_local_percent = 100;  // of its length: how long a task takes that is not local
};

inline constexpr uint64_t kMaxStageTasks = std::numeric_limits<uint32_t>::max();

struct Job {
  std::string kind = {};  // for reports
  Duration arrival{0};    // after the framework first subscribed
  std::vector<Stage> stages = {};
  // Submitted when this job (its place) has been finished for so long, and not before `arrival`.
  std::optional<std::size_t> after = {};
  Duration pause{0};
};

enum class JobOrder : uint8_t {
  kFair,  // a slot goes to the job with the fewest running tasks that takes it
  kFifo,  // to the first one in the list
};

struct JobsOptions {
  FrameworkOptions framework;
  std::vector<Job> jobs;
  // What arrivals count from; nothing: from when it first subscribed.
  std::optional<MonoTime> start = {};
  JobOrder order = JobOrder::kFair;
  Duration delay{0};                  // how long a job waits for hosts that its tasks prefer
  std::optional<uint64_t> slots_max;  // tasks at once
  std::optional<Duration> refuse;     // what it does not take; nothing: the default
};

// Tasks are counted as they are launched, again if they were lost.
struct JobRecord {
  std::optional<MonoTime> submitted;
  std::optional<MonoTime> first_launch;
  std::optional<MonoTime> finished;
  uint64_t local = 0;
  uint64_t non_local = 0;
  uint64_t anywhere = 0;  // of tasks that prefer no host
  uint64_t lost = 0;
  // The longest task of each stage that was begun: what they would take if none had to wait.
  Duration alone{0};
};

class Jobs final : public Framework {
 public:
  Jobs(JobsOptions options, Rng rng);

  bool done() const override { return finished_ == jobs_.size(); }
  std::size_t jobs() const { return jobs_.size(); }
  const Job& job(std::size_t place) const { return options_.jobs.at(place); }
  const JobRecord& record(std::size_t place) const { return jobs_.at(place).record; }
  std::size_t jobs_done() const { return finished_; }
  // The tasks that wait to be launched: by demand, how many.
  std::vector<std::pair<const Resources*, uint64_t>> waiting() const;

 private:
  using Waiting = scheduler::DelayScheduling;

  // What is known of a job while it runs.
  struct State {
    JobRecord record;
    std::size_t next_stage = 0;
    Waiting waiting;                       // the tasks of its stage that have to be launched
    std::vector<Duration> lengths = {};    // of the tasks of its stage
    std::vector<std::string> hosts = {};   // where these ran last
    std::vector<std::string> before = {};  // the same of the stage before
    uint64_t unfinished = 0;               // tasks of its stage
    uint64_t running = 0;
    std::optional<std::pair<uint64_t, std::size_t>> rank = {};  // its entry in order_
    std::size_t ranked_class = 0;                               // of the stage it has it for
  };
  // Which jobs have no use for what is left of an offer: those with demands of these classes, and
  // these, which wait for other hosts.
  struct PassedBy {
    std::set<std::size_t> classes;
    std::set<std::size_t> jobs;
  };

  void first_subscribed(Context& context) override;
  void offered(Context& context, std::vector<Offer>&& offers) override;
  void task_ended(Context& context, const Task& task, bool finished) override;
  std::optional<MonoTime> deadline() const override;
  void time_came(Context& context) override;

  const Stage& stage(std::size_t place) const {
    return options_.jobs[place].stages[jobs_[place].next_stage - 1];
  }
  void submit_due(Context& context);
  void start_stage(Context& context, std::size_t place);
  void finish(Context& context, std::size_t place);
  std::vector<std::string> wishes(std::size_t place, uint64_t task) const;
  std::optional<Plan> pick(Context& context, const Offer& offer, const Resources& left,
                           PassedBy& passed_by);
  Plan start(Context& context, std::size_t place, const Waiting::Placed& placed,
             const std::string& host);
  void rank(std::size_t place);
  void unrank(State& job);
  // Its wait for hosts may have begun or ended.
  void note_wait(std::size_t place);
  bool has_room() const { return !options_.slots_max || running_ < *options_.slots_max; }
  void settle(Context& context);

  const JobsOptions options_;
  const Rng rng_;
  MonoTime began_;
  std::vector<State> jobs_;
  std::set<std::pair<MonoTime, std::size_t>> coming_;  // when jobs are submitted
  std::set<std::pair<uint64_t, std::size_t>> order_;   // jobs with waiting tasks, who is next first
  Deadlines<std::size_t> host_waits_;                  // of these, by place
  std::vector<std::vector<std::size_t>> followers_;    // of each job
  // Stages with one demand are of one class.
  std::vector<std::vector<std::size_t>> classes_;  // of each job's stages
  std::vector<std::size_t> jobs_of_class_;         // in order_
  std::size_t classes_waiting_ = 0;                // with any of these
  uint64_t running_ = 0;
  std::size_t finished_ = 0;
};

// Jobs one after another with a pause, each of so many equal stages that find their data where the
// stage before left it: the ALS jobs of §6.1.
std::vector<Job> iterative_jobs(std::size_t jobs, std::size_t iterations, const Stage& each,
                                Duration pause);

}  // namespace souk::workloads
