// One I/O thread of the HTTP server: its own loop, its own listening socket, its own connections.
// Everything with a descriptor is made and destroyed on the thread itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/deadlines.h"
#include "base/hash_map.h"
#include "runtime/http_command.h"
#include "runtime/http_connection.h"
#include "runtime/http_server.h"
#include "runtime/loop.h"

namespace souk::runtime {

class HttpIoThread final : private HttpThreadContext, private Watcher {
 public:
  HttpIoThread(const HttpServer::Options& options, HttpHandler& handler, unsigned index);
  ~HttpIoThread();

  // Listens (port 0: any) and runs. The port, or why not.
  Result<uint16_t> start(uint16_t port);
  void submit(std::vector<HttpServer::Batch::Command>&& commands);  // thread-safe
  void after_input(Task done);                                      // thread-safe
  void stop();                                                      // from another thread; joins
  void add_to(HttpServer::Stats& stats) const;                      // thread-safe

 private:
  using Command = HttpServer::Batch::Command;

  void run(uint16_t port, std::promise<Result<uint16_t>> listening);
  void take_file_table();
  void serve_mailbox();
  void finish_batch();
  void close_all();

  void on_readable() override;  // the listening socket
  bool accept_one();
  void add_connection(int fd, std::string peer);
  void turn_away(int fd);
  void on_timer();
  void arm_timer();

  const HttpServer::Options& options() const override { return options_; }
  HttpHandler& handler() override { return handler_; }
  ConnectionId next_id(uint32_t slot) override;
  std::string_view date() override;
  std::string_view accepted() override;
  std::span<char> scratch() override { return scratch_; }
  std::vector<std::string_view>& frames() override { return frames_; }
  void note_bytes(std::size_t in, std::size_t out) override;
  void note_request() override { requests_.fetch_add(1, std::memory_order_relaxed); }
  void note_bad_request() override { bad_requests_.fetch_add(1, std::memory_order_relaxed); }
  void note_cut_off() override { cut_off_.fetch_add(1, std::memory_order_relaxed); }
  void settle_later(HttpConnection& connection) override;
  void set_deadline(HttpConnection& connection, MonoTime when) override;
  void bury(HttpConnection& connection) override;

  const HttpServer::Options& options_;
  HttpHandler& handler_;
  const unsigned index_;
  std::size_t max_connections_;
  std::thread thread_;
  std::unique_ptr<Loop> loop_;  // made by the thread

  // The thread's own.
  Watch listener_;
  std::vector<std::unique_ptr<HttpConnection>> connections_;  // by slot
  std::vector<uint32_t> free_slots_;
  std::vector<uint32_t> graveyard_;
  std::vector<HttpConnection*> to_settle_;
  std::vector<HttpConnection*> settling_;
  Deadlines<uint32_t, HashMap<uint32_t, MonoTime>> deadlines_;  // by slot
  TimerId timer_ = 0;
  std::optional<MonoTime> timer_at_;
  uint32_t generation_ = 0;
  std::vector<char> scratch_;
  std::vector<std::string_view> frames_;
  std::string date_;
  int64_t date_second_ = -1;
  std::string accepted_answer_;
  int64_t accepted_second_ = -1;
  MonoTime quiet_until_{};  // complaints about full tables are not repeated before it
  bool stopping_ = false;

  std::mutex mutex_;  // guards what follows
  std::vector<std::vector<Command>> mailbox_;

  std::atomic<uint64_t> accepted_{0};
  std::atomic<uint64_t> requests_{0};
  std::atomic<uint64_t> bad_requests_{0};
  std::atomic<uint64_t> cut_off_{0};
  std::atomic<uint64_t> open_{0};
  std::atomic<uint64_t> bytes_in_{0};
  std::atomic<uint64_t> bytes_out_{0};
};

}  // namespace souk::runtime
