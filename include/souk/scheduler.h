// Write a framework: decide which offers to take and what to run on them (§3.1 of the Mesos paper).
//
//   souk::SchedulerDriver::Options options;
//   options.masters = {"127.0.0.1:5050"};
//   options.framework.name = "hello";
//   souk::SchedulerDriver driver(options);
//   driver.on_offers = [&](std::vector<souk::Offer> offers) { ... driver.launch(...); };
//   driver.on_update = [&](const souk::TaskStatus& status) { ... };
//   auto result = driver.run();   // until stop(), or an error that cannot be mended
//
// The driver subscribes, follows redirects, comes back when the connection or the master is lost,
// reconciles its tasks then, and acknowledges updates once on_update has returned. Whole programs
// are in examples/.
//
// Threading: callbacks come one at a time on the thread of run(). Calls may be made from any
// thread, also from callbacks.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/constraints.h"
#include "model/framework.h"
#include "model/ids.h"
#include "model/offer.h"
#include "model/resources.h"
#include "model/task.h"

namespace souk {

// What a task runs. The environment is a clean one plus these.
struct Command {
  std::string line;               // for `sh -c`, if `argv` is empty
  std::vector<std::string> argv;  // the program and its arguments, without a shell
  std::vector<std::pair<std::string, std::string>> environment;
  std::string user;  // empty: the framework's
};

// A task that runs a command, for launch(). Resources as in "cpus:0.5;mem:64"; an error tells what
// is wrong with them.
Result<TaskSpec> command_task(std::string id, const Offer& offer, std::string_view resources,
                              Command command);

class SchedulerDriver {
 public:
  struct Options {
    std::vector<std::string> masters = {"127.0.0.1:5050"};  // "host:port"
    FrameworkInfo framework;  // name is required; user: the caller's own; roles: "*"
    std::vector<std::string> suppressed_roles;
    // By role: offers only of agents that fit (docs/OFFERS.md). A role that is not named gets all.
    std::map<std::string, OfferConstraints> offer_constraints;
    bool acknowledge =
        true;  // false: by acknowledge(), when the framework has stored what it was told
    bool use_protobuf = true;  // false: JSON, to read along
  };

  explicit SchedulerDriver(const Options& options);
  ~SchedulerDriver();
  SchedulerDriver(const SchedulerDriver&) = delete;
  SchedulerDriver& operator=(const SchedulerDriver&) = delete;

  // --- callbacks; set before run()
  std::function<void(const FrameworkId&)> on_subscribed;
  std::function<void(std::vector<Offer>)> on_offers;
  std::function<void(const OfferId&)> on_rescinded;
  // Tasks of ours have to end by the times that these say, or are killed then (§3.3).
  std::function<void(std::vector<InverseOffer>)> on_inverse_offers;
  // They have ended, or need not any more.
  std::function<void(const OfferId&)> on_inverse_offer_rescinded;
  std::function<void(const TaskStatus&)> on_update;
  std::function<void(const AgentId&, const ExecutorId&, const std::string& data)> on_message;
  // An agent was lost, or (with an executor's id) one of our executors ended with this status.
  std::function<void(const AgentId&, const ExecutorId&, std::optional<int>)> on_failure;
  // The connection is lost, or could not be made: offers of before are void. The driver goes on
  // trying by itself.
  std::function<void(const std::string& why)> on_disconnected;

  // Blocks. An error: the master will not have this framework, or not any more.
  Result<void> run();
  // Ends run(). With `teardown` the framework is over and its tasks are killed; without, they run
  // on for a framework that subscribes with the same id within its failover_timeout.
  void stop(bool teardown = true);

  // --- calls
  // Takes the offers, which must be of one agent, for these tasks; the rest of them is declined for
  // `refuse`. Tasks that cannot be launched come back through on_update.
  void launch(const std::vector<OfferId>& offers, std::vector<TaskSpec> tasks,
              std::optional<Duration> refuse = std::nullopt);
  // All of them, or none.
  void launch_group(const std::vector<OfferId>& offers, ExecutorSpec executor,
                    std::vector<TaskSpec> tasks, std::optional<Duration> refuse = std::nullopt);
  void decline(const std::vector<OfferId>& offers, std::optional<Duration> refuse = std::nullopt);
  // What we mean to do, for the operator to see; the deadline holds whatever the answer.
  void accept_inverse_offers(const std::vector<OfferId>& offers);
  void decline_inverse_offers(const std::vector<OfferId>& offers);
  void suppress(std::vector<std::string> roles = {});
  void revive(std::vector<std::string> roles = {});
  void kill(const TaskId& task, const AgentId& agent = {},
            std::optional<Duration> grace = std::nullopt);
  void shutdown_executor(const AgentId& agent, const ExecutorId& executor);
  void acknowledge(const TaskStatus& status);
  // Without tasks: of all that the master knows. The answers come through on_update.
  void reconcile(std::vector<std::pair<TaskId, AgentId>> tasks = {});
  void send_message(const AgentId& agent, const ExecutorId& executor, std::string_view data);

  // Runs `task` on the thread of run(), after `delay`: for frameworks that poll or wait.
  void call_after(Duration delay, std::function<void()> task);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk
