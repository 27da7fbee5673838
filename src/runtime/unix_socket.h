// Unix stream sockets that carry the frames of protocol/supervisor.h: the agent listens, each
// souk-executor dials. Loop thread only. Paths may be longer than the 107 bytes that a socket
// address holds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/supervisor.h"
#include "runtime/loop.h"
#include "runtime/out_buffer.h"

namespace souk::runtime {

inline constexpr std::size_t kMaxUnixSendBuffer = std::size_t{64}
                                                  << 20;  // then the peer is cut off

class UnixConnection {
 public:
  struct Callbacks {
    // The body of one frame, valid during the call, which may destroy the connection.
    std::move_only_function<void(std::string_view frame)> on_frame;
    // The last call; may destroy the connection as well.
    std::move_only_function<void(const std::string& why)> on_closed;
  };

  UnixConnection(Loop& loop, int fd);
  ~UnixConnection();

  void start(Callbacks callbacks);
  // Whole frames, as append_frame() of protocol/supervisor.h makes them: written when the loop
  // comes round. That it failed is told by on_closed.
  void send(std::string frames);
  void close();  // without a callback

  // Who is at the other end, as the kernel knows it; -1 if it cannot tell.
  int64_t peer_pid() const;
  int64_t peer_uid() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // outlives us while it is in a callback
};

class UnixListener final : private Watcher {
 public:
  using OnAccept = std::move_only_function<void(std::unique_ptr<UnixConnection>)>;

  // Takes the place of a socket that was left at the path. Only our own user may connect.
  static Result<std::unique_ptr<UnixListener>> listen(Loop& loop, const std::string& path,
                                                      OnAccept on_accept);
  UnixListener(Loop& loop, int fd, std::string path, OnAccept on_accept);
  ~UnixListener();  // removes the path

 private:
  void on_readable() override;

  Loop& loop_;
  std::string path_;
  OnAccept on_accept_;
  Watch watch_;
  TimerId retry_ = 0;
};

Result<std::unique_ptr<UnixConnection>> unix_connect(Loop& loop, const std::string& path);

}  // namespace souk::runtime
