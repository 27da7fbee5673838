// What an agent and a souk-executor process say over their private unix socket (decision 8): plain
// structs and their byte form, which needs no protobuf. A souk-executor supervises the processes of
// one container: one command task, the tasks of Souk's default executor, or one custom executor; it
// outlives a restart of its agent, keeps what it has to report until the agent has taken it, and
// dials again.
//
// Byte form: frames of a 4-byte little-endian length (of what follows), a type byte, and fields:
// numbers as 8 bytes little-endian (truth is 0 or 1), texts as a 4-byte length and bytes, lists as
// a 4-byte count and items. A body is never longer than kMaxFrame.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace souk::protocol::supervisor {

inline constexpr uint32_t kMaxFrame = 32u << 20;

// A process to run. Everything is decided by the agent: ids are numeric, the environment is whole.
struct Process {
  std::string name;                      // the task's id, or the executor's
  std::vector<std::string> argv;         // as the process sees it
  std::vector<std::string> environment;  // "NAME=value"
  std::string directory;                 // becomes the working directory
  std::string stdout_path;               // opened for append; relative to directory
  std::string stderr_path;
  int64_t uid = -1;  // -1: stay
  int64_t gid = -1;
  std::vector<int64_t> groups;  // supplementary, set when uid is
  // Why it cannot be run, found by the agent: not started but reported as LaunchFailed. Empty: run
  // it.
  std::string refusal;
  std::string program;  // what execvpe looks for; empty: argv[0]
  bool operator==(const Process&) const = default;
};

// --- agent to souk-executor

struct Launch {
  std::vector<Process> processes;  // started all, or none and LaunchFailed for each
  bool group = false;              // one that fails or is killed takes the others with it
  bool operator==(const Launch&) const = default;
};
// SIGTERM to the process group now, SIGKILL after the grace.
struct Kill {
  std::string name;
  int64_t grace_ns = 0;
  bool operator==(const Kill&) const = default;
};
// Kill all that runs, with the grace, then exit once all is reported and taken.
struct Shutdown {
  int64_t grace_ns = 0;
  bool operator==(const Shutdown&) const = default;
};
// The agent has persisted the report with this number: forget it.
struct Taken {
  uint64_t number = 0;
  bool operator==(const Taken&) const = default;
};
using ToSupervisor = std::variant<Launch, Kill, Shutdown, Taken>;

// --- souk-executor to agent

// First on every connection.
struct Hello {
  std::string container;
  int64_t pid = 0;  // of the souk-executor itself
  bool operator==(const Hello&) const = default;
};
struct Started {
  std::string name;
  int64_t pid = 0;
  bool operator==(const Started&) const = default;
};
struct LaunchFailed {
  std::string name;
  std::string why;
  bool operator==(const LaunchFailed&) const = default;
};
// A kill was begun because the agent asked, or (group) because another one ended badly.
struct Killing {
  std::string name;
  bool operator==(const Killing&) const = default;
};
struct Exited {
  std::string name;
  int32_t status = 0;       // as waitpid gives it
  bool kill_asked = false;  // Kill or Shutdown came before it ended
  bool operator==(const Exited&) const = default;
};
using Happening = std::variant<Started, LaunchFailed, Killing, Exited>;
// Numbered from 1 for each container; sent again after a reconnect until Taken.
struct Report {
  uint64_t number = 0;
  Happening what;
  bool operator==(const Report&) const = default;
};
using FromSupervisor = std::variant<Hello, Report>;

// --- byte form

// False, and nothing appended, if the message is longer than kMaxFrame.
bool append_frame(std::string& out, const ToSupervisor& message);
bool append_frame(std::string& out, const FromSupervisor& message);

// Both decoders take a frame without its length; an error is a text for the log.
std::expected<ToSupervisor, std::string> decode_to_supervisor(std::string_view frame);
std::expected<FromSupervisor, std::string> decode_from_supervisor(std::string_view frame);

// Cuts a stream into frames. Feed bytes as they come; next() gives one frame's body (valid until
// the next call), nothing if more bytes are needed; too_long() tells that the peer broke kMaxFrame:
// close.
class FrameReader {
 public:
  void feed(std::string_view bytes);
  std::optional<std::string_view> next();
  bool too_long() const { return too_long_; }

 private:
  std::string buffer_;
  std::size_t consumed_ = 0;
  bool too_long_ = false;
};

}  // namespace souk::protocol::supervisor
