// The few system calls about TCP sockets that server and client share. All sockets are
// non-blocking.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "base/result.h"

namespace souk::runtime {

struct TcpAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  uint16_t port() const;
  std::string to_string() const;  // "127.0.0.1:5050", "[::1]:5050"
};

// Of a numeric IPv4 or IPv6 address.
Result<TcpAddress> make_tcp_address(const std::string& ip, uint16_t port);

struct TcpListener {
  int fd = -1;
  uint16_t port = 0;
};
// The first listener on a port takes it for itself, so that a second server on the port is refused,
// and then lets those with `join` in beside it.
enum class PortSharing { kAlone, kFirst, kJoin };
Result<TcpListener> tcp_listen(const TcpAddress& address, PortSharing sharing);

// No delay for small writes; probes of the kernel find peers that vanished.
void set_tcp_options(int fd);

// A connection under way (writable once it is made or has failed: then tcp_connect_error()).
// `local_ip`: the address to connect from; empty: the kernel chooses.
Result<int> tcp_connect(const TcpAddress& address, const std::string& local_ip = {});
int tcp_connect_error(int fd);  // 0: connected

}  // namespace souk::runtime
