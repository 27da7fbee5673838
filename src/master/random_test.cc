// Random histories: schedulers and agents that do what they please, connections that break, a
// storage that lags and fails, masters that die. The invariants hold after every step, and what
// agents and schedulers may rely on holds for all they hear. A history is its seed.
#include <algorithm>
#include <deque>
#include <memory>
#include <set>

#include "base/digest.h"
#include "master/test_support.h"
#include "master/test_transcript.h"
#include "master/test_watcher.h"

namespace souk::master {
namespace {

namespace call = protocol::call;
namespace event = protocol::event;
namespace to_agent = protocol::to_agent;
namespace to_master = protocol::to_master;

using TaskKey = std::pair<FrameworkId, TaskId>;
using ExecutorKey = std::pair<FrameworkId, ExecutorId>;

struct Work {
  protocol::TaskRecord record;
  std::deque<TaskStatus> pending;  // not acknowledged, oldest first
};

struct FakeAgent {
  std::string hostname;
  AgentId id;
  Resources total;
  Resources short_slots;
  std::optional<ConnectionId> link;
  bool registered = false;
  std::vector<to_master::ExecutorTerminated> terminated;  // while it registered
  std::map<FrameworkId, FrameworkInfo> frameworks;
  std::map<TaskKey, Work> tasks;
  std::map<ExecutorKey, protocol::ExecutorRecord> executors;

  Resources in_use(bool short_slots) const {
    Resources sum;
    for (const auto& [key, work] : tasks) {
      const bool counts = !is_terminal(work.record.state) && work.record.short_slot == short_slots;
      if (counts) sum += work.record.spec.resources;
    }
    if (short_slots) return sum;
    for (const auto& [key, executor] : executors) sum += executor.spec.resources;
    return sum;
  }
};

struct FakeScheduler {
  FrameworkInfo info;
  std::optional<ConnectionId> stream;
  std::vector<Offer> offers;
  std::map<OfferId, InverseOffer> inverse_offers;
  std::vector<TaskStatus> to_acknowledge;
  std::vector<TaskId> tasks;
  int offers_heard = 0;
};

class Chaos {
 public:
  explicit Chaos(uint64_t seed) : rng_(seed) {
    registry_.cluster_id = "C";
    for (int i = 0; i < 4; ++i) {
      FakeAgent agent;
      agent.hostname = fmt::format("h{}", i);
      agent.total = Resources::parse(i % 2 == 0 ? "cpus:4;mem:4096" : "cpus:2;mem:512").value();
      if (i < 2) agent.short_slots = Resources::parse("cpus:1;mem:400").value();
      agents_.push_back(std::move(agent));
    }
    for (int i = 0; i < 5; ++i) {
      FakeScheduler scheduler;
      scheduler.info = make_framework(fmt::format("f{}", i));
      scheduler.info.failover_timeout = Duration(i * 20s);
      if (i % 2 == 0) scheduler.info.capabilities.add(Capability::kPartitionAware);
      if (i > 2) scheduler.info.roles = {"a"};
      if (i > 3) scheduler.info.capabilities.add(Capability::kMultiRole);
      if (i < 3) scheduler.info.labels = {{std::string(kShortSlotsLabel), "true"}};
      schedulers_.push_back(std::move(scheduler));
    }
    start_master();
  }

  uint64_t run(int events) {
    for (int i = 0; i < events && !::testing::Test::HasFailure(); ++i) {
      act();
      if (one_in(2)) step(BatchEnded{});
      if (one_in(20)) check_inverse_offers();
      if (one_in(10)) check_watcher();
    }
    if (!::testing::Test::HasFailure()) heal();
    return digest_.value();
  }

  // Of all histories: that it was not all refused.
  static inline int launched = 0, passed_on = 0, failovers = 0, unreachable = 0, short_launched = 0,
                    inverse_offers = 0, preempted = 0, taken_back = 0, revoked_by_module = 0,
                    told_operators = 0, watcher_checks = 0;

 private:
  bool one_in(uint64_t n) { return rng_.below(n) == 0; }
  Duration seconds_below(uint64_t n) { return Duration(1s) * static_cast<int64_t>(rng_.below(n)); }
  template <class List>
  auto& any(List& list) {
    return *std::next(list.begin(), static_cast<std::ptrdiff_t>(rng_.below(list.size())));
  }

  // --- the machine and what carries its effects out

  void start_master() {
    ++registry_.epoch;
    Options options;
    options.info = {
        .id = fmt::format("m{}", registry_.epoch), .hostname = "m", .ip = "", .port = 1};
    options.agent_reregister_timeout = 60s;
    options.max_completed_frameworks = 3;
    options.max_completed_tasks_per_framework = 5;
    options.max_unreachable_tasks_per_framework = 5;
    options.max_offers_per_event = 2;
    options.max_operator_streams = 2;
    allocator::Options shares;
    shares.min_allocatable = parse_alternatives("cpus:0.01|mem:32").value();
    if (one_in(2)) shares.revocation_delay = 2s;
    shares.revocation_grace = 3s;
    auto allocator =
        std::make_unique<TestAllocator>(allocator::make_drf(shares, Rng(registry_.epoch)));
    allocator_ = allocator.get();
    allocator_->meddle = [this](Now now, allocator::Decisions& decisions) {
      revoked_by_module += static_cast<int>(decisions.revocations.size());
      if (!calm_) meddle(now, decisions);
      for (const allocator::Revocation& revocation : decisions.revocations) {
        MonoTime& earliest =
            revoked_.try_emplace(revocation.task, revocation.deadline).first->second;
        earliest = std::min(earliest, revocation.deadline);
      }
    };
    machine_ = std::make_unique<Machine>(options, std::move(allocator), Rng(registry_.epoch));
    armed_.reset();
    step(Recovered{registry_});
  }

  // What no module would decide so soon, and some things that none may decide.
  void meddle(Now now, allocator::Decisions& decisions) {
    if (one_in(12) && !allocator_->books.empty()) {
      const auto& [framework, role, agent] = any(allocator_->books).first;
      decisions.rescinds.push_back({framework, role, agent});
    }
    if (!one_in(8)) return;
    static constexpr Duration kGraces[] = {-1s, 0s, 1s, 5s, 5s, 60s};
    const MonoTime deadline = now.mono + kGraces[rng_.below(6)];
    for (uint64_t n = 1 + rng_.below(4); n > 0 && !allocator_->tasks.empty(); --n) {
      const allocator::TaskFacts& task = any(allocator_->tasks).second;
      decisions.revocations.push_back({.framework = task.framework,
                                       .task = task.id,
                                       .agent = task.agent,
                                       .deadline = deadline,
                                       .in_favour_of = any(allocator_->frameworks).first});
      if (one_in(10)) decisions.revocations.back().task = TaskId("?");
    }
  }

  void kill_master() {
    ++failovers;
    storage_.clear();
    dead_links_.clear();
    open_streams_.clear();
    operators_.clear();
    watcher_.reset();
    open_links_.clear();
    for (FakeScheduler& scheduler : schedulers_) forget_stream(scheduler);
    for (FakeAgent& agent : agents_) {
      agent.link.reset();
      agent.registered = false;
    }
    start_master();
  }

  void step(Event event) {
    Effects effects;
    machine_->step(now_, std::move(event), effects);
    const auto broken = machine_->broken_invariant();
    ASSERT_EQ(broken, std::nullopt);
    watch(effects);
    for (Effect& effect : effects) {
      digest_.add(Transcript::line(effect));
      queue_.push_back(std::move(effect));
    }
    if (pumping_) return;
    pumping_ = true;
    while (!queue_.empty()) {
      const Effect effect = std::move(queue_.front());
      queue_.pop_front();
      std::visit([this](const auto& one) { carry_out(one); }, effect);
      if (calm_ && queue_.empty()) store(storage_.size());
    }
    pumping_ = false;
  }

  // At once: what is said may be carried out later, and the machine is ahead then.
  void watch(const Effects& effects) {
    for (const Effect& effect : effects) {
      if (const auto* told = std::get_if<SendToOperators>(&effect)) {
        ++told_operators;
        ASSERT_TRUE(watcher_) << "told to nobody: " << Transcript::line(effect);
        watcher_->hear(told->event);
      } else if (std::holds_alternative<OpenOperatorStream>(effect) && !watcher_) {
        watcher_.emplace(machine_->view());
      }
    }
  }
  void check_watcher() {
    if (!watcher_) return;
    ++watcher_checks;
    ASSERT_EQ(watcher_->differs_from(machine_->view()), std::nullopt);
    if (one_in(20)) watcher_.emplace(machine_->view());
  }
  void act_operator() {
    if (!operators_.empty() && one_in(3)) {
      const ConnectionId gone = any(operators_);
      std::erase(operators_, gone);
      open_streams_.erase(gone);
      step(ConnectionClosed{gone});
      if (operators_.empty()) watcher_.reset();
      return;
    }
    const ConnectionId connection(next_connection_++);
    unanswered_.insert(connection);
    operators_.push_back(connection);
    step(OperatorSubscribed{connection});
  }

  void store(std::size_t most, bool ok = true) {
    for (; most > 0 && !storage_.empty(); --most) {
      const Persist next = storage_.front();
      storage_.pop_front();
      if (ok) apply(registry_, next.operation);
      step(Persisted{next.ticket, ok, ok ? "" : "disk full"});
    }
  }

  void pass(Duration d) {
    const MonoTime until = now_.mono + d;
    while (armed_ && *armed_ <= until && !::testing::Test::HasFailure()) {
      advance(std::max(*armed_, now_.mono));
      step(TimerFired{});
      step(BatchEnded{});
    }
    advance(until);
  }
  void advance(MonoTime to) {
    now_.wall += to - now_.mono;
    now_.mono = to;
  }

  // What was ordered of the master before the one that lives is void: a fresh queue would be the
  // same, since effects are carried out before anything else happens.
  void carry_out(const Respond& effect) {
    EXPECT_TRUE(unanswered_.erase(effect.connection)) << "answered twice, or unasked";
  }
  void carry_out(const RespondDocument& effect) {
    EXPECT_TRUE(unanswered_.erase(effect.connection)) << "answered twice, or unasked";
  }
  void carry_out(const OpenStream& effect) {
    EXPECT_TRUE(unanswered_.erase(effect.connection)) << "answered twice, or unasked";
    open_streams_.insert(effect.connection);
  }
  void carry_out(const OpenOperatorStream& effect) {
    EXPECT_TRUE(unanswered_.erase(effect.connection)) << "answered twice, or unasked";
    open_streams_.insert(effect.connection);
  }
  void carry_out(const SendToOperators&) {}  // see watch()
  void carry_out(const CloseStream& effect) {
    EXPECT_TRUE(open_streams_.erase(effect.connection));
    std::erase(operators_, effect.connection);
    for (FakeScheduler& scheduler : schedulers_) {
      if (scheduler.stream == effect.connection) forget_stream(scheduler);
    }
  }
  void carry_out(const CloseLink& effect) {
    open_links_.erase(effect.link);
    for (FakeAgent& agent : agents_) {
      if (agent.link != effect.link) continue;
      agent.link.reset();
      agent.registered = false;
    }
  }
  void carry_out(const Persist& effect) { storage_.push_back(effect); }
  void carry_out(const ArmTimer& effect) { armed_ = effect.at; }
  void carry_out(const Log&) {}

  void carry_out(const SendToFramework& effect) {
    EXPECT_TRUE(open_streams_.contains(effect.connection)) << "said to nobody";
    for (FakeScheduler& scheduler : schedulers_) {
      if (scheduler.stream != effect.connection) continue;
      std::visit(
          [&](const auto& one) {
            if constexpr (requires { this->hear(scheduler, one); }) hear(scheduler, one);
          },
          effect.event);
    }
  }

  void carry_out(const SendToAgent& effect) {
    EXPECT_TRUE(open_links_.contains(effect.link)) << "said on a closed link";
    EXPECT_EQ(effect.frame.epoch, registry_.epoch);
    for (FakeAgent& agent : agents_) {
      if (agent.link != effect.link) continue;  // cut: what is said now is lost
      if (!calm_ && one_in(60)) return cut(agent);
      std::visit(
          [&](const auto& one) {
            if constexpr (requires { this->hear(agent, one); }) hear(agent, one);
          },
          effect.frame.message);
      return;
    }
  }

  // --- agents

  void dial(FakeAgent& agent) {
    agent.link = ConnectionId(next_connection_++);
    agent.registered = false;
    open_links_.insert(*agent.link);
    step(AgentSaid{*agent.link, to_master::Hello{}});
  }
  // The master learns of it some time later.
  void cut(FakeAgent& agent) {
    if (!agent.link) return;
    dead_links_.push_back(*agent.link);
    agent.link.reset();
    agent.registered = false;
  }
  void bury(std::size_t most) {
    for (; most > 0 && !dead_links_.empty(); --most) {
      const ConnectionId link = dead_links_.front();
      dead_links_.pop_front();
      step(LinkClosed{link});
      open_links_.erase(link);
    }
  }
  void say(FakeAgent& agent, protocol::AgentMessage message) {
    if (agent.link) step(AgentSaid{*agent.link, std::move(message)});
  }

  to_master::Register report(const FakeAgent& agent) {
    to_master::Register message;
    message.agent.id = agent.id;
    message.agent.hostname = agent.hostname;
    message.agent.port = static_cast<uint16_t>(rng_.below(2));
    message.agent.resources = agent.total;
    message.agent.short_slots = agent.short_slots;
    message.agent.short_slot_limit = 30s;
    for (const auto& [id, info] : agent.frameworks) message.frameworks.push_back(info);
    for (const auto& [key, record] : agent.executors) message.executors.push_back(record);
    for (const auto& [key, work] : agent.tasks) message.tasks.push_back(work.record);
    return message;
  }

  void hear(FakeAgent& agent, const to_agent::Welcome&) {
    agent.terminated.clear();
    say(agent, report(agent));
  }
  void hear(FakeAgent& agent, const to_agent::Registered& message) {
    agent.id = message.agent_id;
    agent.registered = true;
    for (auto& [key, work] : agent.tasks) tell_next(agent, key, work);
    for (const auto& message : std::exchange(agent.terminated, {})) say(agent, message);
  }
  void hear(FakeAgent& agent, const to_agent::Shutdown&) {
    agent.tasks.clear();
    agent.executors.clear();
    agent.id = {};
  }
  void hear(FakeAgent& agent, const to_agent::Ping&) {
    if (calm_ || !one_in(10)) say(agent, to_master::Pong{});
  }
  void hear(FakeAgent& agent, const to_agent::RunTasks& message) {
    agent.frameworks[message.framework->id] = message.framework;
    if (!message.command_task) {
      const bool starts = !agent.executors.contains({message.framework->id, message.executor.id});
      EXPECT_FALSE(starts && message.short_slots && !message.executor.resources.empty())
          << message.executor.id.value << " outlives the limit";
      agent.executors.try_emplace(
          ExecutorKey(message.framework->id, message.executor.id),
          protocol::ExecutorRecord{message.framework->id, message.role, message.executor});
    }
    for (const TaskSpec& task : message.tasks) {
      EXPECT_TRUE(ran_.insert(task.id).second) << task.id.value << " runs twice";
      ++launched;
      Work work;
      work.record = {message.framework->id, message.executor.id,  message.role,       task,
                     TaskState::kStaging,   message.command_task, message.short_slots};
      if (message.short_slots) ++short_launched;
      agent.tasks[{message.framework->id, task.id}] = std::move(work);
    }
    EXPECT_TRUE(agent.total.contains(agent.in_use(false)))
        << agent.id.value << " runs more than it has";
    EXPECT_TRUE(agent.short_slots.contains(agent.in_use(true)))
        << agent.id.value << " runs more short tasks than it has slots";
  }
  void hear(FakeAgent& agent, const to_agent::KillTask& message) {
    if (message.reason) {
      EXPECT_EQ(message.reason, Reason::kContainerPreempted);
      const auto revoked = revoked_.find(message.task_id);
      EXPECT_TRUE(revoked != revoked_.end() && revoked->second <= now_.mono)
          << message.task_id.value << " is killed before its time";
    }
    const auto at = agent.tasks.find({message.framework_id, message.task_id});
    if (at == agent.tasks.end() || one_in(3)) return;
    if (message.reason) ++preempted;
    change(agent, at->first, at->second, message.reason ? TaskState::kGone : TaskState::kKilled);
  }
  void hear(FakeAgent& agent, const to_agent::ShutdownExecutor& message) {
    end_executor(agent, {message.framework_id, message.executor_id});
  }
  void hear(FakeAgent& agent, const to_agent::ShutdownFramework& message) {
    std::erase_if(agent.tasks,
                  [&](const auto& task) { return task.first.first == message.framework_id; });
    std::erase_if(agent.executors, [&](const auto& executor) {
      return executor.first.first == message.framework_id;
    });
    agent.frameworks.erase(message.framework_id);
  }
  void hear(FakeAgent& agent, const to_agent::Acknowledge& message) {
    const auto at = agent.tasks.find({*message.framework_id, message.task_id});
    if (at == agent.tasks.end()) return;
    auto& [key, work] = *at;
    if (work.pending.empty() || work.pending.front().uuid != message.uuid) return;
    work.pending.pop_front();
    if (work.pending.empty() && is_terminal(work.record.state)) {
      agent.tasks.erase(at);
    } else {
      tell_next(agent, key, work);
    }
  }
  void hear(FakeAgent& agent, const to_agent::FileRequest& message) {
    if (calm_ || !one_in(4)) say(agent, to_master::FileAnswer{message.request, 200, "x", ""});
  }

  void tell_next(FakeAgent& agent, const TaskKey& key, const Work& work) {
    if (work.pending.empty() || !agent.registered) return;
    // Now and then the latest state is wrong: an agent may say anything.
    const bool wrong = !calm_ && one_in(20);
    say(agent, to_master::StatusUpdate{key.first, work.pending.front(),
                                       wrong ? TaskState::kRunning : work.record.state});
  }
  // Also says it if it is the oldest.
  void change(FakeAgent& agent, const TaskKey& key, Work& work, TaskState state) {
    if (is_terminal(work.record.state)) return;
    work.record.state = state;
    TaskStatus status;
    status.task_id = key.second;
    status.state = state;
    status.source = StatusSource::kExecutor;
    status.agent_id = agent.id;
    status.timestamp = now_.wall;
    status.uuid = Uuid::random(rng_);
    work.pending.push_back(std::move(status));
    tell_next(agent, key, work);
  }
  void end_executor(FakeAgent& agent, const ExecutorKey& key) {
    // A copy: what is said may bring an answer that changes the tasks.
    std::vector<TaskKey> ended;
    for (const auto& [task, work] : agent.tasks) {
      const bool of_it = !work.record.command_task && work.record.executor_id == key.second &&
                         task.first == key.first;
      if (of_it) ended.push_back(task);
    }
    if (agent.executors.erase(key) == 0) return;
    for (const TaskKey& task : ended) {
      const auto at = agent.tasks.find(task);
      if (at != agent.tasks.end()) change(agent, at->first, at->second, TaskState::kFailed);
    }
    const to_master::ExecutorTerminated message{key.first, key.second, 9};
    if (agent.registered) {
      say(agent, message);
    } else {
      agent.terminated.push_back(message);
    }
  }

  // --- schedulers

  void forget_stream(FakeScheduler& scheduler) {
    scheduler.stream.reset();
    scheduler.offers.clear();
    scheduler.inverse_offers.clear();
  }

  void subscribe(FakeScheduler& scheduler) {
    const ConnectionId connection(next_connection_++);
    FrameworkInfo info = scheduler.info;
    if (!calm_ && one_in(20)) {
      close(scheduler);  // or an older stream would stay, with nobody to listen
      info.roles = {"../bad"};
    }
    forget_stream(scheduler);
    scheduler.stream = connection;
    unanswered_.insert(connection);
    step(SchedulerCalled{.connection = connection,
                         .call = {info.id, call::Subscribe{info, {}}},
                         .stream_id = World::stream_of(connection),
                         .has_stream_id = false,
                         .principal = {}});
    EXPECT_FALSE(unanswered_.contains(connection));
  }
  void close(FakeScheduler& scheduler) {
    if (!scheduler.stream) return;
    const ConnectionId stream = *scheduler.stream;
    forget_stream(scheduler);
    step(ConnectionClosed{stream});
    open_streams_.erase(stream);
  }
  void ask(const FakeScheduler& scheduler, protocol::SchedulerCallBody body) {
    const ConnectionId connection(next_connection_++);
    unanswered_.insert(connection);
    const ConnectionId stream = scheduler.stream.value_or(ConnectionId(0));
    step(SchedulerCalled{.connection = connection,
                         .call = {scheduler.info.id, std::move(body)},
                         .stream_id = World::stream_of(stream),
                         .has_stream_id = calm_ || !one_in(50),
                         .principal = {}});
    EXPECT_FALSE(unanswered_.contains(connection));
  }

  void hear(FakeScheduler& scheduler, const event::Subscribed& event) {
    scheduler.info.id = event.framework;
  }
  void hear(FakeScheduler& scheduler, const event::Error&) {
    // It was removed, say: it begins anew.
    if (calm_ || one_in(2)) scheduler.info.id = {};
  }
  void hear(FakeScheduler& scheduler, const event::Offers& event) {
    for (const Offer& offer : event.offers) {
      EXPECT_TRUE(offered_.insert(offer.id).second) << offer.id.value << " was made twice";
      EXPECT_EQ(offer.framework_id, scheduler.info.id);
      const bool brief = std::ranges::any_of(offer.attributes, [](const Attribute& each) {
        return each.name == kMaxTaskDurationAttribute;
      });
      EXPECT_FALSE(brief && scheduler.info.labels.empty()) << "short slots, and not asked for";
      scheduler.offers.push_back(offer);
      ++scheduler.offers_heard;
    }
  }
  void hear(FakeScheduler& scheduler, const event::Rescind& event) {
    std::erase_if(scheduler.offers, [&](const Offer& offer) { return offer.id == event.offer; });
    ++taken_back;
  }
  void hear(FakeScheduler& scheduler, const event::InverseOffers& event) {
    for (const InverseOffer& offer : event.offers) {
      EXPECT_FALSE(offered_.contains(offer.id)) << offer.id.value << " is an offer";
      EXPECT_EQ(offer.framework_id, scheduler.info.id);
      EXPECT_TRUE(scheduler.inverse_offers.emplace(offer.id, offer).second)
          << offer.id.value << " was told twice";
      ++inverse_offers;
    }
  }
  void hear(FakeScheduler& scheduler, const event::RescindInverseOffer& event) {
    const auto at = scheduler.inverse_offers.find(event.offer);
    ASSERT_NE(at, scheduler.inverse_offers.end()) << event.offer.value << " was never told";
    scheduler.inverse_offers.erase(at);
  }
  void hear(FakeScheduler& scheduler, const event::Update& event) {
    const TaskStatus& status = event.status;
    if (status.state == TaskState::kUnreachable) ++unreachable;
    if (!status.uuid) return;
    ++passed_on;
    scheduler.to_acknowledge.push_back(status);
    if (!is_terminal(status.state) || status.task_id.value.starts_with("nonsense")) return;
    const auto [at, first] = ends_.emplace(status.task_id, std::pair(*status.uuid, status.state));
    EXPECT_TRUE(first || at->second == std::pair(*status.uuid, status.state))
        << status.task_id.value << " ended twice";
  }

  TaskSpec some_task(const AgentId& agent) {
    static constexpr const char* kSizes[] = {"cpus:0.5;mem:64", "cpus:1;mem:128", "mem:300",
                                             "cpus:9;mem:64"};
    return make_task(fmt::format("t{}", next_task_++), agent, kSizes[rng_.below(4)]);
  }
  void accept(FakeScheduler& scheduler) {
    call::Accept accept;
    if (scheduler.offers.empty()) {
      accept.offers = {OfferId("m1-O0")};
    } else {
      accept.offers = {any(scheduler.offers).id};
      if (one_in(6)) accept.offers.push_back(any(scheduler.offers).id);
    }
    AgentId agent("nobody");
    for (const Offer& offer : scheduler.offers) {
      if (offer.id == accept.offers[0] && !one_in(30)) agent = offer.agent_id;
    }
    for (uint64_t n = rng_.below(3); n > 0; --n)
      accept.operations.push_back(some_launch(scheduler, agent));
    if (one_in(2)) accept.filters.refuse = seconds_below(20);
    const std::vector<OfferId> used = accept.offers;
    ask(scheduler, std::move(accept));
    std::erase_if(scheduler.offers, [&](const Offer& offer) {
      return std::find(used.begin(), used.end(), offer.id) != used.end();
    });
  }
  protocol::OfferOperation some_launch(FakeScheduler& scheduler, const AgentId& agent) {
    std::vector<TaskSpec> tasks;
    for (uint64_t n = 1 + rng_.below(3); n > 0; --n) {
      tasks.push_back(some_task(agent));
      scheduler.tasks.push_back(tasks.back().id);
    }
    const uint64_t number = rng_.below(3);
    const auto executor = fmt::format("e{}", number);
    const auto executor_resources = number == 0 ? "" : "cpus:0.1;mem:32";
    switch (rng_.below(8)) {
      case 0:
        return {OperationId("op"), protocol::UnsupportedOperation{"RESERVE"}};
      case 1:
        for (TaskSpec& task : tasks) {
          task.has_command = false;
          task.executor = make_executor(executor, ExecutorSpec::Type::kCustom, executor_resources);
        }
        return {{}, protocol::Launch{std::move(tasks)}};
      case 2:
        tasks.push_back(tasks.front());  // twice the same
        return {{}, protocol::Launch{std::move(tasks)}};
      case 3:
        return {{},
                protocol::LaunchGroup{
                    make_executor("g" + executor, ExecutorSpec::Type::kDefault, executor_resources),
                    std::move(tasks)}};
      default:
        return {{}, protocol::Launch{std::move(tasks)}};
    }
  }
  void acknowledge(FakeScheduler& scheduler, std::size_t most) {
    auto& list = scheduler.to_acknowledge;
    for (; most > 0 && !list.empty(); --most) {
      const TaskStatus status = list.front();
      list.erase(list.begin());
      ask(scheduler, call::Acknowledge{status.agent_id, status.task_id, *status.uuid});
    }
  }

  // --- what may happen

  void act() {
    const uint64_t what = rng_.below(100);
    if (what < 30) return act_agent(any(agents_));
    if (what < 80) return act_scheduler(any(schedulers_));
    if (what < 88) return pass(Duration(1ms) * (1 << rng_.below(17)));
    if (what < 94) return store(1 + rng_.below(3), !one_in(15));
    if (what < 97) return bury(1 + rng_.below(2));
    if (what < 98 && one_in(5)) return kill_master();
    if (one_in(3)) return act_operator();
    const ConnectionId connection(next_connection_++);
    unanswered_.insert(connection);
    const std::string framework = one_in(10) ? "nobody" : any(schedulers_).info.id.value;
    if (one_in(3)) return step(FileRequested{connection, any(agents_).id, {}});
    if (one_in(2)) return step(ShareRequested{connection, framework});
    step(ExplainRequested{.connection = connection,
                          .framework = framework,
                          .agent = one_in(2) ? any(agents_).id.value : "",
                          .limit = rng_.below(3),
                          .reason = std::nullopt});
  }

  void act_agent(FakeAgent& agent) {
    if (!agent.link) return dial(agent);
    const uint64_t what = rng_.below(100);
    if (what < 3) return cut(agent);
    if (what < 4) {  // crashed, and its work directory with it
      cut(agent);
      agent.tasks.clear();
      agent.executors.clear();
      return;
    }
    if (what < 5 && agent.registered && one_in(3)) {
      say(agent, to_master::Unregister{});
      return hear(agent, to_agent::Shutdown{});
    }
    if (what < 15) return talk_nonsense(agent);
    if (what < 20 && !agent.executors.empty()) {
      return end_executor(agent, ExecutorKey(any(agent.executors).first));
    }
    if (what < 30 && !agent.tasks.empty()) {
      const auto& [key, work] = any(agent.tasks);  // not acknowledged: once more
      return tell_next(agent, TaskKey(key), Work(work));
    }
    if (agent.tasks.empty()) return;
    static constexpr TaskState kStates[] = {TaskState::kStarting, TaskState::kRunning,
                                            TaskState::kRunning, TaskState::kFinished,
                                            TaskState::kFailed};
    auto& [key, work] = any(agent.tasks);
    change(agent, TaskKey(key), work, kStates[rng_.below(5)]);
  }

  void talk_nonsense(FakeAgent& agent) {
    TaskStatus status;
    status.task_id = TaskId("nonsense");
    status.state = static_cast<TaskState>(rng_.below(14));
    status.agent_id = agent.id;
    if (one_in(2)) status.uuid = Uuid::random(rng_);
    const FrameworkId framework = any(schedulers_).info.id;
    switch (rng_.below(7)) {
      case 0:
        return say(agent, to_master::StatusUpdate{framework, status, TaskState::kRunning});
      case 1:
        return say(agent, to_master::StatusUpdate{FrameworkId("?"), status, status.state});
      case 2:
        return say(agent, to_master::Register{});
      case 3:
        return say(agent, to_master::FileAnswer{rng_.below(9), 200, "", ""});
      case 4:
        return say(agent, to_master::ExecutorTerminated{framework, ExecutorId("?"), 0});
      case 5:
        return say(agent, to_master::FrameworkMessage{framework, ExecutorId("?"), {}});
      default:
        return say(agent, to_master::Pong{});
    }
  }

  void act_scheduler(FakeScheduler& scheduler) {
    if (!scheduler.stream) return subscribe(scheduler);
    const uint64_t what = rng_.below(100);
    if (what < 40) return accept(scheduler);
    if (what < 70) return acknowledge(scheduler, 1 + rng_.below(4));
    if (what < 80 && !scheduler.offers.empty()) {
      const Filters filters{one_in(3) ? std::nullopt : std::optional(seconds_below(9))};
      ask(scheduler, call::Decline{{any(scheduler.offers).id, OfferId("none")}, filters});
      return;
    }
    if (what < 84 && !scheduler.tasks.empty()) {
      return ask(scheduler, call::Kill{any(scheduler.tasks), any(agents_).id, std::nullopt});
    }
    if (what < 86 && !scheduler.inverse_offers.empty()) return answer_inverse_offers(scheduler);
    if (what < 88 && !scheduler.tasks.empty()) {
      call::Reconcile reconcile;
      if (one_in(2)) reconcile.tasks.push_back({any(scheduler.tasks), any(agents_).id});
      return ask(scheduler, std::move(reconcile));
    }
    switch (rng_.below(10)) {
      case 0:
        return close(scheduler);
      case 1:
        return subscribe(scheduler);  // a second instance takes over
      case 2:
        return ask(scheduler, call::Suppress{});
      case 3:
        return ask(scheduler, call::Revive{scheduler.info.roles});
      case 4:
        return ask(scheduler, call::Shutdown{ExecutorId("e1"), any(agents_).id});
      case 5:
        return ask(scheduler, call::Acknowledge{any(agents_).id, TaskId("t1"), {}});
      case 6:
        return ask(scheduler, call::Message{any(agents_).id, ExecutorId("e0"), {}});
      case 7:
        return change_roles(scheduler);
      case 8:
        if (one_in(4)) ask(scheduler, call::Teardown{});
        return;
      default:
        return ask(scheduler, call::Revive{});
    }
  }
  void answer_inverse_offers(FakeScheduler& scheduler) {
    const std::vector<OfferId> ids = {any(scheduler.inverse_offers).first, OfferId("none")};
    if (one_in(2)) return ask(scheduler, call::AcceptInverseOffers{ids});
    ask(scheduler, call::DeclineInverseOffers{ids});
  }
  void change_roles(FakeScheduler& scheduler) {
    if (!scheduler.info.has(Capability::kMultiRole)) return;
    FrameworkInfo info = scheduler.info;
    info.roles = one_in(2) ? std::vector<std::string>{"a", "b/c"} : std::vector<std::string>{"b/c"};
    scheduler.info.roles = info.roles;
    ask(scheduler, call::UpdateFramework{std::move(info), {}});
  }

  // --- and in the end everything is sound again

  void heal() {
    calm_ = true;
    store(storage_.size());
    bury(dead_links_.size());
    for (int i = 0; i < 3; ++i) {
      for (FakeAgent& agent : agents_) {
        if (agent.registered) continue;
        cut(agent);
        bury(dead_links_.size());
        dial(agent);
      }
      for (FakeScheduler& scheduler : schedulers_) {
        if (!scheduler.stream) subscribe(scheduler);
      }
      store(storage_.size());
    }
    pass(2min);  // agents that never heard their id are known by another one now
    for (FakeAgent& agent : agents_) ASSERT_TRUE(agent.registered) << agent.hostname;
    for (FakeScheduler& scheduler : schedulers_)
      ASSERT_TRUE(scheduler.stream) << scheduler.info.name;
    for (FakeAgent& agent : agents_) end_all(agent);
    for (FakeScheduler& scheduler : schedulers_) {
      ask(scheduler, call::Revive{});
      scheduler.offers_heard = static_cast<int>(scheduler.offers.size());
    }
    for (int round = 0; round < 40; ++round) {
      for (FakeAgent& agent : agents_) {
        for (const auto& [key, work] : std::map(agent.tasks)) tell_next(agent, key, work);
      }
      for (FakeScheduler& scheduler : schedulers_) acknowledge(scheduler, 1000);
      step(BatchEnded{});
      for (FakeScheduler& scheduler : schedulers_) {
        const std::vector<Offer> offers = std::exchange(scheduler.offers, {});
        for (const Offer& offer : offers) {
          ask(scheduler, call::Decline{{offer.id}, {Duration::zero()}});
        }
      }
      pass(500ms);
    }
    check_healed();
  }

  void end_all(FakeAgent& agent) {
    while (!agent.executors.empty()) {
      end_executor(agent, ExecutorKey(agent.executors.begin()->first));
    }
    std::vector<TaskKey> keys;
    for (const auto& [key, work] : agent.tasks) keys.push_back(key);
    for (const TaskKey& key : keys) {
      const auto at = agent.tasks.find(key);
      if (at != agent.tasks.end()) change(agent, key, at->second, TaskState::kFinished);
    }
  }

  // A scheduler knows those that are open, and the master has no others.
  void check_inverse_offers() {
    const protocol::MasterView view = machine_->view();
    for (FakeScheduler& scheduler : schedulers_) {
      if (!scheduler.stream) continue;
      std::set<OfferId> heard;
      for (const auto& [id, offer] : scheduler.inverse_offers) {
        if (offer.start > now_.wall) heard.insert(id);
      }
      for (const protocol::FrameworkView& framework : view.frameworks) {
        if (framework.info.id != scheduler.info.id) continue;
        std::set<OfferId> open;
        for (const protocol::InverseOfferView& offer : framework.inverse_offers) {
          if (offer.start > now_.wall) open.insert(offer.id);
        }
        EXPECT_EQ(heard, open) << scheduler.info.name;
      }
    }
  }

  void check_healed() {
    check_inverse_offers();
    check_watcher();
    const protocol::MasterView view = machine_->view();
    EXPECT_TRUE(view.recovered_agents.empty());
    for (const protocol::AgentSummary& agent : view.agents) {
      EXPECT_TRUE(agent.used.empty()) << agent.info.id.value << " uses " << agent.used.to_string();
    }
    EXPECT_TRUE(allocator_->tasks.empty());
    for (const auto& [holder, held] : allocator_->books) EXPECT_TRUE(held.in_use.empty());
    for (const FakeScheduler& scheduler : schedulers_) {
      EXPECT_GT(scheduler.offers_heard, 0) << scheduler.info.name << " starves";
      for (const auto& framework : view.frameworks) {
        if (framework.info.id != scheduler.info.id) continue;
        EXPECT_TRUE(framework.tasks.empty())
            << scheduler.info.name << " still has " << framework.tasks[0]->spec->id.value << " in "
            << to_string(framework.tasks[0]->state) << " on "
            << framework.tasks[0]->agent_id->value;
      }
    }
  }

  Rng rng_;
  Now now_{MonoTime(1000s), WallTime(1'700'000'000s)};
  protocol::Registry registry_;
  std::unique_ptr<Machine> machine_;
  TestAllocator* allocator_ = nullptr;  // the machine's
  std::optional<MonoTime> armed_;
  std::deque<Persist> storage_;
  std::deque<Effect> queue_;
  bool pumping_ = false;
  bool calm_ = false;
  uint64_t next_connection_ = 1;
  uint64_t next_task_ = 0;
  Digest digest_;

  std::vector<FakeAgent> agents_;
  std::vector<FakeScheduler> schedulers_;
  std::deque<ConnectionId> dead_links_;  // cut, and the master does not know
  std::set<ConnectionId> open_links_;
  std::set<ConnectionId> open_streams_;
  std::vector<ConnectionId> operators_;  // that listen
  std::optional<Watcher> watcher_;       // what they know
  std::set<ConnectionId> unanswered_;
  std::set<TaskId> ran_;
  std::map<TaskId, MonoTime> revoked_;  // with the earliest deadline
  std::set<OfferId> offered_;
  std::map<TaskId, std::pair<Uuid, TaskState>> ends_;
};

TEST(MasterRandom, HoldsWhateverHappens) {
  for (uint64_t seed = 1; seed <= 200 && !HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Chaos(seed).run(1500);
  }
  // The histories are worth something only if much of what was asked was done.
  EXPECT_GT(Chaos::launched, 1000);
  EXPECT_GT(Chaos::passed_on, 2000);
  EXPECT_GT(Chaos::failovers, 20);
  EXPECT_GT(Chaos::unreachable, 20);
  EXPECT_GT(Chaos::short_launched, 100);
  EXPECT_GT(Chaos::inverse_offers, 500);
  EXPECT_GT(Chaos::preempted, 100);
  EXPECT_GT(Chaos::taken_back, 100);
  EXPECT_GT(Chaos::revoked_by_module, 20);
  EXPECT_GT(Chaos::told_operators, 5000);
  EXPECT_GT(Chaos::watcher_checks, 2000);
}

TEST(MasterRandom, SameSeedSameEffects) {
  std::set<uint64_t> digests;
  for (uint64_t seed = 100; seed < 104; ++seed) {
    const uint64_t digest = Chaos(seed).run(600);
    EXPECT_EQ(digest, Chaos(seed).run(600)) << seed;
    digests.insert(digest);
  }
  EXPECT_EQ(digests.size(), 4u);
}

}  // namespace
}  // namespace souk::master
