// A master with the outside played by the test: storage answers at once (unless held), what is sent
// is kept by connection, and the books are checked after every step.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "allocator/allocator.h"
#include "master/master.h"
#include "master/test_allocator.h"

namespace souk::master {

inline TaskSpec make_task(const std::string& id, const AgentId& agent,
                          const std::string& resources = "cpus:1;mem:128") {
  TaskSpec task;
  task.id = TaskId(id);
  task.name = id;
  task.agent_id = agent;
  task.resources = Resources::parse(resources).value();
  task.has_command = true;
  return task;
}

inline ExecutorSpec make_executor(const std::string& id,
                                  ExecutorSpec::Type type = ExecutorSpec::Type::kCustom,
                                  const std::string& resources = "cpus:0.1;mem:32") {
  ExecutorSpec executor;
  executor.id = ExecutorId(id);
  executor.type = type;
  executor.has_command = type == ExecutorSpec::Type::kCustom;
  executor.resources = Resources::parse(resources).value();
  return executor;
}

inline FrameworkInfo make_framework(const std::string& name) {
  FrameworkInfo info;
  info.user = "nobody";
  info.name = name;
  info.roles = {"*"};
  return info;
}

class World {
 public:
  explicit World(Options options = {}) : World(std::move(options), {}) {}
  World(Options options, protocol::Registry registry, bool recover = true)
      : World(std::move(options), std::move(registry), recover,
              std::make_unique<TestAllocator>(allocator::make_drf(allocator_options(), Rng(7)))) {}
  World(Options options, protocol::Registry registry, bool recover,
        std::unique_ptr<TestAllocator> allocator)
      : allocator_(*allocator), machine_(fill(std::move(options)), std::move(allocator), Rng(1)) {
    if (registry.cluster_id.empty()) registry.cluster_id = "cluster";
    if (registry.epoch == 0) registry.epoch = 1;
    if (recover) step(Recovered{std::move(registry)});
  }

  void step(Event event) {
    Effects effects;
    machine_.step(now_, std::move(event), effects);
    for (Effect& effect : effects) {
      if (watch) watch(effect);
      keep(std::move(effect));
    }
    ASSERT_EQ(machine_.broken_invariant(), std::nullopt);
    while (!hold_storage && !persists_.empty()) {
      const protocol::Ticket ticket = persists_.front().ticket;
      persists_.erase(persists_.begin());
      step(Persisted{ticket, true, {}});
    }
  }
  void batch() { step(BatchEnded{}); }

  // Lets time pass, firing the timer when it is due.
  void pass(Duration d) {
    const MonoTime until = now_.mono + d;
    while (armed && *armed <= until) {
      const MonoTime due = *armed;
      advance(std::max(due, now_.mono));
      step(TimerFired{});
      batch();
      ASSERT_NE(armed, due) << "it would be woken again at once, for ever";
    }
    advance(until);
  }
  // Time passes, and nobody looks: the whole machine stood still.
  void freeze(Duration d) { advance(now_.mono + d); }

  // --- schedulers
  ConnectionId subscribe(FrameworkInfo info, std::vector<std::string> suppressed = {},
                         std::map<std::string, OfferConstraints> constraints = {}) {
    return subscribe(
        protocol::call::Subscribe{std::move(info), std::move(suppressed), std::move(constraints)});
  }
  ConnectionId subscribe(const protocol::call::Subscribe& subscribe) {
    const ConnectionId connection(next_connection_++);
    SchedulerCalled event{.connection = connection,
                          .call = {subscribe.framework->id, subscribe},
                          .stream_id = stream_of(connection),
                          .has_stream_id = false,
                          .principal = {}};
    step(std::move(event));
    return connection;
  }
  // The HTTP status of the answer.
  int call(ConnectionId stream, protocol::SchedulerCallBody body) {
    return call_as(framework_of(stream), stream_of(stream), std::move(body));
  }
  int call_as(FrameworkId framework, const std::string& stream_id,
              protocol::SchedulerCallBody body) {
    const ConnectionId connection(next_connection_++);
    step(SchedulerCalled{.connection = connection,
                         .call = {std::move(framework), std::move(body)},
                         .stream_id = stream_id,
                         .has_stream_id = !stream_id.empty(),
                         .principal = {}});
    const auto at = answers.find(connection);
    return at == answers.end() ? 0 : at->second.status;
  }
  FrameworkId framework_of(ConnectionId stream) {
    for (const auto& event : sent[stream]) {
      if (const auto* subscribed = std::get_if<protocol::event::Subscribed>(&event)) {
        return subscribed->framework;
      }
    }
    return {};
  }
  static std::string stream_of(ConnectionId connection) {
    return fmt::format("stream-{}", connection.value);
  }
  // Takes out the events of one kind.
  template <class E>
  std::vector<E> take(ConnectionId stream) {
    std::vector<E> taken;
    std::vector<protocol::SchedulerEvent> rest;
    for (auto& event : sent[stream]) {
      if (auto* wanted = std::get_if<E>(&event)) {
        taken.push_back(std::move(*wanted));
      } else {
        rest.push_back(std::move(event));
      }
    }
    sent[stream] = std::move(rest);
    return taken;
  }
  std::vector<Offer> offers(ConnectionId stream) {
    batch();
    std::vector<Offer> all;
    for (auto& event : take<protocol::event::Offers>(stream)) {
      for (Offer& offer : event.offers) all.push_back(std::move(offer));
    }
    return all;
  }
  std::vector<TaskStatus> updates(ConnectionId stream) {
    std::vector<TaskStatus> all;
    for (auto& event : take<protocol::event::Update>(stream)) all.push_back(*event.status);
    return all;
  }
  int launch(ConnectionId stream, const Offer& offer, std::vector<TaskSpec> tasks,
             std::optional<Duration> refuse = std::nullopt) {
    protocol::call::Accept accept;
    accept.offers = {offer.id};
    accept.filters.refuse = refuse;
    accept.operations.push_back({{}, protocol::Launch{std::move(tasks)}});
    return call(stream, std::move(accept));
  }

  // --- operators
  // The answer; status 0 as long as storage is held.
  protocol::HttpAnswer operate(protocol::OperatorCall call) {
    const ConnectionId connection(next_connection_++);
    step(OperatorCalled{connection, std::move(call), {}});
    const auto at = answers.find(connection);
    return at == answers.end() ? protocol::HttpAnswer{0, {}} : at->second;
  }

  // --- agents
  ConnectionId dial() {
    const ConnectionId link(next_connection_++);
    step(AgentSaid{link, protocol::to_master::Hello{}});
    return link;
  }
  // Registers and gives the link; the id is in agent_of(link).
  ConnectionId register_agent(const std::string& hostname,
                              const std::string& resources = "cpus:4;mem:4096;ports:[31000-32000]",
                              const std::string& short_slots = "",
                              Duration short_slot_limit = Duration::zero()) {
    AgentInfo info;
    info.hostname = hostname;
    info.ip = "127.0.0.1";
    info.port = 5051;
    info.resources = Resources::parse(resources).value();
    info.short_slots = Resources::parse(short_slots).value();
    info.short_slot_limit = short_slot_limit;
    return register_as(protocol::to_master::Register{std::move(info), {}, {}, {}});
  }
  ConnectionId register_as(protocol::to_master::Register message) {
    const ConnectionId link = dial();
    step(AgentSaid{link, std::move(message)});
    return link;
  }
  AgentId agent_of(ConnectionId link) {
    for (const auto& message : said[link]) {
      if (const auto* registered = std::get_if<protocol::to_agent::Registered>(&message)) {
        return registered->agent_id;
      }
    }
    return {};
  }
  template <class M>
  std::vector<M> heard(ConnectionId link) {
    std::vector<M> all;
    for (const auto& message : said[link]) {
      if (const auto* wanted = std::get_if<M>(&message)) all.push_back(*wanted);
    }
    return all;
  }
  // An update of a task; gives its uuid.
  Uuid update(ConnectionId link, const FrameworkId& framework, const std::string& task,
              TaskState state, std::optional<TaskState> latest = std::nullopt) {
    TaskStatus status;
    status.task_id = TaskId(task);
    status.state = state;
    status.source = StatusSource::kExecutor;
    status.agent_id = agent_of(link);
    status.timestamp = now_.wall;
    status.uuid = Uuid::random(uuids_);
    const Uuid uuid = *status.uuid;
    step(AgentSaid{link,
                   protocol::to_master::StatusUpdate{framework, status, latest.value_or(state)}});
    return uuid;
  }

  std::map<ConnectionId, std::vector<protocol::SchedulerEvent>> sent;  // by stream
  std::map<ConnectionId, protocol::HttpAnswer> answers;
  std::map<ConnectionId, std::shared_ptr<const protocol::Document>> documents;
  std::map<ConnectionId, std::vector<protocol::MasterMessage>> said;  // by link
  std::vector<ConnectionId> closed_streams;
  std::vector<ConnectionId> closed_links;
  std::vector<std::string> logs;
  std::optional<MonoTime> armed;
  bool hold_storage = false;
  std::function<void(const Effect&)> watch;  // sees every effect first

  std::vector<Persist>& persists() { return persists_; }
  Machine& machine() { return machine_; }
  TestAllocator& allocator() { return allocator_; }
  Now now() const { return now_; }

 private:
  static Options fill(Options options) {
    const std::string id = options.info.id.empty() ? "m" : options.info.id;
    options.info = {.id = id,
                    .hostname = "master",
                    .ip = "127.0.0.1",
                    .port = 5050,
                    .domain = options.info.domain};
    return options;
  }
  static allocator::Options allocator_options() {
    allocator::Options options;
    options.min_allocatable = parse_alternatives("cpus:0.01|mem:32").value();
    return options;
  }
  void advance(MonoTime to) {
    now_.wall += to - now_.mono;
    now_.mono = to;
  }
  void keep(Effect&& effect) {
    if (auto* respond = std::get_if<Respond>(&effect)) {
      answers[respond->connection] = std::move(respond->answer);
    } else if (auto* document = std::get_if<RespondDocument>(&effect)) {
      documents[document->connection] = std::move(document->document);
    } else if (auto* send = std::get_if<SendToFramework>(&effect)) {
      sent[send->connection].push_back(std::move(send->event));
    } else if (auto* close = std::get_if<CloseStream>(&effect)) {
      closed_streams.push_back(close->connection);
    } else if (auto* say = std::get_if<SendToAgent>(&effect)) {
      said[say->link].push_back(std::move(say->frame.message));
    } else if (auto* cut = std::get_if<CloseLink>(&effect)) {
      closed_links.push_back(cut->link);
    } else if (auto* persist = std::get_if<Persist>(&effect)) {
      persists_.push_back(std::move(*persist));
    } else if (auto* arm = std::get_if<ArmTimer>(&effect)) {
      armed = arm->at;
    } else if (auto* log = std::get_if<Log>(&effect)) {
      logs.push_back(std::move(log->text));
    }
  }

  TestAllocator& allocator_;  // the machine's
  Machine machine_;
  Now now_{MonoTime(1000s), WallTime(1'700'000'000s)};
  Rng uuids_{42};
  uint64_t next_connection_ = 1;
  std::vector<Persist> persists_;
};

}  // namespace souk::master
