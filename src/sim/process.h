// A simulated process: what the network calls on, and what a crash ends. Lives are numbered: what
// one life has asked for does not reach the next.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/strong.h"
#include "sim/clock.h"
#include "sim/messages.h"

namespace souk::sim {

using ProcessId = Strong<struct ProcessIdTag, uint32_t>;

// Of the network; never reused.
using Wire = Strong<struct WireTag, uint64_t>;

class Process {
 public:
  Process(ProcessId id, std::string name) : id_(id), name_(std::move(name)) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  virtual ~Process() = default;

  ProcessId id() const { return id_; }
  const std::string& name() const { return name_; }
  bool up() const { return up_; }
  uint32_t life() const { return life_; }
  Clock& clock() { return clock_; }
  const Clock& clock() const { return clock_; }

  // --- the network
  // The wire that this process dialled is there, or can't be had.
  virtual void on_dialled(Wire wire, bool ok) = 0;
  // Somebody dialled; false: refused.
  virtual bool on_accepted(Wire wire, ProcessId from) = 0;
  virtual void on_message(Wire wire, Message&& message) = 0;
  virtual void on_closed(Wire wire) = 0;

 protected:
  void begin_life() {
    up_ = true;
    ++life_;
  }
  void end_life() {
    up_ = false;
    ++life_;
  }

 private:
  const ProcessId id_;
  const std::string name_;
  bool up_ = false;
  uint32_t life_ = 0;
  Clock clock_;
};

}  // namespace souk::sim
