// What candidates and observers have in common, which is nearly all: a candidate is an observer
// that also keeps a node. Use candidate.h and observer.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/deadlines.h"
#include "base/rng.h"
#include "election/election.h"

namespace souk::election {

class Machine {
 public:
  // A deterministic state machine like the others: no I/O, no clock, no threads, no exceptions.
  void step(Now now, Event&& event, Effects& effects);

  // As LeaderChanged told last.
  const std::optional<Leader>& leader() const { return leader_; }

  // What is wrong with the books, or nothing. For tests and the simulator.
  std::optional<std::string> broken_invariant() const;

 protected:
  // With data: a candidate, whose node says that.
  Machine(const Options& options, std::optional<std::string> data, Rng rng);
  ~Machine() = default;

  bool leading() const { return leader_ && leader_->epoch; }
  bool leads(MonoTime now) const;

 private:
  enum class State : uint8_t {
    kIdle,       // not started, or over
    kWaiting,    // to open a session, after a failure
    kOpening,    // a session
    kOpen,       // as far as is known
    kSuspended,  // without a connection
  };
  // The deadlines, in the order in which equal ones count.
  enum class Due : uint8_t {
    kStop,     // leading: the service may end the session soon
    kSession,  // the end of kWaiting, or of patience with kOpening or kSuspended
    kCreate,   // the end of patience with it
    kLook,     // likewise with a list or read; or it is time for another try
  };
  struct Node {
    std::string name;
    Epoch epoch = 0;
  };

  void on(Started&& event);
  void on(SessionOpened&& event);
  void on(SessionSuspended&& event);
  void on(SessionResumed&& event);
  void on(SessionExpired&& event);
  void on(NodeCreated&& event);
  void on(CreateFailed&& event);
  void on(ChildrenListed&& event);
  void on(ListFailed&& event);
  void on(ChildrenChanged&& event);
  void on(NodeRead&& event);
  void on(ReadFailed&& event);
  void on(StopAsked&& event);
  void on(TimerFired&& event);
  void fire(Due due);

  void open();
  // Gives the session up, with all nodes that were made in it, known or not, and opens another one
  // after a back-off. A leader stops instead.
  void renew(const std::string& why);
  void stop(const std::string& why);
  void stop_if_due();
  void forget_session();
  bool has_session() const { return state_ >= State::kOpening; }

  // Finds out who leads: a list, and what the lowest node says. Then once more, if there was a
  // change meanwhile.
  void look();
  void look_failed(const std::string& why);
  void found(std::optional<Leader> leader);
  bool looking() const { return list_ != 0 || read_ != 0; }

  // From what the service heard last until a leader stops.
  Duration lease() const;
  Duration next_backoff();
  void arm();
  template <class E>
  void out(E effect) {
    effects_->emplace_back(std::move(effect));
  }
  void log(Log::Level level, std::string text) { out(Log{level, std::move(text)}); }

  const Options options_;
  const std::optional<std::string> data_;  // of the own node
  Rng rng_;
  Now now_;                     // of the current step
  Effects* effects_ = nullptr;  // of the current step

  State state_ = State::kIdle;
  Session session_ = 0;  // the latest
  Duration timeout_{0};  // its
  Duration backoff_{0};
  Request last_request_ = 0;
  Request create_ = 0;        // not answered; zero: none, as below
  bool create_lost_ = false;  // the connection went first: nobody knows whether there is a node
  std::optional<Node> node_;  // of this session
  Request list_ = 0;          // not answered
  Request read_ = 0;          // not answered
  std::string reading_;       // the node's name
  bool changed_ = false;      // since the list was asked for
  std::optional<Leader> leader_;
  Deadlines<Due> deadlines_;
  std::optional<MonoTime> armed_;
};

}  // namespace souk::election
