// A TCP connection that we make: name, connect, bytes both ways. Loop thread only. Destroy it from
// a task of its own, never inside one of its calls to the listener; close() may be called at any
// time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "runtime/loop.h"
#include "runtime/out_buffer.h"

namespace souk::runtime {

class ClientSocket final : private Watcher {
 public:
  class Listener {
   public:
    virtual void on_connected() = 0;
    // Returns how many of the bytes are done with; the others come again with more behind them.
    virtual std::size_t on_bytes(std::string_view bytes) = 0;
    // The last call. `ended`: the peer shut its end properly.
    virtual void on_disconnected(const std::string& why, bool ended) = 0;

   protected:
    ~Listener() = default;
  };

  ClientSocket(Loop& loop, Listener& listener) : loop_(loop), listener_(listener) {}
  ~ClientSocket() { close(); }
  ClientSocket(const ClientSocket&) = delete;
  ClientSocket& operator=(const ClientSocket&) = delete;

  // `local_ip`: the address to connect from; empty: the kernel chooses.
  void connect(const std::string& host, uint16_t port, Duration timeout, std::string local_ip = {});
  bool connected() const { return connected_; }
  // Written when the loop comes round, with all that was sent meanwhile; before the connection is
  // made, after that.
  OutBuffer& out();
  std::size_t unsent() const { return out_.size(); }
  void close();  // no call to the listener any more

 private:
  void on_readable() override;
  void on_writable() override;
  void try_next_address();
  void finish_connect();
  void take_input(std::string_view bytes);
  void flush();
  void fail_with(const std::string& why, bool ended = false);

  Loop& loop_;
  Listener& listener_;
  Watch watch_;
  std::string host_;
  uint16_t port_ = 0;
  std::string local_ip_;
  std::vector<std::string> addresses_;  // still to be tried, last first
  std::string last_error_;
  TimerId timer_ = 0;
  bool connected_ = false;
  bool closed_ = false;
  bool write_armed_ = false;
  bool flush_posted_ = false;
  std::string in_;
  OutBuffer out_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace souk::runtime
