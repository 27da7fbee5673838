// What simulated processes say to each other, as plain structs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/link.h"
#include "protocol/registry.h"
#include "protocol/scheduler_api.h"

namespace souk::sim {

// --- HTTP, scheduler to master

// A POST to /api/v1/scheduler; `number` is the sender's.
struct Request {
  uint64_t number = 0;
  protocol::SchedulerCall call;
  std::string stream_id;  // empty: the header is missing
};
struct Answer {
  uint64_t number = 0;
  int status = 202;
  std::string body;
  std::string location;  // of a 307: a process by its name; empty: none
};
// 200, and events follow.
struct StreamBegins {
  std::string stream_id;
};

// --- the coordination service (ZooKeeper): requests are numbered by the client

struct ZooHello {
  uint64_t session = 0;  // 0: a new one
  Duration timeout{0};
};
struct ZooPing {};
struct ZooCreate {  // ephemeral, sequential
  uint64_t number = 0;
  std::string data;
};
struct ZooDelete {
  uint64_t number = 0;
  std::string name;
};
struct ZooList {  // and watches, once
  uint64_t number = 0;
};
struct ZooRead {
  uint64_t number = 0;
  std::string name;
};
// The registry, as masters in hot standby share it. Refused if a master of a higher epoch has read
// it since.
struct ZooLoadRegistry {
  uint64_t number = 0;
  uint64_t epoch = 0;
};
struct ZooStoreRegistry {
  uint64_t number = 0;
  uint64_t epoch = 0;
  std::vector<protocol::RegistryOperation> operations;
};
struct ZooGoodbye {};

struct ZooWelcome {
  uint64_t session = 0;
  bool expired = false;  // the session asked for is no more
};
struct ZooPong {};
struct ZooAnswer {
  uint64_t number = 0;
  bool ok = true;
  std::string text;  // the name of a created node, or the data of one that was read
  uint64_t epoch = 0;
  std::vector<std::string> names;
  std::optional<protocol::Registry> registry;
};
struct ZooChanged {};  // a watch fires

using Message = std::variant<protocol::AgentMessage, protocol::MasterFrame, Request, Answer,
                             StreamBegins, protocol::SchedulerEvent, ZooHello, ZooPing, ZooCreate,
                             ZooDelete, ZooList, ZooRead, ZooLoadRegistry, ZooStoreRegistry,
                             ZooGoodbye, ZooWelcome, ZooPong, ZooAnswer, ZooChanged>;

}  // namespace souk::sim
