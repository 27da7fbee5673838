#include "protocol/supervisor.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/room.h"

namespace souk::protocol::supervisor {
namespace {

enum class Type : uint8_t {
  kLaunch = 1,
  kKill = 2,
  kShutdown = 3,
  kTaken = 4,
  kHello = 16,
  kReport = 17,
};
// The second byte of a report.
enum class What : uint8_t { kStarted = 1, kLaunchFailed = 2, kKilling = 3, kExited = 4 };

constexpr std::size_t kLengthBytes = 4;

// What the smallest item of a list takes: a count that cannot fit in the rest is refused before
// anything is reserved for it.
constexpr std::size_t kMinText = 4;
constexpr std::size_t kMinNumber = 8;
constexpr std::size_t kMinProcess = 7 * 4 + 2 * 8;

// Buffers that once held more than this are given back.
constexpr std::size_t kKeptBuffer = 64u << 10;

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void byte(auto value) { out_.push_back(static_cast<char>(value)); }
  void number(uint64_t value) { little_endian(value, 8); }
  void number(int64_t value) { number(static_cast<uint64_t>(value)); }
  void count(std::size_t value) { little_endian(value, 4); }
  void text(std::string_view value) {
    count(value.size());
    out_.append(value);
  }
  void texts(const std::vector<std::string>& values) {
    count(values.size());
    for (const std::string& value : values) text(value);
  }
  void numbers(const std::vector<int64_t>& values) {
    count(values.size());
    for (const int64_t value : values) number(value);
  }

 private:
  void little_endian(uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) byte(value >> (8 * i));
  }

  std::string& out_;
};

// Reads fields in their order. The first one that does not fit makes it fail; what is read from
// then on is zero or empty, so that a decoder asks once, at its end.
class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  uint8_t byte() { return static_cast<uint8_t>(little_endian(1)); }
  uint64_t number() { return little_endian(8); }
  int64_t signed_number() { return static_cast<int64_t>(number()); }
  bool truth() {
    const uint64_t value = number();
    if (value > 1) fail("a truth value is neither 0 nor 1");
    return value == 1;
  }
  std::string text() { return std::string(take(little_endian(4))); }

  std::size_t count(std::size_t smallest_item) {
    const std::size_t items = little_endian(4);
    if (items <= rest_.size() / smallest_item) return items;
    fail("a list is longer than its frame");
    return 0;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> values(count(kMinText));
    for (std::string& value : values) value = text();
    return values;
  }
  std::vector<int64_t> numbers() {
    std::vector<int64_t> values(count(kMinNumber));
    for (int64_t& value : values) value = signed_number();
    return values;
  }

  void fail(const char* why) {
    if (failed_ == nullptr) failed_ = why;
    rest_ = {};
  }
  // What was wrong, or null: call when all fields are read.
  const char* end() {
    if (!rest_.empty()) fail("bytes follow the last field");
    return failed_;
  }

 private:
  std::string_view take(std::size_t bytes) {
    if (bytes > rest_.size()) {
      fail("the frame ends inside a field");
      return {};
    }
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }
  uint64_t little_endian(std::size_t bytes) {
    uint64_t value = 0;
    int shift = 0;
    for (const char c : take(bytes)) {
      value |= static_cast<uint64_t>(static_cast<uint8_t>(c)) << shift;
      shift += 8;
    }
    return value;
  }

  std::string_view rest_;
  const char* failed_ = nullptr;
};

void write(Writer& out, const Process& process) {
  out.text(process.name);
  out.texts(process.argv);
  out.texts(process.environment);
  out.text(process.directory);
  out.text(process.stdout_path);
  out.text(process.stderr_path);
  out.number(process.uid);
  out.number(process.gid);
  out.numbers(process.groups);
  out.text(process.refusal);
  out.text(process.program);
}

Process read_process(Reader& in) {
  Process process;
  process.name = in.text();
  process.argv = in.texts();
  process.environment = in.texts();
  process.directory = in.text();
  process.stdout_path = in.text();
  process.stderr_path = in.text();
  process.uid = in.signed_number();
  process.gid = in.signed_number();
  process.groups = in.numbers();
  process.refusal = in.text();
  process.program = in.text();
  return process;
}

void write(Writer& out, const Launch& launch) {
  out.byte(Type::kLaunch);
  out.count(launch.processes.size());
  for (const Process& process : launch.processes) write(out, process);
  out.number(uint64_t{launch.group});
}
void write(Writer& out, const Kill& kill) {
  out.byte(Type::kKill);
  out.text(kill.name);
  out.number(kill.grace_ns);
}
void write(Writer& out, const Shutdown& shutdown) {
  out.byte(Type::kShutdown);
  out.number(shutdown.grace_ns);
}
void write(Writer& out, const Taken& taken) {
  out.byte(Type::kTaken);
  out.number(taken.number);
}
void write(Writer& out, const Hello& hello) {
  out.byte(Type::kHello);
  out.text(hello.container);
  out.number(hello.pid);
}
void write(Writer& out, const Started& started) {
  out.byte(What::kStarted);
  out.text(started.name);
  out.number(started.pid);
}
void write(Writer& out, const LaunchFailed& failed) {
  out.byte(What::kLaunchFailed);
  out.text(failed.name);
  out.text(failed.why);
}
void write(Writer& out, const Killing& killing) {
  out.byte(What::kKilling);
  out.text(killing.name);
}
void write(Writer& out, const Exited& exited) {
  out.byte(What::kExited);
  out.text(exited.name);
  out.number(int64_t{exited.status});
  out.number(uint64_t{exited.kill_asked});
}
void write(Writer& out, const Report& report) {
  out.byte(Type::kReport);
  out.number(report.number);
  std::visit([&](const auto& what) { write(out, what); }, report.what);
}

Launch read_launch(Reader& in) {
  Launch launch;
  launch.processes.resize(in.count(kMinProcess));
  for (Process& process : launch.processes) process = read_process(in);
  launch.group = in.truth();
  return launch;
}

int32_t read_status(Reader& in) {
  const int64_t status = in.signed_number();
  if (status == static_cast<int32_t>(status)) return static_cast<int32_t>(status);
  in.fail("a wait status has more than 32 bits");
  return 0;
}

// A struct's initialisers are evaluated in their order, which is that of the fields.
Happening read_happening(Reader& in) {
  switch (static_cast<What>(in.byte())) {
    case What::kStarted:
      return Started{.name = in.text(), .pid = in.signed_number()};
    case What::kLaunchFailed:
      return LaunchFailed{.name = in.text(), .why = in.text()};
    case What::kKilling:
      return Killing{.name = in.text()};
    case What::kExited:
      return Exited{.name = in.text(), .status = read_status(in), .kill_asked = in.truth()};
  }
  in.fail("an unknown kind of report");
  return {};
}

ToSupervisor read_to_supervisor(Reader& in) {
  switch (static_cast<Type>(in.byte())) {
    case Type::kLaunch:
      return read_launch(in);
    case Type::kKill:
      return Kill{.name = in.text(), .grace_ns = in.signed_number()};
    case Type::kShutdown:
      return Shutdown{.grace_ns = in.signed_number()};
    case Type::kTaken:
      return Taken{.number = in.number()};
    default:
      in.fail("not a message to a souk-executor");
      return {};
  }
}

FromSupervisor read_from_supervisor(Reader& in) {
  switch (static_cast<Type>(in.byte())) {
    case Type::kHello:
      return Hello{.container = in.text(), .pid = in.signed_number()};
    case Type::kReport:
      return Report{.number = in.number(), .what = read_happening(in)};
    default:
      in.fail("not a message of a souk-executor");
      return {};
  }
}

template <class Message>
bool append(std::string& out, const Message& message) {
  const std::size_t start = out.size();
  out.append(kLengthBytes, '\0');
  Writer writer(out);
  std::visit([&](const auto& m) { write(writer, m); }, message);
  const std::size_t length = out.size() - start - kLengthBytes;
  if (length > kMaxFrame) {
    out.resize(start);
    return false;
  }
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    out[start + i] = static_cast<char>(length >> (8 * i));
  }
  return true;
}

template <class Message>
std::expected<Message, std::string> decode(std::string_view frame, Message (*read)(Reader&)) {
  if (frame.empty()) return std::unexpected("an empty frame");
  Reader in(frame);
  Message message = read(in);
  if (const char* why = in.end()) return std::unexpected(why);
  return message;
}

}  // namespace

bool append_frame(std::string& out, const ToSupervisor& message) { return append(out, message); }
bool append_frame(std::string& out, const FromSupervisor& message) { return append(out, message); }

std::expected<ToSupervisor, std::string> decode_to_supervisor(std::string_view frame) {
  return decode(frame, read_to_supervisor);
}
std::expected<FromSupervisor, std::string> decode_from_supervisor(std::string_view frame) {
  return decode(frame, read_from_supervisor);
}

void FrameReader::feed(std::string_view bytes) {
  if (too_long_) return;
  if (consumed_ == buffer_.size()) {
    clear_keeping(buffer_, kKeptBuffer);
    consumed_ = 0;
  } else if (consumed_ > buffer_.size() / 2) {
    // Only then: each byte is moved at most once for each byte consumed.
    buffer_.erase(0, consumed_);
    consumed_ = 0;
  }
  buffer_.append(bytes);
}

std::optional<std::string_view> FrameReader::next() {
  const std::string_view rest = std::string_view(buffer_).substr(consumed_);
  if (too_long_ || rest.size() < kLengthBytes) return std::nullopt;
  std::size_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= static_cast<std::size_t>(static_cast<uint8_t>(rest[i])) << (8 * i);
  }
  if (length > kMaxFrame) {
    too_long_ = true;
    buffer_ = {};
    consumed_ = 0;
    return std::nullopt;
  }
  if (rest.size() - kLengthBytes < length) return std::nullopt;
  consumed_ += kLengthBytes + length;
  return rest.substr(kLengthBytes, length);
}

}  // namespace souk::protocol::supervisor
