// What the tests of this layer share: a machine with a clock and a hand that plays the service.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "election/candidate.h"
#include "election/observer.h"

namespace souk::election {

template <class T>
std::vector<T> only(const Effects& effects) {
  std::vector<T> found;
  for (const Effect& effect : effects) {
    if (const T* t = std::get_if<T>(&effect)) found.push_back(*t);
  }
  return found;
}

template <class T>
bool has(const Effects& effects) {
  return !only<T>(effects).empty();
}

// The invariants are checked after every step.
template <class M>
class Bench {
 public:
  explicit Bench(M machine) : machine_(std::move(machine)) {}

  Effects step(Event event) {
    Effects effects;
    machine_.step(Now{now(), WallTime(elapsed_)}, std::move(event), effects);
    EXPECT_EQ(machine_.broken_invariant(), std::nullopt);
    for (const Effect& effect : effects) {
      if (const auto* open = std::get_if<OpenSession>(&effect)) session = open->session;
      if (const auto* create = std::get_if<CreateNode>(&effect)) request = create->request;
      if (const auto* list = std::get_if<ListChildren>(&effect)) request = list->request;
      if (const auto* read = std::get_if<ReadNode>(&effect)) request = read->request;
      if (const auto* arm = std::get_if<ArmTimer>(&effect)) armed_ = arm->at;
    }
    return effects;
  }
  // The timer fires whenever it is due on the way.
  Effects wait(Duration d) {
    Effects all;
    const Duration until = elapsed_ + d;
    while (armed_ && armed_->time_since_epoch() <= until) {
      elapsed_ = std::max(elapsed_, armed_->time_since_epoch());
      armed_.reset();
      for (Effect& effect : step(TimerFired{})) all.push_back(std::move(effect));
    }
    elapsed_ = until;
    return all;
  }
  // Time passes and the timer is late.
  void oversleep(Duration d) { elapsed_ += d; }

  // The service's side, of the latest session and request.
  Effects open(Duration timeout = 10s) { return step(SessionOpened{session, timeout}); }
  Effects suspend(Duration ago = 0s) { return step(SessionSuspended{session, now() - ago}); }
  Effects resume() { return step(SessionResumed{session}); }
  Effects expire() { return step(SessionExpired{session}); }
  Effects create(std::string name, Epoch epoch) {
    return step(NodeCreated{request, std::move(name), epoch});
  }
  Effects list(std::vector<std::string> names) {
    return step(ChildrenListed{request, std::move(names)});
  }
  Effects read(std::optional<std::string> data) { return step(NodeRead{request, std::move(data)}); }

  MonoTime now() const { return MonoTime(elapsed_); }
  std::optional<Duration> delay() const {
    if (!armed_) return std::nullopt;
    return *armed_ - now();
  }
  M& machine() { return machine_; }

  Session session = 0;
  Request request = 0;

 private:
  M machine_;
  Duration elapsed_{1h};
  std::optional<MonoTime> armed_;
};

// "json.info_0000000007"
inline std::string node(int sequence) { return fmt::format("{}{:010}", kNodePrefix, sequence); }

}  // namespace souk::election
