#include "sim/check_task_lives.h"

#include <algorithm>

#include "sim/sleep_task.h"

namespace souk::sim {

namespace checkpoint = agent::checkpoint;

namespace {

// What an update may take to be told, with all that is resent, once its agent is registered and its
// scheduler subscribed: those of endless frameworks are never all told.
constexpr Duration kUnderWay = 40s;

}  // namespace

// --- at agents

void TaskLivesChecker::shut_down(const AgentProcess& agent, const FrameworkId& framework) {
  const auto at = lives_.find(framework);
  if (at == lives_.end()) return;
  for (auto& [id, task] : at->second) {
    const auto told = task.updates.begin() + static_cast<std::ptrdiff_t>(task.told);
    task.updates.erase(std::remove_if(told, task.updates.end(),
                                      [&](const Update& u) { return u.agent == agent.id(); }),
                       task.updates.end());
  }
}

void TaskLivesChecker::on_event(const AgentProcess& agent, const agent::Event& event) {
  if (const auto* said = std::get_if<agent::event::MasterSaid>(&event)) {
    const protocol::MasterMessage& message = said->frame.message;
    if (const auto* over = std::get_if<protocol::to_agent::ShutdownFramework>(&message)) {
      shut_down(agent, over->framework_id);
    } else if (std::holds_alternative<protocol::to_agent::Registered>(message)) {
      joined_[agent.id()] = world().now();
    }
    return;
  }
  const auto* stored = std::get_if<agent::event::Persisted>(&event);
  if (stored == nullptr || !stored->ok) return;
  std::deque<Storing>& waiting = storing_[agent.id()];
  while (!waiting.empty() && waiting.front().ticket <= stored->ticket) {
    const Storing& first = waiting.front();
    for (Update& update : life(first.framework, first.task).updates) {
      if (update.uuid == first.uuid) update.stored = true;
    }
    waiting.pop_front();
  }
}

void TaskLivesChecker::on_effects(const AgentProcess& agent, const agent::Effects& effects) {
  for (const agent::Effect& effect : effects) {
    const auto* persist = std::get_if<agent::effect::Persist>(&effect);
    if (persist == nullptr) continue;
    const auto* pending = std::get_if<checkpoint::UpdatePending>(&persist->operation);
    if (pending == nullptr || !pending->status.uuid) continue;
    const TaskStatus& status = pending->status;
    Life& task = life(pending->framework, status.task_id);
    task.updates.push_back(
        {.uuid = *status.uuid, .state = status.state, .agent = agent.id(), .made = world().now()});
    storing_[agent.id()].push_back(
        {persist->ticket, pending->framework, status.task_id, *status.uuid});
  }
}

void TaskLivesChecker::on_crash(const Process& process) {
  const auto at = storing_.find(process.id());
  if (at == storing_.end()) return;
  // What was not stored has never been.
  for (const Storing& lost : at->second) {
    std::erase_if(life(lost.framework, lost.task).updates,
                  [&](const Update& update) { return update.uuid == lost.uuid; });
  }
  storing_.erase(at);
}

void TaskLivesChecker::on_task_process(const AgentProcess& agent, const ContainerId& container,
                                       std::string_view name, bool began) {
  const auto at = agent.containers().find(container);
  if (at == agent.containers().end()) return;
  if (at->second->kind() == agent::ContainerKind::kCustom) return;
  const TaskId id{std::string(name)};
  Life& task = life(at->second->framework(), id);
  if (!began) {
    if (!task.running || task.running->container != container) return;
    const Duration ran = world().now() - task.running->since;
    task.running.reset();
    task.long_runs = ran == task.longest_run  ? task.long_runs + 1
                     : ran > task.longest_run ? 1
                                              : task.long_runs;
    task.longest_run = std::max(task.longest_run, ran);
    return;
  }
  if (task.running) {
    const Process* where = world().find(task.running->agent);
    return ring(agent, "task {} begins, and runs in container {} of {} already", id,
                task.running->container, where->name());
  }
  if (++task.begun > task.launches) {
    return ring(agent, "task {} begins to run for the {}. time, and was launched {} times", id,
                task.begun, task.launches);
  }
  task.running = Running{agent.id(), container, world().now()};
}

// --- at schedulers

void TaskLivesChecker::on_effects(const SchedulerProcess& scheduler,
                                  const scheduler::Effects& effects) {
  for (const scheduler::Effect& effect : effects) {
    if (const auto* tell = std::get_if<scheduler::Tell>(&effect)) {
      if (const auto* update = std::get_if<protocol::event::Update>(&tell->event)) {
        told(scheduler, update->status);
      } else if (std::holds_alternative<protocol::event::Subscribed>(tell->event)) {
        joined_[scheduler.id()] = world().now();
      }
    } else if (const auto* send = std::get_if<scheduler::Send>(&effect)) {
      const auto* accept = std::get_if<protocol::call::Accept>(&send->call.body);
      if (accept != nullptr) launched(scheduler, *accept);
    }
  }
}

void TaskLivesChecker::launched(const SchedulerProcess& scheduler,
                                const protocol::call::Accept& accept) {
  const auto note = [&](const std::vector<TaskSpec>& tasks) {
    for (const TaskSpec& spec : tasks) {
      Life& task = life(scheduler.framework(), spec.id);
      ++task.launches;
      task.spec = spec;
      task.has_process = !spec.executor || spec.executor->type == ExecutorSpec::Type::kDefault;
    }
  };
  for (const protocol::OfferOperation& operation : accept.operations) {
    if (const auto* one = std::get_if<protocol::Launch>(&operation.body)) note(one->tasks);
    if (const auto* group = std::get_if<protocol::LaunchGroup>(&operation.body)) note(group->tasks);
  }
}

void TaskLivesChecker::on_leads(const MasterProcess& master, uint64_t epoch) {
  led_[master.id()] = epoch;
  newest_epoch_ = std::max(newest_epoch_, epoch);
}

void TaskLivesChecker::told(const SchedulerProcess& scheduler, const TaskStatus& status) {
  Life& task = life(scheduler.framework(), status.task_id);
  if (status.state == TaskState::kFinished) told_finished(scheduler, status, task);
  if (!status.uuid) return;
  const auto at = std::ranges::find(task.updates, *status.uuid, &Update::uuid);
  if (at == task.updates.end() || !at->stored) {
    return ring(scheduler, "is told {} of task {}, which no agent has stored",
                to_string(status.state), status.task_id);
  }
  const auto number = static_cast<std::size_t>(at - task.updates.begin());
  // A leader whose clocks stood still, and which was replaced, says what was true then.
  const std::optional<ProcessId> speaker = scheduler.master();
  const auto led = speaker ? led_.find(*speaker) : led_.end();
  if (led != led_.end() && led->second < newest_epoch_) {
    if (number == task.told) ++task.told;
    return;
  }
  if (task.end && task.end->uuid != *status.uuid) {
    return ring(scheduler, "is told {} of task {}, and was told {} before", to_string(status.state),
                status.task_id, to_string(task.end->state));
  }
  if (number > task.told) {
    return ring(scheduler, "is told {} of task {}, and not {}, which came before",
                to_string(status.state), status.task_id, to_string(task.updates[task.told].state));
  }
  if (number + 1 < task.told) {
    return ring(scheduler, "is told {} of task {}, and was told {}, which came after",
                to_string(status.state), status.task_id,
                to_string(task.updates[task.told - 1].state));
  }
  task.told = number + 1;
  if (is_terminal(status.state)) task.end = *at;
}

void TaskLivesChecker::told_finished(const SchedulerProcess& scheduler, const TaskStatus& status,
                                     Life& task) {
  if (!task.has_process) return;
  const std::optional<Duration> length = length_of(task.spec);
  if (!length) return;
  const bool ran = task.longest_run >= *length && task.long_runs == 1 && !task.running;
  if (ran) return;
  ring(scheduler, "is told that task {} has finished, but of {} it ran {} at most, in {} runs{}",
       status.task_id, format_duration(*length), format_duration(task.longest_run), task.begun,
       task.running ? ", and it runs still" : "");
}

// --- in the end

void TaskLivesChecker::at_end(bool healed) {
  if (!healed) return;
  for (const auto& scheduler : world().schedulers()) {
    if (scheduler->ended() || !scheduler->subscribed()) continue;
    const auto lives = lives_.find(scheduler->framework());
    if (lives == lives_.end()) continue;
    const TaskId* first = nullptr;
    for (const auto& [id, task] : lives->second) {
      if (task.told >= task.updates.size()) continue;
      const Update& next = task.updates[task.told];
      const Process* agent = world().find(next.agent);
      if (!next.stored || !agent->up()) continue;
      const MonoTime since = std::max({next.made, joined_[next.agent], joined_[scheduler->id()]});
      if (since + kUnderWay > world().now()) continue;
      if (first == nullptr || id < *first) first = &id;
    }
    if (first == nullptr) continue;
    const Life& task = lives->second.at(*first);
    ring(*scheduler, "was never told {} of task {}", to_string(task.updates[task.told].state),
         *first);
  }
}

}  // namespace souk::sim
