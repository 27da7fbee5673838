// What the machines of leader election hear and say (§3.6: hot standbys, one of which leads). Plain
// structs; the machines are in candidate.h and observer.h, why they are as they are in ADR 5.
//
// The coordination service keeps a folder of nodes for them, and is ZooKeeper in production: a
// candidate's node is ephemeral (it goes with the session that made it) and sequential (the service
// ends its name with a number that grows with each node made). The lowest number leads.
//
// What is asked of whoever is between a machine and the service:
// - Effects are carried out in their order. A session's requests are answered in theirs, each by
// one
//   event with its number; one that is never answered is given up after a while.
// - What a session reads is at least as new as what it wrote or read before, though maybe not the
//   newest there is.
// - A watch tells of the first change after its list was made. It may be lost with the connection.
// - The service ends no session before its timeout has passed since it last heard of it.
// - A leader may have been stopped for long. So silence of two thirds of the timeout is told as
//   SessionSuspended before its master acts on what it has heard: that ends a lease that is over.
//
// How epochs are used: a lock alone does not stop a leader that does not know yet that it is none
// (its process was paused, say). A node's epoch, ZooKeeper's czxid, is larger than those of all
// nodes made before it, so those of successive leaders rise. A master that was elected is to put
// the epoch of its Lead into every frame to its agents, which refuse lower ones than they have seen
// (protocol/link.h), and into every write to the registry that the masters share, which has to
// refuse lower ones than it holds. Epochs are compared within one cluster only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/switches.h"
#include "base/time.h"

namespace souk::election {

// A candidate's node: this and ten digits, as Mesos names them. Other children are not candidates.
inline constexpr std::string_view kNodePrefix = "json.info_";
inline constexpr std::size_t kSequenceDigits = 10;

// A list that is longer is as good as none: to decide on a part of it could make two leaders.
inline constexpr std::size_t kMaxChildren = 10'000;
// A leader's data that is longer is not looked at, as if it could not be read.
inline constexpr std::size_t kMaxData = 64 * 1024;

// Of equally long names the smaller text has the smaller number.
bool is_candidate(std::string_view name);

struct Options {
  // How long before the service may end a session its leader stops: room to carry that out, and for
  // clocks that do not run alike. At most a quarter of the session's timeout counts.
  Duration margin = 1s;
  Duration open_timeout = 15s;   // until a session is open
  Duration min_backoff = 100ms;  // doubles up to max_backoff, with jitter
  Duration max_backoff = 5s;
  Switches switches = {};  // for tests
};

// Numbers the sessions, and the requests, of one machine. What comes of an earlier one comes late.
using Session = uint64_t;
using Request = uint64_t;
using Epoch = uint64_t;

struct Leader {
  std::string name;                 // of its node
  std::string data;                 // as the candidate gave it
  std::optional<Epoch> epoch = {};  // if it is oneself
  bool operator==(const Leader&) const = default;
};

// --- events

// Once more after it is over: a new life, with a new session and a new node, last in the queue.
struct Started {};
struct SessionOpened {
  Session session = 0;
  Duration timeout{0};  // what the service grants, more than zero
};
// The connection is lost, and nobody knows whether the session lives. Told before the requests that
// fail with it: a create that fails alone makes the machine close the session at once, which then
// gets nowhere, and its node stays until the session expires.
struct SessionSuspended {
  Session session = 0;
  // When the latest of what the service has answered was sent, or an earlier time: from then on the
  // timeout runs. ZooKeeper's client notices silence after two thirds of the timeout.
  MonoTime heard;
};
struct SessionResumed {
  Session session = 0;
};
// It is gone with its nodes. The next one has to be asked for.
struct SessionExpired {
  Session session = 0;
};
struct NodeCreated {
  Request request = 0;
  std::string name;  // without the folder
  Epoch epoch = 0;
};
// Maybe it was made all the same.
struct CreateFailed {
  Request request = 0;
  std::string why;
};
struct ChildrenListed {
  Request request = 0;
  std::vector<std::string> names;
};
struct ListFailed {
  Request request = 0;
  std::string why;
};
struct ChildrenChanged {};
struct NodeRead {
  Request request = 0;
  std::optional<std::string> data;  // nothing: there is no such node
};
struct ReadFailed {
  Request request = 0;
  std::string why;
};
struct StopAsked {};
struct TimerFired {};

using Event = std::variant<Started, SessionOpened, SessionSuspended, SessionResumed, SessionExpired,
                           NodeCreated, CreateFailed, ChildrenListed, ListFailed, ChildrenChanged,
                           NodeRead, ReadFailed, StopAsked, TimerFired>;

// --- effects

// Also where a session of before is dead, or was closed.
struct OpenSession {
  Session session = 0;
};
// Its nodes go, at once if there is a connection.
struct CloseSession {
  Session session = 0;
};
// Ephemeral and sequential, named by kNodePrefix. The folder is made if it is not there.
struct CreateNode {
  Request request = 0;
  std::string data;
};
// The names in the folder; and tell of the next change.
struct ListChildren {
  Request request = 0;
};
struct ReadNode {
  Request request = 0;
  std::string name;
};
struct Lead {
  Epoch epoch = 0;
};
// At once: another one may lead soon. The machine is over, and does nothing until Started. A master
// exits here, as those of Mesos do, since it cannot unsay what it has in flight.
struct StopLeading {
  std::string why;
};
// What the service says, oneself included. Nobody leads at first. While the service cannot be
// reached the last known leader stands: a leader that is well should not lose its agents for that.
// A candidate may hear of a node of its own earlier life, until the service has ended that session.
struct LeaderChanged {
  std::optional<Leader> leader;
};
// Replaces the deadline armed before; nothing: disarm.
struct ArmTimer {
  std::optional<MonoTime> at;
};
struct Log {
  enum class Level : uint8_t { kInfo, kWarning } level = Level::kInfo;
  std::string text;
};

using Effect = std::variant<OpenSession, CloseSession, CreateNode, ListChildren, ReadNode, Lead,
                            StopLeading, LeaderChanged, ArmTimer, Log>;
using Effects = std::vector<Effect>;

}  // namespace souk::election
