#include "runtime/tcp.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace souk::runtime {
namespace {

// The kernel cuts it to net.core.somaxconn.
constexpr int kBacklog = 16'384;

void set_option(int fd, int level, int name, int value) {
  setsockopt(fd, level, name, &value, sizeof value);
}

}  // namespace

uint16_t TcpAddress::port() const {
  if (storage.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

std::string TcpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    return fmt::format("[{}]:{}", text.data(), port());
  }
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
  inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
  return fmt::format("{}:{}", text.data(), port());
}

Result<TcpAddress> make_tcp_address(const std::string& ip, uint16_t port) {
  TcpAddress address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  if (inet_pton(AF_INET, ip.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof(sockaddr_in);
    return address;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET6, ip.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size = sizeof(sockaddr_in6);
    return address;
  }
  return fail("'{}' is not an IP address: write it in numbers, as in 127.0.0.1", ip);
}

Result<TcpListener> tcp_listen(const TcpAddress& address, PortSharing sharing) {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail("cannot make a socket: {}", std::strerror(errno));
  const auto failed = [&](const char* doing) {
    const int error = errno;
    ::close(fd);
    const char* advice =
        error == EADDRINUSE ? " (is another one running? choose another port)" : "";
    return fail("cannot {} {}: {}{}", doing, address.to_string(), std::strerror(error), advice);
  };
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (sharing == PortSharing::kJoin) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (bind(fd, address.get(), address.size) != 0) return failed("bind to");
  if (sharing == PortSharing::kFirst) set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (listen(fd, kBacklog) != 0) return failed("listen on");
  TcpAddress actual;
  actual.size = sizeof actual.storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&actual.storage), &actual.size) != 0) {
    return failed("ask for the port of");
  }
  return TcpListener{.fd = fd, .port = actual.port()};
}

void set_tcp_options(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

Result<int> tcp_connect(const TcpAddress& address, const std::string& local_ip) {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail("cannot make a socket: {}", std::strerror(errno));
  const auto failed = [fd](const char* doing, const std::string& what) {
    const int error = errno;
    ::close(fd);
    return fail("cannot {} {}: {}", doing, what, std::strerror(error));
  };
  set_tcp_options(fd);
  if (!local_ip.empty()) {
    const Result<TcpAddress> local = make_tcp_address(local_ip, 0);
    if (!local) {
      ::close(fd);
      return std::unexpected(local.error());
    }
    // The port is chosen when both ends are known, so that ports suffice for each pair of
    // addresses.
    set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (bind(fd, local->get(), local->size) != 0) return failed("bind to", local_ip);
  }
  if (connect(fd, address.get(), address.size) == 0 || errno == EINPROGRESS) return fd;
  return failed("connect to", address.to_string());
}

int tcp_connect_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

}  // namespace souk::runtime
