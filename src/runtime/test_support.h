// What the runtime's tests share: a raw blocking client for bytes no library would send, a handler
// that answers at once, a directory that goes away.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/http_server.h"
#include "runtime/http_text.h"
#include "runtime/tcp.h"

namespace souk::runtime::testing {

inline constexpr int kPatience = 10'000;  // ms; only failures wait that long

// One chunk of HTTP's chunked coding. REQUIRES some bytes: an empty chunk would end the stream.
inline void append_chunk(std::string& out, std::string_view bytes) {
  out += fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

class RawClient {
 public:
  explicit RawClient(uint16_t port, int receive_buffer = 0) {
    const TcpAddress address = *make_tcp_address("127.0.0.1", port);
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    if (::connect(fd_, address.get(), address.size) != 0) ADD_FAILURE() << "connect: " << errno;
  }
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), in_(std::move(other.in_)) {}
  ~RawClient() { close(); }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // the server may have hung up on us: that is for read() to see
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void half_close() { shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void reset() {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }

  // Everything up to and with the first `end`; what came so far if the server closes or is silent.
  std::string read_until(std::string_view end) {
    std::size_t at;
    while ((at = in_.find(end)) == std::string::npos) {
      if (!read_more()) return std::exchange(in_, {});
    }
    std::string out = in_.substr(0, at + end.size());
    in_.erase(0, out.size());
    return out;
  }
  std::string read(std::size_t size) {
    while (in_.size() < size && read_more()) {
    }
    std::string out = in_.substr(0, size);
    in_.erase(0, out.size());
    return out;
  }
  std::string read_to_end() {
    while (read_more()) {
    }
    return std::exchange(in_, {});
  }
  // Head and body of an answer with a Content-Length.
  std::pair<std::string, std::string> read_answer() {
    std::string head = read_until("\r\n\r\n");
    const auto at = head.find("Content-Length: ");
    const std::size_t size =
        at == std::string::npos ? 0 : std::strtoul(&head[at + 16], nullptr, 10);
    return {head, read(size)};
  }
  bool at_end() { return in_.empty() && !read_more(); }

 private:
  bool read_more() {
    pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, kPatience) <= 0) {
      ADD_FAILURE() << "the server is silent";
      return false;
    }
    char bytes[16384];
    const ssize_t got = recv(fd_, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    in_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  int fd_;
  std::string in_;
};

// Waits for a condition that other threads make true.
class Waiter {
 public:
  template <class Change>
  void change(Change&& what) {
    const std::lock_guard lock(mutex_);
    what();
    changed_.notify_all();
  }
  template <class Condition>
  bool wait(Condition&& holds) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::milliseconds(kPatience), holds);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

// Answers "METHOD target body" at once, unless a test takes the request over.
class EchoHandler : public HttpHandler {
 public:
  void on_request(HttpRequest&& request) override {
    if (take && take(request)) return;
    std::string text = request.method + " " + request.target + " " + request.body;
    server->respond(request.id, HttpReply::text(200, std::move(text)));
  }
  void on_upgrade(HttpRequest&& request) override {
    HttpServer::Batch batch;
    batch.accept_upgrade(request.id);
    server->submit(batch);
  }
  void on_frames(ConnectionId link, std::span<const std::string_view> received) override {
    waiter.change([&] {
      for (const std::string_view frame : received) frames.emplace_back(link, frame);
    });
  }
  void on_link_full(ConnectionId link) override {
    waiter.change([&] { full.push_back(link); });
  }
  void on_closed(ConnectionId id) override {
    waiter.change([&] { closed.push_back(id); });
  }

  HttpServer* server = nullptr;
  std::function<bool(HttpRequest&)> take;
  Waiter waiter;
  std::vector<std::pair<ConnectionId, std::string>> frames;
  std::vector<ConnectionId> full;
  std::vector<ConnectionId> closed;
};

struct TestServer {
  explicit TestServer(HttpServer::Options options = {}) {
    server = std::move(HttpServer::start(std::move(options), handler).value());
    handler.server = server.get();
  }
  ~TestServer() { server->stop(); }
  uint16_t port() const { return server->port(); }
  std::string url(std::string_view target) const {
    return fmt::format("http://127.0.0.1:{}{}", port(), target);
  }

  EchoHandler handler;
  std::unique_ptr<HttpServer> server;
};

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = std::filesystem::temp_directory_path() / "souk-test-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace souk::runtime::testing
