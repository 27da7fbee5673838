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
  using ViewSource = std::function<std::shared_ptr<const protocol::MasterView>()>;

  struct Context {
    ViewSource view;  // blocks until the machine has answered; null when it is stopping
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
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::runtime
