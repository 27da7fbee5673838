// Frameworks: subscribe, fail over, disconnect, tear down; and the checks that every call passes
// first.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "master/master.h"
#include "master/validate.h"

namespace souk::master {

using protocol::HttpAnswer;
namespace call = protocol::call;
namespace event = protocol::event;

void Machine::on(SchedulerCalled&& event) {
  ++counters_.calls[event.call.body.index()];
  if (!recovered_) return respond(event.connection, 503, "Master has not finished recovery");
  if (std::holds_alternative<call::Subscribe>(event.call.body)) return subscribe(std::move(event));
  Framework* framework = nullptr;
  if (auto refusal = check_call(event, framework)) {
    out(Respond{event.connection, std::move(*refusal), {}});
    return;
  }
  ++framework->counters.calls[event.call.body.index()];
  out(Respond{event.connection, dispatch(*framework, std::move(event.call.body)), {}});
}

std::optional<HttpAnswer> Machine::check_call(const SchedulerCalled& event, Framework*& found) {
  Framework* framework = find_framework(event.call.framework);
  if (framework == nullptr) return HttpAnswer{400, "Framework cannot be found"};
  if (!event.principal.empty() && event.principal != framework->info.principal) {
    return HttpAnswer{
        400, fmt::format("Authenticated principal '{}' does not match principal '{}' set in "
                         "`FrameworkInfo`",
                         event.principal, framework->info.principal)};
  }
  if (!framework->connection) return HttpAnswer{403, "Framework is not subscribed"};
  if (!event.has_stream_id) {
    return HttpAnswer{400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header"};
  }
  if (event.stream_id != framework->stream_id) {
    return HttpAnswer{
        400, fmt::format("The stream ID '{}' included in this request didn't match the stream ID "
                         "currently associated with framework ID {}",
                         event.stream_id, framework->info.id)};
  }
  found = framework;
  return std::nullopt;
}

HttpAnswer Machine::dispatch(Framework& framework, protocol::SchedulerCallBody&& body) {
  if (auto* update = std::get_if<call::UpdateFramework>(&body)) {
    return update_framework(framework, std::move(*update));
  }
  std::visit(
      [&](auto&& one) {
        // What is left out here needs no action: REQUEST, and acknowledgements of operation
        // statuses, which this master never asks for.
        if constexpr (requires { this->call(framework, std::forward<decltype(one)>(one)); }) {
          this->call(framework, std::forward<decltype(one)>(one));
        }
      },
      std::move(body));
  return {202, {}};
}

std::optional<std::string> Machine::refuse_constraints(const FrameworkInfo& info,
                                                       const auto& call) const {
  if (!call.offer_constraints_error.empty()) {
    return "Offer constraints are not valid: " + call.offer_constraints_error;
  }
  if (auto why = validate_constraints(info, call.offer_constraints)) return why;
  for (const auto& [role, constraints] : call.offer_constraints) {
    if (auto why = allocator_->check(constraints)) {
      return fmt::format("Offer constraints are not valid: role '{}': {}", role, *why);
    }
  }
  return std::nullopt;
}

void Machine::refuse_stream(const SchedulerCalled& event, std::string why) {
  log(Log::Level::kWarning, fmt::format("refused a subscription: {}", why));
  out(OpenStream{event.connection, event.stream_id});
  out(SendToFramework{event.connection, event::Error{std::move(why)}});
  out(CloseStream{event.connection});
}

void Machine::subscribe(SchedulerCalled&& event) {
  if (event.has_stream_id) {
    return respond(event.connection, 400,
                   "Subscribe calls should not include the 'Mesos-Stream-Id' header");
  }
  auto& subscribe = std::get<call::Subscribe>(event.call.body);
  FrameworkInfo& info = subscribe.framework.own();
  if (!event.call.framework.empty() && event.call.framework != info.id) {
    return refuse_stream(event, "'framework_id' differs from 'subscribe.framework_info.id'");
  }
  if (auto why = validate_framework(info)) return refuse_stream(event, std::move(*why));
  if (auto why = refuse_constraints(info, subscribe)) return refuse_stream(event, std::move(*why));
  if (!event.principal.empty() && !info.principal.empty() && info.principal != event.principal) {
    return refuse_stream(event, fmt::format("Authenticated principal '{}' does not match principal "
                                            "'{}' set in `FrameworkInfo`",
                                            event.principal, info.principal));
  }
  for (const protocol::FrameworkView& completed : completed_frameworks_) {
    if (completed.info.id == info.id) return refuse_stream(event, "Framework has been removed");
  }
  if (Framework* known = find_framework(info.id); known != nullptr) {
    return subscribe_known(*known, std::move(event));
  }
  if (frameworks_.size() >= kMaxFrameworks) {
    return refuse_stream(
        event, fmt::format("This master has {} frameworks already, its limit", kMaxFrameworks));
  }
  if (info.id.empty()) {
    info.id = FrameworkId(fmt::format("{}-{:04}", options_.info.id, next_framework_++));
  }
  const std::vector<std::string> suppressed = std::move(subscribe.suppressed_roles);
  auto constraints = std::move(subscribe.offer_constraints);
  Framework& framework = add_framework(std::move(info));
  framework.offer_constraints = std::move(constraints);
  connect(framework, event, suppressed);
  tell_added(framework);
  log(Log::Level::kInfo,
      fmt::format("framework {} '{}' subscribed", framework.info.id, framework.info.name));
}

void Machine::subscribe_known(Framework& framework, SchedulerCalled&& event) {
  auto& subscribe = std::get<call::Subscribe>(event.call.body);
  FrameworkInfo& info = subscribe.framework.own();
  if (info.principal != framework.info.principal && !framework.recovered) {
    return refuse_stream(event, "Changing framework's principal is not allowed.");
  }
  if (framework.connection) {
    send(framework, event::Error{"Framework failed over"});
    out(CloseStream{*framework.connection});
    disconnect(framework);
  }
  // May not change once set; the old values stay without a word, as v1 clients expect.
  info.user = framework.info.user;
  info.checkpoint = framework.info.checkpoint;
  framework.set_info(std::move(info));
  framework.offer_constraints = std::move(subscribe.offer_constraints);
  framework.reregistered_at = now_.wall;
  framework.recovered = false;
  connect(framework, event, subscribe.suppressed_roles);
  tell_updated(framework);
  tell_agents_of(framework);
  // What it may have missed: it need not wait for the agents to try again.
  for (const Task* task : framework.tasks.in_order()) {
    if (task->pending->uuid) send(framework, event::Update{task->pending});
  }
  repeat_inverse_offers(framework);
  log(Log::Level::kInfo,
      fmt::format("framework {} '{}' subscribed again", framework.info.id, framework.info.name));
}

Framework& Machine::add_framework(FrameworkInfo info) {
  const FrameworkKey key(next_key_++);
  Framework& framework = frameworks_[key];
  framework_ids_[info.id.value] = &framework;
  framework.key = key;
  framework.set_info(std::move(info));
  framework.registered_at = now_.wall;
  allocator_->add_framework(facts_of(framework), {});
  allocator_->set_framework_active(key, false);
  return framework;
}

void Machine::connect(Framework& framework, const SchedulerCalled& event,
                      const std::vector<std::string>& suppressed) {
  framework.connection = event.connection;
  framework.stream_id = event.stream_id;
  streams_[event.connection] = framework.key;
  deadlines_.cancel({Timer::Kind::kFailover, framework.key.value});
  deadlines_.set({Timer::Kind::kHeartbeat, framework.key.value},
                 now_.mono + options_.heartbeat_interval);
  ++framework.counters.calls[event.call.body.index()];
  out(OpenStream{event.connection, event.stream_id});
  send(framework, event::Subscribed{framework.info.id, options_.heartbeat_interval, options_.info});
  send(framework, event::Heartbeat{});

  framework.suppressed_roles = {suppressed.begin(), suppressed.end()};
  allocator_->update_framework(facts_of(framework), suppressed);
  // A scheduler that comes anew knows nothing of what an earlier one declined.
  std::vector<std::string> wanted;
  for (const std::string& role : framework.info.roles) {
    if (!framework.suppressed_roles.contains(role)) wanted.push_back(role);
  }
  if (!wanted.empty()) allocator_->revive(framework.key, wanted);
  allocator_->set_framework_active(framework.key, true);
}

void Machine::on(ConnectionClosed&& event) {
  const auto at = streams_.find(event.connection);
  if (at == streams_.end()) {
    if (forget_operator_stream(event.connection)) return;
    std::erase_if(file_waits_,
                  [&](const auto& wait) { return wait.second.connection == event.connection; });
    std::erase_if(explains_, [&](const auto& wait) { return wait.connection == event.connection; });
    return;
  }
  Framework& framework = this->framework(at->second);
  disconnect(framework);
  tell_updated(framework);
  log(Log::Level::kInfo,
      fmt::format("framework {} '{}' disconnected; it has {} to come back", framework.info.id,
                  framework.info.name, format_duration(framework.info.failover_timeout)));
}

void Machine::disconnect(Framework& framework) {
  SOUK_CHECK(framework.connection.has_value(), "only what is connected can disconnect");
  streams_.erase(*framework.connection);
  framework.connection.reset();
  framework.stream_id.clear();
  deadlines_.cancel({Timer::Kind::kHeartbeat, framework.key.value});
  allocator_->set_framework_active(framework.key, false);
  while (!framework.offers.empty()) drop_offer(*framework.offers.begin(), Duration::zero());
  const Duration timeout = framework.info.failover_timeout;
  // What never comes needs no deadline, and must not overflow one.
  if (timeout < kMaxRefuse * 100) {
    deadlines_.set({Timer::Kind::kFailover, framework.key.value}, now_.mono + timeout);
  }
}

void Machine::call(Framework& framework, call::Teardown&&) {
  if (framework.connection) {
    out(CloseStream{*framework.connection});
    disconnect(framework);
  }
  remove_framework(framework.key, "torn down by its scheduler");
}

std::set<AgentKey> Machine::agents_with_tasks(const Framework& framework) const {
  std::set<AgentKey> agents;
  for (const Task& task : framework.tasks.each()) agents.insert(task.agent);
  return agents;
}

void Machine::tell_agents_of(const Framework& framework) {
  for (const AgentKey key : agents_with_tasks(framework)) {
    say(agent(key), protocol::to_agent::UpdateFramework{framework.shared_info});
  }
}

void Machine::remove_framework(FrameworkKey key, std::string why) {
  Framework& framework = this->framework(key);
  SOUK_CHECK(!framework.connection, "disconnect it first");
  log(Log::Level::kInfo,
      fmt::format("framework {} '{}' removed: {}", framework.info.id, framework.info.name, why));
  deadlines_.cancel({Timer::Kind::kFailover, key.value});
  std::set<AgentKey> agents = agents_with_tasks(framework);
  for (const auto& [agent_key, count] : framework.executors) agents.insert(agent_key);
  for (const AgentKey agent_key : agents) {
    Agent& agent = this->agent(agent_key);
    std::vector<ExecutorId> executors;
    for (auto at = agent.executors.lower_bound({key, {}});
         at != agent.executors.end() && at->first.first == key; ++at) {
      executors.push_back(at->second.spec->id);
    }
    say(agent, protocol::to_agent::ShutdownFramework{framework.info.id});
    for (const ExecutorId& id : executors) remove_executor(agent, key, id);
  }
  for (Task* each : framework.tasks.in_order()) {
    Task& task = *each;
    if (!task.ended()) {
      const TaskStatus status =
          master_status(task.id(), agent_id_of(task), TaskState::kKilled, Reason::kFrameworkRemoved,
                        fmt::format("Framework {} removed", framework.info.id));
      count_terminal(framework, status);
      set_task_state(framework, task, TaskState::kKilled);
      tell_updated(framework, status, TaskState::kKilled);
    }
    remove_task(framework, task);
  }
  protocol::FrameworkView view = this->view_of(framework);
  view.unregistered_at = now_.wall;
  completed_frameworks_.push_back(std::move(view));
  if (completed_frameworks_.size() > options_.max_completed_frameworks) {
    completed_frameworks_.pop_front();
  }
  tell_removed(framework);
  allocator_->remove_framework(key);
  framework_ids_.erase(framework.info.id.value);
  frameworks_.erase(key);
}

HttpAnswer Machine::update_framework(Framework& framework, call::UpdateFramework&& call) {
  FrameworkInfo& info = call.framework.own();
  if (info.id != framework.info.id) {
    return {400, "'update_framework.framework_info.id' differs from 'framework_id'"};
  }
  if (auto why = validate_framework(info)) return {400, std::move(*why)};
  if (auto why = refuse_constraints(info, call)) return {400, std::move(*why)};
  if (info.principal != framework.info.principal) {
    return {400, "Updating 'FrameworkInfo.principal' is unsupported"};
  }
  if (info.user != framework.info.user) {
    return {400, "Updating 'FrameworkInfo.user' is unsupported"};
  }
  if (info.checkpoint != framework.info.checkpoint) {
    return {400, "Updating 'FrameworkInfo.checkpoint' is unsupported"};
  }
  framework.set_info(std::move(info));
  framework.suppressed_roles = {call.suppressed_roles.begin(), call.suppressed_roles.end()};
  framework.offer_constraints = std::move(call.offer_constraints);
  allocator_->update_framework(facts_of(framework), call.suppressed_roles);
  // Offers made to a role that it has left are not its any more.
  const std::set<uint64_t> offers = framework.offers;
  for (const uint64_t number : offers) {
    const auto& roles = framework.info.roles;
    if (std::find(roles.begin(), roles.end(), offers_.at(number).role) == roles.end()) {
      rescind(number, Duration::zero());
    }
  }
  tell_updated(framework);
  tell_agents_of(framework);
  return {200, {}};
}

}  // namespace souk::master
