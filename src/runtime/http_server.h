// An HTTP/1.1 server for plain requests, endless chunked streams, and links (connections upgraded
// to length-prefixed frames). Some I/O threads each own their connections; requests come to the
// handler on those threads, answers are given from any thread, many at once.
//
// Answers for an id that is gone, or that do not fit what the id is (send() before open_stream()),
// are dropped: the peer may go away at any time. Pipelined requests are handed over at once and
// answered in order.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "runtime/http_types.h"
#include "runtime/loop.h"
#include "wire/link_frame.h"

namespace souk::runtime {

// Called on the I/O threads, several at once if there are several; one id always on its own thread.
class HttpHandler {
 public:
  virtual void on_request(HttpRequest&& request) = 0;
  // A request to upgrade to Options::upgrade_protocol. Answer by accept_upgrade(), or respond() to
  // refuse.
  virtual void on_upgrade(HttpRequest&& request) { on_request(std::move(request)); }
  // Frames of a link, in order; valid during the call.
  virtual void on_frames(ConnectionId link, std::span<const std::string_view> frames) {
    (void)link, (void)frames;
  }
  // The link has handed over Options::max_link_frames and waits for Batch::go_on().
  virtual void on_link_full(ConnectionId link) { (void)link; }
  // The peer is gone, or was cut off, before we ended this request, stream or link ourselves. Once
  // for an id, and the last call for it.
  virtual void on_closed(ConnectionId id) = 0;
  // The thread has handed over all that was ready: pass on what was gathered in one go.
  virtual void on_drained(unsigned thread) { (void)thread; }

 protected:
  ~HttpHandler() = default;
};

class HttpServer {
 public:
  struct Options {
    std::string ip = "127.0.0.1";
    uint16_t port = 0;  // 0: the kernel chooses
    unsigned threads = 1;
    std::size_t max_connections = 100'000;  // beyond: 503
    // With several threads, each gets a table of open files of its own where one table is too small
    // for max_connections. The handler must then use, on those threads, no descriptors that were
    // opened after start(), but for the loops that it made before.
    bool own_file_tables = false;
    std::size_t max_body = kMaxRequestBody;
    std::size_t max_header = kMaxHeaderBytes;
    std::size_t max_send_buffer = kMaxSendBuffer;
    std::size_t max_frame = wire::kMaxLinkFrame;  // beyond: the link is closed
    // Frames of one link that are handed over before the handler says go_on() for it, so that one
    // peer alone does not fill the handler's queues; what follows waits in the socket. 0: no bound.
    std::size_t max_link_frames = 0;
    Duration request_timeout =
        30s;  // from the first byte of a head to its end, and between reads of a body
    Duration idle_timeout = 75s;   // of a kept-alive connection
    Duration write_timeout = 60s;  // without progress of a plain answer
    std::string upgrade_protocol = "souk-link";
  };

  // Answers gathered by one thread, to be submitted in one go. Order is kept for each id.
  class Batch {
   public:
    Batch();
    ~Batch();
    Batch(Batch&&) noexcept;
    Batch& operator=(Batch&&) noexcept;

    void respond(ConnectionId id, HttpReply reply);
    // 200 and the head of a chunked stream; what follows are chunks of the HTTP coding until
    // close().
    void open_stream(ConnectionId id, std::string content_type, HttpHeaders headers = {});
    // 101: from here on frames of wire/link_frame.h, both ways.
    void accept_upgrade(ConnectionId id, HttpHeaders headers = {});
    void send(ConnectionId id, std::string bytes);
    void send(ConnectionId id, SharedBytes bytes);
    // What on_link_full() was told of has been dealt with.
    void go_on(ConnectionId link);
    // Ends a stream or link once what was sent before is written; drops an unanswered request.
    void close(ConnectionId id);
    bool empty() const { return size_ == 0; }

    struct Command;

   private:
    friend class HttpServer;
    std::vector<Command>& of(ConnectionId id);

    std::vector<std::vector<Command>> by_thread_;
    std::size_t size_ = 0;
  };

  struct Stats {
    uint64_t accepted = 0;
    uint64_t requests = 0;
    uint64_t bad_requests = 0;  // refused by the server itself
    uint64_t cut_off = 0;       // readers that did not read
    uint64_t connections = 0;   // open now
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
  };

  // Listens and starts the threads, or says why not. The handler must outlive the server.
  static Result<std::unique_ptr<HttpServer>> start(Options options, HttpHandler& handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  const std::string& ip() const;

  // Thread-safe. Leaves the batch empty, to be used again.
  void submit(Batch& batch);
  void respond(ConnectionId id, HttpReply reply);  // a batch of one

  // Calls back, on an I/O thread, when all has been handed over that had reached this machine when
  // this was called, requests on connections that were not accepted yet included. Thread-safe. In
  // the order of the calls if there is one I/O thread; not at all if the server is stopped before.
  void after_input(Task done);

  Stats stats() const;  // thread-safe

  // Stops accepting, writes what can be written at once, closes everything, joins the threads. No
  // callback comes after it. Not from an I/O thread.
  void stop();

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::runtime
