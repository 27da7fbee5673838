// Renders a master's documents (/state, /metrics, ...) on a thread of its own, from snapshots, so
// that readers cost neither the machine's thread nor the I/O threads more than a message. A
// document without parameters is rendered once for a snapshot and shared (decision 17).
// Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocol/master_view.h"
#include "runtime/http_server.h"
#include "runtime/master_routes.h"
#include "wire/codec_operator.h"

namespace souk::runtime {

class MasterDocuments {
 public:
  // Blocks until the machine has answered. For these streams of operators the view is the one that
  // they begin with.
  using ViewSource = std::function<std::shared_ptr<const protocol::MasterView>(
      const std::vector<ConnectionId>& beginning)>;

  struct Context {
    ViewSource view;
    Duration heartbeat_interval;  // as operators that listen are told
    std::function<HttpServer::Stats()> http;
    std::vector<std::pair<std::string, std::string>> flags;
    WallTime started;
  };

  explicit MasterDocuments(Context context);
  ~MasterDocuments();

  // The reply goes to `done` on the documents' thread. With too many waiting: 503 at once.
  void ask(MasterTarget target, std::function<void(HttpReply)> done);
  // The same for a call of the operator API that asks.
  void ask(wire::OperatorQuestion question, wire::ContentType accept,
           std::function<void(HttpReply)> done);
  // The same for JSON that `make` renders, on the documents' thread, from what it has brought
  // along.
  void render(std::function<std::string()> make, std::function<void(HttpReply)> done);
  // The first event of an operator's stream, as a whole chunk; null with too many waiting.
  void subscribe(ConnectionId stream, wire::ContentType type,
                 std::function<void(SharedBytes)> done);
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::runtime
