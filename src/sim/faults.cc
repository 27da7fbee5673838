#include "sim/faults.h"

#include <utility>

#include "sim/draw.h"
#include "sim/swarm_world.h"

namespace souk::sim {

FaultInjector::FaultInjector(World& world, Tell tell) : world_(world), tell_(std::move(tell)) {}

void FaultInjector::schedule(const std::vector<Fault>& faults) {
  for (const Fault& fault : faults) {
    world_.at(fault.at, [this, fault] { carry_out(fault); });
  }
}

void FaultInjector::after(Duration delay, Action action) {
  world_.at(world_.now() + delay, [this, action = std::move(action)]() mutable {
    if (!healed_) action();
  });
}

void FaultInjector::carry_out(const Fault& fault) {
  if (healed_) return;
  ++counts_[static_cast<std::size_t>(fault.kind)];
  tell_("fault: " + to_string(fault));
  using Handler = void (FaultInjector::*)(const Fault&);
  constexpr std::array<Handler, kFaultKinds> kHandlers = {
      &FaultInjector::kill_master, &FaultInjector::pause_master,   &FaultInjector::kill_agent,
      &FaultInjector::lose_power,  &FaultInjector::kill_scheduler, &FaultInjector::kill_container,
      &FaultInjector::partition,   &FaultInjector::isolate,        &FaultInjector::cut,
      &FaultInjector::slow_reader, &FaultInjector::break_disk,     &FaultInjector::jump_clock,
      &FaultInjector::stop_zoo,    &FaultInjector::expire_session, &FaultInjector::tear_down,
      &FaultInjector::configure};
  (this->*kHandlers[static_cast<std::size_t>(fault.kind)])(fault);
}

// --- whom it means

MasterProcess& FaultInjector::master_of(const Fault& fault) {
  if (MasterProcess* leader = world_.leader(); leader != nullptr && fault.first % 4 != 0) {
    return *leader;
  }
  return *world_.masters()[fault.first / 4 % world_.masters().size()];
}

AgentProcess& FaultInjector::agent_of(const Fault& fault) {
  return *world_.agents()[fault.first % world_.agents().size()];
}

SchedulerProcess& FaultInjector::scheduler_of(const Fault& fault) {
  return *world_.schedulers()[fault.first % world_.schedulers().size()];
}

ProcessId FaultInjector::process_of(uint32_t number) {
  const uint32_t rest = number / 4;
  switch (number % 4) {
    case 0:
      if (world_.zoo() != nullptr && rest % 3 == 0) return world_.zoo()->id();
      return world_.masters()[rest % world_.masters().size()]->id();
    case 1:
      return world_.schedulers()[rest % world_.schedulers().size()]->id();
    default:
      return world_.agents()[rest % world_.agents().size()]->id();
  }
}

// --- processes

void FaultInjector::kill_master(const Fault& fault) {
  MasterProcess& master = master_of(fault);
  master.crash(fault.draw % 8 == 0);
  after(fault.length, [&master] {
    if (!master.up()) master.start();
  });
}

void FaultInjector::pause_master(const Fault& fault) {
  master_of(fault).pause(fault.length, fault.draw % 2 == 0);
}

void FaultInjector::kill_agent(const Fault& fault) {
  AgentProcess& agent = agent_of(fault);
  agent.crash();
  after(fault.length, [&agent] { agent.start(); });
}

void FaultInjector::lose_power(const Fault& fault) {
  AgentProcess& agent = agent_of(fault);
  agent.lose_power();
  after(fault.length, [&agent] { agent.restore_power(); });
}

void FaultInjector::kill_scheduler(const Fault& fault) {
  SchedulerProcess& scheduler = scheduler_of(fault);
  scheduler.crash(fault.draw % 4 == 0);
  after(fault.length, [&scheduler] { scheduler.start(); });
}

void FaultInjector::kill_container(const Fault& fault) {
  AgentProcess& agent = agent_of(fault);
  if (agent.containers().empty()) return;
  auto at = agent.containers().begin();
  std::advance(at, fault.second % agent.containers().size());
  Container& container = *at->second;
  // Either the souk-executor with all it runs, or one process in it.
  if (fault.draw % 2 == 0 || container.processes().empty()) {
    return agent.kill_container(container.id());
  }
  const std::string name = container.processes().begin()->first;
  container.end_process(name, 9);
}

// --- the network

void FaultInjector::partition(const Fault& fault) {
  const ProcessId a = process_of(fault.first);
  const ProcessId b = fault.draw % 2 == 0 ? master_of(fault).id() : process_of(fault.second);
  if (a == b) return;
  world_.network().block(a, b);
  after(fault.length, [this, a, b] { world_.network().unblock(a, b); });
}

void FaultInjector::isolate(const Fault& fault) {
  const ProcessId alone = process_of(fault.first);
  const auto others = [this, alone](auto&& each) {
    for (uint32_t id = 0; world_.find(ProcessId(id)) != nullptr; ++id) {
      if (ProcessId(id) != alone) each(ProcessId(id));
    }
  };
  others([&](ProcessId other) { world_.network().block(alone, other); });
  after(fault.length, [this, alone, others] {
    others([&](ProcessId other) { world_.network().unblock(alone, other); });
  });
}

void FaultInjector::cut(const Fault& fault) {
  world_.network().cut(process_of(fault.first), master_of(fault).id());
}

void FaultInjector::slow_reader(const Fault& fault) {
  const ProcessId slow = process_of(fault.first);
  world_.network().slow_down(slow, Duration(1 + fault.draw % 300'000'000));
  after(fault.length, [this, slow] { world_.network().slow_down(slow, Duration::zero()); });
}

// --- disks and clocks

void FaultInjector::break_disk(const Fault& fault) {
  if (fault.draw % 3 == 0) {
    MasterProcess& master = master_of(fault);
    master.set_disk_broken(true);
    after(fault.length, [&master] { master.set_disk_broken(false); });
  } else {
    AgentProcess& agent = agent_of(fault);
    agent.set_disk_broken(true);
    after(fault.length, [&agent] { agent.set_disk_broken(false); });
  }
}

void FaultInjector::jump_clock(const Fault& fault) {
  Rng rng(fault.draw);
  const Duration by = draw_between(rng, Duration(-1h), Duration(1h));
  if (fault.draw % 2 == 0) {
    master_of(fault).clock().jump(by);
  } else {
    agent_of(fault).clock().jump(by);
  }
}

void FaultInjector::stop_zoo(const Fault& fault) {
  Zoo& zoo = *world_.zoo();
  if (!zoo.up()) return;
  zoo.crash();
  after(fault.length, [&zoo] {
    if (!zoo.up()) zoo.restart();
  });
}

void FaultInjector::expire_session(const Fault& fault) {
  if (world_.zoo()->up()) world_.zoo()->expire_session_of(master_of(fault).id());
}

// --- people

void FaultInjector::tear_down(const Fault& fault) {
  SchedulerProcess& scheduler = scheduler_of(fault);
  torn_down_.insert(scheduler.id());
  scheduler.tear_down();
}

void FaultInjector::configure(const Fault& fault) {
  Rng rng(fault.draw);
  if (MasterProcess* leader = world_.leader()) leader->call(draw_operator_call(rng));
}

// --- the end of it

void FaultInjector::heal() {
  healed_ = true;
  world_.network().unblock_all();
  for (uint32_t id = 0; world_.find(ProcessId(id)) != nullptr; ++id) {
    world_.network().slow_down(ProcessId(id), Duration::zero());
  }
  if (world_.zoo() != nullptr && !world_.zoo()->up()) world_.zoo()->restart();
  for (const auto& master : world_.masters()) {
    master->set_disk_broken(false);
    if (!master->up()) master->start();
  }
  for (const auto& agent : world_.agents()) {
    agent->set_disk_broken(false);
    HostTuning calm = agent->tuning();
    calm.launch_fails = calm.task_crashes = 0;
    agent->set_tuning(calm);
    agent->restore_power();
  }
  for (const auto& scheduler : world_.schedulers()) {
    scheduler->start();
    // Who sits on offers breaks what is free on an agent into pieces, which may then be too small
    // for the others for ever (§4.6): people would end it, or ask for minimum sizes.
    if (scheduler->options().idle)
      world_.at(world_.now() + 60s, [&s = *scheduler] { s.tear_down(); });
  }
}

}  // namespace souk::sim
