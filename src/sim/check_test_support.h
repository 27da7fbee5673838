// For tests of checkers: a quiet world to be told lies about.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "sim/world.h"
#include "workloads/idle.h"

namespace souk::sim {

inline Resources bag(std::string_view text) { return Resources::parse(text).value(); }

// A cluster of one each in which nothing happens, and whose processes say what a test wants them to
// have said.
class Feigned {
 public:
  Feigned() : world({.seed = 1}) {
    master = &world.add_master({});
    AgentProcessOptions options;
    options.machine.agent.hostname = "host0";
    options.machine.agent.resources = bag("cpus:4;mem:1024");
    agent = &world.add_agent(options);
    scheduler = &world.add_scheduler(
        {}, std::make_unique<workloads::Sitter>(workloads::FrameworkOptions{}));
  }

  void watched_by(Observer& observer) { watching_.push_back(&observer); }
  template <class Process>
  void step(const Process& process, const auto& event, const auto& effects) {
    for (Observer* observer : watching_) observer->on_event(process, event);
    for (Observer* observer : watching_) observer->on_effects(process, effects);
  }

  // --- what the master hears and says
  void says(const master::Event& event, const master::Effects& effects) {
    step(*master, event, effects);
  }
  void leads(uint64_t epoch = 1) {
    for (Observer* observer : watching_) observer->on_leads(*master, epoch);
    says(master::Recovered{}, {});
  }
  // A framework of role "*", over the stream of this number.
  void subscribes(const std::string& id, uint64_t stream, const std::string& role = "*") {
    protocol::call::Subscribe call;
    call.framework.own().id = FrameworkId(id);
    call.framework.own().roles = {role};
    says(master::SchedulerCalled{ConnectionId(stream), {FrameworkId(id), call}, "", false, {}},
         {master::OpenStream{ConnectionId(stream), "s"},
          master::SendToFramework{ConnectionId(stream),
                                  protocol::event::Subscribed{FrameworkId(id), 1s, {}}}});
  }
  // An agent, over the link of this number, which runs tasks of 1 CPU already.
  void registers(const std::string& id, uint64_t link, std::string_view resources,
                 const std::vector<std::string>& tasks = {}) {
    protocol::to_master::Register report;
    report.agent.id = AgentId(id);
    report.agent.resources = bag(resources);
    for (const std::string& task : tasks) {
      report.tasks.push_back({.framework_id = FrameworkId("f"), .role = "*", .spec = spec(task)});
    }
    says(master::AgentSaid{ConnectionId(link), report},
         {tells(link, protocol::to_agent::Registered{AgentId(id), 15s, 5})});
  }
  static TaskSpec spec(const std::string& id, std::string_view resources = "cpus:1") {
    TaskSpec task;
    task.id = TaskId(id);
    task.resources = bag(resources);
    return task;
  }
  static master::Effect offers(uint64_t stream, const std::string& framework,
                               const std::string& offer, const std::string& agent,
                               std::string_view resources, const std::string& role = "*") {
    Offer made;
    made.id = OfferId(offer);
    made.framework_id = FrameworkId(framework);
    made.agent_id = AgentId(agent);
    made.role = role;
    made.resources = bag(resources);
    protocol::event::Offers event;
    event.offers.push_back(std::move(made));
    return master::SendToFramework{ConnectionId(stream), std::move(event)};
  }
  static master::Effect rescinds(uint64_t stream, const std::string& offer) {
    return master::SendToFramework{ConnectionId(stream), protocol::event::Rescind{OfferId(offer)}};
  }
  static master::Effect tells(uint64_t link, protocol::MasterMessage message) {
    return master::SendToAgent{ConnectionId(link), {1, std::move(message)}};
  }
  static master::Effect runs(uint64_t link, const std::string& framework, const std::string& task,
                             std::string_view resources, const std::string& role = "*") {
    protocol::to_agent::RunTasks run{.role = role, .command_task = true};
    run.framework.own().id = FrameworkId(framework);
    run.executor.id = ExecutorId(task);
    run.tasks = {spec(task, resources)};
    return tells(link, run);
  }
  // A call that is taken, and what comes of it.
  void calls(const std::string& framework, protocol::SchedulerCallBody body,
             master::Effects effects) {
    const ConnectionId connection(++last_call_);
    effects.emplace_back(master::Respond{connection, {202, {}}, {}});
    says(
        master::SchedulerCalled{
            connection, {FrameworkId(framework), std::move(body)}, "s", true, {}},
        effects);
  }
  void accepts(const std::string& framework, const std::vector<std::string>& ids,
               master::Effects effects) {
    protocol::call::Accept accept;
    for (const std::string& id : ids) accept.offers.emplace_back(id);
    calls(framework, std::move(accept), std::move(effects));
  }
  void declines(const std::string& framework, const std::string& id, Duration refuse = 0ns) {
    calls(framework, protocol::call::Decline{{OfferId(id)}, {refuse}}, {});
  }
  void hears_of_end(uint64_t link, const std::string& task) {
    protocol::to_master::StatusUpdate update;
    update.framework_id = FrameworkId("f");
    update.status.task_id = TaskId(task);
    update.status.state = TaskState::kFinished;
    update.latest_state = TaskState::kFinished;
    says(master::AgentSaid{ConnectionId(link), update}, {});
  }

  World world;
  MasterProcess* master = nullptr;
  AgentProcess* agent = nullptr;
  SchedulerProcess* scheduler = nullptr;

 private:
  std::vector<Observer*> watching_;
  uint64_t last_call_ = 1000;
};

}  // namespace souk::sim
