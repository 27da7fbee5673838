// What is asked of an I/O thread of the HTTP server, from any thread.
#pragma once

#include <string>
#include <variant>

#include "runtime/http_server.h"

namespace souk::runtime {

namespace command {
struct OpenStream {
  std::string content_type;
  HttpHeaders headers;
};
struct AcceptUpgrade {
  HttpHeaders headers;
};
struct Close {};
struct GoOn {};
}  // namespace command

struct HttpServer::Batch::Command {
  ConnectionId id;
  std::variant<HttpReply, command::OpenStream, command::AcceptUpgrade, std::string, SharedBytes,
               command::Close, command::GoOn>
      what;
};

}  // namespace souk::runtime
