// A master as it runs: the machine on a thread of its own, the HTTP server's I/O threads before it,
// the registry behind it, and a reader's thread that renders large documents from snapshots.
// Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "allocator/allocator.h"
#include "base/result.h"
#include "master/options.h"
#include "protocol/master_view.h"
#include "runtime/http_types.h"

namespace souk::runtime {

struct MasterNodeOptions {
  std::string ip = "127.0.0.1";
  uint16_t port = 5050;  // 0: the kernel chooses
  std::string hostname;  // as clients are told; empty: the ip
  std::string work_dir;  // of the registry; made if it is not there
  // With several, each has its own table of open files where that takes more connections.
  unsigned io_threads = 1;
  std::size_t max_connections = 100'000;           // beyond: 503
  std::size_t max_stream_buffer = kMaxSendBuffer;  // unread bytes of one stream or link
  master::Options machine;                         // its `info` and `role_weights` are filled in
  std::string allocator = "drf";                   // a module's name, or its path
  allocator::Options allocation;
  std::vector<std::pair<std::string, std::string>> flags;  // for /flags
  // Of a whole cluster in one process: kills the agent with this id, as a power failure would. On
  // an I/O thread, which then shares the table of open files with the others.
  std::function<Result<void>(const std::string& agent)> drop_agent;
};

class MasterNode {
 public:
  // Serves when it returns.
  static Result<std::unique_ptr<MasterNode>> start(MasterNodeOptions options);
  ~MasterNode();

  const std::string& ip() const;
  uint16_t port() const;
  std::string url() const;  // "http://ip:port"

  // A snapshot; shared as long as nothing has changed.
  std::shared_ptr<const protocol::MasterView> view();

 private:
  struct Impl;
  explicit MasterNode(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::runtime
