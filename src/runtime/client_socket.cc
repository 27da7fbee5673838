#include "runtime/client_socket.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/tcp.h"

namespace souk::runtime {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr int kMaxReadsAtOnce = 8;

}  // namespace

void ClientSocket::connect(const std::string& host, uint16_t port, Duration timeout,
                           std::string local_ip) {
  host_ = host;
  port_ = port;
  local_ip_ = std::move(local_ip);
  timer_ = loop_.call_after(timeout, [this] {
    timer_ = 0;
    fail_with(fmt::format("cannot connect to {}:{}: no answer in time", host_, port_));
  });
  resolve(loop_, host, [this, alive = std::weak_ptr<bool>(alive_)](Resolved resolved) {
    if (alive.expired() || closed_) return;
    if (!resolved) return fail_with(resolved.error().message);
    addresses_ = std::move(*resolved);
    std::ranges::reverse(addresses_);
    try_next_address();
  });
}

void ClientSocket::try_next_address() {
  while (!addresses_.empty()) {
    const std::string ip = std::move(addresses_.back());
    addresses_.pop_back();
    const Result<TcpAddress> address = make_tcp_address(ip, port_);
    const Result<int> fd =
        address ? tcp_connect(*address, local_ip_) : std::unexpected(address.error());
    if (fd) {
      watch_ = Watch(loop_, *fd, *this);
      watch_.arm_write();
      return;
    }
    last_error_ = fd.error().message;
  }
  fail_with(last_error_);
}

void ClientSocket::finish_connect() {
  const int error = tcp_connect_error(watch_.fd());
  if (error != 0) {
    last_error_ = fmt::format("cannot connect to {}:{}: {}", host_, port_, std::strerror(error));
    watch_.close();
    return try_next_address();
  }
  loop_.cancel(std::exchange(timer_, 0));
  connected_ = true;
  watch_.arm_read();
  listener_.on_connected();
  if (!closed_) flush();
}

void ClientSocket::on_writable() {
  if (!connected_) return finish_connect();
  write_armed_ = false;
  flush();
}

void ClientSocket::on_readable() {
  std::array<char, kReadBytes> room;
  for (int i = 0; i < kMaxReadsAtOnce && !closed_; ++i) {
    const ssize_t got = recv(watch_.fd(), room.data(), room.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (got < 0) return fail_with(std::strerror(errno));
    if (got == 0) return fail_with("the server closed the connection", true);
    const auto size = static_cast<std::size_t>(got);
    take_input({room.data(), size});
    if (size < room.size()) break;
  }
  if (!closed_) watch_.arm_read();
}

void ClientSocket::take_input(std::string_view bytes) {
  if (in_.empty()) {
    bytes.remove_prefix(listener_.on_bytes(bytes));
    if (!closed_) in_.assign(bytes);
    return;
  }
  in_.append(bytes);
  const std::size_t consumed = listener_.on_bytes(in_);
  in_.erase(0, consumed);
  if (in_.empty()) std::string().swap(in_);
}

OutBuffer& ClientSocket::out() {
  if (!std::exchange(flush_posted_, true)) {
    loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
      if (alive.expired()) return;
      flush_posted_ = false;
      if (!closed_) flush();
    });
  }
  return out_;
}

void ClientSocket::flush() {
  if (!connected_ || write_armed_ || out_.empty()) return;
  const OutBuffer::Written written = out_.write_to(watch_.fd());
  if (written == OutBuffer::Written::kFailed) {
    // What the server said before it went is still to be read (a refusal, say): reading finds the
    // end.
    out_ = OutBuffer();
    return;
  }
  if (written == OutBuffer::Written::kBlocked) {
    write_armed_ = true;
    watch_.arm_write();
  }
}

void ClientSocket::fail_with(const std::string& why, bool ended) {
  if (closed_) return;
  close();
  listener_.on_disconnected(why, ended);
}

void ClientSocket::close() {
  closed_ = true;
  connected_ = false;
  loop_.cancel(std::exchange(timer_, 0));
  watch_.close();
  out_ = OutBuffer();
}

}  // namespace souk::runtime
