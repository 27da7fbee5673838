// What can be seen from outside of a simulated cluster; checkers, probes and reports overrule what
// they look at. Called in the order in which things happen; must not change anything.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/effects.h"
#include "agent/events.h"
#include "master/effects.h"
#include "master/events.h"
#include "scheduler/machine.h"
#include "sim/process.h"

namespace souk::sim {

class MasterProcess;
class AgentProcess;
class SchedulerProcess;

class Observer {
 public:
  virtual ~Observer() = default;

  // Before and after a machine's step.
  virtual void on_event(const MasterProcess& /*master*/, const master::Event& /*event*/) {}
  virtual void on_effects(const MasterProcess& /*master*/, const master::Effects& /*effects*/) {}
  virtual void on_event(const AgentProcess& /*agent*/, const agent::Event& /*event*/) {}
  virtual void on_effects(const AgentProcess& /*agent*/, const agent::Effects& /*effects*/) {}
  virtual void on_event(const SchedulerProcess& /*scheduler*/, const scheduler::Event& /*event*/) {}
  virtual void on_effects(const SchedulerProcess& /*scheduler*/,
                          const scheduler::Effects& /*effects*/) {}

  // A simulated operating-system process of a task, or of a custom executor, began or ended.
  virtual void on_task_process(const AgentProcess& /*agent*/, const ContainerId& /*container*/,
                               std::string_view /*name*/, bool /*began*/) {}
  // A master begins to lead, with a fresh machine; or a process's life ends.
  virtual void on_leads(const MasterProcess& /*master*/, uint64_t /*epoch*/) {}
  virtual void on_crash(const Process& /*process*/) {}
  // Something that a reader of a timeline wants to know.
  virtual void on_note(const Process& /*process*/, std::string_view /*text*/) {}
};

}  // namespace souk::sim
