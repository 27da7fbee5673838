// Agents: their links, what they report, and what becomes of their tasks when they are lost.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "master/master.h"
#include "master/validate.h"

namespace souk::master {

namespace event = protocol::event;
namespace to_agent = protocol::to_agent;
namespace to_master = protocol::to_master;

void Machine::on(AgentSaid&& event) {
  links_.try_emplace(event.link);
  std::visit(
      [&](auto&& message) {
        using Message = decltype(message);
        if constexpr (requires { heard(event.link, std::forward<Message>(message)); }) {
          heard(event.link, std::forward<Message>(message));
        } else {
          Agent* agent = agent_on(links_[event.link].agent, event.link);
          if (agent == nullptr) {
            ++counters_.dropped_messages;
            return;
          }
          heard_from(*agent, std::forward<Message>(message));
        }
      },
      std::move(event.message));
}

Agent* Machine::agent_on(AgentKey key, ConnectionId link) {
  const auto at = agents_.find(key);
  if (at == agents_.end() || at->second.link != link) return nullptr;
  at->second.is_shown = false;
  return &at->second;
}

void Machine::say_on(ConnectionId link, protocol::MasterMessage message) {
  out(SendToAgent{link, {registry_.epoch, std::move(message)}});
}

void Machine::say(Agent& agent, protocol::MasterMessage message) {
  if (agent.link) say_on(*agent.link, std::move(message));
}

void Machine::refuse_link(ConnectionId link, std::string why) {
  log(Log::Level::kWarning, fmt::format("refused an agent: {}", why));
  say_on(link, to_agent::Refused{std::move(why)});
  forget_link(link);
  out(CloseLink{link});
}

void Machine::heard(ConnectionId link, to_master::Hello&& message) {
  if (!recovered_) return refuse_link(link, "this master has not finished recovery; try again");
  if (message.protocol_min > protocol::kLinkProtocolMax ||
      message.protocol_max < protocol::kLinkProtocolMin) {
    return refuse_link(
        link, fmt::format("this master speaks versions {} to {} of the link, the agent {} to {}: "
                          "upgrade the older of them",
                          protocol::kLinkProtocolMin, protocol::kLinkProtocolMax,
                          message.protocol_min, message.protocol_max));
  }
  links_[link].welcomed = true;
  say_on(link, to_agent::Welcome{std::min(message.protocol_max, protocol::kLinkProtocolMax),
                                 registry_.cluster_id});
}

std::optional<std::string> Machine::refuse_agent(const AgentInfo& info) const {
  if (info.hostname.empty()) return "an agent must tell its hostname";
  // Whether it is in another region than this master could not be told.
  if (info.domain != FaultDomain{} && options_.info.domain == FaultDomain{}) {
    return fmt::format(
        "the agent is in region '{}', zone '{}', but this master has no domain: start the master "
        "with --domain, or the agent without",
        info.domain.region, info.domain.zone);
  }
  if (info.domain == FaultDomain{} && options_.require_agent_domain) {
    return "this master demands a fault domain of its agents: start the agent with --domain";
  }
  return std::nullopt;
}

void Machine::heard(ConnectionId link, to_master::Register&& message) {
  Link& state = links_[link];
  if (!state.welcomed) return refuse_link(link, "an agent must say hello before it registers");
  if (state.registering || state.agent != AgentKey()) return;  // once is enough
  AgentInfo& info = message.agent;
  if (auto why = refuse_agent(info)) return refuse_link(link, std::move(*why));
  if (auto why = validate_short_slots(info)) return refuse_link(link, std::move(*why));
  const bool fresh = info.id.empty();
  if (fresh) {
    info.id = AgentId(fmt::format("{}-S{}", options_.info.id, next_agent_++));
  } else if (auto valid = validate_id(info.id.value); !valid) {
    return refuse_link(link, fmt::format("bad agent id: {}", valid.error().message));
  }
  if (registry_.gone.contains(info.id)) {
    say_on(link,
           to_agent::Shutdown{fmt::format(
               "agent {} was marked gone for good: to use this machine again, start the agent "
               "with an empty --work_dir",
               info.id)});
    forget_link(link);
    out(CloseLink{link});
    return;
  }
  state.asking = info.id;
  latest_links_[info.id.value] = link;
  const Agent* known = find_agent(info.id);
  const auto awaited = awaited_numbers_.find(info.id);
  const bool removing =
      known != nullptr ? known->removing
                       : awaited != awaited_numbers_.end() && awaited_.at(awaited->second).removing;
  if (registry_.admitted.contains(info.id) && !removing) {
    return admit(link, std::move(message), /*returned=*/false);
  }
  if (agents_.size() + pending_.size() >= kMaxAgents) {
    return refuse_link(link,
                       fmt::format("this master has {} agents already, its limit", kMaxAgents));
  }
  state.registering = true;
  const AgentId id = info.id;
  const std::string hostname = info.hostname;
  const bool returned = removing || registry_.unreachable.contains(id);
  PendingRegistration pending{link, std::move(message), returned};
  if (returned) {
    persist(protocol::registry::MarkReachable{id, hostname}, std::move(pending));
  } else {
    persist(protocol::registry::AdmitAgent{id, hostname}, std::move(pending));
  }
}

void Machine::forget_link(ConnectionId link) {
  const auto at = links_.find(link);
  if (at == links_.end()) return;
  const auto latest = latest_links_.find(at->second.asking.value);
  if (latest != latest_links_.end() && latest->second == link) latest_links_.erase(latest);
  links_.erase(at);
}

void Machine::admit(ConnectionId link, to_master::Register&& message, bool returned) {
  Link& state = links_[link];
  state.registering = false;
  if (const auto at = awaited_numbers_.find(message.agent.id); at != awaited_numbers_.end()) {
    deadlines_.cancel({Timer::Kind::kReregister, at->second});
    awaited_.erase(at->second);
    awaited_numbers_.erase(at);
  }
  Agent* agent = find_agent(message.agent.id);
  const bool known = agent != nullptr;
  if (known && agent->link) {
    // The newer link holds; the older one is a leftover of a broken connection, or a second agent
    // with a copied work directory, which the log should show.
    log(Log::Level::kWarning,
        fmt::format("agent {} has a new link; the old one is closed", agent->info.id));
    const ConnectionId old = *agent->link;
    agent_disconnected(*agent);
    forget_link(old);
    out(CloseLink{old});
  }
  const bool changed = !known || agent->info != message.agent;
  if (known) {
    ++counters_.agent_reregistrations;
    update_agent(*agent, message.agent);
  } else {
    // One that tells of tasks was here before this master.
    ++(message.tasks.empty() ? counters_.agent_registrations : counters_.agent_reregistrations);
    agent = &add_agent(message.agent);
  }
  links_[link].agent = agent->key;
  agent->link = link;
  agent->missed_pings = 0;
  if (changed) tell_added(*agent);
  say(*agent,
      to_agent::Registered{agent->info.id, options_.ping_interval, options_.max_missed_pings});
  deadlines_.cancel({Timer::Kind::kUnreachable, agent->key.value});
  deadlines_.set({Timer::Kind::kPing, agent->key.value}, now_.mono + options_.ping_interval);
  merge_report(*agent, std::move(message), returned);
  repeat_kills(*agent);
  set_agent_active(*agent, true);
  log(Log::Level::kInfo,
      fmt::format("agent {} ({}) {} with {}", agent->info.id, agent->info.hostname,
                  known ? "registered again" : "registered", agent->info.resources.to_string()));
}

Agent& Machine::add_agent(AgentInfo info) {
  const AgentKey key(next_key_++);
  Agent& agent = agents_[key];
  agent_ids_[info.id.value] = &agent;
  agent.key = key;
  agent.ordinary.key = key;
  agent.info = std::move(info);
  agent.shared_id = agent.info.id;
  agent.registered_at = now_.wall;
  allocator_->add_agent(facts_of(agent));
  if (!agent.info.short_slots.empty()) add_short_slots(agent);
  set_agent_active(agent, false);
  return agent;
}

void Machine::update_agent(Agent& agent, AgentInfo info) {
  agent.info = std::move(info);
  agent.reregistered_at = now_.wall;
  allocator_->update_agent(facts_of(agent));
  // Where they are gone, tasks may still run in them.
  if (agent.has_short_slots()) {
    allocator_->update_agent(short_facts_of(agent));
  } else if (!agent.info.short_slots.empty()) {
    add_short_slots(agent);
  }
}

void Machine::add_short_slots(Agent& agent) {
  agent.short_slots.key = AgentKey(next_key_++);
  short_keys_[agent.short_slots.key] = agent.key;
  allocator_->add_agent(short_facts_of(agent));
  allocator_->set_agent_active(agent.short_slots.key, false);
}

void Machine::set_agent_active(const Agent& agent, bool active) {
  allocator_->set_agent_active(agent.key, active);
  if (agent.has_short_slots()) allocator_->set_agent_active(agent.short_slots.key, active);
}

void Machine::merge_report(Agent& agent, to_master::Register&& message, bool returned) {
  merge_frameworks(agent, std::move(message.frameworks));
  merge_executors(agent, std::move(message.executors));
  std::set<std::pair<FrameworkKey, TaskId>> reported;
  for (protocol::TaskRecord& record : message.tasks) {
    const Framework* framework = find_framework(record.framework_id);
    if (framework == nullptr) continue;
    if (framework->recovered && options_.switches.on(Switch::kMasterLosesTasks)) continue;
    reported.insert({framework->key, record.spec.id});
    merge_task(agent, std::move(record), returned);
  }
  if (!options_.switches.on(Switch::kMasterKeepsUndelivered)) drop_unreported(agent, reported);
  forget_unreachable(agent);
}

void Machine::merge_frameworks(Agent& agent, std::vector<FrameworkInfo>&& infos) {
  for (FrameworkInfo& info : infos) {
    const bool removed =
        std::any_of(completed_frameworks_.begin(), completed_frameworks_.end(),
                    [&](const auto& completed) { return completed.info.id == info.id; });
    if (removed) {
      say(agent, to_agent::ShutdownFramework{info.id});
      continue;
    }
    if (Framework* known = find_framework(info.id); known != nullptr) {
      if (known->info != info) say(agent, to_agent::UpdateFramework{known->info});
      continue;
    }
    if (!validate_id(info.id.value) || frameworks_.size() >= kMaxFrameworks) continue;
    const Duration timeout = info.failover_timeout;
    Framework& framework = add_framework(std::move(info));
    framework.recovered = true;
    tell_added(framework);
    // Its scheduler is given at least the time that agents get to come back.
    deadlines_.set(
        {Timer::Kind::kFailover, framework.key.value},
        now_.mono + std::min(std::max(timeout, options_.agent_reregister_timeout), kMaxRefuse));
  }
}

void Machine::merge_executors(Agent& agent, std::vector<protocol::ExecutorRecord>&& records) {
  std::set<std::pair<FrameworkKey, std::string>> reported;
  for (protocol::ExecutorRecord& record : records) {
    Framework* framework = find_framework(record.framework_id);
    if (framework == nullptr) continue;
    reported.insert({framework->key, record.spec.id.value});
    if (agent.executors.contains({framework->key, record.spec.id.value})) continue;
    const Resources resources = record.spec.resources;
    allocator_->allocated(framework->key, record.role, agent.key, resources);
    add_executor(agent, *framework,
                 {std::make_shared<const ExecutorSpec>(std::move(record.spec)), record.role});
  }
  std::vector<std::pair<FrameworkKey, ExecutorId>> ended;
  for (const auto& [id, executor] : agent.executors) {
    if (!reported.contains({id.first, std::string(id.second)})) {
      ended.emplace_back(id.first, executor.spec->id);
    }
  }
  for (const auto& [key, id] : ended) remove_executor(agent, key, id);
}

void Machine::merge_task(Agent& agent, protocol::TaskRecord&& record, bool returned) {
  Framework& framework = *find_framework(record.framework_id);
  const TaskId id = record.spec.id;
  if (Task* known = framework.tasks.find(id)) {
    // The same id on another agent can only be a task that was launched while this agent was
    // unreachable.
    if (known->agent != agent.key) {
      say(agent, to_agent::KillTask{framework.info.id, id, std::nullopt});
      return;
    }
    const TaskState before = known->state();
    set_task_state(framework, *known, record.state);
    if (known->state() != before) {
      tell_updated(framework,
                   master_status(id, agent.info.id, record.state, Reason::kAgentReregistered,
                                 "Agent reregistered"),
                   record.state);
    }
    return;
  }
  // Or told to be by the master before this one.
  const bool was_unreachable = framework.unreachable_tasks.erase(id) > 0 || returned;
  Task task;
  protocol::TaskView shown =
      view_of(framework, agent, std::move(record.spec), record.role,
              record.command_task ? ExecutorId() : std::move(record.executor_id));
  shown.state = record.state;
  task.shown = std::move(shown);
  task.short_slot = record.short_slot;
  // It ended, and this master heard so: the acknowledgement was lost on its way to the agent.
  task.counted =
      task.ended() && std::ranges::any_of(framework.completed_tasks,
                                          [&](const auto& view) { return view->spec->id == id; });
  if (task.short_slot && !agent.has_short_slots()) add_short_slots(agent);
  if (!task.ended()) {
    allocator_->allocated(framework.key, task.role(), agent.pool(task.short_slot).key,
                          task.resources());
  }
  const Task& added = add_task(framework, agent, std::move(task));
  if (was_unreachable) {
    TaskStatus status = master_status(id, agent.info.id, added.state(), Reason::kAgentReregistered,
                                      "Agent reregistered");
    status.executor_id = added.shown->executor_id;
    send_status(framework, std::move(status));
  }
}

// What was on its way when the link broke never arrived, and never will: links do not overtake each
// other.
void Machine::drop_unreported(Agent& agent,
                              const std::set<std::pair<FrameworkKey, TaskId>>& reported) {
  std::vector<std::pair<FrameworkKey, TaskId>> lost;
  for (const auto& [key, name] : agent.tasks) {
    const TaskId id{std::string(name)};
    if (!reported.contains({key, id})) lost.emplace_back(key, id);
  }
  for (const auto& [key, id] : lost) {
    Framework& framework = this->framework(key);
    Task& task = framework.tasks.at(id);
    if (!task.ended()) {
      const TaskState state = lost_or(framework, TaskState::kDropped);
      const TaskStatus status = master_status(id, agent.info.id, state, Reason::kAgentRestarted,
                                              "Task was not delivered to the agent");
      count_terminal(framework, status);
      send_status(framework, status);
      set_task_state(framework, task, state);
      tell_updated(framework, status, state);
    }
    remove_task(framework, task);
  }
}

// The agent is back: what it did not report of the tasks that it took along is gone.
void Machine::forget_unreachable(const Agent& agent) {
  const auto at = lost_with_.find(agent.info.id.value);
  if (at == lost_with_.end()) return;
  const auto lost = std::move(at->second);
  lost_with_.erase(at);
  for (const auto& [key, id] : lost) {
    const auto of = frameworks_.find(key);
    if (of == frameworks_.end()) continue;
    Framework& framework = of->second;
    const auto task = framework.unreachable_tasks.find(id);
    if (task == framework.unreachable_tasks.end() || task->second->agent_id != agent.info.id) {
      continue;
    }
    Piece<protocol::TaskView> view = std::move(task->second);
    framework.unreachable_tasks.erase(task);
    // The others have heard TASK_LOST, which was final.
    if (framework.partition_aware()) {
      view.own().state = TaskState::kGone;
      const TaskStatus status =
          master_status(id, agent.info.id, view->state, Reason::kAgentReregistered,
                        "Agent reregistered without the task");
      count_terminal(framework, status);
      send_status(framework, status);
      // Meanwhile another one may have taken its id.
      if (!framework.tasks.contains(id)) tell_updated(framework, status, view->state);
    }
    remember_completed(framework, std::move(view));
  }
}

void Machine::repeat_kills(Agent& agent) {
  for (const auto& [key, id] : agent.tasks) {
    const Task& task = framework(key).tasks.at(id);
    if (task.ended()) continue;
    if (task.kill_asked || task.revoked) say_kill(agent, framework(key), task);
  }
}

void Machine::on(LinkClosed&& event) {
  const auto at = links_.find(event.link);
  if (at == links_.end()) return;
  Agent* agent = agent_on(at->second.agent, event.link);
  forget_link(event.link);
  if (agent == nullptr) return;
  agent_disconnected(*agent);
  const Duration patience = options_.ping_interval * options_.max_missed_pings;
  deadlines_.set({Timer::Kind::kUnreachable, agent->key.value}, now_.mono + patience);
  log(Log::Level::kWarning,
      fmt::format("lost the link of agent {} ({}); it has {} to come back", agent->info.id,
                  agent->info.hostname, format_duration(patience)));
}

void Machine::agent_disconnected(Agent& agent) {
  agent.link.reset();
  deadlines_.cancel({Timer::Kind::kPing, agent.key.value});
  set_agent_active(agent, false);
  while (!agent.offers.empty()) rescind(*agent.offers.begin(), Duration::zero());
  forget_files_of(agent.info.id);
}

void Machine::start_unreachable(Agent& agent) {
  if (agent.removing) return;
  agent.removing = true;
  persist(protocol::registry::MarkUnreachable{agent.info.id, now_.wall},
          PendingUnreachable{agent.info.id, now_.wall});
}

void Machine::remove_agent(AgentKey key, Removal removal, WallTime since) {
  Agent& agent = this->agent(key);
  log(Log::Level::kWarning,
      fmt::format("agent {} ({}) {}", agent.info.id, agent.info.hostname,
                  removal == Removal::kUnreachable ? "is unreachable" : "has left"));
  if (agent.link) {
    forget_link(*agent.link);
    out(CloseLink{*agent.link});
    agent_disconnected(agent);
  }
  deadlines_.cancel({Timer::Kind::kUnreachable, key.value});
  while (!agent.tasks.empty()) {
    const auto [framework_key, id] = *agent.tasks.begin();
    lose_task(framework(framework_key), TaskId(std::string(id)), removal, since);
  }
  while (!agent.executors.empty()) {
    const auto& [id, executor] = *agent.executors.begin();
    remove_executor(agent, id.first, ExecutorId(executor.spec->id));
  }
  allocator_->remove_agent(key);
  if (agent.has_short_slots()) {
    allocator_->remove_agent(agent.short_slots.key);
    short_keys_.erase(agent.short_slots.key);
  }
  const AgentId id = agent.info.id;
  tell_removed(id);
  agent_ids_.erase(id.value);
  agents_.erase(key);
  ++counters_.agent_removals;
  if (removal == Removal::kUnreachable) ++counters_.agent_unreachable;
  for (auto& [framework_key, framework] : frameworks_) {
    send(framework, event::Failure{id, {}, std::nullopt});
  }
}

void Machine::lose_task(Framework& framework, const TaskId& id, Removal removal, WallTime since) {
  Task& task = framework.tasks.at(id);
  if (task.ended()) return remove_task(framework, task);
  const Agent& agent = this->agent(task.agent);
  const bool gone = removal == Removal::kGone;
  const TaskState state = lost_or(framework, gone ? TaskState::kGone : TaskState::kUnreachable);
  TaskStatus status = master_status(
      id, agent.info.id, state, Reason::kAgentRemoved,
      fmt::format("Agent {} {}", agent.info.hostname, gone ? "has left" : "is unreachable"));
  status.executor_id = task.shown->executor_id;
  if (!gone) status.unreachable_time = since;
  if (is_terminal(state)) count_terminal(framework, status);
  send_status(framework, status);
  tell_updated(framework, status, state);

  Piece<protocol::TaskView> view = task.shown;
  view.own().state = state;
  // Whatever frameworks are told, to the books it is over: its resources left with the agent.
  set_task_state(framework, task, TaskState::kLost);
  this->agent(task.agent).tasks.erase({framework.key, id.value});
  framework.tasks.erase(id.value);
  if (gone) return remember_completed(framework, std::move(view));
  view.own().unreachable_since = since;
  lost_with_[view->agent_id->value].emplace_back(framework.key, id);
  framework.unreachable_tasks[id] = std::move(view);
  framework.unreachable_order.push_back(id);
  if (framework.unreachable_order.size() > options_.max_unreachable_tasks_per_framework) {
    framework.unreachable_tasks.erase(framework.unreachable_order.front());
    framework.unreachable_order.pop_front();
  }
}

void Machine::add_executor(Agent& agent, Framework& framework, Executor executor) {
  agent.ordinary.used += executor.spec->resources;
  ++framework.executors[agent.key];
  const std::string_view id = executor.spec->id.value;
  const bool added = agent.executors.try_emplace({framework.key, id}, std::move(executor)).second;
  SOUK_CHECK(added, "an executor is added once");
}

void Machine::remove_executor(Agent& agent, FrameworkKey key, const ExecutorId& id) {
  const auto at = agent.executors.find({key, id.value});
  if (at == agent.executors.end()) return;
  const Executor executor = std::move(at->second);
  agent.executors.erase(at);
  auto& there = framework(key).executors;
  if (const auto count = there.find(agent.key); --count->second == 0) there.erase(count);
  if (executor.spec->resources.empty()) return;
  agent.ordinary.used -= executor.spec->resources;
  allocator_->recovered(key, executor.role, agent.key, executor.spec->resources, std::nullopt,
                        now_);
}

void Machine::heard_from(Agent& agent, to_master::ExecutorTerminated&& message) {
  Framework* framework = find_framework(message.framework_id);
  if (framework == nullptr) return;
  remove_executor(agent, framework->key, message.executor_id);
  send(*framework, event::Failure{agent.info.id, message.executor_id, message.status});
}

void Machine::heard_from(Agent& agent, to_master::FrameworkMessage&& message) {
  Framework* framework = find_framework(message.framework_id);
  if (framework == nullptr || !framework->connection) {
    ++counters_.executor_to_framework_invalid;
    return;
  }
  ++counters_.executor_to_framework_valid;
  send(*framework, event::Message{agent.info.id, message.executor_id, std::move(message.data)});
}

void Machine::heard_from(Agent& agent, to_master::Pong&&) { agent.missed_pings = 0; }

void Machine::heard_from(Agent& agent, to_master::Unregister&&) {
  // Forgetting it needs no answer: if this is lost, it is only forgotten later.
  persist(protocol::registry::RemoveAgent{agent.info.id}, std::nullopt);
  remove_agent(agent.key, Removal::kGone, now_.wall);
}

void Machine::on(FileRequested&& event) {
  Agent* agent = find_agent(event.agent);
  if (agent == nullptr) {
    return respond(event.connection, 404, fmt::format("No agent has the id '{}'", event.agent));
  }
  if (!agent->link) {
    return respond(event.connection, 503, fmt::format("Agent {} is not connected", event.agent));
  }
  if (file_waits_.size() >= kMaxFileRequests) {
    return respond(event.connection, 503, "Too many file requests at once: try again");
  }
  event.request.request = next_file_request_++;
  file_waits_[event.request.request] = {event.connection, event.agent};
  say(*agent, std::move(event.request));
}

void Machine::heard_from(Agent& agent, to_master::FileAnswer&& message) {
  const auto at = file_waits_.find(message.request);
  if (at == file_waits_.end() || at->second.agent != agent.info.id) return;
  out(Respond{at->second.connection,
              {message.http_status, std::move(message.body)},
              std::move(message.content_type)});
  file_waits_.erase(at);
}

void Machine::forget_files_of(const AgentId& agent) {
  for (auto at = file_waits_.begin(); at != file_waits_.end();) {
    if (at->second.agent != agent) {
      ++at;
      continue;
    }
    respond(at->second.connection, 503, fmt::format("Agent {} is not connected", agent));
    at = file_waits_.erase(at);
  }
}

}  // namespace souk::master
