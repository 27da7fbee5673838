// What every framework's behaviour needs: which of its tasks run, which offers are open, whether it
// wants offers, and what to do when tasks or answers are lost. A behaviour derives from it and says
// what to take.
//
// A task ends once: when a terminal update comes, or when nobody knows of it any more (UNREACHABLE,
// UNKNOWN). One that was given up so is killed if it comes back, so that it does not hold for ever
// what nobody waits for.
//
// Masters do not answer for agents that have yet to come to them (§3.6), nor tell by themselves
// what another one had told. So the framework asks, every `ask_after`: about tasks of which it
// heard nothing since they were launched or since it came to a master, and, less and less often,
// about those that were given up. Thus a workload ends its finite work under any faults that end
// themselves.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/deadlines.h"
#include "workloads/workload.h"

namespace souk::workloads {

struct FrameworkOptions {
  std::string name = "workload";  // task ids are "<name>.<number>"
  std::string user = "root";
  std::string role = "*";
  Duration failover_timeout = 1h;
  bool short_slots = false;  // says that it takes slots for short tasks (§4.4)
  bool rigid = false;        // asks to be revoked last (§4.2)
  Duration ask_after = 30s;  // about tasks not heard of
};

// By number, counted from 0 in the order of launching.
using TaskNumber = uint64_t;

struct Totals {
  uint64_t offers = 0;
  uint64_t declined = 0;  // of these, whole
  uint64_t launched = 0;
  uint64_t finished = 0;
  uint64_t killed = 0;                 // that we wanted to end, and that did not finish before
  uint64_t lost = 0;                   // ended otherwise, for whatever reason
  std::optional<MonoTime> subscribed;  // first
  std::optional<MonoTime> last_finish;
};

class Framework : public Workload {
 public:
  explicit Framework(FrameworkOptions options) : framework_(std::move(options)) {}

  FrameworkInfo info() const final;
  void on_subscribed(Context& context) final;
  void on_offers(Context& context, std::vector<Offer>&& offers) final;
  void on_rescinded(Context& context, const OfferId& offer) final;
  void on_update(Context& context, const TaskStatus& status) final;
  void on_disconnected(Context& context) final;
  std::optional<MonoTime> next_deadline() const final;
  void on_deadline(Context& context) final;

  const Totals& totals() const { return totals_; }
  // Launched and not ended, as far as it knows.
  std::size_t running() const { return tasks_.size(); }
  bool wants_offers() const { return wanting_; }

 protected:
  struct Task {
    AgentId agent;
    std::string host;
    uint64_t tag = 0;  // of the behaviour's own
    bool up = false;   // TASK_RUNNING was seen
    bool kill_asked = false;
  };
  // A task to be launched.
  struct Plan {
    Resources resources;
    Duration length{0};
    uint64_t tag = 0;
  };

  // --- what a behaviour says

  virtual void first_subscribed(Context& context) { static_cast<void>(context); }
  // All that are open, those that were kept first. What is not answered must be kept.
  virtual void offered(Context& context, std::vector<Offer>&& offers) = 0;
  virtual void task_up(Context& context, const Task& task) {
    static_cast<void>(context);
    static_cast<void>(task);
  }
  // Once for each task; it is not among the running ones any more.
  virtual void task_ended(Context& context, const Task& task, bool finished) = 0;
  // When time_came() wants to be called.
  virtual std::optional<MonoTime> deadline() const { return std::nullopt; }
  virtual void time_came(Context& context) { static_cast<void>(context); }

  // --- what it works with

  // Takes the offer for these tasks, at least one; what is left of it is refused for `refuse`.
  void launch(Context& context, const Offer& offer, std::vector<Plan> plans,
              std::optional<Duration> refuse);
  void decline(Context& context, std::vector<OfferId> offers, std::optional<Duration> refuse);
  // Leaves it open.
  void keep(Offer offer) { open_.push_back(std::move(offer)); }
  const std::vector<Offer>& open() const { return open_; }
  std::vector<Offer> take_open() { return std::exchange(open_, {}); }
  // Suppresses or revives, if that is a change.
  void want_offers(Context& context, bool wanted);
  // There is something new to run: what was refused may be offered again.
  void ask_again(Context& context);
  // All with this tag; they end later, like others.
  void kill(Context& context, uint64_t tag);
  // Gives one task of this tag, that is up or not, another tag; whether there was one.
  bool retag(uint64_t from, uint64_t to, bool up);

 private:
  void hear_of_stray(Context& context, TaskNumber number, const TaskStatus& status);
  std::optional<TaskNumber> number_of(const TaskId& id) const;
  TaskId id_of(TaskNumber number) const;

  const FrameworkOptions framework_;
  Totals totals_;
  TaskNumber next_ = 0;
  std::map<TaskNumber, Task> tasks_;
  // Given up, and not known to have ended.
  struct Stray {
    AgentId agent;
    unsigned asked = 0;
  };
  std::map<TaskNumber, Stray> strays_;
  Deadlines<TaskNumber> asking_;  // when to ask again, about the task or for its end
  std::vector<Offer> open_;       // in the order they came
  bool wanting_ = true;
  bool refused_ = false;  // something, since the last REVIVE
};

// How many tasks of this demand fit, at most `limit`.
uint64_t slots_in(const Resources& free, const Resources& demand, uint64_t limit);

}  // namespace souk::workloads
