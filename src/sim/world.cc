#include "sim/world.h"

#include <utility>

#include "sim/wire_trip.h"

namespace souk::sim {

// Passes on to all.
class World::Observers final : public Observer {
 public:
  void add(Observer& observer) { all_.push_back(&observer); }

  void on_event(const MasterProcess& p, const master::Event& e) override {
    for (Observer* one : all_) one->on_event(p, e);
  }
  void on_effects(const MasterProcess& p, const master::Effects& e) override {
    for (Observer* one : all_) one->on_effects(p, e);
  }
  void on_event(const AgentProcess& p, const agent::Event& e) override {
    for (Observer* one : all_) one->on_event(p, e);
  }
  void on_effects(const AgentProcess& p, const agent::Effects& e) override {
    for (Observer* one : all_) one->on_effects(p, e);
  }
  void on_event(const SchedulerProcess& p, const scheduler::Event& e) override {
    for (Observer* one : all_) one->on_event(p, e);
  }
  void on_effects(const SchedulerProcess& p, const scheduler::Effects& e) override {
    for (Observer* one : all_) one->on_effects(p, e);
  }
  void on_task_process(const AgentProcess& p, const ContainerId& container, std::string_view name,
                       bool began) override {
    for (Observer* one : all_) one->on_task_process(p, container, name, began);
  }
  void on_leads(const MasterProcess& p, uint64_t epoch) override {
    for (Observer* one : all_) one->on_leads(p, epoch);
  }
  void on_crash(const Process& p) override {
    for (Observer* one : all_) one->on_crash(p);
  }
  void on_note(const Process& p, std::string_view text) override {
    for (Observer* one : all_) one->on_note(p, text);
  }

 private:
  std::vector<Observer*> all_;
};

World::World(const WorldOptions& options)
    : options_(options),
      rng_(options.seed),
      network_(options.network, queue_, rng_.fork("network"),
               [this](ProcessId id) { return find(id); }),
      observers_(std::make_unique<Observers>()),
      services_(queue_, network_, *observers_) {
  if (options.through_wire) network_.set_pass(pass_through_wire);
}

World::~World() = default;

void World::add_observer(Observer& observer) { observers_->add(observer); }

// --- making it

Zoo& World::add_zoo(ZooOptions options) {
  zoo_ = std::make_unique<Zoo>(next_id(), std::move(options), services_, rng_.fork("zoo"));
  processes_.push_back(zoo_.get());
  zoo_->start();
  return *zoo_;
}

MasterProcess& World::add_master(MasterProcessOptions options) {
  const std::string name = fmt::format("master{}", masters_.size());
  masters_.push_back(std::make_unique<MasterProcess>(next_id(), name, std::move(options), services_,
                                                     rng_.fork(name)));
  MasterProcess& made = *masters_.back();
  processes_.push_back(&made);
  made.start();
  return made;
}

AgentProcess& World::add_agent(AgentProcessOptions options) {
  const std::string name = fmt::format("agent{}", agents_.size());
  for (const auto& master : masters_) options.masters.push_back(master->id());
  agents_.push_back(std::make_unique<AgentProcess>(next_id(), name, std::move(options), services_,
                                                   rng_.fork(name)));
  AgentProcess& made = *agents_.back();
  processes_.push_back(&made);
  made.start();
  return made;
}

SchedulerProcess& World::add_scheduler(SchedulerProcessOptions options,
                                       std::unique_ptr<workloads::Workload> workload) {
  const std::string name = fmt::format("framework{}", schedulers_.size());
  for (const auto& master : masters_) options.masters.push_back(master->id());
  schedulers_.push_back(std::make_unique<SchedulerProcess>(
      next_id(), name, std::move(options), std::move(workload), services_, rng_.fork(name)));
  SchedulerProcess& made = *schedulers_.back();
  processes_.push_back(&made);
  made.start();
  return made;
}

// --- running it

void World::run_until(MonoTime until) {
  while (true) {
    const auto next = queue_.next();
    if (!next || *next > until || queue_.stalled()) break;
    queue_.step();
  }
  queue_.advance(until);
}

bool World::run_until(MonoTime until, const std::function<bool()>& done) {
  while (!done()) {
    const auto next = queue_.next();
    if (!next || *next > until || queue_.stalled()) {
      queue_.advance(until);
      return done();
    }
    const MonoTime moment = *next;
    while (queue_.next() && *queue_.next() == moment) queue_.step();
  }
  return true;
}

// --- looking at it

MasterProcess* World::leader() const {
  MasterProcess* best = nullptr;
  for (const auto& master : masters_) {
    if (master->leads() && (best == nullptr || master->epoch() > best->epoch())) {
      best = master.get();
    }
  }
  return best;
}

Process* World::find(ProcessId id) const {
  return id.value < processes_.size() ? processes_[id.value] : nullptr;
}

}  // namespace souk::sim
