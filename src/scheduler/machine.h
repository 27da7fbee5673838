// The scheduler library: what every framework needs of its connection to the master. Subscribes,
// follows redirects, notices silence, comes back after a failure and reconciles, acknowledges, and
// remembers what was asked while away.
//
// A deterministic state machine like the others: no I/O, no clock, no threads; one thread steps it.
// The runtime around it is runtime/scheduler_driver.h (include/souk/scheduler.h for users); the
// simulator drives it by itself.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/rng.h"
#include "base/time.h"
#include "protocol/scheduler_api.h"

namespace souk::scheduler {

struct Options {
  FrameworkInfo framework;           // with an id: takes that framework over
  std::vector<std::string> masters;  // "host:port" each, tried in turn
  std::vector<std::string> suppressed_roles;
  std::map<std::string, OfferConstraints> offer_constraints;  // by role
  // Acknowledge each update once it was told; otherwise the framework does, by an Acknowledge call.
  bool acknowledge = true;
  Duration min_backoff =
      50ms;  // between attempts to connect: doubles up to max_backoff, with jitter
  Duration max_backoff = 5s;
  int max_missed_heartbeats = 4;
  Duration subscribe_timeout = 15s;  // until SUBSCRIBED
  Duration teardown_timeout = 3s;
};

// Bounds what a framework is tracked by; beyond it, tasks are not reconciled on their own.
inline constexpr std::size_t kMaxTasks = 1'000'000;

// Beyond it, a master's word on how often it sends heartbeats is not believed.
inline constexpr Duration kMaxHeartbeatInterval = 1h;

// Numbers the streams: an event of an earlier one comes too late.
using Attempt = uint64_t;

// --- events

struct Started {};
struct StreamOpened {
  Attempt attempt = 0;
  std::string stream_id;
};
struct StreamSaid {
  Attempt attempt = 0;
  protocol::SchedulerEvent event;
};
// The answer to SUBSCRIBE was no stream.
struct StreamRefused {
  Attempt attempt = 0;
  int status = 0;
  std::string location;  // "host:port" out of the Location of a 307; empty: none
  std::string body;
};
struct StreamEnded {
  Attempt attempt = 0;
  std::string why;
};
// The framework wants this said to the master.
struct Asked {
  protocol::SchedulerCallBody call;
};
// Of a call sent during that attempt. Status 0: the connection failed.
struct CallAnswered {
  Attempt attempt = 0;
  bool teardown = false;
  int status = 0;
  std::string body;
};
struct StopAsked {
  bool teardown = true;  // false: the framework's tasks run on, for its successor
};
struct TimerFired {};

using Event = std::variant<Started, StreamOpened, StreamSaid, StreamRefused, StreamEnded, Asked,
                           CallAnswered, StopAsked, TimerFired>;

// --- effects

// Opens a stream by this SUBSCRIBE.
struct Connect {
  Attempt attempt = 0;
  std::string master;
  protocol::SchedulerCall call;
};
struct Disconnect {
  Attempt attempt = 0;
};
struct Send {
  Attempt attempt = 0;
  std::string master;
  std::string stream_id;
  protocol::SchedulerCall call;
};
// Tell the framework.
struct Tell {
  protocol::SchedulerEvent event;
};
// It is not connected, and goes on trying: its offers are void. Told once until it is subscribed
// again.
struct TellDisconnected {
  std::string why;
};
struct ArmTimer {
  std::optional<MonoTime> at;
};
// It is over; with an error if not by StopAsked.
struct End {
  std::optional<std::string> error;
};

using Effect = std::variant<Connect, Disconnect, Send, Tell, TellDisconnected, ArmTimer, End>;
using Effects = std::vector<Effect>;

class Machine {
 public:
  Machine(Options options, Rng rng);

  void step(Now now, Event&& event, Effects& effects);

  bool subscribed() const { return state_ == State::kSubscribed; }
  const FrameworkId& framework_id() const { return options_.framework.id; }
  // Tasks that were launched and have not been seen to end.
  std::size_t open_tasks() const { return tasks_.size(); }

  // What is wrong with the books, or nothing. For tests and the simulator.
  std::optional<std::string> broken_invariant() const;

 private:
  enum class State : uint8_t { kIdle, kWaiting, kConnecting, kSubscribed, kStopping, kEnded };

  void on(Started&& event);
  void on(StreamOpened&& event);
  void on(StreamSaid&& event);
  void on(StreamRefused&& event);
  void on(StreamEnded&& event);
  void on(Asked&& event);
  void on(CallAnswered&& event);
  void on(StopAsked&& event);
  void on(TimerFired&& event);

  void connect();
  // Gives up the stream, if there is one, and tries again: at once after a redirect (two masters
  // may point at each other, so only after the first in a row), else after a back-off.
  void reconnect(const std::string& why, bool at_once);
  void end(std::optional<std::string> error);
  void subscribed_now(const protocol::event::Subscribed& event);
  // What was asked for while the SUBSCRIBE was on its way.
  void catch_up();
  void hear_update(const protocol::event::Update& event);
  void note_launches(const protocol::call::Accept& accept);
  void lose_launches(const protocol::call::Accept& accept);
  // What has to hold after a reconnect too is kept in the state; the rest is void while away.
  void ask_while_away(protocol::SchedulerCallBody&& call);
  void remember(const protocol::SchedulerCallBody& call);
  void send(protocol::SchedulerCallBody call);
  void arm(std::optional<MonoTime> at);

  template <class E>
  void out(E effect) {
    effects_->emplace_back(std::move(effect));
  }

  struct Task {
    AgentId agent;
    bool kill_asked = false;
    std::optional<Duration> grace;
  };

  Options options_;
  Rng rng_;
  Now now_;
  Effects* effects_ = nullptr;

  State state_ = State::kIdle;
  Attempt attempt_ = 0;
  bool stream_open_ = false;
  bool told_ = false;  // TellDisconnected, since it was last subscribed
  std::size_t next_master_ = 0;
  std::string master_;       // of the attempt
  std::string redirect_;     // where the next attempt goes; empty: the next of the list
  bool redirected_ = false;  // so began this attempt
  std::string stream_id_;
  Duration backoff_{0};
  Duration heartbeat_interval_{0};
  std::optional<MonoTime> deadline_;
  std::set<std::string> suppressed_;
  // As the latest SUBSCRIBE said it.
  std::set<std::string> said_suppressed_;
  bool said_framework_ = true;  // that, and the constraints, have not changed since
  std::map<TaskId, Task> tasks_;
};

}  // namespace souk::scheduler
