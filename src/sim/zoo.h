// A simulated coordination service, as ZooKeeper is one: ephemeral sequence nodes under one path,
// sessions that expire, watches that fire once and may come late; and the registry that masters in
// hot standby share, fenced by epochs. One process stands for the whole ensemble.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "protocol/registry.h"
#include "sim/services.h"

namespace souk::sim {

struct ZooOptions {
  Duration work = 1ms;             // what an answer takes
  Duration watch_delay_most = 1s;  // how late a watch may come
  std::string cluster_id;
};

class Zoo final : public Process {
 public:
  Zoo(ProcessId id, ZooOptions options, Services& services, Rng rng);

  void start();
  // Sessions and nodes are durable, as an ensemble's are; their time stands still meanwhile.
  void crash();
  void restart();
  // Ends the session of this client now, as a long pause of its ensemble would.
  void expire_session_of(ProcessId client);

  void on_dialled(Wire, bool) override {}
  bool on_accepted(Wire wire, ProcessId from) override;
  void on_message(Wire wire, Message&& message) override;
  void on_closed(Wire wire) override;

  const protocol::Registry& registry() const { return registry_; }
  protocol::Registry& registry() { return registry_; }
  std::size_t nodes() const { return nodes_.size(); }

 private:
  struct Session {
    Duration timeout{0};
    MonoTime heard;
    ProcessId client;
    std::optional<Wire> wire;
    bool watches = false;
  };
  struct Node {
    std::string data;
    uint64_t session = 0;
    uint64_t epoch = 0;
  };

  void on(Wire wire, ZooHello&& message);
  void on(Wire wire, ZooPing&& message);
  void on(Wire wire, ZooCreate&& message);
  void on(Wire wire, ZooDelete&& message);
  void on(Wire wire, ZooList&& message);
  void on(Wire wire, ZooRead&& message);
  void on(Wire wire, ZooLoadRegistry&& message);
  void on(Wire wire, ZooStoreRegistry&& message);
  void on(Wire wire, ZooGoodbye&& message);

  Session* session_of(Wire wire);
  void answer(Wire wire, ZooAnswer answer);
  void changed();
  void expire(uint64_t session);
  void expire_due();
  void watch_expiry(uint64_t session);

  const ZooOptions options_;
  Services& services_;
  Rng rng_;
  uint64_t last_session_ = 0;
  uint64_t last_change_ = 0;  // the czxid
  uint64_t next_sequence_ = 0;
  std::map<uint64_t, Session> sessions_;
  std::map<Wire, uint64_t> session_of_;
  std::map<Wire, ProcessId> clients_;
  std::map<std::string, Node> nodes_;
  protocol::Registry registry_;
};

}  // namespace souk::sim
