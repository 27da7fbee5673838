// The last events of each process, in words and in the order of virtual time: what a person reads
// when a seed fails. Costs a string an event: only for runs that are replayed to be read.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "sim/observer.h"
#include "sim/queue.h"

namespace souk::sim {

class Timeline final : public Observer {
 public:
  // Keeps so many lines of each process.
  Timeline(const Queue& queue, std::size_t lines) : queue_(queue), most_(lines) {}

  void on_event(const MasterProcess& p, const master::Event& e) override;
  void on_effects(const MasterProcess& p, const master::Effects& e) override;
  void on_event(const AgentProcess& p, const agent::Event& e) override;
  void on_effects(const AgentProcess& p, const agent::Effects& e) override;
  void on_event(const SchedulerProcess& p, const scheduler::Event& e) override;
  void on_effects(const SchedulerProcess& p, const scheduler::Effects& e) override;
  void on_task_process(const AgentProcess& p, const ContainerId& container, std::string_view name,
                       bool began) override;
  void on_leads(const MasterProcess& p, uint64_t epoch) override;
  void on_crash(const Process& p) override;
  void on_note(const Process& p, std::string_view text) override;
  // Of the world itself: a fault.
  void note(std::string text) { add("world", std::move(text)); }

  // Lines of "time process: what".
  std::string to_string() const;

 private:
  struct Line {
    uint64_t order;
    MonoTime at;
    std::string text;
  };
  void add(const std::string& process, std::string text);

  const Queue& queue_;
  const std::size_t most_;
  uint64_t last_ = 0;
  std::map<std::string, std::deque<Line>> lines_;
};

}  // namespace souk::sim
