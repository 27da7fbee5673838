#include "runtime/unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/log.h"

namespace souk::runtime {
namespace {

constexpr std::size_t kReadBytes = std::size_t{16} << 10;
constexpr int kMaxReadsAtOnce = 8;
constexpr int kBacklog = 4096;
constexpr Duration kAcceptRetry = 100ms;

// A path that is too long for a socket address is reached through an open descriptor of its
// directory.
class ShortPath {
 public:
  static Result<ShortPath> make(const std::string& path) {
    ShortPath made;
    std::string text = path;
    if (path.size() >= sizeof made.address_.sun_path) {
      const auto slash = path.rfind('/');
      const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
      made.directory_ = open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
      if (made.directory_ < 0) return fail("cannot open {}: {}", directory, std::strerror(errno));
      text = fmt::format("/proc/self/fd/{}/{}", made.directory_, path.substr(slash + 1));
    }
    if (text.size() >= sizeof made.address_.sun_path) {
      return fail("the name of the socket {} is too long", path);
    }
    made.address_.sun_family = AF_UNIX;
    std::memcpy(made.address_.sun_path, text.c_str(), text.size() + 1);
    return made;
  }
  ShortPath(ShortPath&& other) noexcept
      : address_(other.address_), directory_(std::exchange(other.directory_, -1)) {}
  ShortPath& operator=(ShortPath&&) = delete;
  ~ShortPath() {
    if (directory_ >= 0) ::close(directory_);
  }

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  const char* text() const { return address_.sun_path; }
  static constexpr socklen_t kSize = sizeof(sockaddr_un);

 private:
  ShortPath() = default;

  sockaddr_un address_{};
  int directory_ = -1;
};

Result<int> unix_socket() {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail("cannot make a unix socket: {}", std::strerror(errno));
  return fd;
}

}  // namespace

// --- connections

struct UnixConnection::State final : Watcher, std::enable_shared_from_this<State> {
  State(Loop& l, int fd) : loop(l), watch(l, fd, *this) {}

  void on_readable() override;
  void on_writable() override;
  void deliver_frames();
  void flush();
  void end(const std::string& why);
  void close() {
    closed = true;
    watch.close();
  }

  Loop& loop;
  Watch watch;
  Callbacks callbacks;
  protocol::supervisor::FrameReader reader;
  OutBuffer out;
  bool write_armed = false;
  bool flush_posted = false;
  bool closed = false;
};

UnixConnection::UnixConnection(Loop& loop, int fd) : state_(std::make_shared<State>(loop, fd)) {}

UnixConnection::~UnixConnection() { close(); }

void UnixConnection::start(Callbacks callbacks) {
  state_->callbacks = std::move(callbacks);
  if (!state_->closed) state_->watch.arm_read();
}

void UnixConnection::close() { state_->close(); }

void UnixConnection::send(std::string frames) {
  if (state_->closed) return;
  state_->out.append(std::move(frames));
  if (std::exchange(state_->flush_posted, true)) return;
  state_->loop.post([state = state_] {
    state->flush_posted = false;
    state->flush();
  });
}

void UnixConnection::State::on_readable() {
  const std::shared_ptr<State> keep = shared_from_this();
  std::array<char, kReadBytes> room;
  for (int i = 0; i < kMaxReadsAtOnce && !closed; ++i) {
    const ssize_t got = recv(watch.fd(), room.data(), room.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (got < 0) return end(std::strerror(errno));
    if (got == 0) return end("the other end closed the connection");
    reader.feed({room.data(), static_cast<std::size_t>(got)});
    deliver_frames();
  }
  if (!closed) watch.arm_read();
}

void UnixConnection::State::deliver_frames() {
  while (!closed) {
    const std::optional<std::string_view> frame = reader.next();
    if (reader.too_long()) return end("a frame is too long");
    if (!frame) return;
    if (callbacks.on_frame) callbacks.on_frame(*frame);
  }
}

void UnixConnection::State::on_writable() {
  write_armed = false;
  flush();
}

void UnixConnection::State::flush() {
  if (closed || write_armed) return;
  const std::shared_ptr<State> keep = shared_from_this();
  const OutBuffer::Written written = out.write_to(watch.fd());
  if (written == OutBuffer::Written::kFailed) {
    // What the other end said before it went is still to be read: reading finds the end.
    out = OutBuffer();
  } else if (out.size() > kMaxUnixSendBuffer) {
    log_warning("cut off a unix socket whose other end does not read", {{"bytes", out.size()}});
    end("the other end does not read");
  } else if (written == OutBuffer::Written::kBlocked) {
    write_armed = true;
    watch.arm_write();
  }
}

void UnixConnection::State::end(const std::string& why) {
  if (closed) return;
  close();
  if (callbacks.on_closed) callbacks.on_closed(why);
}

namespace {

ucred credentials_of(int fd) {
  ucred peer{.pid = -1, .uid = static_cast<uid_t>(-1), .gid = static_cast<gid_t>(-1)};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) peer.pid = -1;
  return peer;
}

}  // namespace

int64_t UnixConnection::peer_pid() const {
  const ucred peer = credentials_of(state_->watch.fd());
  return peer.pid > 0 ? peer.pid : -1;
}

int64_t UnixConnection::peer_uid() const {
  const ucred peer = credentials_of(state_->watch.fd());
  return peer.pid > 0 ? static_cast<int64_t>(peer.uid) : -1;
}

Result<std::unique_ptr<UnixConnection>> unix_connect(Loop& loop, const std::string& path) {
  const Result<ShortPath> address = ShortPath::make(path);
  if (!address) return std::unexpected(address.error());
  const Result<int> fd = unix_socket();
  if (!fd) return std::unexpected(fd.error());
  if (connect(*fd, address->get(), ShortPath::kSize) != 0) {
    const int error = errno;
    ::close(*fd);
    return fail("cannot connect to {}: {}", path, std::strerror(error));
  }
  return std::make_unique<UnixConnection>(loop, *fd);
}

// --- the listener

Result<std::unique_ptr<UnixListener>> UnixListener::listen(Loop& loop, const std::string& path,
                                                           OnAccept on_accept) {
  const Result<ShortPath> address = ShortPath::make(path);
  if (!address) return std::unexpected(address.error());
  const Result<int> fd = unix_socket();
  if (!fd) return std::unexpected(fd.error());
  unlink(path.c_str());
  // Nobody can connect before listen(), so the mode is in time.
  const bool listening = bind(*fd, address->get(), ShortPath::kSize) == 0 &&
                         chmod(address->text(), S_IRUSR | S_IWUSR) == 0 &&
                         ::listen(*fd, kBacklog) == 0;
  if (!listening) {
    const int error = errno;
    ::close(*fd);
    return fail("cannot listen on {}: {}", path, std::strerror(error));
  }
  return std::make_unique<UnixListener>(loop, *fd, path, std::move(on_accept));
}

UnixListener::UnixListener(Loop& loop, int fd, std::string path, OnAccept on_accept)
    : loop_(loop),
      path_(std::move(path)),
      on_accept_(std::move(on_accept)),
      watch_(loop, fd, *this) {
  watch_.arm_read();
}

UnixListener::~UnixListener() {
  loop_.cancel(retry_);
  unlink(path_.c_str());
}

void UnixListener::on_readable() {
  while (true) {
    const int fd = accept4(watch_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      on_accept_(std::make_unique<UnixConnection>(loop_, fd));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return watch_.arm_read();
    log_error("cannot accept on a unix socket", {{"path", path_}, {"error", std::strerror(errno)}});
    retry_ = loop_.call_after(kAcceptRetry, [this] { watch_.arm_read(); });
    return;
  }
}

}  // namespace souk::runtime
