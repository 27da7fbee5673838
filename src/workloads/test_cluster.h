// A small cluster for tests of workloads: offers what is free, runs what is launched for as long as
// it should, and breaks things as it is told. It plays the part of master, agents and scheduler
// library at once, and checks that the workload keeps to the rules.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/rng.h"
#include "workloads/workload.h"

namespace souk::workloads {

inline Resources resources(std::string_view text) { return Resources::parse(text).value(); }

// Remembers what was asked for; the length travels in a field that workloads do not use.
class RecordingMaker final : public TaskMaker {
 public:
  TaskSpec make(TaskSpec task, Duration length) const override {
    lengths.push_back(length);
    task.max_completion_time = length;
    return task;
  }
  mutable std::vector<Duration> lengths;
};

inline Offer make_offer(const std::string& id, const std::string& host, std::string_view free) {
  Offer offer;
  offer.id = OfferId(id);
  offer.agent_id = AgentId("agent-" + host);
  offer.hostname = host;
  offer.role = "*";
  offer.resources = resources(free);
  return offer;
}

// Calls a workload by hand, and shows what it says.
class Hand {
 public:
  explicit Hand(Workload& workload) : workload_(workload) {}

  using Calls = std::vector<protocol::SchedulerCallBody>;

  template <class Act>
  Calls act(Act&& act) {
    Calls calls;
    Context context({now, WallTime(now.time_since_epoch())}, maker, calls);
    act(context);
    for (const auto& call : calls) note(call);
    return calls;
  }
  Calls subscribe() {
    return act([&](Context& c) { workload_.on_subscribed(c); });
  }
  Calls offer(std::vector<Offer> offers) {
    return act([&](Context& c) { workload_.on_offers(c, std::move(offers)); });
  }
  Calls update(const TaskId& id, TaskState state) {
    TaskStatus status;
    status.task_id = id;
    status.state = state;
    status.agent_id = AgentId("agent");
    return act([&](Context& c) { workload_.on_update(c, status); });
  }
  // Its deadlines come on the way.
  Calls wait(Duration length) {
    Calls all;
    const MonoTime until = now + length;
    for (auto due = workload_.next_deadline(); due && *due <= until;
         due = workload_.next_deadline()) {
      now = std::max(now, *due);
      std::ranges::move(act([&](Context& c) { workload_.on_deadline(c); }),
                        std::back_inserter(all));
    }
    now = until;
    return all;
  }

  template <class T>
  static std::vector<T> of(const Calls& calls) {
    std::vector<T> found;
    for (const auto& call : calls) {
      if (const T* t = std::get_if<T>(&call)) found.push_back(*t);
    }
    return found;
  }
  static std::vector<TaskSpec> tasks(const Calls& calls) {
    std::vector<TaskSpec> found;
    for (const auto& accept : of<protocol::call::Accept>(calls)) {
      for (const auto& operation : accept.operations) {
        const auto& tasks = std::get<protocol::Launch>(operation.body).tasks;
        found.insert(found.end(), tasks.begin(), tasks.end());
      }
    }
    return found;
  }

  MonoTime now{};
  RecordingMaker maker;
  std::vector<TaskSpec> launched;  // all, in order

 private:
  void note(const protocol::SchedulerCallBody& call) {
    std::ranges::move(tasks({call}), std::back_inserter(launched));
  }
  Workload& workload_;
};

// Per mille, at each tick of 100 ms.
struct Faults {
  uint64_t lose_task = 0;    // a running task ends as FAILED, LOST, GONE, ...
  uint64_t lose_agent = 0;   // its tasks are UNREACHABLE; some of them come back after 3 s
  uint64_t rescind = 0;      // all open offers
  uint64_t disconnect = 0;   // for 1 s; what ends meanwhile is not told
  uint64_t lose_launch = 0;  // of each task that is launched: nothing is ever heard of it
  uint64_t repeat = 0;       // of each update
  Duration until = 300s;     // no faults from then on

  static Faults all() {
    return {.lose_task = 30,
            .lose_agent = 10,
            .rescind = 50,
            .disconnect = 10,
            .lose_launch = 20,
            .repeat = 200};
  }
};

class TestCluster {
 public:
  struct Setup {
    std::size_t agents = 4;
    std::string each = "cpus:4;mem:4096";
    Faults faults;
    uint64_t seed = 1;
    std::vector<Attribute> attributes;
  };

  TestCluster(Workload& workload, Setup setup)
      : workload_(workload), setup_(std::move(setup)), rng_(setup_.seed) {
    for (std::size_t i = 0; i < setup_.agents; ++i) {
      agents_.push_back({resources(setup_.each), {}, true, {}});
    }
  }

  // Until the workload is done, or for `limit`. Whether it is done.
  bool run(Duration limit) {
    if (!subscribed_) {
      subscribed_ = true;
      act([&](Context& c) { workload_.on_subscribed(c); });
      after(100ms, [this] { tick(); });
    }
    const MonoTime end = now_ + limit;
    while (!workload_.done() && now_ < end && !::testing::Test::HasFailure()) {
      const auto due = workload_.next_deadline();
      if (due && *due <= queue_.begin()->first) {
        now_ = std::max(now_, *due);
        act([&](Context& c) { workload_.on_deadline(c); });
        continue;
      }
      auto next = queue_.extract(queue_.begin());
      now_ = next.key();
      next.mapped()();
    }
    return workload_.done();
  }

  MonoTime now() const { return now_; }
  uint64_t digest() const { return digest_.value(); }
  std::size_t live() const { return live_.size(); }
  std::size_t most_live() const { return most_live_; }
  std::size_t open_offers() const { return offers_.size(); }
  uint64_t finished() const { return finished_; }
  uint64_t faults_done() const { return faults_done_; }
  std::map<std::string, std::size_t> live_by_host() const {
    std::map<std::string, std::size_t> found;
    for (const auto& [id, task] : live_) ++found[host(task.agent)];
    return found;
  }
  const RecordingMaker& maker() const { return maker_; }
  static std::string host(std::size_t agent) { return "h" + std::to_string(agent); }

 private:
  struct Agent {
    Resources free;
    MonoTime refused_until;
    bool reachable = true;
    std::optional<OfferId> offered;
  };
  struct Live {
    std::size_t agent = 0;
    Resources resources;
    bool running = false;
    bool silent = false;
  };
  struct Open {
    std::size_t agent = 0;
    Resources resources;
  };

  void after(Duration wait, std::function<void()> what) {
    queue_.emplace(now_ + wait, std::move(what));
  }
  bool strikes(uint64_t per_mille) {
    if (now_.time_since_epoch() > setup_.faults.until) return false;
    const bool yes = rng_.below(1000) < per_mille;
    faults_done_ += yes ? 1 : 0;
    return yes;
  }

  template <class Act>
  void act(Act&& act) {
    std::vector<protocol::SchedulerCallBody> calls;
    Context context({now_, WallTime(now_.time_since_epoch())}, maker_, calls);
    act(context);
    for (auto& call : calls) {
      digest_.add(protocol::name_of(call))
          .add(static_cast<uint64_t>(now_.time_since_epoch().count()));
      after(1ms, [this, call = std::move(call)] { std::visit([&](auto& c) { hear(c); }, call); });
    }
  }

  void update(const TaskId& id, std::size_t agent, TaskState state) {
    if (!connected_) return;
    TaskStatus status;
    status.task_id = id;
    status.state = state;
    status.agent_id = AgentId("agent-" + host(agent));
    digest_.add(id.value).add(static_cast<uint64_t>(state));
    const int times = strikes(setup_.faults.repeat) ? 2 : 1;
    for (int i = 0; i < times; ++i) act([&](Context& c) { workload_.on_update(c, status); });
  }

  void end(const TaskId& id, TaskState state) {
    const auto at = live_.find(id);
    if (at == live_.end()) return;
    const Live task = at->second;
    live_.erase(at);
    agents_[task.agent].free += task.resources;
    if (state == TaskState::kFinished) ++finished_;
    if (!task.silent) update(id, task.agent, state);
  }

  void hear(const protocol::call::Accept& accept) {
    ASSERT_EQ(accept.offers.size(), 1u);
    const auto& tasks = std::get<protocol::Launch>(accept.operations.at(0).body).tasks;
    ASSERT_FALSE(tasks.empty());
    const auto at = offers_.find(accept.offers[0]);
    if (at == offers_.end()) {
      for (const TaskSpec& task : tasks) update(task.id, 0, TaskState::kDropped);
      return;
    }
    const Open offer = close(at);
    Agent& agent = agents_[offer.agent];
    Resources left = offer.resources;
    for (const TaskSpec& task : tasks) {
      ASSERT_TRUE(used_.insert(task.id).second) << task.id.value << " was used before";
      ASSERT_EQ(task.agent_id->value, "agent-" + host(offer.agent));
      ASSERT_TRUE(left.contains(task.resources)) << "more than was offered";
      left -= task.resources;
      start(task, offer.agent);
    }
    if (!left.empty()) agent.refused_until = now_ + refuse_duration(accept.filters);
  }
  void start(const TaskSpec& task, std::size_t agent) {
    agents_[agent].free -= task.resources;
    const bool silent = strikes(setup_.faults.lose_launch);
    live_[task.id] = {agent, task.resources, false, silent};
    most_live_ = std::max(most_live_, live_.size());
    const TaskId id = task.id;
    if (silent) return after(1s, [this, id] { end(id, TaskState::kLost); });
    after(10ms, [this, id] {
      const auto at = live_.find(id);
      if (at == live_.end()) return;
      at->second.running = true;
      update(id, at->second.agent, TaskState::kRunning);
    });
    after(10ms + task.max_completion_time.value(), [this, id] { end(id, TaskState::kFinished); });
  }
  void hear(const protocol::call::Decline& decline) {
    for (const OfferId& id : decline.offers) {
      const auto at = offers_.find(id);
      if (at == offers_.end()) continue;
      agents_[close(at).agent].refused_until = now_ + refuse_duration(decline.filters);
    }
  }
  void hear(const protocol::call::Suppress&) { suppressed_ = true; }
  void hear(const protocol::call::Revive&) {
    suppressed_ = false;
    for (Agent& agent : agents_) agent.refused_until = now_;
  }
  void hear(const protocol::call::Kill& kill) {
    after(5ms, [this, id = kill.task] { end(id, TaskState::kKilled); });
  }
  void hear(const protocol::call::Reconcile& reconcile) {
    for (const auto& task : reconcile.tasks) {
      const auto at = live_.find(task.id);
      if (at == live_.end() || at->second.silent) {
        update(task.id, 0, TaskState::kGone);
      } else if (agents_[at->second.agent].reachable) {
        update(task.id, at->second.agent,
               at->second.running ? TaskState::kRunning : TaskState::kStaging);
      }
    }
  }
  template <class Other>
  void hear(const Other&) {
    ADD_FAILURE() << "no workload should say " << protocol::name_of(Other{});
  }

  Open close(std::map<OfferId, Open>::iterator at) {
    const Open offer = at->second;
    agents_[offer.agent].offered.reset();
    offers_.erase(at);
    return offer;
  }

  void tick() {
    after(100ms, [this] { tick(); });
    break_things();
    if (!connected_ || suppressed_) return;
    std::vector<Offer> offers;
    for (std::size_t i = 0; i < agents_.size(); ++i) {
      Agent& agent = agents_[i];
      if (!agent.reachable || agent.offered || agent.refused_until > now_ || agent.free.empty()) {
        continue;
      }
      Offer offer = make_offer("O" + std::to_string(next_offer_++), host(i), "");
      offer.resources = agent.free;
      offer.attributes = setup_.attributes;
      agent.offered = offer.id;
      offers_[offer.id] = {i, offer.resources};
      offers.push_back(std::move(offer));
    }
    if (!offers.empty()) act([&](Context& c) { workload_.on_offers(c, std::move(offers)); });
  }

  void break_things() {
    if (strikes(setup_.faults.lose_task) && !live_.empty()) {
      static constexpr std::array kEnds = {
          TaskState::kFailed, TaskState::kKilled,         TaskState::kLost,   TaskState::kError,
          TaskState::kGone,   TaskState::kGoneByOperator, TaskState::kDropped};
      const auto at = std::next(live_.begin(), static_cast<int>(rng_.below(live_.size())));
      end(TaskId(at->first), kEnds.at(rng_.below(kEnds.size())));
    }
    if (strikes(setup_.faults.lose_agent)) lose_agent(rng_.below(agents_.size()));
    if (connected_ && strikes(setup_.faults.rescind)) {
      while (!offers_.empty()) {
        const OfferId id = offers_.begin()->first;
        close(offers_.begin());
        act([&](Context& c) { workload_.on_rescinded(c, id); });
      }
    }
    if (connected_ && strikes(setup_.faults.disconnect)) disconnect();
  }
  void lose_agent(std::size_t index) {
    Agent& agent = agents_[index];
    if (!agent.reachable) return;
    agent.reachable = false;
    if (agent.offered) {
      const OfferId id = *agent.offered;
      close(offers_.find(id));
      if (connected_) act([&](Context& c) { workload_.on_rescinded(c, id); });
    }
    std::vector<TaskId> there;
    for (const auto& [id, task] : live_) {
      if (task.agent == index) there.push_back(id);
    }
    for (const TaskId& id : there) update(id, index, TaskState::kUnreachable);
    after(3s, [this, index, there] {
      agents_[index].reachable = true;
      for (const TaskId& id : there) {
        const auto at = live_.find(id);
        if (at != live_.end() && at->second.running) update(id, index, TaskState::kRunning);
      }
    });
  }
  void disconnect() {
    connected_ = false;
    while (!offers_.empty()) close(offers_.begin());
    act([&](Context& c) { workload_.on_disconnected(c); });
    after(1s, [this] {
      connected_ = true;
      for (Agent& agent : agents_) agent.refused_until = now_;
      act([&](Context& c) { workload_.on_subscribed(c); });
    });
  }

  Workload& workload_;
  const Setup setup_;
  Rng rng_;
  MonoTime now_{};
  std::multimap<MonoTime, std::function<void()>> queue_;
  RecordingMaker maker_;
  Digest digest_;
  std::vector<Agent> agents_;
  std::map<OfferId, Open> offers_;
  std::map<TaskId, Live> live_;
  std::set<TaskId> used_;
  std::size_t most_live_ = 0;
  uint64_t next_offer_ = 0;
  uint64_t finished_ = 0;
  uint64_t faults_done_ = 0;
  bool subscribed_ = false;
  bool connected_ = true;
  bool suppressed_ = false;
};

}  // namespace souk::workloads
