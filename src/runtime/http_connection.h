// One accepted connection of the HTTP server: its bytes in both directions, its requests in their
// order, its deadline. Owned by one I/O thread and used on it only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fifo.h"
#include "base/time.h"
#include "runtime/http_command.h"
#include "runtime/http_parser.h"
#include "runtime/http_server.h"
#include "runtime/http_text.h"
#include "runtime/loop.h"
#include "runtime/out_buffer.h"

namespace souk::runtime {

class HttpConnection;

// What a connection needs of its thread.
class HttpThreadContext {
 public:
  virtual const HttpServer::Options& options() const = 0;
  virtual HttpHandler& handler() = 0;
  virtual ConnectionId next_id(uint32_t slot) = 0;
  virtual std::string_view date() = 0;                  // for the Date header
  virtual std::string_view accepted() = 0;              // the whole answer 202, kept alive
  virtual std::span<char> scratch() = 0;                // to read into
  virtual std::vector<std::string_view>& frames() = 0;  // to cut frames into
  virtual void note_bytes(std::size_t in, std::size_t out) = 0;
  virtual void note_request() = 0;
  virtual void note_bad_request() = 0;
  virtual void note_cut_off() = 0;
  // Calls settle() before the thread sleeps; as often as asked, once.
  virtual void settle_later(HttpConnection& connection) = 0;
  virtual void set_deadline(HttpConnection& connection, MonoTime when) = 0;
  // Destroys the connection before the thread sleeps.
  virtual void bury(HttpConnection& connection) = 0;

 protected:
  ~HttpThreadContext() = default;
};

class HttpConnection final : private Watcher {
 public:
  HttpConnection(HttpThreadContext& thread, Loop& loop, uint32_t slot, int fd, std::string peer);

  void start();
  void apply(HttpServer::Batch::Command&& command);
  // Parses what had to wait, writes what can be written, sets the deadline.
  void settle();
  void on_deadline(MonoTime now);

  uint32_t slot() const { return slot_; }

  // The thread's book-keeping.
  bool settling = false;
  bool buried = false;
  std::optional<MonoTime> armed_deadline;

 private:
  enum class Mode : uint8_t {
    kHttp,      // requests and answers
    kStream,    // the first exchange is an open stream: what comes in is thrown away
    kLink,      // frames both ways
    kClosing,   // what is in the buffer is written, then it ends
    kDraining,  // our end is shut: throwing away what the peer still sends, so that it can read our
                // last words
  };
  enum class Waiting : uint8_t { kNothing, kRequest, kBody, kIdle, kWrite, kDrain };

  // A request that was handed over (or refused) and not yet wholly answered into the buffer.
  struct Exchange {
    ConnectionId id;
    bool head_only = false;
    bool http11 = true;
    bool keep_alive = true;
    bool gzip = false;
    bool upgrade = false;
    bool streaming = false;
    bool complete = false;
    OutBuffer held;  // the answer, as long as others come before it
  };

  void on_readable() override;
  void on_writable() override;

  void take_input(std::string_view bytes);
  std::size_t parse(std::string_view bytes);
  std::size_t parse_requests(std::string_view bytes);
  std::size_t parse_frames(std::string_view bytes);
  bool parsing_waits() const;
  void hand_over_request();
  void send_continue();
  void refuse(int status, std::string text);
  void on_end_of_input();
  void arm_read_if_wanted();

  void answer(Exchange& exchange, HttpReply& reply);
  void open_stream(Exchange& exchange, command::OpenStream& open);
  void accept_upgrade(Exchange& exchange, const command::AcceptUpgrade& accept);
  void send(ConnectionId id, OutBuffer&& bytes);
  void close(ConnectionId id);
  void finish_exchanges();
  void write_head(std::string& head, const Exchange& exchange, int status) const;
  OutBuffer& target_of(const Exchange& exchange);
  Exchange* find(ConnectionId id);

  void flush();
  void finish_closing();
  void lose(const char* why);
  void update_deadline();

  HttpThreadContext& thread_;
  Watch watch_;
  const uint32_t slot_;
  Mode mode_ = Mode::kHttp;
  Waiting waiting_ = Waiting::kNothing;
  bool input_ended_ = false;
  bool write_armed_ = false;
  bool progressed_ = false;  // bytes went in or out since the deadline was set
  bool continue_sent_ = false;
  bool upgrade_pending_ = false;  // what follows the request may be frames: it waits for the answer
  bool stalled_ = false;          // in_ holds what could be parsed but had to wait
  bool deaf_ = false;             // the last request has come: nothing more is parsed
  ConnectionId link_;
  bool link_full_ = false;       // waits for go_on()
  std::size_t link_frames_ = 0;  // handed over since the last one
  std::optional<MonoTime> deadline_;
  std::string in_;  // not parsed yet
  std::unique_ptr<RequestParser> parser_;
  Fifo<Exchange> exchanges_;
  OutBuffer out_;
  std::string peer_;
};

}  // namespace souk::runtime
